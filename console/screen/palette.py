"""What the palette finds besides actions: the sensors, by codifier and name."""

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import Hit, Hits, Provider

from console.screen.catalogue import Entry
from console.words import visible

if TYPE_CHECKING:  # the app offers this provider
    from console.screen.app import ConsoleApp


class Sensors(Provider):
    """Finds all sensors, also those that the filter hides; to choose one puts the cursor on it."""

    async def search(self, query: str) -> Hits:
        """Go through the sensors that match what was typed."""
        app = cast("ConsoleApp", self.app)
        matcher = self.matcher(query)
        for codifier in app.model.world.sensors:
            entry = app.model.catalogue[codifier]
            title = sensor_title(entry)
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), partial(app.go_to, codifier), text=title, help=_place(entry))


def sensor_title(entry: Entry) -> str:
    """Name a sensor as it is looked for."""
    return visible(f"{entry.codifier} {entry.name}".rstrip())


def _place(entry: Entry) -> str:
    place = " on ".join(part for part in (entry.driver, entry.host) if part)
    return visible(f"Go to this sensor of node {entry.node}" + (f" ({place})" if place else ""))
