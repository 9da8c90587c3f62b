"""Batches: one gear proposed for many containers, then run as one job for each.

A gear that needs no file runs on sessions; one that does runs on the acquisitions in which exactly one file fits each
input.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local_site.engine import jobs, manifests
from local_site.errors import BadRequestError, ForbiddenError, NotFoundError
from local_site.hierarchy import access
from local_site.hierarchy.levels import LEVELS
from local_site.hierarchy.tree import descend
from local_site.hierarchy.views import Views
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc


def propose(site: Site, who: Identity, body: Any) -> Doc:
    """Record what a batch would run on, and return it.

    Raises
    ------
    ApiError
        The gear or configuration will not do, the targets are of several types, hold nothing to run on, or are
        all out of reach for the sender.
    """
    fields = body if isinstance(body, dict) else {}
    jobs.check_form(fields)
    gear = manifests.fetch(site, fields.get("gear_id"))
    policy = fields.get("optional_input_policy") or "ignored"
    asked = _asked_inputs(gear, policy)
    level = "acquisition" if asked else "session"
    found = list(_containers(site, _targets(site, fields.get("targets")), level))
    if not found:
        raise NotFoundError(f"The targets hold no {level}")
    permitted = [doc for doc in found if _permitted(site, who, level, doc)]
    if not permitted:
        raise ForbiddenError("User lacks the permission jobs_manage on every target")
    matches = {doc["_id"]: _matching_files(site, asked, policy, doc) for doc in permitted}
    stamp = now()
    proposal: Doc = {
        "_id": site.new_id(), "gear_id": gear["_id"], "state": "pending", "origin": who.origin,
        "config": manifests.full_config(gear, fields.get("config") or {}), "tags": list(fields.get("tags") or []),
        "priority": fields.get("priority") or "medium", "optional_input_policy": policy, "level": level,
        "analysis": fields.get("analysis"), "jobs": [], "created": stamp, "modified": stamp,
        "inputs": {doc_id: inputs for doc_id, inputs in matches.items() if isinstance(inputs, dict)},
    }  # fmt: skip
    site.store.put("batch", proposal)
    views = Views(site, who)
    sorted_out: dict[str, list[Doc]] = {"matched": [], "ambiguous": [], "not_matched": []}
    for doc in permitted:
        outcome = matches[doc["_id"]]
        if isinstance(outcome, str):
            sorted_out[outcome].append(views.whole(level, doc))
        elif level == "session":
            sorted_out["matched"].append({"id": doc["_id"], "type": level})
        else:
            sorted_out["matched"].append({**views.whole(level, doc), "inputs": outcome})
    denied = [doc["_id"] for doc in found if doc not in permitted]
    return {**shown(site, proposal), **sorted_out, "improper_permissions": denied}


def fetch(site: Site, batch_id: str) -> Doc:
    """Return a batch.

    Raises
    ------
    NotFoundError
        No batch has this id.
    """
    found = site.store.get("batch", batch_id)
    if found is None:
        raise NotFoundError(f"Could not find resource batch:{batch_id}")
    return found


def shown(site: Site, batch: Doc) -> Doc:
    """Return a batch as clients see it; one that runs has the state its jobs make up together."""
    view = {key: value for key, value in batch.items() if key not in ("inputs", "level")}
    if batch["state"] == "running":
        states = {(site.store.get("job", job_id) or {}).get("state") for job_id in batch["jobs"]}
        if states <= set(jobs.ENDED):
            view["state"] = "complete" if states <= {"complete"} else "failed"
    return view


def run(site: Site, who: Identity, batch: Doc) -> list[Doc]:
    """Queue a job for each match of a proposal, and return the jobs.

    Raises
    ------
    BadRequestError
        The batch was run or cancelled before.
    """
    if batch["state"] != "pending":
        raise BadRequestError("Can only run pending batch jobs.")
    queued = []
    for doc_id, inputs in batch["inputs"].items():
        doc = site.store.get(batch["level"], doc_id)
        if doc is None:
            continue  # deleted since the proposal
        body = {key: batch[key] for key in ("gear_id", "config", "tags", "priority")}
        request = jobs.Request.parse(site, who, {**body, "inputs": inputs})
        queued.append(_queue(site, who, batch, request, doc))
    site.store.put("batch", {**batch, "state": "running", "jobs": [job["_id"] for job in queued], "modified": now()})
    return queued


def cancel(site: Site, batch: Doc) -> int:
    """Cancel the jobs that have not started, and return how many those were."""
    found = [site.store.get("job", job_id) for job_id in batch["jobs"]]
    waiting = [job for job in found if job and job["state"] == "pending"]
    for job in waiting:
        jobs.transition(site, job["_id"], "cancelled")
    site.store.put("batch", {**batch, "state": "cancelled", "modified": now()})
    return len(waiting)


def _queue(site: Site, who: Identity, batch: Doc, request: jobs.Request, doc: Doc) -> Doc:
    level, gear = batch["level"], request.gear
    if gear["category"] != "analysis":
        return jobs.queue(site, who, request, level, doc, tags=("batch", *request.tags), batch=batch["_id"])
    if level == "acquisition":  # the analysis belongs to the session
        level, doc = "session", site.store.get("session", doc["session"]) or doc
    analysis = batch["analysis"] if isinstance(batch["analysis"], dict) else {}
    label = str(analysis.get("label") or "") or gear["gear"]["name"]
    return jobs.queue_analysis(site, who, request, level, doc, label=label, batch=batch["_id"])[1]


def _asked_inputs(gear: Doc, policy: str) -> dict[str, Doc]:
    """Return the file inputs that a batch looks files up for."""
    specs = manifests.inputs_of(gear, "file")
    return {name: spec for name, spec in specs.items() if not spec.get("optional") or policy != "ignored"}


def _targets(site: Site, targets: Any) -> list[tuple[str, Doc]]:
    if not isinstance(targets, list) or not targets or not all(isinstance(target, dict) for target in targets):
        raise BadRequestError("A batch needs targets, each given as {type, id}")
    if len({str(target.get("type")) for target in targets}) > 1:
        raise BadRequestError("The targets of a batch must all be of one type")
    found = []
    for target in targets:
        doc = site.store.get(str(target.get("type")), str(target.get("id")))
        if doc is None or str(target["type"]) not in LEVELS:
            raise NotFoundError(f"Could not find resource {target.get('type')}:{target.get('id')}")
        found.append((str(target["type"]), doc))
    return found


def _containers(site: Site, targets: list[tuple[str, Doc]], level: str) -> Iterator[Doc]:
    """Yield the containers of a level at, below or (for a session) above the targets, each once."""
    seen = set()
    for kind, doc in targets:
        if kind == "acquisition" and level == "session":
            reached = [site.store.get("session", doc["session"])]
        elif kind == level:
            reached = [doc]
        else:
            reached = [below for name, below in descend(site, kind, doc) if name == level]
        for found in reached:
            if found is not None and found["_id"] not in seen:
                seen.add(found["_id"])
                yield found


def _permitted(site: Site, who: Identity, level: str, doc: Doc) -> bool:
    try:
        access.require(site, who, level, doc, "jobs_manage")
    except ForbiddenError:
        return False
    return True


def _matching_files(site: Site, asked: dict[str, Doc], policy: str, doc: Doc) -> Doc | str:
    """Return a reference for each input, or why there is none: ``ambiguous`` or ``not_matched``."""
    inputs: Doc = {}
    files = list(site.store.select("file", parent=doc["_id"]))
    for name, spec in asked.items():
        fitting = [file for file in files if manifests.admits(spec, file)]
        if len(fitting) == 1:
            inputs[name] = {**fitting[0]["parent_ref"], "name": fitting[0]["name"]}
        elif not (spec.get("optional") and policy == "flexible"):
            return "ambiguous" if fitting else "not_matched"
    return inputs
