"""Documents in SQLite: the one place that knows the database.

Every document is a JSON object of a kind (``session``, ``file``, ``user`` …). The columns beside it are
those that listings narrow by; all other conditions are evaluated on the document itself. Writes happen in
transactions; write-ahead logging keeps the database consistent when the process is killed.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Doc = dict[str, Any]

BATCH = 500  # documents fetched at once while a listing looks for matches
PARENT_FIELDS = {  # what names the parent in a document; in others it is parent_id
    "project": "group",
    "subject": "project",
    "session": "subject",
    "acquisition": "session",
    "analysis": "parent",
    "file": "parent_ref",
    "file_version": "file_id",
}
SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, parent TEXT, project TEXT, label TEXT,
    deleted INTEGER NOT NULL DEFAULT 0, doc TEXT NOT NULL, UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS by_id ON documents (id);
CREATE INDEX IF NOT EXISTS by_parent ON documents (kind, parent, deleted, id);
CREATE INDEX IF NOT EXISTS by_project ON documents (kind, project, deleted, id);
CREATE INDEX IF NOT EXISTS by_label ON documents (kind, parent, label);
"""


def encode(value: Any) -> str:
    """Return `value` as the JSON text the store writes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def columns_of(kind: str, doc: Doc) -> tuple[str | None, str | None, str | None]:
    """Return the parent, project and label that `doc` is listed under."""
    project = doc["_id"] if kind == "project" else doc.get("parents", {}).get("project") or doc.get("project_id")
    parent = PARENT_FIELDS.get(kind, "parent_id")
    owner = doc.get(parent)
    return (owner["id"] if isinstance(owner, dict) else owner), project, doc.get("label") or doc.get("name")


def id_of(kind: str, doc: Doc) -> str:
    """Return the id that `doc` is stored under: a file's is its stable ``file_id``."""
    return str(doc["file_id"] if kind == "file" else doc["_id"])


class Store:
    """The documents of one site.

    Parameters
    ----------
    path
        The database file; made when absent.

    Attributes
    ----------
    before_put
        Told the kind and the document of each write, before it happens.
    """

    def __init__(self, path: Path) -> None:
        self.before_put: Callable[[str, Doc], None] | None = None
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes inside happen all or not at all; may be nested."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def put(self, kind: str, doc: Doc) -> None:
        """Write `doc`, new or changed."""
        if self.before_put:
            self.before_put(kind, doc)
        parent, project, label = columns_of(kind, doc)
        row = (kind, id_of(kind, doc), parent, project, label, bool(doc.get("deleted")), encode(doc))
        with self._lock:
            self._db.execute(
                "INSERT INTO documents (kind, id, parent, project, label, deleted, doc) VALUES (?,?,?,?,?,?,?) "
                "ON CONFLICT (kind, id) DO UPDATE SET parent=excluded.parent, project=excluded.project, "
                "label=excluded.label, deleted=excluded.deleted, doc=excluded.doc",
                row,
            )

    def get(self, kind: str, doc_id: str, *, deleted: bool = False) -> Doc | None:
        """Return a document, or None; one that is soft-deleted only when `deleted`."""
        with self._lock:
            row = self._db.execute(
                "SELECT doc, deleted FROM documents WHERE kind=? AND id=?", (kind, doc_id)
            ).fetchone()
        if row is None or (row[1] and not deleted):
            return None
        return _decode(row[0])

    def kind_of(self, doc_id: str, kinds: Collection[str]) -> str | None:
        """Return which of `kinds` the live document with this id is of."""
        with self._lock:
            rows = self._db.execute("SELECT kind FROM documents WHERE id=? AND deleted=0", (doc_id,)).fetchall()
        return next((kind for (kind,) in rows if kind in kinds), None)

    def remove(self, kind: str, doc_id: str) -> bool:
        """Remove a document for good; tell whether it was there."""
        with self._lock:
            return self._db.execute("DELETE FROM documents WHERE kind=? AND id=?", (kind, doc_id)).rowcount > 0

    def select(
        self,
        kind: str,
        *,
        parent: str | None = None,
        label: str | None = None,
        projects: Collection[str] | None = None,
        after: str = "",
        containing: Collection[str] = (),
        deleted: bool = False,
    ) -> Iterator[Doc]:
        """Yield documents in the order of their ids, which is that of creation.

        Parameters
        ----------
        kind
            What to list.
        parent, label
            Only those below this parent, with this label.
        projects
            Only those of these projects.
        after
            Only ids greater than this.
        containing
            Only those whose stored text contains each of these texts: a coarse, quick sieve.
        deleted
            Those that are soft-deleted, too.
        """
        clauses, values = ["kind=?"], [kind]
        for column, value in (("parent", parent), ("label", label)):
            if value is not None:
                clauses.append(f"{column}=?")
                values.append(value)
        if not deleted:
            clauses.append("deleted=0")
        if projects is not None:
            clauses.append(f"project IN ({','.join('?' * len(projects))})")
            values.extend(projects)
        for text in containing:
            clauses.append("instr(doc, ?) > 0")
            values.append(text)
        # Column names are ours; every value is bound.
        where = " AND ".join(clauses)
        query = f"SELECT id, doc FROM documents WHERE {where} AND id>? ORDER BY id LIMIT {BATCH}"  # noqa: S608 - our own clauses
        while True:
            with self._lock:
                rows = self._db.execute(query, (*values, after)).fetchall()
            for doc_id, text in rows:
                after = doc_id
                yield _decode(text)
            if len(rows) < BATCH:
                return

    def count(self, kind: str, *, parent: str | None = None) -> int:
        """Return how many live documents of a kind there are, below `parent` if given."""
        with self._lock:
            row = self._db.execute(
                "SELECT count(*) FROM documents WHERE kind=? AND deleted=0 AND (? IS NULL OR parent=?)",
                (kind, parent, parent),
            ).fetchone()
        return int(row[0])


def _decode(text: str) -> Doc:
    doc: Doc = json.loads(text)
    return doc
