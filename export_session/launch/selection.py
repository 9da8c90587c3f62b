"""Which sessions a run exports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from export_session.errors import AccessDenied, NotFound
from export_session.session.result import Route
from export_session.session.since import changes_since_export
from export_session.settings import Config
from export_session.site import ReadSite, equals
from export_session.site.model import EXPORTED, Project, Session, Subject
from export_session.support.wording import counted

Destination = Project | Subject | Session  # what a run works on

ALREADY = "already EXPORTED; set force_export to export it again"
GONE = "it was deleted since the sessions were listed"
TAGS_NAMED = 20  # of those that are there, the most frequent


class Entry(NamedTuple):
    """A session as a listing gives it: little, since there may be a hundred thousand."""

    id: str
    subject: str  # label
    label: str
    tags: tuple[str, ...]

    @classmethod
    def of(cls, session: Session) -> Entry:
        """Keep of a session what is needed until its turn."""
        return cls(session.id, session.subject_label, session.label, session.tags)


@dataclass(frozen=True)
class Selected:
    """A session at its turn: read in full, or passed over or out of reach, and then why."""

    entry: Entry
    session: Session | None = None
    skipped: str = ""
    failed: str = ""


@dataclass(frozen=True)
class Selection:
    """The sessions of a run, in the order of their creation, listed once and read one by one."""

    site: ReadSite
    config: Config
    entries: tuple[Entry, ...]
    why_empty: str = ""
    read: Session | None = None  # the one session, where the run was started on it

    @property
    def to_do(self) -> int:
        """How many are not passed over, as far as the listing tells."""
        return sum(not self._reason(entry.tags) for entry in self.entries)

    def __iter__(self) -> Iterator[Selected]:
        """Read each session at its turn; what is known to be passed over is not read."""
        for entry in self.entries:
            if reason := self._reason(entry.tags):
                yield Selected(entry, self.read, skipped=reason)
                continue
            try:
                session = self.read or self.site.read(Session, entry.id)
            except NotFound:
                yield Selected(entry, skipped=GONE)
            except AccessDenied as error:
                yield Selected(entry, failed=str(error))
            else:
                yield Selected(entry, session, skipped=self._reason(session.tags, full=True))

    def _reason(self, tags: tuple[str, ...], *, full: bool = False) -> str:
        """Give why a session is passed over; a listing may leave out tags, so there a missing one says nothing."""
        wanted = self.config.select_tag
        if full and wanted and wanted not in tags:
            return f"it does not bear the tag {wanted} (select_tag); its tags: {', '.join(tags) or 'none'}"
        passes_over = not self.config.force_export and self.config.mode != "restore"
        return ALREADY if EXPORTED in tags and passes_over else ""


def select(site: ReadSite, destination: Destination, route: Route, config: Config) -> Selection:
    """List the sessions of a run, page by page, once."""
    if isinstance(destination, Session):
        return Selection(site, config, (Entry.of(destination),), read=destination)
    entries: list[Entry] = []
    if route.archive and config.archive_mode == "move":  # first, or what this run moves would be found again
        entries += _moved_but_not_tagged(site, destination, route.archive.id, config.select_tag)
    wanted = [equals("tags", config.select_tag)] if config.select_tag else []
    entries += map(Entry.of, site.children(destination.level, destination.id, Session, *wanted))
    why_empty = "" if entries else _why_empty(site, destination, config.select_tag)
    return Selection(site, config, tuple(entries), why_empty)


def _moved_but_not_tagged(
    site: ReadSite, destination: Project | Subject, archive_id: str, wanted: str | None
) -> Iterator[Entry]:
    """Find sessions that an interrupted run moved to the archive before it could tag them."""
    project = destination.id if isinstance(destination, Project) else destination.parents["project"]
    from_here = equals("info.export.origin_project", project)
    for row in site.children("project", archive_id, Session, from_here):
        if EXPORTED in row.tags:
            continue
        session = site.read(Session, row.id)
        elsewhere = isinstance(destination, Subject) and session.subject_label != destination.label
        if EXPORTED not in session.tags and not elsewhere and (not wanted or wanted in session.tags):
            yield Entry.of(session)


def _why_empty(site: ReadSite, destination: Project | Subject, wanted: str | None) -> str:
    """Say why there is nothing to do; a tag that nobody bears is often one that was misspelt."""
    there = tuple(map(Entry.of, site.children(destination.level, destination.id, Session))) if wanted else ()
    if not there:
        return f"there is no session in this {destination.level}"
    tags = Counter(tag for entry in there for tag in entry.tags)
    named = ", ".join(f"{tag} ({number:,})" for tag, number in tags.most_common(TAGS_NAMED))
    more = f" and {len(tags) - TAGS_NAMED:,} more" if len(tags) > TAGS_NAMED else ""
    known = f"the tags there are: {named}{more}" if tags else "they have no tags at all"
    return f"none of the {counted(len(there), 'session')} in this {destination.level} bears the tag {wanted}; {known}"


def changes_since(site: ReadSite, selected: Selected) -> str:
    """Say what has happened to a session that bears the tag since it was exported, as far as one listing tells."""
    try:
        session = selected.session or site.read(Session, selected.entry.id)
        return changes_since_export(site, session)
    except (NotFound, AccessDenied) as error:
        return f"not looked at whether it was edited since it was exported: {error}"
