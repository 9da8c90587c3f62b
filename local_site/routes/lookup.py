"""Routes that resolve paths of labels: group, project, subject, session, acquisition, then files or analyses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from local_site.engine import gears
from local_site.errors import BadRequestError, NotFoundError
from local_site.hierarchy import access
from local_site.hierarchy.files import live_file
from local_site.hierarchy.levels import CHILD_OF
from local_site.routing.call import Call
from local_site.routing.lists import views
from local_site.routing.table import Routes
from local_site.storage.store import Doc

routes = Routes()
Node = tuple[str, Doc]
ATTACHED = {"files": "file", "analyses": "analysis"}  # what a path names behind a container


@routes.add("POST", "/lookup")
def look_up(call: Call) -> Any:
    """Return the whole of what the path in the body leads to, with its ``container_type``.

    Raises
    ------
    NotFoundError
        The path leads nowhere.
    """
    path = _path(call)
    if not path:
        raise BadRequestError("The path is empty")
    return _shown(call, _walk(call, path)[-1])


@routes.add("POST", "/resolve")
def resolve(call: Call) -> Any:
    """Return the nodes along the path in the body and the children of the last; of no path, the groups.

    A path that ends in ``files`` or ``analyses`` has these alone as children, ``["gears"]`` the gears.
    """
    path = _path(call)
    if path == ["gears"]:
        return {"path": [], "children": [_shown(call, ("gear", gear)) for gear in gears.enabled(call.site)]}
    only = ATTACHED.get(path[-1]) if len(path) > 1 and path[0] != "gears" else None
    nodes = _walk(call, path[:-1] if only else path) if path else []
    children = _children(call, nodes[-1] if nodes else None)
    return {
        "path": [_shown(call, node) for node in nodes],
        "children": [_shown(call, (kind, doc)) for kind, doc in children if only in (None, kind)],
    }


def _path(call: Call) -> list[str]:
    path = call.body.get("path") if isinstance(call.body, dict) else None
    if not isinstance(path, list) or not all(isinstance(part, str) for part in path):
        raise BadRequestError("A path, which is a list of labels, is needed")
    return path


def _walk(call: Call, path: list[str]) -> list[Node]:
    if path[0] == "gears":
        return [_gear(call, path[1:])]
    nodes: list[Node] = [("group", _group(call, path[0]))]
    rest = path[1:]
    while rest:
        kind, doc = nodes[-1]
        head, *rest = rest
        if head in ATTACHED and rest:
            name, *rest = rest
            nodes.append(_attached(call, doc, head, name))
        else:
            nodes.append(_child(call, kind, doc, head))
    kind, doc = nodes[-1]
    if kind != "file":
        access.require(call.site, call.who, kind, doc, "containers_view_metadata")
    return nodes


def _group(call: Call, part: str) -> Doc:
    group_id = _given_id(part) or part
    group = call.site.store.get("group", group_id)
    if group is None:
        raise NotFoundError(f"Could not find resource group:{group_id}")
    access.require(call.site, call.who, "group", group, "containers_view_metadata")
    return group


def _child(call: Call, kind: str, doc: Doc, part: str) -> Node:
    child_kind = CHILD_OF.get(kind)
    if child_kind is None:
        raise NotFoundError(f"No match for {part} below {kind}")
    given = _given_id(part)
    if given:
        child = call.site.store.get(child_kind, given)
        if child is None or child["parents"].get(kind) != doc["_id"]:
            raise NotFoundError(f"No match for {child_kind} with id {given}")
    else:
        child = _oldest(call.site.store.select(child_kind, parent=doc["_id"], label=part))
        if child is None:
            raise NotFoundError(f"No match for {child_kind} with label {part}")
    access.require(call.site, call.who, child_kind, child, "containers_view_metadata")
    return child_kind, child


def _attached(call: Call, doc: Doc, head: str, name: str) -> Node:
    given = _given_id(name)
    if head == "files":
        file = call.site.store.get("file", given) if given else live_file(call.site, doc["_id"], name)
        if file is None or file["parent_ref"]["id"] != doc["_id"]:
            raise NotFoundError(f"No match for file with name {name}")
        return "file", file
    analyses = call.site.store.select("analysis", parent=doc["_id"])
    analysis = _oldest(a for a in analyses if name == a["label"] or given == a["_id"])
    if analysis is None:
        raise NotFoundError(f"No match for analysis with label {name}")
    return "analysis", analysis


def _gear(call: Call, rest: list[str]) -> Node:
    name, version = [*rest, "", ""][:2]
    given = _given_id(name)
    gear = call.site.store.get("gear", given) if given else gears.newest(call.site, name, version or None)
    if gear is None:
        raise NotFoundError(f"No match for gear {'/'.join(rest)}")
    return "gear", gear


def _children(call: Call, node: Node | None) -> list[Node]:
    if node is None:
        groups = call.site.store.select("group")
        return [("group", group) for group in groups if access.readable_group(call.site, call.who, group)]
    kind, doc = node
    if kind in ("file", "gear"):
        return []
    children: list[Node] = []
    if kind in CHILD_OF:
        found = call.site.store.select(CHILD_OF[kind], parent=doc["_id"])
        children += [(CHILD_OF[kind], child) for child in found]
    children += [("file", file) for file in call.site.store.select("file", parent=doc["_id"])]
    children += [("analysis", analysis) for analysis in call.site.store.select("analysis", parent=doc["_id"])]
    return children


def _shown(call: Call, node: Node) -> Doc:
    kind, doc = node
    if kind == "file":
        return {**views(call).file(doc), "container_type": "file", "node_type": "file"}
    if kind == "gear":
        return {**doc, "container_type": "gear", "node_type": "gear"}
    return views(call).typed(kind, doc)


def _given_id(part: str) -> str | None:
    """Return the id of a part such as ``<id:5f…>``."""
    if part.startswith("<id:") and part.endswith(">"):
        return part[4:-1]
    return None


def _oldest(docs: Iterable[Doc]) -> Any:
    return min(docs, key=lambda doc: (doc["created"], doc["_id"]), default=None)
