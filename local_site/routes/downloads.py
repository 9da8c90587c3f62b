"""Downloads: single files, members of zips, and archives of whole containers."""

from __future__ import annotations

import asyncio
import secrets
import time
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from aiohttp import web

from local_site.errors import ApiError, BadRequestError, ConflictError, NotFoundError
from local_site.hierarchy import access, archives, files, regulated
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.storage.blobs import NOT_A_ZIP
from local_site.storage.store import Doc, encode

routes = Routes()
CHUNK = 1 << 18
NAMED = ("/{tree}/{cid}/files/{name}", "/{tree}/{parent_cid}/analyses/{cid}/files/{name}")


@routes.add("GET", *NAMED, public=True, streams=True)
async def download(call: Call) -> Any:
    """Send a file, or what its parameters ask for: a ticket, the listing of a zip, one member."""
    plural = "analyses" if "parent_cid" in call.params else call.params["tree"]
    ticket_id = call.query.get("ticket")
    if ticket_id:
        return await _send(call, _ticketed(call, ticket_id))
    if call.who.key_id == "":
        raise ApiError(403, "Authentication required: no Authorization header")
    kind = access.kind_of(call.site, plural, call.params["cid"])
    access.fetch(call.site, call.who, kind, call.params["cid"], "files_download")
    current = files.fetch_file(call.site, call.params["cid"], call.params["name"])
    file = files.version_of(call.site, current, call.query.get("version"))
    regulated.require_clean(file)
    wanted = call.query.get("hash")
    if wanted and wanted != file["hash"]:
        raise ConflictError(f"The hash of {file['name']} is {file['hash']}")
    if ticket_id == "":
        return {"ticket": _new_ticket(call, {"file": file["file_id"], "version": file["version"]})}
    if call.query.flag("info"):
        return await _listed(call, file)
    member = call.query.get("member")
    if member:
        return await _send_member(call, file, member)
    if call.site.options.redirect_downloads:
        ticket = _new_ticket(call, {"file": file["file_id"], "version": file["version"]})
        raise web.HTTPTemporaryRedirect(f"{call.base_url}/signed/download/{ticket}")
    return await _send(call, file)


async def download_signed(call: Call) -> web.StreamResponse:
    """Send a file by its signed URL."""
    ticket = _ticket(call, call.params["ticket_id"])
    return await _send(call, _ticket_file(call, ticket))


@routes.add("GET", "/files/{file_id}/zip_info", streams=True)
async def zip_info(call: Call) -> Any:
    """List the members of a zip."""
    file = files.fetch_by_id(call.site, call.who, call.params["file_id"])
    file = files.version_of(call.site, file, call.query.get("version"))
    regulated.require_clean(file)
    return await _listed(call, file)


@routes.add("POST", "/download")
def plan_archive(call: Call) -> Any:
    """Return a ticket for an archive of containers or files."""
    members = archives.plan(call.site, call.who, call.body)
    ticket = _new_ticket(call, {"members": members})
    total = sum(member["size"] for member in members)
    return {"ticket": ticket, "file_cnt": len(members), "size": total, "filename": f"download_{ticket}.tar"}


@routes.add("POST", "/download/targets")
def targets(call: Call) -> Any:
    """List the files that an archive would hold, for clients that fetch them one by one."""
    return [
        {
            "container_type": "file",
            "container_id": file["parent_ref"]["id"],
            "filename": file["name"],
            **{key: file[key] for key in ("file_id", "version", "size", "parent_ref", "modified")},
            "filetype": file["type"],
            "download_type": "file",
            "dst_path": archives.member_path(call.site, file),
        }
        for file in archives.wanted_files(call.site, call.who, call.body)
    ]


@routes.add("GET", "/download", public=True, streams=True)
async def send_archive(call: Call) -> Any:
    """Send the archive that a ticket is for, as tar or zip."""
    ticket = _ticket(call, call.query.get("ticket") or "")
    form = call.query.get("format") or "tar"
    if form not in ("tar", "zip") or "members" not in ticket:
        raise BadRequestError("format is tar or zip, and the ticket one of POST /download")
    response = web.StreamResponse(headers=_attachment(f"flywheel.{form}"))
    response.content_type = "application/octet-stream"
    await response.prepare(call.request)
    for chunk in archives.stream(call.site, ticket["members"], form):
        await response.write(chunk)
    await response.write_eof()
    return response


async def _listed(call: Call, file: Doc) -> web.Response:
    """Answer what a zip holds; that may be very much, so nobody else waits for it."""
    text = await asyncio.to_thread(_zip_listing, call.site.blobs.path(file["blob"]))
    return web.Response(text=text, content_type="application/json")


def _zip_listing(path: Path) -> str:
    """Return comment and members of the zip at `path`, as JSON.

    Raises
    ------
    BadRequestError
        It is not a zip.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                {
                    "path": member.filename,
                    "size": member.file_size,
                    "timestamp": "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000000+00:00".format(*member.date_time),
                    "comment": member.comment.decode("utf-8", "replace"),
                }
                for member in archive.infolist()
            ]
            return encode({"comment": archive.comment.decode("utf-8", "replace"), "members": members})
    except NOT_A_ZIP as error:
        raise BadRequestError("The file is not a zip") from error


def _new_ticket(call: Call, content: Doc) -> str:
    ticket = secrets.token_hex(16)
    doc = {"_id": ticket, "opened": time.time(), "path": _place(call), **content}
    with call.site.store.transaction():
        call.site.store.put("download", doc)
    return ticket


def _place(call: Call) -> list[str]:
    return [call.params.get("cid", ""), call.params.get("name", "")]


def _ticket(call: Call, ticket_id: str) -> Doc:
    ticket = call.site.store.get("download", ticket_id)
    expired = ticket is not None and time.time() - ticket["opened"] > call.site.options.ticket_seconds
    if ticket is None or expired or call.faults.get("expire_ticket"):
        raise NotFoundError("Could not find resource download_ticket")
    return ticket


def _ticketed(call: Call, ticket_id: str) -> Doc:
    ticket = _ticket(call, ticket_id)
    if ticket["path"] != _place(call):
        raise BadRequestError("The ticket is for another file")
    return _ticket_file(call, ticket)


def _ticket_file(call: Call, ticket: Doc) -> Doc:
    file = call.site.store.get("file", ticket.get("file", ""))
    if file is None:
        raise NotFoundError("The file of the ticket is gone")
    found = files.version_of(call.site, file, str(ticket["version"]))
    regulated.require_clean(found)
    return found


def _attachment(name: str) -> dict[str, str]:
    plain = name.encode("ascii", "replace").decode().replace('"', "_").replace("\r", "_").replace("\n", "_")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}


async def _send(call: Call, file: Doc) -> web.StreamResponse:
    """Send stored content; with ``view=true`` under its own type and in the range asked for."""
    path = call.site.blobs.path(file["blob"])
    size = path.stat().st_size
    start, stop, headers, status = 0, size, {}, 200
    if call.query.flag("view"):
        headers["Content-Type"] = file["mimetype"] or "application/octet-stream"
        headers["Accept-Ranges"] = "bytes"
        if wanted := _range(call.request, size):
            start, stop = wanted
            status = 206
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    else:
        headers = {"Content-Type": "application/octet-stream", **_attachment(file["name"])}
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = stop - start
    await response.prepare(call.request)
    cut = call.faults.get("cut")
    end = start + int((stop - start) * cut.fraction) if cut else stop
    with path.open("rb") as stream:
        stream.seek(start)
        while start < end and (chunk := stream.read(min(CHUNK, end - start))):
            await response.write(chunk)
            start += len(chunk)
    if cut:
        if call.request.transport:
            call.request.transport.close()
        return response
    await response.write_eof()
    return response


def _range(request: web.Request, size: int) -> tuple[int, int] | None:
    """Return the range asked for; None where there is none that can be understood (RFC 9110 §14.2)."""
    try:
        wanted = request.http_range
    except ValueError:
        return None
    if wanted == slice(None, None, 1):
        return None
    start = wanted.start or 0
    if start < 0:
        start = max(size + start, 0)
    stop = min(wanted.stop if wanted.stop is not None else size, size)
    if start >= size or stop <= start:
        raise ApiError(416, "The range begins beyond the end of the file")
    return start, stop


async def _send_member(call: Call, file: Doc, member: str) -> web.StreamResponse:
    try:
        with await asyncio.to_thread(zipfile.ZipFile, call.site.blobs.path(file["blob"])) as archive:
            info = archive.getinfo(member)
            with archive.open(info) as stream:
                return await _send_unpacked(call, info, stream)
    except (*NOT_A_ZIP, RuntimeError, KeyError) as error:  # RuntimeError: it is encrypted
        raise BadRequestError(f"{file['name']} has no member {member} that can be unpacked") from error


async def _send_unpacked(call: Call, info: zipfile.ZipInfo, stream: IO[bytes]) -> web.StreamResponse:
    """Send what is unpacked; the connection breaks off where the rest of it is found to be damaged."""
    response = web.StreamResponse(headers=_attachment(info.filename.rpartition("/")[2] or "member"))
    response.content_type = "application/octet-stream"
    response.content_length = info.file_size
    await response.prepare(call.request)
    try:
        while chunk := stream.read(CHUNK):
            await response.write(chunk)
        await response.write_eof()
    except (*NOT_A_ZIP, zlib.error):
        if call.request.transport:
            call.request.transport.abort()
    return response
