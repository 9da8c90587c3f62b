"""Copies made by the site itself: new containers and files that share the content of the old."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from local_site.hierarchy.fields import checked, texts
from local_site.hierarchy.levels import CHILD_OF, PARENT_OF, parents_below
from local_site.listing.filters import Filter
from local_site.listing.patterns import Budget
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc


@dataclass(frozen=True)
class CopyFilter:
    """What is copied.

    Attributes
    ----------
    include, exclude
        Conditions on files (``file.type=dicom``) or what they lie in (``session.label=~x``). A file is
        kept if there is no `include` or one of them holds, and no `exclude` does.
    analyses, notes, tags
        Whether these go along.
    empty
        Whether containers go along in which no file is kept.
    """

    include: tuple[Filter, ...]
    exclude: tuple[Filter, ...]
    analyses: bool
    notes: bool
    tags: bool
    empty: bool

    @classmethod
    def parse(cls, body: Any) -> CopyFilter:
        """Read the ``filter`` of a copy request.

        Raises
        ------
        SchemaError
            It is missing or malformed.
        """
        given = checked(checked(body, None, ("filter",))["filter"], None)
        budget = Budget()
        include, exclude = (
            tuple(Filter.parse(rule, budget=budget) for rule in texts(name, given.get(name)))
            for name in ("include_rules", "exclude_rules")
        )
        return cls(
            include=include,
            exclude=exclude,
            analyses=not given.get("exclude_analysis"),
            notes=not given.get("exclude_notes"),
            tags=not given.get("exclude_tags"),
            empty=given.get("exclude_empty_containers") is False,
        )

    def keeps(self, site: Site, file: Doc) -> bool:
        """Tell whether a file is copied."""

        def relative(_: Doc, level: str) -> Doc | None:
            doc_id = file["parents"].get(level)
            return site.store.get(level, doc_id) if doc_id else None

        def holds(rule: Filter) -> bool:
            return rule.matches({"file": file}, relative)

        return (not self.include or any(map(holds, self.include))) and not any(map(holds, self.exclude))


@dataclass(frozen=True)
class Copier:
    """One copy operation: who copies what by which filter."""

    site: Site
    who: Identity
    filter: CopyFilter

    def copy(self, kind: str, source: Doc, parent: Doc, label: str | None = None) -> Doc:
        """Copy a container below `parent`, with what lies below it, and return the copy."""
        parent_kind = PARENT_OF[kind]
        copy = self._container(kind, source, label)
        copy["parents"] = parents_below(parent_kind, parent)
        copy[parent_kind] = parent["_id"]
        if kind == "subject":
            copy["code"] = copy["label"]
        self.site.store.put(kind, copy)
        self.fill(kind, source, copy)
        return copy

    def fill(self, kind: str, source: Doc, copy: Doc) -> None:
        """Copy what lies below `source` below `copy`."""
        self._files(kind, source, copy)
        if self.filter.analyses:
            for analysis in list(self.site.store.select("analysis", parent=source["_id"])):
                self._analysis(kind, analysis, copy)
        if kind in CHILD_OF:
            for child in list(self.site.store.select(CHILD_OF[kind], parent=source["_id"])):
                if self.filter.empty or self._has_files(CHILD_OF[kind], child):
                    self.copy(CHILD_OF[kind], child, copy)

    def _container(self, kind: str, source: Doc, label: str | None) -> Doc:
        stamp = now()
        return {
            **source,
            "_id": self.site.new_id(),
            "label": label or source["label"],
            "tags": source["tags"] if self.filter.tags else [],
            "notes": source["notes"] if self.filter.notes else [],
            "copy_of": source["_id"],
            "original_copy_of": source.get("original_copy_of") or source["_id"],
            "copy_status": "completed" if kind != "analysis" else None,
            "created": stamp,
            "modified": stamp,
            "revision": 1,
        }

    def _analysis(self, kind: str, source: Doc, parent: Doc) -> None:
        copy = self._container("analysis", source, None)
        copy.update(parent={"type": kind, "id": parent["_id"]}, parents=parents_below(kind, parent), job=None)
        self.site.store.put("analysis", copy)
        self._files("analysis", source, copy)

    def _files(self, kind: str, source: Doc, copy: Doc) -> None:
        for file in list(self.site.store.select("file", parent=source["_id"])):
            if self.filter.keeps(self.site, file):
                self._file(kind, file, copy)

    def _file(self, kind: str, source: Doc, holder: Doc) -> None:
        project = self.site.store.get("project", source["parents"].get("project", "")) or {}
        group = self.site.store.get("group", source["parents"].get("group", "")) or {}
        origin = {"file_id": source["file_id"], "version": source["version"]}
        stamp = now()
        self.site.store.put(
            "file",
            {
                **source,
                "_id": str(uuid.uuid4()),
                "file_id": self.site.new_id(),
                "version": 1,
                "tags": source["tags"] if self.filter.tags else [],
                "parent_ref": {"type": kind, "id": holder["_id"]},
                "parents": parents_below(kind, holder),
                "copy_of": {
                    **origin,
                    "parents": source["parents"],
                    "project_label": project.get("label"),
                    "group_label": group.get("label"),
                },
                "original_copy_of": source["original_copy_of"] or origin,
                "created": stamp,
                "modified": stamp,
                "replaced": None,
                "revision": 1,
            },
        )

    def _has_files(self, kind: str, doc: Doc) -> bool:
        files = self.site.store.select("file", parent=doc["_id"])
        if any(self.filter.keeps(self.site, file) for file in files):
            return True
        return kind in CHILD_OF and any(
            self._has_files(CHILD_OF[kind], child)
            for child in self.site.store.select(CHILD_OF[kind], parent=doc["_id"])
        )
