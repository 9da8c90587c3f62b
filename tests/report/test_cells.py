from __future__ import annotations

import csv
import io
import string
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.report.cells import CELL_LIMIT, Numeral, neutral, text_of, write_csv
from export_session.support.wording import visible

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = st.text(
    alphabet="=+-@\uff1d\uff0b\uff0d\uff20\t\r\n \"',;|%\x00\x1b\ufeff\u00a0\u200b5aZcmd!(){}[]\\/",
    max_size=40,
)
TEXT = st.one_of(HOSTILE, st.text(max_size=60), st.text(alphabet=string.printable, max_size=60))


def runs_as_formula(cell: str) -> bool:
    """What a spreadsheet does: skip blanks, invisible marks and control characters, look at what comes first."""
    rest = cell.lstrip(string.whitespace + "\u00a0\ufeff\u200b\x00\x1b␉␊␍ ")
    return rest[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20") or cell[:1] in {"\t", "\r"}


@given(TEXT)
def test_no_cell_can_be_run_as_a_formula(text: str) -> None:
    assert not runs_as_formula(neutral(text))


@given(TEXT)
def test_dropping_one_leading_apostrophe_gives_the_text_back(text: str) -> None:
    assert neutral(text).removeprefix("'") == visible(text)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@SUM(A1)", "  =1", "\t=1", "\r\n=1", "\ufeff=1", "\uff1d1"])
def test_texts_that_start_like_a_formula_get_an_apostrophe(text: str) -> None:
    assert neutral(text).startswith("'")


@pytest.mark.parametrize("text", ["", "sub-01", "O'Brien", "a=b", "2020-01-01", "Müller^Änne", '["a", -1]', "#12ab"])
def test_harmless_texts_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


@given(st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=5))
@settings(max_examples=60)
def test_every_row_is_one_line_and_reads_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "cells.csv"
    write_csv(path, ("a", "b", "c"), [*rows, ["end", "end", "end"]])
    text = path.read_bytes().decode()
    wanted = [[neutral(cell) for cell in row] for row in [*rows, ["end"] * 3]]
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == wanted
    assert text.count("\n") == len(rows) + 2
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert frame.to_numpy().tolist() == wanted


def test_a_text_longer_than_a_spreadsheet_cell_is_cut_and_says_so() -> None:
    cell = neutral("x" * 100_000)
    assert len(cell) < 32_767
    assert cell.endswith(f"[{100_000 - CELL_LIMIT:,} more characters]")


def test_a_lone_surrogate_does_not_stop_the_log(tmp_path: Path) -> None:
    write_csv(tmp_path / "log.csv", ("a",), [("\ud800",)])
    assert (tmp_path / "log.csv").read_text().splitlines() == ["a", '"<U+D800>"']


def test_text_is_quoted_and_numbers_are_not(tmp_path: Path) -> None:
    write_csv(tmp_path / "log.csv", ("a", "b", "c"), [("007", 7, Decimal("-1024.0")), ("", -0.5, Numeral("-1E5"))])
    assert (tmp_path / "log.csv").read_text().splitlines() == ["a,b,c", '"007",7,-1024.0', '"",-0.5,"-1E5"']


def test_values_are_shown_as_text_or_json() -> None:
    shown = [text_of(value) for value in (None, "", "a\\b", 1.5, ["é", 2], {"Alphabetic": "x"})]
    assert shown == ["", "", "a\\b", "1.5", '["é", 2]', '{"Alphabetic": "x"}']
