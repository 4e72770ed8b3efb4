"""What `jph init` writes works at once, with the drivers and stores of this installation."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.configuration import kinds
from config.loading import loads
from config.model import Configuration, Defaults, Network
from config.template import template

ZONE = "/sys/class/thermal/thermal_zone0/temp"


def load(text: str) -> Configuration:
    return loads(text.encode(), "jph.yaml", kinds)


@pytest.mark.parametrize("interface", ["eth0", "192.168.1.0/24", None])
@pytest.mark.parametrize("thermal_zone", [ZONE, None])
def test_it_loads_without_a_problem(interface: str | None, thermal_zone: str | None) -> None:
    assert load(template("kastpi", interface, thermal_zone)).warnings == ()


def test_it_names_what_was_found() -> None:
    configuration = load(template("kastpi", "eth0", ZONE))
    assert configuration.network.interface == "eth0"
    assert configuration.nodes["C1"].options == kinds("pipe")(path=ZONE, scale=0.001)  # type: ignore[misc]  # there is one
    assert {node.codifier for node in configuration.on_host("kastpi")} == {"C1", "L1", "M1", "Q1"}


def test_without_a_temperature_the_rest_works() -> None:
    configuration = load(template("kastpi"))
    assert list(configuration.nodes) == ["CC", "L1", "M1", "Q1"]
    assert configuration.network.interface is None


def test_it_says_what_holds_anyway_so_that_it_can_be_changed() -> None:
    configuration = load(template("kastpi"))
    assert (configuration.network, configuration.defaults) == (Network(), Defaults())


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).map(str.strip).filter(bool))
def test_whatever_a_host_is_called_the_file_can_be_read(host: str) -> None:
    nodes = load(template(host, host, "/" + host)).nodes
    assert nodes["Q1"].host == host


def test_its_commented_examples_work_when_the_comment_is_taken_away() -> None:
    text = template("kastpi", None, None)
    examples = re.sub(r"^  # (?=[A-Z]\w:$|  )", "  ", text, flags=re.MULTILINE)
    configuration = load(examples)
    assert configuration.warnings == ()
    assert {"C1", "FT", "V1"} < set(configuration.nodes)
    sensor = configuration.sensor("V2")
    assert sensor is not None
    assert sensor.channel == "amperes"


def test_what_it_reads_is_there_on_this_computer() -> None:
    for node in load(template("kastpi")).nodes.values():
        path = getattr(node.options, "path", "")
        assert not path.startswith("/proc/") or Path(path).exists()


def test_it_fits_a_terminal() -> None:
    assert max(len(line) for line in template("kastpi", "eth0", ZONE).splitlines()) <= 110
