"""docs/configuration.md is true: its examples load, and its tables have all keys, filters, Types and limits."""

import re
from pathlib import Path
from typing import Final

import pytest

from agent.configuration import kinds
from config.filters import ARGUMENTS, WIDEST_WINDOW
from config.legacy import TYPES
from config.loading import SECTIONS, loads
from config.model import Defaults, Network
from config.remote import ANSWER_TIMEOUT_S, FETCH_TIMEOUT_S
from config.sources import PLACES, VARIABLE
from config.written import WrittenAlarms, WrittenNode
from tests.config.kinds import errors

PAGE: Final = (Path(__file__).parents[2] / "docs/configuration.md").read_text(encoding="utf-8")
EXAMPLES: Final = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_loads_without_a_problem(example: str) -> None:
    assert loads(example.encode(), "docs", kinds).warnings == ()


@pytest.mark.parametrize(
    "word",
    [
        *Network.__struct_encode_fields__,
        *Defaults.__struct_encode_fields__,
        *WrittenNode.__struct_encode_fields__,
        *WrittenAlarms.__struct_encode_fields__,
        *ARGUMENTS,
        *TYPES,
        *PLACES,
        VARIABLE,
    ],
)
def test_every_key_filter_and_type_is_explained(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_has_a_heading(section: str) -> None:
    assert f"\n## {section}\n" in PAGE


def test_its_limits_are_those_of_the_code() -> None:
    for limit in (
        f"{ANSWER_TIMEOUT_S:.0f} s to answer",
        f"{FETCH_TIMEOUT_S:.0f} s as a whole",
        f"1 to {WIDEST_WINDOW:,}",
    ):
        assert limit in PAGE


def test_its_messages_are_those_of_the_program() -> None:
    text = "nodes: {C1: {driver: pipe,\n  interval: abc,\n  options: {path: /x, paht: /y}}}\nfirewall: {}"
    for error in errors(text):
        assert error.split(": ", 1)[1] in PAGE
