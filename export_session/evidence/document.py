"""``evidence.json``: the run, each of its files with the hashes of its bytes, and the outputs that tell of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from export_session.evidence import merkle, sums
from export_session.record import Custody, FileRecord, Held, RunRecord, Verification

NAME = "evidence.json"
FORMAT = "session-export evidence 1"
NOT_KEPT = "verified by an earlier version of the gear, which kept no SHA-256; it is known by its SHA-384"
NOT_FETCHED = "nothing was to be changed in it, so it was not downloaded; it is known by the hash that the site states"


def document(record: RunRecord, outputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of ``evidence.json``.

    Parameters
    ----------
    outputs
        Name, size and SHA-256 of each file that goes along.
    """
    run = _run(record)
    files = sorted(map(_file, record.files()), key=lambda file: (file["path"], file["origin"].get("file_id", "")))
    return assembled(run, files, outputs)


def assembled(run: Any, files: Sequence[Any], outputs: Sequence[Any]) -> dict[str, Any]:
    """Return the content of ``evidence.json`` with the root over its entries."""
    tree = {"root": merkle.root_of([run, *files, *outputs]), "construction": merkle.CONSTRUCTION}
    return {"format": FORMAT, "merkle": tree, "run": run, "files": list(files), "outputs": list(outputs)}


def bag_info(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what ``bag-info.txt`` says beside the size of the payload."""
    return [
        ("Bag-Software-Agent", evidence["run"]["gear"]),
        ("Bagging-Date", evidence["run"]["finished"][:10]),
        ("External-Description", "Evidence of a session export"),
        ("External-Identifier", f"sha256-merkle-root:{evidence['merkle']['root']}"),
    ]


def written(content: Mapping[str, Any]) -> bytes:
    """Return the bytes of ``evidence.json``."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _run(record: RunRecord) -> dict[str, Any]:
    about = record.circumstances
    return {
        "of": record.title,
        "gear": record.gear,
        "image": about.image,
        "job": about.job,
        "started": record.started,
        "finished": record.finished,
        "succeeded": record.succeeded,
        "projects": {role: {"id": id_, "path": path} for role, (id_, path) in about.projects.items()},
        "settings": {key: value for key, value in record.settings.items() if key != "mapping"},
        "mapping": _mapping(record),
        "approved_plan": {"digest": about.approved_plan, "preview_job": about.preview_job},
        "sessions": sorted(
            (
                {
                    "subject": session.subject,
                    "session": session.session,
                    "status": session.status.value,
                    "archived": session.archived.value,
                }
                for session in record.sessions
            ),
            key=lambda session: (session["subject"], session["session"]),
        ),
        "not in " + sums.NAME: sums.listed(record.files())[1],
    }


def _mapping(record: RunRecord) -> dict[str, Any]:
    """Return which fields were written to which elements: the rows, a digest of them, and the file of a dicom-map."""
    rows = record.settings.get("mapping") or {}
    return {"rows": rows, "digest": merkle.root_of([rows]), "dicom_map": dict(record.circumstances.dicom_map)}


def _file(file: FileRecord) -> dict[str, Any]:
    custody = file.custody
    told = {
        "path": file.origin_path,
        "level": file.level,
        "status": file.status.value,
        "verified": file.verification.value,
        "changes": len(file.changes) + len(file.earlier),
        "refused": len(file.refused),
        "edits": custody.edits if custody else "",
    }
    places = {"origin": _held(custody.origin) if custody else {}}
    if custody and custody.export:
        places["export"] = _held(custody.export)
    if custody and custody.archive:
        places["archive"] = _held(custody.archive)
    note = NOT_FETCHED if file.verification is Verification.NEEDLESS else NOT_KEPT
    return {**told, **places, **({"note": note} if custody and _unknown(custody) else {})}


def _held(held: Held) -> dict[str, Any]:
    return {
        "labels": list(held.labels),
        "level": held.level,
        "parent_id": held.parent_id,
        "file_id": held.file_id,
        "version": held.version,
        "size": held.size,
        "sha256": held.sha256 or None,
        "sha384": held.sha384 or None,
    }


def _unknown(custody: Custody) -> bool:
    return bool(custody.export) and not (custody.origin.sha256 and custody.export and custody.export.sha256)
