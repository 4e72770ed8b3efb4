"""What programs did under Python 2.7.18 they do here: `recorded/record.py2` wrote down what each did and how it ended.

They are several hundred expressions and programs as people wrote them for such a system. What has another value here,
and is not among them, stands in docs/drivers.md.
"""

import json
import logging
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from drivers.driver import DriverError
from drivers.python import Python, PythonOptions
from protocol.readings import Value
from tests.drivers.devices.python import Sensors, place_on
from tests.support.driven_time import ManualClock

RECORDED: Final = Path(__file__).parent / "recorded"
INPUTS: Final[Mapping[str, Any]] = json.loads((RECORDED / "inputs.json").read_text("utf-8"))
RESULTS: Final[Mapping[str, Any]] = dict(json.loads((RECORDED / "recorded.json").read_text("utf-8")))
IMPORTS: Final = "import math, json, re, string, datetime, itertools, operator, collections, decimal\n"


def _programs() -> Iterator[tuple[str, str]]:
    """Go through the programs and their names; an expression is one that sends it as text."""
    for part in (RECORDED / "programs.txt").read_text("utf-8").split("#== ")[1:]:
        name, _, text = part.partition("\n")
        yield name, text
    for line in (RECORDED / "expressions.txt").read_text("utf-8").splitlines():
        yield line, f"{IMPORTS}channel.sendData(str({line}))\n"


PROGRAMS: Final = dict(_programs())


class Remembered(Sensors):
    """Sensors of which is known what INPUTS has; it notes in one order what a script sends and says."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.did: list[list[object]] = []

    def fields(self, codifier: str) -> Mapping[str, str]:
        fields: Mapping[str, str] = INPUTS["fields"].get(codifier, {})
        return fields

    def configuration(self) -> Mapping[str, Any]:
        configuration: Mapping[str, Any] = INPUTS["configuration"]
        return configuration

    def publish(self, codifier: str, value: Value, timestamp_ms: int | None = None) -> None:
        assert timestamp_ms is None
        self.did.append(["data", codifier, as_sent(value)])

    def say(self, flag: str, codifier: str, number: float) -> None:
        self.did.append(["control", flag, codifier, number])


class Said(logging.Handler):
    """What a script logs and prints, among what it does."""

    def __init__(self, did: list[list[object]]) -> None:
        super().__init__()
        self._did = did

    def emit(self, record: logging.LogRecord) -> None:
        assert isinstance(record.args, tuple)
        *_, text = record.args  # as the script said it: logs escape what is not printable
        self._did.append(["log", record.levelname, text])


class Site:
    """One driver whose script is another one each time."""

    def __init__(self, directory: Path) -> None:
        clock = ManualClock()
        self._sensors = Remembered(clock)
        self.said = Said(self._sensors.did)
        self._script = directory / "script.py"
        self._script.touch()
        options = msgspec.convert({"file": "/script.py", "timeout": 30.0}, PythonOptions)
        self.driver = Python(options, place_on(self._sensors, directory, clock))

    def run(self, program: str) -> tuple[list[list[object]], bool]:
        """Return what a program did, and whether it ended with an error."""
        self._script.write_text(program, "utf-8")
        self._sensors.did.clear()
        try:
            self.driver.read()
        except DriverError:
            return [*self._sensors.did], True
        return [*self._sensors.did], False


def as_sent(value: Value) -> Value:
    """Return a value as the four bytes of the bus keep it."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0]) if isinstance(value, float) else value


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("recorded"))
    logger = logging.getLogger("jph.driver")
    logger.addHandler(site.said)
    logger.setLevel(logging.DEBUG)
    site.run("")  # starts the process in which all of them run
    yield site
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(site.said)
    site.driver.close()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_it_did_under_python_2(site: Site, name: str) -> None:
    recorded = RESULTS[name]
    did, failed = site.run(PROGRAMS[name])
    assert did == recorded["did"]
    assert failed == (recorded["error"] is not None)


def test_every_program_was_recorded() -> None:
    assert list(RESULTS) == list(PROGRAMS)
