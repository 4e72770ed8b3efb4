"""A mining pool with two workers, which tells of them in each of the formats that `drivers.web.pool_answers` draws."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.drivers.devices.http import JSON, Asked, Reply, WebDevice, never

ADDRESS = "bc1qexample"


@dataclass
class Worker:
    """Hashes a second over a short and a long time, and the second of its last share; 0 when it had none."""

    current: int = 137_570_000
    long_term: int = 781_000_000
    share_s: int = 1_526_464_007  # Wed, 16 May 2018 09:46:47 GMT

    def share(self, second: int, current: int | None = None) -> None:
        """Hand in a share."""
        self.share_s = second
        self.current = self.current if current is None else current


def two() -> dict[str, Worker]:
    return {"AQUA": Worker(), "MAD": Worker(current=24_000_000, long_term=23_500_000)}


@dataclass
class MiningPool:
    """The account of two workers. `fails` tells for each request whether it goes wrong."""

    format: str
    workers: dict[str, Worker] = field(default_factory=two)
    fails: Callable[[], bool] = never

    def device(self) -> WebDevice:
        """Return what is served, under any path."""
        return WebDevice(self._answer, self.fails)

    def _answer(self, _: Asked) -> Reply:
        return Reply(json.dumps(_PAGES[self.format](self.workers)).encode(), headers=JSON)


def _together(workers: Mapping[str, Worker]) -> Worker:
    every = workers.values()
    return Worker(sum(w.current for w in every), sum(w.long_term for w in every), max(w.share_s for w in every))


def _http_date(second: int) -> str | None:
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True) if second else None


def _dwarfpool(workers: Mapping[str, Worker]) -> dict[str, Any]:
    total = _together(workers)
    return {
        "autopayout_from": "0.010",
        "error": False,
        "last_payment_date": None,
        "last_share_date": _http_date(total.share_s),
        "total_hashrate": total.current / 1e6,
        "total_hashrate_calculated": total.long_term / 1e6,
        "wallet_balance": "0.02818296",
        "workers": {
            name: {
                "alive": True,
                "hashrate": worker.current / 1e6,
                "hashrate_below_threshold": False,
                "hashrate_calculated": worker.long_term / 1e6,
                "last_submit": _http_date(worker.share_s),
                "second_since_submit": 335,
                "worker": name,
            }
            for name, worker in workers.items()
        },
    }


def suffixed(rate: int) -> str:
    """Write a rate as ckpool does: four digits at most, and a suffix."""
    for suffix, size in (("E", 10**18), ("P", 10**15), ("T", 10**12), ("G", 10**9), ("M", 10**6), ("K", 10**3)):
        if rate >= size:
            return f"{rate / size:.4g}{suffix}"
    return str(rate)


def _rates_of_ckpool(worker: Worker) -> dict[str, Any]:
    short, long_ = suffixed(worker.current), suffixed(worker.long_term)
    rates = {"hashrate1m": short, "hashrate5m": short, "hashrate1hr": long_, "hashrate1d": long_, "hashrate7d": long_}
    return {**rates, "lastshare": worker.share_s, "shares": 4711, "bestshare": 3.2}


def _ckpool(workers: Mapping[str, Worker]) -> dict[str, Any]:
    listed = [{"workername": f"{ADDRESS}.{name}", **_rates_of_ckpool(worker)} for name, worker in workers.items()]
    return {**_rates_of_ckpool(_together(workers)), "workers": len(workers), "worker": listed}


def _public_pool(workers: Mapping[str, Worker]) -> dict[str, Any]:
    """Let each worker have two connections: one with a third of its rate, which was heard of a minute earlier."""
    connections = [
        {
            "sessionId": f"{name}{number}",
            "name": name,
            "bestDifficulty": "1.00",
            "hashRate": rate,
            "startTime": "2018-05-16T00:00:00.000Z",
            "lastSeen": _iso_date(worker.share_s - before_s),
        }
        for name, worker in workers.items()
        for number, (rate, before_s) in enumerate(
            ((worker.current // 3, 60), (worker.current - worker.current // 3, 0))
        )
    ]
    return {"bestDifficulty": 1, "workersCount": len(connections), "workers": connections}


def _iso_date(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _open_ethereum_pool(workers: Mapping[str, Worker]) -> dict[str, Any]:
    total = _together(workers)
    return {
        "currentHashrate": total.current,
        "hashrate": total.long_term,
        "pageSize": 30,
        "stats": {"balance": 1, "lastShare": total.share_s},
        "workers": {
            name: {"lastBeat": worker.share_s, "hr": worker.current, "offline": False, "hr2": worker.long_term}
            for name, worker in workers.items()
        },
        "workersTotal": len(workers),
    }


_PAGES: dict[str, Callable[[Mapping[str, Worker]], dict[str, Any]]] = {
    "dwarfpool": _dwarfpool,
    "ckpool": _ckpool,
    "public-pool": _public_pool,
    "open-ethereum-pool": _open_ethereum_pool,
}
