"""Old values that remain beside the bytes: in names, labels, tags, notes, fields and info, as they are exported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from export_session.dicom import Remaining
from export_session.dicom.dictionary import key_of
from export_session.dicom.remains.traces import Trace, prefilter
from export_session.dicom.remains.words import folded
from export_session.site.model import Container, File
from export_session.support.wording import counted

FILE_NAME = "the file name"
_OF_BYTES = frozenset({"dicom", "dicom_array"})  # of info.header: what describes the bytes, which were searched
_TELLING = 6  # digits of a number; shorter ones count something
_NAMED = 8  # places in a remark
_HIDDEN = "…"  # in place of a key that is an old value itself


@dataclass(frozen=True)
class Text:
    """A text of a file or container, and what to call the place."""

    where: str
    text: str


def in_file(traces: Sequence[Trace], file: File, name: str, *, described: bool) -> tuple[Remaining, ...]:
    """Find old values in what goes along with a file.

    Parameters
    ----------
    traces
        What to look for.
    file
        The origin.
    name
        What the copy is called.
    described
        Whether ``info.header`` describes the bytes of the file, which were searched themselves.
    """
    if not traces:
        return ()
    texts = [Text(FILE_NAME, name), *(Text("a tag", tag) for tag in file.tags)]
    info = {key: value for key, value in file.info.items() if key != "export"}
    header = info.get("header")
    if described and isinstance(header, Mapping):
        info["header"] = {key: _foreign(value) if key in _OF_BYTES else value for key, value in header.items()}
    return tuple(_found(traces, [*texts, *_leaves(traces, "info", info)]))


def in_container(traces: Sequence[Trace], container: Container) -> tuple[Remaining, ...]:
    """Find old values in what goes along with a container."""
    if not traces:
        return ()
    texts = [Text("the label", container.label), *(Text("a tag", tag) for tag in container.tags)]
    texts += [Text("a note", note) for note in container.notes]
    fields = _leaves(traces, container.level, container.details)
    info = _leaves(traces, "info", {key: value for key, value in container.info.items() if key != "export"})
    return tuple(_found(traces, [*texts, *fields, *info]))


def _foreign(dicom: Any) -> Any:
    """Return what importers leave among DICOM's keys that is no element of the file."""
    if not isinstance(dicom, Mapping):
        return None
    return {key: value for key, value in dicom.items() if key_of(key) is None}


def _found(traces: Sequence[Trace], texts: Iterable[Text]) -> Iterator[Remaining]:
    places = dict.fromkeys((trace, one.where) for one in texts for trace in traces if trace.is_in(folded(one.text)))
    for trace, where in places:
        yield Remaining(trace.element, trace.old, where, instances=0)


def _leaves(traces: Sequence[Trace], path: str, value: Any) -> Iterator[Text]:
    """Yield the texts of a JSON value if any of them can hold an old value."""
    whole = json.dumps(value, ensure_ascii=False, default=str).lower()
    if prefilter(traces).search(whole.encode(errors="replace")):
        yield from _texts(traces, path, value)


def _texts(traces: Sequence[Trace], path: str, value: Any) -> Iterator[Text]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            hidden = any(trace.is_in(folded(key)) for trace in traces)
            yield Text(f"a key in {path}", key)
            yield from _texts(traces, f"{path}.{_HIDDEN if hidden else key}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(traces, path, item)
    elif isinstance(value, str) or (isinstance(value, int) and len(str(value)) >= _TELLING):
        yield Text(path, str(value))


def remarks(remaining: Iterable[Remaining], instances: int = 0) -> tuple[str, ...]:
    """Say of each old value where it still stands, in words that hold no value.

    Parameters
    ----------
    remaining
        What was found in a file or container.
    instances
        How many the file has.
    """
    places: dict[tuple[str, str], list[str]] = {}
    for one in remaining:
        some = f" (in {one.instances:,} of {instances:,})" if 0 < one.instances < instances else ""
        places.setdefault((one.element, str(one.old)), []).append(one.where + some)
    said = (f"{element}: its old value is still in {_listed(where)}" for (element, _), where in places.items())
    return tuple(dict.fromkeys(said))


def _listed(places: Sequence[str]) -> str:
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return f"{counted(len(places), 'place')}: {', '.join(places[:_NAMED])}{more}"
