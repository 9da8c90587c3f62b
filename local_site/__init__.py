"""A Flywheel site on this machine, for any program that speaks to one.

``python -m local_site serve ROOT`` runs one; :class:`LocalSite` is the same as a context manager.
"""

from __future__ import annotations

from local_site.local import LocalSite
from local_site.site.faults import Fault
from local_site.site.options import SiteOptions

__all__ = ["Fault", "LocalSite", "SiteOptions"]
