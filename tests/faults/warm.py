"""Imported once by the process that runs of the gear are forked from: what is the same for every run is done here."""

from __future__ import annotations

from typing import Any

import jinja2

import export_session.main
import export_session.site.sdk  # noqa: F401 - so that no run has to
from export_session.record import RunRecord
from export_session.report import html

COMPILED: dict[str, Any] = {}
compile_template = jinja2.Environment.compile


def _compile_once(environment: jinja2.Environment, source: Any, *more: Any, **options: Any) -> Any:
    if source not in COMPILED:
        COMPILED[source] = compile_template(environment, source, *more, **options)
    return COMPILED[source]


jinja2.Environment.compile = _compile_once  # type: ignore[method-assign, assignment]  # the template is the same for all runs
html.render(
    RunRecord(
        "",
        "",
        "",
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00Z",
        dry_run=False,
        log_values="full",
        settings={},
        sessions=(),
    )
)
