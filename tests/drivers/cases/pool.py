from collections.abc import Callable, Mapping

from tests.drivers.devices.http import Asked, Reply, WebDevice, served
from tests.drivers.devices.pool import MiningPool
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong

URL = {"url": "http://host/x"}
FORMATS = ("dwarfpool", "ckpool", "public-pool", "open-ethereum-pool")


def start(bench: Bench) -> Mapping[str, str]:
    """Run a pool that fails until it is prepared, and name its URL."""
    device = bench.made["device"] = WebDevice(lambda _: Reply(status=503))
    return {"SERVER": bench.stack.enter_context(served(device))}


def pool(format_: str) -> Callable[[Bench], object]:
    def prepare(bench: Bench) -> None:
        bench.made["device"].answer = MiningPool(format_).device().answer

    return prepare


def nothing_new(_: Bench) -> None:
    """Let the pool answer as before: without a share since then there is no reading."""


def away(bench: Bench) -> None:
    bench.made["device"].answer = lambda _: Reply(status=502)


CASES = [
    *(Case({"url": "SERVER/", "format": name, "worker": "AQUA"}, pool(name), nothing_new, start) for name in FORMATS),
    *(Case({"url": "SERVER/", "format": name}, pool(name), away, start) for name in FORMATS),
    Case(
        {"url": "SERVER/", "format": "dwarfpool", "workers": {"value": "MAD", "aqua": "AQUA"}},
        pool("dwarfpool"),
        nothing_new,
        start,
    ),
]


def with_errors(errors: Errors) -> Case:
    """Let requests fail as planned; each that does not has a new share."""
    pool = MiningPool("ckpool")
    device = pool.device()

    def answer(asked: Asked) -> Reply:
        worker = pool.workers["AQUA"]
        worker.share(worker.share_s + 1)
        return device.answer(asked)

    def prepare(bench: Bench) -> None:
        bench.made["device"].answer = answer
        bench.made["device"].fails = errors

    return Case({"url": "SERVER/", "format": "ckpool", "worker": "AQUA"}, prepare, set_up=start)


SOAKS = [Soak(with_errors)]

WRONG = [
    Wrong({"format": "ckpool"}, "'url'"),
    Wrong(URL, "'format'"),
    Wrong({**URL, "format": "ethermine"}, "options.format"),
    Wrong({**URL, "format": "ckpool", "worker": "a", "workers": {"b": "b"}}, "`worker` and `workers`"),
    Wrong({**URL, "format": "ckpool", "workers": {"a": "a", "a_calculated": "b"}}, "`workers.a_calculated`"),
    Wrong({**URL, "format": "ckpool", "rate_unit": "sol/s"}, "options.rate_unit"),
    Wrong({"url": "host", "format": "ckpool"}, "`url` is no web address"),
    Wrong({**URL, "format": "ckpool", "colour": "red"}, "'colour'"),
]
