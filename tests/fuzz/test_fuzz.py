"""No door gives way to what others made: a short run of each target, and every input that once found something.

`make fuzz` is the long form.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import guided
from tests.fuzz.__main__ import main
from tests.fuzz.fuzzing import Finding, fuzz, outcome, shrunk, time_limit
from tests.fuzz.mutation import INTERESTING, MAX_INPUT_BYTES, mutated
from tests.fuzz.promises import FINDINGS
from tests.fuzz.targets import TARGETS, Target
from tests.protocol.recorded import RECORDED

CHECKOUT = Path(__file__).parents[2]
SHORT = 0.03  # of the inputs that each target gets of a million
FOUND = sorted(path.relative_to(FINDINGS).as_posix() for path in FINDINGS.glob("*/*"))
BY_FOLDER = {name.replace(" ", "-"): target for name, target in TARGETS.items()}


@pytest.mark.parametrize("target", TARGETS.values(), ids=BY_FOLDER)
def test_a_target_stands_what_follows_from_one_seed(target: Target) -> None:
    found = fuzz(target, round(target.inputs * SHORT), seed=0)
    assert list(found.findings.values()) == []


@pytest.mark.parametrize("path", FOUND)
def test_what_was_found_once_is_mended(path: str) -> None:
    assert outcome(BY_FOLDER[path.partition("/")[0]], (FINDINGS / path).read_bytes()) is None


@pytest.mark.parametrize(
    "target", [target for target in TARGETS.values() if target.genuine()], ids=lambda row: row.name
)
def test_genuine_inputs_are_such_that_a_change_of_them_means_something(target: Target) -> None:
    assert all(len(data) <= MAX_INPUT_BYTES for data in target.genuine())
    assert len(set(target.genuine())) > 3


def none() -> Sequence[bytes]:
    return ()


def recorded() -> list[bytes]:
    return [one.datagram for one in RECORDED]


def stumble(data: bytes) -> None:
    """Fail for what has a Q behind a Z."""
    if b"Q" in data.partition(b"Z")[2]:
        raise KeyError("Q")


def hang(data: bytes) -> None:
    while data.startswith(b"hang"):
        pass


STUMBLING = Target("stumbling", stumble, none, 0)


def test_what_a_target_does_not_stand_is_found_and_told_apart_by_its_place() -> None:
    found = fuzz(STUMBLING, 20_000, seed=0)
    assert [(error, place.partition(":")[0]) for _, error, place in found.findings] == [("KeyError", "test_fuzz.py")]
    assert found.inputs == 20_000


def test_the_same_seed_finds_the_same_and_another_one_something_else() -> None:
    once, again, other = (fuzz(STUMBLING, 20_000, seed) for seed in (1, 1, 2))
    assert once.findings == again.findings != other.findings


def test_a_finding_is_made_as_short_as_it_can_be_and_kept(tmp_path: Path) -> None:
    found = outcome(STUMBLING, b"some words, a Z, more words, a Q and no end")
    assert found is not None
    path = shrunk(STUMBLING, found).save(tmp_path)
    assert path.read_bytes() == b"ZQ"
    assert path.parent == tmp_path / "stumbling"


def test_an_input_that_hangs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.fuzzing.HANGS_AFTER_S", 0.05)
    with time_limit():
        found = outcome(Target("hanging", hang, none, 0), b"hang on")
    assert isinstance(found, Finding)
    assert found.error == "HangsError"


def test_a_mutated_input_is_mostly_what_it_was() -> None:
    random = Random(0)
    kept = [
        len(set(datagram) & set(mutated(random, datagram, datagram))) / len(set(datagram))
        for datagram in recorded() * 20
    ]
    assert sum(share > 1 / 2 for share in kept) / len(kept) > 3 / 4


def test_no_mutation_makes_an_input_longer_than_the_longest() -> None:
    random, long = Random(0), bytes(MAX_INPUT_BYTES)
    assert max(len(mutated(random, long, max(INTERESTING, key=len))) for _ in range(500)) == MAX_INPUT_BYTES


def test_the_summary_counts_what_was_tried() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--millions", "0.0005", "--jobs", "1", "decode", "key file"]
    said = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    rows = {line.split("  ")[0]: line for line in said.splitlines()}
    assert rows["decode"].split()[1] == str(200 + len(TARGETS["decode"].genuine()))
    assert "roster" not in rows


def test_what_atheris_finds_is_written_where_the_tests_take_it_from() -> None:
    assert f"-artifact_prefix={FINDINGS / 'key-file'}/" in guided.options("key file", 1)
    assert any(guided.moves())


def test_what_atheris_is_to_watch_is_not_imported_before_it() -> None:
    tell = "import sys, tests.fuzz.guided; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", tell], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert set(said.split()) & set(guided.INSTRUMENTED) == set()


def test_a_target_that_there_is_not_is_told_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert "there is no target nothing; there are: decode, verify" in capsys.readouterr().err
