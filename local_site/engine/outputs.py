"""What a gear leaves in ``output/``: files for the destination, and metadata for it and the containers above.

``.metadata.json`` holds an object for each level (``session``, ``acquisition`` …). Fields of containers are only filled
where they are empty, tags are added, files named in it are updated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_site.engine.log import JobLog
from local_site.errors import ApiError
from local_site.hierarchy import changes, files
from local_site.hierarchy.fields import checked, merged
from local_site.hierarchy.file_metadata import METADATA_KEYS, upload_metadata
from local_site.hierarchy.levels import CREATE_KEYS, LEVELS, MODIFY_KEYS
from local_site.hierarchy.tree import touch
from local_site.hierarchy.views import Views
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.blobs import Blob
from local_site.storage.store import Doc

METADATA = ".metadata.json"
CHUNK = 1 << 20
PLACEMENT = frozenset(
    ["_id", "label", "code", "project", "session", "subject", "group", "permissions", "tags", "info", "inputs", "job"]
)
EMPTY: tuple[Any, ...] = (None, "", [], {})
UPDATED_KEYS = METADATA_KEYS - {"name", "size"}


@dataclass(frozen=True)
class Outputs:
    """The outputs of a job that has ended.

    Attributes
    ----------
    site, job, log
        The site, the job and its log, which tells of metadata that the site refuses.
    folder
        The gear's ``output`` directory.
    succeeded
        Whether the gear ended well. The files of one that failed are kept, but start no rules and change no metadata.
    """

    site: Site
    job: Doc
    log: JobLog
    folder: Path
    succeeded: bool

    def attach(self) -> Doc:
        """Put files and metadata where they belong; return the fields of the job that tell of it."""
        changes.by(self._who)
        project = self.site.store.get("project", self.job["parents"].get("project") or "") or {}
        if project.get("locked"):
            self.log.add(-1, f"project {project['_id']} is locked: the outputs are dropped\n")
            return {"saved_files": [], "outputs": [], "produced_metadata": {}}
        produced = self._metadata()
        paths = sorted(path for path in self.folder.iterdir() if path.is_file() and path.name != METADATA)
        blobs = [(path.name, self._store(path)) for path in paths]
        with self.site.store.transaction():
            added = self._add_files(blobs, produced)
            if self.succeeded:
                self._apply(produced, {file["file_id"] for file in added})
        views = Views(self.site, self._who)
        return {
            "saved_files": [name for name, _ in blobs],
            "outputs": [views.file(file) for file in added],
            "produced_metadata": produced,
        }

    @property
    def _who(self) -> Identity:
        origin = {"type": "job", "id": self.job["_id"]}
        return Identity(key_id="", user_id=None, origin=origin, admin=True)

    def _metadata(self) -> Doc:
        try:
            produced = json.loads((self.folder / METADATA).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self.log.add(-1, f"{METADATA} cannot be read: {error}\n")
            return {}
        return (
            {level: fields for level, fields in produced.items() if isinstance(fields, dict)}
            if isinstance(produced, dict)
            else {}
        )

    def _store(self, path: Path) -> Blob:
        with path.open("rb") as stream, self.site.blobs.writer() as writer:
            while chunk := stream.read(CHUNK):
                writer.write(chunk)
            return writer.keep()

    def _add_files(self, blobs: list[tuple[str, Blob]], produced: Doc) -> list[Doc]:
        kind = self.job["destination"]["type"]
        container = self.site.store.get(kind, self.job["destination"]["id"])
        if container is None:
            self.log.add(-1, f"{kind} {self.job['destination']['id']} is gone: its outputs are dropped\n")
            return []
        described = {item.get("name"): item for item in _described_files(produced.get(kind))}
        gear_info = {key: self.job["gear_info"][key] for key in ("id", "name", "version")}
        return [
            files.add_file(
                self.site,
                self._who,
                kind,
                container,
                blob,
                {**self._file_fields(described.get(name, {})), "name": name},
                gear_info=gear_info,
                evaluate=self.succeeded,
            )
            for name, blob in blobs
        ]

    def _apply(self, produced: Doc, added: set[str]) -> None:
        nested = produced.get("session", {}).get("subject")
        if isinstance(nested, dict):
            produced = {**produced, "subject": merged(produced.get("subject", {}), nested)}
        for level in (*LEVELS, "analysis"):
            metadata = produced.get(level)
            container = self.site.store.get(level, self.job["parents"].get(level) or "")
            if metadata is not None and container is not None:
                self._fill(level, container, metadata)
                self._update_files(container, metadata, added)

    def _fill(self, level: str, container: Doc, metadata: Doc) -> None:
        """Fill what is empty in a container, and add tags."""
        fillable = (CREATE_KEYS[level] | MODIFY_KEYS[level]) - PLACEMENT  # a session's uid, too
        wanted = {key: value for key, value in metadata.items() if key in fillable}
        try:
            fields = checked({key: value for key, value in wanted.items() if container.get(key) in EMPTY}, wanted)
        except ApiError as error:
            self.log.add(-1, f"{METADATA}: {level}: {error}\n")
            fields = {}
        if isinstance(metadata.get("info"), dict):
            fields["info"] = merged(checked({"info": metadata["info"]}, ["info"])["info"], container.get("info") or {})
        tags = metadata.get("tags")
        if isinstance(tags, list) and level != "group":
            fields["tags"] = list(dict.fromkeys([*container["tags"], *map(str, tags)]))
        if any(container.get(key) != value for key, value in fields.items()):
            touch(self.site, level, {**container, **fields})

    def _update_files(self, container: Doc, metadata: Doc, added: set[str]) -> None:
        for item in _described_files(metadata):
            file = files.live_file(self.site, container["_id"], str(item.get("name")))
            if file is None or file["file_id"] in added:
                continue
            fields = self._file_fields(item)
            if "info" in fields:
                fields["info"] = merged(file["info"], fields["info"])
            if "tags" in fields:
                fields["tags"] = list(dict.fromkeys([*file["tags"], *fields["tags"]]))
            files.modify_file(self.site, self._who, file, fields)

    def _file_fields(self, item: Doc) -> Doc:
        known = {key: value for key, value in item.items() if key in UPDATED_KEYS and value is not None}
        try:
            return upload_metadata(known)
        except ApiError as error:
            self.log.add(-1, f"{METADATA}: file {item.get('name')}: {error}\n")
            return {}


def _described_files(metadata: Any) -> list[Doc]:
    items = metadata.get("files") if isinstance(metadata, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
