"""Giving one target many inputs, and keeping those that it did not stand."""

import hashlib
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Final

from tests.fuzz.mutation import any_input
from tests.fuzz.promises import FINDINGS
from tests.fuzz.targets import Target

HANGS_AFTER_S: Final = 20.0  # of this process's own time, which a busy machine does not shorten
MAX_MEMORY_BYTES: Final = 2 * 2**30  # of a process for fuzzing alone: what takes more is found by its MemoryError
MAX_FINDINGS: Final = 20  # of one slice; the rest is most likely the same


class HangsError(Exception):
    """An input that is not done with after HANGS_AFTER_S."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that a target did not stand; `error` and `place` tell findings apart."""

    target: str
    data: bytes
    error: str
    place: str
    message: str

    @property
    def kind(self) -> tuple[str, str, str]:
        """What two inputs have in common that found the same."""
        return self.target, self.error, self.place

    def save(self, folder: Path = FINDINGS) -> Path:
        """Write the input where the tests take it from, under its digest."""
        path = folder / self.target.replace(" ", "-") / hashlib.sha256(self.data).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return path


@dataclass(slots=True)
class Slice:
    """What came of some inputs of one target: all that follow from one seed. Times are those of a core."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    peak_mib: int = 0
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)

    def add(self, other: "Slice") -> None:
        """Add another slice of the same target."""
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.slowest_ms = max(self.slowest_ms, other.slowest_ms)
        self.peak_mib = max(self.peak_mib, other.peak_mib)
        self.findings = other.findings | self.findings


def fuzz(target: Target, count: int, seed: int) -> Slice:
    """Give a target `count` inputs that follow from a seed, and the genuine ones before them."""
    found = Slice(target.name)
    genuine = list(target.genuine())
    random = Random(f"{target.name} {seed}")
    begin_s = time.process_time()
    with time_limit():
        for data in genuine:
            _try(target, data, found)
        for _ in range(count):
            if len(found.findings) < MAX_FINDINGS:
                _try(target, any_input(random, genuine), found)
    found.seconds = time.process_time() - begin_s
    found.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def outcome(target: Target, data: bytes) -> Finding | None:
    """Give a target one input; returns what it found."""
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS_AFTER_S)
    try:
        target.run(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        return _finding(target, data, error)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def shrunk(target: Target, finding: Finding) -> Finding:
    """Return the same finding with as little input as leaving pieces out, large ones first, can make of it."""
    size = len(finding.data) // 2
    while size:
        for at in range(len(finding.data) - size, -1, -size):
            shorter = outcome(target, finding.data[:at] + finding.data[at + size :])
            finding = shorter if shorter is not None and shorter.kind == finding.kind else finding
        size //= 2
    return finding


@contextmanager
def time_limit() -> Iterator[None]:
    """Let an input that hangs be found; in the main thread alone."""
    before = signal.signal(signal.SIGVTALRM, _hangs)
    try:
        yield
    finally:
        signal.signal(signal.SIGVTALRM, before)


def limit_memory() -> None:
    """Let whatever takes too much memory be found."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def _try(target: Target, data: bytes, found: Slice) -> None:
    begin_s = time.process_time()
    finding = outcome(target, data)
    found.inputs += 1
    found.slowest_ms = max(found.slowest_ms, (time.process_time() - begin_s) * 1000)
    if finding is not None:
        found.findings.setdefault(finding.kind, finding)


def _finding(target: Target, data: bytes, error: Exception) -> Finding:
    last = traceback.extract_tb(error.__traceback__)[-1]
    if last.name == "promise":
        last = traceback.extract_tb(error.__traceback__)[-2]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return Finding(target.name, data, type(error).__name__, place, str(error)[:300])


def _hangs(_signal: int, _frame: FrameType | None) -> None:
    raise HangsError(f"not done after {HANGS_AFTER_S:.0f} s")
