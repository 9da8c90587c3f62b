"""The verdict on one file that nobody edited: whatever the engine wants to do to it is a finding."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export_session.dicom import rewrite
from export_session.errors import HeaderError


@dataclass(frozen=True)
class Finding:
    """Something that the engine took for an edit, or a reason why it would not let the file go out."""

    path: str  # of the element; the error's name where the file as a whole is stopped
    tag: str
    vr: str
    what: str  # change, refusal, error
    old: Any = None  # what the engine read in the bytes
    shown: Any = None  # what the importer shows, and the engine took for an edit
    reason: str = ""


def findings(source: Path, header: Mapping[str, Any], **options: Any) -> list[Finding]:
    """What is wrong with the engine's view of an unedited file; nothing, if all is well."""
    target = source.with_name("rewritten-" + source.name)
    target.unlink(missing_ok=True)
    try:
        result = rewrite(source, target, header, **({"on_refused_edit": "export"} | options))
    except HeaderError as error:
        left = [Finding("target", "", "", "error", reason="a target is left behind")] if target.exists() else []
        return [*left, Finding(type(error).__name__, "", "", "error", reason=str(error))]
    except Exception as error:  # noqa: BLE001 - whatever it is, the file did not go out
        return [Finding(type(error).__name__, "", "", "crash", reason=str(error))]
    found = [*_of_changes(result.changes, "change"), *_of_changes(result.refused, "refusal")]
    if (result.modified or target.exists()) and not found:
        found.append(Finding("target", "", "", "error", reason="modified without a change"))
    target.unlink(missing_ok=True)
    return found


def _of_changes(changes: Iterable[Any], what: str) -> list[Finding]:
    return [
        Finding(change.path, change.tag, change.vr, what, change.old, change.new, change.reason) for change in changes
    ]


def short(value: Any, length: int = 100) -> str:
    """A value in few characters."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= length else text[: length - 1] + "…"
