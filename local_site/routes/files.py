"""Routes that read and change what is known about files; contents go through ``uploads`` and ``downloads``."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError
from local_site.hierarchy import access, files
from local_site.hierarchy.fields import checked_tag, updated_info
from local_site.listing.paging import envelope
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.storage.store import Doc

routes = Routes()
NAMED = ("/{tree}/{cid}/files/{name}", "/{tree}/{parent_cid}/analyses/{cid}/files/{name}")


@routes.add("GET", "/files")
def list_files(call: Call) -> Any:
    """List files, with info, in an envelope. Filters on their ids match nothing, as on live sites."""
    docs, total = lists.page(call, "file", enveloped=True)
    shown = lists.views(call)
    return envelope([shown.file(doc) for doc in docs], total)


@routes.add("DELETE", "/files")
def delete_files(call: Call) -> Any:
    """Delete several files."""
    if not isinstance(call.body, list):
        raise BadRequestError("A list of file ids is needed")
    for file_id in call.body:
        _delete(call, files.fetch_by_id(call.site, call.who, str(file_id)))
    return {"deleted": len(call.body)}


@routes.add("GET", "/files/{file_id}")
def read(call: Call) -> Any:
    """Return a file, or an older version of it."""
    file = files.fetch_by_id(call.site, call.who, call.params["file_id"])
    return lists.views(call).file(files.version_of(call.site, file, call.query.get("version")))


@routes.add("GET", "/files/{file_id}/info", *(path + "/info" for path in NAMED))
def read_with_info(call: Call) -> Any:
    """Return a file with its info."""
    return lists.views(call).file(_file(call, "files_view_metadata"))


@routes.add("GET", "/files/{file_id}/versions")
def versions(call: Call) -> Any:
    """List the versions of a file, oldest first."""
    file = files.fetch_by_id(call.site, call.who, call.params["file_id"])
    keys = ("file_id", "version", "created", "deleted", "origin", "restored_from", "restored_by")
    return [
        {**{key: doc[key] for key in keys}, "created": doc["replaced"] or doc["created"]}
        for doc in files.versions(call.site, file)
    ]


@routes.add("PUT", "/files/{file_id}", *NAMED)
def update(call: Call) -> Any:
    """Change type or modality."""
    jobs = files.update_file(call.site, call.who, _file(call, "files_modify_metadata"), call.body)
    return {"modified": 1, "jobs_spawned": jobs}


@routes.add("PATCH", "/files/{file_id}/info", *(path + "/info" for path in NAMED))
@routes.add("POST", *(path + "/info" for path in NAMED))
def change_info(call: Call) -> Any:
    """Set, delete or replace keys of a file's info."""
    file = _file(call, "files_modify_metadata")
    changes = {"info": updated_info(file["info"], call.body)}
    files.modify_file(call.site, call.who, file, changes, evaluate=False)
    return {"modified": 1}


@routes.add("PUT", "/files/{file_id}/info")
def replace_info(call: Call) -> Any:
    """Replace a file's info."""
    file = _file(call, "files_modify_metadata")
    changes = {"info": updated_info(file["info"], {"replace": call.body})}
    files.modify_file(call.site, call.who, file, changes, evaluate=False)
    return {"modified": 1}


@routes.add("PATCH", *(path + "/classification" for path in NAMED))
@routes.add("POST", *(path + "/classification" for path in NAMED))
def change_classification(call: Call) -> Any:
    """Change classification and modality."""
    jobs = files.classify_file(call.site, call.who, _file(call, "files_modify_metadata"), call.body)
    return {"modified": 1, "jobs_spawned": jobs}


@routes.add("PUT", "/files/{file_id}/classification")
def replace_classification(call: Call) -> Any:
    """Replace the classification of a file."""
    body = call.body if isinstance(call.body, dict) and "replace" in call.body else {"replace": call.body}
    jobs = files.classify_file(call.site, call.who, _file(call, "files_modify_metadata"), body)
    return {"modified": 1, "jobs_spawned": jobs}


@routes.add("GET", "/files/{file_id}/tags")
def tags(call: Call) -> Any:
    """Return a file's tags."""
    return _file(call, "tags_view")["tags"]


@routes.add("PATCH", "/files/{file_id}/tags")
def add_tags(call: Call) -> Any:
    """Add tags, whether or not some are there; return all."""
    return _set_tags(call, lambda old, given: list(dict.fromkeys([*old, *given])))


@routes.add("PUT", "/files/{file_id}/tags")
def replace_tags(call: Call) -> Any:
    """Replace all tags."""
    _set_tags(call, lambda _, given: list(dict.fromkeys(given)))
    return {"modified": 1}


@routes.add("DELETE", "/files/{file_id}/tags")
def delete_tags(call: Call) -> Any:
    """Remove tags, whether or not they are there."""
    _set_tags(call, lambda old, given: [tag for tag in old if tag not in given])
    return {"modified": 1}


@routes.add("DELETE", "/files/{file_id}", *NAMED)
def delete(call: Call) -> Any:
    """Delete a file."""
    _delete(call, _file(call, "files_view_metadata"))
    return {"deleted": 1}


@routes.add("POST", "/files/{file_id}/move")
def move(call: Call) -> Any:
    """Move a file to another container."""
    file = files.fetch_by_id(call.site, call.who, call.params["file_id"])
    return {"modified": 1, "jobs_spawned": files.move_file(call.site, call.who, file, call.body)}


@routes.add("POST", "/files/{file_id}/restore")
def restore(call: Call) -> Any:
    """Bring a deleted file, or an older version, back."""
    version = call.query.get("version")
    restored = files.restore_file(call.site, call.who, call.params["file_id"], version)
    return lists.views(call).file(restored)


def _file(call: Call, action: str) -> Doc:
    """Return the file that the route names, by its id or by container and name."""
    if "file_id" in call.params:
        return files.fetch_by_id(call.site, call.who, call.params["file_id"], action)
    plural = "analyses" if "parent_cid" in call.params else call.params["tree"]
    kind = access.kind_of(call.site, plural, call.params["cid"])
    access.fetch(call.site, call.who, kind, call.params["cid"], action)
    return files.fetch_file(call.site, call.params["cid"], call.params["name"])


def _delete(call: Call, file: Doc) -> None:
    reason, force = call.query.get("delete_reason"), call.query.flag("force")
    files.delete_file(call.site, call.who, file, reason=reason, force=force)


def _set_tags(call: Call, combine: Any) -> list[str]:
    file = _file(call, "tags_manage")
    if not isinstance(call.body, list):
        raise BadRequestError("A list of tags is needed")
    tags: list[str] = combine(file["tags"], [checked_tag(tag) for tag in call.body])
    files.modify_file(call.site, call.who, file, {"tags": tags})
    return tags
