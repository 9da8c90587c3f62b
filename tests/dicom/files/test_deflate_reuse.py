"""What lies behind the last change keeps its deflate data, and whatever is joined inflates to what it should."""

from __future__ import annotations

import io
import itertools
import random
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from export_session.dicom import Result, rewrite
from export_session.dicom.binary.splice import Patch, patched
from export_session.dicom.files import deflate_reuse as seam
from export_session.errors import HeaderError, UnsafeArchive
from tests.support import build, zip_bytes
from tests.support.dicom_bytes import differences

RAW = -15
FAR = 64 << 10  # bytes; behind them deflate data can be kept
NOISE = random.Random(0).randbytes(3 << 20)
NAME = (0x00100010,)


def deflate(content: bytes, level: int, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    engine = zlib.compressobj(level, zlib.DEFLATED, RAW, 8, strategy)
    return engine.compress(content) + engine.flush()


def with_isal(content: bytes, level: int) -> bytes:
    return bytes(isal_zlib.compress(content, level, RAW))


packers = st.one_of(
    st.builds(
        lambda level, strategy: lambda content: deflate(content, level, strategy),
        st.integers(0, 9),
        st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_FILTERED]),
    ),
    st.builds(lambda level: lambda content: with_isal(content, level), st.integers(0, 3)),
)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Pieces of noise, runs and text that are long enough for a few blocks."""
    mask = bytes(n & draw(st.sampled_from([1, 7, 63, 255])) for n in range(256))
    pieces = st.builds(
        lambda start, size, times: NOISE[start : start + size].translate(mask) * times,
        st.integers(0, 2 << 20),
        st.integers(1, 60_000),
        st.integers(1, 3),
    )
    return b"".join(draw(st.lists(pieces, min_size=2, max_size=9)))


@st.composite
def changes(draw: st.DrawFn) -> list[Patch]:
    places = sorted(draw(st.lists(st.integers(0, 9_000), min_size=2, max_size=6, unique=True)))
    texts = st.binary(max_size=900)
    return [Patch(start, end, draw(texts)) for start, end in zip(places[::2], places[1::2], strict=False)]


def joined(joint: seam.Joint, data: bytes) -> bytes:
    return joint.lead + data[joint.kept :]


@given(content=contents(), packer=packers, patches=changes(), piece=st.integers(50, 90_000))
def test_what_is_joined_inflates_to_the_patched_content(
    content: bytes, packer: object, patches: list[Patch], piece: int
) -> None:
    assert callable(packer)
    data = packer(content)
    pieces = (data[start : start + piece] for start in range(0, len(data), piece))
    joint = seam.join(pieces, patches, zlib.crc32(content), len(content))
    if joint is None:
        return
    wanted = patched(content, patches)
    assert zlib.decompress(joined(joint, data), RAW) == isal_zlib.decompress(joined(joint, data), RAW) == wanted
    assert (joint.crc, joint.size) == (zlib.crc32(wanted), len(wanted))
    assert content.startswith(joint.old)
    assert wanted.startswith(joint.new)


@pytest.mark.parametrize("level", [1, 6, 9])
def test_all_but_the_first_blocks_is_kept(level: int) -> None:
    content = NOISE.translate(bytes(n & 31 for n in range(256)))
    data = deflate(content, level)
    joint = seam.join([data], [Patch(200, 210, b"longer than before")], zlib.crc32(content), len(content))
    assert joint is not None
    assert 32 << 10 < len(joint.old) < FAR
    assert len(joint.lead) < joint.kept + 100


def test_old_data_may_go_on_at_any_bit() -> None:
    seen = set()
    for start in itertools.count():
        content = NOISE[start : start + 150_000].translate(bytes(n & 31 for n in range(256)))
        found = seam.find_seam([deflate(content, 6)], 40_000)
        assert found is not None
        seen.add(found.bit % 8)
        if len(seen) == 8:
            return


@given(content=contents(), damage=st.lists(st.tuples(st.integers(0), st.integers(1, 255)), min_size=1, max_size=5))
def test_damaged_data_are_joined_to_nothing_that_passes_for_whole(
    content: bytes, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(deflate(content, 6))
    for at, bits in damage:
        data[at % len(data)] ^= bits
    patches = [Patch(0, 4, b"other")]
    joint = seam.join([bytes(data)], patches, zlib.crc32(content), len(content))
    if joint is None:
        return
    try:
        again = zlib.decompress(joined(joint, bytes(data)), RAW)
    except zlib.error:
        return
    right = (zlib.crc32(again), len(again)) == (joint.crc, joint.size)
    assert not right or again == patched(content, patches)


def test_short_content_is_deflated_anew() -> None:
    content = NOISE[:30_000]
    assert seam.join([deflate(content, 6)], [Patch(0, 1, b"")], zlib.crc32(content), len(content)) is None


@pytest.mark.timeout(20)
def test_content_that_is_longer_than_declared_is_deflated_anew() -> None:
    content = NOISE[:150_000].translate(bytes(n & 31 for n in range(256)))
    joint = seam.join([deflate(content, 6)], [Patch(0, 1, b"")], zlib.crc32(content), 33_000)
    assert joint is None


# In archives: members that are handled in memory, and one that is streamed

SIZES = pytest.mark.parametrize("size", [200_000, 3_000_000], ids=["small", "streamed"])


def pixels(size: int) -> bytes:
    return NOISE[:size].translate(bytes(n & 31 for n in range(256)))


def rewritten(folder: Path, size: int, damage_at: int | None = None) -> tuple[Result, Path, Path]:
    source = build.archive(folder / "one.zip", {"1.dcm": build.plain(pixels=pixels(size))})
    if damage_at is not None:
        source.write_bytes(damaged(source.read_bytes(), damage_at))
    return rewrite(source, folder / "target", {"dicom": {"PatientName": "New^Name"}}), source, folder / "target"


def data_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        (info,) = archive.infolist()
    start = info.header_offset + 30 + len(info.filename)
    return path.read_bytes()[start : start + info.compress_size]


@SIZES
def test_a_member_keeps_its_compressed_data_behind_the_last_change(tmp_path: Path, size: int) -> None:
    _, source, target = rewritten(tmp_path, size)
    before = data_of(source)
    assert data_of(target).endswith(before[FAR:])
    assert zip_bytes.differences(source, target, {"1.dcm"}) == []
    with zipfile.ZipFile(target) as archive:
        assert differences(build.plain(pixels=pixels(size)), archive.read("1.dcm"), {NAME}) == []


@SIZES
def test_without_zlib_the_content_is_the_same(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "_zlib", None)
    _, source, target = rewritten(tmp_path, size)
    assert not data_of(target).endswith(data_of(source)[FAR:])
    with zipfile.ZipFile(target) as archive:
        assert differences(build.plain(pixels=pixels(size)), archive.read("1.dcm"), {NAME}) == []


@SIZES
@pytest.mark.parametrize("part", [0.01, 0.9], ids=["rewritten", "kept"])
def test_a_damaged_original_is_refused_wherever_the_damage_is(tmp_path: Path, size: int, part: float) -> None:
    with pytest.raises(UnsafeArchive, match="upload"):
        rewritten(tmp_path, size, damage_at=int(part * size / 2))
    assert [path.name for path in tmp_path.iterdir()] == ["one.zip"]


def damaged(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at % len(changed)] ^= 1
    return bytes(changed)


ARCHIVE = io.BytesIO()
with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as _archive:
    for _name in ("1.dcm", "2.dcm"):
        _archive.writestr(zipfile.ZipInfo(_name), build.plain(pixels=pixels(90_000)), zipfile.ZIP_DEFLATED)


@pytest.mark.timeout(120)
@given(st.lists(st.tuples(st.integers(-400, 120_000), st.binary(min_size=1, max_size=9)), min_size=1, max_size=4))
def test_a_damaged_archive_is_refused_or_comes_out_right(damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(ARCHIVE.getvalue())
    for at, new in damage:
        place = at % len(data)
        data[place : place + len(new)] = new
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "one.zip"), Path(folder, "target")
        source.write_bytes(data)
        try:
            result = rewrite(source, target, {"dicom": {"PatientName": "New^Name"}})
        except HeaderError:
            return
        if not result.modified:  # the damage hides the correction; the file goes out as it came
            assert not target.exists()
            return
        with zipfile.ZipFile(target) as archive:
            assert archive.testzip() is None
            changed = {change.member for change in result.changes}  # "" stands for all
            contents = [archive.read(name) for name in (archive.namelist() if "" in changed else changed)]
        assert all(differences(build.plain(pixels=pixels(90_000)), one, {NAME}) == [] for one in contents)


@SIZES
@pytest.mark.parametrize("at", [5, 150, 300, 420, -1, -30_000])
@pytest.mark.parametrize("step", ["patched", "deflate_open"])
def test_what_goes_wrong_before_the_seam_is_caught_and_done_again_without_it(
    tmp_path: Path, size: int, at: int, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = getattr(seam, step), []

    def once_wrong(*given: object) -> bytes:
        wrong.append(damaged(right(*given), at))
        return wrong[-1]

    monkeypatch.setattr(seam, step, once_wrong)
    _, _, target = rewritten(tmp_path, size)
    assert wrong
    with zipfile.ZipFile(target) as archive:
        assert differences(build.plain(pixels=pixels(size)), archive.read("1.dcm"), {NAME}) == []
