"""What each driver costs: every driver is measured, with options that it takes, and docs/drivers.md has the figures."""

from pathlib import Path

import msgspec
import pytest

from bench import drivers
from bench.drivers import OPTIONS, PAGE, TABLE, measured_drivers, page_table, write_page
from bench.figures import CannotMeasureError
from bench.runs import Measured, Result, newest
from config.check import build
from config.document import parse
from config.report import Report
from drivers.registry import driver_class


def test_every_driver_has_its_line_and_no_other_has() -> None:
    assert sorted(OPTIONS) == measured_drivers()


@pytest.mark.parametrize("name", OPTIONS)
def test_its_options_are_those_of_the_driver(name: str) -> None:
    report = Report(name)
    assert (
        build(driver_class(name).Options, parse(msgspec.json.encode(OPTIONS[name]), report), "options", report)
        is not None
    )


def test_a_driver_without_a_line_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "OPTIONS", {})
    with pytest.raises(CannotMeasureError, match=r"no options for .*control, .*add a line to OPTIONS"):
        drivers.MEASUREMENT.quick()


def test_the_page_has_the_newest_figures() -> None:
    run = newest()
    assert run is not None
    assert page_table(run.measurements["drivers"]) in PAGE.read_text("utf-8"), "python -m bench.drivers writes them"


def test_a_table_has_a_row_for_each_driver_in_order_of_its_memory() -> None:
    assert page_table(measured()) == (
        "| driver | memory | start | processor time |\n"
        "|---|---:|---:|---:|\n"
        "| `light` | 0.2 MiB | 0 ms | 20 ms |\n"
        "| `heavy` | 12.3 MiB | 120 ms | 240 ms |\n"
    )


def test_the_table_of_a_page_is_written_anew_and_all_else_stays(tmp_path: Path) -> None:
    page = tmp_path / "drivers.md"
    text = PAGE.read_text("utf-8")
    page.write_text(TABLE.sub("| driver | memory |\n|---|\n| old |\n", text), "utf-8")
    write_page(page)
    assert page.read_text("utf-8") == text


def measured() -> Measured:
    values = {"bare": (26.0, 190.0, 90.0), "heavy": (12.34, 123.0, 240.0), "light": (0.21, -3.0, 20.0)}
    keys = ("rss_mib", "start_ms", "cpu_ms")
    figures = {
        f"{name}_{key}": Result(value, value, value, 1, "", "")
        for name, costs in values.items()
        for key, value in zip(keys, costs, strict=True)
    }
    return Measured("drivers", "2026-11-29T10:00:00+00:00", 1.0, 0.5, figures)
