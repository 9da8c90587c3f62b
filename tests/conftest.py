"""How hypothesis looks for examples, for every test alike."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "gear",
    deadline=None,  # how long an example takes says more about the machine than about the code
    derandomize=bool(os.environ.get("CI")),  # there a failure is the change's own; elsewhere each run looks further
    print_blob=True,  # so that what was found on another machine can be played again
    suppress_health_check=[
        HealthCheck.too_slow,  # a loaded machine again
        HealthCheck.function_scoped_fixture,  # examples of one test may share a folder or a site
    ],
)
settings.load_profile("gear")
