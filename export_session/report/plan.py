"""The plan of a preview as a file: what a person approves, and what a later run is compared with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from export_session import plan
from export_session.report.values import shown_cell

if TYPE_CHECKING:
    from pathlib import Path

    from export_session.dicom.vocabulary import Change
    from export_session.record import RunRecord

ENDING = "_plan.json"


def write_plan(path: Path, record: RunRecord, made: plan.Plan) -> None:
    """Write the plan of a run, whose values are taken as fit to be shown."""
    told = {file.planned.file_id: file.all_changes for file in record.files() if file.planned}
    about = {"of": record.title, "job": record.circumstances.job, "made": record.finished}
    content = {**plan.document(made), **about}
    for part in content["parts"]:
        for file in part["files"]:
            pairs = zip(file["changes"], told.get(file["file_id"], ()), strict=False)
            file["changes"] = [{**said, **_shown(change)} for said, change in pairs]
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    path.write_bytes(text.encode("utf-8", "backslashreplace"))


def _shown(change: Change) -> dict[str, Any]:
    old, new = (str(shown_cell(value, change.vr)) for value in (change.old, change.new))
    return {
        "old": old,
        "new": new,
        "cause": change.cause.value,
        "outcome": change.outcome.value,
        "instances": change.instances,
    }
