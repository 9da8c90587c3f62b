"""A local site, and a world on it for every test."""

from tests.support.fixtures import site, world

__all__ = ["site", "world"]
