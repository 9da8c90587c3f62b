"""Routes that create and list analyses."""

from __future__ import annotations

from typing import Any

from local_site.engine import jobs as gear_jobs
from local_site.errors import NotFoundError
from local_site.hierarchy import access, changing, deleting
from local_site.hierarchy.analyses import add_analysis
from local_site.hierarchy.fields import checked
from local_site.hierarchy.levels import CHILD_OF, CONTAINERS, CREATE_KEYS, LEVELS
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes

routes = Routes()
ANALYSIS = "/{tree}/{parent_cid}/analyses/{cid}"


@routes.add("POST", "/{tree}/{cid}/analyses")
def create(call: Call) -> Any:
    """Create an analysis; one with a job starts it."""
    kind = access.kind_of(call.site, call.params["tree"], call.params["cid"])
    parent = access.fetch(call.site, call.who, kind, call.params["cid"])
    body = checked(call.body, CREATE_KEYS["analysis"], ("label",))
    with_job = body.get("job") is not None
    action = "analyses_create_job" if with_job else "analyses_create_sdk"
    access.require(call.site, call.who, kind, parent, action)
    start = gear_jobs.start_analysis if with_job else add_analysis
    return {"_id": start(call.site, call.who, kind, parent, body)["_id"]}


@routes.add("GET", "/{tree}/{cid}/analyses")
def of_container(call: Call) -> Any:
    """List the analyses of a container."""
    kind = access.kind_of(call.site, call.params["tree"], call.params["cid"])
    container = access.fetch(call.site, call.who, kind, call.params["cid"], "analyses_view_metadata")
    return lists.containers(call, "analysis", parent=container["_id"])


@routes.add("GET", "/{tree}/{cid}/{below}/analyses")
def below_container(call: Call) -> Any:
    """List the analyses of all containers of a type below another."""
    kind = access.kind_of(call.site, call.params["tree"], call.params["cid"])
    container = access.fetch(call.site, call.who, kind, call.params["cid"], "analyses_view_metadata")
    below = CONTAINERS.get(call.params["below"])
    if call.params["below"] != "all" and (below not in LEVELS or kind not in CHILD_OF):
        raise NotFoundError(f"Nothing called {call.params['below']} lies below a {kind}")
    analyses = call.site.store.select("analysis", containing=[container["_id"]])
    shown = lists.views(call)
    return [
        shown.listed("analysis", analysis)
        for analysis in analyses
        if analysis["parents"].get(kind) == container["_id"] and below in (None, analysis["parent"]["type"])
    ]


@routes.add("PUT", ANALYSIS)
def modify(call: Call) -> Any:
    """Change an analysis of a container."""
    jobs = changing.modify(call.site, call.who, "analysis", call.params["cid"], call.body)
    return {"modified": 1, "jobs_spawned": jobs}


@routes.add("DELETE", ANALYSIS)
def delete(call: Call) -> Any:
    """Delete an analysis of a container."""
    deleting.delete(call.site, call.who, "analysis", call.params["cid"], call.query.get("delete_reason"))
    return {"deleted": 1}


@routes.add("GET", "/analyses/{cid}/input_files/{name}/info")
def input_with_info(call: Call) -> Any:
    """Return a file that an analysis was made from, with its info."""
    analysis = access.fetch(call.site, call.who, "analysis", call.params["cid"], "analyses_view_metadata")
    for source in analysis["inputs"]:
        if source["name"] == call.params["name"]:
            return lists.views(call).file(source)
    raise NotFoundError(f"Could not find resource file:{call.params['name']}")


@routes.add("GET", ANALYSIS)
def read(call: Call) -> Any:
    """Return an analysis of a container."""
    analysis = access.fetch(call.site, call.who, "analysis", call.params["cid"], "analyses_view_metadata")
    return lists.views(call).typed("analysis", analysis)
