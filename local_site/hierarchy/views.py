"""What clients are shown of a document: whole, or shortened as listings are.

Listings leave out what is large or protected: ``info`` (but ``info_exists``), the classification of files, the
names and demographics of subjects, the age of sessions.
"""

from __future__ import annotations

from functools import cached_property

from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.store import Doc

PROTECTED = {
    "subject": ("firstname", "lastname", "sex", "race", "ethnicity", "age"),
    "session": ("age",),
}
INTERNAL = ("blob", "deleted_with")


class Views:
    """The views of one reader.

    Parameters
    ----------
    site
        The site.
    who
        The reader.
    all_info
        Keep ``info`` in listings, as ``include_all_info=true`` asks.
    inflate_job
        Show an analysis' job whole.
    """

    def __init__(self, site: Site, who: Identity, *, all_info: bool = False, inflate_job: bool = False) -> None:
        self._site = site
        self._who = who
        self._all_info = all_info
        self._inflate_job = inflate_job
        self._projects: dict[str, Doc] = {}

    def whole(self, kind: str, doc: Doc) -> Doc:
        """Return all of a container."""
        return self._container(kind, doc, listed=False)

    def listed(self, kind: str, doc: Doc) -> Doc:
        """Return a container as listings show it."""
        return self._container(kind, doc, listed=True)

    def typed(self, kind: str, doc: Doc) -> Doc:
        """Return all of a container, with its type, for routes that serve every type."""
        return {**self.whole(kind, doc), "container_type": kind, "node_type": kind}

    def file(self, doc: Doc, *, listed: bool = False) -> Doc:
        """Return a file."""
        view = {key: value for key, value in doc.items() if key not in INTERNAL}
        view["id"] = view["_id"]
        view["info_exists"] = bool(doc.get("info"))
        if listed:
            del view["classification"]
            if not self._all_info:
                del view["info"]
            if not self._site.options.tags_in_lists:
                del view["tags"]
        return view

    def _container(self, kind: str, doc: Doc, *, listed: bool) -> Doc:
        view = {key: value for key, value in doc.items() if key not in INTERNAL}
        if kind != "group":
            self._add_info(view, listed=listed)
            self._add_content(view, kind, doc, listed=listed)
        self._add_relatives(view, kind, doc, listed=listed)
        if listed:
            for key in PROTECTED.get(kind, ()):
                view.pop(key, None)
            if not self._site.options.tags_in_lists:
                view.pop("tags", None)
        return view

    def _add_relatives(self, view: Doc, kind: str, doc: Doc, *, listed: bool) -> None:
        if kind == "group":
            view["permissions"] = self._visible(doc.get("permissions") or [], admin=False)
        elif kind == "project":
            group = self._site.store.get("group", doc["group"]) or {}
            view["group_info"] = {"_id": doc["group"], "label": group.get("label")}
        elif kind == "session":
            view["group"] = doc["parents"]["group"]
            view["project"] = doc["parents"]["project"]
            subject = self._site.store.get("subject", doc["subject"])
            if subject:
                view["subject"] = self._container("subject", subject, listed=listed)
                if not listed:
                    view["subject"]["age"] = doc.get("age")
        elif kind == "analysis" and self._inflate_job and doc.get("job"):
            view["job"] = self._site.store.get("job", doc["job"]) or doc["job"]

    def _add_info(self, view: Doc, *, listed: bool) -> None:
        view["info_exists"] = bool(view.get("info"))
        if listed and not self._all_info:
            view["info"] = {key: value for key, value in (view.get("info") or {}).items() if key == "BIDS"}

    def _add_content(self, view: Doc, kind: str, doc: Doc, *, listed: bool) -> None:
        files = self._site.store.select("file", parent=doc["_id"])
        view["files"] = [self.file(file, listed=listed) for file in files]
        if kind == "analysis":
            view["inputs"] = [self.file(file, listed=listed) for file in doc["inputs"]]
            return
        analyses = self._site.store.select("analysis", parent=doc["_id"])
        view["analyses"] = [self._container("analysis", analysis, listed=listed) for analysis in analyses]
        view["permissions"] = self._permissions(kind, doc)
        view.setdefault("copy_of", None)
        view.setdefault("original_copy_of", None)
        view.setdefault("copy_status", None)

    def _permissions(self, kind: str, doc: Doc) -> list[Doc]:
        project_id = doc["_id"] if kind == "project" else doc["parents"]["project"]
        if project_id not in self._projects:
            self._projects[project_id] = self._site.store.get("project", project_id) or {}
        entries: list[Doc] = self._projects[project_id].get("permissions") or []
        own_roles = {role for entry in entries if entry["_id"] == self._who.user_id for role in entry["role_ids"]}
        return self._visible(entries, admin=self._admin_role in own_roles)

    def _visible(self, entries: list[Doc], *, admin: bool) -> list[Doc]:
        administers = admin or any(
            entry["_id"] == self._who.user_id and entry.get("access") == "admin" for entry in entries
        )
        if self._who.admin or administers:
            return entries
        return [entry for entry in entries if entry["_id"] == self._who.user_id]

    @cached_property
    def _admin_role(self) -> str:
        return self._site.built_in_role("admin")
