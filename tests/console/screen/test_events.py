import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.screen.catalogue import Catalogue
from console.screen.events import draw_event
from console.screen.lines import Ink
from console.screen.symbols import ASCII, UNICODE
from protocol.events import Event, EventKind
from tests.console.screen.feeding import small_network

CATALOGUE = Catalogue(small_network())


def words(event: Event, width: int = 120) -> str:
    return draw_event(event, CATALOGUE, width, UNICODE).text


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event(0.0, EventKind.STATUS, "C1", "ok -> stale"), "◌ stale      C1 was ok  kastpi CPU"),
        (Event(0.0, EventKind.STATUS, "C2", "ok -> warning"), "▲ warning    C2 was ok  kitchen CPU"),
        (Event(0.0, EventKind.HALTED, "C1", "sends no readings"), "■ halted     C1 sends no readings  kastpi CPU"),
        (Event(0.0, EventKind.COMMANDED, "FK", "set 80", by="CC"), "· commanded  FK set 80 · by CC  Fan"),
        (Event(0.0, EventKind.ANSWERED, "FK", "taken", by="CC"), "· answered   FK taken · to CC  Fan"),
        (Event(0.0, EventKind.DUPLICATED, "X9", "speaks from two places"), "◆ duplicated X9 speaks from two places"),
        (Event(0.0, EventKind.TROUBLE, "C1", "driver hanging"), "◆ trouble    C1 driver hanging  kastpi CPU"),
        (
            Event(0.0, EventKind.REFUSED, "", "10.0.0.5 port 40123: 17 frames, wrong tag (set CK -> FK)"),
            "◆ refused    10.0.0.5 port 40123: 17 frames, wrong tag (set CK -> FK)",
        ),
        (
            Event(0.0, EventKind.REFUSED, "FK", "stale or replayed: 1 command of CK from 10.0.0.5 port 4", by="CK"),
            "◆ refused    FK stale or replayed: 1 command of CK from 10.0.0.5 port 4  Fan",
        ),
        (Event(0.0, EventKind.APPEARED, "", "3 nodes, 3 sensors"), "● heard      3 nodes, 3 sensors"),
        (
            Event(0.0, EventKind.RECOVERED, "C1", "no longer: driver hanging"),
            "● recovered  C1 no longer: driver hanging  kastpi CPU",
        ),
    ],
)
def test_an_event_tells_what_happened_to_whom_and_by_whom(event: Event, text: str) -> None:
    assert words(event)[len(" 00:00:00 ") :] == text


def test_a_command_stands_out() -> None:
    line = draw_event(Event(0.0, EventKind.COMMANDED, "FK", "halt", by="CC"), CATALOGUE, 80, UNICODE)
    assert any(span.ink is Ink.ACCENT and "commanded" in span.text for span in line.spans)


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_has_a_line(kind: EventKind) -> None:
    event = Event(0.0, kind, "C1", "something else")
    assert "C1" in words(event)
    assert draw_event(event, CATALOGUE, 80, ASCII).text.isascii()


@given(st.sampled_from(EventKind), st.text(max_size=80), st.text(max_size=10), st.integers(10, 120))
def test_no_event_is_wider_than_its_panel_or_harms_the_terminal(
    kind: EventKind, detail: str, by: str, width: int
) -> None:
    line = draw_event(Event(0.0, kind, "C1", detail, by), CATALOGUE, width, UNICODE)
    assert line.width <= width
    assert line.text.isprintable()
