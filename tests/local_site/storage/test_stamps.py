"""Ids grow; times are stored in one form."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from local_site.storage.stamps import OBJECT_ID, STORED_TIME, IdSource, parse_time, stored_time


def test_ids_grow_and_never_repeat() -> None:
    source = IdSource()
    ids = [source() for _ in range(5000)]
    assert ids == sorted(set(ids))
    assert all(OBJECT_ID.fullmatch(one) for one in ids)


def test_ids_of_many_threads_are_all_different() -> None:
    source = IdSource()
    with ThreadPoolExecutor(8) as pool:
        ids = [one for batch in pool.map(lambda _: [source() for _ in range(500)], range(8)) for one in batch]
    assert len(set(ids)) == len(ids)


def test_ids_of_a_later_process_are_greater() -> None:
    assert IdSource()() < IdSource()()


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - the offset is added below
    st.integers(-14 * 60, 14 * 60),
)
def test_times_keep_their_moment_to_the_millisecond(moment: datetime, minutes: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = stored_time(zoned)
    assert STORED_TIME.fullmatch(text)
    assert timedelta(0) <= zoned - parse_time(text) < timedelta(milliseconds=1)


def test_a_time_without_offset_is_utc() -> None:
    assert parse_time("2020-01-01T10:00:00") == datetime(2020, 1, 1, 10, tzinfo=UTC)
