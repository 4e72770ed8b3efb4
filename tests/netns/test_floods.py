"""Somebody fills the network at full speed: memory is bounded, every reading is stored, and commands get through.

How fast they do only `make bench ARGS=floods` tells.
"""

from collections.abc import Mapping

import pytest

from bench.flooder import FLOODS
from bench.floods import NOTHING, Besieged, observe
from protocol.gate import Mode
from tests.netns.hosts import missing

SECONDS = 1.0
MOST_MIB = 32.0
"""Of growth: a roster of invented codifiers, or a second of readings that are believed and wait for the store."""

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "there can be hosts here"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def besieged() -> Mapping[Mode, Mapping[str, Besieged]]:
    return {mode: observe(mode, (NOTHING, *FLOODS), SECONDS) for mode in (Mode.REQUIRE, Mode.OFF)}


@pytest.mark.parametrize("mode", [Mode.REQUIRE, Mode.OFF])
def test_every_reading_is_stored_and_commands_are_taken_in_bounded_memory(
    besieged: Mapping[Mode, Mapping[str, Besieged]], mode: Mode
) -> None:
    for flood, found in besieged[mode].items():
        assert found.stored_percent == 100, flood
        assert found.taken_percent > 0, flood
        assert max(found.agent_mib, found.sink_mib, found.operator_mib) < MOST_MIB, flood
        assert (found.flood_per_s > 0) is (flood != NOTHING)


def test_with_tags_there_is_a_flood_of_each_kind(besieged: Mapping[Mode, Mapping[str, Besieged]]) -> None:
    assert besieged[Mode.REQUIRE].keys() == {NOTHING, *FLOODS}
