"""A small grey picture of a series, where one can be had cheaply; a decoration, never a reason to fail."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 96  # pixels of the longer side
MEMBER_LIMIT = 64_000_000  # bytes of a zip member that are read into memory
PIXEL_LIMIT = 16_000_000  # pixels of a frame that are decoded
RLE_LIMIT = 2_000_000  # the same for RLE, which is decoded in Python
NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
RLE = "1.2.840.10008.1.2.5"


def thumbnail(path: Path) -> bytes:
    """Picture the middle frame of a DICOM file, or of the middle instance of a zip.

    Only what numpy can decode within a second or so is pictured: uncompressed and RLE pixel data. A single
    frame is read, however many there are.

    Returns
    -------
    bytes
        A PNG of at most 96 by 96 pixels, empty where there is none.
    """
    try:
        if zipfile.is_zipfile(path):
            source = _middle_member(path)
            return _picture(source) if source else b""
        return _picture(path)
    except Exception:  # noqa: BLE001 - whatever pydicom makes of odd pixel data, an export goes on without picture
        return b""


def _middle_member(path: Path) -> io.BytesIO | None:
    with zipfile.ZipFile(path) as archive:
        members = [each for each in archive.infolist() if 0 < each.file_size <= MEMBER_LIMIT]
        dicom = [each for each in members if each.filename.lower().endswith((".dcm", ".ima"))] or members
        if not dicom:
            return None
        middle = sorted(dicom, key=lambda each: _natural(each.filename))[len(dicom) // 2]
        with archive.open(middle) as member:
            return io.BytesIO(member.read(MEMBER_LIMIT))


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort slice-2 before slice-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _picture(source: Path | io.BytesIO) -> bytes:
    import pydicom  # noqa: PLC0415 - with numpy a slow import; a run without pictures does not need it
    from pydicom.pixels.processing import apply_color_lut  # noqa: PLC0415 - as above
    from pydicom.pixels.utils import iter_pixels  # noqa: PLC0415 - as above

    header = pydicom.dcmread(source, stop_before_pixels=True, defer_size=65536)
    syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
    limit = PIXEL_LIMIT if syntax in NATIVE else RLE_LIMIT if syntax == RLE else 0
    if not 0 < int(header.get("Rows", 0)) * int(header.get("Columns", 0)) <= limit:
        return b""
    middle = int(header.get("NumberOfFrames") or 1) // 2
    if isinstance(source, io.BytesIO):
        source.seek(0)
    frame = next(iter_pixels(source, indices=[middle]))
    if header.PhotometricInterpretation == "PALETTE COLOR":
        frame = apply_color_lut(_smaller(frame), header)
    return _png(_grey(_smaller(frame), inverted=header.PhotometricInterpretation == "MONOCHROME1"))


def _smaller(frame: Any) -> Any:
    """Take every n-th pixel of every n-th row."""
    step = -(-max(frame.shape[:2]) // SIDE)
    return frame[step // 2 :: step, step // 2 :: step]


def _grey(frame: Any, *, inverted: bool) -> Any:
    """Stretch to 0 … 255 between the 1st and the 99th percentile."""
    import numpy as np  # noqa: PLC0415 - comes with the pixels

    values = frame.astype("float64")
    if values.ndim == 3:  # colour: its brightness
        values = values[..., :3].mean(axis=2)
    low, high = np.percentile(values, (1, 99))
    scaled = np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255
    return (255 - scaled if inverted else scaled).astype("uint8")


def _png(pixels: Any) -> bytes:
    """Write an 8 bit grey PNG (ISO/IEC 15948)."""
    rows, columns = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    scanlines = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(scanlines, 9)) + chunk(b"IEND", b"")
    )
