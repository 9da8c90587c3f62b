from __future__ import annotations

import random
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, MRImageStorage, generate_uid

from export_session.support.thumbnail import MEMBER_LIMIT, SIDE, thumbnail

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"


def decoded(png: bytes) -> np.ndarray:
    """Read an 8 bit grey PNG back, checking every checksum."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length)[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        at += 12 + length
    columns, rows, depth, colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert (depth, colour) == (8, 0)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), "u1").reshape(rows, columns + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:]


def image(pixels: np.ndarray, photometric: str = "MONOCHROME2") -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    frames = pixels if pixels.ndim == 3 else pixels[None]
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = frames.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, photometric, 0
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelData = frames.astype("<u2").tobytes()
    return dataset


def ramp(rows: int, columns: int) -> np.ndarray:
    return np.tile(np.arange(columns, dtype="u2") * 10, (rows, 1))


def test_the_picture_shows_the_frame_small(tmp_path: Path) -> None:
    image(ramp(384, 192)).save_as(tmp_path / "a.dcm")
    picture = decoded(thumbnail(tmp_path / "a.dcm"))
    assert picture.shape == (SIDE, SIDE // 2)
    assert picture[0, 0] == 0
    assert picture[0, -1] == 255
    assert (np.diff(picture[0].astype(int)) >= 0).all()


def test_monochrome1_is_shown_as_it_is_meant_to_be_seen(tmp_path: Path) -> None:
    image(ramp(96, 96), "MONOCHROME1").save_as(tmp_path / "a.dcm")
    picture = decoded(thumbnail(tmp_path / "a.dcm"))
    assert picture[0, 0] == 255
    assert picture[0, -1] == 0


def test_the_middle_frame_is_taken(tmp_path: Path) -> None:
    frames = np.zeros((5, 40, 40), "u2")
    frames[2, :, 20:] = 900
    image(frames).save_as(tmp_path / "a.dcm")
    picture = decoded(thumbnail(tmp_path / "a.dcm"))
    assert picture[:, :20].max() == 0
    assert picture[:, 20:].min() == 255


def test_the_middle_instance_of_a_zip_is_taken(tmp_path: Path) -> None:
    bright = np.zeros((40, 40), "u2")
    bright[:, 20:] = 900
    with zipfile.ZipFile(tmp_path / "a.dicom.zip", "w") as archive:
        archive.writestr("README.txt", "no picture")
        for name, pixels in (("s-10.dcm", bright * 0), ("s-9.dcm", bright), ("s-8.dcm", bright * 0)):
            image(pixels).save_as(tmp_path / name)
            archive.write(tmp_path / name, name)
    assert decoded(thumbnail(tmp_path / "a.dicom.zip")).max() == 255


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_RLE.dcm", "examples_rgb_color.dcm", "examples_palette.dcm"])
def test_real_images_have_a_picture(name: str) -> None:
    picture = decoded(thumbnail(SHIPPED / name))
    assert max(picture.shape) <= SIDE
    assert int(picture.max()) - int(picture.min()) > 200


def test_files_without_picture_give_none(tmp_path: Path) -> None:
    for name, data in {"empty": b"", "junk": random.Random(1).randbytes(5000), "text": b"no image"}.items():
        (tmp_path / name).write_bytes(data)
        assert thumbnail(tmp_path / name) == b""
    assert thumbnail(tmp_path / "missing") == b""
    assert thumbnail(SHIPPED / "rtplan.dcm") == b""


def test_pixel_data_that_need_another_decoder_give_none(tmp_path: Path) -> None:
    dataset = image(ramp(64, 64))
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51 no image"])
    dataset.save_as(tmp_path / "a.dcm")
    assert thumbnail(tmp_path / "a.dcm") == b""


def test_damaged_files_never_raise(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = (SHIPPED / "MR_small.dcm").read_bytes()
    for number in range(60):
        data = bytearray(whole[: chance.randrange(len(whole))] if number % 3 == 0 else whole)
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(min(len(data), 2000) or 1) % max(len(data), 1)] = chance.randrange(256)
        (tmp_path / "a.dcm").write_bytes(data)
        assert isinstance(thumbnail(tmp_path / "a.dcm"), bytes)


def test_a_member_too_large_for_memory_is_not_read(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.dcm", "w") as out,
    ):
        for _ in range(MEMBER_LIMIT // 1_000_000 + 1):
            out.write(bytes(1_000_000))
    assert thumbnail(tmp_path / "bomb.zip") == b""


def test_one_frame_of_a_large_file_is_read_and_no_more(tmp_path: Path) -> None:
    dataset = image(ramp(512, 512))
    dataset.NumberOfFrames = 600
    dataset.PixelData = b""
    dataset.save_as(tmp_path / "large.dcm")
    size = 600 * 512 * 512 * 2
    with (tmp_path / "large.dcm").open("r+b") as file:
        file.seek(-4, 2)  # the length of the empty pixel data
        file.write(struct.pack("<I", size))
        file.truncate(file.tell() + size)  # sparse
    code = (
        "import resource, sys; from pathlib import Path; import numpy, pydicom.pixels\n"
        "from export_session.support.thumbnail import thumbnail\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert thumbnail(Path(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "large.dcm"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert int(done.stdout) < 60_000  # kB; the file has 315 MB
