"""The buses between hosts: what cables, switches, leases and firewalls do to them, and that they come back."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Self

import pytest

from agent import interfaces, netlink, sockets
from agent.bus import Bus as BusSockets
from agent.bus import BusError, BusState
from agent.clock import SystemClock
from config.model import Group, Network
from protocol.frames import Bus
from tests.netns.hosts import INTERFACE, Host, Lan
from tests.support.driven_time import DrivenLoop
from tests.support.hearing import Hearing

CONTROL, DATA = Bus.CONTROL, Bus.DATA
UP = BusState(up=True)

IPV4 = Network(control=Group("239.192.71.1", 7001), data=Group("239.192.71.1", 7002), interface=INTERFACE)
SITE_LOCAL = Network(control=Group("ff05::71:1", 7001), data=Group("ff05::71:1", 7002), interface=INTERFACE)
LINK_LOCAL = Network(control=Group("ff02::71:1", 7001), data=Group("ff02::71:1", 7002), interface=INTERFACE)
NETWORKS = pytest.mark.parametrize("network", [IPV4, SITE_LOCAL, LINK_LOCAL], ids=["IPv4", "site-local", "link-local"])


class Station:
    """Another host's program: sends to both groups, from sockets that were opened there."""

    def __init__(self, host: Host, network: Network) -> None:
        version = sockets.family_of(network.control).version
        with host.entered():
            self._interface = interfaces.choose(INTERFACE, version, netlink.interfaces(), default=None).interface
            self._sender = sockets.open_sender(network.control, self._interface, ttl=1)
            self.address = sockets.aim(self._sender, network.control, self._interface)
        self._groups = {CONTROL: network.control, DATA: network.data}

    def send(self, bus: Bus, datagram: bytes) -> None:
        group = self._groups[bus]
        self._sender.sendto(datagram, sockets.destination((group.address, group.port), self._interface))

    def receive(self) -> bytes:
        """Return what has come back to the port from which it sends."""
        return self._sender.recv(2048)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sender.close()


@pytest.fixture
async def hearing() -> Hearing:
    """Return ears for the bus of this host."""
    return Hearing()


@pytest.fixture
def here(lan: Lan) -> Iterator[Host]:
    """Be on a host of the LAN, on which the bus runs that is tested."""
    host = lan.host("here")
    with host.entered():
        yield host


@pytest.fixture
def there(lan: Lan, here: Host) -> Host:
    """Give another host of the LAN."""
    return lan.host("there")


def bus_of(hearing: Hearing, network: Network = IPV4, **options: Any) -> BusSockets:
    options = {"clock": SystemClock(), "listen": frozenset(Bus), "changed": hearing.changed, **options}
    return BusSockets(network, receive=hearing.receive, **options)


def beacon(host: Host, group: Group = IPV4.data) -> None:
    """Let a program on the host send a hundred datagrams a second from now on."""
    host.start(sys.executable, "-m", "tests.netns.beacon", group.address, str(group.port))


@NETWORKS
async def test_two_hosts_hear_each_other(hearing: Hearing, there: Host, network: Network) -> None:
    async with bus_of(hearing, network) as bus:
        with Station(there, network) as station:
            station.send(CONTROL, b"ping")
            station.send(DATA, b"reading")
            heard = await hearing.number(2)
            assert {(one.bus, one.datagram, one.sender) for one in heard} == {
                (CONTROL, b"ping", station.address),
                (DATA, b"reading", station.address),
            }
            assert bus.state == UP


@NETWORKS
async def test_an_answer_finds_its_way_to_another_host(hearing: Hearing, there: Host, network: Network) -> None:
    async with bus_of(hearing, network) as bus:
        with Station(there, network) as station:
            station.send(CONTROL, b"repeat")
            [asked] = await hearing.number(1)
            assert bus.send_to(asked.sender, b"reading") is True
            assert station.receive() == b"reading"


async def test_the_sender_is_the_address_that_a_bus_knows_as_its_own(
    hearing: Hearing, lan: Lan, here: Host, there: Host
) -> None:
    there_hearing = Hearing()
    async with contextlib.AsyncExitStack() as there_too, bus_of(hearing) as bus:
        with there.entered():
            await there_too.enter_async_context(bus_of(there_hearing))
        bus.send(CONTROL, b"alive")
        [heard] = await there_hearing.number(1)
        assert heard.sender == bus.address
        assert heard.sender[0] == here.address


async def test_each_lost_datagram_is_a_missing_number(hearing: Hearing, here: Host, there: Host) -> None:
    sent = 1_000
    async with bus_of(hearing):
        here.lose(percent=20)
        with Station(there, IPV4) as station:
            for number in range(sent):
                station.send(DATA, str(number).encode())
            here.lose(percent=0)
            station.send(DATA, b"last")
            await hearing.until(lambda: b"last" in hearing.datagrams)
    heard = [int(datagram) for datagram in hearing.datagrams[:-1]]
    missing = set(range(sent)) - set(heard)
    assert heard == sorted(heard)
    assert len(missing) == here.lost() == sent - len(heard)
    assert 100 < len(missing) < 300, "about 20 %"


async def test_own_datagrams_are_heard_whatever_the_network_loses(hearing: Hearing, here: Host) -> None:
    async with bus_of(hearing) as bus:
        here.lose(percent=100)
        bus.send(CONTROL, b"alive")
        await hearing.number(1)


async def test_an_interface_that_goes_away_and_comes_back_is_joined_again(
    hearing: Hearing, here: Host, there: Host
) -> None:
    beacon(there)
    async with bus_of(hearing) as bus:
        await hearing.another()
        own_port = bus.address[1] if bus.address else 0
        here.remove_interface()
        await hearing.until(lambda: not bus.state.up)
        assert bus.state.reason.startswith('no interface "eth0"')
        assert bus.send(CONTROL, b"alive") is False
        here.add_interface()
        await hearing.until(lambda: bus.state.up)
        await hearing.another()
        assert bus.send(CONTROL, b"alive") is True
        assert bus.address == (here.address, own_port), "the process is known by its port"
        assert bus.counters.rejoins >= 1


@NETWORKS
async def test_a_link_that_goes_down_and_up_is_joined_again(
    hearing: Hearing, here: Host, there: Host, network: Network
) -> None:
    beacon(there, network.data)
    async with bus_of(hearing, network) as bus:
        await hearing.another()
        here.set_link("down")
        await hearing.until(lambda: not bus.state.up)
        assert bus.state.reason == "eth0 is down"
        here.set_link("up")
        if network is SITE_LOCAL:
            here.run("ip", "address", "replace", f"{here.address_6}/64", "dev", INTERFACE)  # the kernel forgets it
        await hearing.until(lambda: bus.state.up)
        await hearing.another()


async def test_an_interface_without_an_address_is_waited_for(hearing: Hearing, here: Host, there: Host) -> None:
    async with bus_of(hearing) as bus:
        here.remove_addresses()
        await hearing.until(lambda: not bus.state.up)
        assert bus.state.reason == "eth0 has no IPv4 address"
        here.add_addresses()
        await hearing.until(lambda: bus.state.up)
        assert bus.send(CONTROL, b"alive") is True


async def test_an_address_that_changes_is_the_new_sender(hearing: Hearing, here: Host, there: Host) -> None:
    async with bus_of(hearing) as bus:
        own_port = bus.address[1] if bus.address else 0
        here.remove_addresses()
        await hearing.until(lambda: not bus.state.up)
        here.run("ip", "address", "add", "10.77.0.99/24", "dev", INTERFACE)
        await hearing.until(lambda: bus.state.up)
        bus.send(CONTROL, b"alive")
        heard = await hearing.another()
        assert heard.sender == bus.address == ("10.77.0.99", own_port)


async def test_a_pulled_cable_is_a_state_and_ends_with_the_cable(hearing: Hearing, here: Host, there: Host) -> None:
    beacon(there)
    async with bus_of(hearing) as bus:
        await hearing.another()
        here.pull_cable()
        await hearing.until(lambda: not bus.state.up)
        assert bus.state.reason == "eth0 has no carrier"
        here.push_cable()
        await hearing.until(lambda: bus.state.up)
        await hearing.another()


async def test_an_interface_that_comes_after_the_start_is_found(hearing: Hearing, lan: Lan) -> None:
    late = lan.host("late", plugged=False)
    with late.entered():
        async with bus_of(hearing, patient=True) as bus:
            assert bus.state.reason.startswith('no interface "eth0"')
            late.add_interface()
            await hearing.until(lambda: bus.state.up)
            assert bus.send(CONTROL, b"alive") is True


async def test_a_host_with_loopback_only_hears_itself(hearing: Hearing, lan: Lan) -> None:
    alone = lan.host("alone", plugged=False)
    with alone.entered():
        async with bus_of(hearing, Network()) as bus:
            assert bus.describe().startswith("lo (127.0.0.1, no default route)")
            bus.send(DATA, b"reading")
            [heard] = await hearing.number(1)
            assert heard.sender == bus.address


async def test_without_a_wish_the_default_route_is_followed(hearing: Hearing, here: Host) -> None:
    async with bus_of(hearing, Network(), patient=True) as bus:
        assert bus.describe().startswith("lo (127.0.0.1, no default route)")
        here.route_by_default()
        await hearing.until(lambda: bus.address is not None and bus.address[0] == here.address)
        assert bus.describe().startswith(f"eth0 ({here.address}, default route)")


async def test_a_lost_default_route_cuts_nobody_off_from_the_neighbours(
    hearing: Hearing, here: Host, there: Host
) -> None:
    here.route_by_default()
    async with bus_of(hearing, Network()) as bus:
        here.run("ip", "route", "delete", "default")
        await hearing.until(lambda: "no default route any more" in bus.describe())
        with Station(there, IPV4) as station:
            station.send(DATA, b"reading")
            await hearing.another()
        assert bus.counters.rejoins == 0


async def test_the_interface_can_be_said_by_its_network(hearing: Hearing, here: Host) -> None:
    by_network = Network(interface="10.77.0.0/24")
    async with bus_of(hearing, by_network) as bus:
        assert bus.describe().startswith(f"eth0 ({here.address}, as configured)")


async def test_what_comes_on_another_interface_is_not_heard(hearing: Hearing, here: Host, there: Host) -> None:
    """Although another program of this host has joined the group there."""
    on_loopback = Network(interface="lo")
    loopback_hearing = Hearing()
    async with bus_of(hearing), bus_of(loopback_hearing, on_loopback) as loopback_bus:
        with Station(there, IPV4) as station:
            station.send(DATA, b"from outside")
            await hearing.number(1)
            loopback_bus.send(DATA, b"from inside")
            await loopback_hearing.number(1)
    assert (hearing.datagrams, loopback_hearing.datagrams) == ([b"from outside"], [b"from inside"])


async def test_a_firewall_that_refuses_is_a_state_and_hearing_goes_on(
    hearing: Hearing, here: Host, there: Host, driven_time: DrivenLoop
) -> None:
    async with bus_of(hearing, clock=driven_time.clock) as bus:
        here.forbid_sending()
        assert bus.send(CONTROL, b"alive") is False
        assert bus.state.reason.startswith("cannot use 239.192.71.1 on eth0: Operation not permitted")
        await driven_time.advance(1)
        with Station(there, IPV4) as station:
            station.send(DATA, b"reading")
            await hearing.another()
        here.allow_sending()
        assert bus.send(CONTROL, b"alive") is True
        assert bus.state == UP
        assert (bus.counters.rejoins, bus.counters.send_errors) == (0, 1)


async def test_a_switch_that_forgot_a_silent_member_is_told_again(
    hearing: Hearing, lan: Lan, here: Host, there: Host, driven_time: DrivenLoop
) -> None:
    group = IPV4.data.address
    lan.snoop()
    with lan.membership_changes() as changes:
        async with bus_of(hearing, listen={DATA}, clock=driven_time.clock) as bus:
            await changes.until(lambda: lan.members(group) == 1)
            await driven_time.advance(59)
            lan.forget_members(group)
            assert lan.members(group) == 0
            await driven_time.advance(2)
            await changes.until(lambda: lan.members(group) == 1)
            with Station(there, IPV4) as station:
                station.send(DATA, b"reading")
                await hearing.number(1)
            assert bus.counters.rejoins == 1


async def test_who_hears_other_hosts_does_not_join_again(
    hearing: Hearing, here: Host, there: Host, driven_time: DrivenLoop
) -> None:
    async with bus_of(hearing, listen={DATA}, clock=driven_time.clock) as bus:
        with Station(there, IPV4) as station:
            for number in range(1, 4):
                station.send(DATA, b"reading")
                await hearing.number(number)
                await driven_time.advance(59)
        assert bus.counters.rejoins == 0


@NETWORKS
async def test_own_datagrams_do_not_prove_that_the_switch_knows_us(
    hearing: Hearing, here: Host, driven_time: DrivenLoop, network: Network
) -> None:
    async with bus_of(hearing, network, listen={DATA}, clock=driven_time.clock) as bus:
        for number in range(1, 4):
            bus.send(DATA, b"reading")
            await hearing.number(number)
            await driven_time.advance(59)
        assert bus.counters.rejoins == 2


async def test_a_tool_is_told_at_once_what_is_wrong_with_the_interface(hearing: Hearing, here: Host) -> None:
    here.set_link("down")
    with pytest.raises(BusError, match="eth0 is down"):
        await bus_of(hearing).__aenter__()


async def test_a_host_that_has_left_ipv6_for_loopback_only_is_told_so(hearing: Hearing, lan: Lan) -> None:
    alone = lan.host("alone", plugged=False)
    anywhere = Network(control=SITE_LOCAL.control, data=SITE_LOCAL.data)
    with alone.entered(), pytest.raises(BusError, match="Linux has no IPv6 multicast on lo"):
        await bus_of(hearing, anywhere).__aenter__()
