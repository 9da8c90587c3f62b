"""Reads single elements from a stream; bulk data is passed over without being kept."""

from __future__ import annotations

from export_session.dicom.binary.elements import (
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
from export_session.dicom.binary.window import Window
from export_session.dicom.dictionary import BINARY_VRS, FRAGMENT_VRS, PIXEL_DATA, tag_text, vr_in_dictionary

_HELD_BULK = 1024  # bytes; longer bulk values are passed over
_SHOWN_BULK = 64  # bytes of a bulk value that stay visible
_HELD_MAX = 256 << 20  # bytes of one element that is not bulk data; more is no header


class CutOff(Malformed):
    """The file ends within the value of an element."""

    def __init__(self, head: Head, raw: bytes) -> None:
        super().__init__(f"the file ends within {tag_text(head.tag)}")
        self.element = cut_off(head, raw)


class ElementReader:
    """Reads elements one after the other.

    Parameters
    ----------
    window
        Stands at the first of them.
    shared
        All elements read so far, also of other instances, by their bytes; equal ones are the same object.
    """

    def __init__(self, window: Window, shared: dict[bytes, Element]) -> None:
        self._window = window
        self._shared = shared
        self.truncated = False  # whether pixel data end early

    def read(self, syntax: Syntax) -> Element:
        """Read the next element.

        Raises
        ------
        Malformed
            There is no element, or it is not all there.
        """
        try:
            head = read_head(self._window.data, self._window.pos, syntax)
        except Incomplete:
            raise Malformed("the file ends within an element") from None
        if head.length == UNDEFINED and (head.tag in PIXEL_DATA or head.vr in FRAGMENT_VRS):
            return self._pass_fragments(head, syntax)
        if head.length != UNDEFINED and head.length > _HELD_BULK and _is_bulk(head):
            return self._pass_value(head)
        return self._hold(head, syntax)

    def _hold(self, head: Head, syntax: Syntax) -> Element:
        end = self._end_of_value(head, syntax)
        raw = self._window.data[self._window.pos : end]
        self._window.pos = end
        element = self._shared.get(raw)
        if element is None or element.vr != head.vr or element.tag != head.tag:
            element = Element(head.tag, head.vr, raw, head.size, len(raw), head.length == UNDEFINED)
            self._shared[raw] = element
        return element

    def _end_of_value(self, head: Head, syntax: Syntax) -> int:
        """Find where in the window a value ends, which is read up to there."""
        window = self._window
        wanted = head.size + (head.length if head.length != UNDEFINED else 0)
        while True:
            if wanted > _HELD_MAX:
                raise Malformed(f"{tag_text(head.tag)} is longer than any header element")
            window.fill(wanted)
            try:
                return end_of_value(window.data, window.pos + head.size, head, syntax)
            except Incomplete:
                if window.ended:
                    raise CutOff(head, window.data[window.pos :]) from None
                wanted = 2 * max(wanted, len(window.data) - window.pos)

    def _pass_value(self, head: Head) -> Element:
        raw = self._window.peek(head.size + _SHOWN_BULK)
        missing = self._window.skip(head.size + head.length)
        if missing:
            self._note_truncated(head)
        return Element(head.tag, head.vr, raw, head.size, head.size + head.length - missing, undefined=False)

    def _pass_fragments(self, head: Head, syntax: Syntax) -> Element:
        """Pass over encapsulated pixel data fragment by fragment (PS3.5 §A.4)."""
        raw = self._window.peek(head.size)
        self._window.skip(head.size)
        length = head.size
        while True:
            item_head = self._window.peek(8)
            if len(item_head) < 8:
                length += len(item_head)
                self._window.skip(len(item_head))
                self._note_truncated(head)
                break
            item = read_head(item_head, 0, syntax)
            closing = item.tag == SEQUENCE_DELIMITER
            if not closing and (item.tag != ITEM or item.length == UNDEFINED):
                raise Malformed("encapsulated pixel data hold something that is not a fragment")
            size = 8 if closing else 8 + item.length
            missing = self._window.skip(size)
            length += size - missing
            if missing:
                self._note_truncated(head)
            if missing or closing:
                break
        return Element(head.tag, head.vr, raw, head.size, length, undefined=True)

    def _note_truncated(self, head: Head) -> None:
        if head.tag not in PIXEL_DATA:
            raise Malformed(f"the file ends within {tag_text(head.tag)}")
        self.truncated = True


def _is_bulk(head: Head) -> bool:
    if head.tag in PIXEL_DATA:
        return True
    vr = vr_in_dictionary(head.tag).partition(" ")[0] if head.vr in ("", "UN") else head.vr
    return not vr or vr in BINARY_VRS
