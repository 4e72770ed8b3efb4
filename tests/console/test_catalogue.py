import pytest

from console.catalogue import UNKNOWN_POSITION, Catalogue, network_name
from tests.console.feeding import small_network

CATALOGUE = Catalogue(small_network())


def test_a_sensor_is_known_with_its_node() -> None:
    entry = CATALOGUE["F2"]
    assert (entry.node, entry.name, entry.unit, entry.driver, entry.host) == (
        "F1",
        "Room humidity",
        "%",
        "dht",
        "kastpi",
    )


def test_the_order_is_that_of_the_configuration() -> None:
    assert sorted(("FK", "C2", "F2", "F1", "C1"), key=lambda codifier: CATALOGUE[codifier].position) == [
        "C1",
        "C2",
        "F1",
        "F2",
        "FK",
    ]


def test_what_no_configuration_names_says_so() -> None:
    entry = CATALOGUE["X9"]
    assert (entry.codifier, entry.node, entry.configured, entry.position) == ("X9", "X9", False, UNKNOWN_POSITION)


def test_a_node_publishes_itself_and_its_proxies() -> None:
    assert CATALOGUE.published_by("F1") == ["F1", "F2"]


def test_only_a_control_node_can_be_set() -> None:
    assert [codifier for codifier in ("C1", "F2", "FK", "CC") if CATALOGUE[codifier].control] == ["FK"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/etc/jph/plant.yaml", "plant"),
        ("/home/pi/greenhouse/jph.yaml", "greenhouse"),
        ("http://config.example.org/kast/config.json?v=2", "kast"),
        ("jph.yaml", "jph"),
        ("", ""),
    ],
)
def test_a_network_is_called_after_its_configuration(source: str, name: str) -> None:
    assert network_name(source) == name
