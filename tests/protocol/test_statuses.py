"""What an operator may believe of a sensor's last value, as time passes and its node comes and goes."""

import pytest

from protocol.alarms import Alarms, Condition
from protocol.events import Event, EventKind
from protocol.frames import Flag
from protocol.members import MISSED_KEEPALIVES, Status
from protocol.profiles import NodeProfile, SensorProfile
from tests.protocol.listening import CONFIG_MS, WALL_MS, Listener, configured, kinds

HOUR_S = 3600.0


def with_alarms(hits: int = 1) -> Listener:
    alarms = Alarms(Condition(">", 70), Condition(">", 80), hysteresis=2, hits=hits)
    return Listener([NodeProfile("C1")], [SensorProfile("C1", "C1", 20.0, alarms)])


# Silence


def test_a_codifier_that_nobody_knows_is_unheard() -> None:
    assert Listener().status("X9") is Status.UNHEARD


def test_a_sensor_is_unheard_until_its_first_reading() -> None:
    listener = configured()
    assert listener.status() is Status.UNHEARD
    listener.says(Flag.NEW)
    assert listener.status() is Status.UNHEARD
    listener.reads()
    assert listener.status() is Status.OK


def test_a_value_is_stale_when_its_sensor_was_silent_for_longer_than_its_timeout() -> None:
    listener = configured(timeout_s=20)
    listener.says(Flag.NEW)
    listener.reads()
    listener.wait(20)
    assert listener.status() is Status.OK
    listener.wait(0.001)
    assert listener.status() is Status.STALE


def test_a_reading_makes_a_stale_value_good_again() -> None:
    listener = configured()
    listener.reads()
    listener.wait(1000)
    listener.reads()
    assert listener.status() is Status.OK


def test_each_sensor_has_its_own_age() -> None:
    listener = configured(timeout_s=20)
    listener.reads(codifier="C1")
    listener.wait(15)
    listener.reads(codifier="F2")
    listener.wait(10)
    assert (listener.status("C1"), listener.status("F2")) == (Status.STALE, Status.OK)


def test_a_sensor_is_gone_when_its_node_was_silent_for_some_keep_alive_intervals() -> None:
    listener = configured(keepalive_s=60)
    listener.says(Flag.NEW)
    listener.reads()
    listener.wait(60 * MISSED_KEEPALIVES)
    assert listener.status() is Status.STALE
    listener.wait(0.001)
    assert listener.status() is Status.GONE


def test_a_sensor_that_was_never_heard_is_gone_with_its_node() -> None:
    listener = configured()
    listener.says(Flag.NEW)
    listener.wait(HOUR_S)
    assert listener.status("F2") is Status.GONE


def test_a_value_within_its_timeout_is_good_although_its_node_missed_its_keep_alives() -> None:
    listener = configured(keepalive_s=1, timeout_s=20)
    listener.says(Flag.NEW)
    listener.reads()
    listener.wait(19)
    assert listener.status() is Status.OK


def test_readings_of_a_proxy_show_that_the_node_is_there() -> None:
    listener = configured(keepalive_s=60, timeout_s=20)
    listener.says(Flag.NEW)
    listener.reads(codifier="C1")
    for _ in range(60):
        listener.wait(10)
        listener.reads(codifier="F2")
    assert listener.status("C1") is Status.STALE


def test_a_value_that_is_no_number_makes_nothing_good() -> None:
    listener = configured()
    listener.reads_float(float("nan"))
    assert listener.status() is Status.UNHEARD
    listener.reads()
    listener.wait(21)
    listener.reads_float(float("nan"))
    assert listener.status() is Status.STALE


# Halt


def test_all_sensors_of_a_halted_node_are_halted_at_once() -> None:
    listener = configured()
    listener.says(Flag.NEW)
    listener.reads(codifier="C1")
    listener.wait(1)
    listener.says(Flag.ALIVE, active=False)
    assert (listener.status("C1"), listener.status("F2")) == (Status.HALTED, Status.HALTED)


def test_a_halted_sensor_stays_halted_while_its_node_says_so() -> None:
    listener = configured(keepalive_s=60)
    listener.reads()
    for _ in range(100):
        listener.says(Flag.ALIVE, active=False)
        listener.wait(60)
        assert listener.status() is Status.HALTED


def test_a_halted_sensor_whose_node_falls_silent_is_gone() -> None:
    listener = configured()
    listener.says(Flag.ALIVE, active=False)
    listener.wait(HOUR_S)
    assert listener.status() is Status.GONE


def test_a_sensor_that_is_started_again_shows_its_age_and_then_its_reading() -> None:
    listener = configured(timeout_s=20)
    listener.reads()
    listener.says(Flag.ALIVE, active=False)
    listener.wait(30)
    listener.says(Flag.ALIVE, active=True)
    assert listener.status() is Status.STALE
    listener.reads()
    assert listener.status() is Status.OK


def test_a_halted_control_sensor_that_is_set_shows_its_value_until_that_is_old() -> None:
    listener = configured(timeout_s=20)
    listener.says(Flag.ALIVE, active=False)
    listener.wait(5)
    listener.reads(80)
    assert listener.status() is Status.OK
    listener.wait(21)
    assert listener.status() is Status.HALTED


def test_a_node_that_was_started_again_unheard_does_not_stay_halted_while_its_readings_come() -> None:
    listener = configured()
    listener.says(Flag.ALIVE, active=False)
    for _ in range(100):
        listener.wait(5)
        listener.reads()
        assert listener.status() is Status.OK


# Alarms


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([70], Status.OK),
        ([71], Status.WARNING),
        ([81], Status.CRITICAL),
        ([81, 79], Status.CRITICAL),
        ([81, 78], Status.WARNING),
        ([81, 68], Status.OK),
        (["hot"], Status.OK),
        ([10**500], Status.CRITICAL),
        ([-(10**500)], Status.OK),
    ],
)
def test_a_value_in_alarm_is_shown_as_such(values: list[int | str], status: Status) -> None:
    listener = with_alarms()
    for value in values:
        listener.reads(value)
    assert listener.status() is status


def test_a_stale_value_is_stale_however_alarming_it_was() -> None:
    listener = with_alarms()
    listener.reads(81)
    listener.wait(21)
    assert listener.status() is Status.STALE


def test_a_late_reading_does_not_change_an_alarm() -> None:
    listener = with_alarms()
    listener.reads(81, sequence=12)
    listener.reads(20, sequence=11, timestamp_ms=int(WALL_MS) - 1)
    assert listener.status() is Status.CRITICAL


def test_a_configuration_that_is_read_again_unchanged_keeps_an_alarm_raised() -> None:
    listener = with_alarms(hits=3)
    alarms = Alarms(Condition(">", 70), Condition(">", 80), hysteresis=2, hits=3)
    for _ in range(3):
        listener.reads(81)
    listener.roster.expect([NodeProfile("C1")], [SensorProfile("C1", "C1", 20.0, alarms)])
    assert listener.status() is Status.CRITICAL


def test_changed_alarms_begin_anew_and_removed_ones_are_gone() -> None:
    listener = with_alarms()
    listener.reads(81)
    listener.roster.expect([], [SensorProfile("C1", "C1", 20.0, Alarms(Condition(">", 90)))])
    assert listener.status() is Status.OK
    listener.reads(91)
    assert listener.status() is Status.WARNING
    listener.roster.expect([], [SensorProfile("C1", "C1", 20.0)])
    assert listener.status() is Status.OK


# Events


def test_a_change_of_status_is_told_once() -> None:
    listener = configured()
    assert listener.tick() == []
    listener.reads()
    assert listener.tick() == [Event(WALL_MS, EventKind.STATUS, "C1", "unheard -> ok")]
    assert listener.tick() == []


def test_the_way_from_alive_to_gone_is_told_step_by_step() -> None:
    listener = configured(keepalive_s=60, timeout_s=20)
    listener.says(Flag.NEW)
    listener.reads()
    listener.reads(codifier="F2")
    listener.tick()
    told = []
    for _ in range(200):
        listener.wait(1)
        told += [event.detail for event in listener.tick() if event.codifier == "C1"]
    assert told == ["ok -> stale", "stale -> gone"]


def test_an_alarm_is_told() -> None:
    listener = with_alarms()
    details = []
    for value in (60, 75, 85, 60):
        listener.reads(value)
        details += [event.detail for event in listener.tick()]
    assert details == ["unheard -> ok", "ok -> warning", "warning -> critical", "critical -> ok"]


# Clocks


@pytest.mark.parametrize("step_s", [-HOUR_S, HOUR_S])
def test_a_step_of_this_computers_wall_clock_changes_no_age_and_no_status(step_s: float) -> None:
    listener = configured()
    listener.says(Flag.NEW)
    listener.reads()
    listener.says(Flag.ALIVE, active=True)
    listener.tick()
    listener.wait(5)
    listener.step_wall_clock(step_s)
    assert listener.tick() == []
    assert listener.sensor().age_s(listener.now.monotonic_s) == 5
    assert not listener.node().is_gone(listener.now.monotonic_s)


def test_a_step_of_this_computers_wall_clock_changes_no_round_trip() -> None:
    listener = configured()
    listener.roster.pinged("C1", 7.0, listener.now)
    listener.wait(0.001)
    listener.step_wall_clock(-HOUR_S)
    listener.says(Flag.PONG, 7.0, destination="CC")
    assert listener.node().round_trips.last_ms == pytest.approx(1.0)


def test_a_sensor_whose_clock_steps_an_hour_back_is_read_on() -> None:
    listener = configured()
    listener.reads(1)
    for value in (2, 3):
        listener.wait(5)
        listener.reads(value, timestamp_ms=int(listener.now.wall_ms - HOUR_S * 1000))
    assert listener.sensor().value == 3
    assert listener.status() is Status.OK


# Configuration


def test_what_was_heard_before_it_was_configured_is_kept() -> None:
    listener = Listener()
    listener.reads(21.5, "F2")
    listener.says(Flag.NEW)
    listener.roster.expect([NodeProfile("C1", 10.0)], [SensorProfile("F2", "C1", 5.0)])
    assert listener.sensor("F2").value == 21.5
    assert (listener.node().keepalive_s, listener.sensor("F2").node) == (10.0, "C1")
    assert listener.node().config_time_ms == CONFIG_MS
    listener.wait(6)
    assert listener.status("F2") is Status.STALE


def test_a_sensor_without_configuration_belongs_to_the_node_of_its_own_codifier() -> None:
    listener = Listener()
    listener.says(Flag.NEW, source="X9")
    listener.reads(codifier="X9")
    listener.wait(1)
    assert kinds(listener.says(Flag.ALIVE, source="X9", active=False)) == [EventKind.HALTED]
    assert listener.status("X9") is Status.HALTED
