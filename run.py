#!/usr/bin/env python3
"""Entry point of the gear."""

import gc
import sys

from export_session.main import main

if __name__ == "__main__":
    gc.freeze()  # else each full collection goes through all that was imported, while every transfer waits
    sys.exit(main())
