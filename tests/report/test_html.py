from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from export_session.record import Status
from export_session.report import html as report
from export_session.report.disclosure import disclosed
from export_session.report.html import render
from tests.report.page import Node, by_id, parsed

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def page(rich_run: Make) -> Node:
    return parsed(rich_run())


def file_items(page: Node) -> dict[str, Node]:
    return {node.attributes["id"]: node for node in page.all("li", "file")}  # type: ignore[misc]  # each has an id


def test_every_file_is_on_the_page_once_with_its_status(page: Node, rich_run: Make) -> None:
    wanted = Counter((file.name, file.status.value) for file in rich_run().files())
    shown: Counter[tuple[str, str]] = Counter()
    for item in page.all("li", "file"):
        (badge,) = item.all("span", "st")
        shown[item.all("bdi")[0].text, badge.text] += 1
    assert shown == wanted


def test_every_container_is_on_the_page_with_its_status(page: Node) -> None:
    heads = [" ".join(head.text.split()) for head in page.all("h4")]
    assert heads[:3] == ["subject sub-01 created", "session ses-01 created", "acquisition T1 created"]
    assert heads[-1] == "session ses-01 skipped"
    assert [" ".join(head.text.split()) for head in page.all("h3")] == [f"sub-0{n} / ses-01" for n in (1, 2, 3)]


def test_a_files_changes_are_a_table_of_before_and_after_with_marks(page: Node) -> None:
    (table,) = file_items(page)["f2"].all("table")
    rows = {row.all("th")[0].text: row for row in table.all("tr")[1:]}
    birth = next(row for key, row in rows.items() if key.startswith("PatientBirthDate"))
    before, after, why = birth.all("td")
    assert (before.text, after.text, why.text.strip()) == ("19610203", "19610302", "edit")
    assert before.all("del")
    assert after.all("ins")
    weight = next(row for key, row in rows.items() if key.startswith("PatientWeight"))
    assert [cell.text.strip() for cell in weight.all("td")] == ["absent", "70.5", "mapping"]
    nested = next(row for key, row in rows.items() if key.startswith("RequestAttributesSequence[0]."))
    assert nested.all("td")[1].text == "empty"


def test_a_refused_edit_is_told_with_its_reason_and_without_marks(page: Node) -> None:
    row = file_items(page)["f2"].all("tr", "no")[0]
    assert "baseline-visit-one" in row.text
    assert "not written" in row.text
    assert "holds at most 16 characters" in row.text
    assert not row.all("ins")


def test_what_needs_attention_is_gathered_and_leads_to_its_files(page: Node) -> None:
    (concerns,) = page.all("ul", "concerns")
    items = list(concerns.all("li"))
    assert [item.all("b")[0].text for item in items] == [
        "Failed: session",
        "Failed",
        "Refused: StudyID",
        "Refused: EchoTime",
        "Note",
    ]
    assert [link.attributes["href"] for link in items[2].all("a")] == ["#f2", "#f3"]
    assert "Upload the file again" in items[1].text


def test_a_changed_element_is_found_by_name_and_leads_to_its_files(page: Node) -> None:
    table = by_id(page, "elements").all("table")[0]
    row = next(row for row in table.all("tr") if row.text.strip().startswith("PatientName"))
    assert "Doe^Janet" in row.text
    assert [link.attributes["href"] for link in row.all("a")] == ["#f2", "#f3"]


def test_the_values_of_an_element_are_told_with_the_files_they_are_in(
    run: Make, session: Make, file: Make, change: Make
) -> None:
    def one(number: int) -> Any:
        refused = (change("StudyID", "1", "too long", tag="(0020,0010)"),) if number < 3 else ()
        return file(f"{number}.dcm", changes=(change(old="x", new=f"new {number // 3}"),), refused=refused)

    page = parsed(run(sessions=(session(files=tuple(map(one, range(18)))),)))
    parts = by_id(page, "elements").all("tbody")
    rows = [[" ".join(cell.text.split()) for cell in row.all("td")] for row in parts[0].all("tr")]
    assert [row[:2] for row in rows[:-1]] == [["x", f"new {n}"] for n in range(4)]
    assert rows[0][2] == "3 filesT1/0.dcm, T1/1.dcm, T1/2.dcm"
    assert rows[-1][0].startswith("and 2 other pairs of values")
    assert parts[0].all("th")[0].attributes["rowspan"] == "5"
    assert "Refused in 3 files" in parts[1].text


def test_the_verdict_and_the_figures_come_first(page: Node) -> None:
    (sentence,) = page.all("p", "verdict")
    assert sentence.text == "1 of 3 sessions failed; nothing of it was archived or tagged."
    figures = {tile.all("dt")[0].text: tile.all("dd")[0].text for tile in page.all("dl", "tiles")[0].all("div")}
    assert figures == {
        "Sessions": "3",
        "Files": "13",
        "Changes": "9",
        "Refused edits": "3",
        "Verified": "11",
        "Data": "175.4 MB",
    }


def test_settings_verification_and_times_are_told(page: Node) -> None:
    assert "archive_mode" in by_id(page, "settings").text
    assert "11 files: size and hash" in by_id(page, "verification").text
    assert by_id(page, "time").text.count("MB/s") >= 4
    assert by_id(page, "time").all("svg", "scatter")
    assert len(by_id(page, "time").all("svg", "bar")) == 6  # the files that were in flight


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_preview_is_marked_as_such(rich_run: Make, dry_run: bool) -> None:
    page = parsed(rich_run(dry_run=dry_run))
    assert bool(page.all("span", "preview")) is dry_run
    assert ("a preview stores nothing" in page.all("dl", "tiles")[0].text) is dry_run
    assert page.all("title")[0].text.startswith("Preview: ") is dry_run


def test_thumbnails_are_shown_at_full_disclosure_only(rich_run: Make) -> None:
    shown = {mode: len(parsed(disclosed(rich_run(log_values=mode))).all("img")) for mode in ("full", "hash", "none")}
    assert shown == {"full": 2, "hash": 0, "none": 0}


@pytest.mark.parametrize("mode", ["hash", "none"])
def test_values_that_are_not_shown_are_not_marked_either(rich_run: Make, mode: str) -> None:
    page = parsed(disclosed(rich_run(log_values=mode)))
    assert not page.all("del")
    assert not page.all("ins")
    assert "Jane" not in render(disclosed(rich_run(log_values=mode)))


@pytest.mark.parametrize(
    "fields",
    [{"sessions": ()}, {"error": "No such project."}, {"started": "", "finished": "", "settings": {}, "title": ""}],
)
def test_a_run_with_little_to_tell_has_its_page_too(run: Make, fields: dict[str, Any]) -> None:
    page = parsed(run(**fields))
    assert page.all("p", "verdict")
    assert fields.get("error", "") in page.text


def test_a_run_of_ten_thousand_files_stays_below_ten_megabytes(
    run: Make, session: Make, file: Make, change: Make
) -> None:
    sessions = []
    for number in range(10):
        parent = f"sub-{number}/ses-01/T1"
        files = tuple(
            file(
                f"series-{each}.dicom.zip",
                parent,
                changes=tuple(change(f"Element{k}", f"old & {each}", f"new < {each}") for k in range(4)),
                thumbnail=bytes(3000),
            )
            for each in range(1000)
        )
        sessions.append(session(f"sub-{number}", files=files))
    text = render(run(sessions=tuple(sessions)))
    assert len(text.encode()) < 10_000_000
    assert len(re.findall(r'<li class="file" id="f', text)) == 10_000
    assert "The changes are not shown here" in text


def test_what_does_not_fit_is_counted_and_the_csv_is_named(
    monkeypatch: pytest.MonkeyPatch, run: Make, session: Make, file: Make
) -> None:
    class Small(report.Budget):
        def __init__(self, left: int) -> None:
            super().__init__(left // 50)

    monkeypatch.setattr(report, "Budget", Small)
    sessions = [
        session(f"sub-{n}", files=tuple(file(f"{k}.nii", f"sub-{n}/ses-01/T1") for k in range(40))) for n in range(9)
    ]
    page = parsed(run(sessions=tuple(sessions)))
    shown = len(page.all("li", "file"))
    notes = [note.text for note in by_id(page, "files").all("p", "note")]
    files_left = sum(int(n.replace(",", "")) for t in notes for n in re.findall(r"([\d,]+) files? not shown", t))
    sessions_left = sum(int(n) for t in notes for n in re.findall(r"(\d+) more sessions? not shown", t))
    assert 0 < shown < 360
    assert shown + files_left + 40 * sessions_left == 360
    assert all("sub-01-ses-01_export_log.csv" in note for note in notes)


def test_a_file_with_very_many_changes_shows_the_first_and_says_so(
    run: Make, session: Make, file: Make, change: Make
) -> None:
    slices = tuple(change("SliceLocation", str(n), str(n + 0.5), member=f"{n}.dcm") for n in range(1000))
    page = parsed(run(sessions=(session(files=(file(changes=slices),)),)))
    (item,) = page.all("li", "file")
    assert len(item.all("tr")) == 201
    assert "Only the first 200 rows are shown here" in item.text


def test_files_left_as_they_were_are_folded_into_one_line(page: Node) -> None:
    quiet = [fold for fold in page.all("details", "quiet") if "unchanged" in fold.all("summary")[0].text]
    assert [fold.all("summary")[0].text.strip() for fold in quiet] == ["7 files unchanged"]
    assert len(quiet[0].all("li")) == 7


def test_a_failed_session_is_unfolded(page: Node) -> None:
    opened = {
        fold.all("h3")[0].text.split("/")[0].strip(): "open" in fold.attributes
        for fold in page.all("details", "session")
    }
    assert opened == {"sub-01": False, "sub-02": True, "sub-03": False}
    assert Status.FAILED.value in by_id(page, "s2").text


def test_where_the_copies_are_is_said_once_for_a_session_and_again_where_it_is_elsewhere(
    run: Make, session: Make, file: Make, container: Make
) -> None:
    labels = [f"Series {n}" for n in range(7)]
    places = [container("acquisition", label, f"sub-01/ses-01/{label}") for label in labels[1:]]
    elsewhere = container("acquisition", labels[0], f"sub-01/ses-01/{labels[0]}", export_path="radiology/Export/other")
    own = session().containers[:2]
    first = file("0.dcm", f"sub-01/ses-01/{labels[0]}", export_path="radiology/Export/other/0.dcm")
    files = (first, *(file(f"{n}.dcm", f"sub-01/ses-01/Series {n}") for n in range(1, 7)))
    page = parsed(run(sessions=(session(containers=(*own, elsewhere, *places), files=files),)))
    (home,) = page.all("p", "home")
    assert home.text == "Copies in radiology/Export/sub-01/ses-01, under the same names."
    said = [each.text for each in by_id(page, "files").all("p", "path") if each is not home]
    assert said == ["→ radiology/Export/other"]
