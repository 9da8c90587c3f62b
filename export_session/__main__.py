"""``python -m export_session verify EVIDENCE [--site]``."""

import sys

from export_session.evidence.command import main

sys.exit(main())
