"""Uploads by signed URLs: a ticket from the site, the bytes to storage, and word to the site that they are there.

A ticket is good for one version of a file, however often and late it is completed. So an upload that the site has not
confirmed is completed again with the ticket that it has: the bytes are not sent twice, and a completion that was held
up on its way makes no second version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export_session.errors import AccessDenied, SiteError, Unreachable
from export_session.site import forms
from export_session.site.forms import Form
from export_session.site.model import File

if TYPE_CHECKING:
    from export_session.site.sdk import Sdk  # not before its version was judged


@dataclass(frozen=True)
class _Sent:
    """An upload whose bytes are in storage."""

    ticket: str
    parts: Mapping[str, Any]  # what the site is to be told of them


class Uploads:
    """The uploads of a run, each called for until it is confirmed."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self._unconfirmed: dict[Path, _Sent] = {}

    def store(
        self, made: Form[File], what: str, route: str, path: Path, metadata: Mapping[str, Any], *, parent_id: str
    ) -> File:
        """Upload a file, or complete what an earlier call for the same path has sent; return the new version.

        Raises
        ------
        Unreachable
            It is worth another call. Of a ticket that the site refuses nothing is kept.
        """
        sent = self._unconfirmed.pop(path, None) or self._send(what, route, parent_id, path, metadata)
        told = {"multipart": sent.parts} if sent.parts else None
        try:
            answer = self._sdk.call(what, "POST", route, {"ticket": sent.ticket}, body=told, id=parent_id)
            return forms.formed(made, what, answer)
        except AccessDenied:
            raise
        except Unreachable:
            self._unconfirmed[path] = sent
            raise
        except SiteError as error:  # storage has not got all, or the ticket was completed or has expired
            raise Unreachable(str(error), error.status) from None

    def _send(self, what: str, route: str, parent_id: str, path: Path, metadata: Mapping[str, Any]) -> _Sent:
        """Get a ticket, and send the bytes to storage."""
        size = path.stat().st_size
        body = {"metadata": {**metadata, **({"size": size} if size else {})}, "filenames": [metadata["name"]]}
        answer = self._sdk.call(what, "POST", route, {"ticket": ""}, body=body, id=parent_id)
        ticket, urls, headers = forms.formed(forms.ticket_for(metadata["name"]), what, answer)
        return _Sent(ticket, self._sdk.upload_signed(what, urls, headers, path))
