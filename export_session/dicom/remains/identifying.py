"""Which elements identify a person, so that their old values are looked for (PS3.15 Table E.1-1).

Of that table these are the attributes that name people, or by which others find a person: names (all of VR PN),
identifiers, the birth date, addresses and telephone numbers, the institution. Left out is what identifies a device or
an instance (serial numbers, UIDs), and what many people share or has a few characters only (sex, age, StudyID, birth
time): such a value says nothing where it stands.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from pydicom._dicom_dict import DicomDictionary

from export_session.dicom.remains.words import words


class Kind(StrEnum):
    """What an identifying value is, which decides on its spellings."""

    NAME = "name"
    CODE = "code"  # an identifier or a telephone number
    DATE = "date"
    TEXT = "text"


_KINDS = {
    Kind.DATE: ("PatientBirthDate",),
    Kind.CODE: (
        "AccessionNumber",
        "AdmissionID",
        "ClinicalTrialSubjectID",
        "ClinicalTrialSubjectReadingID",
        "FillerOrderNumberImagingServiceRequest",
        "MedicalRecordLocator",
        "OrderCallbackPhoneNumber",
        "OtherPatientIDs",
        "PatientID",
        "PatientTelephoneNumbers",
        "PersonTelephoneNumbers",
        "PlacerOrderNumberImagingServiceRequest",
        "ReferringPhysicianTelephoneNumbers",
        "ServiceEpisodeID",
    ),
    Kind.TEXT: (
        "InstitutionAddress",
        "InstitutionName",
        "PatientAddress",
        "PatientBirthDateInAlternativeCalendar",
        "PatientTelecomInformation",
        "PersonAddress",
        "PersonTelecomInformation",
        "ReferringPhysicianAddress",
        "ResponsibleOrganization",
    ),
}
KINDS = {keyword: kind for kind, keywords in _KINDS.items() for keyword in keywords}
BIRTH_DATES = frozenset({0x00100030})

# What names of phantoms, placeholders and vendors are made of; like the words of PS3.6 they tell nobody
_MORE_WORDS = """
    abdomen adult anonym anonymised anonymized anonymous ankle baby black body brain breast brown canon chest child
    clinic data deidentified demo dicom doctor dummy elbow empty extremity female firstname foot general givenname gray
    green grey hand head healthcare healthineers heart here hitachi hospital human image imaging knee lastname
    left leg long male medical mouse name neck none null other pacs patient pediatric pelvis phantom philips plain
    quality removed research right sample samples scan short shoulder siemens small spine standard study subject surname
    systems test tester testing thorax toshiba trial unknown university unnamed volunteer white wrist young
"""


def kind_of(keyword: str, vr: str) -> Kind | None:
    """Return what a value of an element is, None where it identifies nobody."""
    return Kind.NAME if vr == "PN" else KINDS.get(keyword)


@cache
def common_words() -> frozenset[str]:
    """Return the words that DICOM's own names of attributes are made of, and what imaging calls things.

    As names of people they tell nothing: such a part of a name counts only where names of people stand.
    """
    entries = (word for entry in DicomDictionary.values() for word in words(entry[2]))
    return frozenset(entries) | frozenset(_MORE_WORDS.split())
