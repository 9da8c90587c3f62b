"""The plan of a run: what it would write where, under one digest that a person can approve.

Whatever decides on the bytes of a copy or their place goes into the digest; nothing that changes by itself does: no
times, no order of listings, no results of other gears. Nor do tags and notes: by these people say what they approve.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from export_session.support.digests import digest

FORMAT = "session-export plan 1"
SAID = ("file_id", "version", "path", "to", "fate", "replaces", "content")  # of a file, beside its changes


@dataclass(frozen=True)
class PlannedFile:
    """What a plan says of one file."""

    file_id: str  # of the origin
    version: int
    path: str  # from the subject on
    to: str  # the same in the export project
    fate: str  # "exported", "left" or "fails"
    replaces: str  # which version of which file would be replaced, "" where none is there
    content: str  # digest of all that the copy is made of
    changes: tuple[tuple[str, str], ...]  # each change: element, and digest of all that is said of it
    agreed: str = ""  # the digest under which this copy was made already
    guard: str = ""  # digest of what must still be so at the moment of the export

    @property
    def digest(self) -> str:
        """What stands for the file in the digest of the plan."""
        said = [getattr(self, name) for name in SAID]
        return self.agreed or digest([*said, sorted(mark for _, mark in self.changes)])


@dataclass(frozen=True)
class Part:
    """What a plan says of one session, or of a subject for its files."""

    level: str
    id: str
    path: str
    containers: tuple[tuple[str, str, str], ...]  # id, path, digest of what its copy is made of
    files: tuple[PlannedFile, ...]

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"{self.level}:{self.id}"

    @property
    def digest(self) -> str:
        """What stands for it in the digest of the plan."""
        return digest([self.key, sorted(self.containers), sorted(file.digest for file in self.files)])


@dataclass(frozen=True)
class Plan:
    """A whole plan."""

    decided: Mapping[str, Any]  # gear, settings, mapping and projects
    parts: tuple[Part, ...]
    done: Mapping[str, str] = field(default_factory=dict)  # parts that a run has finished by this plan: digest by key

    @property
    def digest(self) -> str:
        """What a person approves."""
        parts = {**self.done, **{part.key: part.digest for part in self.parts}}
        return digest([FORMAT, self.decided, sorted(parts.items())])


def document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON; the digest can be recomputed from what it holds."""
    return {
        "format": FORMAT,
        "digest": plan.digest,
        "decided": dict(plan.decided),
        "parts": [
            {
                "key": part.key,
                "path": part.path,
                "digest": part.digest,
                "containers": [list(one) for one in part.containers],
                "files": [_file(file) for file in part.files],
            }
            for part in plan.parts
        ],
    }


def _file(file: PlannedFile) -> dict[str, Any]:
    changes = [{"element": element, "digest": mark} for element, mark in file.changes]
    said = {name: getattr(file, name) for name in (*SAID, "digest")}
    return {**said, "agreed": bool(file.agreed), "changes": changes}


def digest_of(approved: Mapping[str, Any]) -> str:
    """Return the digest that a plan's document has by what it holds; "" where it is none.

    Of a file whose copy was made by an earlier plan, the digest is that of then, and is taken as it is.
    """
    try:
        parts = {str(part["key"]): _digest_of_part(part) for part in approved["parts"]}
        return digest([FORMAT, approved["decided"], sorted(parts.items())])
    except (KeyError, TypeError, AttributeError):
        return ""


def _digest_of_part(part: Mapping[str, Any]) -> str:
    files = (one["digest"] if one["agreed"] else _digest_of_file(one) for one in part["files"])
    return digest([part["key"], sorted(part["containers"]), sorted(files)])


def _digest_of_file(file: Mapping[str, Any]) -> str:
    return digest([*(file[name] for name in SAID), sorted(change["digest"] for change in file["changes"])])


def differences(approved: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    """Say what of an approved plan is no longer so, and where."""
    yield from _of_decided(approved["decided"], plan.decided)
    before = {part["key"]: part for part in approved["parts"]}
    now = {part.key: part for part in plan.parts}
    for key in sorted(before.keys() - now.keys() - plan.done.keys()):
        yield f"{before[key]['path']}: was to be exported, and is not there, or is passed over"
    for key in sorted(plan.done.keys() & before.keys() - now.keys()):
        if plan.done[key] != before[key]["digest"]:
            yield f"{before[key]['path']}: was exported by another plan"
    for key, part in sorted(now.items()):
        if key not in before:
            yield f"{part.path}: was not to be exported"
        elif part.digest != before[key]["digest"]:
            yield from _of_part(before[key], part)


def _of_decided(before: Any, now: Any, name: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*before, *now}):
            yield from _of_decided(before.get(key), now.get(key), f"{name} {key}".strip())
    elif before != now:
        yield f"{name}: was {_shown(before)}, is {_shown(now)}"


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _of_part(before: Mapping[str, Any], now: Part) -> Iterator[str]:
    containers = {one[0]: one for one in before["containers"]}
    for id_, path, content in now.containers:
        if id_ not in containers:
            yield f"{path}: was not there"
        elif containers[id_][1] != path:
            yield f"{path}: was {containers[id_][1]}"
        elif containers[id_][2] != content:
            yield f"{path}: its fields or info were changed"
    for id_ in containers.keys() - {one[0] for one in now.containers}:
        yield f"{containers[id_][1]}: is gone"
    files = {one["file_id"]: one for one in before["files"]}
    for file in now.files:
        if file.file_id not in files:
            yield f"{file.path}: was not there"
        elif files[file.file_id]["digest"] != file.digest:
            yield f"{file.path}: {'; '.join(_of_file(files[file.file_id], file))}"
    for id_ in files.keys() - {file.file_id for file in now.files}:
        yield f"{files[id_]['path']}: is gone"


def _of_file(before: Mapping[str, Any], now: PlannedFile) -> Iterator[str]:
    if before["version"] != now.version:
        yield f"is at version {now.version}, was at {before['version']}"
    if before["path"] != now.path:
        yield f"was {before['path']}"
    elif before["to"] != now.to:
        yield f"would go to {now.to}, was to go to {before['to']}"
    if before["fate"] != now.fate:
        yield f"would be {now.fate}, was to be {before['fate']}".replace("be fails", "fail")
    if before["replaces"] != now.replaces:
        yield "another file, or another version of it, is where it would be written"
    marks = {one["digest"] for one in before["changes"]}
    here = {mark for _, mark in now.changes}
    elements = {element for element, mark in now.changes if mark not in marks}
    elements |= {one["element"] for one in before["changes"] if one["digest"] not in here}
    if elements and before["version"] == now.version:  # of another version all is told anew
        yield f"other changes of {', '.join(sorted(elements))}"
    elif before["content"] != now.content and before["version"] == now.version:
        yield "its metadata were edited"
