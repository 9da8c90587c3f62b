"""Acceptance by programs of other people; opt-in, since they must be installed: SESSION_EXPORT_ACCEPT=1."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("SESSION_EXPORT_ACCEPT") else ["test_*.py"]
