"""One request, as handlers see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from local_site.listing.query import Query
from local_site.site.auth import Identity
from local_site.site.state import Site


@dataclass
class Call:
    """One request, as handlers see it.

    Attributes
    ----------
    site
        The site.
    request
        The HTTP request, for handlers that stream.
    params
        The decoded parts of the path that the route names.
    query
        The parameters behind the ``?``.
    who
        The sender; a nobody on public routes.
    body
        The JSON body; None if there is none.
    faults
        The kinds of the faults that strike this request, with the fault.
    """

    site: Site
    request: web.Request
    params: dict[str, str]
    query: Query
    who: Identity
    body: Any = None
    faults: dict[str, Any] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """The site's address as this client reaches it, which the URLs handed to it must bear."""
        scheme, host = self.request.scheme, self.request.host
        if not self.site.is_local and self.request.transport:  # then a Host header may say what it likes
            address, port, *_ = self.request.transport.get_extra_info("sockname")
            host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        return f"{scheme}://{host}"
