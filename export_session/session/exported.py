"""The proof that a session is in the export project: made of the proofs of its files, and looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from export_session.errors import NotFound, OriginChanged, TransferError
from export_session.session.file_plan import Verified
from export_session.session.files import FileOutcome
from export_session.session.origin import Origin, assert_unchanged
from export_session.session.pairs import Pairs
from export_session.session.quality import Counts
from export_session.site import ReadSite
from export_session.site.model import Acquisition, Container, Session, Subject
from export_session.support.parallel import Workers


@dataclass(frozen=True)
class Exported:
    """The proof that a whole session, with the files on its subject, is in the export project."""

    origin: Origin
    pairs: Pairs
    proofs: tuple[Verified, ...]
    counts: Counts

    @classmethod
    def of(cls, origin: Origin, pairs: Pairs, outcomes: Sequence[FileOutcome]) -> Exported:
        """Make the proof of a session from the proofs of all its files and those on its subject.

        Raises
        ------
        TransferError
            When one is missing.
        """
        unproven = [item.record.name for item in outcomes if item.proof is None]
        if unproven:
            raise TransferError(f"{origin.path(origin.session)}: not verified: {', '.join(unproven)}")
        proofs = tuple(item.proof for item in outcomes if item.proof)
        return cls(origin, pairs, proofs, sum((item.counts for item in outcomes), Counts()))

    def looked_at_again(self, site: ReadSite, workers: Workers, *, moved: bool = False) -> Exported:
        """Return the proof as it stands now: the origin as it was exported, the copies as they were verified.

        Parameters
        ----------
        moved
            Whether the origin has just been moved to the archive.

        Raises
        ------
        OriginChanged
            Somebody has changed the one or the other since.
        """
        origin, _ = workers.both(
            lambda: assert_unchanged(site, self.origin, workers, moved=moved),
            lambda: self._assert_copies_intact(site, workers),
        )
        return replace(self, origin=origin)

    def _assert_copies_intact(self, site: ReadSite, workers: Workers) -> None:
        """Compare every copy with its proof; one listing tells of the files of all acquisitions."""
        above = {proof.copy.parent_level for proof in self.proofs}
        subject, session = self.pairs.subject.known_copy.id, self.pairs.session.known_copy.id

        def on_acquisitions() -> list[Container]:
            return list(site.children("session", session, Acquisition)) if "acquisition" in above else []

        def on_those_above() -> list[Container]:
            kinds: list[tuple[type[Container], str]] = [(Subject, subject), (Session, session)]
            return [site.read(kind, one) for kind, one in kinds if kind.level in above]

        try:
            below, higher = workers.both(on_acquisitions, on_those_above)
        except NotFound:
            raise OriginChanged(_altered("it was deleted or moved")) from None
        there = {file.file_id: file for container in (*below, *higher) for file in container.files}
        altered = [proof.copy.name for proof in self.proofs if not proof.holds_for(there.get(proof.copy.file_id))]
        if altered:
            raise OriginChanged(_altered(", ".join(altered)))


def _altered(what: str) -> str:
    return (
        f"the copy in the export project was changed by somebody else after it had been verified ({what}); the session "
        "was not tagged. Find out who writes there, then run the gear again"
    )
