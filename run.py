#!/usr/bin/env python3
"""Entry point of the gear."""

import sys

from export_session.main import main

if __name__ == "__main__":
    sys.exit(main())
