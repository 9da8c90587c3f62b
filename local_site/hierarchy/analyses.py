"""Adding analyses to containers."""

from __future__ import annotations

from local_site.hierarchy import files
from local_site.hierarchy.levels import DEFAULTS, parents_below
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc


def add_analysis(site: Site, who: Identity, kind: str, container: Doc, fields: Doc) -> Doc:
    """Add an analysis to a container and return it; rights are the caller's business.

    Parameters
    ----------
    site, who
        Where, and by whom.
    kind, container
        What the analysis is attached to.
    fields
        Its ``label`` and more; ``inputs`` as references to files.
    """
    stamp = now()
    analysis: Doc = {
        "_id": site.new_id(),
        **DEFAULTS["analysis"],
        **{key: value for key, value in fields.items() if value is not None},
        "inputs": files.references(site, who, fields.get("inputs") or []),
        "parent": {"type": kind, "id": container["_id"]},
        "parents": parents_below(kind, container),
        "gear_info": fields.get("gear_info"),
        "created": stamp,
        "modified": stamp,
        "revision": 1,
    }
    site.store.put("analysis", analysis)
    return analysis
