"""What is known of a file and its copy, and decided from that, before any byte is moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from export_session.dicom.vocabulary import Options
from export_session.record import Status, Verification
from export_session.session.checks import hash_agrees
from export_session.session.provenance import Provenance, carried_info, digest, edit_digest, is_copy_of
from export_session.site.model import EXPORTED, File


@dataclass(frozen=True)
class FilePlan:
    """One origin file and what is known of its copy before any byte is moved."""

    origin: File
    origin_path: str
    copy_path: str
    copy_parent_id: str  # the copy of its container, "" where that is still to be created
    copy: File | None  # the file of that name in the copy container
    overrides: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    untouched: bool = False  # archive: the bytes and header as they are

    @property
    def is_dicom(self) -> bool:
        """Whether the DICOM engine has a say in this file."""
        has_header = bool((self.origin.info.get("header") or {}).get("dicom"))
        wants = has_header or (self.origin.type == "dicom" and bool(self.overrides))
        return wants and self.origin.size > 0 and not self.untouched

    @property
    def edits(self) -> str:
        """Digest of what, beside the origin's bytes, decides on the bytes of the copy."""
        return edit_digest(self.origin, self.overrides, self.options) if self.is_dicom else digest("untouched")

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata that goes along, classification as at the origin."""
        origin = self.origin
        return {
            "type": origin.type,
            "modality": origin.modality,
            "classification": dict(origin.classification),
            "tags": [tag for tag in origin.tags if tag != EXPORTED],
            "info": carried_info(origin.info),
        }


@dataclass(frozen=True)
class Verified:
    """The proof that the site holds the right bytes for one origin file.

    Made in two places only: by :func:`known_status` and, after a look at the bytes, by a delivery.
    """

    origin: File
    copy: File
    how: Verification


def known_status(plan: FilePlan) -> tuple[Status, Verified] | None:
    """Decide from the records alone, without moving a byte; None where the bytes must be looked at."""
    provenance = Provenance.read(plan.copy) if plan.copy else None
    if plan.copy is None or provenance is None or not provenance.still_describes(plan.copy):
        return None
    if hash_agrees(plan.copy.hash, provenance.sha384) is False:  # one that came along with other bytes
        return None
    if not provenance.is_of(plan.origin) or provenance.edits != plan.edits:
        return None
    proof = Verified(plan.origin, plan.copy, Verification.RECORDED)
    return (Status.UNCHANGED if provenance.metadata == digest(plan.metadata) else Status.UPDATED), proof


def status_of(plan: FilePlan, size: int, sha384: str) -> Status:
    """Tell what storing these bytes would do to the copy."""
    if plan.copy is None:
        return Status.CREATED
    if plan.copy.size == size and hash_agrees(plan.copy.hash, sha384) and is_copy_of(plan.copy, plan.origin):
        return Status.UNCHANGED
    return Status.UPDATED
