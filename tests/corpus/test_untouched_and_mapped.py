"""Nothing asked, nothing changed; what Flywheel's fields say is written as any edit is, and never blanks anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import rewrite
from export_session.errors import HeaderError, StaleMetadata
from tests.corpus.catalogue import Edit, datasets, parse
from tests.corpus.judge import outcome, wrong_bytes, wrong_instance
from tests.corpus.samples import FMI, GRP3, MRC, P15E, Sample, samples
from tests.support import build

NAME, PATIENT_ID = (0x00100010,), (0x00100020,)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def _file(folder: Path, data: bytes) -> Path:
    source = folder / "source.dcm"
    source.write_bytes(data)
    return source


@pytest.mark.parametrize("importer", [FMI, P15E, GRP3, MRC])
def test_metadata_as_the_importer_made_it_changes_nothing(importer: str, target: Path) -> None:
    verdicts = []
    for sample in samples():
        if importer not in sample.importers:
            continue
        result = outcome(sample.path, target, sample.header(importer))
        if isinstance(result, HeaderError):
            verdicts.append(f"{sample.name}: {type(result).__name__}: {result}")
        elif result.modified or result.changes or result.refused or target.exists():
            found = [
                f"{change.path}: {change.old!r:.40} -> {change.new!r:.40}"
                for change in (*result.changes, *result.refused)
            ]
            verdicts.append(f"{sample.name}: {found}")
    assert not verdicts, f"{len(verdicts)} files:\n" + "\n".join(verdicts[:40])


@pytest.mark.parametrize("absent", [None, ""])
@pytest.mark.parametrize(
    "keyword", ["PatientID", "PatientSex", "PatientWeight", "PatientAge", "StudyID", "SeriesDescription"]
)
def test_a_flywheel_field_without_value_never_touches_an_element(keyword: str, absent: Any, target: Path) -> None:
    for sample in samples()[::5]:
        if FMI in sample.importers:
            result = outcome(sample.path, target, sample.header(), {keyword: absent})
            assert not isinstance(result, HeaderError)
            assert not result.modified, sample.name
            assert result.refused == ()


def test_labels_that_the_platform_derived_from_the_file_are_no_change(target: Path) -> None:
    verdicts = []
    for sample in samples():
        if FMI not in sample.importers:
            continue
        read = next(iter(datasets(sample).values()), None)
        if read is None:
            continue
        description = str(read.get("SeriesDescription") or read.get("ProtocolName") or "")
        overrides = {"PatientID": read.get("PatientID")}
        if description and isinstance(read.get("SeriesNumber"), int):
            overrides["SeriesDescription"] = f"{int(read.SeriesNumber)} - {description}"
        if read.get("StudyDescription") and read["StudyDescription"].VM == 1:
            overrides["StudyID"] = str(read.StudyDescription)
        result = outcome(sample.path, target, sample.header(), overrides)
        if isinstance(result, HeaderError):
            verdicts.append(f"{sample.name}: {result}")
        elif result.modified or result.refused:
            verdicts.append(
                f"{sample.name}: {[(c.path, c.old, c.new, c.reason) for c in (*result.changes, *result.refused)]}"
            )
    assert not verdicts, "\n".join(verdicts[:40])


def test_a_mapped_value_is_in_every_instance_with_or_without_metadata(target: Path) -> None:
    verdicts, count = [], 0
    for sample in samples()[::4]:
        for header in ({}, sample.header()) if FMI in sample.importers else ({},):
            result = outcome(sample.path, target, header, {"PatientID": "MAPPED-7"})
            if isinstance(result, HeaderError) or not result.modified:
                continue
            count += 1
            edit = Edit("mapping", header, PATIENT_ID, "LO", "MAPPED-7")
            verdicts += [f"{sample.name}: {problem}" for problem in wrong_bytes(sample, edit, target)]
            verdicts += [f"{sample.name}: {change.cause}" for change in result.changes if change.cause != "mapping"]
            if result.header.get("dicom") and result.header["dicom"].get("PatientID") not in ("MAPPED-7", ["MAPPED-7"]):
                verdicts.append(f"{sample.name}: the record says {result.header['dicom'].get('PatientID')!r}")
            target.unlink()
    assert count > 50
    assert not verdicts, "\n".join(verdicts[:40])


def test_the_mapping_wins_over_an_edit_and_says_so(tmp_path: Path, target: Path) -> None:
    source = _file(tmp_path, build.plain())
    result = rewrite(source, target, {"dicom": {"PatientID": "EDITED"}}, {"PatientID": "MAPPED"})
    read = parse(target.read_bytes())
    assert read is not None
    assert read.PatientID == "MAPPED"
    assert [change.cause for change in result.changes] == ["mapping"]
    assert "EDITED" in " ".join(
        [*result.notes, *(change.reason for change in (*result.changes, *result.refused))]
    ) or any(change.reason for change in result.changes)


@pytest.mark.parametrize("mode", ["fail", "skip"])
def test_a_mapped_value_that_does_not_fit_is_refused_and_the_file_goes_out(
    tmp_path: Path, target: Path, mode: str
) -> None:
    data = build.plain()
    source = _file(tmp_path, data)
    overrides = {"StudyID": "more than sixteen characters", "PatientID": "P-7"}
    result = rewrite(source, target, {"dicom": {}}, overrides, on_invalid_edit=mode)
    assert [change.keyword for change in result.refused] == ["StudyID"]
    assert result.refused[0].reason
    assert wrong_instance(data, target.read_bytes(), Edit("", {}, PATIENT_ID, "LO", "P-7")) == []


@pytest.mark.parametrize(
    "header",
    [{}, {"dicom": {}}, {"dicom": None}, {"dicom": []}, {"dicom": "text"}, {"dicom": 7}, {"dicom_array": None}, {"dicom": {"": ""}},
     {"dicom_array": {"SliceLocation": 7}, "dicom": {}}, {"dicom": {"NoSuchKeyword": 1, "0010,0010": "x"}, "csa": {}, "derived": []}],
    ids=str,
)  # fmt: skip
def test_metadata_of_an_odd_shape_changes_nothing(tmp_path: Path, target: Path, header: dict[str, Any]) -> None:
    source = _file(tmp_path, build.plain())
    result = outcome(source, target, header, on_invalid_edit="skip")
    assert isinstance(result, HeaderError) or not result.modified
    assert not target.exists()


def test_metadata_of_another_file_is_refused(target: Path) -> None:
    own: list[Sample] = [s for s in samples() if FMI in s.importers and "SOPInstanceUID" in s.header()["dicom"]]
    for sample, other in list(zip(own, own[40:], strict=False))[::6]:
        mine, theirs = sample.header(), other.header()
        keys = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
        if any(mine["dicom"].get(key) == theirs["dicom"].get(key) for key in keys):
            continue
        with pytest.raises(StaleMetadata):
            rewrite(sample.path, target, theirs)
        assert not target.exists()


def test_a_blank_name_and_an_added_one(tmp_path: Path, target: Path) -> None:
    """Blanking keeps the element, with no value; an absent key is no wish to delete."""
    data = build.plain()
    source = _file(tmp_path, data)
    rewrite(source, target, {"dicom": {"PatientName": "", "PatientID": "ID-1"}})
    assert wrong_instance(data, target.read_bytes(), Edit("", {}, NAME, "PN", None)) == []
