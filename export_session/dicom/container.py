"""The files that hold instances: a single file, a gzipped one, or a zip archive of a series.

Each can list its instances, reading no more than their headers, and write itself with new elements in some
of them. What was written is proven before the writing ends. Instances are streamed, so that memory depends
neither on the size of archives nor of pixel data.
"""

from __future__ import annotations

import os
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from export_session.errors import NotDicom, ProofFailed, UnsafeArchive

from .archive import Archive, Member, check
from .codec import (
    CHUNK,
    DEFLATED,
    STORED,
    WRITABLE,
    Damaged,
    Reader,
    Totals,
    compress,
    compressed,
    crc32,
    decompress,
    inflated,
)
from .instance import Instance
from .output import cut, rewritten, rewritten_bytes
from .parse import Parser
from .proof import Passing, checksums, prove
from .repack import Repacker

Elements = Mapping[int, Mapping[int, bytes]]  # instance → tag → new element
WrongValues = Callable[[int, Instance], str]  # number of the instance, and what was read of it

_IN_MEMORY = 2 << 20  # bytes; larger members are streamed
_WORKERS = max(1, min(4, os.cpu_count() or 1))
_AHEAD = 2 * _WORKERS  # members that are worked on before the first of them is written


class Container(Protocol):
    """A file with instances in it."""

    def instances(self) -> list[Instance]:
        """Read the headers of all files in it, in their order; the index is what edits refer to."""

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
def open_container(path: Path) -> Iterator[Container]:
    """Open a file for reading; its content decides what it is, not its name."""
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic[:2] == b"PK" and magic[2:] in (b"\3\4", b"\5\6", b"\7\10"):
        with Archive(path) as archive:
            yield ZipFile(archive)
    elif magic[:3] == b"\x1f\x8b\x08":
        yield GzipFile(path)
    else:
        yield SingleFile(path)


def read_instances(source: Path) -> Sequence[Instance]:
    """Read the header of every file in ``source``; members that are not DICOM come as ``Kind.OTHER``."""
    with open_container(source) as container:
        return container.instances()


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

    def write(self, target: Path, instances: Sequence[Instance], elements: Elements, wrong_values: WrongValues) -> None:
        """Write and prove the instance."""
        passing = Passing(lambda: _chunks(self._path), instances[0])
        with target.open("wb") as stream:
            stream.writelines(rewritten(passing, instances[0], elements[0]))
        prove(
            instances[0],
            elements[0],
            passing.sums,
            lambda: _chunks(target),
            size=target.stat().st_size,
            parser=self._parser,
            wrong_values=partial(wrong_values, 0),
        )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


class ZipFile:
    """A series in a zip archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._parser = Parser()
        self._own = threading.local()
        self._members = [member for member in archive.members if not member.info.is_dir()]

    def instances(self) -> list[Instance]:
        """Read the headers of all members that are no folders."""
        return [
            self._parser.parse(Reader(self._archive.content(member)).read, member.name, member.info.file_size)
            for member in self._members
        ]

    def write(self, target: Path, instances: Sequence[Instance], elements: Elements, wrong_values: WrongValues) -> None:
        """Write the archive; members without new elements keep their compressed bytes."""
        tasks = self._tasks(instances, elements, wrong_values)
        passing: dict[str, Passing] = {}  # by name of the member
        with target.open("wb") as stream, ThreadPoolExecutor(_WORKERS) as pool:
            repacker = Repacker(self._archive, stream)
            for task, packed in _in_order(pool, tasks, self._work):
                if packed is not None:
                    repacker.put(task.member, packed.data, packed.crc, packed.size)
                elif task.instance is None:
                    repacker.copy(task.member)
                else:
                    content = partial(self._archive.checked_content, task.member)
                    passing[task.member.name] = Passing(content, task.instance)
                    new = rewritten(passing[task.member.name], task.instance, task.elements)
                    repacker.stream(task.member, new)
            repacker.finish()
        self._prove(target, tasks, passing)

    def _tasks(self, instances: Sequence[Instance], elements: Elements, wrong_values: WrongValues) -> list[_Task]:
        index = {member.name: number for number, member in enumerate(self._members)}
        tasks = []
        for member in self._archive.members:
            number = index.get(member.name, -1)
            changed = number in elements
            if changed and member.info.compress_type not in WRITABLE:
                raise UnsafeArchive(
                    f"{member.name} is compressed with a method that cannot be written here; "
                    "pack the archive again with deflate"
                )
            instance = instances[number] if changed else None
            tasks.append(_Task(member, instance, elements.get(number, {}), partial(wrong_values, number)))
        return tasks

    def _work(self, task: _Task) -> _Packed | None:
        """Do all that can be done beside other members; None if the member is to be copied or streamed."""
        member, instance = task.member, task.instance
        if instance is None:
            for _ in self._archive.checked_content(member):
                pass  # reading to the end checks it
            return None
        if task.streamed:
            return None
        old = self._content(member)
        new = rewritten_bytes(old, instance, task.elements)
        data, again = new, new
        if member.info.compress_type == DEFLATED:
            data = compress(new)
            try:
                again = decompress(data, len(new))
            except Damaged as error:
                raise ProofFailed(f"{member.name}: the compressed data do not unpack: {error}") from None
        prove(
            instance,
            task.elements,
            lambda: checksums([old], instance),
            lambda: [again],
            size=len(new),
            parser=self._parser_of_this_thread(),
            wrong_values=task.wrong_values,
        )
        return _Packed(data, crc32(again), len(new))

    def _parser_of_this_thread(self) -> Parser:
        if not hasattr(self._own, "parser"):
            self._own.parser = self._parser.twin()
        return cast("Parser", self._own.parser)

    def _content(self, member: Member) -> bytes:
        """Read the whole of a stored or deflated member."""
        data = self._archive.read(member.start, member.info.compress_size)
        if member.info.compress_type == DEFLATED:
            try:
                data = decompress(data, member.info.file_size)
            except Damaged as error:
                raise UnsafeArchive(f"the compressed data of {member.name} are damaged: {error}") from None
        check(member, crc32(data), len(data))
        return data

    def _prove(self, target: Path, tasks: Sequence[_Task], passing: Mapping[str, Passing]) -> None:
        """Prove the archive as a whole, and the members that were streamed into it."""
        try:
            with Archive(target) as archive:
                self._prove_members(archive, tasks, passing)
        except UnsafeArchive as error:
            raise ProofFailed(f"the rewritten archive cannot be read: {error}") from None

    def _prove_members(self, archive: Archive, tasks: Sequence[_Task], passing: Mapping[str, Passing]) -> None:
        if [member.name for member in archive.members] != [task.member.name for task in tasks]:
            raise ProofFailed("the rewritten archive does not have the members of the original")
        for task, written in zip(tasks, archive.members, strict=True):
            instance = task.instance
            if instance is None:
                pairs = zip(self._archive.stored(task.member), archive.stored(written), strict=False)
                same = task.member.info.compress_size == written.info.compress_size
                if not same or any(one != other for one, other in pairs):
                    raise ProofFailed(f"{task.member.name} is not as it was in the rewritten archive")
            elif task.streamed:
                prove(
                    instance,
                    task.elements,
                    passing[task.member.name].sums,
                    partial(archive.checked_content, written),
                    size=written.info.file_size,
                    parser=self._parser,
                    wrong_values=task.wrong_values,
                )


class _Task(NamedTuple):
    """One member and what is to be done with it."""

    member: Member
    instance: Instance | None  # None: copied as it is
    elements: Mapping[int, bytes]
    wrong_values: Callable[[Instance], str]

    @property
    def streamed(self) -> bool:
        """Whether the new content never is in memory as a whole."""
        info = self.member.info
        return info.file_size > _IN_MEMORY or info.compress_type not in (STORED, DEFLATED)


class _Packed(NamedTuple):
    """The new content of a member, compressed."""

    data: bytes
    crc: int
    size: int


def _in_order(
    pool: ThreadPoolExecutor, tasks: Iterable[_Task], work: Callable[[_Task], _Packed | None]
) -> Iterator[tuple[_Task, _Packed | None]]:
    """Work on a few tasks at once, yield their results in order."""
    pending: deque[tuple[_Task, Future[_Packed | None]]] = deque()
    for task in tasks:
        pending.append((task, pool.submit(work, task)))
        if len(pending) > _AHEAD:
            first, future = pending.popleft()
            yield first, future.result()
    for first, future in pending:
        yield first, future.result()


class GzipFile:
    """One instance in a gzip file (RFC 1952); its header, with name and time, stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = Parser()  # knows the instance when it is read again

    def instances(self) -> list[Instance]:
        """Read the header of the instance."""
        return [self._parser.parse(Reader(_gunzipped(self._path)).read, self._path.name)]

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
            passing.sums,
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
        raise NotDicom(f"{path.name} is no complete gzip file ({error}); upload it again") from None
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
