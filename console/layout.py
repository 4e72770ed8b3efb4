"""How the screen is divided, from 60x15 to as large as it gets. Pure: sizes in, sizes out."""

from dataclasses import dataclass, replace
from typing import Final

from console.keys import Part

LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 15
WIDE: Final = 112  # cells from which the detail stands beside the table
_SIDE_SHARE: Final = 0.38
_SIDE: Final = range(46, 80)  # cells of the side column
_EVENTS_SHARE: Final = 0.22
_EVENTS: Final = range(4, 15)  # lines of the event list, without its heading
_CONTROL: Final = 5
_FRAME: Final = 2  # lines of title and key bar
_LEAST_TABLE: Final = 9  # lines, with its headings


@dataclass(frozen=True, slots=True)
class Panels:
    """What the operator wants to see; None leaves it to the size of the screen.

    `newest` was asked for last: where there is no room for all, the others give way to it.
    """

    detail: bool | None = None
    events: bool | None = None
    control: bool | None = None
    zoomed: Part | None = None
    newest: Part | None = None

    def toggled(self, part: Part, *, shown: bool) -> "Panels":
        """Show a part that is hidden, or hide one that is shown, on the whole screen again."""
        return replace(self, zoomed=None, newest=None if shown else part, **{part.value: not shown})

    def zooming(self, part: Part | None) -> "Panels":
        """Give the whole screen to one part, or back to all."""
        return replace(self, zoomed=part)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which parts are seen, and how large: lines without their headings. A height of 0 takes what is left."""

    too_small: bool = False
    side_by_side: bool = False
    side_width: int = 0
    parts: frozenset[Part] = frozenset()
    events_height: int = 0
    control_height: int = 0
    detail_height: int = 0

    @property
    def side_height(self) -> int:
        """The lines of detail and control with their headings, one below the other."""
        heights = ((Part.DETAIL, self.detail_height), (Part.CONTROL, self.control_height))
        return sum(height + 1 for part, height in heights if part in self.parts)

    def shows(self, part: Part) -> bool:
        """Tell whether a part is seen."""
        return part in self.parts


def lay_out(width: int, height: int, panels: Panels, *, armed: bool) -> Layout:
    """Divide a screen of `width` x `height` cells."""
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return Layout(too_small=True)
    if panels.zoomed is not None:
        return Layout(parts=frozenset({panels.zoomed}))
    wide = width >= WIDE
    parts = {Part.TABLE} | _wanted(panels, wide=wide, armed=armed)
    events = _within(round(height * _EVENTS_SHARE), _EVENTS)
    return _beside(width, height, parts, events) if wide else _below(height, parts, events, panels.newest)


def _wanted(panels: Panels, *, wide: bool, armed: bool) -> set[Part]:
    """Take the operator's word, else what a screen of this size has room for."""
    wishes = (
        (Part.DETAIL, panels.detail, wide),
        (Part.EVENTS, panels.events, True),
        (Part.CONTROL, panels.control, armed),
    )
    return {part for part, wish, default in wishes if (default if wish is None else wish)}


def _beside(width: int, height: int, parts: set[Part], events: int) -> Layout:
    if height - _FRAME - events - 1 < _LEAST_TABLE:
        parts.discard(Part.EVENTS)
    side = bool(parts & {Part.DETAIL, Part.CONTROL})
    return Layout(
        side_by_side=True,
        side_width=_within(round(width * _SIDE_SHARE), _SIDE) if side else 0,
        parts=frozenset(parts),
        events_height=events,
        control_height=_CONTROL if Part.DETAIL in parts else 0,
    )


def _below(height: int, parts: set[Part], events: int, newest: Part | None) -> Layout:
    """One below the other: what does not fit under a table of a few rows gives way, the event list first."""
    room = height - _FRAME - _LEAST_TABLE
    heights = {Part.CONTROL: _CONTROL - 2, Part.DETAIL: max(6, height // 2 - 3), Part.EVENTS: events}
    shown = {Part.TABLE}
    for part in sorted((Part.CONTROL, Part.DETAIL, Part.EVENTS), key=lambda part: part is not newest):
        if part in parts and room >= heights[part] + 1:
            shown.add(part)
            room -= heights[part] + 1
    return Layout(
        parts=frozenset(shown),
        events_height=heights[Part.EVENTS],
        control_height=heights[Part.CONTROL],
        detail_height=heights[Part.DETAIL],
    )


def _within(number: int, bounds: range) -> int:
    return min(max(number, bounds.start), bounds.stop)
