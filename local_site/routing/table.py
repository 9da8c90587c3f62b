"""Routes over raw paths.

A path is split at ``/`` before its parts are decoded, so that a file called ``a/b`` stays one part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from local_site.hierarchy.levels import CONTAINERS
from local_site.routing.call import Call

FAMILIES = {
    "cont": frozenset(CONTAINERS) | {"containers"},  # anything by its id
    "tree": frozenset(CONTAINERS) - {"groups"} | {"containers"},  # what holds files and notes
    "level": frozenset(CONTAINERS),
}


Handler = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    """A method and path template with what serves them.

    Attributes
    ----------
    method, template
        What the route is for; ``{cont}``, ``{tree}`` and ``{level}`` stand for the plural of a container type.
    handler
        Returns the JSON to reply with. A streaming one is awaited, and returns a response.
    public
        Whether it needs no key.
    streams
        Whether it reads the request's body itself.
    """

    method: str
    template: str
    handler: Any
    public: bool = False
    streams: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the template."""
        return tuple(self.template.strip("/").split("/"))

    def shown(self, params: dict[str, str]) -> str:
        """Return the template as records and faults name it, with the type of container filled in."""
        filled = (
            params[part[1:-1]] if part[1:-1] in FAMILIES else part.replace("{cid}", "{id}") for part in self.parts
        )
        return "/" + "/".join(filled)

    def match(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """Return the parameters if the path's decoded `parts` fit, or None."""
        if len(parts) != len(self.parts):
            return None
        params = {}
        for pattern, part in zip(self.parts, parts, strict=True):
            if not pattern.startswith("{"):
                if pattern != part:
                    return None
                continue
            name = pattern[1:-1]
            if part not in FAMILIES.get(name, (part,)) or not part:
                return None
            params[name] = part
        return params


class Routes:
    """A table of routes; the one with the most literal parts goes first."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def add(
        self, method: str, *templates: str, public: bool = False, streams: bool = False
    ) -> Callable[[Handler], Handler]:
        """Return a decorator that registers a handler."""

        def register(handler: Handler) -> Handler:
            self._routes += [Route(method, template, handler, public, streams) for template in templates]
            return handler

        return register

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)


class Router:
    """Finds the route of a request among tables of routes."""

    def __init__(self, *tables: Routes) -> None:
        self._routes: dict[tuple[str, int], list[Route]] = {}
        for route in (route for table in tables for route in table):
            self._routes.setdefault((route.method, len(route.parts)), []).append(route)
        for routes in self._routes.values():
            routes.sort(key=lambda route: [part.startswith("{") for part in route.parts])

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route of a request with its parameters, or None."""
        parts = tuple(unquote(part) for part in raw_path.strip("/").split("/"))
        for route in self._routes.get((method, len(parts)), ()):
            params = route.match(parts)
            if params is not None:
                return route, params
        return None
