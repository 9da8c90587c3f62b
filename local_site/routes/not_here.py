"""What a Flywheel site has and this one has not, with the reason: such routes answer 501, never a bare 404."""

from __future__ import annotations

from typing import Any

from local_site.errors import ApiError
from local_site.routing.call import Call
from local_site.routing.table import Handler, Routes

routes = Routes()
NOT_HERE: dict[str, tuple[str, ...]] = {  # the reason, and the routes; {rest} stands for whatever comes below
    "This site keeps no reports of its audit trail": ("/audit-trail/{rest}",),
    "Batches of given jobs are not made here: propose one with POST /batch": ("/batch/jobs",),
    "This site has no packfiles: upload a zip": (
        "/clean-packfiles",
        "/projects/{cid}/packfile",
        "/projects/{cid}/packfile-start",
        "/projects/{cid}/packfile-end",
    ),
    "This site keeps no collections": ("/collections", "/collections/{rest}"),
    "Filters are not kept here: send them with each request": ("/custom_filters", "/custom_filters/{rest}"),
    "This site has no readers: no forms, tasks, protocols or their responses": (
        "/customforms",
        "/customforms/{rest}",
        "/tasks/{rest}",
        "/responses/{rest}",
        "/protocols",
        "/protocols/{rest}",
    ),
    "This site has no search index: use the finders": ("/dataexplorer/{rest}",),
    "No devices bring data to this site: upload files": (
        "/devices",
        "/devices/{rest}",
        "/dimse/{rest}",
        "/upload/{rest}",
    ),
    "Nothing is worked out for a gear here: read its manifest": (
        "/gears/{gear_id}/context/{rest}",
        "/gears/{gear_id}/suggest/{rest}",
    ),
    "Gears are added whole here, with POST /gears/{name}": (
        "/gears/prepare-add",
        "/gears/save",
        "/gears/my-tickets",
        "/gears/ticket/{rest}",
    ),
    "Gears are for all users here, and are not grouped": (
        "/gears/{gear_name}/permissions",
        "/gears/{gear_name}/permissions/{rest}",
        "/gears/{gear_name}/series",
    ),
    "Every group may give every role here": ("/groups/{cid}/roles", "/groups/{cid}/roles/{role_id}"),
    "Jobs are run by the engine of this site alone": (
        "/jobs/ask",
        "/jobs/ask/{rest}",
        "/jobs/next",
        "/jobs/reap",
        "/jobs/priority",
        "/jobs/determine_provider",
        "/jobs/{job_id}/complete",
        "/jobs/{job_id}/heartbeat",
        "/jobs/{job_id}/logs",
        "/jobs/{job_id}/prepare-complete",
        "/jobs/{job_id}/profile",
    ),
    "This site runs no notebooks": ("/jupyterlab_servers/{rest}",),
    "Session templates are not evaluated here": (
        "/projects/{cid}/template",
        "/projects/{cid}/recalc",
        "/projects/recalc",
    ),
    "The project catalogue is not filtered here": ("/projects/catalog-list-filter-options",),
    "This site counts no usage and logs no access": ("/report/{rest}",),
    "What concerns the whole site is set when it is started": (
        "/site/settings",
        "/site/bookmark-list",
        "/site/providers",
        "/site/providers/{rest}",
    ),
    "This site has no staffing pools": ("/staffing_pools", "/staffing_pools/{rest}"),
    "Master subject codes are not given out here": ("/subjects/master-code", "/subjects/master-code/{rest}"),
    "The hierarchy is not read as a tree here: use the lists of children": ("/tree", "/tree/{rest}"),
    "Keys are made by the site's own tools here": ("/users/self/key", "/users/self/key/{rest}"),
    "Users have no pictures here": ("/users/self/avatar", "/users/{user_id}/avatar"),
    "Users come from no directory here": ("/users/sync/{rest}",),
    "What a user may see is not listed here: use the user's own key with the finders": (
        "/users/self/jobs",
        "/users/{user_id}/acquisitions",
        "/users/{user_id}/groups",
        "/users/{user_id}/projects",
        "/users/{user_id}/sessions",
    ),
    "Metadata is not swept here": ("/{container_type}/info/cleanup/{rest}",),
}


def _refusal(reason: str) -> Handler:
    async def refuse(_call: Call) -> Any:
        raise ApiError(501, f"Not on this site: {reason}", reason="not_here")

    return refuse


for _reason, _templates in NOT_HERE.items():
    routes.add("*", *_templates, streams=True)(_refusal(_reason))
