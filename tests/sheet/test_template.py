"""A template says of each file what its metadata say, once, as high up as all files below agree."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.sheet.columns import SELECTORS
from export_session.sheet.model import Selector
from export_session.sheet.read import read_sheet
from export_session.sheet.spelling import BLANK, shown, spelled
from export_session.sheet.template import LEVELS, Node, template_of
from export_session.sheet.workbooks import BEFORE
from export_session.sheet.write import write_rows

ELEMENTS = {"PatientID": "LO", "PatientWeight": "DS", "StudyTime": "TM"}
values = st.sampled_from(
    ["007", "7", "1.50", 1.5, 75.0, "093000", "", None, "=1+1", "TRUE", "<x>", ["A", "B"], " a ", "a\r\nb"]
)


@st.composite
def nodes(draw: st.DrawFn) -> list[Node]:
    """Return subjects with sessions, acquisitions and files, of which many agree."""
    ids = count()
    often = [draw(values) for _ in ELEMENTS]

    def spell(vr: str, value: Any) -> str:
        return spelled(value, vr) if shown(value) else BLANK

    def node(depth: int, above: Selector) -> Node:
        level, number = LEVELS[depth], f"{next(ids)}"
        names = {name: getattr(above, name) for name in SELECTORS} | {level: f"{level} {number}", "id": number}
        selector = Selector(**names)
        if level != "file":
            below = tuple(node(depth - 1, selector) for _ in range(draw(st.integers(0, 2))))
            return Node(level, selector, {}, below)
        said = {
            name: spell(vr, usual if draw(st.booleans()) else draw(values))
            for (name, vr), usual in zip(ELEMENTS.items(), often, strict=True)
        }
        return Node(level, selector, said)

    return [node(3, Selector()) for _ in range(draw(st.integers(1, 2)))]


def files(node: Node, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, ...]]:
    if node.level == "file":
        yield (*above, node)
    for one in node.below:
        yield from files(one, (*above, node))


@pytest.mark.parametrize("largest", LEVELS)
@given(nodes())
@settings(max_examples=40)
def test_each_value_of_each_file_is_in_one_row_that_is_for_it(largest: Any, subjects: list[Node]) -> None:
    head, *rows = template_of(subjects, ELEMENTS, largest).before
    cells = {row[4]: dict(zip(head, row, strict=True)) for row in rows}
    assert len(cells) == len(rows)
    for way in (way for subject in subjects for way in files(subject)):
        for name in ELEMENTS:
            said = [cells[node.selector.id][name] for node in way if node.selector.id in cells]
            assert [cell for cell in said if cell] == [way[-1].fields[name]]
    allowed = LEVELS[: LEVELS.index(largest) + 1]
    for row in cells.values():
        assert any(row[level] and not any(row[below] for below in LEVELS[: LEVELS.index(level)]) for level in allowed)


@given(nodes(), st.sampled_from(LEVELS), st.booleans())
@settings(max_examples=25)
def test_an_untouched_template_asks_for_nothing_in_whatever_order_its_rows_are(
    subjects: list[Node], largest: Any, upside_down: bool
) -> None:
    template = template_of(subjects, ELEMENTS, largest)
    head, *rows = template.rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        write_rows([head, *(reversed(rows) if upside_down else rows)], path, {BEFORE: template.before})
        sheet = read_sheet(path)
    assert (sheet.corrections, sheet.problems, sheet.remarks) == ((), (), ())


def test_emptied_cells_are_told_and_change_nothing(tmp_path: Path) -> None:
    rows = [["id", "PatientID", "PatientName"], ["a", "7", "Doe"], ["b", "8", "Doe"]]
    path = tmp_path / "a.xlsx"
    write_rows(rows, path, {BEFORE: rows})
    book = openpyxl.load_workbook(path)
    book["Corrections"]["B2"] = book["Corrections"]["C3"] = None
    book.save(path)
    sheet = read_sheet(path)
    assert (sheet.corrections, sheet.problems) == ((), ())
    (remark,) = sheet.remarks
    assert "2 cells" in remark
    assert "Corrections!B2, Corrections!C3" in remark
    assert "<blank>" in remark


def test_a_label_that_was_changed_where_it_only_says_what_a_row_is_for_is_told(tmp_path: Path) -> None:
    rows = [
        ["subject", "session", "id", "PatientID", "session.label"],
        ["s", "v", "1", "", "v"],
        ["s", "v", "2", "7", ""],
    ]
    path = tmp_path / "a.xlsx"
    write_rows(rows, path, {BEFORE: rows})
    book = openpyxl.load_workbook(path)
    book["Corrections"]["B3"] = "v 2"
    book["Corrections"]["A2"] = None
    book.save(path)
    sheet = read_sheet(path)
    assert sheet.corrections == ()
    (problem,) = sheet.problems
    assert problem.startswith("Corrections!B3: ")
    assert "session.label" in problem


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=150)
def test_whatever_the_bytes_are_reading_ends_in_words(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        sheet = read_sheet(path)
    assert all(isinstance(problem, str) for problem in sheet.problems)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_workbook_is_read_or_refused_in_words(tmp_path: Path, seed: int) -> None:
    chance, path = Random(seed), tmp_path / "a.xlsx"
    write_rows([["id", "PatientID"], ["a", "7"]], path)
    content = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 20)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content if seed % 2 else content[: chance.randrange(4, len(content))])
    assert all(isinstance(problem, str) for problem in read_sheet(path).problems)
