"""Archives of whole containers, as ``/download`` sends them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

from local_site.errors import BadRequestError
from local_site.hierarchy import access, regulated
from local_site.hierarchy.fields import checked
from local_site.hierarchy.levels import LEVELS
from local_site.hierarchy.tree import descend
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.store import Doc

CHUNK = 1 << 18


def plan(site: Site, who: Identity, body: Any) -> list[Doc]:
    """Return the members of the archive that a request describes: path, blob and size.

    Raises
    ------
    ApiError
        The request names no nodes, or one that the sender may not download.
    """
    files = wanted_files(site, who, body)
    for file in files:
        regulated.require_clean(file)
    return [{"path": member_path(site, file), "blob": file["blob"], "size": file["size"]} for file in files]


def wanted_files(site: Site, who: Identity, body: Any) -> list[Doc]:
    """Return the files that a request for an archive describes.

    Raises
    ------
    ApiError
        The request names no nodes, or one that the sender may not download.
    """
    body = checked(body, None, ("nodes",))
    nodes = [checked(node, None, ("level", "_id")) for node in body["nodes"]]
    filters = [checked(item, None).get("types") or {} for item in body.get("filters") or []]
    if not all(isinstance(types, dict) for types in filters):
        raise BadRequestError("A filter is given as {types: {plus, minus}}")
    found: dict[str, Doc] = {}
    for node in nodes:
        kind, doc_id = str(node.get("level")), str(node.get("_id"))
        doc = access.fetch(site, who, kind if kind in LEVELS else "analysis", doc_id, "files_download")
        for name, item in descend(site, kind, doc):
            if name == "file" and _wanted(item.get("type"), filters):
                found[item["file_id"]] = item
    return list(found.values())


def stream(site: Site, members: list[Doc], form: str) -> Iterator[bytes]:
    """Yield the bytes of the archive in ``tar`` or ``zip`` form, without holding a file in memory."""
    sink = _Sink()
    if form == "zip":
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for member in members:
                with archive.open(member["path"], "w", force_zip64=True) as target:
                    for chunk in _content(site, member):
                        target.write(chunk)
                        yield sink.take()
        yield sink.take()
        return
    for member in members:
        header = tarfile.TarInfo(member["path"])
        header.size = site.blobs.path(member["blob"]).stat().st_size
        yield header.tobuf(tarfile.PAX_FORMAT)
        yield from _content(site, member)
        yield b"\0" * (-header.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _content(site: Site, member: Doc) -> Iterator[bytes]:
    with site.blobs.path(member["blob"]).open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk


def _wanted(file_type: Any, filters: list[Doc]) -> bool:
    for types in filters:
        plus, minus = types.get("plus") or types.get("+") or [], types.get("minus") or types.get("-") or []
        if (plus and file_type not in plus) or file_type in minus:
            return False
    return True


def member_path(site: Site, file: Doc) -> str:
    """Return where a file lies in an archive: below the labels of what holds it."""
    labels = []
    for level in (*LEVELS, "analysis"):
        doc_id = file["parents"].get(level)
        doc = site.store.get(level, doc_id) if doc_id else None
        if doc:
            labels.append(doc["_id"] if level == "group" else doc["label"])
    return "/".join(_safe(part) for part in ["scitran", *labels, file["name"]])


def _safe(part: str) -> str:
    """Return a label that cannot leave its directory when the archive is unpacked."""
    cleaned = part.replace("/", "_").replace("\\", "_").replace("\0", "_")
    return "_" if cleaned in ("", ".", "..") else cleaned


class _Sink(io.RawIOBase):
    """A file that only grows; what was written is taken out in pieces."""

    def __init__(self) -> None:
        super().__init__()
        self._pending = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pending += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._pending)
        self._pending.clear()
        return taken
