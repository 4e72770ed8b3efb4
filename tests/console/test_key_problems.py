"""What `jph keys check` finds: files that cannot be used, nodes without one, files of different states."""

from pathlib import Path

import msgspec
import pytest

from config import rotation
from config.keyfile import Grant, NetworkFile, Role, granted
from config.keystore import KeyStore
from config.model import Configuration, Node, Security, Sensor
from console.key_problems import problems_of
from protocol.gate import Mode

NETWORK = rotation.begin_network(bytes(range(32)), 1)


def configuration(mode: Mode = Mode.REQUIRE) -> Configuration:
    nodes = [
        Node(sensor=Sensor(codifier="C1"), driver="pipe", host="shed"),
        Node(sensor=Sensor(codifier="F1"), driver="pipe", host="shed"),
        Node(sensor=Sensor(codifier="Z1"), driver="pipe", host="elsewhere"),
        Node(sensor=Sensor(codifier="CC"), driver="console", host="shed"),
    ]
    return Configuration(security=Security(mode=mode), nodes={node.codifier: node for node in nodes})


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path)


def install(store: KeyStore, *codifiers: str, network: NetworkFile = NETWORK) -> None:
    for codifier in codifiers:
        store.write(codifier, granted(network, codifier, Grant(role=Role.NODE, says=(codifier,))))


def problems(store: KeyStore, mode: Mode = Mode.REQUIRE) -> list[str]:
    return list(problems_of(store, configuration(mode), "shed.example.org"))


def test_where_each_node_of_the_host_has_its_file_all_is_well(store: KeyStore) -> None:
    install(store, "C1", "F1")
    assert problems(store) == []


def test_where_the_networks_key_is_nothing_else_is_needed(store: KeyStore) -> None:
    store.write("network", NETWORK)
    assert problems(store) == []


@pytest.mark.parametrize(
    ("mode", "effect"),
    [(Mode.REQUIRE, "which cannot run without"), (Mode.PREFER, "which speak without tags")],
)
def test_nodes_of_this_host_without_a_file_are_named_with_what_brings_it(
    store: KeyStore, mode: Mode, effect: str
) -> None:
    install(store, "C1")
    [problem] = problems(store, mode)
    what, _, command = problem.partition("; on the computer with network.key: ")
    assert what == f"there are no keys for F1, {effect}"
    assert command == "jph keys grant F1 | ssh shed.example.org jph keys install -"


def test_without_tags_nobody_needs_keys(store: KeyStore) -> None:
    install(store, "C1")
    assert problems(store, Mode.OFF) == []


class Uses(msgspec.Struct, frozen=True):
    """The options of a node that uses other sensors."""

    codifiers: frozenset[str]

    def inputs(self) -> frozenset[str]:
        return self.codifiers


def calculating(*codifiers: str, unsigned: tuple[str, ...] = ()) -> Configuration:
    node = Node(sensor=Sensor(codifier="B1"), driver="python", host="shed", options=Uses(frozenset(codifiers)))
    return Configuration(security=Security(mode=Mode.REQUIRE, unsigned=unsigned), nodes={"B1": node})


def test_a_node_that_uses_readings_which_it_cannot_verify_is_told_with_what_it_needs(store: KeyStore) -> None:
    grant = Grant(role=Role.NODE, says=("B1",), reads=("A4",), targets=("FK",))
    store.write("B1", granted(NETWORK, "B1", grant))
    [problem] = problems_of(store, calculating("A4", "A5", "B1"), "shed")
    assert problem == (
        "B1 uses the readings of A5 and has no keys to verify them; on the computer with network.key: "
        "jph keys grant B1 --reads A4,A5 --targets FK | ssh shed jph keys install -"
    )


@pytest.mark.parametrize(
    ("found", "reads_all"),
    [
        (calculating("A4", "FK"), False),
        (calculating("A4", "A5", unsigned=("A5",)), False),
        (calculating("A4", "A5"), True),
        (calculating("@@"), False),  # what a script reads is not known
    ],
)
def test_what_can_be_verified_or_need_not_be_is_no_problem(
    store: KeyStore, found: Configuration, *, reads_all: bool
) -> None:
    grant = Grant(role=Role.NODE, says=("B1",), reads=("A4",), reads_all=reads_all, targets=("FK",))
    store.write("B1", granted(NETWORK, "B1", grant))
    assert list(problems_of(store, found, "shed")) == []


def test_files_of_different_steps_of_a_change_are_told(store: KeyStore) -> None:
    install(store, "C1")
    changing = rotation.begin_change(NETWORK, bytes(range(1, 33)), 2)
    install(store, "F1", network=changing)
    install(store, "Z1", network=rotation.use_new(changing, 3))
    [problem] = problems(store)
    states = ("C1.key: key 1", "F1.key: keys 1 and 2, tags with 1", "Z1.key: keys 1 and 2, tags with 2")
    assert problem.startswith(f"the key files do not agree: {'; '.join(states)}; have those of the older step granted")


def test_a_file_that_cannot_be_used_is_told_and_not_compared(store: KeyStore) -> None:
    install(store, "C1", "F1")
    store.path("F1").write_bytes(b"{}")
    [problem] = problems(store)
    assert problem.startswith(f"{store.path('F1')} is no key file")
