"""Routes for jobs and batches."""

from __future__ import annotations

from typing import Any

from local_site.engine import batches, jobs, views
from local_site.engine.log import JobLog
from local_site.errors import BadRequestError, ForbiddenError
from local_site.hierarchy import access
from local_site.listing.filters import Filter
from local_site.listing.paging import envelope
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.site import auth
from local_site.storage.store import Doc

routes = Routes()
JOB = "/jobs/{job_id}"
BATCH = "/batch/{batch_id}"


@routes.add("POST", "/jobs/add")
def add(call: Call) -> Any:
    """Queue a job."""
    return {"_id": jobs.add(call.site, call.who, call.body)["_id"]}


@routes.add("GET", "/jobs")
def list_jobs(call: Call) -> Any:
    """List jobs; live sites find none by the id of their destination, nor does this one."""
    conditions = Filter.parse(call.query.get("filter") or "").conditions
    if any(condition.key == "destination.id" for condition in conditions):
        return envelope([], 0) if lists.wants_envelope(call) else []
    readable = auth.readable_projects(call.site.store, call.who)
    docs, total = lists.page(call, "job", projects=None if readable is None else sorted(readable))
    results = [views.listed(job) for job in docs]
    return envelope(results, total) if lists.wants_envelope(call) else results


@routes.add("GET", "/jobs/stats")
def stats(call: Call) -> Any:
    """Count the jobs that the sender may see by their state; ``unique`` adds all tags, ``last=N`` the newest jobs."""
    readable = auth.readable_projects(call.site.store, call.who)
    found = list(call.site.store.select("job", projects=readable))
    counted: Doc = {"states": {state: sum(job["state"] == state for job in found) for state in jobs.STATES}}
    if call.query.flag("unique"):
        counted["unique"] = sorted({tag for job in found for tag in job["tags"]})
    last = call.query.number("last")
    if last is not None:
        counted["recent"] = [views.listed(job) for job in reversed(found[-last:])] if last else []
    return counted


@routes.add("GET", "/sessions/{cid}/jobs")
def of_session(call: Call) -> Any:
    """List the jobs at or below a session."""
    session = access.fetch(call.site, call.who, "session", call.params["cid"], "jobs_view")
    found = call.site.store.select("job", containing=[session["_id"]])
    return {"jobs": [views.listed(job) for job in found if job["parents"].get("session") == session["_id"]]}


@routes.add("GET", JOB)
def read(call: Call) -> Any:
    """Return a job."""
    return _job(call)


@routes.add("GET", JOB + "/detail")
def detail(call: Call) -> Any:
    """Return a job with its files and the labels above it."""
    return views.detailed(call.site, call.who, _job(call))


@routes.add("GET", JOB + "/logs")
def logs(call: Call) -> Any:
    """Return the lines that a job wrote."""
    job = _job(call)
    return {"_id": job["_id"], "logs": JobLog(call.site, job["_id"]).lines()}


@routes.add("GET", JOB + "/config.json")
def config(call: Call) -> Any:
    """Return what a job finds in its ``config.json``, but for its key."""
    job = _job(call)
    return {**job["config"], "job": {"id": job["_id"]}}


@routes.add("PUT", JOB)
def modify(call: Call) -> Any:
    """Cancel a job; administrators may set any state that may follow."""
    job = _job(call, "jobs_manage")
    state = call.body.get("state") if isinstance(call.body, dict) else None
    if not state:
        raise BadRequestError("A state is needed")
    if state != "cancelled" and not call.who.admin:
        raise ForbiddenError(f"Only a site administrator may make a job {state}")
    jobs.transition(call.site, job["_id"], str(state))
    return {"modified": 1, "jobs_spawned": 0}


@routes.add("POST", JOB + "/retry")
def retry(call: Call) -> Any:
    """Run a failed job again, as a new job."""
    return {"_id": jobs.retry(call.site, _job(call, "jobs_manage"))["_id"]}


@routes.add("POST", "/batch")
def propose(call: Call) -> Any:
    """Propose to run a gear on many containers."""
    return batches.propose(call.site, call.who, call.body)


@routes.add("GET", "/batch")
def list_batches(call: Call) -> Any:
    """List the sender's batches, or all of them for an administrator."""
    found = [batches.shown(call.site, doc) for doc in call.site.store.select("batch")]
    own = [doc for doc in found if call.who.admin or doc["origin"] == call.who.origin]
    return lists.plain(call, own)


@routes.add("GET", BATCH)
def read_batch(call: Call) -> Any:
    """Return a batch, with ``jobs=true`` with its jobs instead of their ids."""
    found = batches.shown(call.site, _batch(call))
    if call.query.flag("jobs"):
        found["jobs"] = [call.site.store.get("job", job_id) for job_id in found["jobs"]]
    return found


@routes.add("POST", BATCH + "/run")
def run_batch(call: Call) -> Any:
    """Queue the jobs of a batch that was proposed."""
    return batches.run(call.site, call.who, _batch(call))


@routes.add("POST", BATCH + "/cancel")
def cancel_batch(call: Call) -> Any:
    """Cancel those jobs of a batch that have not started."""
    return {"number_cancelled": batches.cancel(call.site, _batch(call))}


def _job(call: Call, action: str = "jobs_view") -> Doc:
    return jobs.fetch(call.site, call.who, call.params["job_id"], action)


def _batch(call: Call) -> Doc:
    found = batches.fetch(call.site, call.params["batch_id"])
    if not call.who.admin and found["origin"] != call.who.origin:
        raise ForbiddenError(f"batch {found['_id']} is another user's")
    return found
