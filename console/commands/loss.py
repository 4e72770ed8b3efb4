from collections.abc import Iterator, Sequence
from contextlib import closing
from enum import StrEnum
from typing import Annotated, Final

import typer

from agent.clock import SystemClock
from console import words
from console.commands.history import NodeOption, moment, where
from console.commands.options import ConfigOption, JsonOption, QuietOption, SomeCodifiers
from console.histories import Wanted, open_first
from console.output import Column, Output, Span, stdout, tell
from console.tallies import PARTS, parts_of, per_sensor, total_of, wrong_sums
from protocol.accounts import Account, hour_of

USUAL_SINCE: Final = "24h"
MOST_WRONG: Final = 12  # accounts that do not add up which are named

FIGURES: Final = ("sent", "heard", "repaired", *PARTS, "doubled", "restarts")
"""What is told of an account, in this order; the names are the keys of the JSON."""

ALWAYS: Final = frozenset({"sent", "heard", "repaired", "stored", "not_kept", "pending"})
"""Columns that are there also when they have nothing but zeros."""

UNAVAILABLE: Final = ("not_kept", "renumbered", "too_many_holes")


class By(StrEnum):
    """What each line is about."""

    SENSOR = "sensor"
    HOUR = "hour"


def loss(
    codifiers: SomeCodifiers = None,
    *,
    since: Annotated[
        float | None,
        typer.Option(metavar="WHEN", parser=moment, help="From the hour of then on: 1h, 7d, 2026-07-28; else 24h."),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="A line for each sensor, or for each of its hours.")] = By.SENSOR,
    database: Annotated[
        str | None, typer.Option(metavar="FILE", help="The file of an SQLite node; else the configuration's stores.")
    ] = None,
    node: NodeOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> int:
    """Add up what a store's accounts say: each reading that was sent is stored, or its loss has a name.

    An hour is that of the sink's clock in which a reading was heard, or noticed to be missing. What is pending is still
    asked for. Losses are no failure: the exit code is 1 when there are no accounts, and when one does not add up.
    """
    since_ms = hour_of(moment(USUAL_SINCE) if since is None else since)
    place, store = open_first(where(config, node, database, Wanted.ACCOUNTS))
    with closing(store):
        found = store.accounts(since_ms, int(SystemClock().now().wall_ms))
    accounts = [account for account in found if not codifiers or account.codifier in codifiers]
    lines = accounts if by is By.HOUR else sorted(per_sensor(accounts).values())
    (write_json if json else write_table)(stdout(), lines, by)
    if not quiet:
        tell(f"from {place.name}, since {words.date_and_time(since_ms)}: {sum_in_words(total_of(accounts))}")
    return conclude(accounts, codifiers or [])


def write_table(output: Output, accounts: Sequence[Account], by: By) -> None:
    """Print a line for each account and one for all; what nobody has has no column."""
    total = total_of(accounts)
    shown = [name for name in FIGURES if name in ALWAYS or any(getattr(account, name) for account in accounts)]
    headings = [Column("codifier"), *([Column("hour")] if by is By.HOUR else [])]
    rows = [[*_who(account, by), *_figures(account, shown)] for account in accounts]
    rows.append([*(["total", ""] if by is By.HOUR else ["total"]), *_figures(total, shown)])
    output.table((*headings, *(Column(name.replace("_", " "), right=True) for name in shown)), rows)


def _who(account: Account, by: By) -> list[Span]:
    return [account.codifier, *([words.date_and_time(account.hour_ms)[:16]] if by is By.HOUR else [])]


def _figures(account: Account, shown: Sequence[str]) -> list[Span]:
    return [str(getattr(account, name)) for name in shown]


def write_json(output: Output, accounts: Sequence[Account], by: By) -> None:
    """Print one object a line, under the keys of docs/cli.md, "loss"."""
    for account in accounts:
        hour_ms = account.hour_ms if by is By.HOUR else None
        figures = {name: getattr(account, name) for name in FIGURES}
        unavailable = {name: figures.pop(name) for name in UNAVAILABLE}
        output.json({"codifier": account.codifier, "hour_ms": hour_ms, **figures, "unavailable": unavailable})


def sum_in_words(total: Account) -> str:
    """Write that what was sent is what became of it: `12 sent = 10 stored + 2 not kept`."""
    parts = parts_of(total)
    terms = [f"{count} {name.replace('_', ' ')}" for name, count in parts.items() if count or name == "stored"]
    return f"{total.sent} sent = {' + '.join(terms)}"


def conclude(accounts: Sequence[Account], named: Sequence[str]) -> int:
    """Say of whom there is no account and which does not add up, and return the exit code."""
    known = {account.codifier for account in accounts}
    absent = [codifier for codifier in named if codifier not in known]
    if absent or not accounts:
        tell(f"there are no accounts of {words.listed(absent) or 'anybody'} in that time; --since looks further back")
    wrong = list(_wrong(accounts))
    for line in wrong[:MOST_WRONG]:
        tell(line)
    if wrong:
        sums = "1 sum does" if len(wrong) == 1 else f"{len(wrong)} sums do"
        tell(f"{sums} not hold: another program wrote to the store, or jph has a fault")
    return 1 if absent or not accounts or wrong else 0


def _wrong(accounts: Sequence[Account]) -> Iterator[str]:
    for account in accounts:
        for wrong in wrong_sums(account):
            yield f"{account.codifier}, {words.date_and_time(account.hour_ms)[:16]}: {wrong}"
