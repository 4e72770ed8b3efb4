"""The speed of a fan by a temperature."""

import logging
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.driver import Latest, NoNetwork, Place
from drivers.fans.curve import Curve, CurveOptions, Guide, Speed

POINTS = [[30, 20], [45, 60], [60, 100]]
temperatures = st.floats(min_value=-50, max_value=150)


@dataclass
class Heard(NoNetwork):
    """A network on which one sensor is heard, or nobody."""

    latest_of_a4: Latest | None = None

    def latest(self, codifier: str) -> Latest | None:
        assert codifier == "A4"
        return self.latest_of_a4

    def hear(self, value: float | str, age_s: float = 0) -> None:
        self.latest_of_a4 = Latest(value, 1_700_000_000_000, age_s)


def options(**more: Any) -> CurveOptions:
    return msgspec.convert({"input": "A4", "points": POINTS, **more}, CurveOptions)


@pytest.fixture
def network() -> Heard:
    return Heard()


@pytest.fixture
def guide(place: Place, network: Heard) -> Guide:
    return Guide(options(), replace(place, network=network), 100)


@pytest.mark.parametrize(
    ("temperature", "percent"), [(-10, 20), (30, 20), (37.5, 40), (45, 60), (50, 73.3), (60, 100), (99, 100)]
)
def test_it_is_linear_between_the_points_and_level_beyond_them(temperature: float, percent: float) -> None:
    assert Curve(options()).percent(temperature) == percent


def test_it_follows_a_rise_at_once_and_a_fall_when_it_is_more_than_the_hysteresis() -> None:
    curve = Curve(options(points=[[0, 0], [100, 100]], hysteresis=2))
    given_temperatures = [40, 50, 49, 48, 47, 48.5, 50, 30]
    assert [curve.percent(each) for each in given_temperatures] == [40, 50, 50, 50, 49, 49, 50, 32]


def test_without_hysteresis_it_follows_a_fall_at_once() -> None:
    curve = Curve(options(hysteresis=0))
    assert [curve.percent(each) for each in (45, 37.5, 30)] == [60, 40, 20]


@given(st.lists(temperatures, min_size=1, max_size=20))
def test_it_is_never_below_what_the_temperature_asks_for(course: list[float]) -> None:
    curve = Curve(options())
    for temperature in course:
        assert curve.percent(temperature) >= Curve(options()).percent(temperature)


@given(st.lists(temperatures, min_size=2, max_size=20))
def test_more_warmth_is_never_less_speed(course: list[float]) -> None:
    percents = [Curve(options()).percent(temperature) for temperature in sorted(course)]
    assert all(one <= other for one, other in pairwise(percents))


def test_a_small_swing_around_a_temperature_does_not_move_the_fan() -> None:
    curve = Curve(options(hysteresis=2))
    assert len({curve.percent(45 + swing) for swing in (0, -1.5, 0, -1, -2, 0)}) == 1


def test_it_follows_the_newest_reading_of_a_sensor(guide: Guide, network: Heard) -> None:
    network.hear(45)
    assert guide.speed() == Speed(60, "curve")


def test_a_reading_counts_until_it_is_too_old(guide: Guide, network: Heard) -> None:
    network.hear(45, age_s=60)
    assert guide.speed() == Speed(60, "curve")
    network.hear(45, age_s=60.1)
    assert guide.speed() == Speed(100, "no input")


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ((), "nothing was heard of A4"),
        ((45, 95.2), "the last reading of A4 is 95 s old"),
        (("warm", 0), "A4 gives text, not a temperature"),
    ],
)
def test_without_a_temperature_the_fan_gets_its_safe_speed_and_that_is_said_once(
    guide: Guide, network: Heard, caplog: pytest.LogCaptureFixture, heard: Any, said: str
) -> None:
    if heard:
        network.hear(*heard)
    assert [guide.speed(), guide.speed()] == [Speed(100, "no input")] * 2
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"FK: the fan gets its safe speed of 100 %: {said}; ")


def test_that_there_is_a_temperature_again_is_said(
    guide: Guide, network: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    guide.speed()
    network.hear(30)
    assert guide.speed() == Speed(20, "curve")
    guide.speed()
    assert [record.getMessage() for record in caplog.records][1:] == ["FK: the fan follows its curve again"]


def test_a_loss_of_input_is_said_each_time_that_it_begins(
    guide: Guide, network: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    guide.speed()
    network.hear(30)
    guide.speed()
    network.hear(30, age_s=1000)
    guide.speed()
    assert len(caplog.records) == 2


@pytest.fixture
def file_guide(place: Place, tmp_path: Any) -> Guide:
    return Guide(options(input="/temp", scale=0.001), replace(place, root=tmp_path), 80)


def test_it_follows_a_file_whose_number_is_scaled(file_guide: Guide, tmp_path: Any) -> None:
    (tmp_path / "temp").write_text("45000\n")
    assert file_guide.speed() == Speed(60, "curve")
    (tmp_path / "temp").write_text("60000\n")
    assert file_guide.speed() == Speed(100, "curve")


@pytest.mark.parametrize("text", [None, "", "hot", "nan"])
def test_a_file_without_a_number_gives_the_safe_speed(file_guide: Guide, tmp_path: Any, text: str | None) -> None:
    if text is not None:
        (tmp_path / "temp").write_text(text)
    assert file_guide.speed() == Speed(80, "no input")
