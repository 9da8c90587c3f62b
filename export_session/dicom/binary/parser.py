"""Reads instances from a stream of bytes: one pass forward, bounded memory.

The instances of a series repeat most of their elements. The parser therefore first looks whether the bytes
at hand are the next element of the instance before, and decodes only what differs.
"""

from __future__ import annotations

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    PrivateTransferSyntaxes,
)

from export_session.dicom.binary.deflate import Damaged
from export_session.dicom.binary.element_reader import CutOff, ElementReader
from export_session.dicom.binary.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Element,
    Malformed,
    Syntax,
)
from export_session.dicom.binary.expected import Expected
from export_session.dicom.binary.instance import DIRECTORY_STORAGE, Instance, Kind, decode_plain
from export_session.dicom.binary.window import Read, Window
from export_session.dicom.dictionary import LONG_VRS, PIXEL_DATA, SHORT_VRS, TRANSFER_SYNTAX_UID

_MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
_SYNTAXES: dict[str, Syntax] = {ImplicitVRLittleEndian: IMPLICIT_LITTLE, ExplicitVRBigEndian: EXPLICIT_BIG}


class Parser:
    """Reads instances one after the other and lets them share the elements they have in common."""

    def __init__(self, shared: dict[bytes, Element] | None = None) -> None:
        self._shared: dict[bytes, Element] = {} if shared is None else shared
        self._meta = Expected()
        self._main = Expected()

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
        parse = _Parse(Window(read, size), self._shared)
        instance = parse.instance(name, self._meta, self._main)
        if not instance.problem and not instance.truncated:
            self._meta.learn(parse.meta)
            self._main.learn(parse.main)
        return instance

    def twin(self) -> Parser:
        """Return a parser for another thread, which shares elements with this one."""
        return Parser(self._shared)


class _Parse:
    """The parse of one instance."""

    def __init__(self, window: Window, shared: dict[bytes, Element]) -> None:
        self._window = window
        self._reader = ElementReader(window, shared)
        self._trailing = 0
        self._bulk: dict[int, int] = {}
        self._end = 0
        self._deflated = False
        self._unread = False
        self._syntax = EXPLICIT_LITTLE
        self.meta: list[Element] = []
        self.main: list[Element] = []

    def instance(self, name: str, expected_meta: Expected, expected_main: Expected) -> Instance:
        """Read the instance; what cannot be accounted for becomes its problem."""
        prefixed = self._window.peek(132)[128:] == b"DICM"
        if not prefixed and not _may_start_data_set(self._window.data):
            return Instance(name, Kind.OTHER, problem="there is no DICM prefix")
        self._window.pos = 132 if prefixed else 0
        problem = self._read_elements(expected_meta, expected_main)
        elements = {element.tag: element for element in (*self.meta, *self.main)}
        if not problem and len(elements) < len(self.meta) + len(self.main):
            problem = "an element occurs twice"
        if not elements:
            problem = problem or "it holds no data elements"
        if not prefixed and problem:
            return Instance(name, Kind.OTHER, problem=problem)
        media = elements.get(_MEDIA_STORAGE_SOP_CLASS_UID)
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
            truncated=self._reader.truncated,
            unread=self._unread,
            problem=problem,
        )

    def _read_elements(self, expected_meta: Expected, expected_main: Expected) -> str:
        """Read file meta and data set; say what is wrong with them, "" if nothing is."""
        try:
            self._read_section(self.meta, expected_meta, EXPLICIT_LITTLE, meta=True)
            self._choose_syntax()
            self._read_section(self.main, expected_main, self._syntax, meta=False)
        except Malformed as error:
            self._unread = not isinstance(error, CutOff)
            return str(error)
        except Damaged as error:
            return f"the deflated data set is damaged: {error}"
        return ""

    def _choose_syntax(self) -> None:
        """Find how the data set is encoded; where the declaration is missing or wrong, from its first bytes."""
        declared = next((decode_plain(e.value) for e in self.meta if e.tag == TRANSFER_SYNTAX_UID), None)
        if declared == DeflatedExplicitVRLittleEndian:
            self._deflated = True
            self._window.inflate()
        first = self._window.peek(6)
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

    def _read_section(self, found: list[Element], expected: Expected, syntax: Syntax, *, meta: bool) -> None:
        window = self._window
        expected.restart()
        while True:
            found += expected.take(window)
            window.fill(12)  # bytes of the longest head
            if self._at_end(found, syntax, meta=meta):
                return
            start = window.position
            try:
                element = self._reader.read(syntax)
            except Malformed as error:
                if _after_pixel_data(found):
                    self._trail_from(start)
                    return
                if isinstance(error, CutOff):
                    found.append(error.element)
                raise
            found.append(element)
            expected.met(element)
            if not element.held:
                self._bulk[element.tag] = start

    def _at_end(self, found: list[Element], syntax: Syntax, *, meta: bool) -> bool:
        """Tell whether no further element of this section follows; account for what does follow."""
        window = self._window
        group = window.data[window.pos : window.pos + 2]
        left = len(window.data) - window.pos
        if meta:
            return left < 8 or group != b"\x02\x00"
        if left >= 8 and int.from_bytes(group, "little" if syntax.little else "big") not in (0, 2, 0xFFFE):
            return False
        zero = self._trail_from(window.position)
        if not zero and not _after_pixel_data(found):
            raise Malformed(f"{self._trailing} bytes behind the last readable element are not a data element")
        return True

    def _trail_from(self, start: int) -> bool:
        """Take all bytes from a place on for padding; tell whether those not yet passed are zero."""
        end, zero = self._window.rest()
        self._end, self._trailing = start, end - start
        return zero


def _may_start_data_set(data: bytes) -> bool:
    """Tell whether bytes without preamble start like file meta or like a data set of either byte order."""
    return data[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08") and len(data) >= 8


def _after_pixel_data(found: list[Element]) -> bool:
    return any(element.tag in PIXEL_DATA for element in found)
