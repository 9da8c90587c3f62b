"""Tables of routes, and how they are told to aiohttp, which finds the one for a request.

aiohttp matches a path before it decodes ``%2F``, so a file called ``a/b`` stays one part. What it does not do is here:
put routes in order, pass over slashes at the end of a path, take names with braces in them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from local_site.hierarchy.levels import CONTAINERS
from local_site.routing.call import Call

FAMILIES = {
    "cont": frozenset(CONTAINERS) | {"containers"},  # anything by its id
    "tree": frozenset(CONTAINERS) - {"groups"} | {"containers"},  # what holds files and notes
    "level": frozenset(CONTAINERS),
}
ANYTHING = r"/{path:[\s\S]*}"
NAME = "[^/]+"  # aiohttp's own parameters admit no braces
REST = r"[\s\S]+"  # what {rest} stands for: one part or more
SLASHES = "{slashes:/*}"  # at the end of a path they mean nothing here; to aiohttp they make it another path

Handler = Callable[[Call], Any]
Serve = Callable[["Route", web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Route:
    """A method and path template with what serves them.

    Attributes
    ----------
    method, template
        What the route is for; ``{cont}``, ``{tree}`` and ``{level}`` stand for the plural of a container type,
        ``{rest}`` for all that follows, the method ``*`` for any.
    handler
        A function of the call that returns the JSON to reply with; a streaming one is awaited, and returns a response.
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

    @property
    def pattern(self) -> str:
        """The template with the regular expression of each parameter, as aiohttp reads it."""
        return "".join(f"/{_pattern(part)}" for part in self.parts) + SLASHES

    def params(self, request: web.Request) -> dict[str, str]:
        """Return the decoded parts of the path that the template names."""
        return {name: value for name, value in request.match_info.items() if f"{{{name}}}" in self.parts}

    def shown(self, params: dict[str, str]) -> str:
        """Return the template as records and faults name it, with the type of container filled in."""
        filled = (
            params[part[1:-1]] if part[1:-1] in FAMILIES else part.replace("{cid}", "{id}") for part in self.parts
        )
        return "/" + "/".join(filled)


class Routes:
    """A table of routes."""

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


def tell(router: web.UrlDispatcher, prefix: str, routes: Iterable[Route], serve: Serve) -> None:
    """Tell aiohttp of routes below a prefix.

    Among routes that begin alike aiohttp takes the first, so those with literal parts go before those with parameters,
    and these before those that take whatever comes.
    """
    for route in sorted(routes, key=lambda route: [part.startswith("{") + (part == "{rest}") for part in route.parts]):
        router.add_route(route.method, prefix + route.pattern, partial(serve, route))


def _pattern(part: str) -> str:
    if not part.startswith("{"):
        return part
    name = part[1:-1]
    if name == "rest":
        return f"{{rest:{REST}}}"
    admitted = "|".join(sorted(FAMILIES[name])) if name in FAMILIES else NAME
    return f"{{{name}:{admitted}}}"
