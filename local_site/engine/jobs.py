"""Jobs: how they are asked for, what states they pass, what is kept of them.

A job runs with the rights of whoever asked for it. These are kept beside it (kind ``launch``), so that the engine can
issue the job's key when it starts; the key dies the moment the job leaves the state ``running``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from local_site.engine import config_json, manifests
from local_site.errors import BadRequestError, NotFoundError
from local_site.hierarchy import access, files
from local_site.hierarchy.levels import parents_below
from local_site.site import auth
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc

NEXT_STATES = {
    "pending": ("scheduled", "running", "cancelled"),
    "scheduled": ("running", "cancelled"),
    "running": ("complete", "failed", "cancelled"),
}
ENDED = ("complete", "failed", "cancelled")
STATES = (*NEXT_STATES, *ENDED)
PRIORITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Request:
    """A job that was asked for and may be run.

    Attributes
    ----------
    gear
        What to run.
    files
        The file of each file input.
    config
        The whole configuration.
    tags, priority
        As given.
    """

    gear: Doc
    files: dict[str, Doc]
    config: Doc
    tags: tuple[str, ...] = ()
    priority: str = "medium"

    @classmethod
    def parse(cls, site: Site, who: Identity, body: Any) -> Request:
        """Read and check the body of a request.

        Raises
        ------
        ApiError
            The gear, an input or the configuration will not do, or the sender may not read an input.
        """
        if not isinstance(body, dict):
            raise BadRequestError("Job must specify gear")
        check_form(body)
        gear = manifests.fetch(site, body.get("gear_id"))
        given = {name: item for name, item in (body.get("inputs") or {}).items() if _is_file_reference(item)}
        manifests.check_inputs(gear, set(given))
        found = dict(zip(given, files.references(site, who, given.values()), strict=True))
        config = manifests.full_config(gear, body.get("config") or {})
        return cls(gear, found, config, tuple(body.get("tags") or ()), body.get("priority") or "medium")


def check_form(body: Doc) -> None:
    """Refuse a request for a job, or for many, whose parts are of the wrong form.

    Raises
    ------
    BadRequestError
        They are.
    """
    if not isinstance(body.get("inputs") or {}, dict):
        raise BadRequestError("inputs must be an object")
    tags = body.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadRequestError("tags must be a list of texts")
    if (body.get("priority") or "medium") not in PRIORITIES:
        raise BadRequestError(f"priority must be one of {', '.join(PRIORITIES)}")


def add(site: Site, who: Identity, body: Any) -> Doc:
    """Queue a job at the destination that the body names; without one, at the container of a file input.

    Raises
    ------
    ApiError
        The job cannot be run as asked for, or the right is lacking.
    """
    request = Request.parse(site, who, body)
    destination = body.get("destination") or next((f["parent_ref"] for f in request.files.values()), None)
    if not isinstance(destination, dict) or not destination.get("id"):
        raise BadRequestError("Job must specify a destination, or a file input to take it from")
    kind = access.kind_of(site, "containers", str(destination["id"]))
    container = access.fetch(site, who, kind, str(destination["id"]), "jobs_manage")
    return queue(site, who, request, kind, container)


def start_analysis(site: Site, who: Identity, kind: str, container: Doc, fields: Doc) -> Doc:
    """Make an analysis of a container and queue the job in ``fields["job"]`` for it; return the analysis."""
    access.require(site, who, kind, container, "analyses_create_job")
    request = Request.parse(site, who, fields["job"])
    label = fields.get("label") or request.gear["gear"]["name"]
    return queue_analysis(site, who, request, kind, container, label=label)[0]


def queue_analysis(
    site: Site, who: Identity, request: Request, kind: str, container: Doc, *, label: str, **more: Any
) -> tuple[Doc, Doc]:
    """Make an analysis of a container and queue a job for it; return both."""
    stamp = now()
    info = _gear_info(request.gear)
    analysis: Doc = {
        "_id": site.new_id(), "label": label, "parent": {"type": kind, "id": container["_id"]},
        "parents": parents_below(kind, container), "created": stamp, "modified": stamp, "revision": 1,
        "inputs": list(request.files.values()), "description": None, "info": {}, "tags": [], "notes": [],
        "job": None, "gear_info": info,
    }  # fmt: skip
    job = queue(site, who, request, "analysis", analysis, tags=("analysis", *request.tags), **more)
    analysis["job"] = job["_id"]
    site.store.put("analysis", analysis)
    return analysis, job


def queue(site: Site, who: Identity, request: Request, kind: str, container: Doc, **more: Any) -> Doc:
    """Write a pending job; `more` sets further fields of it (``tags``, ``origin``, ``batch``, ``rule_id`` …)."""
    stamp = now()
    job_id = site.new_id()
    destination = {"type": kind, "id": container["_id"]}
    parents = parents_below(kind, container)
    inputs = {name: {**file["parent_ref"], "name": file["name"]} for name, file in request.files.items()}
    described = config_json.described_inputs(site, request.gear, request.files, parents)
    fields: Doc = {"tags": request.tags, "origin": who.origin, **more}
    job: Doc = {
        "_id": job_id, "id": job_id, "project_id": parents.get("project"), "gear_id": request.gear["_id"],
        "gear_info": _gear_info(request.gear), "rule_id": None, "role_id": None, "state": "pending", "inputs": inputs,
        "destination": destination, "parents": parents, "related_container_ids": list(parents.values()),
        "config": {"config": request.config, "inputs": described, "destination": destination},
        "priority": request.priority, "attempt": 1, "previous_job_id": None, "original_job_id": None,
        "created": stamp, "modified": stamp, "retried": None, "transitions": {"pending": stamp}, "batch": None,
        "saved_files": [], "outputs": [], "deleted_outputs": [], "produced_metadata": {}, "failure_reason": None,
        "failed_output_accepted": False, "profile": {}, "request": None, "compute_provider_id": None,
        "label": request.gear["gear"]["name"], **fields, "tags": list(dict.fromkeys(fields["tags"])),
    }  # fmt: skip
    launch = {"_id": job_id, "user": who.user_id, "project": who.project, "role_ids": list(who.role_ids)}
    with site.store.transaction():
        site.store.put("launch", {**launch, "read_only": who.read_only, "origin": who.origin})
        _write(site, job)
    return job


def fetch(site: Site, who: Identity, job_id: str, action: str = "jobs_view") -> Doc:
    """Return a job that `who` may take `action` on.

    Raises
    ------
    ApiError
        No job has this id, or the right is lacking.
    """
    job = site.store.get("job", job_id)
    if job is None:
        raise NotFoundError(f"Could not find resource job:{job_id}")
    project = site.store.get("project", job["project_id"] or "", deleted=True)
    if project is not None:
        access.require(site, who, "project", project, action)
    else:
        access.require_admin(who)
    return job


def transition(site: Site, job_id: str, state: str, **changes: Any) -> Doc:
    """Move a job to another state; when it leaves ``running`` its key stops working.

    Raises
    ------
    BadRequestError
        A job in its present state cannot become so.
    """
    with site.store.transaction():
        job = site.store.get("job", job_id)
        if job is None:
            raise NotFoundError(f"Could not find resource job:{job_id}")
        if job["state"] in ENDED:
            raise BadRequestError(f"Cannot mutate a job that is {job['state']}.")
        if state not in NEXT_STATES[job["state"]]:
            raise BadRequestError(f"Mutating job from {job['state']} to {state} not allowed.")
        if job["state"] == "running":
            revoke_keys(site, job_id)
        stamp = now()
        transitions = {**job["transitions"], state: stamp}
        changed = {**job, **changes, "state": state, "modified": stamp, "transitions": transitions}
        _write(site, changed)
    return changed


def retry(site: Site, job: Doc) -> Doc:
    """Queue a failed or cancelled job again, as a new job.

    Raises
    ------
    BadRequestError
        It has not failed, or was retried already.
    """
    if job["state"] not in ("failed", "cancelled") or job["retried"]:
        raise BadRequestError(f"Cannot retry a job that is {'retried' if job['retried'] else job['state']}.")
    stamp = now()
    job_id = site.new_id()
    again = {
        **job, "_id": job_id, "id": job_id, "state": "pending", "attempt": job["attempt"] + 1,
        "previous_job_id": job["_id"], "original_job_id": job["original_job_id"] or job["_id"], "created": stamp,
        "modified": stamp, "transitions": {"pending": stamp}, "saved_files": [], "outputs": [], "profile": {},
        "failure_reason": None, "produced_metadata": {},
    }  # fmt: skip
    launch = site.store.get("launch", job["_id"])
    with site.store.transaction():
        if launch:
            site.store.put("launch", {**launch, "_id": job_id})
        _write(site, again)
        _write(site, {**job, "retried": stamp})
        analysis = site.store.get("analysis", job["destination"]["id"])
        if analysis and analysis.get("job") == job["_id"]:
            site.store.put("analysis", {**analysis, "job": job_id})
    return again


def issue_job_key(site: Site, job: Doc) -> str:
    """Make the key that a job runs with: with the rights of whoever asked for the job."""
    launch = site.store.get("launch", job["_id"]) or {}
    scope = {name: launch[name] for name in ("project", "role_ids", "read_only", "origin") if launch.get(name)}
    gear = site.store.get("gear", job["gear_id"], deleted=True)
    wanted = manifests.inputs_of(gear, "api-key").values() if gear else ()
    if wanted and all(spec.get("read-only") for spec in wanted):
        scope["read_only"] = True
    return auth.issue_key(site.store, launch.get("user"), job=job["_id"], **scope)


def next_pending(site: Site) -> Doc | None:
    """Return the job that is to run next: the most urgent, then the oldest."""
    waiting = (site.store.select("job", parent=_queue_of("pending", priority)) for priority in PRIORITIES)
    return next(itertools.chain.from_iterable(waiting), None)


def revoke_keys(site: Site, job_id: str) -> None:
    """Make the keys of a job unknown."""
    for key in list(site.store.select("key", containing=[job_id])):
        if key.get("job") == job_id:
            site.store.remove("key", key["_id"])


def fail_orphans(site: Site) -> None:
    """Fail the jobs that were running when the site was last stopped: nothing runs them any more."""
    for job in list(site.store.select("job", containing=['"state":"running"'])):
        if job["state"] == "running":
            transition(site, job["_id"], "failed", failure_reason="The engine was stopped while the job was running")


def _is_file_reference(item: Any) -> bool:
    """Tell a file input from an API key or context value, which the site itself fills in."""
    return not (isinstance(item, dict) and item.get("base") in ("api-key", "context"))


def _gear_info(gear: Doc) -> Doc:
    manifest = gear["gear"]
    return {
        "id": gear["_id"],
        "category": gear["category"],
        "name": manifest["name"],
        "version": manifest["version"],
    }


def _queue_of(state: str, priority: str) -> str | None:
    """Return what a job is listed under while it waits, so that the next one is found without a search."""
    return f"{state}:{priority}" if state == "pending" else None


def _write(site: Site, job: Doc) -> None:
    job = {**job, "parent_id": _queue_of(job["state"], job["priority"])}
    site.store.put("job", job)
    for listener in site.job_listeners:
        listener(job)
