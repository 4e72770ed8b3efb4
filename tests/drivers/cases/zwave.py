from collections.abc import Mapping

from tests.drivers.devices.zwave import ZwaveServer
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong

POWER = "2-50-0-value-66049"


def begin(bench: Bench) -> Mapping[str, str]:
    """Start a server that is not ready yet."""
    server = bench.made["server"] = ZwaveServer()
    bench.stack.callback(server.close)
    server.is_ready = False
    return {"URL": server.url}


def become_ready(bench: Bench) -> None:
    bench.made["server"].is_ready = True


def go_away(bench: Bench) -> None:
    bench.made["server"].close()


def let_polls_fail(bench: Bench) -> None:
    bench.made["server"].fails = lambda: True


CASES = [
    Case({"url": "URL", "value": POWER}, become_ready, go_away, begin),
    Case(
        {"url": "URL", "value": POWER, "channels": {"energy": "2-50-0-value-65537"}},
        become_ready,
        let_polls_fail,
        begin,
    ),
    Case(
        {"url": "URL", "node": 2, "index": 4, "instance": 1, "channels": {"W2": {"node": 3, "index": 8}}},
        become_ready,
        let_polls_fail,
        begin,
    ),
]


def with_errors(errors: Errors) -> Case:
    """Let polls of a device fail."""

    def become_ready_and_fail(bench: Bench) -> None:
        become_ready(bench)
        bench.made["server"].fails = errors

    return Case({"url": "URL", "value": POWER}, become_ready_and_fail, set_up=begin)


SOAKS = [Soak(with_errors)]

WRONG = [
    Wrong({"url": "127.0.0.1:3000"}, "`url` is '127.0.0.1:3000': write ws://HOST:PORT"),
    Wrong({"url": "http://127.0.0.1:3000"}, "`url` is 'http://127.0.0.1:3000'"),
    Wrong({"url": "ws://me:secret@127.0.0.1:3000"}, "`url` has a user in it"),
    Wrong({"value": "power"}, "`value` is 'power': write node-class-endpoint-property-key"),
    Wrong({"channels": {"energy": "2"}}, "`channels.energy` is '2'"),
    Wrong({"channels": {"energy": {"node": 2}}}, "options.channels.energy: 'index' is missing"),
    Wrong({"node": 2}, "`node` and `index` belong together"),
    Wrong({"index": 8}, "`node` and `index` belong together"),
    Wrong({"node": 0, "index": 8}, "options.node"),
    Wrong({"node": 2, "index": -1}, "options.index"),
    Wrong({"node": 2, "index": 8, "instance": 0}, "options.instance"),
    Wrong({"value": POWER, "node": 2, "index": 8}, "`value` and `node` cannot be used together"),
    Wrong({"value": POWER, "channels": {"value": POWER}}, "`value` and `channels.value` cannot be used together"),
    Wrong({"poll": "sometimes"}, "options.poll"),
    Wrong({"timeout": "soon"}, "options.timeout"),
    Wrong({"colour": "red"}, "'colour'"),
]
