"""Which attributes have one value for a whole patient, study, series, frame of reference or equipment.

PS3.3 §A.1.2 sorts the modules of an instance by the entity they describe. What an Image module holds is the instance's
own; what is listed here is repeated in each instance of the entity, and means the same in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from export_session.dicom.dictionary import key_of
from export_session.dicom.vocabulary import Step


class Entity(StrEnum):
    """What instances have in common."""

    PATIENT = "patient"
    STUDY = "study"
    SERIES = "series"
    FRAME_OF_REFERENCE = "frame of reference"
    EQUIPMENT = "equipment"


_PATIENT = """
ReferencedPatientSequence PatientName PatientID IssuerOfPatientID TypeOfPatientID IssuerOfPatientIDQualifiersSequence
SourcePatientGroupIdentificationSequence GroupOfPatientsIdentificationSequence PatientBirthDate PatientBirthTime
PatientBirthDateInAlternativeCalendar PatientDeathDateInAlternativeCalendar PatientAlternativeCalendar PatientSex
QualityControlSubject StrainDescription StrainNomenclature StrainStockSequence StrainAdditionalInformation
StrainCodeSequence GeneticModificationsSequence OtherPatientNames OtherPatientIDs OtherPatientIDsSequence
ReferencedPatientPhotoSequence EthnicGroup EthnicGroupCodeSequence PatientSpeciesDescription PatientSpeciesCodeSequence
PatientBreedDescription PatientBreedCodeSequence BreedRegistrationSequence ResponsiblePerson ResponsiblePersonRole
ResponsibleOrganization PatientComments PatientIdentityRemoved DeidentificationMethod
DeidentificationMethodCodeSequence
"""  # §C.7.1.1, with attributes that earlier editions have there

_CLINICAL_TRIAL_SUBJECT = """
ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName IssuerOfClinicalTrialProtocolID
OtherClinicalTrialProtocolIDsSequence ClinicalTrialSiteID ClinicalTrialSiteName IssuerOfClinicalTrialSiteID
ClinicalTrialSubjectID IssuerOfClinicalTrialSubjectID ClinicalTrialSubjectReadingID
IssuerOfClinicalTrialSubjectReadingID ClinicalTrialProtocolEthicsCommitteeName
ClinicalTrialProtocolEthicsCommitteeApprovalNumber
"""  # §C.7.1.3

_GENERAL_STUDY = """
StudyInstanceUID StudyDate StudyTime ReferringPhysicianName ReferringPhysicianIdentificationSequence
ConsultingPhysicianName ConsultingPhysicianIdentificationSequence StudyID AccessionNumber
IssuerOfAccessionNumberSequence StudyDescription PhysiciansOfRecord PhysiciansOfRecordIdentificationSequence
NameOfPhysiciansReadingStudy PhysiciansReadingStudyIdentificationSequence RequestingService
RequestingServiceCodeSequence ReferencedStudySequence ProcedureCodeSequence ReasonForPerformedProcedureCodeSequence
"""  # §C.7.2.1

_PATIENT_STUDY = """
AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence PatientAge PatientSize PatientSizeCodeSequence
PatientBodyMassIndex MeasuredAPDimension MeasuredLateralDimension PatientWeight MedicalAlerts Allergies Occupation
SmokingStatus AdditionalPatientHistory PregnancyStatus LastMenstrualDate PatientSexNeutered ReasonForVisit
ReasonForVisitCodeSequence AdmissionID IssuerOfAdmissionID IssuerOfAdmissionIDSequence ServiceEpisodeID
IssuerOfServiceEpisodeID IssuerOfServiceEpisodeIDSequence ServiceEpisodeDescription PatientState
"""  # §C.7.2.2, with attributes that earlier editions have there

_CLINICAL_TRIAL_STUDY = """
ClinicalTrialTimePointID ClinicalTrialTimePointDescription LongitudinalTemporalOffsetFromEvent
LongitudinalTemporalEventType ClinicalTrialTimePointTypeCodeSequence IssuerOfClinicalTrialTimePointID
ConsentForClinicalTrialUseSequence
"""  # §C.7.2.3

_GENERAL_SERIES = """
Modality SeriesInstanceUID SeriesNumber Laterality SeriesDate SeriesTime PerformingPhysicianName
PerformingPhysicianIdentificationSequence ProtocolName SeriesDescription SeriesDescriptionCodeSequence OperatorsName
OperatorIdentificationSequence ReferencedPerformedProcedureStepSequence RelatedSeriesSequence BodyPartExamined
PatientPosition SmallestPixelValueInSeries LargestPixelValueInSeries RequestAttributesSequence
PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformedProcedureStepEndDate
PerformedProcedureStepEndTime PerformedProcedureStepID PerformedProcedureStepDescription
PerformedProtocolCodeSequence CommentsOnThePerformedProcedureStep AnatomicalOrientationType TreatmentSessionUID
"""  # §C.7.3.1

_CLINICAL_TRIAL_SERIES = """
ClinicalTrialCoordinatingCenterName ClinicalTrialSeriesID IssuerOfClinicalTrialSeriesID ClinicalTrialSeriesDescription
"""  # §C.7.3.2

_FRAME_OF_REFERENCE = """
FrameOfReferenceUID PositionReferenceIndicator
"""  # §C.7.4.1

_SYNCHRONIZATION = """
SynchronizationFrameOfReferenceUID SynchronizationTrigger TriggerSourceOrType SynchronizationChannel
AcquisitionTimeSynchronized TimeSource TimeDistributionProtocol NTPSourceAddress
"""  # §C.7.4.2

_GENERAL_EQUIPMENT = """
Manufacturer InstitutionName InstitutionAddress StationName InstitutionalDepartmentName
InstitutionalDepartmentTypeCodeSequence ManufacturerModelName ManufacturerDeviceClassUID DeviceSerialNumber
SoftwareVersions GantryID UDISequence DeviceUID SpatialResolution DateOfManufacture DateOfInstallation
DateOfLastCalibration TimeOfLastCalibration
"""  # §C.7.5.1 and, which repeats four of them, §C.7.5.2; but not PixelPaddingValue, which is about one image's pixels

_MODULES = (
    (Entity.PATIENT, _PATIENT, _CLINICAL_TRIAL_SUBJECT),
    (Entity.STUDY, _GENERAL_STUDY, _PATIENT_STUDY, _CLINICAL_TRIAL_STUDY),
    (Entity.SERIES, _GENERAL_SERIES, _CLINICAL_TRIAL_SERIES),
    (Entity.FRAME_OF_REFERENCE, _FRAME_OF_REFERENCE, _SYNCHRONIZATION),
    (Entity.EQUIPMENT, _GENERAL_EQUIPMENT),
)
_ENTITIES = {
    key.tag: entity for entity, *modules in _MODULES for name in " ".join(modules).split() if (key := key_of(name))
}
DESCRIBING = tuple(_ENTITIES)  # the tags of all these attributes


def entity_of(path: Sequence[Step]) -> Entity | None:
    """Return the entity that an element describes, itself or the sequence it lies in; None: the instance alone."""
    return None if path[0].creator else _ENTITIES.get(path[0].tag)


def entity_named(keyword: str) -> Entity | None:
    """Return the entity that an attribute describes."""
    key = key_of(keyword)
    return _ENTITIES.get(key.tag) if key and not key.creator else None
