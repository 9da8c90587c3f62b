"""The site behind the Flywheel SDK; the only module that imports it."""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flywheel
import httpx2
from flywheel.rest import ApiException

from export_session.errors import AccessDenied, Conflict, NotFound, SiteError, Unreachable
from export_session.site.model import PARENT, Container, File, Level
from export_session.site.port import Condition, Identity, Job, Launch, Rule, Stored

PAGE = 250  # rows a listing call returns at most, as the SDK's own finders ask for
SHORT_PAGE = 50  # rows; a site may give fewer than asked for (its `pagination_limit`, 100 by default), but not so few
CONNECT_SECONDS = 10
ANSWER_SECONDS = 60
CHUNK = 1 << 20

PLURAL: Mapping[str, str] = {
    "group": "groups",
    "project": "projects",
    "subject": "subjects",
    "session": "sessions",
    "acquisition": "acquisitions",
    "analysis": "analyses",
}
NOT_FIELDS = {"_id", "id", "label", "parents", "info", "tags", "notes", "files", "created", "analyses"}


def connect(api_key: str, *, writable: bool = True) -> FlywheelSite:
    """Return the site an API key belongs to; nothing is sent yet.

    Parameters
    ----------
    api_key
        ``host:key`` or ``host:port:key``, as the engine hands it to a gear.
    writable
        False for a dry run: every call that would write raises instead of being sent.
    """
    for name in ("flywheel", "httpx2", "httpcore2"):  # at DEBUG these log response bodies and headers
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        client = flywheel.Client(
            api_key, disable_auth_check=True, connect_timeout=CONNECT_SECONDS, request_timeout=ANSWER_SECONDS
        )
    except Exception:  # noqa: BLE001 - the SDK raises bare Exception for a malformed key, which must not be shown
        raise AccessDenied("the api-key input is not a Flywheel API key (host:key or host:port:key)") from None
    http = client.api_client.rest_client.client
    # Uploads to signed URLs use this default, which is only 5 s: too short for storage to confirm a large file.
    http.timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    # The gear retries by its own policy, which knows whether a call happened after all (see retry.py). The SDK's
    # retries can be turned off only before its first import, which is not ours, or on its transports.
    for transport in (http._transport, *http._mounts.values()):  # noqa: SLF001 - no public way to reach them
        if transport is not None:
            transport.total = 0
    # The SDK asks for the site's configuration before every upload; within a run once is enough.
    client._fw.get_config = functools.cache(client._fw.get_config)  # noqa: SLF001 - no public way to reach it
    return FlywheelSite(client, writable=writable)


class FlywheelSite:
    """A live site, one HTTP call for one method where Flywheel allows it, and no retries."""

    def __init__(self, client: flywheel.Client, *, writable: bool) -> None:
        self._client = client
        self._writable = writable

    # Reading

    def identity(self) -> Identity:
        answer = self._get("/auth/status")
        origin = answer.get("origin") or {}
        return Identity(
            kind=origin.get("type") or "user",
            id=str(origin.get("id") or answer.get("user_id") or ""),
            admin=bool(answer.get("user_is_admin")),
        )

    def signs_uploads(self) -> bool:
        with _translated("read the site's configuration"):
            config = self._client.get_config()
        return bool((config.get("features") or {}).get("signed_url") or config.get("signed_url"))

    def lookup(self, path: Sequence[str]) -> Container:
        answer = self._call("look up " + "/".join(path), "POST", "/lookup", body={"path": list(path)})
        return _container(answer.get("container_type") or answer["node_type"], answer)

    def read(self, level: Level, container_id: str) -> Container:
        return _container(level, self._get(f"/{PLURAL[level]}/{{id}}", id=container_id))

    def children(
        self, parent: Level, parent_id: str, level: Level, *conditions: Condition, with_info: bool = False
    ) -> Iterator[Container]:
        query: dict[str, Any] = {"limit": PAGE}
        if with_info:
            query["include_all_info"] = "true"
        if conditions:
            query["filter"] = ",".join(map(str, conditions))
        path = f"/{PLURAL[parent]}/{{id}}/{PLURAL[level]}"
        return (_container(level, row) for row in self._pages(path, query, id=parent_id))

    def actions(self, project: Container, user: str) -> frozenset[str] | None:
        granted = [entry for entry in project.fields.get("permissions") or () if entry.get("_id") == user]
        role_ids = {role_id for entry in granted for role_id in entry.get("role_ids") or ()}
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
        what = f"download {file.name}"
        digest = hashlib.sha384()
        size = 0
        with _translated(what):
            response = self._client.api_client.call_api(
                f"/{PLURAL[file.parent_level]}/{{id}}/files/{{name}}",
                "GET",
                {"id": file.parent_id, "name": file.name},
                [("version", file.version)],
                {},
                auth_settings=["ApiKey"],
                _return_http_data_only=True,
                _preload_content=False,
            )
            try:
                with target.open("wb") as sink:
                    for chunk in response.iter_content(CHUNK):
                        digest.update(chunk)
                        size += sink.write(chunk)
            finally:
                response.close()
        return Stored(size, digest.hexdigest())

    # Writing

    def create(self, level: Level, parent_id: str, body: Mapping[str, Any]) -> str:
        parent = PARENT[level]
        # A session names its subject as an embedded object, the others their parent by id.
        reference: Mapping[str, Any] = {parent: {"_id": parent_id} if level == "session" else parent_id}
        answer = self._call(f"create the {level}", "POST", f"/{PLURAL[level]}", body={**body, **reference})
        return str(answer["_id"])

    def modify(self, level: Level, container_id: str, body: Mapping[str, Any]) -> None:
        self._call(f"modify the {level}", "PUT", f"/{PLURAL[level]}/{{id}}", body=body, id=container_id)

    def set_info(self, level: Level, container_id: str, values: Mapping[str, Any]) -> None:
        path = f"/{PLURAL[level]}/{{id}}/info"
        self._call(f"set the info of the {level}", "PATCH", path, body={"set": values}, id=container_id)

    def add_tags(self, level: Level, container_id: str, tags: Sequence[str]) -> None:
        self._call(f"tag the {level}", "PATCH", f"/{PLURAL[level]}/{{id}}/tags", body=list(tags), id=container_id)

    def add_note(self, level: Level, container_id: str, text: str) -> None:
        path = f"/{PLURAL[level]}/{{id}}/notes"
        self._call(f"add a note to the {level}", "POST", path, body={"text": text}, id=container_id)

    def delete(self, level: Level, container_id: str) -> None:
        # The only containers the gear ever deletes are empty ones it has just created twice.
        query = {"delete_reason": "container_is_empty"}
        try:
            self._call(f"delete the empty {level}", "DELETE", f"/{PLURAL[level]}/{{id}}", query, id=container_id)
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
        name = metadata["name"]
        self._allow_write(f"upload {name}")
        size = path.stat().st_size
        with path.open("rb") as source, _translated(f"upload {name}"):
            spec = flywheel.FileSpec(name, contents=source, size=size)
            upload = getattr(self._client, f"upload_file_to_{level}")
            answer = upload(parent_id, spec, metadata=dict(metadata))
        if not answer:
            raise Unreachable(f"upload {name}: the site accepted the bytes but does not name the file it made")
        return _file(level, parent_id, answer[0].to_dict())

    def modify_file(self, file: File, body: Mapping[str, Any]) -> None:
        self._call_file("modify", "PUT", file, "", body)

    def set_file_info(self, file: File, values: Mapping[str, Any]) -> None:
        self._call_file("set the info of", "PATCH", file, "/info", {"set": values})

    def set_file_classification(self, file: File, classification: Mapping[str, Any]) -> None:
        self._call_file("classify", "PATCH", file, "/classification", {"replace": classification})

    def add_file_tags(self, file: File, tags: Sequence[str]) -> None:
        self._call(f"tag {file.name}", "PATCH", "/files/{id}/tags", body=list(tags), id=file.file_id)

    def move_session(self, session_id: str, subject_id: str) -> None:
        self.modify("session", session_id, {"subject": {"_id": subject_id}})

    def launch(self, session_id: str, launch: Launch) -> None:
        job = {
            "gear_id": launch.gear_id,
            "config": launch.config,
            "inputs": launch.inputs,
            "tags": [launch.tag],
        }
        body = {"label": launch.label, "job": job}
        path = "/sessions/{id}/analyses"
        self._call("start a job on the session", "POST", path, {"job": "true"}, body=body, id=session_id)

    # Calls

    def _pages(self, path: str, query: dict[str, Any], **path_params: str) -> Iterator[Mapping[str, Any]]:
        while True:
            rows = self._get(path, query, **path_params)
            yield from rows
            if len(rows) < SHORT_PAGE:
                return
            query = {**query, "after_id": rows[-1].get("_id") or rows[-1]["id"]}

    def _get(self, path: str, query: Mapping[str, Any] | None = None, **path_params: str) -> Any:
        return self._call("read " + path.strip("/").partition("/")[0], "GET", path, query, **path_params)

    def _call_file(self, verb: str, method: str, file: File, route: str, body: Mapping[str, Any]) -> None:
        path = f"/{PLURAL[file.parent_level]}/{{id}}/files/{{name}}{route}"
        self._call(f"{verb} {file.name}", method, path, body=body, id=file.parent_id, name=file.name)

    def _call(
        self,
        what: str,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | Sequence[Any] | None = None,
        **path_params: str,
    ) -> Any:
        if method != "GET" and path != "/lookup":  # a lookup is a POST that only reads
            self._allow_write(what)
        with _translated(what):
            return self._client.api_client.call_api(
                path,
                method,
                path_params,
                list((query or {}).items()),
                {"Accept": "application/json", "Content-Type": "application/json"},
                body=body,
                response_type=object,
                auth_settings=["ApiKey"],
                _return_http_data_only=True,
            )

    def _allow_write(self, what: str) -> None:
        if not self._writable:
            raise AssertionError(f"a dry run must not {what}")


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the SDK's exceptions into ours; the text never holds request headers, hence no key."""
    try:
        yield
    except ApiException as error:
        raise _site_error(what, error) from None
    except httpx2.TransportError as error:
        raise Unreachable(f"{what}: no answer from the site ({type(error).__name__})") from None
    except (RuntimeError, httpx2.HTTPError) as error:  # the SDK's word for an answer of the wrong shape
        raise SiteError(f"{what}: the site's answer cannot be read ({type(error).__name__})") from None


def _site_error(what: str, error: ApiException) -> SiteError:
    status = error.status or None
    said = error.reason or _rejections(error.detail) or "no reason given"
    message = f"{what}: the site answered {status}, {said}"
    if status in (401, 402, 403):
        return AccessDenied(message, status)
    if status == 404:
        return NotFound(message, status)
    if status in (409, 422):
        return Conflict(message, status)
    if status is None or status == 429 or status >= 500:
        return Unreachable(message, status, _seconds((error.headers or {}).get("Retry-After")))
    return SiteError(message, status)


def _rejections(detail: Any) -> str:
    """Return an error's detail as text; of a schema's rejections not the rejected values, which may be a patient's."""
    if not isinstance(detail, list):
        return str(detail or "")
    items = [item for item in detail if isinstance(item, Mapping)]
    return "; ".join(f"{'.'.join(map(str, item.get('loc') or ()))}: {item.get('msg')}" for item in items)


def _seconds(header: str | None) -> float | None:
    """Read a Retry-After header given in seconds; the date form is not worth waiting for."""
    return float(header) if header and header.isdigit() else None


def _container(level: str, row: Mapping[str, Any]) -> Container:
    assert level in PLURAL, level
    own: Level = level  # type: ignore[assignment]  # narrowed by the line above
    container_id = row["_id"]
    return Container(
        id=container_id,
        level=own,
        label=row.get("label") or row.get("code") or "",
        parents=row.get("parents") or {},
        fields={key: value for key, value in row.items() if key not in NOT_FIELDS},
        info=row.get("info") or {},
        tags=tuple(row.get("tags") or ()),
        notes=tuple(note.get("text") or "" for note in row.get("notes") or ()),
        files=tuple(_file(own, container_id, file) for file in row.get("files") or () if not file.get("deleted")),
        created=row.get("created") or "",
    )


def _file(level: Level, parent_id: str, row: Mapping[str, Any]) -> File:
    return File(
        file_id=row.get("file_id") or "",
        uuid=row.get("_id") or row.get("id") or row.get("uuid") or "",
        version=row.get("version") or 1,
        name=row["name"],
        size=row.get("size") or 0,
        hash=row.get("hash") or "",
        type=row.get("type"),
        mimetype=row.get("mimetype"),
        modality=row.get("modality"),
        classification=row.get("classification") or {},
        info=row.get("info") or {},
        tags=tuple(row.get("tags") or ()),
        parent_level=level,
        parent_id=parent_id,
    )
