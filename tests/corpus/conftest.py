"""A local site, and a world on it for the tests that play whole runs."""

from tests.support.fixtures import site, world

__all__ = ["site", "world"]
