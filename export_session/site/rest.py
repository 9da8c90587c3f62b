"""The site behind Flywheel's REST interface: which route answers what, one HTTP call for one method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from export_session.errors import AccessDenied, NotFound, SiteError
from export_session.site.model import PARENT, Container, File, Level, Project
from export_session.site.port import Condition, Identity, Job, JobRequest, Rule, Stored
from export_session.site.rows import container_of, file_of

if TYPE_CHECKING:
    from export_session.site.sdk import Sdk  # not before its version was judged

C = TypeVar("C", bound=Container)

PAGE = 250  # rows a listing call returns at most, as the SDK's own finders ask for
SHORT_PAGE = 50  # rows; a site may give fewer than asked for (its `pagination_limit`, 100 by default), but not so few

PLURAL: Mapping[Level, str] = {
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

    # Reading

    def identity(self) -> Identity:
        answer = self._get("/auth/status")
        origin = answer.get("origin") or {}
        return Identity(origin.get("type") or "user", str(origin.get("id") or answer.get("user_id") or ""))

    def signs_uploads(self) -> bool:
        config = self._sdk.config()
        return bool((config.get("features") or {}).get("signed_url") or config.get("signed_url"))

    def find_project(self, group: str, label: str) -> Project:
        what = f"look up {group}/{label}"
        answer = self._sdk.call(what, "POST", "/lookup", body={"path": [group, label]})
        kind = answer.get("container_type") or answer["node_type"]
        if kind != "project":
            raise SiteError(f"{what}: that is a {kind}, not a project")
        return container_of(Project, answer)

    def read(self, kind: type[C], container_id: str) -> C:
        return container_of(kind, self._get(f"/{PLURAL[kind.level]}/{{id}}", id=container_id))

    def children(
        self, parent: Level, parent_id: str, kind: type[C], *conditions: Condition, with_info: bool = False
    ) -> Iterator[C]:
        query: dict[str, Any] = {"limit": PAGE}
        if with_info:
            query["include_all_info"] = "true"
        if conditions:
            query["filter"] = ",".join(map(str, conditions))
        path = f"/{PLURAL[parent]}/{{id}}/{PLURAL[kind.level]}"
        return (container_of(kind, row) for row in self._pages(path, query, id=parent_id))

    def actions(self, project: Project, user: str) -> frozenset[str] | None:
        role_ids = project.permissions.get(user)
        if not role_ids:
            return None
        try:
            roles = {role["_id"]: role for role in self._get("/roles")}
        except AccessDenied:
            return None
        if not role_ids <= roles.keys():
            return None
        return frozenset(action for role_id in role_ids for action in roles[role_id].get("actions") or ())

    def gear_rules(self, project_id: str) -> tuple[Rule, ...]:
        rules = self._get("/projects/{id}/rules", id=project_id)
        return tuple(
            Rule(rule.get("name") or "", rule.get("gear_id") or "", enabled=not rule.get("disabled")) for rule in rules
        )

    def classification_schema(self, modality: str) -> Mapping[str, Sequence[str]] | None:
        try:
            answer = self._get("/modalities/{id}", id=modality)
        except NotFound:
            return None
        return answer.get("classification") or {}

    def gear_of(self, job_id: str) -> str:
        return str(self._get("/jobs/{id}", id=job_id)["gear_id"])

    def jobs(self, tag: str) -> Iterator[Job]:
        for row in self._pages("/jobs", {"limit": PAGE, "filter": f"tags={tag}"}):
            job_id = row.get("_id") or row["id"]
            parents = row.get("parents") or self._get("/jobs/{id}", id=job_id).get("parents") or {}
            yield Job(job_id, row.get("state") or "", parents.get("session") or "")

    def fetch(self, file: File, target: Path) -> Stored:
        path = f"/{PLURAL[file.parent_level]}/{{id}}/files/{{name}}"
        query = {"version": file.version}
        return self._sdk.download(f"download {file.name}", path, query, target, id=file.parent_id, name=file.name)

    # Writing

    def create(self, level: Level, parent_id: str, body: Mapping[str, Any]) -> str:
        parent = PARENT[level]
        # A session names its subject as an embedded object, the others their parent by id.
        reference: Mapping[str, Any] = {parent: {"_id": parent_id} if level == "session" else parent_id}
        answer = self._sdk.call(f"create the {level}", "POST", f"/{PLURAL[level]}", body={**body, **reference})
        return str(answer["_id"])

    def modify(self, level: Level, container_id: str, body: Mapping[str, Any]) -> None:
        self._sdk.call(f"modify the {level}", "PUT", f"/{PLURAL[level]}/{{id}}", body=body, id=container_id)

    def set_info(self, level: Level, container_id: str, values: Mapping[str, Any]) -> None:
        path = f"/{PLURAL[level]}/{{id}}/info"
        self._sdk.call(f"set the info of the {level}", "PATCH", path, body={"set": values}, id=container_id)

    def add_tags(self, level: Level, container_id: str, tags: Sequence[str]) -> None:
        self._sdk.call(f"tag the {level}", "PATCH", f"/{PLURAL[level]}/{{id}}/tags", body=list(tags), id=container_id)

    def add_note(self, level: Level, container_id: str, text: str) -> None:
        path = f"/{PLURAL[level]}/{{id}}/notes"
        self._sdk.call(f"add a note to the {level}", "POST", path, body={"text": text}, id=container_id)

    def delete(self, level: Level, container_id: str) -> None:
        # The only containers the gear ever deletes are empty ones it has just created twice.
        query = {"delete_reason": "container_is_empty"}
        try:
            self._sdk.call(f"delete the empty {level}", "DELETE", f"/{PLURAL[level]}/{{id}}", query, id=container_id)
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
        return file_of(
            level, parent_id, self._sdk.upload(f"upload {metadata['name']}", level, parent_id, path, metadata)
        )

    def modify_file(self, file: File, body: Mapping[str, Any]) -> None:
        self._call_file("modify", "PUT", file, "", body)

    def set_file_info(self, file: File, values: Mapping[str, Any]) -> None:
        self._call_file("set the info of", "PATCH", file, "/info", {"set": values})

    def set_file_classification(self, file: File, classification: Mapping[str, Any]) -> None:
        self._call_file("classify", "PATCH", file, "/classification", {"replace": classification})

    def add_file_tags(self, file: File, tags: Sequence[str]) -> None:
        self._sdk.call(f"tag {file.name}", "PATCH", "/files/{id}/tags", body=list(tags), id=file.file_id)

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
        self._sdk.call("start a job on the session", "POST", path, {"job": "true"}, body=body, id=session_id)

    # Calls

    def _get(self, path: str, query: Mapping[str, Any] | None = None, **path_params: str) -> Any:
        return self._sdk.call("read " + path.strip("/").partition("/")[0], "GET", path, query, **path_params)

    def _pages(self, path: str, query: dict[str, Any], **path_params: str) -> Iterator[Mapping[str, Any]]:
        while True:
            rows = self._get(path, query, **path_params)
            yield from rows
            if len(rows) < SHORT_PAGE:
                return
            query = {**query, "after_id": rows[-1].get("_id") or rows[-1]["id"]}

    def _call_file(self, verb: str, method: str, file: File, route: str, body: Mapping[str, Any]) -> None:
        path = f"/{PLURAL[file.parent_level]}/{{id}}/files/{{name}}{route}"
        self._sdk.call(f"{verb} {file.name}", method, path, body=body, id=file.parent_id, name=file.name)
