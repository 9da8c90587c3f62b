"""Whether somebody edited a file after the gear had written its version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from export_session.dicom import rewrite
from export_session.errors import HeaderError
from export_session.session.checks import fetch
from export_session.session.provenance import KEY, metadata_digest, object_at
from export_session.site import ReadSite
from export_session.site.model import File


def edited_since(site: ReadSite, file: File, scratch: Path, ruled: Callable[[], bool]) -> bool:
    """Tell whether the metadata of a version are others than those that the gear gave it, by a person's hand.

    Parameters
    ----------
    ruled
        Whether gear rules run on new versions. Where they do, importers and classifiers have written to it since, as a
        rule, and only corrections count: values of its header that no importer reads from its bytes.
    """
    given = object_at(file.info, KEY).get("bears")
    if not given or given == metadata_digest(file):  # earlier versions of the gear noted none
        return False
    return not ruled() or _is_corrected(site, file, scratch)


def _is_corrected(site: ReadSite, file: File, scratch: Path) -> bool:
    with TemporaryDirectory(dir=scratch) as folder:
        source = Path(folder, "version")
        fetch(site, file, source)
        header = object_at(file.info, "header")
        try:
            result = rewrite(source, Path(folder, "corrected"), header, edit_uids=True, on_refused_edit="export")
        except HeaderError:
            return True  # it cannot be told
        return bool(result.changes or result.refused)
