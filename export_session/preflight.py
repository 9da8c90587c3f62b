"""What must be true of the site before anything is written; all problems are named at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from .errors import AccessDenied, ExportError, NotFound, PreflightError, SiteError
from .model import Container, Level
from .parallel import Workers
from .session import Route
from .settings import Config, Settings, project_path
from .site import Identity, ReadSite
from .tree import Project

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


def destination_of(site: ReadSite, kind: str, identifier: str) -> Container:
    """Return the session, subject or project a run works on; an acquisition stands for its session.

    Raises
    ------
    PreflightError
        When the destination is of another kind or cannot be read.
    """
    try:
        level: Level = kind  # type: ignore[assignment]  # the settings allow no other
        if kind == "analysis":
            level, identifier = site.parent_of_analysis(identifier)
        if level == "acquisition":
            level, identifier = "session", site.read("acquisition", identifier).parents["session"]
        if level not in ("project", "subject", "session"):
            raise PreflightError([f"The gear runs on a session, subject or project, not on a {level}."])
        return site.read(level, identifier)
    except SiteError as error:
        raise PreflightError([f"The destination cannot be read: {error}"]) from None


def check(site: ReadSite, settings: Settings, destination: Container, workers: Workers) -> Route:
    """Return the projects of a run once they are known to be fit for it.

    Raises
    ------
    PreflightError
        With every problem found.
    """
    config = settings.config
    problems: list[str] = []
    origin_id = destination.id if destination.level == "project" else destination.parents["project"]
    reads: list[Callable[[], object]] = [
        lambda: site.read("project", origin_id),
        lambda: _project(site, "export_project", config.export_project, problems),
        lambda: _project(site, "archive_project", config.archive_project, problems),
        site.identity,
    ]
    origin, export, archive, identity = workers.map(lambda read: read(), reads)
    assert isinstance(origin, Container)
    assert isinstance(identity, Identity)
    route_origin = Project(origin, origin.parents.get("group") or str(origin.fields.get("group") or ""))
    if identity.kind == "gear_rule" and problems:
        problems.append(RULE_KEY)
    checks: list[Callable[[], list[str]]] = []
    if isinstance(export, Project):
        checks += [lambda: _of_export(site, config, export, origin_id, identity.id)]
        checks += [lambda: _enabled_rules(site, export)] if config.check_gear_rules else []
    if isinstance(archive, Project):
        checks += [lambda: _of_archive(site, config, archive, origin_id, identity.id)]
        if config.archive_mode == "move" and not config.dry_run:
            checks += [lambda: _missing_rights(site, route_origin, identity.id, NEEDED_TO_MOVE)]
    for found in workers.map(lambda check: check(), checks):
        problems.extend(found)
    if problems:
        raise PreflightError(dict.fromkeys(problems))
    assert isinstance(export, Project)
    return Route(route_origin, export, archive if isinstance(archive, Project) else None)


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


def _of_export(site: ReadSite, config: Config, export: Project, origin_id: str, user: str) -> list[str]:
    if export.id == origin_id:
        return [f"export_project: {export.path} is the origin's own project; name another one."]
    return [] if config.dry_run else _missing_rights(site, export, user, NEEDED_TO_WRITE)


def _of_archive(site: ReadSite, config: Config, archive: Project, origin_id: str, user: str) -> list[str]:
    if archive.id == origin_id:
        # After a move the session is found in the archive: a run that was interrupted before tagging goes on there.
        own = f"archive_project: {archive.path} is the origin's own project."
        return [] if config.archive_mode == "move" else [own]
    return [] if config.dry_run else _missing_rights(site, archive, user, NEEDED_TO_WRITE)


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
