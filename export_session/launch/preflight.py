"""What must be true of the site before anything is written; all problems are named at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from export_session.errors import AccessDenied, ExportError, NotFound, PreflightError, SiteError
from export_session.session.origin import Project
from export_session.session.story import Route
from export_session.settings import Config, Settings, project_path
from export_session.site import Identity, ReadSite
from export_session.site.model import Container, Level
from export_session.support.parallel import Workers

log = logging.getLogger(__name__)

NEEDED_TO_WRITE = {
    "containers_create_hierarchy": "create subjects, sessions and acquisitions",
    "containers_modify_metadata": "modify metadata",
    "files_create_single": "upload files",
    "files_modify_metadata": "modify file metadata",
}
NEEDED_TO_MOVE = {"containers_modify_metadata": "move sessions out of the quarantine project"}
RULE_KEY = (
    "This run was started by a gear rule. Flywheel gives such a run a key for the rule's own project only, so it "
    "cannot write to another project. Ways that work: launch the gear on the session, subject or project yourself, "
    "use Flywheel's batch run, or start it from a project-level run with select_tag (all run with your own rights)."
)


def check(site: ReadSite, settings: Settings, workers: Workers) -> tuple[Container, Route]:
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
    problems: list[str] = []
    origin, targets = workers.both(
        lambda: _origin(site, *settings.destination, problems, workers),
        lambda: _targets(site, settings.config, workers),
    )
    problems += targets.problems
    if origin:
        problems += _of_both(site, settings.config, origin[1], targets)
    if problems or not origin or not targets.export:
        raise PreflightError(dict.fromkeys(problems))
    return origin[0], Route(origin[1], targets.export, targets.archive)


@dataclass(frozen=True)
class _Targets:
    """What was found before the origin is known."""

    identity: Identity
    export: Project | None
    archive: Project | None
    problems: Sequence[str]


def _origin(
    site: ReadSite, kind: str, identifier: str, problems: list[str], workers: Workers
) -> tuple[Container, Project] | None:
    """Read what the run works on and its project."""
    try:
        level: Level = kind  # type: ignore[assignment]  # the settings allow no other
        project_id = ""  # where it is known before the destination is read, the two are read together
        if level == "analysis":
            analysis = site.read("analysis", identifier)
            level, identifier = analysis.fields["parent"]["type"], analysis.fields["parent"]["id"]
            project_id = analysis.parents.get("project", "")
        if level == "acquisition":
            level, identifier = "session", site.read("acquisition", identifier).parents["session"]
        if level not in ("project", "subject", "session"):
            problems.append(f"The gear runs on a session, subject or project, not on a {level}.")
            return None
        destination, project = workers.both(
            lambda: site.read(level, identifier), lambda: site.read("project", project_id) if project_id else None
        )
        if level == "project":
            project = destination
        elif project is None or project.id != destination.parents["project"]:
            project = site.read("project", destination.parents["project"])
    except SiteError as error:
        problems.append(f"The destination cannot be read: {error}")
        return None
    return destination, Project(project, project.parents.get("group") or str(project.fields.get("group") or ""))


def _targets(site: ReadSite, config: Config, workers: Workers) -> _Targets:
    """Look the other projects up, and see whether this key may do there what the run needs."""
    problems: list[str] = []
    reads: list[Callable[[], object]] = [
        lambda: _project(site, "export_project", config.export_project, problems),
        lambda: _project(site, "archive_project", config.archive_project, problems),
        site.identity,
        lambda: not config.dry_run and site.signs_uploads(),
    ]
    export, archive, identity, signed = workers.map(lambda read: read(), reads)
    assert export is None or isinstance(export, Project)
    assert archive is None or isinstance(archive, Project)
    assert isinstance(identity, Identity)
    log.debug("signed uploads: %s", signed)
    if identity.kind == "gear_rule" and problems:
        problems.append(RULE_KEY)
    checks: list[Callable[[], list[str]]] = []
    if export and config.check_gear_rules:
        checks += [lambda: _enabled_rules(site, export)]
    if not config.dry_run:
        projects = filter(None, (export, archive))
        checks += [partial(_missing_rights, site, project, identity.id, NEEDED_TO_WRITE) for project in projects]
    for found in workers.map(lambda check: check(), checks):
        problems += found
    return _Targets(identity, export, archive, problems)


def _of_both(site: ReadSite, config: Config, origin: Project, targets: _Targets) -> Iterator[str]:
    export, archive = targets.export, targets.archive
    if export and export.id == origin.id:
        yield f"export_project: {export.path} is the origin's own project; name another one."
    if archive and config.archive_mode == "move":
        # After a move the session is found in the archive: a run that was interrupted before tagging goes on there.
        yield from [] if config.dry_run else _missing_rights(site, origin, targets.identity.id, NEEDED_TO_MOVE)
    elif archive and archive.id == origin.id:
        yield f"archive_project: {archive.path} is the origin's own project."


def _project(site: ReadSite, option: str, path: str | None, problems: list[str]) -> Project | None:
    if not path:
        return None
    group, label = project_path(path)
    try:
        found = site.lookup([group, label])
    except NotFound:
        problems.append(f"{option}: there is no project {path}, or the API key may not see it.")
    except AccessDenied:
        problems.append(f"{option}: the API key has no right to read {path}.")
    except ExportError as error:
        problems.append(f"{option}: {error}")
    else:
        if found.level == "project":
            return Project(found, group)
        problems.append(f"{option}: {path} is a {found.level}, not a project.")
    return None


def _missing_rights(site: ReadSite, project: Project, user: str, needed: Mapping[str, str]) -> list[str]:
    """Name what the key may not do, where the site tells; where it does not, the first write will."""
    actions = site.actions(project.container, user)
    if actions is None:
        return []
    missing = [text for action, text in needed.items() if action not in actions]
    if not missing:
        return []
    return [f"The API key's user may not {', '.join(missing)} in {project.path}: ask its administrator for a role."]


def _enabled_rules(site: ReadSite, project: Project) -> list[str]:
    try:
        enabled = [rule.name or rule.gear for rule in site.gear_rules(project.id) if rule.enabled]
    except AccessDenied:
        log.warning("the gear rules of %s cannot be read with this key, so they were not checked", project.path)
        return []
    if not enabled:
        return []
    named = ", ".join(enabled)
    problem = (
        f"export_project: {project.path} has enabled gear rules ({named}), which would change what is exported. "
        "Disable them, or set check_gear_rules to false."
    )
    return [problem]
