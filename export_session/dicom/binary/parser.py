"""Reads instances from a stream of bytes: one pass forward, bounded memory.

The instances of a series repeat most of their elements. The parser therefore first looks whether the bytes
at hand are the next element of the instance before, and decodes only what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    PrivateTransferSyntaxes,
)

from export_session.dicom.binary.deflate import Damaged
from export_session.dicom.binary.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    SEQUENCE_DELIMITER,
    UNDEFINED,
    Element,
    Head,
    Incomplete,
    Malformed,
    Syntax,
    cut_off,
    end_of_value,
    read_head,
)
from export_session.dicom.binary.instance import DIRECTORY_STORAGE, Instance, Kind, decode_plain
from export_session.dicom.binary.window import Read, Window
from export_session.dicom.dictionary import (
    BINARY_VRS,
    FRAGMENT_VRS,
    LONG_VRS,
    PIXEL_DATA,
    SHORT_VRS,
    TRANSFER_SYNTAX_UID,
    tag_text,
    vr_in_dictionary,
)

_SYNTAXES: dict[str, Syntax] = {ImplicitVRLittleEndian: IMPLICIT_LITTLE, ExplicitVRBigEndian: EXPLICIT_BIG}
_HELD_BULK = 1024  # bytes; longer bulk values are passed over
_SHOWN_BULK = 64  # bytes of a bulk value that stay visible
_HELD_MAX = 256 << 20  # bytes of one element that is not bulk data; more is no header


Run = tuple[bytes, tuple[Element, ...]]  # elements that follow each other and their bytes; b"" if those vary


class Parser:
    """Reads instances one after the other and lets them share the elements they have in common."""

    def __init__(self, shared: dict[bytes, Element] | None = None) -> None:
        self._shared: dict[bytes, Element] = {} if shared is None else shared
        self._varying: set[int] = set()  # tags whose value was not the same in all instances so far
        self._runs: tuple[list[Run], list[Run]] = ([], [])

    def parse(self, read: Read, name: str, size: int | None = None) -> Instance:
        """Read one instance.

        Parameters
        ----------
        read
            Gives up to n further bytes of the file, ``b""`` at its end.
        name
            What to call it.
        size
            Its size where that is known: pixel data that reach exactly to the end are not read then.
        """
        known = len(self._varying)
        instance = _Parse(Window(read, size), self._shared, self._runs, self._varying).instance(name)
        intact = not instance.problem and not instance.truncated
        if intact and (len(self._varying) > known or not self._runs[1]):
            self._expect(instance)
        return instance

    def twin(self) -> Parser:
        """Return a parser for another thread, which shares elements with this one."""
        return Parser(self._shared)

    def _expect(self, instance: Instance) -> None:
        elements = instance.elements.values()
        self._runs = (
            self._runs_of([element for element in elements if element.tag >> 16 == 2]),
            self._runs_of([element for element in elements if element.tag >> 16 != 2]),
        )

    def _runs_of(self, elements: Sequence[Element]) -> list[Run]:
        runs: list[Run] = []
        for steady, group in groupby(elements, lambda e: e.held and e.tag not in self._varying):
            members = tuple(group)
            if steady:
                runs.append((b"".join(element.raw for element in members), members))
            else:
                runs += ((b"", (element,)) for element in members)
        return runs


class _CutOff(Malformed):
    """The file ends within the value of an element."""

    def __init__(self, head: Head, raw: bytes) -> None:
        super().__init__(f"the file ends within {tag_text(head.tag)}")
        self.element = cut_off(head, raw)


class _Parse:
    """The parse of one instance."""

    def __init__(
        self,
        window: Window,
        shared: dict[bytes, Element],
        runs: tuple[list[Run], list[Run]],
        varying: set[int],
    ) -> None:
        self._window = window
        self._shared = shared
        self._runs = runs
        self._varying = varying
        self._pos = 0
        self._truncated = False
        self._trailing = 0
        self._bulk: dict[int, int] = {}
        self._end = 0
        self._deflated = False
        self._syntax = EXPLICIT_LITTLE
        self.meta: list[Element] = []
        self.main: list[Element] = []

    def instance(self, name: str) -> Instance:
        """Read the instance; what cannot be accounted for becomes its problem."""
        window = self._window
        window.fill(0, 132)
        prefixed = window.data[128:132] == b"DICM"
        if not prefixed and not _may_start_data_set(window.data):
            return Instance(name, Kind.OTHER, problem="there is no DICM prefix")
        self._pos = 132 if prefixed else 0
        problem, unread = "", False
        try:
            self._read_elements()
        except Malformed as error:
            problem, unread = str(error), not isinstance(error, _CutOff)
        except Damaged as error:
            problem = f"the deflated data set is damaged: {error}"
        elements = {element.tag: element for element in (*self.meta, *self.main)}
        if not problem and len(elements) < len(self.meta) + len(self.main):
            problem = "an element occurs twice"
        if not elements:
            problem = problem or "it holds no data elements"
        if not prefixed and problem:
            return Instance(name, Kind.OTHER, problem=problem)
        media = elements.get(0x00020002)
        directory = media is not None and decode_plain(media.value) == DIRECTORY_STORAGE
        return Instance(
            name=name,
            kind=Kind.DIRECTORY if directory else Kind.INSTANCE,
            elements=elements,
            prefixed=prefixed,
            syntax=self._syntax,
            deflated=self._deflated,
            bulk=self._bulk,
            end=self._end,
            trailing=self._trailing,
            truncated=self._truncated,
            unread=unread,
            problem=problem,
        )

    def _read_elements(self) -> None:
        self._read_section(self.meta, self._runs[0], EXPLICIT_LITTLE, meta=True)
        self._choose_syntax()
        self._read_section(self.main, self._runs[1], self._syntax, meta=False)

    def _choose_syntax(self) -> None:
        """Find how the data set is encoded; where the declaration is missing or wrong, from its first bytes."""
        declared = next((decode_plain(e.value) for e in self.meta if e.tag == TRANSFER_SYNTAX_UID), None)
        if declared == DeflatedExplicitVRLittleEndian:
            self._deflated = True
            self._window.inflate(self._pos)
            self._pos = 0
        self._pos = self._window.fill(self._pos, 8)
        first = self._window.data[:6]
        looks_explicit = len(first) < 6 or first[4:].decode("latin-1") in SHORT_VRS | LONG_VRS
        if declared is None:
            big = looks_explicit and int.from_bytes(first[:2], "little") >= 0x400
            self._syntax = Syntax(implicit=not looks_explicit, little=not big)
            return
        if declared in PrivateTransferSyntaxes:
            private = PrivateTransferSyntaxes[PrivateTransferSyntaxes.index(declared)]
            expected = Syntax(private.is_implicit_VR, private.is_little_endian)
        else:
            expected = _SYNTAXES.get(declared, EXPLICIT_LITTLE)
        self._syntax = expected._replace(implicit=not looks_explicit) if len(first) == 6 else expected

    def _read_section(self, found: list[Element], runs: list[Run], syntax: Syntax, *, meta: bool) -> None:
        at = 0  # of the run that is likely to come next
        compared = bool(runs)
        while True:
            at = self._take_runs(found, runs, at)
            if len(self._window.data) - self._pos < 12 and not self._window.ended:
                self._pos = self._window.fill(self._pos, 12)
                continue
            if self._at_end(found, syntax, meta=meta):
                break
            start = self._window.position(self._pos)
            try:
                element = self._read_element(syntax)
            except Malformed as error:
                if not _after_pixel_data(found):
                    found += [error.element] if isinstance(error, _CutOff) else []
                    raise
                self._end = start
                self._trailing = self._window.rest(self._pos)[0] - start
                break
            found.append(element)
            if not element.held:
                self._bulk[element.tag] = start
            if compared and element.held:
                self._varying.add(element.tag)
            while at < len(runs) and runs[at][1][-1].tag <= element.tag:
                at += 1

    def _take_runs(self, found: list[Element], runs: list[Run], at: int) -> int:
        """Take the elements that are those of the instance before; return which run may come next."""
        window, data, pos = self._window, self._window.data, self._pos
        while at < len(runs):
            raw, run = runs[at]
            if raw and data.startswith(raw, pos):
                found.extend(run)
                pos += len(raw)
                at += 1
            elif raw and len(data) - pos < len(raw) and not window.ended:
                pos = window.fill(pos, len(raw))
                data = window.data
            elif len(run) > 1:  # something in it is different
                runs[at : at + 1] = [(element.raw, (element,)) for element in run]
            else:
                break
        self._pos = pos
        return at

    def _at_end(self, found: list[Element], syntax: Syntax, *, meta: bool) -> bool:
        """Tell whether no further element of this section follows; account for what does follow."""
        window, pos = self._window, self._pos
        group = window.data[pos : pos + 2]
        left = len(window.data) - pos
        if meta:
            return left < 8 or group != b"\x02\x00"
        if left >= 8 and int.from_bytes(group, "little" if syntax.little else "big") not in (0, 2, 0xFFFE):
            return False
        start = window.position(pos)
        end, zero = window.rest(pos)
        self._end = start
        self._trailing = end - start
        if not zero and not _after_pixel_data(found):
            raise Malformed(f"{self._trailing} bytes behind the last readable element are no data element")
        return True

    def _read_element(self, syntax: Syntax) -> Element:
        window = self._window
        try:
            head = read_head(window.data, self._pos, syntax)
        except Incomplete:
            raise Malformed("the file ends within an element") from None
        if head.length == UNDEFINED and (head.tag in PIXEL_DATA or head.vr in FRAGMENT_VRS):
            return self._skip_fragments(head, syntax)
        if head.length != UNDEFINED and head.length > _HELD_BULK and _is_bulk(head):
            return self._skip_value(head)
        wanted = head.size + (head.length if head.length != UNDEFINED else 0)
        while True:
            if wanted > _HELD_MAX:
                raise Malformed(f"{tag_text(head.tag)} is longer than any header element")
            self._pos = window.fill(self._pos, wanted) if len(window.data) - self._pos < wanted else self._pos
            try:
                end = end_of_value(window.data, self._pos + head.size, head, syntax)
            except Incomplete:
                if window.ended:
                    raise _CutOff(head, window.data[self._pos :]) from None
                wanted = 2 * max(wanted, len(window.data) - self._pos)
            else:
                break
        raw = window.data[self._pos : end]
        self._pos = end
        element = self._shared.get(raw)
        if element is None or element.vr != head.vr or element.tag != head.tag:
            element = Element(head.tag, head.vr, raw, head.size, len(raw), head.length == UNDEFINED)
            self._shared[raw] = element
        return element

    def _skip_value(self, head: Head) -> Element:
        self._pos = self._window.fill(self._pos, head.size + _SHOWN_BULK)
        raw = self._window.data[self._pos : self._pos + head.size + _SHOWN_BULK]
        self._pos, missing = self._window.skip(self._pos, head.size + head.length)
        if missing:
            if head.tag not in PIXEL_DATA:
                raise Malformed(f"the file ends within {tag_text(head.tag)}")
            self._truncated = True
        return Element(head.tag, head.vr, raw, head.size, head.size + head.length - missing, undefined=False)

    def _skip_fragments(self, head: Head, syntax: Syntax) -> Element:
        """Pass over encapsulated pixel data fragment by fragment (PS3.5 §A.4)."""
        window = self._window
        raw = window.data[self._pos : self._pos + head.size]
        self._pos += head.size
        length = head.size
        while True:
            self._pos = window.fill(self._pos, 8)
            if len(window.data) < 8:
                length += len(window.data)
                self._pos = len(window.data)
                missing = 8
            else:
                item = read_head(window.data, 0, syntax)
                if item.tag == SEQUENCE_DELIMITER:
                    self._pos = 8
                    length += 8
                    break
                if item.tag != ITEM or item.length == UNDEFINED:
                    raise Malformed("encapsulated pixel data hold something that is no fragment")
                self._pos, missing = window.skip(0, 8 + item.length)
                length += 8 + item.length - missing
            if missing:
                if head.tag not in PIXEL_DATA:
                    raise Malformed(f"the file ends within {tag_text(head.tag)}")
                self._truncated = True
                break
        return Element(head.tag, head.vr, raw, head.size, length, undefined=True)


def _may_start_data_set(data: bytes) -> bool:
    """Tell whether bytes without preamble start like file meta or like a data set of either byte order."""
    return data[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08") and len(data) >= 8


def _after_pixel_data(found: list[Element]) -> bool:
    return any(element.tag in PIXEL_DATA for element in found)


def _is_bulk(head: Head) -> bool:
    if head.tag in PIXEL_DATA:
        return True
    vr = vr_in_dictionary(head.tag).partition(" ")[0] if head.vr in ("", "UN") else head.vr
    return not vr or vr in BINARY_VRS
