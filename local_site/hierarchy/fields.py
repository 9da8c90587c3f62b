"""Checking and normalising what clients send for a container or file."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from local_site.errors import ApiError, BadRequestError
from local_site.storage.stamps import parse_time, stored_time
from local_site.storage.store import Doc

TEXTS = (
    "_id email gear_id role_id name cohort mlset race ethnicity species strain master_code state triggering_input "
    "priority access client_hash dst_project_id dst_subject_id dst_session_id dst_subject_label dst_session_label "
    "snapshot_id group_id project_id project_label text value"
)
LISTS = (
    "roles actions filenames inputs fixed_inputs any all not role_ids sources destinations nodes filters project_ids "
    "include_rules exclude_rules"
)
OBJECTS = "config job providers editions filter parent_ref container_reference"
TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(TEXTS.split(), (str,)),
    **dict.fromkeys(LISTS.split(), (list,)),
    **dict.fromkeys(OBJECTS.split(), (dict,)),
    **dict.fromkeys(("disabled", "auto_update", "active"), (bool,)),
    "label": (str,),
    "code": (str,),
    "info": (dict,),
    "tags": (list,),
    "age": (int,),
    "weight": (int, float),
    "operator": (str,),
    "uid": (str,),
    "timestamp": (str,),
    "timezone": (str,),
    "date_of_birth": (str,),
    "sex": (str,),
    "firstname": (str,),
    "lastname": (str,),
    "description": (str,),
    "copyable": (bool,),
    "permissions": (list,),
    "project": (str,),
    "session": (str,),
    "subject": (str, dict),
    "group": (str,),
    "name": (str,),
    "type": (str,),
    "mimetype": (str,),
    "modality": (str,),
    "classification": (dict,),
    "size": (int,),
    "zip_member_count": (int,),
}


class SchemaError(ApiError):
    """Input that the site's schema rejects: 422 with a list in ``detail`` and no ``message``."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(422, "; ".join(f"{name}: {text}" for name, text in problems))
        self.problems = [{"loc": ["body", name], "msg": text, "type": "value_error"} for name, text in problems]


def checked(body: Any, allowed: Collection[str] | None, required: Collection[str] = ()) -> Doc:
    """Return `body` normalised: times in the stored form, info keys made safe.

    Parameters
    ----------
    body
        What a client sent.
    allowed
        The keys it may have; None: any.
    required
        The keys it must have.

    Raises
    ------
    SchemaError
        It is not an object, a key is unknown or missing, or a value is of the wrong type.
    """
    if not isinstance(body, dict):
        raise SchemaError(("", "an object is needed"))
    problems = [(key, "extra fields not permitted") for key in body if allowed is not None and key not in allowed]
    problems += [(key, "field required") for key in required if body.get(key) is None]
    problems += [
        (key, f"wrong type: {type(value).__name__}")
        for key, value in body.items()
        if key in TYPES and value is not None and not _is(value, TYPES[key])
    ]
    if problems:
        raise SchemaError(*problems)
    normal = {}
    for key, value in body.items():
        try:
            normal[key] = NORMALISERS.get(key, _same)(value) if value is not None else None
        except ValueError as error:
            raise SchemaError((key, str(error))) from error
    return normal


def texts(name: str, value: Any) -> list[str]:
    """Return `value` if it is a list of texts; None stands for an empty one.

    Raises
    ------
    SchemaError
        It is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SchemaError((name, "a list of texts is needed"))
    return value


def safe_keys(value: Any) -> Any:
    """Return `value` with ``.`` in keys made ``_`` and ``$`` made ``-``, at every depth."""
    if isinstance(value, dict):
        return {str(key).replace(".", "_").replace("$", "-"): safe_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [safe_keys(item) for item in value]
    return value


def merged(old: Any, new: Any) -> Any:
    """Return `old` with `new` merged in, leaf by leaf."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


def updated_info(info: Doc, body: Any) -> Doc:
    """Return `info` after a ``set`` / ``delete`` / ``replace`` request.

    Raises
    ------
    BadRequestError
        The request is none of these, or mixes ``replace`` with the others.
    """
    if not isinstance(body, dict) or not body or set(body) - {"set", "delete", "replace"}:
        raise BadRequestError("info can be changed by set, delete or replace")
    if "replace" in body and len(body) > 1:
        raise BadRequestError("info: replace cannot be combined with set or delete")
    if not isinstance(body.get("replace") or {}, dict) or not isinstance(body.get("set") or {}, dict):
        raise BadRequestError("info: set and replace take an object")
    if "replace" in body:
        return dict(safe_keys(body["replace"] or {}))
    doomed = body.get("delete") or []
    if not isinstance(doomed, list):
        raise BadRequestError("info: delete takes a list of keys")
    kept = {key: value for key, value in info.items() if key not in doomed}
    return {**kept, **safe_keys(body.get("set") or {})}


def _is(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _same(value: Any) -> Any:
    return value


def _label(value: str) -> str:
    if not 1 <= len(value) <= 256:
        raise ValueError("a label has 1 to 256 characters")
    return value


def _time(value: str) -> str:
    return stored_time(parse_time(value))


def _date(value: str) -> str:
    return date.fromisoformat(value[:10]).isoformat()


def _timezone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is not an IANA time zone") from error
    return value


def _one_of(*allowed: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"not one of {', '.join(allowed)}")
        return value

    return check


def _classification(value: Doc) -> dict[str, list[str]]:
    if any(not isinstance(item, str) for values in value.values() for item in _as_list(values)):
        raise ValueError("a classification holds lists of texts")
    return value


def _as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list is needed")  # noqa: TRY004 - what clients get wrong is a ValueError here
    return value


def _tags(value: list[Any]) -> list[str]:
    for tag in value:
        checked_tag(tag)
    return list(dict.fromkeys(value))


def checked_tag(tag: Any) -> str:
    """Return `tag` if it can be one.

    Raises
    ------
    BadRequestError
        It is not a text of 1 to 32 characters.
    """
    if not isinstance(tag, str) or not 1 <= len(tag) <= 32:
        raise BadRequestError(f"A tag has 1 to 32 characters, unlike {tag!r}")
    return tag


NORMALISERS: dict[str, Callable[[Any], Any]] = {
    "label": _label,
    "code": _label,
    "info": safe_keys,
    "timestamp": _time,
    "timezone": _timezone,
    "date_of_birth": _date,
    "sex": _one_of("male", "female", "other", "unknown"),
    "cohort": _one_of("Control", "Study"),
    "mlset": _one_of("Training", "Testing", "Validation"),
    "state": _one_of("In utero", "Alive", "Dead"),
    "classification": _classification,
    "tags": _tags,
}
