"""The site as it will be once a plan is carried out: what a preview reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from export_session.sheet.plan import Plan
from export_session.site import Condition, PatientSite
from export_session.site.model import Container, Parent

C = TypeVar("C", bound=Container)


class ForetoldSite(PatientSite):
    """A site whose containers and files are read as corrected, while nothing is written to it."""

    def __init__(self, site: PatientSite, plan: Plan) -> None:
        self._real = site
        self._plan = plan
        vars(self).update({**vars(site), **vars(self)})

    def with_patience(self, seconds: float) -> ForetoldSite:
        """Return the same with a smaller budget of its own."""
        return ForetoldSite(self._real.with_patience(seconds), self._plan)

    def read(self, kind: type[C], container_id: str) -> C:
        """Return a container as it will be."""
        return self._plan.applied_to(super().read(kind, container_id))

    def children(
        self, parent: Parent, parent_id: str, kind: type[C], *conditions: Condition, with_info: bool = False
    ) -> Iterator[C]:
        """List containers as they will be; conditions are on what they are now."""
        listed = super().children(parent, parent_id, kind, *conditions, with_info=with_info)
        return map(self._plan.applied_to, listed)
