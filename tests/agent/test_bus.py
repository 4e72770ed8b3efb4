"""The buses on loopback: real sockets, of this process and of others, as the programs of a host share them."""

import asyncio
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import sockets
from agent.bus import Bus as BusSockets
from agent.bus import BusError, BusState
from agent.clock import SystemClock
from agent.interfaces import Choice
from config.model import Group, Network
from protocol.frames import Bus
from tests.support.driven_time import DrivenLoop
from tests.support.hearing import Hearing

IP_RECVTTL = 12  # ip(7)
CONTROL, DATA = Bus.CONTROL, Bus.DATA
BOTH = frozenset(Bus)
UP = BusState(up=True)
PROJECT = Path(__file__).parents[2]
MOST_BUFFER_BYTES = int(Path("/proc/sys/net/core/rmem_max").read_text("ascii"))

Make = Callable[..., BusSockets]


@pytest.fixture
async def hearing() -> Hearing:
    """Return ears for a bus."""
    return Hearing()


@pytest.fixture
def bus_on(network: Network, hearing: Hearing) -> Make:
    """Return a way to make buses on this test's network, whose ears are `hearing` unless said otherwise."""

    def make(network: Network = network, hearing: Hearing = hearing, **options: Any) -> BusSockets:
        options = {"clock": SystemClock(), "listen": BOTH, "changed": hearing.changed, **options}
        return BusSockets(network, receive=hearing.receive, **options)

    return make


def plain_receiver(group: Group, *, shared: bool) -> socket.socket:
    """Open a socket as other programs do, on the wildcard address, with SO_REUSEADDR or without."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setblocking(False)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(shared))
    receiver.bind(("", group.port))
    loopback = struct.pack("=4s4si", socket.inet_aton(group.address), bytes(4), 1)
    receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, loopback)
    return receiver


@pytest.mark.parametrize(("ttl", "reach"), [(0, 1), (1, 1), (2, 2), (64, 64)])
async def test_an_answer_reaches_no_further_than_the_groups_do(
    bus_on: Make, network: Network, ttl: int, reach: int
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        asking.bind(("127.0.0.1", 0))
        async with bus_on(msgspec.structs.replace(network, ttl=ttl)) as bus:
            assert bus.send_to(asking.getsockname(), b"answer") is True
        _, [(_, _, content)], _, _ = asking.recvmsg(100, socket.CMSG_SPACE(4))
    assert struct.unpack("=i", content) == (reach,)


@pytest.mark.parametrize("bus", Bus)
async def test_what_is_sent_on_a_bus_is_heard_on_it_with_its_sender(bus_on: Make, hearing: Hearing, bus: Bus) -> None:
    async with bus_on() as sockets_of_ours:
        assert sockets_of_ours.send(bus, b"reading") is True
        [heard] = await hearing.number(1)
    assert (heard.bus, heard.datagram, heard.sender) == (bus, b"reading", sockets_of_ours.address)


async def test_a_turn_has_the_instant_at_which_it_was_heard(bus_on: Make, hearing: Hearing) -> None:
    clock = SystemClock()
    async with bus_on() as bus:
        before = clock.now()
        bus.send(DATA, b"reading")
        [heard] = await hearing.number(1)
    assert before.monotonic_s <= heard.now.monotonic_s <= clock.now().monotonic_s


async def test_two_programs_of_a_host_hear_each_other(bus_on: Make, hearing: Hearing) -> None:
    other_hearing = Hearing()
    async with bus_on() as ours, bus_on(hearing=other_hearing) as other:
        ours.send(CONTROL, b"ping")
        await other_hearing.number(1)
        other.send(CONTROL, b"pong")
        await hearing.number(2)
    assert [heard.sender for heard in hearing.heard] == [ours.address, other.address]
    assert ours.address != other.address


async def test_both_buses_are_sent_to_from_one_port(bus_on: Make, hearing: Hearing) -> None:
    async with bus_on() as bus:
        bus.send(CONTROL, b"1")
        bus.send(DATA, b"2")
        assert {heard.sender for heard in await hearing.number(2)} == {bus.address}


async def test_the_source_on_loopback_is_the_address_of_loopback(bus_on: Make) -> None:
    async with bus_on() as bus:
        assert bus.address is not None
        assert bus.address[0] == "127.0.0.1"


async def test_who_listens_on_control_only_hears_no_data_but_sends_it(bus_on: Make, hearing: Hearing) -> None:
    other_hearing = Hearing()
    async with bus_on(listen={CONTROL}) as agent, bus_on(hearing=other_hearing):
        agent.send(DATA, b"reading")
        agent.send(CONTROL, b"alive")
        await hearing.number(1)
        await other_hearing.number(2)
    assert [heard.bus for heard in hearing.heard] == [CONTROL]


async def test_groups_on_one_port_are_told_apart_by_their_address(
    bus_on: Make, hearing: Hearing, network: Network
) -> None:
    one_port = Network(
        control=network.control, data=Group(network.data.address, network.control.port), interface="lo", ttl=1
    )
    async with bus_on(one_port) as bus:
        bus.send(CONTROL, b"c")
        bus.send(DATA, b"d")
        heard = await hearing.number(2)
    assert {(one.bus, one.datagram) for one in heard} == {(CONTROL, b"c"), (DATA, b"d")}


async def test_groups_on_one_address_are_told_apart_by_their_port(
    bus_on: Make, hearing: Hearing, network: Network
) -> None:
    one_address = Network(
        control=network.control, data=Group(network.control.address, network.data.port), interface="lo", ttl=1
    )
    async with bus_on(one_address) as bus:
        bus.send(CONTROL, b"c")
        bus.send(DATA, b"d")
        heard = await hearing.number(2)
    assert {(one.bus, one.datagram) for one in heard} == {(CONTROL, b"c"), (DATA, b"d")}


async def test_what_waits_is_fetched_in_turns_of_at_most_64_and_in_order(bus_on: Make, hearing: Hearing) -> None:
    datagrams = [str(number).encode() for number in range(150)]
    async with bus_on() as bus:
        for datagram in datagrams:
            bus.send(DATA, datagram)
        await hearing.number(150)
    assert hearing.turns == [64, 64, 22]
    assert hearing.datagrams == datagrams


async def test_timers_run_between_the_turns(bus_on: Make, hearing: Hearing) -> None:
    async with bus_on() as bus:
        for _ in range(150):
            bus.send(DATA, b"reading")
        turns_so_far = []
        for _ in range(4):
            await asyncio.sleep(0)
            turns_so_far.append(len(hearing.turns))
        await hearing.number(150)
    assert max(after - before for before, after in pairwise(turns_so_far)) == 1


async def test_unwanted_control_datagrams_are_counted_and_not_handed_on(bus_on: Make, hearing: Hearing) -> None:
    async with bus_on(wanted=lambda datagram: datagram.startswith(b"C1")) as bus:
        for datagram in (b"C1 ping", b"C2 ping", b"C1 halt"):
            bus.send(CONTROL, datagram)
        bus.send(DATA, b"C2 reading")
        await hearing.number(3)
        assert set(hearing.datagrams) == {b"C1 ping", b"C1 halt", b"C2 reading"}
        assert (bus.counters.unwanted, bus.counters.received) == (1, {CONTROL: 3, DATA: 1})


async def test_a_turn_of_which_nothing_is_wanted_is_no_turn(bus_on: Make, hearing: Hearing) -> None:
    async with bus_on(wanted=lambda _: False) as bus:
        bus.send(CONTROL, b"for others")
        bus.send(DATA, b"reading")
        await hearing.number(1)
    assert hearing.turns == [1]


@pytest.mark.parametrize(("sent_bytes", "heard_bytes"), [(0, 0), (1, 1), (1200, 1200), (2048, 2048), (60_000, 2048)])
async def test_a_datagram_of_any_size_is_handed_on_up_to_2048_bytes(
    bus_on: Make, hearing: Hearing, sent_bytes: int, heard_bytes: int
) -> None:
    async with bus_on() as bus:
        bus.send(CONTROL, bytes(sent_bytes))
        [heard] = await hearing.number(1)
    assert len(heard.datagram) == heard_bytes


async def test_an_answer_comes_back_by_unicast(bus_on: Make, hearing: Hearing) -> None:
    asking = Hearing()
    async with bus_on() as agent, bus_on(hearing=asking, listen=(), receive_unicast=asking.receive_unicast) as sink:
        sink.send(CONTROL, b"repeat")
        [asked] = await hearing.number(1)
        assert agent.send_to(asked.sender, b"reading") is True
        [answer] = await asking.number(1)
    assert (answer.bus, answer.datagram, answer.sender) == (None, b"reading", agent.address)
    assert sink.counters.received_unicast == 1


async def test_unicast_that_nobody_wants_stays_unread(bus_on: Make, hearing: Hearing) -> None:
    async with bus_on() as bus:
        assert bus.address is not None
        bus.send_to(bus.address, b"to nobody")
        bus.send(CONTROL, b"to all")
        await hearing.number(1)
        assert bus.counters.received_unicast == 0


async def test_unicast_to_the_port_of_a_group_is_not_heard(bus_on: Make, hearing: Hearing, network: Network) -> None:
    async with bus_on() as bus:
        bus.send_to(("127.0.0.1", network.control.port), b"past the group")
        bus.send(CONTROL, b"to the group")
        await hearing.number(1)
    assert hearing.datagrams == [b"to the group"]


async def test_a_datagram_to_a_port_without_a_program_troubles_nobody(bus_on: Make, hearing: Hearing) -> None:
    async with bus_on(receive_unicast=hearing.receive_unicast) as bus:
        assert bus.send_to(("127.0.0.1", 9), b"anybody?") is True
        assert bus.send(CONTROL, b"here") is True
        await hearing.number(1)
        assert bus.state == UP


async def test_an_address_that_cannot_be_reached_says_nothing_about_the_buses(bus_on: Make) -> None:
    async with bus_on() as bus:
        assert bus.send_to(("0.0.0.0", 0), b"nowhere") is False  # noqa: S104 -- it is sent to, not listened on
        assert bus.state == UP
        assert bus.counters.send_errors == 1


async def test_a_datagram_that_is_too_long_for_udp_is_refused_without_trouble(bus_on: Make) -> None:
    async with bus_on() as bus:
        assert bus.send(DATA, bytes(70_000)) is False
        assert bus.state == UP
        assert (bus.counters.sent, bus.counters.send_errors) == (0, 1)


async def test_nothing_is_sent_before_the_bus_is_entered_and_after_it_was_left(bus_on: Make) -> None:
    bus = bus_on()
    assert bus.send(CONTROL, b"too early") is False
    async with bus:
        assert bus.send(CONTROL, b"in time") is True
    assert bus.send(CONTROL, b"too late") is False
    assert bus.send_to(("127.0.0.1", 9), b"too late") is False
    assert (bus.counters.sent, bus.counters.send_errors) == (1, 3)


async def test_closing_twice_is_harmless(bus_on: Make) -> None:
    async with bus_on() as bus:
        bus.close()
        bus.close()
    bus.close()


async def test_what_the_kernel_drops_is_counted(bus_on: Make, hearing: Hearing) -> None:
    sent = 500
    async with bus_on() as bus:
        buffer = bus._receivers[DATA]._socket
        assert buffer is not None
        buffer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        for _ in range(sent):
            bus.send(DATA, bytes(100))
        bus.send(CONTROL, b"last")
        await hearing.until(lambda: b"last" in hearing.datagrams)
        counters = bus.counters
    assert counters.received[DATA] + counters.kernel_dropped == sent
    assert counters.kernel_dropped > 0
    assert bus.counters.kernel_dropped == counters.kernel_dropped, "also when it is closed"


async def test_the_receive_buffer_is_8_mib_or_what_the_kernel_allows(bus_on: Make) -> None:
    async with bus_on() as bus:
        granted = bus.receive_buffer_bytes
    assert granted in (sockets.RECEIVE_BUFFER_BYTES, min(sockets.RECEIVE_BUFFER_BYTES, MOST_BUFFER_BYTES))
    assert bus.receive_buffer_bytes == 0, "nothing is open any more"


UNPRIVILEGED = """
import os, sys
from agent import interfaces, netlink, sockets
from config.model import Group
if os.geteuid() == 0:
    os.setuid(65534)
loopback = interfaces.choose("lo", 4, netlink.interfaces(), default=None).interface
with netlink.open_bell(), sockets.open_receiver(Group(sys.argv[1], int(sys.argv[2])), loopback) as receiver:
    print(sockets.receive_buffer_bytes(receiver))
"""


async def test_without_privileges_everything_works_with_the_buffer_that_anybody_gets(network: Network) -> None:
    group = network.data
    command = (sys.executable, "-c", UNPRIVILEGED, group.address, str(group.port))
    process = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert int(output) == min(sockets.RECEIVE_BUFFER_BYTES, MOST_BUFFER_BYTES)


async def test_what_is_not_left_to_the_kernel_is_set(bus_on: Make) -> None:
    async with bus_on() as bus:
        sender = bus._transmitter._socket
        assert sender is not None
        assert sender.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 1
        assert sender.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP) == 1


async def test_an_error_in_the_receiver_of_one_turn_does_not_stop_the_next(bus_on: Make, hearing: Hearing) -> None:
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context["exception"]))

    def receive(bus: Bus, datagrams: Any, now: Any) -> None:
        hearing.receive(bus, datagrams, now)
        if datagrams[0][0] == b"bad":
            raise ValueError(datagrams)

    bus = bus_on(listen={DATA})
    bus._receive = receive
    async with bus:
        bus.send(DATA, b"bad")
        await hearing.number(1)
        bus.send(DATA, b"good")
        await hearing.number(2)
    assert [type(error) for error in errors] == [ValueError]


async def test_a_program_that_shares_its_port_may_be_there_before_and_after(
    bus_on: Make, hearing: Hearing, network: Network
) -> None:
    """As the programs of the original system do: SO_REUSEADDR, bound to the wildcard address."""
    with plain_receiver(network.data, shared=True) as before:
        async with bus_on() as bus:
            with plain_receiver(network.data, shared=True) as after:
                bus.send(DATA, b"reading")
                await hearing.number(1)
                assert before.recv(100) == after.recv(100) == b"reading"


async def test_a_program_that_does_not_share_its_port_is_an_error_that_says_how_to_find_it(
    bus_on: Make, network: Network
) -> None:
    with plain_receiver(network.data, shared=False), pytest.raises(BusError) as caught:
        await bus_on().__aenter__()
    assert caught.value.message == f"UDP port {network.data.port} is taken by another program that does not share it"
    assert caught.value.hint == f"find it with: ss -ulpn 'sport = :{network.data.port}'"


async def test_for_a_patient_bus_a_taken_port_is_a_state_that_ends_with_the_other_program(
    bus_on: Make, hearing: Hearing, network: Network, driven_time: DrivenLoop
) -> None:
    other_program = plain_receiver(network.data, shared=False)
    async with bus_on(patient=True, clock=driven_time.clock) as bus:
        with other_program:
            await driven_time.advance(100)
            assert bus.state.reason.startswith(f"UDP port {network.data.port} is taken")
            assert bus.send(DATA, b"reading") is False
        await driven_time.advance(30)
        assert bus.state == UP
        assert bus.send(DATA, b"reading") is True
        await hearing.number(1)


async def test_an_unknown_interface_is_an_error(bus_on: Make, network: Network) -> None:
    with pytest.raises(BusError, match='no interface "eth77"'):
        await bus_on(Network(control=network.control, data=network.data, interface="eth77")).__aenter__()


async def test_for_a_patient_bus_an_unknown_interface_is_a_state(bus_on: Make, network: Network) -> None:
    elsewhere = Network(control=network.control, data=network.data, interface="eth77")
    async with bus_on(elsewhere, patient=True) as bus:
        assert bus.state.reason.startswith('no interface "eth77"')
        assert bus.describe().startswith('no interface (no interface "eth77"')
        assert bus.send(CONTROL, b"alive") is False
        assert bus.address is None


async def test_an_interface_is_looked_for_with_growing_patience(network: Network, driven_time: DrivenLoop) -> None:
    start_s = driven_time.clock.monotonic_s
    looked_after_s = []

    class Looking(BusSockets):
        def _choose(self) -> Choice:
            looked_after_s.append(driven_time.clock.monotonic_s - start_s)
            return super()._choose()

    elsewhere = Network(control=network.control, data=network.data, interface="eth77")
    async with Looking(elsewhere, driven_time.clock, BOTH, lambda *_: None, patient=True):
        await driven_time.advance(100)
    assert looked_after_s == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5]


async def test_after_closing_nothing_is_tried_again(bus_on: Make, network: Network, driven_time: DrivenLoop) -> None:
    elsewhere = Network(control=network.control, data=network.data, interface="eth77")
    async with bus_on(elsewhere, patient=True, clock=driven_time.clock) as bus:
        pass
    await driven_time.advance(1000)
    assert bus.receive_buffer_bytes == 0


async def test_an_error_of_a_receiving_socket_opens_it_anew(
    bus_on: Make, hearing: Hearing, driven_time: DrivenLoop
) -> None:
    async with bus_on(clock=driven_time.clock) as bus:
        broken = bus._receivers[DATA]._socket
        assert broken is not None
        bus._receiver_broke(OSError(103, os.strerror(103)))
        assert bus.state.reason == "cannot receive: Software caused connection abort"
        await driven_time.advance(1)
        bus.send(DATA, b"reading")
        await hearing.number(1)
        assert (bus.state, bus.counters.rejoins) == (UP, 1)
        assert hearing.states == [UP, BusState(up=False, reason=hearing.states[1].reason), UP]


async def test_silence_on_loopback_is_no_reason_to_join_again(bus_on: Make, driven_time: DrivenLoop) -> None:
    async with bus_on(clock=driven_time.clock) as bus:
        await driven_time.advance(1000)
        assert bus.counters.rejoins == 0


async def test_each_change_of_the_state_is_logged_once(
    bus_on: Make, network: Network, caplog: pytest.LogCaptureFixture, driven_time: DrivenLoop
) -> None:
    caplog.set_level(logging.INFO, "jph.bus")
    other_program = plain_receiver(network.control, shared=False)
    async with bus_on(patient=True, clock=driven_time.clock):
        with other_program:
            await driven_time.advance(100)
        await driven_time.advance(100)
    taken, works = [record.getMessage() for record in caplog.records]
    assert taken.startswith("the buses do not work: UDP port")
    assert works == f"the buses work: {bus_described(network)}"


def bus_described(network: Network) -> str:
    return f"lo (127.0.0.1, as configured), control {network.control}, data {network.data}"


async def test_a_bus_says_in_a_line_where_it_is(bus_on: Make, network: Network) -> None:
    async with bus_on() as bus:
        assert bus.describe() == bus_described(network)


async def test_the_interface_can_be_said_by_its_network(bus_on: Make, network: Network) -> None:
    by_network = Network(control=network.control, data=network.data, interface="127.0.0.0/8")
    async with bus_on(by_network) as bus:
        assert bus.describe().startswith("lo (127.0.0.1, as configured)")


def test_buses_of_different_ip_versions_are_an_error() -> None:
    mixed = Network(control=Group("239.192.71.1", 7001), data=Group("ff05::71:1", 7002))
    with pytest.raises(BusError, match="one bus has an IPv4 address and the other an IPv6 address"):
        BusSockets(mixed, SystemClock(), BOTH, lambda *_: None)


async def test_another_process_is_heard(bus_on: Make, hearing: Hearing, network: Network) -> None:
    program = (
        "import socket, struct, sys\n"
        "sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "lo = struct.pack('=4s4si', bytes(4), bytes(4), 1)\n"
        "sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, lo)\n"
        "sender.sendto(b'from elsewhere', (sys.argv[1], int(sys.argv[2])))\n"
    )
    async with bus_on():
        arguments = (network.control.address, str(network.control.port))
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, *arguments)
        assert await process.wait() == 0
        await hearing.number(1)
    assert hearing.datagrams == [b"from elsewhere"]
