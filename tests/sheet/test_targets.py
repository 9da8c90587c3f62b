"""What a heading, or a cell below ``element``, may name."""

from __future__ import annotations

import pytest

from export_session.errors import ConfigError
from export_session.sheet.make import aims_in
from export_session.sheet.targets import Target, target_of


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("PatientName", Target("file", ("PatientName",), "PN")),
        ("00100010", Target("file", ("00100010",), "PN")),
        ("SIEMENS MR HEADER, 0019xx0C", Target("file", ("SIEMENS MR HEADER, 0019xx0C",), "IS")),
        ("A.C.M.E 1.1,0019xx0C", Target("file", ("A.C.M.E 1.1,0019xx0C",), "")),
        (
            "RequestAttributesSequence[1].ScheduledProcedureStepID",
            Target("file", ("RequestAttributesSequence", 1, "ScheduledProcedureStepID"), "SH"),
        ),
        ("RequestAttributesSequence", Target("file", ("RequestAttributesSequence",), "SQ")),
        ("subject.label", Target("subject", ("label",), "")),
        ("session.weight", Target("session", ("weight",), "DS")),
        ("acquisition.info.site.arm", Target("acquisition", ("info", "site", "arm"), "")),
    ],
)
def test_elements_paths_private_keys_and_fields_are_known(text: str, target: Target) -> None:
    assert target_of(text) == target


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("PatientNaem", "did you mean PatientName?"),
        ("Subject.Label", "did you mean subject.label?"),
        ("RequestAttributesSequence.StudyID", "write RequestAttributesSequence[0]"),
        ("RequestAttributesSequence[0]", "name an element in it"),
        ("RequestAttributesSequence[0].Nonsense", "neither a DICOM element"),
        ("PatientName[0].StudyID", "leads into PatientName, which is not a sequence"),
        ("PatientName x", "goes on behind the element PatientName"),
        ("subject.id", "fields of the subject: label"),
        ("subject.info", "names no key of info"),
        ("project.label", "neither a DICOM element"),
        ("", "neither a DICOM element"),
    ],
)
def test_what_cannot_be_set_is_told_with_what_may_be_meant(text: str, why: str) -> None:
    told = target_of(text)
    assert isinstance(told, str)
    assert why in told


def test_a_list_of_them_is_parted_by_commas_but_for_those_of_private_keys() -> None:
    listed = "PatientName, SIEMENS MR HEADER, 0019xx0C,StudyDate;subject.info.arm\nACME 1.1,0019xx01"
    assert list(aims_in(listed)) == [
        "PatientName",
        "SIEMENS MR HEADER, 0019xx0C",
        "StudyDate",
        "subject.info.arm",
        "ACME 1.1,0019xx01",
    ]


@pytest.mark.parametrize("listed", ["", ",", "PatientNaem,subject.id", "subject.info.qc.x,session.info.export"])
def test_all_that_is_wrong_with_a_list_is_told(listed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        aims_in(listed)
    assert len(caught.value.problems) == (2 if len(listed) > 1 else 1)
