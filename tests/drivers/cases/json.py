import math
from collections.abc import Callable, Mapping

from tests.drivers.devices.http import Reply, WebDevice, served
from tests.drivers.devices.json import Arduino
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong

URL = {"url": "http://host/x"}


def start(bench: Bench) -> Mapping[str, str]:
    """Run a device that fails until it is prepared, and name its URL."""
    device = bench.made["device"] = WebDevice(lambda _: Reply(status=503))
    return {"SERVER": bench.stack.enter_context(served(device))}


def answer(body: bytes, status: int = 200) -> Callable[[Bench], object]:
    def prepare(bench: Bench) -> None:
        bench.made["device"].answer = lambda _: Reply(body, status)

    return prepare


def arduino(bench: Bench) -> None:
    bench.made["device"].answer = Arduino().device().answer


FIELDS = {"litres": "LitersPerSecond", "power": "Power", "mode": "Mode"}

CASES = [
    Case({"url": "SERVER/X", "field": "FlowPerSecond", "fields": FIELDS}, arduino, answer(b"", 500), start),
    Case({"url": "SERVER/t", "field": "a[1].b"}, answer(b'{"a": [1, {"b": 2}]}'), answer(b'{"a": [1]}'), start),
    Case({"url": "SERVER/t"}, answer(b"21.5"), answer(b""), start),
    Case({"url": "SERVER/t", "content_type": "application/json"}, answer(b"1"), answer(b"nan"), start),
    Case({"url": "SERVER/t", "repair": False}, answer(b"1"), answer(b"<html>"), start),
    Case({"url": "SERVER/t", "infinite": 0}, answer(b"inf"), answer(b"nan"), start),
]


def with_errors(errors: Errors) -> Case:
    """Let requests fail as planned."""

    def prepare(bench: Bench) -> None:
        arduino(bench)
        bench.made["device"].fails = errors

    return Case({"url": "SERVER/X", "field": "FlowPerSecond"}, prepare, set_up=start)


SOAKS = [Soak(with_errors)]

WRONG = [
    Wrong({}, "'url'"),
    Wrong({"url": "192.168.0.8/X"}, "`url` is no web address"),
    Wrong({"url": "ftp://host/X"}, "begin it with http:// or https://"),
    Wrong({"url": "http:///X"}, "`url` is no web address"),
    Wrong({"url": "http://host:x/"}, "`url`: Port could not be cast"),
    Wrong({"url": "http://me:secret@host/"}, "`url` has a user in it"),
    Wrong({**URL, "headers_file": "secret"}, "`headers_file` is 'secret'"),
    Wrong({**URL, "verify": "ca.pem"}, "`verify` is 'ca.pem'"),
    Wrong({**URL, "field": "a["}, "`field` is 'a['"),
    Wrong({**URL, "field": ""}, "`field` is empty"),
    Wrong({**URL, "fields": {"a": "b c"}}, "`fields.a` is 'b c'"),
    Wrong({**URL, "field": "a", "fields": {"value": "b"}}, "`field` and `fields.value`"),
    Wrong({**URL, "infinite": math.inf}, "infinite"),
    Wrong({**URL, "timeout": "soon"}, "options.timeout"),
    Wrong({**URL, "colour": "red"}, "'colour'"),
]
