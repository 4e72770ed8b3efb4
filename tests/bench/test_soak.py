"""What a soak leaves behind: figures without those that nobody knows, and tables with a line for each scenario."""

from datetime import UTC, datetime

import pytest

from bench import soak, table
from bench.figures import Measurement
from bench.machine import this_machine
from bench.runs import Measured, Run, sum_up
from tests.netns.scenarios import Cost

QUIET = Cost(
    sent=100,
    lost=0,
    repaired=0,
    gone=0,
    named=0,
    repair_p50_s=None,
    repair_p99_s=None,
    settled_s=1.5,
    requests_per_lost=None,
    extra_datagrams=0.02,
    extra_bytes=0.025,
    ring_bytes=22.5,
)
LOSSY = Cost(
    sent=1200,
    lost=240,
    repaired=239,
    gone=1,
    named=3,
    repair_p50_s=0.25,
    repair_p99_s=0.75,
    settled_s=2.0,
    requests_per_lost=1.5,
    extra_datagrams=0.5,
    extra_bytes=0.55,
    ring_bytes=21.5,
)


def measured(title: str, cost: Cost) -> Measured:
    found = soak.samples(cost)
    figures = tuple(figure for figure in soak.FIGURES if figure.key in found)
    measurement = Measurement("soak.x", title, figures, lambda: found, lambda: found)
    return sum_up(measurement, found, datetime(2026, 11, 29, tzinfo=UTC), 1.0, 0.5)


BOTH = {"soak.quiet": measured("no loss", QUIET), "soak.lossy": measured("loss", LOSSY)}


def test_shares_are_told_in_percent() -> None:
    assert list(soak.samples(LOSSY)["extra_percent"]) == [50.0]


def test_what_nobody_knows_because_nothing_was_lost_is_left_out() -> None:
    unknown = {figure.key for figure in soak.FIGURES} - soak.samples(QUIET).keys()
    assert unknown == {"p50_s", "p99_s", "requests_each"}


def test_the_terminal_has_a_line_for_each_scenario() -> None:
    header, quiet, lossy = (line.split() for line in table.matrix_lines(BOTH.values()))
    assert header == [figure.key for figure in soak.FIGURES]
    assert lossy == ["loss", "1,200", "240", "239", "1", "0.25", "0.75", "2", "1.5", "50", "55", "21.5"]
    assert quiet == ["no", "loss", "100", "0", "0", "0", "1.5", "2", "2.5", "22.5"]


def test_the_page_has_one_table_for_all_scenarios() -> None:
    page = table.markdown(Run(this_machine(), BOTH))
    assert "| loss | 1,200 | 240 | 239 | 1 |" in page
    assert "| no loss | 100 | 0 | 0 | 0 |" in page
    assert page.count("## ") == 1


def test_a_name_that_is_no_scenario_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["cutt"]) == 2
    assert capsys.readouterr().err.startswith("there is no scenario cutt; there are: loss-0, loss-5,")
