"""What the sensors of this process sent, and sending it to whoever did not hear it (docs/protocol.md, "Repair")."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from agent.clock import Clock
from config.model import RingLimits
from protocol.frames import Bus, ControlFrame, Flag
from protocol.gate import Gate, Mode
from protocol.instants import Instant
from protocol.responding import Responder
from protocol.rings import Rings
from protocol.senders import Sender
from protocol.sequences import after, distance

SendTo = Callable[[Sender, bytes], object]

_FLAG: Final = slice(16, 17)  # of a frame's header
_NUMBERING: Final = Flag.NUMBERING.encode()
_UNAVAILABLE: Final = Flag.UNAVAILABLE.encode()


class Repeating:
    """Keeps the readings that are sent, and answers requests for them at the pace of `protocol.responding`.

    `gate` tags what is said anew; what is kept has its tag. Its rings outlive the bus and the nodes, and so do the
    numberings, which go on after what is kept.
    """

    def __init__(self, rings: Rings, clock: Clock, gate: Gate | None = None) -> None:
        self.rings = rings
        self.responder = Responder(rings)
        self._clock = clock
        self._gate = gate or Gate(Mode.OFF)
        self._send_to: SendTo = _nowhere
        self._timer: asyncio.TimerHandle | None = None
        self._last: dict[str, int] = {}  # the last number of each sensor; also where nothing is kept any more

    def open(self, codifiers: Collection[str], send_to: SendTo) -> None:
        """Answer for these sensors from now on, and for no others."""
        self._send_to = send_to
        for codifier in codifiers:
            self.rings.open(codifier)
        for codifier in {ring.codifier for ring in self.rings} - set(codifiers):
            self.rings.close(codifier)

    def close(self) -> None:
        """Answer nothing more; what is kept stays."""
        self._send_to = _nowhere
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def last(self, codifier: str) -> int | None:
        """Return the last number that a sensor used, or None when its numbering begins."""
        return self._last.get(codifier)

    def numbers(self) -> dict[str, int]:
        """Return the last number of each sensor."""
        return dict(self._last)

    def continue_after(self, codifier: str, last: int) -> None:
        """Let a sensor's readings be numbered on after `last`: what was sent under the numbers before is not kept."""
        known = self._last.get(codifier)
        if known is None or distance(last, known) > 0:
            self._last[codifier] = last
            self.rings.skip_to(codifier, after(last))

    def keep(self, codifier: str, sequence: int, datagram: bytes, sent_s: float | None = None) -> None:
        """Keep a reading that is sent now, or was at `sent_s` (monotonic)."""
        if datagram[_FLAG] == _NUMBERING:
            return
        self._last[codifier] = sequence
        self.rings.add(datagram, self._clock.now().monotonic_s if sent_s is None else sent_s)

    def forget(self) -> None:
        """Keep nothing of what was, and let all numberings begin."""
        self._last.clear()
        for codifier in [ring.codifier for ring in self.rings]:
            self.rings.close(codifier)

    def request(self, frame: ControlFrame, sender: Sender, now: Instant) -> None:
        """Take an `R`."""
        self.responder.request(frame, sender, now)
        self._schedule(now.monotonic_s)

    def _schedule(self, now_s: float) -> None:
        if self._timer is None and self.responder.waiting and self._send_to is not _nowhere:
            delay_s = max(0.0, self.responder.due_s - now_s)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._answer)

    def _answer(self) -> None:
        self._timer = None
        now = self._clock.now()
        for address, datagram in self.responder.answers(now):
            self._send_to(address, self._gate.seal(Bus.CONTROL, datagram) if _is_new(datagram) else datagram)
        self._schedule(now.monotonic_s)


def rings_within(limits: RingLimits) -> Rings:
    """Return empty rings that keep as much as a configuration allows."""
    return Rings(limits.memory_bytes, limits.readings, limits.age_s)


def _is_new(datagram: bytes) -> bool:
    """Tell `U`, which is said now, from readings, which have their tags already."""
    return datagram[_FLAG] == _UNAVAILABLE


def _nowhere(_address: Sender, _datagram: bytes) -> None:
    """Send nothing: there is no bus."""
