"""Numbers and texts that a command prints: one number or text, or a JSON document with several."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

import msgspec

from config.durations import Seconds
from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measurements, Place
from drivers.outcomes import unless_all_failed
from drivers.text.commands import CommandSource, check_command
from drivers.text.decimals import parse as parse_number
from drivers.text.decimals import to_number
from drivers.text.json_paths import check_paths, finder, named_paths
from drivers.text.json_text import parse as parse_json
from drivers.text.json_values import reading
from protocol.printable import visible
from protocol.readings import Value

MAX_JSON_BYTES: Final = 65_536  # of one document: what says more has more than readings in it
_QUOTED: Final = 60  # characters of what a command printed, in a message

ExitCode = Annotated[int, msgspec.Meta(ge=0, le=255)]


class ExecOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which command is run, and where in its output the values are.

    `field` is the path of the node's own value and `fields` has those of other channels; without both the whole output
    is the value.
    """

    command: Annotated[
        str | tuple[str, ...],
        msgspec.Meta(
            description="what is run for each reading: one text, which is split as a shell does, or its words"
        ),
    ]
    timeout: Annotated[
        Seconds, msgspec.Meta(description="how long it may take; then it is ended with all that it started")
    ] = 4.5  # below the 5 s that a read may take: then this, and not the supervisor, says what is slow
    field: Annotated[
        str | None, msgspec.Meta(description="where in its JSON the node's own value stands: a name, or a path")
    ] = None
    fields: Annotated[dict[str, str], msgspec.Meta(description="several channels, each with the path of its value")] = (
        msgspec.field(default_factory=dict)
    )
    exit_codes: Annotated[
        list[ExitCode], msgspec.Meta(description="exit codes beside 0 with which its output counts")
    ] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        check_command(self.command)
        check_paths(self.field, self.fields)

    def channels(self) -> frozenset[str]:
        """Return the channels that are named, or the node's own."""
        return frozenset(self.paths() or {OWN_CHANNEL})

    def paths(self) -> Mapping[str, str]:
        """Return the path of each channel in JSON, none when the whole output is the value."""
        return named_paths(self.field, self.fields)


class Exec:
    """Reads numbers and texts in the JSON that a command prints."""

    Options: ClassVar[type[msgspec.Struct]] = ExecOptions

    def __init__(self, options: ExecOptions, place: Place) -> None:
        self._paths = options.paths()
        self._finders = {channel: finder(channel, path, "json") for channel, path in self._paths.items()}
        self._command = CommandSource(
            options.command, options.timeout, place.monotonic, (0, *options.exit_codes), MAX_JSON_BYTES
        )

    def read(self) -> Measurements:
        """Return what the command says now; raises DriverError."""
        output = self._command.output()
        if len(output) > MAX_JSON_BYTES:
            raise DriverError(
                f"{self._command} prints more than {MAX_JSON_BYTES} bytes", "have it print only the values"
            )
        try:
            if not self._finders:
                return {OWN_CHANNEL: _single(output)}
            document = _document(output)
        except ValueError as error:
            raise DriverError(f"{self._command}: {error}") from error
        return unless_all_failed({channel: self._value(channel, document) for channel in self._finders})

    def close(self) -> None:
        """End the command when it runs."""
        self._command.close()

    def _value(self, channel: str, document: Any) -> Value | DriverError:
        try:
            return reading(self._finders[channel](document))
        except ValueError as error:
            return DriverError(f"{self._command}: {self._paths[channel]}: {error}")


def _single(output: bytes) -> Value:
    """Return the one number, or the one number or text in JSON, that was printed; raises ValueError."""
    text = output.decode(errors="replace").strip()
    if not text:
        raise ValueError("it prints nothing")
    try:
        return to_number(parse_number(text))
    except ValueError:
        return reading(_document(output))


def _document(output: bytes) -> Any:
    try:
        return parse_json(output, repair=False)
    except ValueError as error:
        begin = visible(output[:_QUOTED].decode(errors="replace").strip())
        raise ValueError(f"'{begin}' is neither a number nor JSON: {error}") from error
