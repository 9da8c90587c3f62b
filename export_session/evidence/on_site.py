"""Whether origin, export and archive still hold what an evidence package says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from export_session.errors import NotFound
from export_session.session.checks import hash_agrees
from export_session.session.provenance import KEY, object_at, sealed
from export_session.site import ReadSite
from export_session.site.model import KINDS, PARENT, Container, File, Level, Project
from export_session.site.port import Stored

C = TypeVar("C", bound=Container)

ROLES = ("origin", "export", "archive")


@dataclass(frozen=True)
class SiteCheck:
    """One look at a site: containers are read once, bytes are downloaded only where the site states no hash of them."""

    site: ReadSite
    projects: Mapping[str, Any]  # of the evidence: by role
    known: dict[str, Container | None] = field(default_factory=dict)  # by id; None: not there

    def differences(self, files: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Name all that is no longer as the evidence says."""
        for evidence in files:
            places = {role: held for role in ROLES if (held := object_at(evidence, role)).get("file_id")}
            # An original that was moved is in the archive, and nowhere else.
            if "archive" in places and places["archive"]["file_id"] == places["origin"]["file_id"]:
                del places["origin"]
            in_place = "export" in places and _is_same_file(places)
            before = places.pop("origin") if in_place else {}
            for role, held in places.items():
                yield from self._of_place(role, held)
            if in_place and before["version"] != places["export"]["version"]:
                yield from self._of_version_before(before, places["export"])
            elif "export" in places and not in_place:
                yield from self._of_record(evidence, places)

    def _of_place(self, role: str, held: Mapping[str, Any]) -> Iterator[str]:
        where = f"{role} {'/'.join(held['labels'])}"
        container = self._container(held["level"], held["parent_id"])
        file = self._file(held)
        if container is None or file is None:
            yield f"{where}: not there any more"
            return
        labels = self._labels(container, file)
        if labels != tuple(held["labels"]):
            yield f"{where}: it is now {'/'.join(labels)}"
        home = object_at(self.projects, role).get("id")
        if home and container.parents.get("project") != home:
            yield f"{where}: it is in another project now"
        if not self._holds(file, held):
            yield f"{where}: its bytes are others{_newer(file, held)}"

    def _of_version_before(self, held: Mapping[str, Any], export: Mapping[str, Any]) -> Iterator[str]:
        """Look for the original in the history of the file that was corrected in place."""
        file = self._file(export)
        if file is None:
            return
        where, number = f"origin {'/'.join(held['labels'])}", held["version"]
        try:
            version = self.site.read_file(file, number)
        except NotFound:
            yield f"{where}: version {number} is not in its history any more"
            return
        if not self._holds(version, held):
            yield f"{where}: the bytes of version {number} are others"
        if self._holds(file, export) and object_at(file.info, KEY, "before").get("version") != number:
            record = f"export {'/'.join(export['labels'])}: its record (info.export)"
            yield f"{record} does not name version {number} as the one before"

    def _of_record(self, evidence: Mapping[str, Any], places: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
        """Compare the copy's own record, where the version that the corrections were made on is there."""
        copy = self._file(places["export"])
        held = places.get("origin") or places["archive"]
        original = self._file(held)
        if copy is None or original is None or original.version != held["version"]:
            return
        where, record = f"export {'/'.join(places['export']['labels'])}", object_at(copy.info, KEY)
        edits = record.get("edits")
        if not isinstance(edits, str) or sealed(edits, original.uuid) != evidence["edits"]:
            yield f"{where}: its record (info.export) tells of other corrections"
        known = {"sha256": places["export"]["sha256"], "origin_sha256": object_at(evidence, "origin").get("sha256")}
        if any(digest and record.get(name) not in (None, "", digest) for name, digest in known.items()):
            yield f"{where}: its record (info.export) tells of other bytes"

    def _file(self, held: Mapping[str, Any]) -> File | None:
        container = self._container(held["level"], held["parent_id"])
        return next((one for one in container.files if one.file_id == held["file_id"]), None) if container else None

    def _holds(self, file: File, held: Mapping[str, Any]) -> bool:
        """Tell whether a file still has the bytes; a newer version of the same bytes has."""
        if file.size != held["size"]:
            return False
        agrees = hash_agrees(file.hash, held["sha384"]) if held["sha384"] else None
        if agrees is not None:
            return agrees
        if not (held["sha256"] or held["sha384"]):  # nothing is known of it but its version
            return bool(file.version == held["version"])
        stored = self._fetched(file)
        return (held["sha256"] or stored.sha256, held["sha384"] or stored.sha384) == (stored.sha256, stored.sha384)

    def _fetched(self, file: File) -> Stored:
        with TemporaryDirectory() as folder:
            return self.site.fetch(file, Path(folder, "file"))

    def _container(self, level: Level, container_id: str) -> Container | None:
        if container_id not in self.known:
            try:
                self.known[container_id] = self.site.read(KINDS[level], container_id)
            except NotFound:
                self.known[container_id] = None
        return self.known[container_id]

    def _labels(self, container: Container, file: File) -> tuple[str, ...]:
        """Return the way to a file as it is now: group, project, …, name."""
        labels, level = [container.label, file.name], container.level
        while (level := PARENT[level]) != "project":
            above = self._container(level, container.parents.get(level, ""))
            labels.insert(0, above.label if above else "")
        project = self._container("project", container.parents.get("project", ""))
        home = (project.group, project.label) if isinstance(project, Project) else ("", "")
        return (*home, *labels)


def _is_same_file(places: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a file was corrected in place, or was right as it was."""
    return bool(object_at(places, "origin").get("file_id") == places["export"]["file_id"])


def _newer(file: File, held: Mapping[str, Any]) -> str:
    return "" if file.version == held["version"] else f" (version {file.version}, it was {held['version']})"
