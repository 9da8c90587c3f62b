"""What a run is called, on the page and in its files."""

from __future__ import annotations

import re

from export_session.launch.selection import Destination
from export_session.session.result import Route
from export_session.site.model import Project, Session


def title_of(destination: Destination, route: Route) -> str:
    """Return the path of what the run works on."""
    return "/".join([route.origin.path, *([] if isinstance(destination, Project) else _labels(destination))])


def stem_of(destination: Destination) -> str:
    """Return how the names of the outputs begin; any file system takes it."""
    stem = "-".join(re.sub(r"[^\w.+=@ -]", "_", label).strip(" .") or "_" for label in _labels(destination))
    return stem.encode()[:180].decode(errors="ignore")


def _labels(destination: Destination) -> list[str]:
    above = [destination.subject_label] if isinstance(destination, Session) else []
    return [*above, destination.label]
