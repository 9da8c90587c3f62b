"""The proof that a session is in the export project: made of the proofs of its files, and looked at again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from export_session.errors import CopyChanged, NotFound, TransferError
from export_session.session.file_plan import Verified
from export_session.session.files import FileOutcome
from export_session.session.origin import Origin, assert_unchanged, file_content
from export_session.session.pairs import Pairs
from export_session.session.quality import Counts
from export_session.session.transfer import record_again
from export_session.site import Site
from export_session.site.model import KINDS, Acquisition, Container, File, Session, Subject
from export_session.support.parallel import Workers


@dataclass(frozen=True)
class Exported:
    """The proof that a whole session, with the files on its subject, is in the export project, or right in place."""

    origin: Origin
    pairs: Pairs
    proofs: tuple[Verified, ...]
    counts: Counts
    content: Callable[[File], str] = file_content  # what of a file must stay as it is until the end

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

    def looked_at_again(self, site: Site, workers: Workers, *, moved: bool = False) -> Exported:
        """Return the proof as it stands now: the origin as it was exported, the copies as they were verified.

        Parameters
        ----------
        moved
            Whether the origin has just been moved to the archive.

        Raises
        ------
        OriginChanged, CopyChanged
            Somebody has changed the one or the other since.
        """
        origin, _ = workers.both(
            lambda: assert_unchanged(site, self.origin, workers, moved=moved, content=self.content),
            lambda: self._assert_copies_intact(site, workers),
        )
        return replace(self, origin=origin)

    def _assert_copies_intact(self, site: Site, workers: Workers) -> None:
        """Compare every copy with its proof; one listing tells of the files of all acquisitions.

        A newer version with the same bytes, which another run or the network has sent, is recorded as the one before.
        """
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
            gone = (proof.copy.file_id for proof in self.proofs)
            raise CopyChanged(_altered("it was deleted or moved"), gone) from None
        there = _files(below, higher)
        self._assert_hold(there)
        sent_again = [proof for proof in self.proofs if there[proof.copy.file_id].version != proof.copy.version]
        if sent_again:
            parents = {(proof.copy.parent_level, proof.copy.parent_id) for proof in sent_again}
            there |= _files(workers.map(lambda parent: site.read(KINDS[parent[0]], parent[1]), parents))
            self._assert_hold(there)
            workers.map(lambda proof: record_again(site, proof, there[proof.copy.file_id]), sent_again)

    def _assert_hold(self, there: Mapping[str, File]) -> None:
        altered = [proof.copy for proof in self.proofs if not proof.holds_for(there.get(proof.copy.file_id))]
        if altered:
            raise CopyChanged(_altered(", ".join(copy.name for copy in altered)), (copy.file_id for copy in altered))


def _files(*containers: Iterable[Container]) -> dict[str, File]:
    return {file.file_id: file for some in containers for container in some for file in container.files}


def _altered(what: str) -> str:
    return (
        f"what this run had stored was changed by somebody else after it had been verified ({what}); the session "
        "was not tagged. Find out who writes there, then run the gear again"
    )
