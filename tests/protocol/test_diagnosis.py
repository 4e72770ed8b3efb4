"""When a node says what is wrong with it, and how often: in time that the test drives."""

import math

from hypothesis import given
from hypothesis import strategies as st

from protocol.diagnosed import Diagnosed
from protocol.diagnosis import REPORTS_AT_ONCE, TIMES_OVER, Diagnosis
from protocol.frames import Flag
from protocol.life import PROBE_S, frames_of
from protocol.troubles import Area, Said, Trouble, unpack
from tests.protocol.living import KEEPALIVE_S, at, flags, incumbent, newcomer, said

FULL = Said(Trouble.STORE_FULL, 7)
HANGING = Said(Trouble.DRIVER_HANGING, 1)
OVER = Said(Trouble.OVER, Trouble.STORE_FULL)


def troubled() -> Diagnosis:
    """Return a diagnosis with a full disk, of which nothing was said yet."""
    diagnosis = Diagnosis(KEEPALIVE_S)
    diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 7}, 0.0)
    return diagnosis


def test_a_node_that_is_well_has_nothing_to_say() -> None:
    diagnosis = Diagnosis(KEEPALIVE_S)
    assert not diagnosis.note(Area.STORE, {}, 0.0)
    assert (diagnosis.report(0.0), diagnosis.due_s) == ([], math.inf)


def test_a_trouble_is_said_at_once_and_again_after_the_interval() -> None:
    diagnosis = troubled()
    assert diagnosis.due_s == 0.0
    assert diagnosis.report(0.0) == [FULL]
    assert diagnosis.due_s == KEEPALIVE_S


def test_a_trouble_that_grows_is_no_news_and_said_with_its_new_amount() -> None:
    diagnosis = troubled()
    diagnosis.report(0.0)
    assert not diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 9}, 5.0)
    assert diagnosis.due_s == KEEPALIVE_S
    assert diagnosis.report(30.0) == [FULL._replace(amount=9)]


def test_a_measurement_is_no_news() -> None:
    diagnosis = Diagnosis(KEEPALIVE_S)
    assert not diagnosis.note(Area.MEASURED, {Trouble.SPOOL_WRITES: 700}, 10.0)
    assert diagnosis.due_s == 10.0 + KEEPALIVE_S
    assert diagnosis.report(20.0) == [Said(Trouble.SPOOL_WRITES, 700)]


def test_that_a_trouble_is_over_is_said_three_times() -> None:
    diagnosis = troubled()
    diagnosis.report(0.0)
    assert diagnosis.note(Area.STORE, {}, 10.0)
    assert diagnosis.due_s == 10.0
    reports = [diagnosis.report(now_s) for now_s in (10.0, 12.0, 14.0, 16.0)]
    assert reports == [[OVER]] * TIMES_OVER + [[]]
    assert diagnosis.due_s == math.inf


def test_a_trouble_that_comes_back_is_not_said_to_be_over() -> None:
    diagnosis = troubled()
    diagnosis.note(Area.STORE, {}, 1.0)
    diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 7}, 2.0)
    assert diagnosis.report(2.0) == [FULL]


def test_what_ends_in_one_area_leaves_the_others() -> None:
    diagnosis = troubled()
    diagnosis.note(Area.DRIVER, {Trouble.DRIVER_HANGING: 1}, 0.0)
    assert diagnosis.report(0.0) == [FULL, HANGING]
    diagnosis.note(Area.STORE, {}, 1.0)
    assert diagnosis.report(1.0) == [OVER, HANGING]


def test_a_report_beyond_the_pace_comes_a_second_later() -> None:
    diagnosis = troubled()
    reports = [diagnosis.report(0.0) for _ in range(10)]
    assert sum(map(bool, reports)) == REPORTS_AT_ONCE
    assert diagnosis.due_s == 1.0
    assert diagnosis.report(1.0) == [FULL]


# As part of a node's life


def ill(now_s: float) -> list[Flag]:
    """Let a settled node fall ill, and return what it says."""
    life = incumbent()
    life.diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 7}, at(now_s).monotonic_s)
    return flags(life.tick(at(now_s)))


def test_a_settled_node_says_at_once_what_is_wrong() -> None:
    assert ill(5.0) == [Flag.DIAGNOSIS]


def test_a_newcomer_says_it_when_nobody_objected() -> None:
    life = newcomer()
    life.diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 7}, at(0.2).monotonic_s)
    assert life.tick(at(0.2)) == []
    assert flags(life.tick(at(PROBE_S))) == [Flag.ALIVE, Flag.DIAGNOSIS]


def test_it_is_said_after_a_pong_and_after_a_keep_alive_to_everybody() -> None:
    life = incumbent()
    life.diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 7}, at(5).monotonic_s)
    life.tick(at(5))
    pong, diagnosis = frames_of(life.hear(said(Flag.PING), ("10.0.0.9", 1), at(10)))
    assert (pong.flag, pong.destination) == (Flag.PONG, "CC")
    assert (diagnosis.flag, diagnosis.destination, unpack(diagnosis.number)) == (Flag.DIAGNOSIS, "@@", FULL)
    assert flags(life.tick(at(PROBE_S + KEEPALIVE_S))) == [Flag.ALIVE, Flag.DIAGNOSIS]


def test_a_node_that_shows_by_its_readings_that_it_lives_says_it_once_an_interval() -> None:
    life = incumbent()
    life.diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 7}, at(5).monotonic_s)
    spoken = []
    for second in range(5, 200):
        life.read(at(second))
        spoken += [(second, flag) for flag in flags(life.tick(at(second)))]
    assert spoken == [(5, Flag.DIAGNOSIS), (65, Flag.DIAGNOSIS), (125, Flag.DIAGNOSIS), (185, Flag.DIAGNOSIS)]


def test_a_flood_of_pings_is_no_flood_of_diagnoses() -> None:
    life = incumbent()
    life.diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 7}, at(5).monotonic_s)
    spoken: list[Flag] = []
    for tenth in range(50, 150):
        spoken += flags(life.hear(said(Flag.PING, sequence=tenth), ("10.0.0.9", 1), at(tenth / 10)))
        spoken += flags(life.tick(at(tenth / 10)))
    assert spoken.count(Flag.PONG) == 100
    assert spoken.count(Flag.DIAGNOSIS) <= 10 + REPORTS_AT_ONCE


def test_a_node_that_leaves_says_nothing_more_of_itself() -> None:
    life = incumbent()
    life.diagnosis.note(Area.STORE, {Trouble.STORE_FULL: 7}, at(5).monotonic_s)
    assert flags(life.leave(at(5))) == [Flag.ALIVE]


AREAS = {Area.STORE: (Trouble.STORE_FULL, Trouble.STORE_AWAY), Area.DRIVER: (Trouble.NO_VALUE, Trouble.DRIVER_FAILING)}
FOUND = st.sampled_from(sorted(AREAS)).flatmap(
    lambda area: st.tuples(st.just(area), st.dictionaries(st.sampled_from(AREAS[area]), st.integers(1, 9)))
)


History = list[tuple[tuple[Area, dict[Trouble, int]], float]]


@given(st.lists(st.tuples(FOUND, st.floats(0.0, 5.0)), max_size=30))
def test_whoever_hears_all_reports_knows_what_is_wrong(history: History) -> None:
    diagnosis, diagnosed, now_s = Diagnosis(KEEPALIVE_S), Diagnosed(), 0.0
    found: dict[Area, dict[Trouble, int]] = {}
    for (area, troubles), pause_s in history:
        found[area] = troubles
        diagnosis.note(area, troubles, now_s)
        now_s += pause_s
        for one in diagnosis.report(now_s):
            diagnosed.take(one, math.inf)
    now_s += 10.0
    for one in diagnosis.report(now_s):
        diagnosed.take(one, math.inf)
    expected = sorted(Said(code, amount) for troubles in found.values() for code, amount in troubles.items())
    assert diagnosed.troubles() == tuple(expected)
