"""Raw HTTP against a site, and a check of answers against the SDK's own model types."""

from __future__ import annotations

import enum
import itertools
import os
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import flywheel.models
import httpx2

_names = itertools.count()


def fresh(stem: str) -> str:
    """Return a name that no other test of this run uses."""
    return f"{stem}-{os.getpid()}-{next(_names)}"


def key_of(api_key: str) -> str:
    """Return the key proper of ``host:port:__force_insecure:key``."""
    return api_key.rsplit(":", 1)[1]


@dataclass(frozen=True)
class Wire:
    """Requests as a program without the SDK would make them."""

    base: str  # "http://127.0.0.1:8080/api"
    http: httpx2.Client

    @classmethod
    def connect(cls, url: str, key: str | None) -> Wire:
        headers = {"Authorization": f"scitran-user {key}"} if key else {}
        transport = httpx2.HTTPTransport()
        return cls(url.rstrip("/") + "/api", httpx2.Client(headers=headers, transport=transport, timeout=60))

    def __call__(self, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        return self.http.request(method, self.base + path, **kwargs)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return self._json(self("GET", path, params=params or None), status)

    def post(self, path: str, json: Any = None, status: int = 200, **params: Any) -> Any:
        return self._json(self("POST", path, json=json, params=params or None), status)

    def put(self, path: str, json: Any = None, status: int = 200, **params: Any) -> Any:
        return self._json(self("PUT", path, json=json, params=params or None), status)

    def patch(self, path: str, json: Any = None, status: int = 200, **params: Any) -> Any:
        return self._json(self("PATCH", path, json=json, params=params or None), status)

    def delete(self, path: str, json: Any = None, status: int = 200, **params: Any) -> Any:
        return self._json(self("DELETE", path, json=json, params=params or None), status)

    def upload(self, container: str, name: str, content: bytes, metadata: str | None = None) -> Any:
        """One targeted multipart upload, parts ordered as the SDK orders them."""
        parts: list[tuple[str, Any]] = [] if metadata is None else [("metadata", (None, metadata))]
        parts.append(("file", (name, content, "application/octet-stream")))
        return self._json(self("POST", f"{container}/files", files=parts), 200)

    @staticmethod
    def _json(answer: httpx2.Response, status: int) -> Any:
        assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:500]}"
        return answer.json() if answer.content else None


def mismatches(value: Any, kind: str, where: str = "") -> list[str]:
    """Differences between a JSON value and the SDK's type for it; ``null`` fits everything."""
    if value is None or kind == "object":
        return []
    if "[" in kind or "(" in kind:
        return _container_mismatches(value, kind, where)
    if kind in _PRIMITIVES:
        return [] if _PRIMITIVES[kind](value) else [f"{where}: {kind} expected, got {value!r:.60}"]
    return _model_mismatches(value, kind, where)


def _container_mismatches(value: Any, kind: str, where: str) -> list[str]:
    if kind.startswith("list["):
        if not isinstance(value, list):
            return [f"{where}: list expected, got {type(value).__name__}"]
        return [m for i, item in enumerate(value) for m in mismatches(item, kind[5:-1], f"{where}[{i}]")]
    if kind.startswith("dict("):
        if not isinstance(value, dict):
            return [f"{where}: object expected, got {type(value).__name__}"]
        inner = kind[5:-1].split(",", 1)[1].strip()
        return [m for key, item in value.items() for m in mismatches(item, inner, f"{where}.{key}")]
    found = [mismatches(value, option, where) for option in _options(kind[len("union[") : -1])]
    return [] if [] in found else min(found, key=len)


def _model_mismatches(value: Any, kind: str, where: str) -> list[str]:
    model = getattr(flywheel.models, kind, None)
    if model is None:
        return [f"{where}: {kind} is no SDK type"]
    if isinstance(model, type) and issubclass(model, enum.Enum):
        return [] if value in [member.value for member in model] else [f"{where}: {value!r} is no {kind}"]
    if not isinstance(value, dict):
        return [f"{where}: {kind} object expected, got {value!r:.60}"]
    return [
        mismatch
        for attribute, attribute_kind in model.swagger_types.items()
        for mismatch in mismatches(
            value.get(model.attribute_map[attribute]), attribute_kind, f"{where}.{model.attribute_map[attribute]}"
        )
    ]


def _options(text: str) -> list[str]:
    """Split ``A,list[B],dict(str, C)`` on its outer commas."""
    options, depth, start = [], 0, 0
    for position, char in enumerate(text):
        depth += (char in "[(") - (char in "])")
        if char == "," and depth == 0:
            options.append(text[start:position].strip())
            start = position + 1
    return [*options, text[start:].strip()]


def _is_datetime(value: Any) -> bool:
    """ISO-8601 with milliseconds and an offset, in UTC."""
    return isinstance(value, str) and bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}(\+00:00|Z)", value) and datetime.fromisoformat(value)
    )


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and bool(date.fromisoformat(value[:10]))


_PRIMITIVES = {
    "str": lambda v: isinstance(v, str),
    "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "float": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "bool": lambda v: isinstance(v, bool),
    "datetime": _is_datetime,
    "date": _is_date,
}


def conforms(value: Any, kind: str, *keys: str) -> None:
    """Assert that ``value`` fits the SDK type and carries every one of ``keys``."""
    assert not mismatches(value, kind, kind)
    for item in value if isinstance(value, list) else [value]:
        missing = set(keys) - set(item)
        assert not missing, f"{kind} lacks {sorted(missing)}"
