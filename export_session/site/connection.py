"""The way to a site: the SDK is judged by its version before it is imported."""

from __future__ import annotations

import importlib.metadata

from export_session.errors import UnsupportedSdk
from export_session.site.rest import FlywheelSite
from export_session.support.cancellation import Cancellation

OLDEST = (22, 3)  # the first version on httpx2, whose clients can be told not to retry and how long to wait
ADVICE = "Run the gear in its own image, or install what its requirements.txt names."


def connect(api_key: str, *, writable: bool = True, cancellation: Cancellation | None = None) -> FlywheelSite:
    """Return the site an API key belongs to; nothing is sent yet.

    Parameters
    ----------
    api_key
        ``host:key`` or ``host:port:key``, as the engine hands it to a gear.
    writable
        False for a dry run: every call that would write raises instead of being sent.
    cancellation
        Ends the calls that are under way when the run is cancelled.

    Raises
    ------
    UnsupportedSdk
        The gear cannot work with the SDK that is installed.
    AccessDenied
        The key is malformed.
    """
    version = assert_supported_sdk()
    try:
        from export_session.site import sdk  # noqa: PLC0415 - an SDK that is too old fails on import
    except ImportError as error:
        raise UnsupportedSdk(f"The Flywheel SDK {version} cannot be used: {error}. {ADVICE}") from None
    return FlywheelSite(sdk.Sdk(sdk.connect(api_key, cancellation or Cancellation()), writable=writable))


def assert_supported_sdk() -> str:
    """Return the version of the SDK that is installed, once it is known to be new enough.

    Raises
    ------
    UnsupportedSdk
        Says which one is installed and which one is needed.
    """
    try:
        version = importlib.metadata.version("flywheel-sdk")
    except importlib.metadata.PackageNotFoundError:
        raise UnsupportedSdk(f"The Flywheel SDK is not installed. {ADVICE}") from None
    if _numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UnsupportedSdk(f"The Flywheel SDK {version} is too old: {oldest} or newer is needed. {ADVICE}")
    return version


def _numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version; a part that is not a number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])
