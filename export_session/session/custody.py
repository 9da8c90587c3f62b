"""Where the bytes of a file are, and by which hashes they are known: for the evidence of a run."""

from __future__ import annotations

from dataclasses import replace

from export_session.record import Custody, Held, Verification
from export_session.session.checks import stated_sha384
from export_session.session.file_plan import FilePlan, Verified
from export_session.session.provenance import Provenance, sealed
from export_session.site.model import File
from export_session.site.port import Stored


def custody(plan: FilePlan, proof: Verified | None = None) -> Custody:
    """Return where the bytes of a file are; without a proof, of the origin alone."""
    origin, edits = plan.origin, sealed(plan.edits, plan.origin.uuid)
    if proof and proof.how is Verification.RECORDED:
        origin = _made_of(origin)
    before = proof.before if proof else Stored(origin.size, stated_sha384(origin.hash))
    return Custody(
        held(origin, plan.origin_labels, before),
        held(proof.copy, plan.copy_labels, proof.after) if proof else None,
        edits,
    )


def _made_of(file: File) -> File:
    """Return the version that a file was made of in place by an earlier run; another file as it is."""
    made = Provenance.read(file)
    before = made.before if made else None
    return replace(file, version=before.version, size=before.size) if before else file


def held(file: File, labels: tuple[str, ...], content: Stored) -> Held:
    """Return a version of a file with the hashes of its bytes."""
    where = file.parent_level, file.parent_id
    return Held(labels, *where, file.file_id, file.version, file.size, content.sha256, content.sha384)
