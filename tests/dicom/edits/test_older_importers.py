"""What the older importers make of bytes by their own way of reading: never an edit, and never a reason to hide one."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from export_session.dicom.binary.instance import Instance
from export_session.dicom.edits.edit import Decision
from export_session.dicom.edits.find import find_edits
from export_session.dicom.edits.importers.reading.pydicom2_importers import (
    by_dicom_mr_classifier,
    by_metadata_import_dicom,
)
from export_session.dicom.edits.importers.reading.rereading import Rereading
from export_session.dicom.edits.series import Reread
from export_session.dicom.rewrite import rewrite
from tests.support.instances import UID, Items, file_bytes, parse

GRP3_MARK = {"ScanningSequence": ["SE"]}

SHOWN: dict[str, tuple[Items, Any, Any]] = {  # what metadata-import-dicom and dicom-mr-classifier show
    "an integer with a fraction is text, or left out": ({"NumberOfFrames": "1.5"}, "1.5", None),
    "integers that do not convert are joined again": ({"SeriesNumber": "1.5\\2"}, "1.5\\2", None),
    "text is split within a character": (
        {"SpecificCharacterSet": "\\ISO 2022 IR 87", "PatientComments": b"\x1b$B\x46\x7c\x4b\x5c\x1b(B"},
        "",
        "",
    ),
    "nothing but other characters than ASCII": ({"StudyDescription": b"\xd6\xdc"}, "", ""),
    "a question mark alone": ({"ManufacturerModelName": "?"}, None, None),
    "bytes by their repr": ({"00281111 US": b"\1\2\3\4\5\6"}, [513.0, 1027.0, 1541.0], [513, 1027, 1541]),
    "a look-up table of a negative length": (
        {"00281101 SS": b"\0\x80\0\0\x10\0"},
        [32768.0, 0.0, 16.0],
        [32768, 0, 16],
    ),
    "numbers that are text": ({"SoftwareVersions": "001\\002"}, [1.0, 2.0], [1.0, 2.0]),
    "a UID that looks like a number": ({"FrameOfReferenceUID": "1.2"}, "1.2", 1.2),
    "an integer of an item without a value": (
        {"RequestAttributesSequence": [{"ReferencedFrameNumber": ""}]},
        [{"ReferencedFrameNumber": ["None"]}],
        {"ReferencedFrameNumber": "None"},
    ),
}


def _reread(*files: bytes) -> Reread:
    return lambda index: Rereading(io.BytesIO(files[index]))


def _decide(elements: Items, metadata: Mapping[str, Any]) -> Decision:
    data = file_bytes({**UID, "ScanningSequence": "SE", **elements})
    file: Instance = parse(data)
    return find_edits([file], {"dicom": {**UID, **metadata}}, None, None, _reread(data))


@pytest.mark.parametrize("kind", SHOWN)
def test_they_show(kind: str) -> None:
    elements, by_grp3, by_mrc = SHOWN[kind]
    data = file_bytes({**UID, **elements})
    (shown,) = [key for key in by_metadata_import_dicom(io.BytesIO(data)) if key not in (*UID, "SpecificCharacterSet")]
    assert by_metadata_import_dicom(io.BytesIO(data))[shown] == by_grp3
    assert by_dicom_mr_classifier(io.BytesIO(data)).get(shown) == by_mrc


@pytest.mark.parametrize("kind", SHOWN)
def test_what_they_show_is_no_edit(kind: str, tmp_path: Path) -> None:
    data = file_bytes({**UID, "ScanningSequence": "SE", **SHOWN[kind][0]})
    source = tmp_path / "1.dcm"
    source.write_bytes(data)
    for header in (by_metadata_import_dicom(io.BytesIO(data)), by_dicom_mr_classifier(io.BytesIO(data))):
        result = rewrite(source, tmp_path / "new.dcm", {"dicom": header}, edit_uids=True)
        assert not result.modified
        assert not result.refused


def test_a_file_that_they_fail_on_shows_nothing() -> None:
    for data in (b"", b"DICM", bytes(200), file_bytes(UID)[132:]):
        assert by_metadata_import_dicom(io.BytesIO(data)) == by_dicom_mr_classifier(io.BytesIO(data)) == {}


def test_what_they_did_not_make_is_an_edit() -> None:
    decision = _decide(
        {"SeriesNumber": "1.5\\2", "StudyDescription": b"\xd6\xdc"}, {**GRP3_MARK, "StudyDescription": "Head"}
    )
    assert [edit.difference.value for edit in decision.edits if not edit.refused] == ["Head"]


def test_null_is_doubt_where_an_older_importer_may_have_made_it() -> None:
    decision = _decide({"StudyDescription": "Head"}, {**GRP3_MARK, "StudyDescription": None})
    assert not decision.edits
    assert any(note.startswith("StudyDescription: an importer may have stored null") for note in decision.notes)


def test_null_asks_to_blank_where_the_current_importer_was_alone() -> None:
    decision = _decide(
        {"StudyDescription": "Head"}, {"TransferSyntaxUID": "1.2.840.10008.1.2.1", "StudyDescription": None}
    )
    assert [edit.difference.value for edit in decision.edits] == [None]


def test_what_only_an_older_importer_without_marks_explains_is_noted() -> None:
    decision = _decide({"SeriesNumber": "1.5\\2"}, {"SeriesNumber": "1.5\\2"})
    assert not decision.edits
    assert [note.partition(":")[0] for note in decision.notes] == ["SeriesNumber"]


def test_whole_numbers_differ_by_one_however_large() -> None:
    decision = _decide(
        {"00189219 SS": b"\0\0", "SimpleFrameList": 1543750469}, {**GRP3_MARK, "SimpleFrameList": [1543750470.0]}
    )
    assert [edit.difference.wanted for edit in decision.edits] == [[1543750470.0]]


def test_a_number_too_large_for_a_float_is_no_crash() -> None:
    decision = _decide({"SeriesNumber": "1\\2"}, {**GRP3_MARK, "SeriesNumber": [10**400, 2]})
    assert len(decision.edits) == 1
