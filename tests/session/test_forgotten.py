"""Where the files of a session do not agree, the one that lacks a correction is named."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from export_session.dicom import Cause, Change, Outcome
from export_session.dicom.identity import identity_in, identity_of
from export_session.session.forgotten import DicomFile, forgotten
from tests.support.instances import instance

PERSON = {"PatientName": "Doe^Jane", "PatientID": "P7", "PatientBirthDate": "19800131", "PatientSex": "F"}
STUDY = {"StudyInstanceUID": "1.2", "StudyDate": "20240101", "StudyID": "4", "StudyDescription": "Knee"}


def changed(keyword: str, old: Any, new: Any) -> Change:
    return Change("", keyword, "LO", keyword, old, new, Cause.EDIT, Outcome.APPLIED)


def file(name: str, *changes: Change, series: str = "1.2.3", count: int = 1, **elements: Any) -> DicomFile:
    uid = struct.unpack("<L", name.encode().ljust(4)[:4])[0]
    own = {"SeriesInstanceUID": f"{series}.{uid}"}
    instances = [
        instance({**PERSON, **STUDY, **own, "SOPInstanceUID": f"1.2.3.{uid}.{n}", **elements}) for n in range(count)
    ]
    identity = identity_of(instances)
    assert identity is not None
    return DicomFile(name, identity, changes)


def held(keyword: str, value: str) -> dict[str, Any]:
    return {keyword: value}


def said(*files: DicomFile, subject: str = "P7", all_known: bool = True) -> list[str]:
    return list(forgotten(files, subject, all_known=all_known))


def test_a_session_that_agrees_gives_no_remark() -> None:
    assert said(*(file(f"{n}/x.zip", count=3) for n in range(5))) == []


def test_the_series_that_lacks_a_correction_is_named() -> None:
    new = [file(f"{n}/x.zip", changed("PatientID", "P6", "P7")) for n in range(4)]
    old = file("5 - SURVEY/x.zip", PatientID="P6")
    assert said(*new, old) == ['PatientID is "P7" in 4 of 5 DICOM files; 5 - SURVEY/x.zip still has "P6"']


def test_the_correction_counts_even_where_most_lack_it() -> None:
    new = file("1/x.zip", changed("PatientName", "Deo^Jane", "Doe^Jane"))
    old = [file(f"{n}/x.zip", PatientName="Deo^Jane") for n in range(2, 9)]
    (remark,) = said(new, *old)
    assert remark.startswith('PatientName is "Doe^Jane" in 1 of 8 DICOM files; 2/x.zip, 3/x.zip')
    assert remark.endswith('6/x.zip and 2 more still have "Deo^Jane"')


@pytest.mark.parametrize(
    ("keyword", "old", "new"),
    [
        ("ReferringPhysicianName", "House^Gregory", "Wilson^James"),
        ("PatientAge", "043Y", "034Y"),
        ("InstitutionName", "St Elsewhere", "Our Hospital"),
        ("BodyPartExamined", "HEAD", "KNEE"),
        ("OperatorsName", "A^B", "C^D"),
    ],
)
def test_so_it_is_with_all_that_describes_more_than_an_image(keyword: str, old: str, new: str) -> None:
    right = [file(f"{n}/x.zip", changed(keyword, old, new), **held(keyword, new)) for n in range(4)]
    assert said(*right) == []
    wrong, other = file("5/x.zip", **held(keyword, old)), file("6/x.zip", **held(keyword, "else"))
    assert said(*right, wrong) == [f'{keyword} is "{new}" in 4 of 5 DICOM files; 5/x.zip still has "{old}"']
    assert said(*right, other) == []
    exported = DicomFile("5/x.zip", known(**{keyword: old}))
    assert said(*right, exported) == [f'{keyword} is "{new}" in 4 of 5 DICOM files; 5/x.zip still has "{old}"']
    assert said(*right, DicomFile("5/x.zip", known())) == []


def test_what_was_added_is_missed_where_it_describes_the_study() -> None:
    def added(keyword: str) -> list[DicomFile]:
        return [file(f"{n}/x.zip", changed(keyword, None, "new"), **held(keyword, "new")) for n in range(2)]

    assert said(*added("PatientComments"), file("3/x.zip")) == [
        'PatientComments is "new" in 2 of 3 DICOM files; 3/x.zip still has no value'
    ]
    assert said(*added("PatientComments"), file("3/x.zip", StudyInstanceUID="1.3")) == []
    assert said(*added("StationName"), file("3/x.zip")) == []


def test_a_correction_of_few_and_what_series_have_of_their_own_are_no_rule_for_others() -> None:
    one = file("1/x.zip", changed("StationName", "A", "B"), StationName="B")
    assert said(one, file("2/x.zip", StationName="A")) == []
    named = [file(f"{n}/x.zip", changed("SeriesDescription", "T1", "T2"), SeriesDescription="T2") for n in range(3)]
    assert said(*named, file("4/x.zip", SeriesDescription="T1")) == []
    each = [file(f"{n}/x.zip", changed("PatientAge", "1", f"{n}"), PatientAge=f"{n}") for n in range(2, 5)]
    assert said(*each, file("5/x.zip", PatientAge="1")) == []


def test_a_value_that_was_filled_in_or_taken_away_is_missed_in_the_others() -> None:
    filled = file("1/x.zip", changed("PatientSex", None, "F"))
    assert said(filled, file("2/x.zip", PatientSex="")) == [
        'PatientSex is "F" in 1 of 2 DICOM files; 2/x.zip still has no value'
    ]
    blanked = file("1/x.zip", changed("PatientSex", "F", ""), PatientSex="")
    assert said(blanked, file("2/x.zip")) == ['PatientSex is empty in 1 of 2 DICOM files; 2/x.zip still has "F"']


def test_what_nobody_wrote_may_be_empty_or_differ_in_case() -> None:
    assert said(file("1/x.zip"), file("2/x.zip", PatientSex="", PatientName="DOE^JANE")) == []


def test_other_peoples_files_are_noticed_though_nobody_edited() -> None:
    assert said(file("1/x.zip"), file("2/x.zip"), file("3/x.zip", PatientBirthDate="19790131")) == [
        'PatientBirthDate is "19800131" in 2 of 3 DICOM files; 3/x.zip has "19790131"'
    ]


def test_studies_are_compared_each_with_itself() -> None:
    one, other = file("1/x.zip"), file("2/x.zip", StudyInstanceUID="1.3", StudyDate="20240505")
    assert said(one, other) == []
    assert said(one, other, file("3/x.zip", StudyDate="20240102"), file("4/x.zip")) == [
        'StudyDate is "20240101" in 2 of 3 DICOM files of one study; 3/x.zip has "20240102"'
    ]


def test_instances_that_are_there_twice_are_told() -> None:
    assert said(file("1/x.zip", SOPInstanceUID="1.9", count=3), file("2/x.zip", SOPInstanceUID="1.9")) == [
        "1/x.zip holds 2 instances with the SOPInstanceUID of another one of its own",
        "1/x.zip and 2/x.zip share 1 SOPInstanceUID",
    ]


def refers(series: str, *uids: str) -> list[Any]:
    return [
        {
            "ReferencedSeriesSequence": [
                {
                    "SeriesInstanceUID": series,
                    "ReferencedSOPSequence": [{"ReferencedSOPInstanceUID": uid} for uid in uids],
                }
            ],
            "StudyInstanceUID": "1.2",
        }
    ]


def test_references_that_lead_nowhere_are_told_where_their_series_is_there() -> None:
    there = file("1/x.zip", SOPInstanceUID="1.7.1", SeriesInstanceUID="1.7")
    evidence = refers("1.7", "1.7.1", "1.7.2", "1.7.3") + refers("1.8", "1.8.1")
    report = file("2/sr.dcm", CurrentRequestedProcedureEvidenceSequence=evidence)
    assert said(there, report) == ["2/sr.dcm refers to 2 instances that are not in the session, though the series is"]
    assert said(there, report, all_known=False) == []
    partly = DicomFile("3/y.zip", known(SeriesInstanceUID="1.7", SOPInstanceUID="1.7.9"))
    assert said(there, report, partly) == []


def known(**elements: Any) -> Any:
    identity = identity_in({**PERSON, **STUDY, "SeriesInstanceUID": "1.5", "SOPInstanceUID": "1.5.1", **elements})
    assert identity is not None
    return identity


def test_a_file_that_was_not_transferred_is_judged_by_its_metadata() -> None:
    new = file("1/x.zip", changed("PatientID", "P6", "P7"))
    assert said(new, DicomFile("2/x.zip", known(PatientID="P6"))) == [
        'PatientID is "P7" in 1 of 2 DICOM files; 2/x.zip still has "P6"'
    ]
    assert said(new, DicomFile("2/x.zip", known())) == []


def test_what_an_importer_lost_is_no_difference() -> None:
    umlauts = file("1/x.zip", PatientName="M\xfcller^J\xf6rg", SpecificCharacterSet="ISO_IR 100")
    assert said(umlauts, DicomFile("2/x.zip", known(PatientName="Mller^Jrg"))) == []
    filled = file("1/x.zip", changed("PatientSex", "M", "F"))
    assert said(filled, DicomFile("2/x.zip", known(PatientSex=None))) == []


def test_the_label_of_the_subject_is_compared() -> None:
    assert said(file("1/x.zip"), file("2/x.zip"), subject="P8") == [
        'PatientID is "P7" in 2 of 2 DICOM files, but the label of the subject is "P8"'
    ]
    assert said(file("1/x.zip", PatientID="anon^01"), subject="ANON_01") == []
