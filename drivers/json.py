"""Numbers and texts out of a JSON document that a web server has: an Arduino, an inverter, a weather service."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Final

import msgspec

from drivers.driver import OWN_CHANNEL, DriverError, Measurements, Place
from drivers.outcomes import read_apart
from drivers.text.decimals import check_finite
from drivers.text.json_paths import check_paths, finder, named_paths
from drivers.text.json_text import parse
from drivers.text.json_values import reading
from drivers.web.answers import Answer
from drivers.web.page import PageOptions, WebPage
from protocol.printable import visible
from protocol.readings import Value


class JsonOptions(PageOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the document is, and where in it the values are.

    `field` is the path of the node's own value and `fields` has those of other channels; without both the whole
    document is the value.
    """

    field: Annotated[
        str | None, msgspec.Meta(description="where the node's own value stands: the name of a field, or a path")
    ] = None
    fields: Annotated[dict[str, str], msgspec.Meta(description="several channels, each with the path of its value")] = (
        msgspec.field(default_factory=dict)
    )
    content_type: Annotated[
        str | None, msgspec.Meta(description="take only answers that say they are this, such as `application/json`")
    ] = None
    repair: Annotated[
        bool, msgspec.Meta(description="read JSON that is not quite JSON, such as that of many an Arduino")
    ] = True
    infinite: Annotated[
        int | float | None, msgspec.Meta(description="what infinity counts as; without it, it is no reading")
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_paths(self.field, self.fields)
        check_finite("infinite", self.infinite)

    def channels(self) -> frozenset[str]:
        """Return the channels that are named, or the node's own."""
        return frozenset(self.paths())

    def paths(self) -> Mapping[str, str]:
        """Return the path of each channel; `@` is the whole document."""
        return named_paths(self.field, self.fields) or {OWN_CHANNEL: "@"}


class Json:
    """Asks for the document and finds the values in it."""

    Options: ClassVar[type[msgspec.Struct]] = JsonOptions

    def __init__(self, options: JsonOptions, place: Place) -> None:
        self._options = options
        self._paths = options.paths()
        self._finders = {channel: finder(channel, path, "json") for channel, path in self._paths.items()}
        self._page = WebPage(options, place)

    def read(self) -> Measurements:
        """Return what the document has now; raises DriverError.

        Also when the server says that it did not change: then it was looked at and is the same.
        """
        answer = self._page.get()
        document = self._document(answer)
        return read_apart({channel: partial(self._found, channel, document, answer.source) for channel in self._paths})

    def close(self) -> None:
        """End the request that is under way."""
        self._page.close()

    def _document(self, answer: Answer) -> Any:
        wanted = self._options.content_type
        if wanted is not None and answer.content_type != wanted.lower():
            found = visible(answer.content_type[:_QUOTED]) or "no content type"
            advice = "see whether the URL is right; without `content_type` any is taken"
            raise DriverError(f"{answer.source} answers {found} and not {wanted}", advice)
        try:
            return parse(answer.body, repair=self._options.repair)
        except ValueError as error:
            begin = visible(answer.body[:_QUOTED].decode(errors="replace"))
            advice = "" if self._options.repair else "`repair: true` reads JSON that is not quite JSON"
            raise DriverError(f"{answer.source} answers what is no JSON, '{begin}': {error}", advice) from error

    def _found(self, channel: str, document: Any, source: str) -> Value:
        try:
            return reading(self._finders[channel](document), self._options.infinite)
        except ValueError as error:
            raise DriverError(f"{source}: {self._paths[channel]}: {error}") from error


_QUOTED: Final = 60  # characters of what a server says, in a message
