"""Makes an input smaller as long as the same kind of finding stays, so that what is left is what matters."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tests.judge.archives import Member, ZipArchive, archive_of
from tests.judge.campaign import MIXED, Report, headers_of
from tests.judge.dataset import Element, Encoding, File, Item, encoded
from tests.judge.files import file_of
from tests.judge.importers import Running
from tests.judge.kinds import kind_of
from tests.judge.verdict import findings

Input = TypeVar("Input", File, ZipArchive)
_LONG = 48  # bytes of a value that are shown


def shrunk(report: Report, running: Sequence[Running], steps: int = 400) -> File | ZipArchive:
    """The smallest input found that gives a finding of the same kind by the same importer."""
    wanted = kind_of(report.finding)
    needed = {"fmi", "grp3"} if report.importer == MIXED else {report.importer}
    running = [one for one in running if one.importer.name in needed]
    with tempfile.TemporaryDirectory(prefix="judge-") as folder:
        path = Path(folder) / ("1.dcm" if report.kind == "file" else "1.zip")

        def still(made: File | ZipArchive) -> bool:
            path.write_bytes(made.encoded())
            for importer, header in headers_of(report.seed, path, running):
                if importer == report.importer:
                    return any(kind_of(finding) == wanted for finding in findings(path, header, **dict(report.options)))
            return False

        if report.kind == "file":
            return _smaller(file_of(report.seed), _smaller_files, still, steps)
        return _smaller(archive_of(report.seed), _smaller_archives, still, steps)


def _smaller(
    start: Input, smaller: Callable[[Input], Iterator[Input]], still: Callable[[Input], bool], steps: int
) -> Input:
    found = start
    for _ in range(steps):
        for candidate in smaller(found):
            if still(candidate):
                found = candidate
                break
        else:
            break
    return found


def _smaller_files(made: File) -> Iterator[File]:
    for field, plain in (
        ("tail", b""),
        ("cut", 0),
        ("deflated", False),
        ("meta", ()),
        ("preamble", bytes(128)),
        ("syntax", None),
    ):
        if getattr(made, field) != plain:
            yield replace(made, **{field: plain})  # type: ignore[arg-type]
    for fewer in _fewer(made.elements):
        yield made.with_elements(fewer)


def _fewer(elements: tuple[Element, ...]) -> Iterator[tuple[Element, ...]]:
    size = len(elements) // 2
    while size:
        for at in range(0, len(elements), size):
            yield elements[:at] + elements[at + size :]
        size //= 2
    for at, element in enumerate(elements):
        if isinstance(element.value, tuple):
            for items in _fewer_items(element.value):
                yield (*elements[:at], replace(element, value=items), *elements[at + 1 :])


def _fewer_items(items: tuple[Item, ...]) -> Iterator[tuple[Item, ...]]:
    for at, item in enumerate(items):
        yield items[:at] + items[at + 1 :]
        for fewer in _fewer(item.elements):
            yield (*items[:at], replace(item, elements=fewer), *items[at + 1 :])


def _smaller_archives(made: ZipArchive) -> Iterator[ZipArchive]:
    for at in range(len(made.members)):
        yield replace(made, members=made.members[:at] + made.members[at + 1 :])
    if any(member.deflated or member.descriptor for member in made.members):
        yield replace(made, members=tuple(replace(member, deflated=False, descriptor=False) for member in made.members))
    tags = {element.tag for member in made.members if member.instance for element in member.instance.elements}
    for tag in sorted(tags):
        yield replace(made, members=tuple(_without(member, tag) for member in made.members))
    for at, member in enumerate(made.members):
        if member.instance is not None:
            for fewer in _fewer(member.instance.elements):
                smaller = _with(member, member.instance.with_elements(fewer))
                yield replace(made, members=(*made.members[:at], smaller, *made.members[at + 1 :]))


def _without(member: Member, tag: int) -> Member:
    if member.instance is None:
        return member
    return _with(member, member.instance.with_elements(one for one in member.instance.elements if one.tag != tag))


def _with(member: Member, instance: File) -> Member:
    return replace(member, instance=instance, data=instance.encoded())


def described(made: File | ZipArchive) -> Iterator[str]:
    """The input, line by line."""
    if isinstance(made, File):
        yield f"{made.form}, syntax {made.syntax_uid or 'not declared'}{_dressing(made)}"
        yield from _elements(made.elements, made.form, "  ")
        return
    for member in made.members:
        if member.instance is None:
            yield f"{member.name}: {len(member.data)} bytes {member.data[:_LONG].hex(' ')}"
        else:
            yield f"{member.name}:"
            yield from ("  " + line for line in described(member.instance))


def _dressing(made: File) -> str:
    notes = [
        "" if made.preamble is not None else "no preamble",
        "no file meta" if made.meta is None else f"{len(made.meta)} more in group 0002" if made.meta else "",
        f"tail {made.tail[:16].hex(' ')}" if made.tail else "",
        f"{made.cut} bytes cut off" if made.cut else "",
        "deflated" if made.deflated else "",
    ]
    if made.meta:
        notes.append("; ".join(f"{element.tag:08X} {element.vr} {_bytes(element)}" for element in made.meta))
    return "".join(f", {note}" for note in notes if note)


def _elements(elements: tuple[Element, ...], form: Encoding, indent: str) -> Iterator[str]:
    for element in elements:
        vr = repr(element.vr)[1:-1] if form.explicit else "--"
        odd = "".join(
            f", {name}"
            for name, is_so in (("undefined length", element.undefined), (f"length off by {element.lie}", element.lie))
            if is_so
        )
        if isinstance(element.value, tuple):
            yield f"{indent}{element.tag:08X} {vr} {len(element.value)} items{odd}"
            for item in element.value:
                yield f"{indent}  item{', undefined length' if item.undefined else ''}{f', length off by {item.lie}' if item.lie else ''}"
                yield from _elements(
                    item.elements, Encoding(explicit=False) if element.implicit_inside else form, indent + "    "
                )
        else:
            raw = " (raw)" if element.raw else ""
            yield f"{indent}{element.tag:08X} {vr}{raw} {_bytes(element)}{odd}"


def _bytes(element: Element) -> str:
    value = element.value if isinstance(element.value, bytes) else encoded([element], Encoding())
    more = "" if len(value) <= _LONG else f" … ({len(value)} bytes)"
    return f"[{value[:_LONG].hex(' ')}]{more} {value[:_LONG]!r}"
