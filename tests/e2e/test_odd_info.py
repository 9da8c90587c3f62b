"""People and gears write what they like into info: it is carried as it is, or refused with the path that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World, image

ODD: tuple[Any, ...] = (None, [], ["a"], "text", 7)
IMPORTER = "file-metadata-importer"


def shapes(odd: Any) -> dict[str, dict[str, Any]]:
    """Info in which one thing is not the object it should be."""
    extraction = {"metadata-extraction": {"state": "PASS"}}
    return {
        "qc": {"qc": odd},
        "qc of a gear": {"qc": {IMPORTER: odd}},
        "job_info": {"qc": {IMPORTER: {**extraction, "job_info": odd}}},
        "inputs": {"qc": {IMPORTER: {**extraction, "job_info": {"inputs": odd}}}},
        "an input": {"qc": {IMPORTER: {**extraction, "job_info": {"inputs": {"input-file": odd}}}}},
        "our own result": {"qc": {"session-export": odd}},
        "our own check": {"qc": {"session-export": {"export": odd}}},
        "export": {"export": odd},
    }


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_odd_info_is_carried_as_it_is(world: World, odd: Any) -> None:
    session = world.session()
    kinds = shapes(odd)
    for number, info in enumerate(kinds.values()):
        acquisition = session.add_acquisition(label=f"{number}")
        acquisition.update_info(info)
        world.file(acquisition, "a.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
        world.stored(acquisition, "a.dcm").update_info(info)
    session.update_info(kinds["qc"])
    session.subject.reload().update_info(kinds["export"])
    config: dict[str, Any] = {"archive_project": f"{world.group.id}/Archive"}
    run = world.run(session, **config)
    assert run.code == 0, run.printed
    assert "unexpected" not in run.printed
    copies = {one.label: one.reload() for one in world.copy_of(session).acquisitions()}
    for number, (kind, info) in enumerate(kinds.items()):
        copied = world.stored(copies[f"{number}"], "a.dcm").info
        if kind == "qc" and odd is not None:
            assert copied["qc"] == odd
        elif kind in ("qc of a gear", "job_info", "inputs", "an input"):
            assert copied["qc"][IMPORTER] == info["qc"][IMPORTER]
        assert "sha384" in copied["export"]
    session.delete_tag("EXPORTED")
    again = world.run(session, **config)
    assert again.code == 0, again.printed
    assert {row["Status"] for row in again.log} == {"unchanged"}


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("path", ["info.header", "info.header.dicom", "info.header.dicom_array"])
def test_an_odd_header_is_refused_by_its_path_where_anything_could_be_corrected_in_it(
    world: World, path: str, odd: Any
) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    file = world.file(acquisition, "a.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    world.file(acquisition, "a.txt", b"text", info={"header": odd}, type="text")
    header = file.info["header"]
    *_, key = path.split(".")
    file.update_info({"header": odd if key == "header" else {**header, key: odd}})
    run = world.run(session)
    assert "unexpected" not in run.printed
    (row,) = [row for row in run.log if row["Name"] == "a.dcm"]
    if odd is None:
        assert run.code == 0, run.printed
    else:
        assert run.code == 1, run.printed
        assert path in row["Message"]
    (copied,) = world.copy_of(session).acquisitions()
    assert world.stored(copied, "a.txt").info["header"] == odd
