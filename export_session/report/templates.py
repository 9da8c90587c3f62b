"""What the pages share: templates that escape everything, and styles and scripts within the page itself."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup

HERE = Path(__file__).parent


def new_environment() -> jinja2.Environment:
    """Return an environment for the templates in this folder; a name that is not defined is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def assets(script_name: str) -> dict[str, str]:
    """Return style and script for a page, and the hash by which its Content Security Policy allows the script."""
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("report.css", script_name))
    return {
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
