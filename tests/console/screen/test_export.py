import csv
import json
from pathlib import Path

import pytest

from console.screen.export import COLUMNS, ExportError, export, harmless
from console.screen.model import Model
from protocol.readings import Value


def test_the_rows_that_are_shown_are_written_in_their_order(model: Model, tmp_path: Path) -> None:
    model.set_filter("room")
    assert export(model, tmp_path / "room.csv") == 2
    with (tmp_path / "room.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["codifier"] for row in rows] == ["F1", "F2"]
    assert rows[1] | {"value": "45", "unit": "%", "missing": "1", "node": "F1", "status": "ok"} == rows[1]


def test_a_name_that_ends_so_makes_json_lines(model: Model, tmp_path: Path) -> None:
    export(model, tmp_path / "all.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 5
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["value"], rows[0]["rtt_ms"]) == (50.4, pytest.approx(0.42))
    assert all(len(str(row[column])) <= len("12345.678") for row in rows for column in ("rtt_ms", "age_s"))


def test_a_file_that_exists_is_never_overwritten(model: Model, tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("precious", "utf-8")
    with pytest.raises(ExportError, match="choose another name"):
        export(model, tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text("utf-8") == "precious"


@pytest.mark.parametrize("name", ["missing/all.csv", "nul\0.csv"])
def test_a_file_that_cannot_be_written_is_told(model: Model, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match="cannot write"):
        export(model, tmp_path / name)


@pytest.mark.parametrize(
    ("value", "written"), [("=cmd()", "'=cmd()"), ("@x", "'@x"), ("open", "open"), (-4.5, -4.5), (None, None)]
)
def test_text_from_the_bus_is_no_formula_in_a_spreadsheet(value: Value | None, written: Value | None) -> None:
    assert harmless(value) == written
