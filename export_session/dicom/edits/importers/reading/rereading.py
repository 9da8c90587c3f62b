"""A second opinion: what the importers themselves make of one DICOM file."""

from __future__ import annotations

import logging
import math
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, BinaryIO

from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID
from pydicom.valuerep import IS, DSfloat, PersonName

from export_session.dicom.dictionary import FRAME_SEQUENCES
from export_session.dicom.edits.importers.reading.forced import ForcedDataset, read_file
from export_session.dicom.edits.importers.reading.left_out import is_shown
from export_session.dicom.edits.importers.reading.pydicom2_importers import (
    by_dicom_mr_classifier,
    by_metadata_import_dicom,
)


class Rereading:
    """What file-metadata-importer makes of one DICOM file, read as it reads: by pydicom, by force, with its repairs.

    It is slow, and exact where the quick projections are not. What an administrator has added to the importer's rules
    is unknown here: private elements are not in ``header``, and elements denied for a project are. No value is
    guessed at: the importer's random UIDs and dates read by their looks never come about, as pydicom converts the
    faulty ones and only warns. Nothing here raises.

    Parameters
    ----------
    source
        The whole file or zip member; seekable. Where the older importers are asked, too, it must still be open.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._dataset: ForcedDataset | None = None
        self._decodes = False
        with _quietly(), suppress(Exception):  # what pydicom cannot read, the importer shows nothing of
            self._dataset = dataset = read_file(source)
            try:
                dataset.decode()  # it converts every element, and gives up a file of which one fails
                self._decodes = True
            finally:
                _convert_all(dataset)  # an array has the others all the same

    @cached_property
    def header(self) -> Mapping[str, Any]:
        """``info.header.dicom`` as the site stores it; empty where the importer fails."""
        if self._dataset is None or not self._decodes:
            return {}
        try:
            shown = _shown(self._dataset.meta) | _shown(self._dataset)
            return {key: _stored(value) for key, value in _without_empties(shown).items()}
        except Exception:  # noqa: BLE001 - as in the importer, one element is enough
            return {}

    @cached_property
    def of_metadata_import_dicom(self) -> Mapping[str, Any]:
        """The same as metadata-import-dicom 2.8.4 has it."""
        return by_metadata_import_dicom(self._source)

    @cached_property
    def of_dicom_mr_classifier(self) -> Mapping[str, Any]:
        """The same as dicom-mr-classifier 1.4.10 has it."""
        return by_dicom_mr_classifier(self._source)

    def array_entry(self, key: str) -> Any:
        """Return what ``info.header.dicom_array[key]`` has for this instance; None if absent.

        A private key is ``creator,ggggxxee``, its dots as they are or as the underscores that the site makes of them.
        """
        with suppress(Exception):
            return _stored(_plain(self._element(key).value))
        return None

    def frame_entries(self, key: str) -> list[Any]:
        """Return all of ``info.header.dicom_array[key]`` where this is an archive's only instance and has frames.

        It has an entry for each frame: what its item has, else a sequence of that, else the whole instance.
        """
        with suppress(Exception):
            root: Any = self._dataset
            frames = root.get("PerFrameFunctionalGroupsSequence") or ()
            if len(frames) == root.get("NumberOfFrames"):
                return [_stored(_of_frame(frame, root, key)) for frame in frames]
        return []

    def _element(self, key: str) -> Any:
        dataset = self._dataset
        if dataset is None:
            raise KeyError(key)
        creator, _, place = key.rpartition(",")
        tag = _private_tag(dataset, creator, place.strip()) if creator else Tag(key)
        return (dataset.meta if tag.group == 2 else dataset)[tag]


def _private_tag(dataset: ForcedDataset, creator: str, place: str) -> BaseTag:
    """Return the tag of a private element given as ``ggggxxee``, in the block that its creator has (PS3.5 §7.8.1)."""
    group, element = int(place[:4], 16), int(place[6:], 16)
    creators = (tag for tag in sorted(dataset.keys()) if tag.is_private_creator and tag.group == group)
    block = next(tag for tag in creators if str(dataset[tag].value).replace(".", "_") == creator.replace(".", "_"))
    return Tag(group, block.element << 8 | element)


def _convert_all(dataset: ForcedDataset) -> None:
    for tag in list(dataset.keys()):
        with suppress(Exception):
            dataset[tag]


_QUIET = threading.Lock()  # filters of warnings belong to all threads


class _Silence(logging.Filter):
    """Keeps what pydicom says while a file is read again out of the log: it quotes values, which may be a patient's."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = 0

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self.thread


_SILENCE = _Silence()
logging.getLogger("pydicom").addFilter(_SILENCE)


@contextmanager
def _quietly() -> Iterator[None]:
    """Let pydicom meet faulty values without a word."""
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _SILENCE.thread = threading.get_ident()
        try:
            yield
        finally:
            _SILENCE.thread = 0


def _shown(dataset: ForcedDataset) -> dict[str, Any]:
    """Return the elements of a data set that have a place in the header, empty ones included."""
    found: dict[str, Any] = {}
    for keyword in filter(is_shown, dataset.dir()):
        element = dataset[keyword]
        if keyword == "PerFrameFunctionalGroupsSequence":
            found[keyword] = _shown(element.value[0])
        elif element.VR == "SQ":
            found[keyword] = [_shown(item) for item in element.value]
        elif element.tag.group == 2:  # is looked for in the file meta information alone, in vain by an item
            with suppress(KeyError):
                found[keyword] = _plain(dataset.meta[keyword].value)
        else:
            found[keyword] = _plain(element.value)
    return found


def _of_frame(frame: ForcedDataset, root: ForcedDataset, key: str) -> Any:
    inner = (items[0] for name in FRAME_SEQUENCES if (items := frame.get(name)))
    found = (value for place in (frame, *inner, root) if (value := place.get(key)) is not None)
    value = next(found, None)
    if not isinstance(value, MultiValue):
        return value
    # As an array of numpy, its components have to be of one type
    kind = next((kind for kind in (str, float) if any(isinstance(part, kind) for part in value)), int)
    return [kind(part) for part in value]


def _plain(value: Any) -> Any:
    """Return a value of pydicom as plain Python; bytes as the text that they may be."""
    match value:
        case IS():
            return int(value)
        case DSfloat():
            return float(value)
        case PersonName() | UID():
            return str(value)
        case MultiValue():
            return [_plain(part) for part in value]
        case bytes():
            with suppress(UnicodeDecodeError):
                text = value.decode().strip("\0 ")
                return text.split("\\") if "\\" in text else text
    return value


def _without_empties(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Drop empty values, also those of the one frame; other nested ones stay."""
    kept = {key: value for key, value in shown.items() if value not in ("", None, [], {})}
    return {key: _without_empties(value) if isinstance(value, dict) else value for key, value in kept.items()}


def _stored(value: Any) -> Any:
    """Return a value as it arrives at the site by JSON: no bytes, no NaN."""
    if isinstance(value, dict):
        return {key: _stored(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_stored(part) for part in value]
    if isinstance(value, bytes):
        return value.hex() if len(value) < 10 else value.hex()[:10] + " ... truncated byte value."
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value)
    if value is None or isinstance(value, str):
        return value
    raise TypeError("no value of JSON")
