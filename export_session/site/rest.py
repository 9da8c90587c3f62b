"""The site behind Flywheel's REST interface: which route answers what, and in which form.

One method is one HTTP call, but for uploads and tags. An answer of another form than its call must have is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from export_session.errors import AccessDenied, NoAnswer, NotFound, SiteError
from export_session.site import forms
from export_session.site.forms import Form, WrongForm
from export_session.site.model import KINDS, PARENT, Container, File, Level, Parent, Project
from export_session.site.port import Condition, Identity, Job, JobRequest, Recorded, Rule, Stored
from export_session.site.rows import (
    changes_of,
    container_of,
    container_with,
    file_of,
    identity_of,
    rule_of,
    version_of,
)
from export_session.site.uploads import Uploads

if TYPE_CHECKING:
    from export_session.site.sdk import Sdk  # not before its version was judged

C = TypeVar("C", bound=Container)
T = TypeVar("T")

BY_RULE = "auto"  # the tag of jobs that gear rules start
PAGE = 250  # rows a listing call returns at most, as the SDK's own finders ask for
SHORT_PAGE = 50  # rows; a site may give fewer than asked for (its `pagination_limit`, 100 by default), but not so few

NO_TRAIL = (403, 404, 405, 501)  # what a site answers that keeps no audit trail, or does not show it to this key

PLURAL: Mapping[Parent, str] = {
    "group": "groups",
    "project": "projects",
    "subject": "subjects",
    "session": "sessions",
    "acquisition": "acquisitions",
    "analysis": "analyses",
}


class FlywheelSite:
    """A live site; no call is repeated here."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self._signed: bool | None = None  # asked once
        self._enveloped: set[str] = set()  # routes whose listings say how many rows there are
        self._uploads = Uploads(sdk)

    # Reading

    def identity(self) -> Identity:
        return self._get(identity_of, "/auth/status")

    def signs_uploads(self) -> bool:
        if self._signed is None:
            config = self._get(forms.config, "/config")
            self._signed = bool(config.get("signed_url") or (config.get("features") or {}).get("signed_url"))
        return self._signed

    def find_project(self, group: str, label: str) -> Project:
        what = f"look up {group}/{label}"

        def project(row: Any) -> Project:
            kind = forms.text_of(forms.an_object(row), "container_type", "node_type")
            if kind != "project":
                raise SiteError(f"{what}: that is a {kind}, not a project")
            return container_of(Project, row)

        return self._ask(project, what, "POST", "/lookup", body={"path": [group, label]})

    def read(self, kind: type[C], container_id: str) -> C:
        return self._get(container_with(kind, container_id), f"/{PLURAL[kind.level]}/{{id}}", id=container_id)

    def children(
        self, parent: Parent, parent_id: str, kind: type[C], *conditions: Condition, with_info: bool = False
    ) -> Iterator[C]:
        query: dict[str, Any] = {"limit": PAGE}
        if with_info:
            query["include_all_info"] = "true"
        if conditions:
            query["filter"] = ",".join(map(str, conditions))
        path = f"/{PLURAL[parent]}/{{id}}/{PLURAL[kind.level]}"
        return self._pages(lambda row: container_of(kind, row), path, query, id=parent_id)

    def actions(self, project: Project, user: str) -> frozenset[str] | None:
        role_ids = project.permissions.get(user)
        if not role_ids:
            return None
        try:
            roles = {role["_id"]: role for role in self._get(forms.rows_of(forms.identified), "/roles")}
        except AccessDenied:
            return None
        if not role_ids <= roles.keys():
            return None
        return frozenset(action for role_id in role_ids for action in roles[role_id].get("actions") or ())

    def gear_rules(self, project_id: str) -> tuple[Rule, ...]:
        rules = self._get(forms.rows_of(forms.identified), "/projects/{id}/rules", id=project_id)
        return tuple(map(rule_of, rules))

    def classification_schema(self, modality: str) -> Mapping[str, Sequence[str]] | None:
        try:
            answer = self._get(forms.identified, "/modalities/{id}", id=modality)
        except NotFound:
            return None
        return answer.get("classification") or {}

    def gear_of(self, job_id: str) -> str:
        return self._get(lambda job: forms.text_of(forms.identified(job), "gear_id"), "/jobs/{id}", id=job_id)

    def jobs(self, tag: str) -> Iterator[Job]:
        for row in self._pages(forms.identified, "/jobs", {"limit": PAGE, "filter": f"tags={tag}"}):
            job_id = row.get("_id") or row["id"]
            job = row if row.get("parents") else self._get(forms.identified, "/jobs/{id}", id=job_id)
            parents = job.get("parents") or {}
            yield Job(job_id, row.get("state") or "", parents.get("session") or "")

    def rule_jobs(self, session_id: str) -> tuple[Job, ...]:
        def jobs(value: Any) -> list[forms.Row]:
            if "jobs" not in forms.an_object(value):
                raise WrongForm("an object with jobs")
            return [forms.identified(row) for row in forms.list_in(value, "jobs")]

        rows = self._get(jobs, "/sessions/{id}/jobs", id=session_id)
        ours = [row for row in rows if BY_RULE in forms.list_in(row, "tags")]
        return tuple(Job(forms.text_of(row, "_id", "id"), row.get("state") or "", session_id) for row in ours)

    def read_file(self, file: File, version: int = 0) -> File:
        query = {"version": version} if version else None
        return self._get(version_of(file, version), "/files/{id}", query, id=file.file_id)

    def changes(self, file: File) -> tuple[Recorded, ...] | None:
        # The metadata of a later version may have been carried over from the one before.
        return self._changes(file, {} if file.version > 1 else {"version": file.version})

    def _changes(self, file: File, query: Mapping[str, Any]) -> tuple[Recorded, ...] | None:
        try:
            return self._get(changes_of, "/changes/file/{id}", query, id=file.file_id)
        except SiteError as error:
            if error.status in NO_TRAIL and not isinstance(error, NoAnswer):
                return None
            raise

    def fetch(self, file: File, target: Path) -> Stored:
        path = f"/{PLURAL[file.parent_level]}/{{id}}/files/{{name}}"
        query = {"version": file.version}
        return self._sdk.download(f"download {file.name}", path, query, target, id=file.parent_id, name=file.name)

    # Writing

    def create(self, level: Level, parent_id: str, body: Mapping[str, Any]) -> str:
        parent = PARENT[level]
        # A session names its subject as an embedded object, the others their parent by id.
        reference: Mapping[str, Any] = {parent: {"_id": parent_id} if level == "session" else parent_id}
        return self._ask(forms.id_of, f"create the {level}", "POST", f"/{PLURAL[level]}", body={**body, **reference})

    def modify(self, level: Level, container_id: str, body: Mapping[str, Any]) -> None:
        path = f"/{PLURAL[level]}/{{id}}"
        self._ask(forms.modified, f"modify the {level}", "PUT", path, body=body, id=container_id)

    def set_info(self, level: Level, container_id: str, values: Mapping[str, Any]) -> None:
        path = f"/{PLURAL[level]}/{{id}}/info"
        what = f"set the info of the {level}"
        self._ask(forms.modified, what, "PATCH", path, body={"set": values}, id=container_id)

    def delete_info(self, level: Level, container_id: str, keys: Sequence[str]) -> None:
        path = f"/{PLURAL[level]}/{{id}}/info"
        what = f"take keys out of the info of the {level}"
        self._ask(forms.modified, what, "PATCH", path, body={"delete": list(keys)}, id=container_id)

    def add_tags(self, level: Level, container_id: str, tags: Sequence[str]) -> None:
        what = f"tag the {level}"
        path = f"/{PLURAL[level]}/{{id}}/tags"
        self._ask(forms.nothing, what, "PATCH", path, body=list(tags), id=container_id)
        # This call answers null, which proves nothing.
        if not set(tags) <= set(self.read(KINDS[level], container_id).tags):
            raise NoAnswer(f"{what}: the site accepted the tags but does not show them")

    def remove_tags(self, level: Level, container_id: str, tags: Sequence[str]) -> None:
        path = f"/{PLURAL[level]}/{{id}}/tags"
        what = f"take tags off the {level}"
        self._ask(forms.nothing, what, "DELETE", path, body=list(tags), id=container_id)
        if set(tags) & set(self.read(KINDS[level], container_id).tags):
            raise NoAnswer(f"{what}: the site accepted it but shows the tags still")

    def add_note(self, level: Level, container_id: str, text: str) -> None:
        path = f"/{PLURAL[level]}/{{id}}/notes"
        self._ask(forms.note, f"add a note to the {level}", "POST", path, body={"text": text}, id=container_id)

    def delete_note(self, level: Level, container_id: str, note_id: str) -> None:
        path = f"/{PLURAL[level]}/{{id}}/notes/{{note}}"
        try:
            self._ask(forms.deleted, f"delete a note of the {level}", "DELETE", path, id=container_id, note=note_id)
        except NotFound:
            return

    def delete(self, level: Level, container_id: str) -> None:
        # The only containers the gear ever deletes are empty ones it has just created twice.
        query = {"delete_reason": "container_is_empty"}
        path = f"/{PLURAL[level]}/{{id}}"
        try:
            self._ask(forms.deleted, f"delete the empty {level}", "DELETE", path, query, id=container_id)
        except NotFound:
            return

    def store(
        self,
        level: Level,
        parent_id: str,
        path: Path,
        metadata: Mapping[str, Any],
        replaces: int = 0,  # noqa: ARG002 - of use to a caller that must find out whether a lost upload happened
    ) -> File:
        route, what = f"/{PLURAL[level]}/{{id}}/files", f"upload {metadata['name']}"
        made = forms.only(lambda row: file_of(level, parent_id, row))
        self._sdk.allow_write(what)
        if not self.signs_uploads():
            return forms.formed(made, what, self._sdk.upload_form(what, route, path, metadata, id=parent_id))
        return self._uploads.store(made, what, route, path, metadata, parent_id=parent_id)

    def modify_file(self, file: File, body: Mapping[str, Any]) -> None:
        self._modify_file("modify", "PUT", file, "", body)

    def set_file_info(self, file: File, values: Mapping[str, Any]) -> None:
        self._modify_file("set the info of", "PATCH", file, "/info", {"set": values})

    def set_file_classification(self, file: File, classification: Mapping[str, Any]) -> None:
        self._modify_file("classify", "PATCH", file, "/classification", {"replace": classification})

    def add_file_tags(self, file: File, tags: Sequence[str]) -> None:
        form = forms.tags_with(tags)
        self._ask(form, f"tag {file.name}", "PATCH", "/files/{id}/tags", body=list(tags), id=file.file_id)

    def replace_file_info(self, file: File, info: Mapping[str, Any]) -> None:
        self._modify_file("replace the info of", "PATCH", file, "/info", {"replace": info})

    def set_file_tags(self, file: File, tags: Sequence[str]) -> None:
        what = f"set the tags of {file.name}"
        self._ask(forms.modified, what, "PUT", "/files/{id}/tags", body=list(tags), id=file.file_id)

    def restore(self, file: File, earlier: File) -> File:
        what = f"bring back version {earlier.version} of {file.name}"
        query = {"version": earlier.version, "evaluate_gear_rules": "false"}
        form = version_of(file, above=file.version)
        return self._ask(form, what, "POST", "/files/{id}/restore", query, id=file.file_id)

    def move_session(self, session_id: str, subject_id: str) -> None:
        self.modify("session", session_id, {"subject": {"_id": subject_id}})

    def start_job(self, session_id: str, request: JobRequest) -> None:
        job = {
            "gear_id": request.gear_id,
            "config": request.config,
            "inputs": request.inputs,
            "tags": [request.tag],
        }
        body = {"label": request.label, "job": job}
        path = "/sessions/{id}/analyses"
        what = "start a job on the session"
        self._ask(forms.id_of, what, "POST", path, {"job": "true"}, body=body, id=session_id)

    # Calls

    def _ask(
        self,
        form: Form[T],
        what: str,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        **details: Any,
    ) -> T:
        """Make a call and return what its answer holds in the form it must have."""
        return forms.formed(form, what, self._sdk.call(what, method, path, query, **details))

    def _get(self, form: Form[T], path: str, query: Mapping[str, Any] | None = None, **path_params: str) -> T:
        return self._ask(form, "read " + path.strip("/").partition("/")[0], "GET", path, query, **path_params)

    def _pages(self, row: Form[T], path: str, query: Mapping[str, Any], **path_params: str) -> Iterator[T]:
        """List page by page.

        The end is known by the number of rows that the first page states: to be out of rows before is no answer, and
        whoever lists anew gets the number as it is by then. Where a site states none, a short page is the last, and
        an empty list, which anybody may say, is asked for twice.
        """
        seen, total, after, enveloped = 0, None, "", path in self._enveloped
        while True:
            page = self._get(forms.page_of(row, after), path, query, **path_params)
            if page.enveloped != enveloped and (enveloped or after):
                raise NoAnswer(f"list {path}: the site answered a list of another form than before")
            if enveloped := page.enveloped:
                self._enveloped.add(path)
            elif not page.rows:
                page = self._get(forms.page_of(row, after), path, query, **path_params)
            yield from page.rows
            seen += len(page.rows)
            total = total if after else page.total
            if total is not None and not page.rows and seen < total:
                raise NoAnswer(f"list {path}: the site answered {seen:,} rows, and had said that there are {total:,}")
            if not page.rows or (len(page.rows) < SHORT_PAGE if total is None else seen >= total):
                return
            after = page.last
            query = {**query, "after_id": after}

    def _modify_file(self, verb: str, method: str, file: File, route: str, body: Mapping[str, Any]) -> None:
        path = f"/{PLURAL[file.parent_level]}/{{id}}/files/{{name}}{route}"
        what = f"{verb} {file.name}"
        self._ask(forms.modified, what, method, path, body=body, id=file.parent_id, name=file.name)
