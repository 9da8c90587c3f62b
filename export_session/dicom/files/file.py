"""The files that hold instances: a single file, a gzipped one, or a zip archive of a series.

Each can list its instances, reading no more than their headers, and write itself with new elements in some
of them. What was written is proven before the writing ends. Instances are streamed, so that memory depends
neither on the size of archives nor of pixel data.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from export_session.dicom.binary.deflate import CHUNK, DEFLATED, Damaged, Reader, Totals, compressed, inflated
from export_session.dicom.binary.instance import Instance
from export_session.dicom.binary.parser import Parser
from export_session.dicom.files.proof import Elements, Passing, WrongValues, prove
from export_session.dicom.files.stream import cut, rewritten
from export_session.dicom.files.zip_reader import ZipReader
from export_session.dicom.files.zip_series import ZipSeries
from export_session.errors import NotDicom


class DicomFile(Protocol):
    """A file with instances in it."""

    def instances(self) -> list[Instance]:
        """Read the headers of all files in it, in their order; the index is what edits refer to."""

    def content(self, index: int) -> Iterator[bytes]:
        """Yield the bytes of one of these files, in bounded pieces."""

    def write(self, target: Path, instances: Sequence[Instance], elements: Elements, wrong_values: WrongValues) -> None:
        """Write a copy with new elements and prove it.

        Parameters
        ----------
        target
            Where to write it.
        instances
            As :meth:`instances` gave them.
        elements
            New elements of some of them.
        wrong_values
            Says which value of a written instance does not read back as it was asked for.

        Raises
        ------
        HeaderError
            The copy cannot be made, or is not as intended.
        """


@contextmanager
def open_file(path: Path) -> Iterator[DicomFile]:
    """Open a file for reading; its content decides what it is, not its name."""
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic[:2] == b"PK" and magic[2:] in (b"\3\4", b"\5\6", b"\7\10"):
        with ZipReader(path) as zip_reader:
            yield ZipSeries(zip_reader)
    elif magic[:3] == b"\x1f\x8b\x08":
        yield GzipFile(path)
    else:
        yield SingleFile(path)


def read_instances(source: Path) -> Sequence[Instance]:
    """Read the header of every file in ``source``; members that are not DICOM come as ``Kind.OTHER``."""
    with open_file(source) as file:
        return file.instances()


class SingleFile:
    """One instance in a file of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = Parser()  # knows the instance when it is read again

    def instances(self) -> list[Instance]:
        """Read the header."""
        with self._path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            return [self._parser.parse(stream.read, self._path.name, size)]

    def content(self, index: int) -> Iterator[bytes]:  # noqa: ARG002 - there is but one
        """Yield the bytes of the file."""
        return _chunks(self._path)

    def write(self, target: Path, instances: Sequence[Instance], elements: Elements, wrong_values: WrongValues) -> None:
        """Write and prove the instance."""
        passing = Passing(lambda: _chunks(self._path), instances[0])
        with target.open("wb") as stream:
            stream.writelines(rewritten(passing, instances[0], elements[0]))
        prove(
            instances[0],
            elements[0],
            passing,
            lambda: _chunks(target),
            size=target.stat().st_size,
            parser=self._parser,
            wrong_values=partial(wrong_values, 0),
        )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


class GzipFile:
    """One instance in a gzip file (RFC 1952); its header, with name and time, stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = Parser()  # knows the instance when it is read again

    def instances(self) -> list[Instance]:
        """Read the header of the instance."""
        return [self._parser.parse(Reader(_gunzipped(self._path)).read, self._path.name)]

    def content(self, index: int) -> Iterator[bytes]:  # noqa: ARG002 - there is but one
        """Yield the inflated bytes."""
        return _gunzipped(self._path)

    def write(self, target: Path, instances: Sequence[Instance], elements: Elements, wrong_values: WrongValues) -> None:
        """Write and prove the instance."""
        passing = Passing(lambda: _gunzipped(self._path), instances[0])
        with target.open("wb") as stream:
            stream.write(_gzip_header(self._path))
            totals = Totals(rewritten(passing, instances[0], elements[0]))
            stream.writelines(compressed(totals, DEFLATED))
            stream.write(_gzip_trailer(totals))
        prove(
            instances[0],
            elements[0],
            passing,
            lambda: _gunzipped(target),
            size=totals.size,
            parser=self._parser,
            wrong_values=partial(wrong_values, 0),
        )


def _gunzipped(path: Path) -> Iterator[bytes]:
    rest: list[bytes] = []
    totals = Totals(inflated(cut(_chunks(path), len(_gzip_header(path)))[1], rest))
    try:
        yield from totals
    except Damaged as error:
        raise NotDicom(f"{path.name} is not a complete gzip file ({error}); upload it again") from None
    if b"".join(rest) != _gzip_trailer(totals):
        raise NotDicom(f"{path.name}: the checksum is wrong, or something follows it; upload it again")


def _gzip_trailer(totals: Totals) -> bytes:
    return struct.pack("<2L", totals.crc, totals.size & 0xFFFFFFFF)


def _gzip_header(path: Path) -> bytes:
    """Return the header of a gzip file: ten bytes and the fields that its flags announce."""
    with path.open("rb") as stream:
        data = stream.read(1 << 16)
    end = 10
    flags = data[3] if len(data) > 3 else 0
    if flags & 4:  # extra field
        end += 2 + int.from_bytes(data[10:12], "little")
    for flag in (8, 16):  # name, comment
        if flags & flag:
            end = data.find(b"\0", end) + 1 or len(data)
    return data[: end + (2 if flags & 2 else 0)]  # 2: checksum of the header itself
