"""A script of the original system, run as it was there (docs/drivers.md, "python")."""

import io
import logging
import re
import tokenize
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from drivers.calculations.placeholders import TRUTH_FIELDS, PlaceholderError, Wanted, rendered, shape, value_in, wanted
from drivers.calculations.python2_syntax import respelled
from drivers.calculations.script import Do, Outcome, ScriptProcess
from drivers.driver import OWN_CHANNEL, DriverError, Measurements, Place

if TYPE_CHECKING:
    from drivers.python import PythonOptions

log: Final = logging.getLogger("jph.driver")

MAX_BYTES: Final = 2**20  # of a script

# What to write where Python 2 took what is an error today, by the error and, below it, the line in which it is.
_ADVICE: Final = (
    (r"SyntaxError: .*\n.*\braise\b[^,]*,.*,", "write `raise X, text` without what comes after it"),
    (r"SyntaxError: .*\n.*\bfor\b.*\bin\b[^()\[\]]*,", "put what comes after `in` into parentheses"),
    (r"SyntaxError: .*\n.*\b(lambda|def)\b.*\(\s*\(", "give the inner tuple a name, and take it apart in the body"),
    (
        r"SyntaxError: .*\n.*\b(async|await|nonlocal|True|False|None)\b",
        "give what has a name of Python's own another one",
    ),
    (r"TypeError: unsupported operand .* >>: 'function'", "write `print(x, file=f)`"),
    (r"TypeError: ord\(\) .* int found", "an item of bytes is a number: leave `ord` out"),
    (
        r"BytesWarning|TypeError: .*(bytes|encoded before)",
        'write text.encode("utf-8") for bytes, data.decode("utf-8") for text',
    ),
    (r"TypeError: '[<>]=?' not supported between instances of 'dict'", "compare what is in them"),
    (r"TypeError: '[<>]=?' not supported between instances", "leave out what is None or of another kind"),
    (r"TypeError: '\w+' object is not subscriptable\n.*\be\w*\[", "an error has `args`: write `e.args[0]`"),
    (r"NameError: .*'execfile'", "write `exec(open(file).read())`"),
    (r"AttributeError: .* 'exc_(type|value)'", "write `sys.exc_info()`"),
    (r"AttributeError: .* 'func_(name|code|defaults)'", "write `__name__`, `__code__` or `__defaults__`"),
    (r"AttributeError: .* 'operator' .* 'div'", "write `operator.truediv` or `operator.floordiv`"),
    (r"RuntimeError: generator raised StopIteration", "write `return` in the place of `raise StopIteration`"),
)


class Scripted:
    """Runs the file for each reading. What it sends goes out at once; its own value is the run's duration in ms."""

    def __init__(self, options: "PythonOptions", place: Place) -> None:
        self._path = place.locate(options.file or "")
        self._timeout_s = options.timeout
        self._place = place
        network = place.network
        acts: dict[str, Do] = {
            "publish": network.publish,
            "say": network.say,
            "configuration": network.configuration,
        }
        self._process = ScriptProcess(place.codifier, self._path.parent, place.monotonic, acts, self._log)

    def read(self) -> Measurements:
        """Run the script once; raises DriverError. What it sent before it failed stands."""
        program = self._rendered(self._text())
        begun_s = self._place.monotonic()
        try:
            outcome = self._process.run(program, str(self._path), self._timeout_s)
        except TimeoutError:
            advice = "let it do less, or raise `timeout`"
            raise DriverError(f"{self._path} did not end within {self._timeout_s:g} s", advice) from None
        if outcome is not None:
            raise DriverError(f"{self._path}{_described(outcome)}", _advice(outcome, program))
        return {OWN_CHANNEL: round((self._place.monotonic() - begun_s) * 1000)}

    def close(self) -> None:
        """End the script when it runs."""
        self._process.close()

    def _text(self) -> str:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise DriverError(f"{self._path}: {error.strerror}", "see whether `file` names the script") from error
        if len(data) > MAX_BYTES:
            raise DriverError(f"{self._path} has more than {MAX_BYTES} bytes")
        return _decoded(data).replace("\r\n", "\n")

    def _rendered(self, text: str) -> str:
        known = self._looked_up(set(wanted(text)))
        try:
            program = rendered(text, known.__getitem__)
            if any(isinstance(value, str) for value in known.values()):
                self._refuse_other_shape(program, text, known)
        except PlaceholderError as error:
            raise DriverError(f"{self._path}: {error}") from error
        return program

    def _refuse_other_shape(self, program: str, text: str, known: Mapping[Wanted, object]) -> None:
        """Run nothing that is another program because of what somebody sent; raises DriverError."""
        try:
            found = shape(respelled(program))
        except (SyntaxError, ValueError, RecursionError):
            return  # what is no program says so itself when it is to run
        try:
            is_same = found == shape(respelled(rendered(text, lambda one: _harmless(one, known[one]))))
        except (SyntaxError, ValueError, RecursionError):
            is_same = False
        if not is_same:
            raise DriverError(f"{self._path}: what was put in would change what the script does")

    def _looked_up(self, asked: Collection[Wanted]) -> dict[Wanted, object]:
        """Look up what a script asks for: of one codifier all at once, so that a value has its own timestamp."""
        network = self._place.network
        locations = {one.location for one in asked}
        entries = network.configuration().get("Sensors", ()) if "config" in locations else ()
        sources: dict[str, Mapping[str, Mapping[str, object]]] = {
            "redis": {codifier: network.fields(codifier) for codifier in {one.codifier for one in asked}},
            "config": {entry.get("Codifier", ""): entry for entry in entries},
        }
        return {one: sources.get(one.location, {}).get(one.codifier, {}).get(one.field) for one in asked}

    def _log(self, level: int, text: str) -> None:
        log.log(
            min(max(level, logging.DEBUG), logging.CRITICAL), "%s: %s: %s", self._place.codifier, self._path.name, text
        )


def _decoded(data: bytes) -> str:
    """Decode a script as its encoding line says, else as UTF-8, and what is none as Python 2 did: as Latin-1."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        return data.decode("latin-1")


def _harmless(one: Wanted, value: object) -> object:
    """Return what is put in for comparison: a word for any text but what is put in without quotes."""
    return "x" if isinstance(value, str) and value_in(value) is None and one.field not in TRUTH_FIELDS else value


def _advice(outcome: Outcome, program: str) -> str:
    lines = program.split("\n")
    line = lines[outcome.line - 1] if outcome.line is not None and 0 < outcome.line <= len(lines) else ""
    error = f"{outcome.kind}: {outcome.text}".replace("\n", " ")
    return next((advice for pattern, advice in _ADVICE if re.match(pattern, f"{error}\n{line}")), "")


def _described(outcome: Outcome) -> str:
    line = "" if outcome.line is None else f" line {outcome.line}"
    words = f": {outcome.text}" if outcome.text else ""
    return f"{line}: {outcome.kind}{words}"
