"""The driver `pool`: what four kinds of pools say of their workers, in which unit, and when that is something new."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.driver import DriverError, Measured, Place
from drivers.pool import Pool, PoolOptions
from drivers.web.pool_answers import FORMATS, Account, account_of
from tests.drivers.devices.http import JSON, Asked, Reply, WebDevice, served
from tests.drivers.devices.pool import MiningPool, Worker
from tests.support.driven_time import ManualClock

SHARE_MS = 1_526_464_007_000  # Wed, 16 May 2018 09:46:47 GMT
SHARE_S = SHARE_MS // 1000

OpenPool = Callable[..., Pool]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def open_pool(stack: ExitStack, place: Place) -> OpenPool:
    """Give a function that runs a pool, and returns a driver that asks it, with options."""

    def open_driver(device: WebDevice, **options: Any) -> Pool:
        url = stack.enter_context(served(device)) + "/eth/api?wallet=0x03&email=me"
        return stack.enter_context(closing(Pool(PoolOptions(url=url, **options), place)))

    return open_driver


def answering(document: Any) -> WebDevice:
    return WebDevice(lambda _: Reply(json.dumps(document).encode()))


def test_dwarfpools_own_example_is_read_as_the_original_read_it(open_pool: OpenPool) -> None:
    worker = {
        "alive": True,
        "hashrate": 137.57,
        "hashrate_below_threshold": False,
        "hashrate_calculated": 781.0,
        "last_submit": "Wed, 16 May 2018 09:46:47 GMT",
        "second_since_submit": 335,
        "worker": "rig1",
    }
    account = {"error": False, "total_hashrate": 137.57, "last_payment_date": None, "workers": {"rig1": worker}}
    driver = open_pool(answering(account), format="dwarfpool", worker="rig1")
    assert driver.read() == {
        "value": Measured(137.57, None, SHARE_MS),
        "calculated": Measured(781.0, None, SHARE_MS),
    }


def test_a_worker_without_a_name_is_one(open_pool: OpenPool) -> None:
    worker = {"hashrate": 1.5, "last_submit": "Wed, 16 May 2018 09:46:47 GMT"}
    driver = open_pool(answering({"workers": {"": worker}}), format="dwarfpool", worker="")
    assert driver.read() == {"value": Measured(1.5, None, SHARE_MS)}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(("worker", "current", "long_term"), [("MAD", 24.0, 23.5), (None, 161.57, 804.5)])
def test_every_kind_of_pool_gives_a_workers_rates_and_those_of_the_account(
    open_pool: OpenPool, format_: str, worker: str | None, current: float, long_term: float
) -> None:
    if format_ == "ckpool" and worker is None:
        current = 161.6  # it writes four digits
    measured = open_pool(MiningPool(format_).device(), format=format_, worker=worker).read()
    expected = {"value": Measured(current, None, SHARE_MS), "calculated": Measured(long_term, None, SHARE_MS)}
    assert measured == {name: expected[name] for name in measured}
    assert measured.keys() == ({"value"} if format_ == "public-pool" else {"value", "calculated"})


@pytest.mark.parametrize(
    ("unit", "rate"),
    [("H/s", 24_000_000), ("kH/s", 24_000.0), ("MH/s", 24.0), ("GH/s", 0.024), ("TH/s", 0.000024), ("PH/s", 2.4e-8)],
)
@pytest.mark.parametrize("format_", FORMATS)
def test_rates_are_in_the_unit_that_is_wanted(open_pool: OpenPool, format_: str, unit: str, rate: float) -> None:
    driver = open_pool(MiningPool(format_).device(), format=format_, worker="MAD", rate_unit=unit)
    assert driver.read()["value"] == Measured(rate, None, SHARE_MS)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0", "0"),
        ("999", "999"),
        ("1.74K", "1740"),
        ("1.74M", "1.74e6"),
        ("1.74G", "1.74e9"),
        ("1.74T", "1.74e12"),
        ("596P", "596e15"),
        ("1.2E", "1.2e18"),
        ("12 T", "12e12"),
    ],
)
def test_a_suffix_stands_for_a_power_of_a_thousand(text: str, rate: str) -> None:
    assert account_of("ckpool", {"hashrate5m": text, "worker": []}).total.current == Decimal(rate)


@pytest.mark.parametrize("text", ["", "T", "1.74X", "1.74TT", "1.74t", "nan", "-", "1,5G"])
def test_any_other_suffix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number|not a finite number"):
        account_of("ckpool", {"hashrate5m": text, "worker": []})


@pytest.mark.parametrize("format_", FORMATS)
def test_without_a_new_share_there_is_no_new_reading(open_pool: OpenPool, format_: str) -> None:
    """A rate that changes by itself is the pool's arithmetic: nobody has heard of the worker."""
    pool = MiningPool(format_)
    driver = open_pool(pool.device(), format=format_, worker="AQUA")
    assert driver.read()
    pool.workers["AQUA"].current = 1_000_000
    assert driver.read() == {}
    pool.workers["AQUA"].share(SHARE_S + 90)
    assert driver.read()["value"] == Measured(1.0, None, SHARE_MS + 90_000)
    assert driver.read() == {}


@pytest.mark.parametrize("format_", FORMATS)
def test_an_answer_from_an_older_copy_is_no_new_reading(open_pool: OpenPool, format_: str) -> None:
    pool = MiningPool(format_)
    driver = open_pool(pool.device(), format=format_, worker="AQUA")
    driver.read()
    pool.workers["AQUA"].share(SHARE_S - 90)
    assert driver.read() == {}


def test_a_page_that_the_server_says_is_the_same_has_no_new_share(open_pool: OpenPool) -> None:
    pool = MiningPool("dwarfpool").device()

    def answer(asked: Asked) -> Reply:
        same = asked.headers.get("if-none-match") == '"1"'
        return Reply(status=304, headers={}) if same else pool.answer(asked)._replace(headers={**JSON, "ETag": '"1"'})

    driver = open_pool(WebDevice(answer), format="dwarfpool", worker="MAD")
    assert driver.read()
    assert driver.read() == {}


@pytest.mark.parametrize("format_", ["dwarfpool", "ckpool", "open-ethereum-pool"])
def test_a_worker_that_never_had_a_share_has_no_reading(open_pool: OpenPool, format_: str) -> None:
    pool = MiningPool(format_, {"AQUA": Worker(share_s=0)})
    assert open_pool(pool.device(), format=format_, worker="AQUA").read() == {}


@pytest.mark.parametrize("format_", FORMATS)
def test_several_workers_come_from_one_request_each_when_it_is_new(open_pool: OpenPool, format_: str) -> None:
    pool = MiningPool(format_)
    device = pool.device()
    driver = open_pool(device, format=format_, workers={"value": "AQUA", "mad": "MAD"})
    first = driver.read()
    assert {"value", "mad"} <= first.keys() <= {"value", "calculated", "mad", "mad_calculated"}
    pool.workers["MAD"].share(SHARE_S + 60, 25_000_000)
    assert driver.read()["mad"] == Measured(25.0, None, SHARE_MS + 60_000)
    pool.workers["AQUA"].share(SHARE_S + 60)
    assert "mad" not in driver.read()
    assert len(device.asked) == 3


def test_a_worker_that_the_pool_does_not_know_is_an_error_that_says_which_it_knows(open_pool: OpenPool) -> None:
    with pytest.raises(DriverError) as error:
        open_pool(MiningPool("dwarfpool").device(), format="dwarfpool", worker="aqua").read()
    assert str(error.value).endswith("/eth/api?… has no worker 'aqua'; it has 'AQUA', 'MAD'")


def test_what_is_listed_is_harmless_and_short(open_pool: OpenPool) -> None:
    workers = {f"\x1b[31m{number:02}" + "x" * 100: Worker() for number in range(12)}
    with pytest.raises(DriverError) as error:
        open_pool(MiningPool("dwarfpool", workers).device(), format="dwarfpool", worker="a").read()
    assert "it has '\\x1b[31m00xxx" in str(error.value)
    assert str(error.value).endswith("x' and 2 more")
    assert len(str(error.value)) < 600


def test_a_pool_without_workers_says_so(open_pool: OpenPool) -> None:
    with pytest.raises(DriverError, match="has no worker 'a'; it has none"):
        open_pool(answering({"workers": []}), format="public-pool", worker="a").read()


def test_one_worker_of_several_that_is_not_there_is_an_error_and_the_others_are_read(open_pool: OpenPool) -> None:
    driver = open_pool(MiningPool("ckpool").device(), format="ckpool", workers={"a": "AQUA", "b": "rig9"})
    measured = driver.read()
    assert measured.keys() == {"a", "a_calculated", "b"}
    assert str(measured["b"]).endswith("has no worker 'rig9'; it has 'AQUA', 'MAD'")
    again = driver.read()
    assert again.keys() == {"b"}
    assert isinstance(again["b"], DriverError)


@pytest.mark.parametrize(
    ("format_", "body", "said"),
    [
        ("dwarfpool", '{"error": true, "error_code": "API_FLOOD"}', "the pool refuses: API_FLOOD"),
        ("open-ethereum-pool", '{"error": "\\u001b[31m"}', "the pool refuses: \\x1b[31m"),
        ("dwarfpool", "<html>", "Expecting value"),
        ("dwarfpool", "[]", "it is '[]', and no mapping"),
        ("dwarfpool", "{}", "workers is missing, and no mapping"),
        ("dwarfpool", '{"workers": {"a": 1}}', "a is '1', and no mapping"),
        ("dwarfpool", '{"workers": {"a": {"last_submit": "soon"}}}', "last_submit is 'soon', and no date"),
        ("dwarfpool", '{"workers": {"a": {"last_submit": 7}}}', "last_submit is '7', and no date"),
        ("dwarfpool", '{"workers": {"a": {"hashrate": true}}}', "hashrate is 'True', and no rate"),
        ("dwarfpool", '{"workers": {"a": {"hashrate": 1e300}}}', "hashrate is '1e+300', and no rate"),
        ("dwarfpool", '{"workers": {"a": {"hashrate": -1}}}', "hashrate is '-1', and no rate"),
        ("ckpool", '{"worker": {}}', "worker is '{}', and no list of mappings"),
        ("ckpool", '{"worker": [{"workername": 7}]}', "workername is '7', and no text"),
        ("ckpool", '{"worker": [{"workername": "a", "lastshare": 1e300}]}', "lastshare is '1e+300', and no time"),
        ("public-pool", '{"workers": [{"name": "a", "lastSeen": "x"}]}', "lastSeen is 'x', and no date"),
        ("open-ethereum-pool", '{"workers": {"a": {"hr": NaN}}}', "nan is not a finite number"),
    ],
)
def test_what_is_no_account_is_an_error_that_names_what_is_wrong(
    open_pool: OpenPool, format_: str, body: str, said: str
) -> None:
    with pytest.raises(DriverError) as error:
        open_pool(WebDevice(lambda _: Reply(body.encode())), format=format_).read()
    assert f"answers what is no account of {format_}: {said}" in str(error.value)
    assert "see whether `url` and `format` fit together" in str(error.value)


@pytest.mark.parametrize(
    ("format_", "date"),
    [
        ("dwarfpool", "Wed, 16 May 2018 09:46:47 GMT"),
        ("dwarfpool", "Wed, 16 May 2018 09:46:47"),
        ("dwarfpool", "Wed, 16 May 2018 11:46:47 +0200"),
        ("public-pool", "2018-05-16T09:46:47.000Z"),
        ("public-pool", "2018-05-16T09:46:47"),
        ("public-pool", SHARE_MS),
    ],
)
def test_dates_are_in_utc_unless_they_say_otherwise(format_: str, date: object) -> None:
    documents = {
        "dwarfpool": {"workers": {}, "last_share_date": date},
        "public-pool": {"workers": [{"name": "a", "lastSeen": date}]},
    }
    assert account_of(format_, documents[format_]).total.heard_ms == SHARE_MS


def test_the_date_of_the_tests_is_what_they_say() -> None:
    assert datetime.fromtimestamp(SHARE_S, UTC) == datetime(2018, 5, 16, 9, 46, 47, tzinfo=UTC)


KEYS = (
    "workers worker name workername hashrate hashrate5m hashRate hr last_submit lastshare lastSeen lastBeat stats "
    "lastShare total_hashrate last_share_date currentHashrate error"
)
keys = st.sampled_from(KEYS.split())
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1T", "", "0"])
documents = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=30)


@given(st.sampled_from(sorted(FORMATS)), documents)
def test_any_document_is_an_account_or_refused_with_a_value_error(format_: str, document: object) -> None:
    with suppress(ValueError):
        assert isinstance(account_of(format_, document), Account)


def test_ten_minutes_with_one_request_in_ten_failing_give_each_share_that_was_seen_once(
    open_pool: OpenPool, clock: ManualClock
) -> None:
    """A share comes every 7 s, the pool is asked every 5 s: what two good answers both have is one reading."""
    chance = random.Random(5)
    fates = [chance.random() < 0.1 for _ in range(120)]
    shares = [SHARE_S + (number * 5) // 7 * 7 for number in range(len(fates))]
    left = iter(fates)
    pool = MiningPool("dwarfpool", fails=lambda: next(left))
    driver = open_pool(pool.device(), format="dwarfpool", worker="AQUA")
    readings, errors = [], 0
    for share_s in shares:
        pool.workers["AQUA"].share(share_s)
        clock.pass_time(5)
        try:
            readings += [value.timestamp_ms for value in driver.read().values() if isinstance(value, Measured)]
        except DriverError:
            errors += 1
    seen = sorted({share_s * 1000 for share_s, failed in zip(shares, fates, strict=True) if not failed})
    assert readings == [time_ms for time_ms in seen for _ in ("value", "calculated")]
    assert errors == sum(fates)
