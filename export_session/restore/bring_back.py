"""One file on its way back: its bytes, their proof, its metadata, and what is noted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from export_session.errors import NotFound, SiteError, TransferError
from export_session.record import Timing, Verification
from export_session.restore.past import RESTORED, Past
from export_session.session.checks import fetch, verify
from export_session.session.provenance import KEY, object_at
from export_session.session.transfer import Handling
from export_session.site import Site
from export_session.site.model import File
from export_session.support.scratch import assert_room, disk_full_is_clear

NO_SUCH_CALL = frozenset({405})  # beside "not found"


def bring_back(site: Site, past: Past, handling: Handling) -> tuple[File, Verification, Timing]:
    """Make the version before the newest one again, and return it as it is then, proven.

    No version is ever removed: what the gear had made stays in the file's history.

    Raises
    ------
    TransferError
        The site does not hold the right bytes afterwards.
    """
    before, began = past.before, time.monotonic()
    restored = past.file if past.is_back else _restored(site, past, handling.scratch)
    stored = time.monotonic()
    how = verify(site, restored, before.size, past.sha384, handling.scratch, readback=handling.verify_by_readback)
    if how is Verification.NONE:
        raise TransferError(
            f"{before.name}: the site was asked for version {before.version} and made version {restored.version} of "
            "other bytes. Check the storage of the site; every version is still there."
        )
    timing = Timing(store=stored - began, verify=time.monotonic() - stored)
    return _with_metadata(site, restored, _wanted(past)), how, timing


def _wanted(past: Past) -> File:
    """Return the version before with the metadata to be there: of one that came back with its own, those it has."""
    file, before = past.file, past.before
    if past.is_back and object_at(file.info, KEY).get("version") == before.version:
        return replace(file, version=before.version)
    return before


def _restored(site: Site, past: Past, scratch: Path) -> File:
    """Bring the bytes back: by the site itself, where it can, else by sending them once more."""
    file, before = past.file, past.before
    try:
        return site.restore(file, before)
    except NotFound:
        pass
    except SiteError as error:
        if error.status not in NO_SUCH_CALL:
            raise
    assert_room(file.name, before.size, scratch)
    with TemporaryDirectory(dir=scratch) as folder, disk_full_is_clear(file.name):
        path = Path(folder, "before")
        fetch(site, before, path)
        body = {**_metadata(before), "info": dict(before.info), "tags": list(before.tags), "name": file.name}
        return site.store(file.parent_level, file.parent_id, path, body, file.version)


def _with_metadata(site: Site, restored: File, before: File) -> File:
    """Bring the metadata of a restored version to those of the version before, and return it so.

    They come with it, as a rule. One that an earlier run of the gear had made says, then, which version it has brought
    back, so that a second run leaves it.
    """
    body = {key: value for key, value in _metadata(before).items() if getattr(restored, key) != value}
    classification = body.pop("classification", None)
    if body:
        site.modify_file(restored, body)
    if classification is not None or "modality" in body:
        site.set_file_classification(restored, before.classification)
    if set(before.tags) != set(restored.tags):
        site.set_file_tags(restored, before.tags)
    info = dict(before.info)
    if mark := object_at(info, KEY):
        info[KEY] = {**mark, "version": restored.version, RESTORED: before.version}
    changed = {key: value for key, value in info.items() if restored.info.get(key) != value}
    if set(restored.info) - set(info):
        site.replace_file_info(restored, info)
    elif changed:
        site.set_file_info(restored, changed)
    return replace(restored, **_metadata(before), tags=before.tags, info=info)


def _metadata(file: File) -> Mapping[str, Any]:
    return {"type": file.type, "modality": file.modality, "classification": dict(file.classification)}
