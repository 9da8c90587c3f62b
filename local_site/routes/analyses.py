"""Routes that create and list analyses."""

from __future__ import annotations

from typing import Any

from local_site.engine import jobs
from local_site.errors import NotFoundError
from local_site.hierarchy import access
from local_site.hierarchy.analyses import add_analysis
from local_site.hierarchy.fields import checked
from local_site.hierarchy.levels import CHILD_OF, CONTAINERS, CREATE_KEYS, LEVELS
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes

routes = Routes()


@routes.add("POST", "/{tree}/{cid}/analyses")
def create(call: Call) -> Any:
    """Create an analysis; one with a job starts it."""
    kind = access.kind_of(call.site, call.params["tree"], call.params["cid"])
    parent = access.fetch(call.site, call.who, kind, call.params["cid"])
    body = checked(call.body, CREATE_KEYS["analysis"], ("label",))
    with_job = body.get("job") is not None
    action = "analyses_create_job" if with_job else "analyses_create_sdk"
    access.require(call.site, call.who, kind, parent, action)
    start = jobs.start_analysis if with_job else add_analysis
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


@routes.add("GET", "/{tree}/{parent_cid}/analyses/{cid}")
def read(call: Call) -> Any:
    """Return an analysis of a container."""
    analysis = access.fetch(call.site, call.who, "analysis", call.params["cid"], "analyses_view_metadata")
    return lists.views(call).typed("analysis", analysis)
