"""One site: its documents, its file contents, its switches, and who listens to it."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from local_site.site import auth
from local_site.site.faults import Faults
from local_site.site.journal import Journal
from local_site.site.modalities import CLASSIFICATIONS
from local_site.site.options import SiteOptions
from local_site.storage.blobs import BlobFolder
from local_site.storage.stamps import IdSource, now
from local_site.storage.store import Doc, Store

OWNER = "owner@local.site"
FileListener = Callable[[str, Doc | None, Doc, auth.Identity], int]


@dataclass
class Site:
    """What all parts of the site share.

    Attributes
    ----------
    root
        The directory that holds everything.
    store, blobs
        Documents and file contents.
    options
        The switches; may be replaced while the site runs.
    faults, journal
        Misbehaviour asked for, and the record of requests.
    new_id
        Source of ids.
    url
        Where the site is reached; set once it listens.
    file_listeners
        Called inside the transaction that changes a file with what happened (``added``, ``replaced``, ``changed``,
        ``moved``), the file before and after, and who did it; they return how many jobs they started.
    job_listeners
        Called inside the transaction that writes a job, with the job.
    """

    root: Path
    store: Store
    blobs: BlobFolder
    options: SiteOptions
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    new_id: IdSource = field(default_factory=IdSource)
    url: str = ""
    file_listeners: list[FileListener] = field(default_factory=list)
    job_listeners: list[Callable[[Doc], None]] = field(default_factory=list)
    _lock: TextIO | None = field(default=None, init=False)

    @classmethod
    def open(cls, root: Path, options: SiteOptions | None = None) -> Site:
        """Open the site under `root`, making it on first use."""
        root = root.absolute()  # gears start in directories of their own
        root.mkdir(parents=True, exist_ok=True)
        site = cls(root, Store(root / "site.sqlite"), BlobFolder(root / "blobs"), options or SiteOptions())
        if site.store.get("user", OWNER) is None:
            site.found()
        return site

    def claim(self) -> None:
        """Become the one process that serves this root, and tidy what a killed one left.

        Raises
        ------
        RuntimeError
            Another process serves it.
        """
        self._lock = (self.root / "lock").open("w", encoding="ascii")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RuntimeError(f"{self.root} is being served already") from error
        self.blobs.sweep(self._tidied())

    def found(self) -> None:
        """Put in what every site has: roles, modalities, a storage provider, and its owner with a key."""
        with self.store.transaction():
            for default, (label, actions) in auth.BUILT_IN_ROLES.items():
                self.store.put(
                    "role",
                    {
                        "_id": self.new_id(),
                        "label": label,
                        "default_flywheel_role": default,
                        "actions": sorted(actions),
                        "in_use": True,
                    },
                )
            for name, classification in CLASSIFICATIONS.items():
                self.store.put(
                    "modality",
                    {"_id": name, "classification": classification, "active": True, "description": None},
                )
            self.store.put("provider", {"_id": self.new_id(), "label": "local"})
            self.add_user(OWNER, roles=["site_admin"])
            auth.issue_key(self.store, OWNER, key=self.owner_key())

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        host = urlsplit(self.url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback

    def close(self) -> None:
        """Close the database, and let others serve this root."""
        self.store.close()
        if self._lock:
            self._lock.close()

    def owner_key(self) -> str:
        """Return the owner's key, kept in a file that only the owner of the directory can read."""
        path = self.root / "api_key"
        if not path.exists():
            partial = self.root / "api_key.new"
            partial.unlink(missing_ok=True)
            partial.touch(mode=0o600)
            partial.write_text(auth.random_key(), encoding="ascii")
            partial.rename(path)
        return path.read_text(encoding="ascii").strip()

    def add_user(self, user_id: str, *, roles: list[str] | None = None, **profile: object) -> Doc:
        """Add a user and return their document."""
        stamp = now()
        user: Doc = {
            "_id": user_id,
            "email": user_id,
            "firstname": "Local",
            "lastname": "User",
            "roles": roles or ["user"],
            "disabled": False,
            "info": {},
            "created": stamp,
            "modified": stamp,
            **profile,
        }
        with self.store.transaction():
            self.store.put("user", user)
        return user

    def built_in_role(self, default: str) -> str:
        """Return the id of a built-in role: ``admin``, ``rw`` or ``ro``."""
        roles = self.store.select("role")
        return next(str(role["_id"]) for role in roles if role["default_flywheel_role"] == default)

    def provider_id(self) -> str:
        """Return the id of the storage provider."""
        return str(next(self.store.select("provider"))["_id"])

    def _tidied(self) -> set[str]:
        """Remove tickets that have expired, and return the names of all blobs that documents refer to."""
        names = set()
        with self.store.transaction():
            for kind in ("upload", "download"):
                for ticket in list(self.store.select(kind)):
                    if time.time() - ticket["opened"] > self.options.ticket_seconds:
                        self.store.remove(kind, ticket["_id"])
        for kind in ("file", "file_version"):
            names |= {doc["blob"] for doc in self.store.select(kind, deleted=True)}
        names |= {ticket["blob"] for ticket in self.store.select("upload") if ticket.get("blob")}
        return names

    def file_changed(self, event: str, before: Doc | None, after: Doc, who: auth.Identity) -> int:
        """Tell the listeners of a file's change; return how many jobs they started."""
        return sum(listener(event, before, after, who) for listener in self.file_listeners)
