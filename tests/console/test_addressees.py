"""To whom an operator may speak, as far as the configuration knows."""

import pytest

from config.model import Configuration, Node, Sensor
from console.addressees import likely_meant, refusal, remark_on_strangers, speaker_advice
from protocol.frames import Flag

CONFIGURATION = Configuration(
    nodes={
        "F1": Node(sensor=Sensor(codifier="F1"), driver="pipe", proxies=(Sensor(codifier="F2"),)),
        "FK": Node(sensor=Sensor(codifier="FK"), driver="fan", proxies=(Sensor(codifier="FL"),), control=True),
    }
)


@pytest.mark.parametrize(
    ("flag", "codifier", "expected"),
    [
        (Flag.HALT, "F1", ""),
        (Flag.SET, "F1", ""),
        (Flag.SET, "??", ""),
        (Flag.HALT, "F2", "F2 is sent by node F1: `jph halt F1`"),
        (Flag.SET, "F2", "F2 is sent by node F1, and neither can be set"),
        (Flag.SET, "FL", "FL is sent by node FK: `jph set FK 5`"),
        (Flag.STEP, "FL", "FL is sent by node FK: `jph step FK 5`"),
    ],
)
def test_only_a_proxy_is_refused(flag: Flag, codifier: str, expected: str) -> None:
    assert refusal(CONFIGURATION, flag, codifier, 5.0) == expected


def test_the_advice_repeats_the_command_for_the_node() -> None:
    assert speaker_advice(CONFIGURATION, "F2", "ping {} -c 3") == "F2 is sent by node F1: `jph ping F1 -c 3`"


@pytest.mark.parametrize(
    ("typed", "meant"), [("fk", ["FK"]), ("KF", ["FK"]), ("lf", ["FL"]), ("ff", []), ("1F", ["F1"])]
)
def test_case_and_order_are_what_is_easily_mistaken(typed: str, meant: list[str]) -> None:
    assert likely_meant(typed, ["F1", "F2", "FK", "FL"]) == meant


def test_strangers_are_remarked_upon(capsys: pytest.CaptureFixture[str]) -> None:
    remark_on_strangers(CONFIGURATION, ["F1", "fk", "XX"])
    assert capsys.readouterr().err.splitlines() == [
        "jph: fk is not in the configuration; did you mean FK? it is tried all the same",
        "jph: XX is not in the configuration; it is tried all the same",
    ]


def test_a_configuration_without_nodes_knows_no_strangers(capsys: pytest.CaptureFixture[str]) -> None:
    remark_on_strangers(Configuration(), ["F1"])
    assert capsys.readouterr().err == ""
