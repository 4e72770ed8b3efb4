"""Which value of a driver is whose: every sensor's channel must be one that the driver gives, or it is never read."""

from collections.abc import Collection, Mapping

from config.document import Entry
from config.messages import at, join, suggestion
from config.model import OWN_CHANNEL, Node
from config.report import Report


def check_channels(node: Node, line: int, proxies: Mapping[str, Entry], path: str, report: Report) -> None:
    """Note the sensors of a node for which its driver has no value.

    Options tell by a method `channels()` which channels a driver with them gives; without it, and when it names none,
    they are not known before the device is read.
    """
    give = getattr(node.options, "channels", None)
    known: Collection[str] = sorted(give()) if callable(give) else ()
    if not known:
        return
    if (node.sensor.channel or not node.proxies) and (node.sensor.channel or OWN_CHANNEL) not in known:
        _refuse(node.sensor.channel or OWN_CHANNEL, known, line, path, report)
    for proxy in node.proxies:
        if proxy.channel not in known:
            place = join(join(path, "proxies"), proxy.codifier)
            _refuse(str(proxy.channel), known, proxies[proxy.codifier].line, place, report)


def _refuse(channel: str, known: Collection[str], line: int, path: str, report: Report) -> None:
    report.error(line, at(path, f"the driver gives no channel {channel!r}"), suggestion(channel, known))
