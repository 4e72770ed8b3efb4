"""Hash rates that a mining pool measured: a reading is as old as the last share, and there is one for each."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from drivers.driver import OWN_CHANNEL, DriverError, Measured, Measurements, Place
from drivers.outcomes import unless_all_failed
from drivers.text.decimals import scaled, to_number
from drivers.text.json_text import parse
from drivers.web.answers import Answer
from drivers.web.page import PageOptions, WebPage
from drivers.web.pool_answers import ONLY_CURRENT, Account, Rate, account_of
from protocol.printable import visible

_CALCULATED: Final = "calculated"
_UNITS: Final = {
    unit: Decimal(1000) ** -power for power, unit in enumerate(("H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s"))
}


class PoolOptions(PageOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the pool tells of an account, how it does so, and whose rates are wanted: one worker's, several, or all."""

    format: Annotated[
        Literal["dwarfpool", "ckpool", "public-pool", "open-ethereum-pool"],
        msgspec.Meta(description="how the pool answers: `dwarfpool`, `ckpool`, `public-pool` or `open-ethereum-pool`"),
    ]
    worker: Annotated[
        str | None, msgspec.Meta(description="whose rate is wanted; without it, that of the whole account")
    ] = None
    workers: Annotated[
        dict[str, str], msgspec.Meta(description="several channels, each with the name of its worker")
    ] = msgspec.field(default_factory=dict)
    rate_unit: Annotated[
        Literal["H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s"],
        msgspec.Meta(description="the unit of the readings, from `H/s` to `PH/s`"),
    ] = "MH/s"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.worker is not None and self.workers:
            raise ValueError("`worker` and `workers` cannot be used together")
        for channel in self.workers:
            if long_term(channel) in self.workers:
                raise ValueError(f"`workers.{long_term(channel)}`: the long-term rate of {channel} has this channel")

    def channels(self) -> frozenset[str]:
        """Return one or two channels for each worker that is named, or for the account."""
        own = frozenset(self.wanted())
        return own if self.format in ONLY_CURRENT else own | {long_term(channel) for channel in own}

    def units(self) -> Mapping[str, str]:
        """Return the unit that was chosen, for all."""
        return dict.fromkeys(self.channels(), self.rate_unit)

    def wanted(self) -> Mapping[str, str | None]:
        """Return the worker of each channel; None is the whole account."""
        return self.workers or {OWN_CHANNEL: self.worker}


def long_term(channel: str) -> str:
    """Return the channel that has a worker's rate over a longer time."""
    return _CALCULATED if channel == OWN_CHANNEL else f"{channel}_{_CALCULATED}"


class Pool:
    """Asks a pool for an account, and gives the rates of workers that had a share since."""

    Options: ClassVar[type[msgspec.Struct]] = PoolOptions

    def __init__(self, options: PoolOptions, place: Place) -> None:
        self._options = options
        self._page = WebPage(options, place)
        self._heard_ms: dict[str, int] = {}  # by channel: when its worker was last heard of

    def read(self) -> Measurements:
        """Return the rates of workers that were heard of since the last read; raises DriverError."""
        answer = self._page.get()
        account = self._account(answer)
        wanted = self._options.wanted()
        missing = {channel: worker for channel, worker in wanted.items() if worker not in (None, *account.workers)}
        errors = {channel: _missing(str(worker), account, answer) for channel, worker in missing.items()}
        rates = {channel: _of(account, worker) for channel, worker in wanted.items() if channel not in missing}
        return {**errors, **self._new(rates)} if rates else unless_all_failed(errors)

    def close(self) -> None:
        """End the request that is under way."""
        self._page.close()

    def _account(self, answer: Answer) -> Account:
        try:
            return account_of(self._options.format, parse(answer.body, repair=False))
        except ValueError as error:
            message = f"{answer.source} answers what is no account of {self._options.format}: {error}"
            raise DriverError(message, "see whether `url` and `format` fit together") from error

    def _new(self, rates: Mapping[str, Rate]) -> dict[str, Measured | DriverError]:
        new = {channel: rate for channel, rate in rates.items() if self._is_new(channel, rate)}
        self._heard_ms |= {channel: rate.heard_ms or 0 for channel, rate in new.items()}
        return {name: measured for channel, rate in new.items() for name, measured in self._measured(channel, rate)}

    def _is_new(self, channel: str, rate: Rate) -> bool:
        """Tell whether a worker was heard of since its last reading; also an answer from an old copy is nothing new."""
        return rate.heard_ms is not None and rate.heard_ms > self._heard_ms.get(channel, 0)

    def _measured(self, channel: str, rate: Rate) -> Iterator[tuple[str, Measured]]:
        factor = _UNITS[self._options.rate_unit]
        for name, hashes in ((channel, rate.current), (long_term(channel), rate.long_term)):
            if hashes is not None:
                yield name, Measured(to_number(scaled(hashes, factor, Decimal())), timestamp_ms=rate.heard_ms)


def _of(account: Account, worker: str | None) -> Rate:
    return account.total if worker is None else account.workers[worker]


def _missing(worker: str, account: Account, answer: Answer) -> DriverError:
    return DriverError(f"{answer.source} has no worker {_listed([worker])}; it has {_listed(account.workers)}")


def _listed(names: Collection[str]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(f"'{visible(name[:_LONGEST_NAME])}'" for name in sorted(names)[:_MOST_NAMES]) + more


_MOST_NAMES: Final = 10  # of workers, in a message
_LONGEST_NAME: Final = 40  # characters
