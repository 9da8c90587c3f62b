from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from export_session.dicom.vocabulary import MAPPING_WINS, Cause, Outcome
from export_session.record import Status, Verification
from export_session.report import view
from export_session.report.attention import Concern, concerns
from export_session.report.verdict import Figures
from tests.report.page import parsed

Make = Callable[..., Any]


@pytest.fixture
def told(run: Make, session: Make) -> Callable[..., list[Concern]]:
    def tell(*files: Any, preview: bool = False) -> list[Concern]:
        return concerns(view.sessions(run(sessions=(session(files=files),))), preview=preview)

    return tell


@pytest.fixture
def overruled(file: Make, change: Make) -> Make:
    """A file with an edit that the mapping overrules, as the engine tells of it: refusal, remark and note."""

    def make(name: str, **fields: Any) -> Any:
        refused = change(new="typed", cause=Cause.EDIT, outcome=Outcome.REFUSED, reason=MAPPING_WINS)
        mapped = change(reason="the mapping overrides an edit in info.header")
        other = change("PatientName", "A", "B", cause=Cause.EDIT)
        notes = (f"PatientID: {MAPPING_WINS}",)
        return file(name, **{"changes": (mapped, other), "refused": (refused,), "notes": notes} | fields)

    return make


def test_an_edit_that_the_mapping_overrules_is_told_once_with_its_remedy(
    told: Callable[..., list[Concern]], overruled: Make, run: Make, session: Make
) -> None:
    files = [overruled(f"{n}.dcm") for n in range(3)]
    (concern,) = told(*files)
    assert (concern.cause.kind, concern.cause.subject, len(concern.places)) == ("refused", "PatientID", 3)
    assert "Correct that Flywheel field" in concern.remedy
    assert concern.fate == "the element has the mapped value; 3 other changes were written"
    figures = Figures.of(run(sessions=(session(files=tuple(files)),)))
    assert (figures.refused, figures.warnings) == (3, 0)


def test_a_file_that_failed_for_its_edits_is_told_by_them_with_the_remedy(
    told: Callable[..., list[Concern]], file: Make, change: Make
) -> None:
    def failed(number: int) -> Any:
        refused = tuple(
            change(path, path=path, outcome=Outcome.REFUSED, reason=f"no {path}", cause=Cause.EDIT)
            for path in ("StudyDate", "StudyTime")[: number % 2 + 1]
        )
        error = f"2 things: {'; '.join(f'{each.path}: {each.reason}' for each in refused)}. Correct them."
        return file(f"{number}.dcm", status=Status.FAILED, refused=refused, error=error)

    found = told(*map(failed, range(4)))
    assert [(each.cause.subject, len(each.places), each.remedy) for each in found] == [
        ("StudyDate", 4, "Correct them."),
        ("StudyTime", 2, "Correct them."),
    ]
    assert found[0].fate == "not exported, so none of their edits was written"


def test_what_became_of_the_other_edits_is_said_as_it_was(
    told: Callable[..., list[Concern]], file: Make, change: Make, overruled: Make
) -> None:
    refused = (change("StudyID", outcome=Outcome.REFUSED, reason="too long"),)
    name = change("PatientName")

    def fate(*files: Any, preview: bool = False) -> str:
        return told(*files, preview=preview)[0].fate

    assert fate(file("a", refused=refused, changes=(name,))) == (
        "the element keeps its value; 1 other change was written"
    )
    assert fate(file("a", refused=refused)) == "the element keeps its value; nothing else was changed"
    earlier = file("a", refused=refused, status=Status.UNCHANGED, verification=Verification.RECORDED)
    assert fate(earlier).endswith("all other edits are in place since an earlier run")
    assert fate(overruled("a"), preview=True) == (
        "the element would have the mapped value; 1 other change would be written"
    )
    lost = overruled("b", status=Status.FAILED, changes=())
    assert fate(overruled("a"), lost).endswith("1 file not exported, so none of its edits was written")
    assert fate(lost, preview=True) == "would not be exported, so none of its edits would be written"


def test_a_note_is_told_with_what_was_written_all_the_same(
    told: Callable[..., list[Concern]], file: Make, change: Make
) -> None:
    (concern,) = told(file("a", notes=("Look here.",), changes=(change(), change("PatientName"))))
    assert (concern.cause.kind, concern.fate) == ("note", "2 changes were written")


@pytest.mark.parametrize(("pairs", "rows"), [(3, 3), (5, 5), (6, 5), (300, 5)])
def test_no_line_is_spent_on_hiding_a_single_pair(
    run: Make, session: Make, file: Make, change: Make, pairs: int, rows: int
) -> None:
    files = tuple(file(f"{n}.dcm", changes=(change(new=f"new {n}"),)) for n in range(pairs))
    (body,) = parsed(run(sessions=(session(files=files),))).all("table", "el")[0].all("tbody")
    assert len(body.all("tr")) == rows
    assert ("other pair" in body.text) is (pairs > 5)
    assert "1 other pair" not in body.text


def test_the_changes_of_an_element_are_told_by_their_cause(run: Make, session: Make, file: Make, change: Make) -> None:
    files = (file("a", changes=(change(),)), file("b", changes=(change(cause=Cause.EDIT),)))
    bodies = parsed(run(sessions=(session(files=files),))).all("table", "el")[0].all("tbody")
    assert [body.attributes["data-cause"] for body in bodies] == ["edit", "mapping"]
    assert [body.all("span", "cause")[0].text for body in bodies] == ["edit", "mapping"]


@pytest.mark.parametrize(
    ("vr", "old", "new", "before", "after"),
    [
        ("DA", "19610203", "19610302", ["19610203"], ["19610302"]),
        ("DS", "-12.50", "-12.25", ["-12.50"], ["-12.25"]),
        ("US", 256, 257, ["256"], ["257"]),
        ("DS", ["1", "0", "0.50"], ["1", "7.5", "0.50"], ["0"], ["7.5"]),
        ("LO", "98890234", "98890235", ["98890234"], ["98890235"]),
        ("LO", "Doe 1", "Doe 2", ["1"], ["2"]),
    ],
)
def test_dates_and_numbers_are_shown_whole(
    run: Make, session: Make, file: Make, change: Make, vr: str, old: Any, new: Any, before: list[str], after: list[str]
) -> None:
    page = parsed(run(sessions=(session(files=(file(changes=(change(vr=vr, old=old, new=new),)),)),)))
    (row,) = page.all("table", "el")[0].all("tbody")[0].all("tr")
    assert [mark.text for mark in row.all("del")] == before
    assert [mark.text for mark in row.all("ins")] == after


def test_no_link_leads_to_a_file_for_which_there_was_no_room(
    run: Make, session: Make, file: Make, change: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export_session.report.html.LINES", 20_000)
    files = tuple(file(f"{n}.dcm", changes=(change(),), notes=(f"note {n % 9}",)) for n in range(200))
    page = parsed(run(sessions=(session(files=files),)))
    ids = {node.attributes.get("id") for node in page.walk()}
    links = {(link.attributes["href"] or "")[1:] for link in page.all("a")}
    assert links <= ids
    assert len(page.all("li", "file")) < 200
