"""What an instance says of whose it is, and whether two instances are of one patient, study, series and so on."""

from __future__ import annotations

from dataclasses import dataclass

from export_session.dicom.binary.dataset import PADDING, DataSet
from export_session.dicom.dictionary import FRAME_OF_REFERENCE_UID, SERIES_INSTANCE_UID, STUDY_INSTANCE_UID
from export_session.dicom.entities import Entity

_PATIENT_ID = 0x00100020
_ISSUER_OF_PATIENT_ID = 0x00100021

# Without this element an instance does not come to say that it belongs elsewhere
TOLD_BY = {
    Entity.PATIENT: STUDY_INSTANCE_UID,
    Entity.STUDY: STUDY_INSTANCE_UID,
    Entity.SERIES: SERIES_INSTANCE_UID,
    Entity.FRAME_OF_REFERENCE: FRAME_OF_REFERENCE_UID,
    Entity.EQUIPMENT: SERIES_INSTANCE_UID,
}


@dataclass(frozen=True)
class Belonging:
    """Whose an instance is; "" where it does not say."""

    patient: str
    issuer: str  # of the PatientID
    study: str
    series: str
    frame_of_reference: str

    @classmethod
    def of(cls, data_set: DataSet) -> Belonging:
        """Read what an instance says."""
        return cls(
            _text(data_set, _PATIENT_ID, "LO"),
            _text(data_set, _ISSUER_OF_PATIENT_ID, "LO"),
            _text(data_set, STUDY_INSTANCE_UID, "UI"),
            _text(data_set, SERIES_INSTANCE_UID, "UI"),
            _text(data_set, FRAME_OF_REFERENCE_UID, "UI"),
        )

    def shares(self, entity: Entity, other: Belonging) -> bool:
        """Whether two instances belong to the same entity; the instances of a series are of one equipment."""
        match entity:
            case Entity.PATIENT:
                return self._shares_patient(other)
            case Entity.STUDY:
                return self.study == other.study
            case Entity.FRAME_OF_REFERENCE if self.frame_of_reference or other.frame_of_reference:
                return self.frame_of_reference == other.frame_of_reference
            case _:
                return self.series == other.series

    def _shares_patient(self, other: Belonging) -> bool:
        """Whether they are of one patient.

        A study is of one patient (PS3.3 §A.1.2), so its instances are that patient's even where a PatientID is wrong.
        Beyond the study the PatientID tells, within its issuer (§C.7.1.1).
        """
        if self.study and self.study == other.study:
            return True
        if self.patient and other.patient:
            issued_apart = bool(self.issuer and other.issuer) and self.issuer != other.issuer
            return self.patient == other.patient and not issued_apart
        return not (self.study or other.study)  # nothing tells them apart


def _text(data_set: DataSet, tag: int, vr: str) -> str:
    value = data_set.at(tag)
    return value.decoded(vr).strip(PADDING) if value else ""
