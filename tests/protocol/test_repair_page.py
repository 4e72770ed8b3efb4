"""The chapters of docs/protocol.md on repair and accounts say what the code does."""

from pathlib import Path
from typing import Final

import pytest

from protocol import patience, recents, repair, responding, ring, rings, sensor_repair
from protocol.accounts import Account

PAGE: Final = Path(__file__).parents[2] / "docs" / "protocol.md"


def chapter(name: str) -> str:
    return PAGE.read_text("utf-8").partition(f"\n## {name}\n")[2].partition("\n## ")[0].replace("\n", " ")


@pytest.mark.parametrize(
    "figure",
    [
        f"from 1 to {repair.MAX_REQUESTED}",
        f"the {repair.BACKFILL} before the first one",
        f"{ring.MAX_READINGS + 1:,} to {sensor_repair.CONTINUED_WITHIN:,}",
        f"at most {repair.CONSOLE_RANGES} requests under way",
        f"leaves {repair.CONSOLE_PATIENCE} requests in a row unanswered",
        f"{patience.WAIT_S * 1000:g} ms after it noticed",
        f"awaited for {patience.ANSWER_S} s",
        f"up to {patience.RETRY_AFTER_S[-2]:g} s, and is {patience.RETRY_AFTER_S[-1]:g} s from then on",
        f"a silence of {patience.SILENT_S:g} s",
        f"at most {patience.MAX_RANGES} requests are under way",
        f"they ask for {patience.MAX_UNDER_WAY} readings",
        f"at most {repair.SINK_RANGES} under way",
        f"the last {ring.MAX_READINGS:,} and those of the last {ring.MAX_AGE_S / 3600:g} h",
        f"as many as {rings.MAX_BYTES // 2**20} MiB hold",
        f"At most {responding.PER_TURN} datagrams go out at a time",
        f"{responding.TURN_S * 1000:g} ms later at the earliest: {responding.PER_TURN / responding.TURN_S:g} a second",
        f"At most {responding.MAX_REQUESTERS} addresses",
        f"at most {responding.MAX_RANGES} requests each and {responding.MAX_RANGES_IN_ALL:,} in all",
        f"{responding.REQUESTS_PER_S:g} a second of one address",
        f"{repair.MAX_HOLES:,} ranges of a sensor, or more than its share of {repair.MAX_HOLES_IN_ALL:,}",
        f"goes back further than {recents.RECENT}",
    ],
)
def test_the_chapter_on_repair_names_the_figures_of_the_code(figure: str) -> None:
    assert figure in chapter("Repair")


def test_pauses_are_repeated_four_times_and_double() -> None:
    assert [round(pause_s, 9) for pause_s in patience.RETRY_AFTER_S] == [
        *(pause_s for doubled in range(8) for pause_s in [round(0.2 * 2**doubled, 9)] * 4),
        30.0,
    ]


@pytest.mark.parametrize("count", Account._fields[2:])
def test_the_chapter_on_accounts_has_a_row_for_every_count(count: str) -> None:
    assert f"| `{count}` |" in chapter("Accounts")
