"""Sends numbers to a group, a hundred a second, until it is ended: `python -m tests.netns.beacon ADDRESS PORT`."""

import sys
import time
from itertools import count

from agent import interfaces, netlink, sockets
from config.model import Group
from tests.netns.hosts import INTERFACE


def main(address: str, port: str) -> None:
    """Send from eth0 for as long as somebody lets it."""
    group = Group(address, int(port))
    version = sockets.family_of(group).version
    interface = interfaces.choose(INTERFACE, version, netlink.interfaces(), default=None).interface
    destination = sockets.destination((group.address, group.port), interface)
    with sockets.open_sender(group, interface, ttl=1) as sender:
        sockets.aim(sender, group, interface)
        for number in count():
            sender.sendto(str(number).encode(), destination)
            time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
