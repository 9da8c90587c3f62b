"""What a session bears of the gear, and how it goes again: the tag first of all, what is noted last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from export_session.session.provenance import IN_PLACE, QC, is_copy
from export_session.session.quality import said_of
from export_session.site import Site
from export_session.site.model import EXPORTED, Session

RESTORE = "restore"  # the mode in the note on a session of which something could not be brought back
COPIED = "the untouched originals that were copied to an archive project are left there"
OF_COPY = "its origin is left as it is; where that is tagged EXPORTED, it is exported again only with force_export"


def must_go(session: Session) -> bool:
    """Tell whether tag and note must go from a session in which no file is left to be brought back.

    Either nothing had to be changed in place, or an earlier run was interrupted before it could take the note away.
    """
    said = said_of(session.info)
    if said.get("mode") in (IN_PLACE, RESTORE):
        return True
    return is_copy(session) and bool(said) and "reason" not in said and EXPORTED not in session.tags


def remarks(session: Session) -> Iterator[str]:
    """Say what a restored session leaves behind elsewhere."""
    if said_of(session.info).get("archived") == "copied":
        yield COPIED
    if is_copy(session):
        yield OF_COPY


def take_tag_off(site: Site, session: Session) -> None:
    """Take the tag off a session, where it is."""
    if EXPORTED in session.tags:
        site.remove_tags("session", session.id, [EXPORTED])


def take_note_away(site: Site, session: Session) -> None:
    """Take away what the gear has noted on a session; results of other gears stay."""
    checks = site.read(Session, session.id).info.get("qc")
    if not isinstance(checks, Mapping) or QC not in checks:
        return
    if others := {gear: result for gear, result in checks.items() if gear != QC}:
        site.set_info("session", session.id, {"qc": others})
    else:
        site.delete_info("session", session.id, ["qc"])
