"""What must be true of the site before anything is written; all problems are named at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import TypeVar

from export_session.errors import AccessDenied, ExportError, NotFound, PreflightError, SiteError
from export_session.launch.selection import Destination
from export_session.session.malware import findings
from export_session.session.result import Route
from export_session.settings import Config, Settings, project_path
from export_session.site import Identity, ReadSite
from export_session.site.model import EXPORTED, Acquisition, Analysis, Project, Session, Subject
from export_session.support.parallel import Workers
from export_session.support.wording import visible

log = logging.getLogger(__name__)
T = TypeVar("T")

NEEDED_TO_WRITE = {
    "containers_create_hierarchy": "create subjects, sessions and acquisitions",
    "containers_modify_metadata": "modify metadata",
    "files_create_single": "upload files",
    "files_modify_metadata": "modify file metadata",
    "tags_manage": "tag sessions",
}
# At the origin: what says that a session was exported, or why not
NEEDED_TO_MARK = {"containers_modify_metadata": "modify metadata", "tags_manage": "tag sessions"}
NEEDED_IN_PLACE = {
    "containers_modify_metadata": "modify metadata",
    "files_create_single": "upload files",
    "files_modify_metadata": "modify file metadata",
    "tags_manage": "tag sessions",
}
NEEDED_TO_MOVE = {**NEEDED_TO_MARK, "containers_modify_metadata": "modify metadata or move sessions to another project"}
NEEDED_TO_CORRECT = {"files_modify_metadata": "modify file metadata"}
TO_READ = frozenset({"files_download", "files_view_contents"})  # either is enough
CHANGEABLE = frozenset({"dicom", "archive"})  # types of files that may get a new version in place
RULE_KEY = (
    "This run was started by a gear rule. Flywheel gives such a run a key for the rule's own project only, so it "
    "cannot write to another project. Ways that work: launch the gear on the session, subject or project yourself, "
    "use Flywheel's batch run, or start it from a project-level run with select_tag (all run with your own rights)."
)


def check(site: ReadSite, settings: Settings, workers: Workers) -> tuple[Destination, Route]:
    """Return what a run works on and its projects, once they are known to be fit for it.

    Returns
    -------
    tuple
        The session, subject or project the gear was started on, where an acquisition stands for its session, and
        the way from project to project.

    Raises
    ------
    PreflightError
        With every problem found.
    """
    config = settings.config
    (found, problems), targets = workers.both(
        lambda: _tried(lambda: _destination(site, *settings.destination, workers)),
        lambda: _targets(site, config, workers),
    )
    problems = (*problems, *targets.problems)
    if found:
        _, origin = found
        corrects = settings.corrections is not None
        problems = (*problems, *_origin_against_targets(site, config, origin, targets, corrects=corrects))
        if not config.dry_run:
            problems = (*problems, *_malware(site, config, found[0]))
    if problems or not found:
        raise PreflightError(dict.fromkeys(problems))
    destination, origin = found
    return destination, Route(origin, targets.export or origin, targets.archive)


def _tried(step: Callable[[], T]) -> tuple[T | None, tuple[str, ...]]:
    """Return what a step gives or else its problems, so that the other steps are taken all the same."""
    try:
        return step(), ()
    except PreflightError as error:
        return None, error.problems


# Where the run starts


def _destination(site: ReadSite, level: str, identifier: str, workers: Workers) -> tuple[Destination, Project]:
    """Read what the run works on and the project it is in."""
    try:
        project_id = ""  # where it is known before the destination is read, the two are read together
        if level == "analysis":
            analysis = site.read(Analysis, identifier)
            level, identifier = analysis.parent_level, analysis.parent_id
            project_id = analysis.parents.get("project", "")
        if level == "acquisition":
            level, identifier = "session", site.read(Acquisition, identifier).parents["session"]
        if level == "project":
            project = site.read(Project, identifier)
            return project, project
        destination, project_or_none = workers.both(
            lambda: _subject_or_session(site, level, identifier),
            lambda: site.read(Project, project_id) if project_id else None,
        )
        if project_or_none is None or project_or_none.id != destination.parents["project"]:
            return destination, site.read(Project, destination.parents["project"])
    except SiteError as error:
        raise PreflightError([f"The destination cannot be read: {error}"]) from None
    return destination, project_or_none


def _subject_or_session(site: ReadSite, level: str, identifier: str) -> Subject | Session:
    if level == "subject":
        return site.read(Subject, identifier)
    if level == "session":
        return site.read(Session, identifier)
    raise PreflightError([f"The gear runs on a session, subject or project, not on a {level}."])


# Where it leads to


@dataclass(frozen=True)
class _Targets:
    """The projects to write to, as far as they were found, and what stands in the way."""

    identity: Identity
    export: Project | None
    archive: Project | None
    problems: tuple[str, ...]


def _targets(site: ReadSite, config: Config, workers: Workers) -> _Targets:
    """Find the projects to write to, then see whether this key may do there what the run needs."""
    ((export, no_export), (archive, no_archive)), (identity, _) = workers.both(
        lambda: workers.both(
            lambda: _tried(lambda: _project(site, "export_project", config.export_to)),
            lambda: _tried(lambda: _project(site, "archive_project", config.archive_to)),
        ),
        lambda: workers.both(site.identity, lambda: None if config.dry_run else _ask_for_signed_uploads(site)),
    )
    problems = [*no_export, *no_archive]
    if identity.kind == "gear_rule" and problems:
        problems.append(RULE_KEY)
    checks = list(_checks_of_targets(site, config, identity, export, archive))
    for found in workers.map(lambda check: check(), checks):
        problems += found
    return _Targets(identity, export, archive, tuple(problems))


def _ask_for_signed_uploads(site: ReadSite) -> None:
    """Ask once and early: every upload needs the answer."""
    log.debug("signed uploads: %s", site.signs_uploads())


def _checks_of_targets(
    site: ReadSite, config: Config, identity: Identity, export: Project | None, archive: Project | None
) -> Iterator[Callable[[], list[str]]]:
    if export and config.check_gear_rules:
        yield partial(_enabled_rules, site, export, "export_project: ", "what is exported")
    if not config.dry_run:
        for project in filter(None, (export, archive)):
            yield partial(_missing_rights, site, project, identity.id, NEEDED_TO_WRITE)


def _project(site: ReadSite, option: str, path: str | None) -> Project | None:
    if not path:
        return None
    group, label = project_path(path)
    try:
        return site.find_project(group, label)
    except NotFound:
        hint = _similar(site, group, label)
        problem = f"{option}: there is no project {group}/{label}, or the API key may not see it.{hint}"
    except AccessDenied:
        problem = f"{option}: the API key has no right to read {path}."
    except ExportError as error:
        problem = f"{option}: {error}"
    raise PreflightError([problem])


def _similar(site: ReadSite, group: str, label: str) -> str:
    """Ask for the project of the group whose label is nearest: other capitals, a letter amiss, a subject behind it."""
    try:
        labels = {project.label.lower(): project.label for project in site.children("group", group.lower(), Project)}
    except SiteError:
        return ""
    near = get_close_matches(label.lower(), labels, 1) or get_close_matches(label.lower().split("/")[0], labels, 1)
    return f" Did you mean {group.lower()}/{labels[near[0]]}?" if near else ""


def _origin_against_targets(
    site: ReadSite, config: Config, origin: Project, targets: _Targets, *, corrects: bool
) -> Iterator[str]:
    """Name what is wrong with the ways from the origin's project to the others."""
    export, archive = targets.export, targets.archive
    if export and export.id == origin.id:
        yield f"export_project: {export.path} is the origin's own project; name another one."
    moves = bool(archive) and config.archive_mode == "move"
    # After a move the session is found in the archive: a run that was interrupted before tagging goes on there.
    if archive and archive.id == origin.id and not moves:
        yield f"archive_project: {archive.path} is the origin's own project."
    if config.mode == "in_place" and config.check_gear_rules:  # no rule runs on a version that the site restores
        yield from _enabled_rules(site, origin, "", "the new versions of files", CHANGEABLE)
    if not config.dry_run:
        marking = NEEDED_IN_PLACE if config.mode != "copy" else NEEDED_TO_MOVE if moves else NEEDED_TO_MARK
        needed = {**marking, **(NEEDED_TO_CORRECT if corrects else {})}
        yield from _missing_rights(site, origin, targets.identity.id, needed, reads=True)
        for project, what in ((origin, "its sessions are to be tagged"), (export, "the copies are to be created")):
            yield from _lock(project, what)
        yield from _lock(archive, "the originals are to be kept there")


def _lock(project: Project | None, what: str) -> Iterator[str]:
    if project and project.locked:
        yield (
            f"{project.path} is locked ({visible(project.locked)}), and {what}: ask its administrator to unlock it, "
            "then run the gear again."
        )


def _malware(site: ReadSite, config: Config, destination: Destination) -> Iterator[str]:
    """Name the files of the one session of a run that cannot be read; those of several are looked at in their turn."""
    if isinstance(destination, Session) and (config.force_export or EXPORTED not in destination.tags):
        acquisitions = site.children("session", destination.id, Acquisition)
        yield from findings([destination], acquisitions, attachments=config.export_attachments)


def _missing_rights(
    site: ReadSite, project: Project, user: str, needed: Mapping[str, str], *, reads: bool = False
) -> list[str]:
    """Name what the key may not do, where the site tells; where it does not, the first write will."""
    actions = site.actions(project, user)
    if actions is None:
        return []
    missing = ["download files"] if reads and not actions & TO_READ else []
    missing += [text for action, text in needed.items() if action not in actions]
    if not missing:
        return []
    return [f"The API key's user may not {', '.join(missing)} in {project.path}: ask its administrator for a role."]


def _enabled_rules(
    site: ReadSite, project: Project, option: str, changed: str, types: Collection[str] = ()
) -> list[str]:
    """Name the rules that would run on what is written to a project, where that is files of these types."""
    try:
        rules = [rule for rule in site.gear_rules(project.id) if rule.enabled]
    except AccessDenied:
        log.warning("the gear rules of %s cannot be read with this key, so they were not checked", project.path)
        return []
    named = ", ".join(rule.name or rule.gear for rule in rules if not types or rule.may_run_on(types))
    if not named:
        return []
    problem = (
        f"{option}{project.path} has enabled gear rules ({named}), which would run on and could change {changed}. "
        "Disable them, or set check_gear_rules to false."
    )
    return [problem]
