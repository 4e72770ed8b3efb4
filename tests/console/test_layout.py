import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.keys import Part
from console.layout import LEAST_HEIGHT, LEAST_WIDTH, WIDE, Panels, lay_out

PANELS = st.builds(
    Panels,
    detail=st.none() | st.booleans(),
    events=st.none() | st.booleans(),
    control=st.none() | st.booleans(),
    zoomed=st.none() | st.sampled_from([Part.TABLE, Part.DETAIL, Part.EVENTS, Part.CONTROL]),
)


def parts(width: int, height: int, panels: Panels = Panels(), *, armed: bool = False) -> set[Part]:  # noqa: B008 - immutable
    return set(lay_out(width, height, panels, armed=armed).parts)


@pytest.mark.parametrize(("width", "height"), [(LEAST_WIDTH - 1, 40), (120, LEAST_HEIGHT - 1), (1, 1)])
def test_a_terminal_that_is_too_small_is_told_so(width: int, height: int) -> None:
    assert lay_out(width, height, Panels(), armed=False).too_small


def test_the_least_terminal_shows_the_table() -> None:
    layout = lay_out(LEAST_WIDTH, LEAST_HEIGHT, Panels(), armed=False)
    assert not layout.too_small
    assert layout.shows(Part.TABLE)


def test_an_ordinary_terminal_shows_sensors_and_events() -> None:
    assert parts(80, 24) == {Part.TABLE, Part.EVENTS}


def test_a_wide_terminal_shows_the_detail_beside_the_table() -> None:
    layout = lay_out(WIDE, 40, Panels(), armed=False)
    assert layout.side_by_side
    assert layout.parts == {Part.TABLE, Part.DETAIL, Part.EVENTS}


def test_armed_commands_have_their_panel() -> None:
    assert Part.CONTROL in parts(120, 40, armed=True)
    assert Part.CONTROL in parts(80, 24, armed=True)
    assert Part.CONTROL not in parts(120, 40)


def test_the_operator_decides_what_is_seen() -> None:
    assert parts(120, 40, Panels(detail=False, events=False)) == {Part.TABLE}
    assert parts(80, 40, Panels(detail=True)) == {Part.TABLE, Part.DETAIL, Part.EVENTS}


def test_on_a_low_terminal_the_events_give_way_to_the_detail() -> None:
    assert parts(80, 24, Panels(detail=True)) == {Part.TABLE, Part.DETAIL}


def test_on_a_low_terminal_what_was_asked_for_last_is_seen() -> None:
    panels = Panels(detail=True).toggled(Part.EVENTS, shown=False)
    assert parts(80, 24, panels) == {Part.TABLE, Part.EVENTS}


def test_a_zoomed_part_is_alone() -> None:
    assert parts(120, 40, Panels(zoomed=Part.EVENTS), armed=True) == {Part.EVENTS}


def test_showing_or_hiding_a_part_ends_the_zoom() -> None:
    assert Panels(zoomed=Part.TABLE).toggled(Part.EVENTS, shown=True) == Panels(events=False)


@given(
    width=st.integers(LEAST_WIDTH, 300),
    height=st.integers(LEAST_HEIGHT, 120),
    panels=PANELS,
    armed=st.booleans(),
)
def test_every_layout_leaves_room_for_the_table(*, width: int, height: int, panels: Panels, armed: bool) -> None:
    layout = lay_out(width, height, panels, armed=armed)
    if panels.zoomed:
        return
    assert layout.shows(Part.TABLE)
    below = layout.events_height + 1 if layout.shows(Part.EVENTS) else 0
    below += 0 if layout.side_by_side else layout.side_height
    assert height - 2 - below >= 9
    assert width - layout.side_width >= 60
