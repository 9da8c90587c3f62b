"""What is said of a file when it is uploaded, and what its name lets the site guess."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from local_site.errors import BadRequestError
from local_site.hierarchy.fields import checked
from local_site.storage.store import Doc

METADATA_KEYS = frozenset(
    ["name", "type", "mimetype", "modality", "classification", "info", "tags", "size", "zip_member_count"]
)
TYPES = {  # suffix -> type; the longest suffix decides
    **dict.fromkeys([".dcm", ".dcm.zip", ".dicom.zip", ".ima", ".dicom"], "dicom"),
    **dict.fromkeys([".nii", ".nii.gz", ".nii.zip"], "nifti"),
    **dict.fromkeys([".bval", ".bvals"], "bval"),
    **dict.fromkeys([".bvec", ".bvecs"], "bvec"),
    **dict.fromkeys([".csv", ".csv.gz", ".tsv", ".tsv.gz"], "tabular data"),
    **dict.fromkeys([".json", ".py", ".m", ".c", ".cpp", ".js", ".sh", ".r", ".java"], "source code"),
    **dict.fromkeys([".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz"], "archive"),
    **dict.fromkeys([".html", ".htm", ".xml"], "markup"),
    **dict.fromkeys([".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff"], "image"),
    **dict.fromkeys([".doc", ".docx"], "document"),
    ".pdf": "pdf",
    ".txt": "text",
    ".log": "log",
    ".mat": "MATLAB data",
    ".mp4": "video",
}


def file_name(name: Any) -> str:
    """Return `name` if a file can be called so; it never becomes part of a path on disk.

    Raises
    ------
    BadRequestError
        It cannot.
    """
    if not isinstance(name, str) or not name.strip("/") or "\0" in name or name in (".", ".."):
        raise BadRequestError(f"{name!r} is not a valid file name")
    return name


def guess_type(name: str) -> str | None:
    """Return the type of a file by the longest suffix of its name that is known."""
    parts = PurePosixPath(name.lower()).name.split(".")[1:]
    suffixes = ("." + ".".join(parts[start:]) for start in range(len(parts)))
    return next((TYPES[suffix] for suffix in suffixes if suffix in TYPES), None)


def upload_metadata(value: Any) -> Doc:
    """Return the metadata of an upload, checked; it may come as an object or as JSON text.

    Raises
    ------
    ApiError
        It is neither, or has keys that are unknown.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value) if value else {}
        except ValueError as error:
            raise BadRequestError("The metadata of the upload is not JSON") from error
    return checked(value if value is not None else {}, METADATA_KEYS)
