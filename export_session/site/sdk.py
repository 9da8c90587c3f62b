"""The Flywheel SDK, version 22.3 and later: the only module that imports it or the HTTP library below it.

Routes and the form of what they answer are of Flywheel itself and live in :mod:`export_session.site.rest`.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flywheel
import httpx2
from flywheel.rest import ApiException

from export_session.errors import AccessDenied, Conflict, NotFound, SiteError, Unreachable, UnsupportedSdk
from export_session.site.model import Level
from export_session.site.port import Stored

CONNECT_SECONDS = 10
ANSWER_SECONDS = 60
CHUNK = 1 << 20


def connect(api_key: str) -> flywheel.Client:
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
        _tame(client)
    except AttributeError as error:
        raise UnsupportedSdk(
            f"The Flywheel SDK of this environment is built otherwise than 23.0.0 ({error})."
        ) from None
    return client


def _tame(client: flywheel.Client) -> None:
    http = client.api_client.rest_client.client
    # Uploads to signed URLs use this default, which is only 5 s: too short for storage to confirm a large file.
    http.timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    # The gear retries by its own policy, which knows whether a call happened after all (see retry.py). The SDK's
    # retries can be turned off only before its first import, which is not ours, or on its transports.
    for transport in (http._transport, *http._mounts.values()):  # noqa: SLF001 - no public way to reach them
        if transport is not None:
            transport.total = 0
    # The SDK asks for the site's configuration before every upload; within a run once is enough.
    client._fw.get_config = functools.cache(client._fw.get_config)  # noqa: SLF001 - no public way to reach it


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

    def config(self) -> Mapping[str, Any]:
        """Return the site's configuration, asked for once."""
        with _translated("read the site's configuration"):
            return self._client.get_config()  # type: ignore[no-any-return]  # the SDK ships no types

    def call(
        self,
        what: str,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | Sequence[Any] | None = None,
        **path_params: str,
    ) -> Any:
        """Make a JSON call and return what it answers.

        Parameters
        ----------
        what
            What the call is for, to be named in errors.
        """
        if method != "GET" and path != "/lookup":  # a lookup is a POST that only reads
            self._allow_write(what)
        with _translated(what):
            return self._client.api_client.call_api(
                path,
                method,
                path_params,
                list((query or {}).items()),
                {"Accept": "application/json", "Content-Type": "application/json"},
                body=body,
                response_type=object,
                auth_settings=["ApiKey"],
                _return_http_data_only=True,
            )

    def download(self, what: str, path: str, query: Mapping[str, Any], target: Path, **path_params: str) -> Stored:
        """Write what a call answers to a file."""
        digest = hashlib.sha384()
        size = 0
        with _translated(what):
            response = self._client.api_client.call_api(
                path,
                "GET",
                path_params,
                list(query.items()),
                {},
                auth_settings=["ApiKey"],
                _return_http_data_only=True,
                _preload_content=False,
            )
            try:
                with target.open("wb") as sink:
                    for chunk in response.iter_content(CHUNK):
                        digest.update(chunk)
                        size += sink.write(chunk)
            finally:
                response.close()
        return Stored(size, digest.hexdigest())

    def upload(
        self, what: str, level: Level, parent_id: str, path: Path, metadata: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Upload a file as ``metadata["name"]`` and return the row of the version it became."""
        self._allow_write(what)
        with path.open("rb") as source, _translated(what):
            spec = flywheel.FileSpec(metadata["name"], contents=source, size=path.stat().st_size)
            answer = getattr(self._client, f"upload_file_to_{level}")(parent_id, spec, metadata=dict(metadata))
        if not answer:
            raise Unreachable(f"{what}: the site accepted the bytes but does not name the file it made")
        return answer[0].to_dict()  # type: ignore[no-any-return]  # the SDK ships no types

    def _allow_write(self, what: str) -> None:
        if not self._writable:
            raise AssertionError(f"a dry run must not {what}")


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the SDK's exceptions into ours; the text never holds request headers, hence no key."""
    try:
        yield
    except ApiException as error:
        raise _site_error(what, error) from None
    except httpx2.TransportError as error:
        raise Unreachable(f"{what}: no answer from the site ({type(error).__name__})") from None
    except (RuntimeError, httpx2.HTTPError) as error:  # the SDK's word for an answer of the wrong shape
        raise SiteError(f"{what}: the site's answer cannot be read ({type(error).__name__})") from None


def _site_error(what: str, error: ApiException) -> SiteError:
    status = error.status or None
    said = error.reason or _rejections(error.detail) or "no reason given"
    message = f"{what}: the site answered {status}, {said}"
    if status in (401, 402, 403):
        return AccessDenied(message, status)
    if status == 404:
        return NotFound(message, status)
    if status in (409, 422):
        return Conflict(message, status)
    if status is None or status == 429 or status >= 500:
        return Unreachable(message, status, _seconds((error.headers or {}).get("Retry-After")))
    return SiteError(message, status)


def _rejections(detail: Any) -> str:
    """Return an error's detail as text; of a schema's rejections not the rejected values, which may be a patient's."""
    if not isinstance(detail, list):
        return str(detail or "")
    items = [item for item in detail if isinstance(item, Mapping)]
    return "; ".join(f"{'.'.join(map(str, item.get('loc') or ()))}: {item.get('msg')}" for item in items)


def _seconds(header: str | None) -> float | None:
    """Read a Retry-After header given in seconds; the date form is not worth waiting for."""
    return float(header) if header and header.isdigit() else None
