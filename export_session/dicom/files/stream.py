"""The bytes of an instance with new elements in it: everything else is copied from the stream it came as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from export_session.dicom.binary.deflate import DEFLATED, compressed, inflated
from export_session.dicom.binary.elements import Element
from export_session.dicom.binary.instance import Instance
from export_session.dicom.binary.splice import patched, patches_for, splice


def rewritten(chunks: Iterable[bytes], instance: Instance, elements: Mapping[int, bytes]) -> Iterator[bytes]:
    """Yield the bytes of an instance with new elements.

    Parameters
    ----------
    chunks
        The bytes of the file as it is.
    instance
        What was parsed from them.
    elements
        New bytes of whole elements by tag, group lengths included.
    """
    if not instance.deflated:
        return splice(chunks, patches_for(instance.elements, instance.start, elements))
    return _rewritten_deflated(chunks, instance, elements)


def rewritten_bytes(data: bytes, instance: Instance, elements: Mapping[int, bytes]) -> bytes:
    """Do what :func:`rewritten` does, for an instance that is in memory as a whole."""
    if instance.deflated:
        return b"".join(rewritten([data], instance, elements))
    return patched(data, patches_for(instance.elements, instance.start, elements))


def _rewritten_deflated(chunks: Iterable[bytes], instance: Instance, elements: Mapping[int, bytes]) -> Iterator[bytes]:
    """Inflate, change and deflate again what follows the file meta (PS3.5 §A.5)."""
    meta, main = _sections(instance)
    meta_new = {tag: raw for tag, raw in elements.items() if tag >> 16 == 2}
    main_new = {tag: raw for tag, raw in elements.items() if tag >> 16 != 2}
    head, rest = cut(chunks, meta_end(instance))
    yield from splice([head], patches_for(meta, instance.start, meta_new))
    if not main_new:
        yield from rest
        return
    behind: list[bytes] = []
    size = 0
    for part in compressed(splice(inflated(rest, behind), patches_for(main, 0, main_new)), DEFLATED, well=True):
        size += len(part)
        yield part
    trailing = b"".join(behind)
    yield b"\0" * (size % 2) if trailing in (b"", b"\0") else trailing


def plain(chunks: Iterable[bytes], instance: Instance) -> Iterator[bytes]:
    """Yield the bytes of an instance with a deflated data set inflated."""
    if not instance.deflated:
        yield from chunks
        return
    head, rest = cut(chunks, meta_end(instance))
    yield head
    yield from inflated(rest)


def meta_end(instance: Instance) -> int:
    """Return where the file meta ends."""
    return instance.start + sum(element.length for element in _sections(instance)[0].values())


def _sections(instance: Instance) -> tuple[dict[int, Element], dict[int, Element]]:
    meta = {tag: element for tag, element in instance.elements.items() if tag >> 16 == 2}
    return meta, {tag: element for tag, element in instance.elements.items() if tag >> 16 != 2}


def cut(chunks: Iterable[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Split a stream into its first bytes and the rest."""
    source = iter(chunks)
    head = b""
    while len(head) < size and (chunk := next(source, None)) is not None:
        head += chunk

    def rest() -> Iterator[bytes]:
        yield head[size:]
        yield from source

    return head[:size], rest()
