"""The two multicast groups as a running program hears and speaks them (docs/protocol.md, "The buses")."""

import asyncio
import logging
import socket
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import TracebackType
from typing import Final, NamedTuple, Self

from agent import interfaces, netlink, sockets
from agent.clock import Clock
from agent.interfaces import BusError, Choice
from agent.membership import BusState, Membership
from agent.receiver import Receiver
from agent.sockets import Datagram
from agent.transmitter import ReceiveUnicast, Transmitter
from config.model import Group, Network
from protocol import frames
from protocol.instants import Instant
from protocol.senders import Sender

__all__ = ["Bus", "BusCounters", "BusError", "BusState", "Datagram", "Receive", "ReceiveUnicast"]

Receive = Callable[[frames.Bus, list[Datagram], Instant], None]
Wanted = Callable[[bytes], bool]
Changed = Callable[[BusState], None]

LOOK_AFTER_S: Final = 0.25
"""The kernel tells each change of an interface in several messages: wait for the last, then look once."""

log: Final = logging.getLogger("jph.bus")


class BusCounters(NamedTuple):
    """What went through a bus since it was made, in datagrams but for `rejoins`.

    `received` includes what was then `unwanted`; `kernel_dropped` never got that far.
    """

    sent: int
    send_errors: int
    received: Mapping[frames.Bus, int]
    received_unicast: int
    unwanted: int
    kernel_dropped: int
    rejoins: int


class Bus:
    """Sends on both buses and hears those of `listen`, as long as it is entered (`async with`).

    `receive(bus, datagrams, now)` is called in the loop with up to 64 datagrams a turn: `(bytes, sender)` each, own
    ones included, which come back from `Bus.address`. Of the control bus only those for which `wanted` says yes are
    handed on. Everything is sent from one port of this process, so that answers come back to it:
    `receive_unicast(datagrams, now)` gets what arrives there. Without it nobody reads that port.

    With `data_rest_s` readings are taken in lots, that long after one another, and else only when they come in a
    stream, a millisecond after one another; the control bus is always read at once.

    What the network refuses is a `state`, never an exception, and is tried again; `changed(state)` tells of it. Only
    entering raises BusError, and that only when the bus is not `patient`.
    """

    def __init__(  # noqa: PLR0913 -- what differs between agents, tools and tests is said in one place
        self,
        network: Network,
        clock: Clock,
        listen: Collection[frames.Bus],
        receive: Receive,
        *,
        receive_unicast: ReceiveUnicast | None = None,
        wanted: Wanted | None = None,
        changed: Changed | None = None,
        patient: bool = False,
        data_rest_s: float = 0.0,
    ) -> None:
        groups = {frames.Bus.CONTROL: network.control, frames.Bus.DATA: network.data}
        self._network = network
        self._clock = clock
        self._receive = receive
        self._wanted = wanted
        self._changed = changed
        self._patient = patient
        self._family = _one_family(groups.values())
        self._transmitter = Transmitter(groups, network.ttl, clock, receive_unicast, self._sending_changed)
        self._receivers = {bus: self._receiver(bus, groups[bus], data_rest_s) for bus in groups if bus in listen}
        self._membership = Membership()
        self._told: tuple[BusState, Choice | None] = (self._membership.state, None)
        self._choice: Choice | None = None
        self._bell: socket.socket | None = None
        self._look_timer: asyncio.TimerHandle | None = None
        self._silence_timer: asyncio.TimerHandle | None = None
        self._unwanted = 0
        self._joins = 0

    @property
    def state(self) -> BusState:
        """Return whether the buses work, and if not why."""
        return self._membership.state

    @property
    def address(self) -> Sender | None:
        """Return the address and port from which all that is sent here comes; None before an interface was found."""
        return self._transmitter.address

    @property
    def receive_buffer_bytes(self) -> int:
        """Return the smallest buffer that the kernel granted a bus that is heard; 0 while none is open."""
        return min((receiver.receive_buffer_bytes for receiver in self._receivers.values()), default=0)

    @property
    def counters(self) -> BusCounters:
        """Return what was counted so far."""
        return BusCounters(
            sent=self._transmitter.sent,
            send_errors=self._transmitter.errors,
            received={bus: receiver.received for bus, receiver in self._receivers.items()},
            received_unicast=self._transmitter.received,
            unwanted=self._unwanted,
            kernel_dropped=sum(receiver.kernel_dropped for receiver in self._receivers.values()),
            rejoins=max(0, self._joins - 1),
        )

    def describe(self) -> str:
        """Say in a line which interface and which groups are used, or why none is."""
        network = self._network
        where = self._choice.describe() if self._choice else f"no interface ({self.state.reason})"
        return f"{where}, control {network.control}, data {network.data}"

    async def __aenter__(self) -> Self:
        """Open the sockets and join; raises BusError when the bus is not patient and the network is not as wanted."""
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Leave the groups and give back all sockets and timers; closing twice is harmless."""
        for timer in (self._look_timer, self._silence_timer):
            if timer is not None:
                timer.cancel()
        if self._bell is not None:
            asyncio.get_running_loop().remove_reader(self._bell)
            self._bell.close()
            self._bell = None
        for receiver in self._receivers.values():
            receiver.close()
        self._transmitter.close()
        self._choice = None

    def send(self, bus: frames.Bus, datagram: bytes) -> bool:
        """Send to a group without waiting; returns whether the kernel took it, never raises for the network's sake."""
        return self._transmitter.send(bus, datagram)

    def send_to(self, address: Sender, datagram: bytes) -> bool:
        """Send to one program, as to answer it; returns whether the kernel took it."""
        return self._transmitter.send_to(address, datagram)

    def _receiver(self, bus: frames.Bus, group: Group, data_rest_s: float) -> Receiver:
        rest_s = data_rest_s if bus is frames.Bus.DATA else None
        return Receiver(group, self._clock, partial(self._heard, bus), self._receiver_broke, rest_s=rest_s)

    def _open(self) -> None:
        self._hang_up_bell()
        if self._patient:
            self._look()
        else:
            self._join(self._choose())
            self._settle()

    def _hang_up_bell(self) -> None:
        try:
            self._bell = netlink.open_bell()
        except OSError as error:
            log.warning("the kernel does not tell when an interface changes: %s", error.strerror)
        else:
            asyncio.get_running_loop().add_reader(self._bell, self._rang, self._bell)

    def _rang(self, bell: socket.socket) -> None:
        netlink.silence_bell(bell)
        self._look_in(LOOK_AFTER_S)

    def _look_in(self, delay_s: float) -> None:
        """Look after the delay at the latest."""
        loop = asyncio.get_running_loop()
        if self._look_timer is not None:
            if self._look_timer.when() <= loop.time() + delay_s:
                return
            self._look_timer.cancel()
        self._look_timer = loop.call_later(delay_s, self._look)

    def _look(self) -> None:
        """See which interface is to be used now, and join there if that is not so already."""
        self._look_timer = None
        try:
            self._join(self._choose())
        except BusError as error:
            self._failed(error)
        self._settle()

    def _choose(self) -> Choice:
        wanted, version = self._network.interface, self._family.version
        try:
            known = netlink.interfaces()
        except OSError as error:
            raise BusError(f"the network interfaces cannot be listed: {error.strerror}") from None
        default = interfaces.default_interface(version) if wanted is None else None
        current = self._choice.interface.name if self._choice else None
        return interfaces.choose(wanted, version, known, default, current)

    def _join(self, choice: Choice) -> None:
        interface = choice.interface
        if trouble := interfaces.unready(interface, self._family.version):
            raise BusError(trouble)
        if self._choice is not None and self._choice.interface == interface:
            self._transmitter.aim(interface)
            self._membership.unchanged(self._now_s())
        else:
            for receiver in self._receivers.values():
                receiver.open(interface)
            self._transmitter.aim(interface)
            self._joins += 1
            self._membership.joined(interfaces.weakness(interface))
        self._choice = choice

    def _failed(self, error: BusError) -> None:
        """Nothing is joined properly any more: the next look opens everything anew."""
        self._choice = None
        self._transmitter.rest()
        self._membership.join_failed(self._now_s(), str(error))

    def _receiver_broke(self, error: OSError) -> None:
        self._failed(BusError(f"cannot receive: {error.strerror}"))
        self._settle()

    def _sending_changed(self) -> None:
        trouble = self._transmitter.trouble
        if trouble:
            self._membership.send_failed(self._now_s(), trouble)
        else:
            self._membership.sent()
        self._settle()

    def _settle(self) -> None:
        """Tell what has changed and set the timers for what comes next."""
        self._tell()
        now_s = self._now_s()
        if self._membership.retry_at_s is not None:
            self._look_in(max(0.0, self._membership.retry_at_s - now_s))
        if self._silence_timer is None and self._choice is not None:
            self._await_silence(now_s)

    def _tell(self) -> None:
        """Say what has changed: that the buses work or do not, or that they work elsewhere."""
        state = self.state
        if (state, self._choice) == self._told:
            return
        self._told = (state, self._choice)
        if state.up:
            log.info("the buses work: %s", self.describe())
        else:
            log.warning("the buses do not work: %s", state.reason)
        if self._changed is not None:
            self._changed(state)

    def _await_silence(self, now_s: float) -> None:
        until_s = min((receiver.silent_until_s() for receiver in self._receivers.values()), default=float("inf"))
        if until_s < float("inf"):
            loop = asyncio.get_running_loop()
            self._silence_timer = loop.call_later(max(0.0, until_s - now_s), self._check_silence)

    def _check_silence(self) -> None:
        """Join again the buses on which nothing was heard for too long."""
        self._silence_timer = None
        if self._choice is None:
            return  # already trying
        try:
            self._join_the_silent_again()
        except BusError as error:
            self._failed(error)
        self._settle()

    def _join_the_silent_again(self) -> None:
        now_s = self._now_s()
        for receiver in self._receivers.values():
            if receiver.silent_until_s() <= now_s:
                self._joins += 1
                receiver.join_again()

    def _heard(self, bus: frames.Bus, datagrams: list[Datagram], now: Instant) -> None:
        if self._wanted is not None and bus is frames.Bus.CONTROL:
            wanted = self._wanted
            all_heard = len(datagrams)
            datagrams = [datagram for datagram in datagrams if wanted(datagram[0])]
            self._unwanted += all_heard - len(datagrams)
            if not datagrams:
                return
        self._receive(bus, datagrams, now)

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s


def _one_family(groups: Collection[Group]) -> sockets.Family:
    families = {sockets.family_of(group) for group in groups}
    if len(families) > 1:
        raise BusError(
            "one bus has an IPv4 address and the other an IPv6 address", "give both the same (network.control, data)"
        )
    return families.pop()
