"""Second copies of one origin: left by a request that was carried out twice, or by hand.

The older copy is the one that counts. A second one is removed where this gear made it and nothing is in it;
whatever else there is of it, a person must see.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from export_session.errors import NotFound, SiteError
from export_session.session.provenance import GEAR_NAME, KEY, object_at
from export_session.site import Site
from export_session.site.model import Acquisition, Analysis, Container

log = logging.getLogger(__name__)


def settle_twins(site: Site, twins: Iterable[Container], *, write: bool) -> tuple[tuple[str, ...], bool]:
    """Remove the empty ones among further copies of an origin.

    Returns
    -------
    tuple
        What to say of each, and whether any was (in a preview: would be) removed.
    """
    said, removed = [], False
    for twin in twins:
        try:
            empty = _is_empty(site, site.read(type(twin), twin.id))
            if empty and write:
                site.delete(twin.level, twin.id)
        except NotFound:
            continue  # another run, which had just made it, took it away
        except SiteError as error:
            said.append(f"{twin.label}: a second copy of this {twin.level} could not be looked into: {error}")
        else:
            removed = removed or empty
            said.append(_removed(twin, write=write) if empty else _kept(twin))
        log.warning(said[-1])
    return tuple(said), removed


def _removed(twin: Container, *, write: bool) -> str:
    done = "was removed" if write else "would be removed"
    return f"{twin.label}: a second, empty copy of this {twin.level} {done}; a request had been carried out twice"


def _kept(twin: Container) -> str:
    return (
        f"{twin.label}: a second copy of this {twin.level} is there ({twin.id}) and is not empty. The older one is "
        "kept up to date; compare the two and remove the other"
    )


def _is_empty(site: Site, twin: Container) -> bool:
    """Tell whether nothing is in it but what this gear gives a copy when it creates it."""
    ours = str(object_at(twin.info, KEY).get("gear") or "").startswith(GEAR_NAME)
    if not ours or twin.files or twin.tags or twin.notes:
        return False
    kinds = (Acquisition, Analysis) if twin.level == "session" else (Analysis,)
    return not any(True for kind in kinds for _ in site.children(twin.level, twin.id, kind))
