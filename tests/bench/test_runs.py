"""What a run leaves behind: a file by day and machine, and the page that people read."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bench import table
from bench.figures import Figure, Measurement, at_least
from bench.machine import Machine, this_machine
from bench.runs import Measured, Run, newest, save, sum_up

SUNDAY = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MACHINE = Machine("x86_64-2-cores", "a processor", 2, "6.1", "CPython 3.11.7")
OTHER_MACHINE = Machine("aarch64-4-cores", "another processor", 4, "6.6", "CPython 3.11.2")
SPEED = Figure("speed", "frames/s", "frames that go by", at_least(1000))
LOSS = Figure("lost", "frames", "frames that do not")


def measured(speed: float = 1234.56, at: datetime = SUNDAY) -> Measured:
    samples = {"speed": [speed - 1, speed, speed + 100], "lost": [0.0]}
    measurement = Measurement("post", "The post", (SPEED, LOSS), lambda: samples, lambda: samples)
    return sum_up(measurement, measurement.full(), at, seconds=1.26, load_average=0.5)


def test_a_figure_has_its_median_range_unit_and_whether_its_budget_is_met() -> None:
    speed = measured().figures["speed"]
    assert (speed.value, speed.minimum, speed.maximum, speed.rounds) == (1235.0, 1234.0, 1335.0, 3)
    assert (speed.unit, speed.budget, speed.met) == ("frames/s", "at least 1,000", True)
    assert measured(900).figures["speed"].met is False


def test_a_figure_without_a_budget_neither_meets_nor_misses_one() -> None:
    lost = measured().figures["lost"]
    assert (lost.budget, lost.met) == (None, None)


def test_a_file_is_named_by_its_day_and_the_kind_of_machine(tmp_path: Path) -> None:
    assert save(MACHINE, {"post": measured()}, SUNDAY, tmp_path).name == "2026-11-22-x86_64-2-cores.json"


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    save(MACHINE, {"post": measured()}, SUNDAY, tmp_path)
    assert newest(tmp_path) == Run(MACHINE, {"post": measured()})


def test_a_file_tells_machine_budgets_and_figures_by_name(tmp_path: Path) -> None:
    document = msgspec.json.decode(save(MACHINE, {"post": measured()}, SUNDAY, tmp_path).read_bytes())
    assert document["machine"]["cpu"] == "a processor"
    assert document["measurements"]["post"]["figures"]["speed"] == {
        "value": 1235.0,
        "minimum": 1234.0,
        "maximum": 1335.0,
        "rounds": 3,
        "unit": "frames/s",
        "meaning": "frames that go by",
        "budget": "at least 1,000",
        "met": True,
    }


def test_the_newest_day_counts(tmp_path: Path) -> None:
    save(MACHINE, {"post": measured()}, SUNDAY, tmp_path)
    save(MACHINE, {"post": measured(2000, MONDAY)}, MONDAY, tmp_path)
    run = newest(tmp_path)
    assert run is not None
    assert run.measurements["post"].figures["speed"].value == 2000


def test_what_was_not_measured_again_is_kept_with_its_own_time(tmp_path: Path) -> None:
    save(MACHINE, {"post": measured(), "rail": measured()}, SUNDAY, tmp_path)
    save(MACHINE, {"post": measured(2000, MONDAY)}, MONDAY, tmp_path)
    run = newest(tmp_path)
    assert run is not None
    assert {name: one.at for name, one in run.measurements.items()} == {
        "post": "2026-11-23T10:00:00+00:00",
        "rail": "2026-11-22T10:00:00+00:00",
    }


def test_figures_of_another_machine_are_not_kept(tmp_path: Path) -> None:
    save(OTHER_MACHINE, {"rail": measured()}, SUNDAY, tmp_path)
    save(MACHINE, {"post": measured()}, MONDAY, tmp_path)
    run = newest(tmp_path)
    assert run is not None
    assert list(run.measurements) == ["post"]


def test_nothing_was_measured_where_there_is_no_file(tmp_path: Path) -> None:
    assert newest(tmp_path) is None


def test_this_machine_is_described() -> None:
    machine = this_machine()
    assert machine.kind.endswith(f"-{machine.cores}-cores")
    assert machine.python.split()[1].count(".") == 2


def test_the_page_has_a_row_for_each_figure() -> None:
    page = table.markdown(Run(MACHINE, {"post": measured()}))
    assert "| frames that go by | 1,235 frames/s | 1,234 to 1,335 | at least 1,000 | yes |" in page
    assert "| frames that do not | 0 frames |  |  |  |" in page
    assert "Budgets that are missed: none." in page


def test_the_page_begins_with_what_is_missed() -> None:
    page = table.markdown(Run(MACHINE, {"post": measured(900)}))
    assert "Budgets that are missed: `post.speed` (900, budget at least 1,000)." in page
    assert "| at least 1,000 | **no** |" in page


def test_the_terminal_is_told_the_same() -> None:
    title, speed, _ = table.lines(measured(900))
    assert title == "The post (1 s)"
    assert " ".join(speed.split()) == "900 frames/s 899 to 1,000 frames that go by at least 1,000: MISSED"


@pytest.mark.parametrize(("value", "text"), [(0.41441, "0.4144"), (12.0, "12"), (98196.4, "98,196"), (0.0, "0")])
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    assert table.number(value) == text
