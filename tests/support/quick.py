"""The gear on a world in a process that starts at once; see :mod:`tests.faults.forked`."""

from __future__ import annotations

from typing import Any

from tests.faults import forked
from tests.support.gear import Run, stage
from tests.support.world import NUMBERS, World


def run(world: World, destination: Any, *, job: str = "", **config: Any) -> Run:
    """Run the gear on a container."""
    where = (destination.container_type, destination.id)
    folder = stage(world.folder / f"gear-{next(NUMBERS)}", world.site.api_key, where, world.config(**config), job)
    return forked.finish(forked.start(folder), folder)
