"""What the gear calls exported is there, byte for byte; what was damaged on the way is noticed and sent again."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Play
from tests.faults.scene import EXPORT_PATH, files_in

FILES = 5
UPLOAD = {"method": "PUT", "route": "^/signed/upload/"}
DOWNLOAD = {"method": "GET", "route": "/files/[^/]+$"}


def contents(play: Play, mode: str = "copy") -> dict[str, str]:
    """What the exported files should hold."""
    return {path: file["sha256"] for path, file in files_in(play.undisturbed(mode), "Export").items()}


@pytest.mark.parametrize("damage", ["corrupt", "truncate"])
def test_content_that_was_damaged_on_its_way_in_is_sent_again(play: Play, damage: str) -> None:
    fault = play.site.fault(damage, **UPLOAD, times=2)
    run = play.export()
    assert fault.struck == 2
    assert run.code == 0
    assert {path: file["sha256"] for path, file in play.exported.items()} == contents(play)


@pytest.mark.parametrize(("damage", "nth"), [("corrupt", 1), ("corrupt", 3), ("corrupt", FILES), ("truncate", 3)])
def test_content_that_is_always_damaged_fails_its_session(play: Play, damage: str, nth: int) -> None:
    """Whichever file it is: from its first upload on, the site stores something else than was sent."""
    seen: set[str] = set()

    def damaged(_method: str, path: str) -> None:
        seen.add(path)
        if len(seen) == nth:
            play.site.fault(damage, **UPLOAD)

    play.site.fault("hook", method="POST", route="^/[a-z]+/[^/]+/files$", query="^ticket=$", hook=damaged)
    run = play.export()
    assert run.code == 1
    assert not play.tagged()
    failed = [row for row in run.log if row["Container"] == "file" and row["Status"] == "failed"]
    assert failed
    assert all("after 3 uploads" in row["Message"] for row in failed)


@pytest.mark.parametrize("damage", ["corrupt_at_rest", "truncate_at_rest"])
def test_read_back_notices_what_the_stated_hash_hides(play: Play, damage: str) -> None:
    fault = play.site.fault(damage, **UPLOAD, times=2)
    run = play.export(verify="readback")
    assert fault.struck == 2
    assert run.code == 0
    assert {path: file["sha256"] for path, file in play.exported.items()} == contents(play)
    assert {row["Verified"] for row in run.log if row["Container"] == "file"} == {"read back"}


def test_a_site_without_hashes_is_read_back(play: Play) -> None:
    play.site.configure(hash_after_signed=False)
    play.site.fault("corrupt", **UPLOAD, times=2)
    run = play.export()
    assert run.code == 0
    assert {path: file["sha256"] for path, file in play.exported.items()} == contents(play)
    assert {row["Verified"] for row in run.log if row["Container"] == "file"} == {"read back"}


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.99])
def test_a_cut_download_is_fetched_again_and_never_rewritten(play: Play, fraction: float) -> None:
    fault = play.site.fault("cut", **DOWNLOAD, times=4, fraction=fraction)
    run = play.export()
    assert fault.struck == 4
    assert run.code == 0
    assert {path: file["sha256"] for path, file in play.exported.items()} == contents(play)


def test_an_original_that_is_damaged_on_the_site_is_not_exported(play: Play) -> None:
    blobs = play.site.site.blobs
    (file,) = [file for file in play.site.site.store.select("file") if file["name"] == "t1.dicom.zip"]
    path = blobs.path(file["blob"])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    run = play.export()
    assert run.code == 1
    assert not play.tagged()
    (row,) = [row for row in run.log if row["Container"] == "file" and row["Status"] == "failed"]
    assert row["Name"] == "t1.dicom.zip"
    assert "does not match the size and hash" in row["Message"]
    assert not any(path.endswith("t1.dicom.zip") for path in play.exported)


def test_a_record_that_belongs_to_other_bytes_is_no_proof(play: Play) -> None:
    """As where a file was replaced together with its metadata, or metadata were copied from another file."""
    import flywheel

    play.export("copy")
    client = flywheel.Client(play.site.api_key)
    session = client.lookup([*EXPORT_PATH.split("/"), "sub 1", "visit 0"])
    acquisition = next(item.reload() for item in session.acquisitions() if item.label == "Notes")
    wrong = b"HEAD moved in run 2"
    info = {**acquisition.files[0].info}
    acquisition.delete_file("notes.txt")
    acquisition.upload_file(flywheel.FileSpec("notes.txt", wrong, "text/plain"), metadata={"info": info})
    file = acquisition.reload().files[0]
    assert (file.version, file.size) == (info["export"]["version"], info["export"]["size"])
    run = play.export("copy", force_export=True)
    assert run.code == 0
    assert {path: file["sha256"] for path, file in play.exported.items()} == contents(play)
