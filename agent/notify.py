"""What systemd is told: ready, stopping, and that the event loop still turns (sd_notify(3))."""

import asyncio
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Speaks to the service manager when there is one; does nothing otherwise."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._watchdog_s = _watchdog_s(environment)

    def tell(self, state: str) -> None:
        """Send a state such as `READY=1`. A manager that went away, or is busy, is no reason to stop or to wait."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
            try:
                manager.sendto(state.encode(), address)
            except OSError:
                return

    async def keep_watchdog(self) -> None:
        """Show that the loop makes progress, twice in each watchdog interval, until cancelled."""
        while self._watchdog_s:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_s / 2)


def _watchdog_s(environment: Mapping[str, str]) -> float:
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    return int(environment.get("WATCHDOG_USEC", "0")) / 1_000_000
