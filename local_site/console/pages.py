"""Pages to look at the site with a browser, to correct headers and to run gears: the tree, metadata, files, jobs.

They show everything, so they ask for the key of a site administrator: open ``/?key=KEY``, which becomes a cookie
that scripts and other sites cannot use.
"""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from aiohttp import web

from local_site.console import actions
from local_site.engine import gears, jobs
from local_site.engine.log import JobLog
from local_site.errors import ApiError
from local_site.hierarchy import files, regulated
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
TEMPLATES.filters["written"] = actions.written
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}
# A report may hold scripts, which must not reach these pages: it gets an origin of its own, and may load nothing.
ALONE = (
    "sandbox allow-scripts allow-popups allow-downloads; default-src 'none'; img-src data: blob:; font-src data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
CONTENT_HEADERS = {**HEADERS, "Content-Security-Policy": ALONE}
OPENED = ("text/", "image/", "application/json", "application/pdf")  # others are saved
SHOWN = (*LEVELS, "analysis", "file", "job", "gear")
LISTED = ("files", "analyses", "children", "info", "tags", "notes")


async def serve(site: Site, request: web.Request) -> web.StreamResponse:
    """Answer a request for a page."""
    if request.method not in ("GET", "POST"):
        return _page("message.html", 405, title="These pages are for looking and for forms")
    given = request.query.get("key")
    if request.method == "GET" and given and _admits(site, given):
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(COOKIE, given, httponly=True, samesite="Strict")
        return response
    if not _admits(site, request.cookies.get(COOKIE, "")):
        return _page("message.html", 403, title="Open this page as /?key=KEY, with the key of the site's owner")
    parts = [part for part in request.path.split("/") if part]
    if request.method == "POST":
        return await _acted(site, request, parts)
    return _looked_at(site, parts, request.query.get("after", ""))


def _looked_at(site: Site, parts: list[str], after: str) -> web.StreamResponse:
    match parts:
        case []:
            return _page("tree.html", groups=[_group(site, group) for group in site.store.select("group")])
        case ["jobs"]:
            newest = sorted(site.store.select("job"), key=lambda job: str(job["_id"]), reverse=True)
            return _page("jobs.html", jobs=newest)
        case ["file", file_id, "content"]:
            return _content(site, file_id)
        case ["launch", gear_id, kind, container_id]:
            return _launching(site, gear_id, kind, container_id)
        case _:
            return _document(site, parts, after)


async def _acted(site: Site, request: web.Request, parts: list[str]) -> web.Response:
    """Do what a form asks for, and go on to the page that shows it."""
    who = auth.authenticate(site.store, f"scitran-user {request.cookies.get(COOKIE, '')}")
    form = await request.post()
    try:
        path = actions.act(site, who, request, parts, form)
    except ApiError as error:
        return _page("message.html", error.status, title=error.message)
    return web.Response(status=303, headers={"Location": path})


def _content(site: Site, file_id: str) -> web.StreamResponse:
    """Return the content of a file, to be opened where a browser can."""
    file = site.store.get("file", file_id)
    if file is None:
        return _page("message.html", 404, title="There is no such file")
    try:
        regulated.require_clean(file)
    except ApiError as error:
        return _page("message.html", error.status, title=error.message)
    kind = file["mimetype"] or "application/octet-stream"
    opened = kind.startswith(OPENED)
    shown = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    disposition = f"{'inline' if opened else 'attachment'}; filename*=UTF-8''{quote(file['name'], safe='')}"
    headers = {**CONTENT_HEADERS, "Content-Type": shown, "Content-Disposition": disposition}
    return web.FileResponse(site.blobs.path(file["blob"]), headers=headers)


def _launching(site: Site, gear_id: str, kind: str, container_id: str) -> web.Response:
    gear, container = site.store.get("gear", gear_id), site.store.get(kind, container_id) if kind in LEVELS else None
    if gear is None or container is None:
        return _page("message.html", 404, title="There is no such gear or container")
    inputs = actions.choices(site, gear, kind, container)
    return _page("launch.html", gear=gear, inputs=inputs, trail=_trail(site, container))


def _document(site: Site, parts: list[str], after: str) -> web.Response:
    """Return the page of what ``/kind/id`` names."""
    kind, doc_id = parts if len(parts) == 2 else ("", "")
    doc = site.store.get(kind, doc_id) if kind in SHOWN else None
    if doc is None:
        return _page("message.html", 404, title=f"Nothing is at /{'/'.join(parts)}")
    if kind == "gear":
        return _page("document.html", kind=kind, doc=doc)
    if kind == "job":
        running, outputs = doc["state"] not in jobs.ENDED, doc.get("outputs")
        facts = {"running": running, "outputs": outputs, "destination": doc["destination"], "log": _log(site, doc_id)}
        return _page("document.html", kind=kind, doc=doc, **facts)
    common: dict[str, Any] = {"fields": _fields(doc), "trail": _trail(site, doc)}
    if kind == "file":
        header = actions.dicom_header(doc)
        return _page("file.html", file=doc, header=header, versions=files.versions(site, doc), **common)
    children = _children(site, kind, doc, after)
    return _page(
        "container.html",
        kind=kind,
        doc=doc,
        files=list(site.store.select("file", parent=doc_id)),
        analyses=list(site.store.select("analysis", parent=doc_id)),
        child_kind=CHILD_OF.get(kind),
        children=children,
        gears=gears.enabled(site) if kind in LEVELS[1:] else [],
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
