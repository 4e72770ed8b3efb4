"""Ask whether a vulnerability is known in a locked package: `python -m tools.audit`.

pip-audit asks the advisory service: PyPI's, or what its variables PIP_AUDIT_VULNERABILITY_SERVICE and PIP_AUDIT_OSV_URL
name. Whether that answers is nothing that this checkout can mend: then it is said, and is no failure.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tools.environment import CHECKOUT
from tools.lock import constraints

LOCKS: Final = tuple(CHECKOUT / "locks" / f"{name}.txt" for name in ("dev", "fuzz", "locking"))
ACCEPTED: Final = CHECKOUT / "locks" / "accepted.toml"
PASSED: Final = CHECKOUT / ".venv" / "audited"
RECENT_S: Final = 86_400.0  # to ask takes longer than all other checks, and advisories do not come by the hour
LIMIT_S: Final = 20.0  # for all packages: `make check` must not wait for a service that is slow
ANSWER_S: Final = 5  # for one
PIP_AUDIT: Final = (
    *(sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--progress-spinner", "off"),
    *("--format", "json", "--timeout", str(ANSWER_S)),
)
OUTCOMES: Final = (0, 1)  # nothing known, something known; and 1 also for a service that does not answer


class UnansweredError(Exception):
    """The advisory service said nothing."""


class Advisory(NamedTuple):
    """A vulnerability that is known in a locked package; `ids` are its names, `mended` the versions without it."""

    package: str
    version: str
    ids: tuple[str, ...]
    mended: tuple[str, ...]

    def __str__(self) -> str:
        """Say what is wrong and what to do."""
        names = self.ids[0] + (f" ({', '.join(self.ids[1:])})" if self.ids[1:] else "")
        if not self.mended:
            return f"{self.package} {self.version} has {names}, which no version mends yet"
        command = f'make constraints ARGS="--upgrade-package {self.package}"'
        return f"{self.package} {self.version} has {names}, mended in {', '.join(self.mended)}: {command}"


class Audit(NamedTuple):
    """What the service said: how many packages it knows, which of ours it does not, and what is wrong with any."""

    known: int
    unknown: tuple[str, ...]
    advisories: tuple[Advisory, ...]


def ask(locks: Iterable[Path], limit_s: float = LIMIT_S) -> Audit:
    """Ask about every package of some locks, on whichever system it is needed; raises UnansweredError.

    The first is asked for alone: a service that does not know it, like a mirror without advisories, is asked no more.
    """
    begin_s = time.monotonic()
    lines = sorted({line.partition(" ;")[0].strip() for lock in locks for line in constraints(lock.read_text("utf-8"))})
    report = _report(lines[:1], limit_s)
    if "skip_reason" in report[0]:
        raise UnansweredError(report[0]["skip_reason"])
    report += _report(lines[1:], limit_s - (time.monotonic() - begin_s))
    unknown = tuple(one["name"] for one in report if "skip_reason" in one)
    return Audit(len(report) - len(unknown), unknown, tuple(_advisories(report)))


def accepted(path: Path = ACCEPTED) -> Mapping[str, str]:
    """Return the advisories that do not concern jph, each with the reason; raises ValueError without one."""
    reasons: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    for advisory, reason in reasons.items():
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"{path.name} accepts {advisory} without a reason; write it behind the sign =")
    return reasons


def verdict(audit: Audit, reasons: Mapping[str, str]) -> tuple[list[str], bool]:
    """Return what to say of an audit, and whether it passes."""
    open_ = [one for one in audit.advisories if not set(one.ids) & set(reasons)]
    needless = set(reasons) - {name for one in audit.advisories for name in one.ids}
    said = [str(one) for one in open_]
    said += [f"{name} is accepted and concerns nothing that is locked: take it out" for name in sorted(needless)]
    if audit.unknown:
        said.append(f"not audited, because the advisory service does not know them: {', '.join(audit.unknown)}")
    return said or [f"no vulnerability is known in the {audit.known} locked packages"], not open_


def main() -> int:
    """Say what is known, unless nothing was within a day; 1 when something is to be done."""
    if is_recent(PASSED):
        return 0
    try:
        said, passes = verdict(ask(LOCKS), accepted())
    except UnansweredError as error:
        print(f"audit: the advisory service did not answer, so nothing was audited: {error}")
        return 0
    except ValueError as error:
        said, passes = [str(error)], False
    print("\n".join(f"audit: {line}" for line in said), file=sys.stdout if passes else sys.stderr)
    if passes:
        PASSED.write_text(fingerprint())
    return 0 if passes else 1


def is_recent(stamp: Path) -> bool:
    """Tell whether the locks, as they are now, passed within RECENT_S."""
    try:
        return stamp.read_text() == fingerprint() and time.time() - stamp.stat().st_mtime < RECENT_S
    except FileNotFoundError:
        return False


def fingerprint() -> str:
    """Tell apart what an audit depends on, but for what becomes known."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in (*LOCKS, ACCEPTED))).hexdigest()


def _report(lines: Sequence[str], limit_s: float) -> list[dict[str, Any]]:
    """Return what pip-audit says of each package; raises UnansweredError."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("\n".join(lines))
        requirements.flush()
        outcome = _run((*PIP_AUDIT, "--requirement", requirements.name), limit_s)
    if outcome.returncode not in OUTCOMES:
        raise ValueError(f"pip-audit failed: {outcome.stderr.strip()}")
    try:
        report: list[dict[str, Any]] = json.loads(outcome.stdout)["dependencies"]
    except json.JSONDecodeError:
        raise UnansweredError(_reason(outcome.stderr)) from None
    return report


def _run(command: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - our own words
            command, capture_output=True, text=True, check=False, timeout=limit_s, cwd=CHECKOUT
        )
    except subprocess.TimeoutExpired:
        raise UnansweredError("it is too slow") from None


def _reason(stderr: str) -> str:
    """Return the last thing that pip-audit said, in one line that is not too long."""
    last = (stderr.strip() or "without a word").splitlines()[-1]
    return re.sub(r"^(ERROR|WARNING):[\w.]+:", "", last)[:200]


def _advisories(report: Iterable[dict[str, Any]]) -> Iterator[Advisory]:
    for one in report:
        for known in one.get("vulns", ()):
            ids = (known["id"], *sorted(known.get("aliases", ())))
            yield Advisory(one["name"], one["version"], ids, tuple(known["fix_versions"]))


if __name__ == "__main__":
    sys.exit(main())
