"""The store: all or nothing, in order, found by what it is listed under."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_site.storage.store import BATCH, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "site.sqlite")


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.put("user", {"_id": "a"})
            with store.transaction():
                store.put("user", {"_id": "b"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(store.select("user")) == []
    with store.transaction():
        store.put("user", {"_id": "c"})
    assert [doc["_id"] for doc in store.select("user")] == ["c"]


def test_what_is_written_survives_reopening(store: Store, tmp_path: Path) -> None:
    store.put("user", {"_id": "ä", "info": {"x": [1, None, "…"]}})
    store.close()
    assert Store(tmp_path / "site.sqlite").get("user", "ä") == {"_id": "ä", "info": {"x": [1, None, "…"]}}


def test_listing_goes_on_beyond_one_batch_in_order(store: Store) -> None:
    with store.transaction():
        for number in range(2 * BATCH + 7):
            store.put("user", {"_id": f"{number:05d}"})
    ids = [doc["_id"] for doc in store.select("user")]
    assert ids == [f"{number:05d}" for number in range(2 * BATCH + 7)]
    assert [doc["_id"] for doc in store.select("user", after=ids[BATCH])] == ids[BATCH + 1 :]


def test_soft_deleted_documents_are_found_only_when_asked_for(store: Store) -> None:
    store.put("user", {"_id": "a", "deleted": "now"})
    assert store.get("user", "a") is None
    assert store.kind_of("a", {"user"}) is None
    assert list(store.select("user")) == []
    assert store.get("user", "a", deleted=True)


def test_nothing_a_client_sends_is_read_as_sql(store: Store) -> None:
    hostile = "x' OR 1=1; DROP TABLE documents; --"
    store.put("user", {"_id": hostile, "label": hostile})
    store.put("user", {"_id": "b", "label": "b"})
    assert [doc["_id"] for doc in store.select("user", label=hostile)] == [hostile]
    assert [doc["_id"] for doc in store.select("user", containing=[hostile])] == [hostile]
    assert store.count("user") == 2
