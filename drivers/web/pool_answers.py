"""What mining pools answer: the hash rates of an account's workers, and when each of them was last heard of.

    format              where           name        rate             long-term rate            last heard of      in
    dwarfpool           workers.NAME                hashrate         hashrate_calculated       last_submit        MH/s
                        (account)                   total_hashrate   total_hashrate_calculated last_share_date
    ckpool              worker[]        workername  hashrate5m       hashrate1hr               lastshare          H/s
                        (account)                   hashrate5m       hashrate1hr               lastshare
    public-pool         workers[]       name        hashRate                                   lastSeen           H/s
                        (account)                   the sum                                    the latest
    open-ethereum-pool  workers.NAME                hr               hr2                       lastBeat           H/s
                        (account)                   currentHashrate  hashrate                  stats.lastShare

Dates: `Wed, 16 May 2018 09:46:47 GMT` (dwarfpool), `2026-01-02T03:04:05.678Z` (public-pool), else seconds since 1970.
Rates of ckpool are text with a suffix, `1.74T`, and its names are `ADDRESS.NAME`. public-pool lists the connections of
its workers, which may have several.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from drivers.text.decimals import exact, parse, scaled
from drivers.web.answers import http_date
from protocol.printable import visible


class Rate(NamedTuple):
    """How fast a worker was when it was last heard of (ms since 1970-01-01 UTC), by the pool's short and long measure.

    Rates are in hashes a second. What the pool does not say is None.
    """

    current: Decimal | None
    long_term: Decimal | None
    heard_ms: int | None


class Account(NamedTuple):
    """All workers together, and each by its name."""

    total: Rate
    workers: Mapping[str, Rate]


_SUFFIXES: Final = {suffix: Decimal(1000) ** power for power, suffix in enumerate(("", *"KMGTPEZ"))}
_SUFFIXED: Final = re.compile(rf"(?P<number>.*?) ?(?P<suffix>[{''.join(_SUFFIXES)}]?)", re.DOTALL)
_MEGA: Final = Decimal(10) ** 6
_FASTEST: Final = Decimal(10) ** 30  # hashes a second: what is more is none, and its sum may be no number


def account_of(format_: str, document: Any) -> Account:
    """Find the rates in what a pool answered in one of FORMATS; raises ValueError when something else is there."""
    if not isinstance(document, Mapping):
        raise _no("it", document, "mapping")
    if document.get("error"):
        said = document.get("error_code") or document["error"]
        raise ValueError(f"the pool refuses: {visible(str(said)[:_QUOTED])}")
    total, workers = FORMATS[format_](document)
    heard_ms = total.heard_ms or _together(workers.values()).heard_ms
    return Account(total._replace(heard_ms=heard_ms), workers)


def _dwarfpool(document: Mapping[str, Any]) -> Account:
    def rate(found: Mapping[str, Any], prefix: str, date: str) -> Rate:
        current, long_term = (_rate(found, prefix + name) for name in ("hashrate", "hashrate_calculated"))
        return Rate(_times(current, _MEGA), _times(long_term, _MEGA), _http_date(found, date))

    workers = _mapping(document, "workers")
    named = {name: rate(_mapping(workers, name), "", "last_submit") for name in workers}
    return Account(rate(document, "total_", "last_share_date"), named)


def _ckpool(document: Mapping[str, Any]) -> Account:
    def rate(found: Mapping[str, Any]) -> Rate:
        return Rate(_rate(found, "hashrate5m"), _rate(found, "hashrate1hr"), _seconds(found, "lastshare"))

    named = ((_text(worker, "workername"), rate(worker)) for worker in _list(document, "worker"))
    return Account(rate(document), {name.partition(".")[2]: found for name, found in named})


def _public_pool(document: Mapping[str, Any]) -> Account:
    connections: dict[str, list[Rate]] = {}
    for worker in _list(document, "workers"):
        rate = Rate(_rate(worker, "hashRate"), None, _iso_date(worker, "lastSeen"))
        connections.setdefault(_text(worker, "name"), []).append(rate)
    return Account(
        _together(rate for rates in connections.values() for rate in rates),
        {name: _together(rates) for name, rates in connections.items()},
    )


def _open_ethereum_pool(document: Mapping[str, Any]) -> Account:
    workers = _mapping(document, "workers")
    named = {name: _beating(_mapping(workers, name)) for name in workers}
    stats = document.get("stats")
    heard_ms = _seconds(stats, "lastShare") if isinstance(stats, Mapping) else None
    return Account(Rate(_rate(document, "currentHashrate"), _rate(document, "hashrate"), heard_ms), named)


def _beating(worker: Mapping[str, Any]) -> Rate:
    return Rate(_rate(worker, "hr"), _rate(worker, "hr2"), _seconds(worker, "lastBeat"))


FORMATS: Final[Mapping[str, Callable[[Mapping[str, Any]], Account]]] = {
    "dwarfpool": _dwarfpool,
    "ckpool": _ckpool,
    "public-pool": _public_pool,
    "open-ethereum-pool": _open_ethereum_pool,
}
"""How each kind of pool is read."""

ONLY_CURRENT: Final = frozenset({"public-pool"})
"""The formats without a long-term rate."""


def _together(rates: Iterable[Rate]) -> Rate:
    """Add up the connections of one worker, or of an account."""
    several = list(rates)
    current = [rate.current for rate in several if rate.current is not None]
    heard_ms = [rate.heard_ms for rate in several if rate.heard_ms is not None]
    return Rate(sum(current, Decimal()) if current else None, None, max(heard_ms, default=None))


def _rate(found: Mapping[str, Any], key: str) -> Decimal | None:
    """Read a rate: a number, or text with a suffix, 1.74T for 1.74 * 10**12."""
    said = found.get(key)
    if said is None:
        return None
    rate = _number(key, said)
    if not 0 <= rate < _FASTEST:
        raise _no(key, said, "rate")
    return rate


def _number(key: str, said: object) -> Decimal:
    if isinstance(said, int | float) and not isinstance(said, bool):
        return exact(said)
    match = _SUFFIXED.fullmatch(said) if isinstance(said, str) else None
    if match is None:
        raise _no(key, said, "rate")
    return scaled(parse(match["number"]), _SUFFIXES[match["suffix"]], Decimal())


def _times(rate: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if rate is None else scaled(rate, factor, Decimal())


def _seconds(found: Mapping[str, Any], key: str) -> int | None:
    """Read seconds since 1970; 0 is never."""
    said = found.get(key)
    if said is None or said == 0:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said < _LATEST_S:
        raise _no(key, said, "time")
    return round(said * 1000)


def _http_date(found: Mapping[str, Any], key: str) -> int | None:
    return _date(found, key, http_date)


def _iso_date(found: Mapping[str, Any], key: str) -> int | None:
    """Read a date such as 2026-01-02T03:04:05.678Z, or milliseconds since 1970."""
    said = found.get(key)
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < _LATEST_S * 1000:
        return round(said)
    return _date(found, key, datetime.fromisoformat)


def _date(found: Mapping[str, Any], key: str, read: Callable[[str], datetime]) -> int | None:
    """Return ms since 1970-01-01 UTC. A date that does not name its zone is in UTC."""
    said = found.get(key)
    if said is None or said == "":
        return None
    try:
        date = read(said) if isinstance(said, str) else None
        ms = round(date.replace(tzinfo=date.tzinfo or UTC).timestamp() * 1000) if date else 0
    except (ValueError, OverflowError):
        ms = 0
    if not 0 < ms < _LATEST_S * 1000:
        raise _no(key, said, "date")
    return ms


def _mapping(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = found.get(key)
    if not isinstance(inner, Mapping):
        raise _no(key, inner, "mapping")
    return inner


def _list(found: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    inner = found.get(key)
    if not isinstance(inner, list) or not all(isinstance(item, Mapping) for item in inner):
        raise _no(key, inner, "list of mappings")
    return iter(inner)


def _text(found: Mapping[str, Any], key: str) -> str:
    inner = found.get(key)
    if not isinstance(inner, str):
        raise _no(key, inner, "text")
    return inner


def _no(key: str, said: object, wanted: str) -> ValueError:
    said = "missing" if said is None else f"'{visible(str(said)[:_QUOTED])}'"
    return ValueError(f"{visible(key[:_QUOTED])} is {said}, and no {wanted}")


_QUOTED: Final = 40  # characters of what a pool says, in a message
_LATEST_S: Final = 253_402_300_800  # the year 10000: what comes later is in other units
