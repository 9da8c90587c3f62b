from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.dicom.vocabulary import Cause, Change, Outcome, Remaining
from export_session.record import (
    Archived,
    ContainerRecord,
    FileRecord,
    RunRecord,
    SessionRecord,
    Status,
    Timing,
    Verification,
)
from export_session.report import closing_lines, write_reports
from tests.report.page import Tree

TEXT = st.one_of(
    st.text(max_size=12),
    st.text(alphabet=st.characters(categories=["Cc", "Cs", "Cf", "Zs", "Zl", "Co", "Lo"]), max_size=8),
    st.text(alphabet="<>&\"'=+-@\\/;,\r\n\t\x00 a1", max_size=15),
)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)
COUNT = st.integers(0, 10**13)
SECONDS = st.floats(0, 1e7)
JSON = st.recursive(
    st.one_of(st.none(), TEXT, st.integers(), st.floats(), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=5,
)
STATUS = st.sampled_from(Status)
LEVEL = st.sampled_from(["subject", "session", "acquisition"])


def changes(outcome: Outcome) -> st.SearchStrategy[tuple[Change, ...]]:
    one = st.builds(
        Change,
        tag=TEXT,
        keyword=TEXT,
        vr=TEXT,
        path=TEXT,
        old=JSON,
        new=JSON,
        cause=st.sampled_from(Cause),
        outcome=st.just(outcome),
        reason=TEXT,
        instances=COUNT,
        total=COUNT,
        member=TEXT,
    )
    return st.lists(one, max_size=2).map(tuple)


REMAINS = st.lists(st.builds(Remaining, TEXT, JSON, TEXT, COUNT), max_size=2).map(tuple)
FILE = st.builds(
    FileRecord,
    level=LEVEL,
    name=TEXT,
    status=STATUS,
    origin_path=TEXT,
    export_path=TEXT,
    archive_path=TEXT,
    size=COUNT,
    instances=COUNT,
    modality=TEXT,
    changes=changes(Outcome.APPLIED),
    refused=changes(Outcome.REFUSED),
    not_made=changes(Outcome.NOT_MADE),
    notes=TEXTS,
    remains=REMAINS,
    error=TEXT,
    verification=st.sampled_from(Verification),
    timing=st.builds(Timing, SECONDS, SECONDS, SECONDS, SECONDS),
    thumbnail=st.binary(max_size=8),
)
CONTAINER = st.builds(ContainerRecord, LEVEL, TEXT, STATUS, TEXT, TEXT, TEXT, TEXTS, TEXT, REMAINS)
SESSION = st.builds(
    SessionRecord,
    TEXT,
    TEXT,
    STATUS,
    st.lists(CONTAINER, max_size=3).map(tuple),
    st.lists(FILE, max_size=3).map(tuple),
    TEXT,
    SECONDS,
    skipped=TEXT,
    archived=st.sampled_from(Archived),
    tagged=st.booleans(),
    finishing=st.booleans(),
)
RUN = st.builds(
    RunRecord,
    title=TEXT,
    stem=st.just("run"),
    gear=TEXT,
    started=TEXT,
    finished=TEXT,
    dry_run=st.booleans(),
    log_values=st.sampled_from(["full", "hash", "none"]),
    settings=st.dictionaries(TEXT, JSON, max_size=3),
    sessions=st.lists(SESSION, max_size=3).map(tuple),
    error=TEXT,
    nothing_selected=TEXT,
)


@given(RUN)
@settings(max_examples=40)
def test_whatever_happened_in_a_run_its_reports_are_written_and_whole(
    tmp_path_factory: pytest.TempPathFactory, record: RunRecord
) -> None:
    export, change, page, workbook = write_reports(record, tmp_path_factory.mktemp("output"))
    files = list(record.files())
    assert kinds(export).count("file") == len(files)
    assert len(rows(change)) - 1 == sum(len(file.changes) + len(file.refused) + len(file.not_made) for file in files)
    Tree(page.read_text(encoding="utf-8"))
    book = openpyxl.load_workbook(workbook)
    assert [sheet.max_row for sheet in book.worksheets][2:] == [len(rows(export)), len(rows(change))]
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert all(closing_lines(record))


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    assert len(pd.read_csv(path, dtype=str)) == len(found) - 1
    return found


def kinds(path: Path) -> list[str]:
    return [row[0] for row in rows(path)]
