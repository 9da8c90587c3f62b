"""A read-only page to look at the site with a browser."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from local_site.errors import NotFoundError
from local_site.site import Site


async def serve(site: Site, request: web.Request) -> Any:
    """Answer a request for a page."""
    raise NotFoundError(f"There is no page {request.path} on {site.url}")
