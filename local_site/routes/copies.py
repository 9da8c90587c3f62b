"""Routes for server-side copies, uid checks and upserts."""

from __future__ import annotations

from local_site.routing import Routes

routes = Routes()
