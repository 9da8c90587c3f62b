"""A series in a zip archive, its members rewritten several at a time."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

from export_session.dicom.binary.deflate import DEFLATED, STORED, WRITABLE, Damaged, Reader, compress, crc32, decompress
from export_session.dicom.binary.instance import Instance
from export_session.dicom.binary.parser import Parser
from export_session.dicom.binary.splice import patches_for
from export_session.dicom.files.deflate_reuse import Joint, join
from export_session.dicom.files.packed import is_readable, packed_instance
from export_session.dicom.files.proof import Chunks, Elements, Kept, Original, Passing, Whole, WrongValues, prove
from export_session.dicom.files.stream import rewritten, rewritten_bytes
from export_session.dicom.files.zip_reader import Member, ZipReader, check
from export_session.dicom.files.zip_writer import ZipWriter
from export_session.errors import ProofFailed, UnsafeArchive

_IN_MEMORY = 2 << 20  # bytes; larger members are streamed
_WORKERS = max(1, min(4, os.cpu_count() or 1))
_SEARCHED = 64 << 10  # compressed bytes; in as many there often is what can be kept
_AHEAD = 2 * _WORKERS  # members that are worked on before the first of them is written


class ZipSeries:
    """A series in a zip archive."""

    def __init__(self, source: ZipReader) -> None:
        self._source = source
        self._parser = Parser()
        self._own = threading.local()
        self._members = [member for member in source.members if not member.info.is_dir()]

    def instances(self) -> list[Instance]:
        """Read the headers of all members that are no folders."""
        return [
            self._parser.parse(Reader(self._source.content(member)).read, member.name, member.info.file_size)
            if is_readable(member.info)
            else packed_instance(member.info)
            for member in self._members
        ]

    def content(self, index: int) -> Iterator[bytes]:
        """Yield the bytes of a member."""
        return self._source.content(self._members[index])

    def write(self, target: Path, instances: Sequence[Instance], elements: Elements, wrong_values: WrongValues) -> None:
        """Write the archive; members without new elements keep their compressed bytes, others what they can of them."""
        tasks = self._tasks(instances, elements, wrong_values)
        try:
            self._write(target, tasks)
        except (ProofFailed, UnsafeArchive):
            # What was kept may be damaged in the original, or not fit: packed anew, the archive tells or comes right.
            self._write(target, [task._replace(may_keep=False) for task in tasks])

    def _write(self, target: Path, tasks: Sequence[_Task]) -> None:
        seen: dict[str, Original] = {}  # of the originals of streamed members, by name
        with target.open("wb") as stream, ThreadPoolExecutor(_WORKERS) as pool:
            zip_writer = ZipWriter(self._source, stream)
            for task, packed in _in_order(pool, tasks, self._work):
                if packed is not None:
                    zip_writer.put(task.member, packed.data, packed.crc, packed.size)
                elif task.instance is None:
                    zip_writer.copy(task.member)
                else:
                    seen[task.member.name] = self._stream(task, task.instance, zip_writer)
            zip_writer.finish()
        self._prove(target, tasks, seen)

    def _tasks(self, instances: Sequence[Instance], elements: Elements, wrong_values: WrongValues) -> list[_Task]:
        index = {member.name: number for number, member in enumerate(self._members)}
        tasks = []
        for member in self._source.members:
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

    def _stream(self, task: _Task, instance: Instance, zip_writer: ZipWriter) -> Original:
        joint = self._joint(task, instance)
        if joint:
            zip_writer.join(task.member, joint)
            return Kept(instance, joint.old, len(joint.new))
        passing = Passing(partial(self._source.checked_content, task.member), instance)
        zip_writer.stream(task.member, rewritten(passing, instance, task.elements))
        return passing

    def _joint(self, task: _Task, instance: Instance) -> Joint | None:
        """Find what of a member's compressed data can stay."""
        info = task.member.info
        if not task.may_keep or info.compress_type != DEFLATED or instance.deflated:
            return None
        patches = patches_for(instance.elements, instance.start, task.elements)
        return join(self._source.stored(task.member, _SEARCHED), patches, info.CRC, info.file_size)

    def _work(self, task: _Task) -> _Packed | None:
        """Do all that can be done beside other members; None if the member is to be copied or streamed."""
        if task.instance is None:
            self._read(task.member)
            return None
        if task.streamed:
            return None
        return self._work_keeping(task, task.instance) or self._work_anew(task, task.instance)

    def _work_keeping(self, task: _Task, instance: Instance) -> _Packed | None:
        """Keep the compressed data behind the last change; None where that cannot be."""
        joint = self._joint(task, instance)
        if joint is None:
            return None
        data = b"".join((joint.lead, *self._source.stored(task.member, skip=joint.kept)))
        again = _unpacked(task.member, data, joint.size)
        if crc32(again) != joint.crc:
            raise ProofFailed(f"{task.member.name}: the compressed data that were kept do not fit")
        kept = Kept(instance, joint.old, len(joint.new))
        self._prove_instance(task, instance, kept, lambda: [again], joint.size)
        return _Packed(data, joint.crc, joint.size)

    def _work_anew(self, task: _Task, instance: Instance) -> _Packed:
        member = task.member
        old = self._content(member)
        new = rewritten_bytes(old, instance, task.elements)
        data, again = new, new
        if member.info.compress_type == DEFLATED:
            data = compress(new)
            again = _unpacked(member, data, len(new))
        self._prove_instance(task, instance, Whole(lambda: [old], instance), lambda: [again], len(new))
        return _Packed(data, crc32(again), len(new))

    def _prove_instance(self, task: _Task, instance: Instance, original: Original, written: Chunks, size: int) -> None:
        if not hasattr(self._own, "parser"):
            self._own.parser = self._parser.twin()
        parser = cast("Parser", self._own.parser)
        prove(instance, task.elements, original, written, size=size, parser=parser, wrong_values=task.wrong_values)

    def _read(self, member: Member) -> None:
        """Refuse a member that is damaged, if that can be told."""
        for _ in self._source.checked_content(member) if is_readable(member.info) else ():
            pass

    def _content(self, member: Member) -> bytes:
        """Read the whole of a stored or deflated member."""
        data = self._source.read(member.start, member.info.compress_size)
        if member.info.compress_type == DEFLATED:
            try:
                data = decompress(data, member.info.file_size)
            except Damaged as error:
                raise UnsafeArchive(f"the compressed data of {member.name} are damaged: {error}") from None
        check(member, crc32(data), len(data))
        return data

    def _prove(self, target: Path, tasks: Sequence[_Task], seen: Mapping[str, Original]) -> None:
        """Prove the archive as a whole, and the members that were copied or streamed into it."""
        try:
            with ZipReader(target) as copy:
                if [member.name for member in copy.members] != [task.member.name for task in tasks]:
                    raise ProofFailed("the rewritten archive does not have the members of the original")
                pairs = zip(tasks, copy.members, strict=True)
                left = [(task, written, seen.get(task.member.name)) for task, written in pairs if not task.proven]
                with ThreadPoolExecutor(_WORKERS) as pool:
                    list(pool.map(lambda one: self._prove_member(copy, *one), left))
        except UnsafeArchive as error:
            raise ProofFailed(f"the rewritten archive cannot be read: {error}") from None

    def _prove_member(self, copy: ZipReader, task: _Task, written: Member, original: Original | None) -> None:
        if task.instance and original:
            content = partial(copy.checked_content, written)
            self._prove_instance(task, task.instance, original, content, written.info.file_size)
            return
        pairs = zip(self._source.stored(task.member), copy.stored(written), strict=False)
        same = task.member.info.compress_size == written.info.compress_size
        if not same or any(one != other for one, other in pairs):
            raise ProofFailed(f"{task.member.name} is not as it was in the rewritten archive")


def _unpacked(member: Member, data: bytes, size: int) -> bytes:
    try:
        return decompress(data, size)
    except Damaged as error:
        raise ProofFailed(f"{member.name}: the compressed data do not unpack: {error}") from None


class _Task(NamedTuple):
    """One member and what is to be done with it."""

    member: Member
    instance: Instance | None  # None: copied as it is
    elements: Mapping[int, bytes]
    wrong_values: Callable[[Instance], str]
    may_keep: bool = True  # compressed data behind the last change

    @property
    def streamed(self) -> bool:
        """Whether the new content never is in memory as a whole."""
        info = self.member.info
        return info.file_size > _IN_MEMORY or info.compress_type not in (STORED, DEFLATED)

    @property
    def proven(self) -> bool:
        """Whether the new content was proven before it was written."""
        return self.instance is not None and not self.streamed


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
