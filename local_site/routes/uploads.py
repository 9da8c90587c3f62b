"""Uploads: unsigned (multipart) and signed (ticket, PUT, completion)."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from pathlib import PurePosixPath
from typing import Any

from aiohttp import BodyPartReader, web

from local_site.errors import ApiError, BadRequestError, NotFoundError
from local_site.hierarchy import access, files
from local_site.hierarchy.fields import checked, texts
from local_site.hierarchy.file_metadata import file_name, upload_metadata
from local_site.routing.call import Call
from local_site.routing.lists import views
from local_site.routing.table import Routes
from local_site.site.state import Site
from local_site.storage.blobs import Blob, BlobWriter
from local_site.storage.store import Doc

routes = Routes()
UPLOAD = ("/{cont}/{cid}/files", "/{tree}/{parent_cid}/analyses/{cid}/files")
CHUNK = 1 << 18
FINISHING = web.AppKey("FINISHING", asyncio.Semaphore)
FINISHED_AT_ONCE = 8  # of thousands, so that other requests get their turn meanwhile
LARGEST_METADATA = 16 * 1024**2


@routes.add("POST", *UPLOAD, streams=True)
async def upload(call: Call) -> Any:
    """Take an upload: a multipart form, a request for a ticket (``?ticket=``), or its completion."""
    plural = "analyses" if "parent_cid" in call.params else call.params["cont"]
    kind = access.kind_of(call.site, plural, call.params["cid"])
    container = access.fetch(call.site, call.who, kind, call.params["cid"], "files_create_single")
    ticket = call.query.get("ticket")
    if ticket == "":
        return _open_ticket(call, kind, container, await _json(call))
    if ticket:
        await call.request.read()  # what S3 uploads report of their parts is not needed here
        return _complete(call, kind, container, ticket)
    return await _receive_form(call, kind, container)


async def put_signed(call: Call) -> web.StreamResponse:
    """Take the bytes of a signed upload: the last whole body wins, and the ticket stays open."""
    upload_id = call.params["upload_id"]
    ticket = _ticket(call, upload_id)
    if not secrets.compare_digest(ticket["secret"], call.query.get("signature") or ""):
        raise ApiError(403, "The signature does not fit")
    with call.site.blobs.writer() as writer:
        async for chunk in call.request.content.iter_chunked(CHUNK):
            writer.write(chunk)
        blob = await _keep(call, writer)
    try:
        with call.site.store.transaction():
            ticket = _ticket(call, upload_id)
            before = ticket.get("blob")
            content = {"stored_size": blob.size, "sha384": blob.sha384, "zip_members": blob.zip_members}
            call.site.store.put("upload", {**ticket, "blob": blob.name, **content, "received": writer.size})
    except ApiError:  # completed, or expired, while the bytes came in
        call.site.blobs.remove(blob.name)
        raise
    if before:
        call.site.blobs.remove(before)
    return web.Response(status=200, headers={"ETag": f'"{blob.sha384[:32]}"'})


async def _json(call: Call) -> Any:
    if not await call.request.read():
        return None
    try:
        return await call.request.json()
    except ValueError as error:
        raise BadRequestError("The body is not JSON") from error


def _open_ticket(call: Call, kind: str, container: Doc, body: Any) -> Doc:
    fields = checked(body, ("metadata", "filenames"), ("filenames",))
    names = texts("filenames", fields["filenames"])
    if len(names) != 1:
        raise BadRequestError("A signed upload is for one file")
    metadata = fields.get("metadata")
    if isinstance(metadata, list):
        metadata = next((item for item in metadata if isinstance(item, dict) and item.get("name") == names[0]), None)
    metadata = upload_metadata(metadata)
    metadata["name"] = file_name(metadata.get("name") or names[0])
    ticket = {
        "_id": call.site.new_id(),
        "secret": secrets.token_hex(24),
        "container": {"type": kind, "id": container["_id"]},
        "metadata": metadata,
        "key_id": call.who.key_id,
        "opened": time.time(),
    }
    with call.site.store.transaction():
        call.site.store.put("upload", ticket)
    url = f"{call.base_url}/signed/upload/{ticket['_id']}?signature={ticket['secret']}"
    return {"ticket": ticket["_id"], "urls": {names[0]: url}, "headers": {}}


def _complete(call: Call, kind: str, container: Doc, ticket_id: str) -> Any:
    ticket = _ticket(call, ticket_id)
    if ticket["container"] != {"type": kind, "id": container["_id"]}:
        raise BadRequestError("The ticket is for another container")
    if call.faults.get("lose_completion"):
        return []
    announced = ticket["metadata"].get("size") or 0
    if "blob" not in ticket:
        raise BadRequestError("The upload is not complete: no content has been received")
    if ticket["received"] != announced:
        raise BadRequestError(f"The upload is not complete: {ticket['received']} bytes received, {announced} announced")
    blob = Blob(ticket["blob"], ticket["stored_size"], ticket["sha384"], ticket.get("zip_members"))
    shown_hash = None if call.site.options.hash_after_signed else ""
    with call.site.store.transaction():
        file = _add(call, kind, container, blob, ticket["metadata"], shown_hash=shown_hash)
        call.site.store.remove("upload", ticket_id)
    return [views(call).file(file)]


def _add(call: Call, kind: str, container: Doc, blob: Blob, metadata: Doc, *, shown_hash: str | None = None) -> Doc:
    # It may have been moved or deleted while the bytes came in.
    container = access.fetch(call.site, call.who, kind, container["_id"], "files_create_single")
    preserve = call.query.flag("preserve_metadata")
    return files.add_file(
        call.site, call.who, kind, container, blob, metadata, preserve=preserve, content_hash=shown_hash
    )


def _ticket(call: Call, ticket_id: str) -> Doc:
    ticket = call.site.store.get("upload", ticket_id)
    expired = ticket is not None and time.time() - ticket["opened"] > call.site.options.ticket_seconds
    if ticket is None or expired or call.faults.get("expire_ticket"):
        raise NotFoundError(f"Could not find resource upload_ticket:{ticket_id}")
    return ticket


async def _receive_form(call: Call, kind: str, container: Doc) -> Any:
    """Take a multipart form: ``metadata`` (JSON), then ``file`` parts; more than one only for analyses."""
    if not call.request.content_type.startswith("multipart/"):
        raise BadRequestError("A multipart form with a file is needed")
    metadata: Any = None
    received: list[tuple[str, Blob]] = []
    try:
        async for part in await call.request.multipart():
            if not isinstance(part, BodyPartReader):
                raise BadRequestError("A form within a form is not understood")
            if part.filename is None:
                text = await _text(part)
                metadata = text if part.name in ("metadata", "tags") else metadata
                continue
            if received and kind != "analysis":
                raise BadRequestError("A targeted upload is for one file")
            name = file_name(PurePosixPath(part.filename.replace("\\", "/")).name)
            received.append((name, await _receive_part(call, part)))
        if not received:
            raise BadRequestError("The form has no file")
        with call.site.store.transaction():
            added = [_add(call, kind, container, blob, described) for blob, described in _described(received, metadata)]
    except BaseException:
        for _, blob in received:
            call.site.blobs.remove(blob.name)
        raise
    return [views(call).file(file) for file in added]


def _described(received: list[tuple[str, Blob]], text: Any) -> list[tuple[Blob, Doc]]:
    """Pair each received file with its metadata, which is one object, or a list matched by name."""
    if text is None:
        return [(blob, {"name": name}) for name, blob in received]
    try:
        metadata = json.loads(text) if text else {}
    except ValueError as error:
        raise BadRequestError("The metadata of the upload is not JSON") from error
    if isinstance(metadata, list):
        by_name = {item.get("name"): item for item in metadata if isinstance(item, dict)}
        return [(blob, {"name": name, **upload_metadata(by_name.get(name))}) for name, blob in received]
    fields = upload_metadata(metadata)
    return [(blob, {"name": name, **fields}) for name, blob in received]


async def _text(part: BodyPartReader) -> str:
    """Return the text of a part that is no file."""
    read = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        read += chunk
        if len(read) > LARGEST_METADATA:
            raise ApiError(413, f"Metadata has at most {LARGEST_METADATA} bytes")
    return read.decode("utf-8", "replace")


async def _receive_part(call: Call, part: BodyPartReader) -> Blob:
    with call.site.blobs.writer() as writer:
        while chunk := await part.read_chunk(CHUNK):
            writer.write(bytes(chunk))
        return await _keep(call, writer)


async def _keep(call: Call, writer: BlobWriter) -> Blob:
    """Make received content durable, spoiling it first where a fault says so."""
    spoil = {"corrupt", "truncate"} & set(call.faults)
    async with call.request.app[FINISHING]:
        if spoil:
            return await asyncio.to_thread(_spoiled, call.site, writer, next(iter(spoil)))
        blob = await asyncio.to_thread(writer.keep)
    for kind in {"corrupt_at_rest", "truncate_at_rest"} & set(call.faults):
        path = call.site.blobs.path(blob.name)
        path.write_bytes(spoiled(path.read_bytes(), kind))
    return blob


def _spoiled(site: Site, writer: BlobWriter, kind: str) -> Blob:
    whole = writer.keep()
    content = site.blobs.path(whole.name).read_bytes()
    site.blobs.remove(whole.name)
    with site.blobs.writer() as again:
        again.write(spoiled(content, kind))
        return again.keep()


def spoiled(content: bytes, kind: str) -> bytes:
    """Return `content` cut in half, or with the byte in its middle flipped."""
    middle = len(content) // 2
    if kind.startswith("truncate"):
        return content[:middle]
    return content[:middle] + bytes(byte ^ 0xFF for byte in content[middle : middle + 1]) + content[middle + 1 :]
