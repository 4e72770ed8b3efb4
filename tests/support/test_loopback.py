"""Networks for tests: no two that are used at the same time meet."""

import contextlib
from ipaddress import ip_address, ip_network

from tests.support.loopback import FIRST_PORT, PORTS, RANGES, LoopbackNetworks


def groups(networks: LoopbackNetworks, number: int) -> list[tuple[str, int]]:
    made = [networks.new() for _ in range(number)]
    return [(group.address, group.port) for network in made for group in (network.control, network.data)]


def test_one_process_after_another_takes_a_range_of_its_own() -> None:
    with contextlib.closing(LoopbackNetworks()) as one, contextlib.closing(LoopbackNetworks()) as other:
        assert not {port for _, port in groups(one, 60)} & {port for _, port in groups(other, 60)}
        assert not {address for address, _ in groups(one, 60)} & {address for address, _ in groups(other, 60)}


def test_a_network_is_not_used_again_for_a_long_time() -> None:
    with contextlib.closing(LoopbackNetworks()) as networks:
        used = groups(networks, 100)
        assert len(set(used)) == len(used)


def test_all_stay_below_the_ports_that_the_kernel_gives_away() -> None:
    assert FIRST_PORT + RANGES * PORTS < 32_768


def test_all_groups_are_for_local_use_and_stay_on_this_host() -> None:
    with contextlib.closing(LoopbackNetworks()) as networks:
        network = networks.new()
        assert (network.interface, network.ttl) == ("lo", 1)
        assert all(
            ip_address(group.address) in ip_network("239.192.0.0/14") for group in (network.control, network.data)
        )
