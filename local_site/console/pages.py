"""Read-only pages to look at the site with a browser: the tree, metadata, files, jobs.

They show everything, so they ask for the key of a site administrator: open ``/?key=KEY``, which becomes a cookie
that scripts and other sites cannot use.
"""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from local_site.engine.log import JobLog
from local_site.errors import ApiError
from local_site.hierarchy import files
from local_site.hierarchy.levels import CHILD_OF, LEVELS
from local_site.hierarchy.views import INTERNAL
from local_site.site import auth
from local_site.site.state import Site
from local_site.storage.store import Doc

COOKIE = "local_site_key"
PER_PAGE = 200
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True
)
TEMPLATES.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Referrer-Policy": "no-referrer"}
SHOWN = (*LEVELS, "analysis", "file", "job", "gear")
LISTED = ("files", "analyses", "children", "info", "tags", "notes")


async def serve(site: Site, request: web.Request) -> web.Response:
    """Answer a request for a page."""
    if request.method != "GET":
        return _page("message.html", 405, title="These pages are for looking")
    given = request.query.get("key")
    if given and _admits(site, given):
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(COOKIE, given, httponly=True, samesite="Strict")
        return response
    if not _admits(site, request.cookies.get(COOKIE, "")):
        return _page("message.html", 403, title="Open this page as /?key=KEY, with the key of the site's owner")
    parts = [part for part in request.path.split("/") if part]
    if not parts:
        return _page("tree.html", groups=[_group(site, group) for group in site.store.select("group")])
    if parts == ["jobs"]:
        return _page("jobs.html", jobs=sorted(site.store.select("job"), key=lambda job: str(job["_id"]), reverse=True))
    return _document(site, parts, request.query.get("after", ""))


def _document(site: Site, parts: list[str], after: str) -> web.Response:
    """Return the page of what ``/kind/id`` names."""
    kind, doc_id = parts if len(parts) == 2 else ("", "")
    doc = site.store.get(kind, doc_id) if kind in SHOWN else None
    if doc is None:
        return _page("message.html", 404, title=f"Nothing is at /{'/'.join(parts)}")
    if kind in ("job", "gear"):
        return _page("document.html", kind=kind, doc=doc, log=_log(site, doc_id) if kind == "job" else [])
    common: dict[str, Any] = {"fields": _fields(doc), "trail": _trail(site, doc)}
    if kind == "file":
        return _page("file.html", file=doc, versions=files.versions(site, doc), **common)
    children = _children(site, kind, doc, after)
    return _page(
        "container.html",
        kind=kind,
        doc=doc,
        files=list(site.store.select("file", parent=doc_id)),
        analyses=list(site.store.select("analysis", parent=doc_id)),
        child_kind=CHILD_OF.get(kind),
        children=children,
        more=children[-1]["_id"] if len(children) == PER_PAGE else None,
        **common,
    )


def _page(name: str, status: int = 200, **values: Any) -> web.Response:
    text = TEMPLATES.get_template(name).render(**values)
    return web.Response(status=status, text=text, content_type="text/html", headers=HEADERS)


def _admits(site: Site, key: str) -> bool:
    """Tell whether `key` is a site administrator's."""
    try:
        return auth.authenticate(site.store, f"scitran-user {key}").admin
    except ApiError:
        return False


def _group(site: Site, group: Doc) -> Doc:
    projects = [
        {**project, "subjects": site.store.count("subject", parent=project["_id"])}
        for project in site.store.select("project", parent=group["_id"])
    ]
    return {**group, "projects": projects}


def _children(site: Site, kind: str, doc: Doc, after: str) -> list[Doc]:
    if kind not in CHILD_OF:
        return []
    return list(islice(site.store.select(CHILD_OF[kind], parent=doc["_id"], after=after), PER_PAGE))


def _fields(doc: Doc) -> Doc:
    return {key: value for key, value in doc.items() if key not in LISTED and key not in INTERNAL and value is not None}


def _trail(site: Site, doc: Doc) -> list[tuple[str, str, str]]:
    """Return kind, id and label of what lies above a container or file."""
    trail = []
    for level in (*LEVELS, "analysis"):
        doc_id = doc.get("parents", {}).get(level)
        found = site.store.get(level, doc_id) if doc_id else None
        if found:
            trail.append((level, found["_id"], found["label"]))
    return trail


def _log(site: Site, job_id: str) -> list[str]:
    return [line["msg"] for line in JobLog(site, job_id).lines()]
