"""Whatever a site writes into Retry-After is survived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from export_session.errors import Unreachable
from export_session.site.statuses import error_of, seconds_of


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0), ("0", 0.0), ("1.5", 1.5), (" 3 ", 3.0), ("1e400", float("inf")),
        ("-1", None), ("nan", None), ("soon", None), ("", None), (None, None), ("\u0663\u0662", 32.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("Fri, 99 Dec 1999 23:59:59 GMT", None), ("1; 2", None),
        ("Fri, 31 Dec 999999999 23:59:59 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_any_form(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header) == seconds


def test_a_date_is_as_far_as_it_is() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 27.0 < (seconds_of(soon) or 0.0) <= 30.0


@pytest.mark.parametrize("status", [None, 408, 425, 429, 500, 502, 503, 504, 599])
def test_these_may_pass(status: int | None) -> None:
    assert isinstance(error_of("read", status, "", "7"), Unreachable)


def test_a_key_that_is_not_accepted_says_what_to_do() -> None:
    assert "fw login" in str(error_of("read the session", 401, "Invalid API key", None))
    assert "fw login" not in str(error_of("read the session", 403, "no", None))
