"""What is asked for is judged before any file is at hand, and given the form in which importers show it."""

from __future__ import annotations

from typing import Any

import pytest

from export_session.dicom.dictionary import key_of
from export_session.dicom.edits.asked import Asked, asked
from export_session.dicom.vocabulary import Options


def answer(element: str, value: Any, **options: Any) -> Asked:
    key = key_of(element)
    assert key is not None
    return asked(key, value, Options(**options))


@pytest.mark.parametrize(
    ("element", "text", "shown"),
    [
        ("PatientName", "Doe^Jane", "Doe^Jane"),
        ("PatientBirthDate", "1970-01-31", "19700131"),
        ("PatientSex", "female", "F"),
        ("EchoTime", "2.5 ms", 2.5),
        ("EchoTime", "5", 5),
        ("SliceThickness", 1.5, 1.5),
        ("PixelSpacing", "0.5\\0.25", [0.5, 0.25]),
        ("ImageType", "DERIVED\\SECONDARY", ["DERIVED", "SECONDARY"]),
        ("SeriesNumber", "+0007", 7),
        ("PatientComments", "a\\b", None),  # LT has one value, and a backslash in it
        ("FrameIncrementPointer", "1577059", 1577059),
        ("FrameIncrementPointer", "(0018,1063)", "(0018,1063)"),
        ("SpecificCharacterSet", "utf-8", "ISO_IR 192"),
        ("PatientID", 7, "7"),
        ("PatientID", "007", "007"),
        ("Nobody's Own, 0019xx10", "5", "5"),
        ("StudyDescription", None, ""),
        ("RequestAttributesSequence", None, []),
    ],
)
def test_a_value_gets_the_form_in_which_importers_show_it(element: str, text: Any, shown: Any) -> None:
    found = answer(element, text)
    assert found.refusal == ""
    assert found.value == (text if shown is None else shown)
    assert type(found.value) is type(text if shown is None else shown)


@pytest.mark.parametrize(
    ("element", "value", "said"),
    [
        ("PatientBirthDate", "01/02/1970", "can be read as"),
        ("PatientBirthDate", "31.02.1970", "no such date"),
        ("StudyID", "a name of more than 16 letters", "SH holds 16"),
        ("SeriesNumber", "1.5", "not an integer"),
        ("PixelSpacing", "1\\2\\3", "2 values, not 3"),
        ("PatientID", "a\\b", "backslash"),
        ("Rows", "3", "pixel data"),
        ("PixelData", "x", ""),
        ("TransferSyntaxUID", "1.2", "group 0002"),
        ("StudyInstanceUID", "1.2", "edit_uids"),
        ("RequestAttributesSequence", "x", "sequence"),
        ("PatientName", "a\tb", "control character"),
    ],
)
def test_what_no_file_can_hold_is_refused_with_its_reason(element: str, value: Any, said: str) -> None:
    found = answer(element, value)
    assert found.refusal
    assert said in found.refusal


def test_an_instance_keeps_its_uids() -> None:
    assert answer("StudyInstanceUID", "1.2.3", edit_uids=True).refusal == ""
    assert answer("StudyInstanceUID", None, edit_uids=True).refusal


@pytest.mark.parametrize(
    ("element", "value", "shown", "is_shown"),
    [
        ("EchoTime", "5.0", 5, True),
        ("EchoTime", "5", "5.000", True),
        ("ImageType", "A\\B", ["A", "B"], True),
        ("PatientSex", "M", ["M"], True),
        ("PatientName", "Doe^Jane", "Doe^Janet", False),
        ("PatientID", "007", "7", False),
        ("StudyDescription", None, "", True),
        ("StudyDescription", None, "x", False),
    ],
)
def test_what_the_metadata_say_already_is_known_in_whatever_form_they_say_it(
    element: str, value: Any, shown: Any, *, is_shown: bool
) -> None:
    assert answer(element, value).is_shown(shown) is is_shown
