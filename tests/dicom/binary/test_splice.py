"""Splicing copies every byte outside of the patches, however the stream is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom.binary.splice import Patch, patched, splice


@st.composite
def _patches(draw: st.DrawFn) -> tuple[bytes, list[Patch]]:
    data = draw(st.binary(max_size=60))
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pairs = zip(places[::2], places[1::2], strict=False)
    return data, [Patch(start, end, draw(st.binary(max_size=5))) for start, end in pairs]


@given(_patches(), st.lists(st.integers(0, 60), max_size=8))
def test_a_stream_is_spliced_the_same_however_it_is_cut(case: tuple[bytes, list[Patch]], cuts: list[int]) -> None:
    data, patches = case
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]
    expected, at = b"", 0
    for patch in patches:
        expected += data[at : patch.start] + patch.new
        at = patch.end
    assert b"".join(splice(chunks, patches)) == patched(data, patches) == expected + data[at:]
