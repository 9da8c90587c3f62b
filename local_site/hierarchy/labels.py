"""Labels that must be free: of projects in their group, of subjects in their project."""

from __future__ import annotations

from local_site.errors import ConflictError, UnprocessableError
from local_site.site.state import Site


def require_free_label(site: Site, group_id: str, label: str) -> None:
    """Refuse a project label that another project of the group has.

    Raises
    ------
    ConflictError
        It is taken.
    """
    if next(site.store.select("project", parent=group_id, label=label), None):
        raise ConflictError(f"Project with label {label} already exists in group {group_id}")


def require_free_code(site: Site, project_id: str, label: str, *, besides: str | None = None) -> None:
    """Refuse a subject label that another subject of the project has.

    Raises
    ------
    UnprocessableError
        It is taken.
    """
    for subject in site.store.select("subject", parent=project_id, label=label):
        if subject["_id"] != besides:
            raise UnprocessableError(f'subject code "{label}" already exists in project {project_id}')
