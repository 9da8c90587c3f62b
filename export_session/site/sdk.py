"""The Flywheel SDK, version 22.3 and later: the only module that imports it or the HTTP library below it.

Routes and the form of what they answer are of Flywheel itself and live in :mod:`export_session.site.rest`.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flywheel
import h11
import httpx2
from flywheel.rest import ApiException

from export_session.errors import AccessDenied, NoAnswer, SiteError, Unreachable, UnsupportedSdk
from export_session.site import pace
from export_session.site.forms import Answer
from export_session.site.patience import LONGEST_SILENCE
from export_session.site.port import Stored
from export_session.site.statuses import error_of, rejections
from export_session.site.wire import Wire
from export_session.support.cancellation import Cancellation

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
ANSWER_SECONDS = LONGEST_SILENCE
CHUNK = 1 << 20
JSON = "application/json"


def connect(api_key: str, cancellation: Cancellation) -> flywheel.Client:
    """Return a client that keeps what it is told to itself and repeats nothing; nothing is sent yet.

    Raises
    ------
    AccessDenied
        The key is malformed.
    UnsupportedSdk
        The SDK is built otherwise than the versions this module knows.
    """
    for name in ("flywheel", "httpx2", "httpcore2"):  # at DEBUG these log response bodies and headers
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        client = flywheel.Client(
            api_key, disable_auth_check=True, connect_timeout=CONNECT_SECONDS, request_timeout=ANSWER_SECONDS
        )
    except Exception:  # noqa: BLE001 - the SDK raises bare Exception for a malformed key, which must not be shown
        raise AccessDenied("the api-key input is not a Flywheel API key (host:key or host:port:key)") from None
    try:
        _tame(client, cancellation)
    except AttributeError as error:
        raise UnsupportedSdk(
            f"The Flywheel SDK of this environment is built otherwise than 23.0.0 ({error})."
        ) from None
    return client


def _tame(client: flywheel.Client, cancellation: Cancellation) -> None:
    http = client.api_client.rest_client.client
    # Uploads to signed URLs use this default, which is only 5 s: too short for storage to confirm a large file.
    http.timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    # The gear retries by its own policy, which knows whether a call happened after all (see retry.py). The SDK's
    # retries can be turned off only before its first import, which is not ours, or on its transports. Below them
    # the connections are watched.
    for transport in (http._transport, *http._mounts.values()):  # noqa: SLF001 - no public way to reach them
        if transport is not None:
            transport.total = 0
            pool = transport._transport._pool  # noqa: SLF001 - no public way to reach it
            pool._network_backend = Wire(pool._network_backend, cancellation)  # noqa: SLF001 - the same
    # Listings then say how many rows there are, so that none goes missing unnoticed.
    client.enable_feature("pagination")


class Sdk:
    """The calls of the SDK that the gear makes, each one HTTP call, with its errors translated.

    Parameters
    ----------
    writable
        False for a dry run: every call that would write raises AssertionError and is not sent.
    """

    def __init__(self, client: flywheel.Client, *, writable: bool) -> None:
        self._client = client
        self._writable = writable

    def call(
        self,
        what: str,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | Sequence[Any] | None = None,
        **path_params: str,
    ) -> Answer:
        """Make a JSON call and return what it answers.

        Parameters
        ----------
        what
            What the call is for, to be named in errors.
        """
        if method != "GET" and path != "/lookup":  # a lookup is a POST that only reads
            self.allow_write(what)
        headers = {"Accept": JSON, "Content-Type": JSON}
        with self._sent(what, method, path, query, path_params, headers=headers, body=body) as response:
            return Answer(response.status_code, response.headers.get("Content-Type", ""), response.content)

    def download(self, what: str, path: str, query: Mapping[str, Any], target: Path, **path_params: str) -> Stored:
        """Write what a call answers to a file."""
        sha384, sha256 = hashlib.sha384(), hashlib.sha256()
        size = 0
        with self._sent(what, "GET", path, query, path_params, headers={}) as response, target.open("wb") as sink:
            if response.status_code != 200:
                raise NoAnswer(f"{what}: the site answered {response.status_code}, which brings no file")
            for chunk in response.iter_content(CHUNK):
                sha384.update(chunk)
                sha256.update(chunk)
                size += sink.write(chunk)
        return Stored(size, sha384.hexdigest(), sha256.hexdigest())

    def upload_form(
        self, what: str, path: str, source: Path, metadata: Mapping[str, Any], **path_params: str
    ) -> Answer:
        """Upload a file as ``metadata["name"]`` through the site."""
        self.allow_write(what)
        headers = {"Accept": JSON, "Content-Type": "multipart/form-data"}
        with source.open("rb") as content:
            form = {
                "post_params": [("metadata", dict(metadata))],
                "files": {"file": flywheel.FileSpec(metadata["name"], content)},
            }
            with self._sent(what, "POST", path, None, path_params, headers=headers, **form) as response:
                return Answer(response.status_code, response.headers.get("Content-Type", ""), response.content)

    def upload_signed(self, what: str, urls: Sequence[str], headers: dict[str, str], source: Path) -> Mapping[str, Any]:
        """Upload a file to signed URLs; return what storage wants to be told of its parts, if anything.

        Raises
        ------
        Unreachable
            Whatever storage answers: its refusals are of a URL, and another one may be had.
        """
        self.allow_write(what)
        put = self._client._fw._upload_to_signed_url  # noqa: SLF001 - knows how each kind of storage is told
        with source.open("rb") as content, _timed("PUT", "to the signed URL") as done:
            try:
                with _translated(what):
                    parts: Mapping[str, Any] = put(list(urls), content, source.stat().st_size, headers)
            except (SiteError, KeyError) as error:  # KeyError: storage that does not confirm as its kind does
                said = str(error) if isinstance(error, SiteError) else f"{what}: storage did not confirm it"
                raise Unreachable(said, getattr(error, "status", None)) from None
            done.append("done")
        return parts

    @contextmanager
    def _sent(
        self,
        what: str,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        path_params: Mapping[str, str],
        **details: Any,
    ) -> Iterator[Any]:
        """Send a call and give its response, whose body is still to be read, and is closed afterwards."""
        shown = path.replace("{id}", _plain(path_params.get("id", "")))
        with _timed(method, shown) as status, _translated(what):
            try:
                response = self._client.api_client.call_api(
                    path,
                    method,
                    dict(path_params),
                    list((query or {}).items()),
                    auth_settings=["ApiKey"],
                    _return_http_data_only=True,
                    _preload_content=False,
                    header_params=details.pop("headers"),
                    **details,
                )
            except ApiException as error:
                status.append(str(error.status))
                raise
            try:
                yield response
                status.append(str(response.status_code))
            finally:
                response.close()

    def allow_write(self, what: str) -> None:
        """Raise AssertionError in a dry run."""
        if not self._writable:
            raise AssertionError(f"a dry run must not {what}")


@contextmanager
def _timed(method: str, path: str) -> Iterator[list[str]]:
    """Keep a call in motion and log it: no value, no label, no name of a file, and no key."""
    began = time.monotonic()
    status: list[str] = []
    with pace.measured(ANSWER_SECONDS) as attempt:
        try:
            yield status
        finally:
            said = status[0] if status else "no answer"
            log.debug("%s %s: %s, %.2f s, attempt %d", method, path, said, time.monotonic() - began, attempt.number)


def _plain(identifier: str) -> str:
    return identifier if re.fullmatch(r"[0-9a-f]{24}", identifier) else "{id}"


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the SDK's exceptions into ours; the text never holds request headers, hence no key."""
    try:
        yield
    except ApiException as error:
        said, headers = error.reason or rejections(error.detail), error.headers or {}
        raise error_of(what, error.status or None, said, headers.get("Retry-After")) from None
    except (httpx2.TransportError, h11.LocalProtocolError) as error:  # the latter, of a body to be sent once more
        raise Unreachable(f"{what}: no answer from the site ({type(error).__name__})") from None
    except TimeoutError:
        raise Unreachable(f"{what}: no answer from the site (nothing came, or byte by byte)") from None
    except (RuntimeError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoAnswer(f"{what}: the site's answer cannot be read ({type(error).__name__})") from None
