"""Which values a control sensor takes, in words."""

import msgspec
import pytest

from config.limits import limits_in_words
from config.model import Configuration, Node, Options, Sensor


class Bounded(msgspec.Struct, frozen=True):
    min: float | None = None
    max: float | None = None


def configured(options: Options, *, control: bool = True) -> Configuration:
    return Configuration(nodes={"FK": Node(sensor=Sensor(codifier="FK"), driver="x", options=options, control=control)})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"min": 0, "max": 100}, "0 to 100"),
        ({"min": -5.5, "max": 1e6, "step": 0.5}, "-5.5 to 1000000 in steps of 0.5"),
        ({"min": 10}, "at least 10"),
        ({"max": 0}, "at most 0"),
        ({"step": 5}, "in steps of 5"),
        ({"default": 20}, ""),
        ({"min": "ten", "max": True}, ""),
        (None, ""),
        (Bounded(min=0, max=100), "0 to 100"),
        (Bounded(max=7), "at most 7"),
    ],
)
def test_the_options_say_which_values_are_taken(options: Options, expected: str) -> None:
    assert limits_in_words(configured(options), "FK") == expected


def test_what_cannot_be_set_has_no_limits() -> None:
    assert limits_in_words(configured({"min": 0, "max": 9}, control=False), "FK") == ""


def test_what_the_configuration_does_not_know_has_no_limits() -> None:
    assert limits_in_words(Configuration(), "FK") == ""
