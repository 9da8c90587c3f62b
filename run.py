#!/usr/bin/env python3
"""Entry point of the gear."""

import gc
import os
import signal
import sys
from types import FrameType


def _end(number: int, _: FrameType | None) -> None:
    """End a run that is cancelled before the gear listens for it, which takes some seconds of imports."""
    os.write(1, b"cancelled; run again\n")
    os._exit(128 + number)


for _number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(_number, _end)

from export_session.main import main  # noqa: E402 - not before somebody listens

if __name__ == "__main__":
    gc.freeze()  # else each full collection goes through all that was imported, while every transfer waits
    sys.exit(main())
