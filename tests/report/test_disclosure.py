from __future__ import annotations

import html
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.dicom.binary.values import why_unwritable
from export_session.dicom.vocabulary import Attribution, Cause, Change, Outcome
from export_session.record import FileRecord, RunRecord, SessionRecord, Status
from export_session.report import write_reports
from export_session.report.disclosure import HIDDEN, disclosed
from export_session.support.wording import without_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CANARIES = ("Canary^Jane", "19610203", "CANARY-7781", "canary street 5", "1.2.840.99.7.1")
VALUES = st.recursive(
    st.one_of(st.text(min_size=1, max_size=12), st.integers(), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@pytest.fixture
def told(
    run: Callable[..., RunRecord],
    session: Callable[..., SessionRecord],
    file: Callable[..., FileRecord],
    change: Callable[..., Change],
) -> RunRecord:
    """A run in which every place that can hold a value does hold one."""
    name, birth, number, street, uid = CANARIES
    author = Attribution("ada@example.org", "2024-01-01T12:00:00+00:00", f"not {name} but another", "audit trail")
    applied = change(
        "PatientName", old=name, new=f"{name}-new", reason=f"was {name}, see PatientName", attribution=author
    )
    listed = change("OtherPatientIDs", old=[number, birth], new={"Value": [number]})
    refused = change(
        "PatientAddress",
        old=None,
        new=street,
        outcome=Outcome.REFUSED,
        reason=f"'{street}' is not possible ({uid})",
    )
    record = file(
        changes=(applied, listed),
        refused=(refused,),
        notes=(f"the value “{street}” is odd",),
        error=f'PatientName cannot be "{name}", nor {birth}',
        thumbnail=b"PNG of a face",
    )
    own = session(files=(record,), error=f"t1.dicom.zip: {number} in 't1.dicom.zip' cannot be written")
    containers = tuple(replace(each, notes=(f"sex of '{street}'",), error=f"{name}") for each in own.containers)
    return run(sessions=(replace(own, containers=containers),))


@pytest.mark.parametrize("log_values", ["hash", "none"])
def test_no_value_reaches_any_output_unless_asked_for(
    told: RunRecord, log_values: Literal["hash", "none"], tmp_path: Path
) -> None:
    for path in write_reports(replace(told, log_values=log_values), tmp_path):
        text = text_in(path)
        assert [canary for canary in (*CANARIES, "UE5HIG9mIGEgZmFjZQ") if canary in text] == []
        assert "t1.dicom.zip" in text  # names stay, or nobody could find anything


def text_in(path: Path) -> str:
    """Everything that a file says; a workbook is zipped."""
    if path.suffix != ".xlsx":
        return path.read_text()
    with zipfile.ZipFile(path) as parts:
        return html.unescape("\n".join(parts.read(name).decode() for name in parts.namelist()))


def test_asked_for_in_full_every_value_is_told(told: RunRecord, tmp_path: Path) -> None:
    _, changes, _, workbook = write_reports(told, tmp_path)
    for path in (changes, workbook):
        assert [canary for canary in CANARIES if canary not in text_in(path)] == []


def test_element_and_file_names_in_a_reason_survive(told: RunRecord) -> None:
    (session,) = disclosed(replace(told, log_values="none")).sessions
    assert session.files[0].changes[0].reason.endswith("see PatientName")
    assert session.error == "t1.dicom.zip: (value) in 't1.dicom.zip' cannot be written"


@given(st.text(alphabet="abc \"'`^.,0189<>-", min_size=1, max_size=15), st.sampled_from(["'{}'", '"{}"', "`{}`"]))
def test_whatever_is_quoted_leaves_a_sentence(value: str, marks: str) -> None:
    secret = f"sec{value}ret"
    text = without_values(f"PatientName: {marks.format(secret)} is too long; see the importer's notes")
    assert "sec" not in text
    assert "ret" not in text
    assert text.startswith("PatientName: (value)")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("StudyID holds at most 16 characters", None),
        ("(0010,0020) is protected; 3 of 200 instances differ", None),
        ("dicom_array.EchoTime[12] is the reference's", None),
        ("member 0042.dcm ends early after 4096 bytes", None),
        ("170.25 is not an integer", "(value) is not an integer"),
        ("-1.5e-07 is not an integer", "(value) is not an integer"),
        ("Doe^Jane is not a valid date", "(value) is not a valid date"),
        ("no instance is 1.2.840.99.7", "no instance is (value)"),
        ("born 19610203", "born (value)"),
        ("70000 is beyond the range of US", "(value) is beyond the range of US"),
        ('"say "secret" now" is not a valid date', "(value) is not a valid date"),
    ],
)
def test_a_sentence_keeps_what_is_no_value(text: str, left: str | None) -> None:
    assert without_values(text) == (left or text)


@pytest.mark.parametrize(
    ("value", "vr"),
    [
        *[
            ("31.02.1961", "DA"),
            ("soon 2", "TM"),
            ("31 Feb 1961", "DT"),
            ("a^b^c^d^e^f^g", "PN"),
            ("99999999999", "IS"),
        ],
        *[
            (70_000, "SS"),
            (1 << 40, "UL"),
            ("4711 " * 300, "ST"),
            ("0815" * 20, "LO"),
            ("a\n0815", "SH"),
            ("a; b " * 20, "LO"),
        ],
    ],
)
def test_the_example_of_what_is_right_stays_where_the_value_is_hidden(value: Any, vr: str) -> None:
    reason = why_unwritable(value, vr, "1")
    hidden = re.sub(r'"[^"]*"', "(value)", reason).replace("(value) would do", "another one would do")
    assert without_values(reason, {str(value), "1345", "64"}) == hidden


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "PatientSex: DIVERSE is not one of M, F, O (PS3.3 §C.7.1.1), which the change brought in",
            "PatientSex: (value) is not one of those that are allowed (PS3.3 §C.7.1.1), which the change brought in",
        ),
        (
            "a remark; PS3.3 §C.7.1.1 defines M, F and O for PatientSex, and no other value; another for M",
            "a remark; PS3.3 §C.7.1.1 defines certain values for PatientSex, and no other value; another for (value)",
        ),
        (
            "K is absent, but required where PatientSex is M or F (type 1C, PS3.3 table 8.8-1a)",
            "K is absent, but required under a condition (type 1C, PS3.3 table 8.8-1a)",
        ),
    ],
)
def test_what_is_allowed_does_not_give_away_which_of_it_was_there(text: str, left: str) -> None:
    assert without_values(text, {"M", "DIVERSE"}) == left


@given(st.text(min_size=1))
def test_no_finding_shows_the_value_that_it_is_about(value: str) -> None:
    finding = f"PatientSex: {value} is not one of M, F, O (PS3.3 §C.7.1.1), which the change brought in"
    shown = "PatientSex: (value) is not one of those that are allowed (PS3.3 §C.7.1.1), which the change brought in"
    assert without_values(finding) == shown


@given(old=VALUES, new=VALUES)
@settings(max_examples=50)
def test_no_value_is_left_in_a_change(old: object, new: object) -> None:
    change = Change("(0010,0010)", "K", "LO", "K", old, new, Cause.EDIT, Outcome.REFUSED, "reason")
    shown = disclosed(_run_of(change, "none")).sessions[0].files[0].refused[0]
    assert (shown.old, shown.new) == (HIDDEN, HIDDEN)


@given(typed=st.text(min_size=1, max_size=20), written=st.text("0123456789ABCXYZ", min_size=1, max_size=8))
@settings(max_examples=50)
def test_no_remark_on_a_typed_value_shows_it(typed: str, written: str) -> None:
    remark = f"PS3.3 §C.7.1.1 defines something; component 2: typed {typed}, written {written}; component 3: typed x, written X"
    change = Change("(0010,0040)", "PatientSex", "CS", "PatientSex", "M", "F", Cause.EDIT, Outcome.APPLIED, remark)
    shown = disclosed(_run_of(change, "none")).sessions[0].files[0].refused[0]
    assert shown.reason.endswith("component 2: typed (value), written (value)")


def test_equal_values_of_a_run_have_equal_hashes_and_other_values_others(
    run: Callable[..., RunRecord],
    session: Callable[..., SessionRecord],
    file: Callable[..., FileRecord],
    change: Callable[..., Change],
) -> None:
    files = (
        file("a.dcm", changes=(change(old="M", new="F"),)),
        file("b.dcm", changes=(change(old="F", new="M"), change(old=None, new=""))),
    )
    shown = disclosed(run(log_values="hash", sessions=(session(files=files),)))
    first, second = shown.sessions[0].files
    assert first.changes[0].old == second.changes[0].new != first.changes[0].new == second.changes[0].old
    assert (second.changes[1].old, second.changes[1].new) == (None, "")


def test_hashes_of_two_runs_cannot_be_compared(run: Callable[..., RunRecord]) -> None:
    old = [disclosed(run(log_values="hash")).sessions[0].files[0].changes[0].old for _ in range(2)]
    assert old[0] != old[1]


_EMPTY = RunRecord("t", "t", "g", "", "", dry_run=False, log_values="full", settings={}, sessions=())


def _run_of(change: Change, log_values: Literal["full", "hash", "none"]) -> RunRecord:
    file = FileRecord("acquisition", "f.dcm", Status.FAILED, "p/f.dcm", refused=(change,))
    session = SessionRecord("s", "t", Status.FAILED, files=(file,))
    return replace(_EMPTY, log_values=log_values, sessions=(session,))


@pytest.mark.parametrize("log_values", ["full", "hash", "none"])
def test_authors_are_shown_whatever_is_shown_of_values(
    told: RunRecord, log_values: Literal["full", "hash", "none"], tmp_path: Path
) -> None:
    paths = write_reports(replace(told, log_values=log_values), tmp_path)
    changes, page = (next(path for path in paths if path.name.endswith(end)) for end in ("_changes.csv", ".html"))
    for path in (changes, page):
        text = html.unescape(path.read_text("utf-8"))
        assert "ada@example.org" in text
        assert "2024-01-01T12:00:00+00:00" in text
        assert "audit trail" in text
