"""A site that runs inside a Python program, for tests and demonstrations."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from pathlib import Path
from typing import Any, Self

from local_site.console import dump
from local_site.engine import jobs, manifests, rules
from local_site.engine.scheduler import Engine
from local_site.hierarchy import changes, regulated
from local_site.server import Server
from local_site.site import auth
from local_site.site.faults import Fault
from local_site.site.journal import Entry
from local_site.site.options import SiteOptions
from local_site.site.state import OWNER, Site


class LocalSite:
    """A site that serves while the ``with`` block lasts, in a thread of its own.

    Parameters
    ----------
    root
        The directory that holds the site; it outlives the block.
    host, port
        Where to listen; port 0 takes a free one.
    options
        The switches; keyword arguments named like them go before.
    engine
        Whether queued jobs run, and gear rules with them.
    at_once, python
        How many jobs may run at the same time, and the interpreter for those whose command begins with ``python``.
    switches
        Values of single options.

    Examples
    --------
    >>> with LocalSite(tmp_path) as site:  # doctest: +SKIP
    ...     client = flywheel.Client(site.api_key)
    """

    def __init__(
        self,
        root: str | Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        options: SiteOptions | None = None,
        engine: bool = False,
        at_once: int = 2,
        python: str | None = None,
        **switches: Any,
    ) -> None:
        self.site = Site.open(Path(root), dataclasses.replace(options or SiteOptions(), **switches))
        self.site.claim()
        rules.listen(self.site)
        changes.listen(self.site)
        jobs.fail_orphans(self.site)
        self._host, self._port = host, port
        self._server = Server(self.site)
        self._engine = Engine(self.site, at_once=at_once, python=python) if engine else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local-site", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(self._server.start(self._host, self._port), self._loop)
        try:
            self._port = starting.result()
        except OSError:  # the port is taken, or the address not ours
            self._engine = None
            self.stop()
            raise
        if self._engine:
            self._engine.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop serving; a second time does nothing."""
        if self._loop.is_closed():
            return
        if self._engine:
            self._engine.stop()
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.site.close()

    @property
    def url(self) -> str:
        """The site's address, without ``/api``."""
        return self.site.url

    @property
    def api_key(self) -> str:
        """The key of the site's owner, a site administrator, in the form the SDK takes."""
        return self.key_string(self.site.owner_key())

    @property
    def owner(self) -> str:
        """The user id of the site's owner."""
        return OWNER

    def key_string(self, key: str) -> str:
        """Return a bare key in the form the SDK takes."""
        return f"{self._host}:{self._port}:__force_insecure:{key}"

    def add_user(self, user_id: str, *, admin: bool = False, **scope: Any) -> str:
        """Add a user (if new) and return a key of theirs in the form the SDK takes.

        `scope` narrows the key: ``read_only``, ``project``, ``role_ids``.
        """
        if self.site.store.get("user", user_id) is None:
            self.site.add_user(user_id, roles=["site_admin" if admin else "user"])
        return self.key_string(auth.issue_key(self.site.store, user_id, **scope))

    def grant(self, user_id: str, project_id: str, role: str) -> None:
        """Give a user a built-in role (``admin``, ``rw``, ``ro``) on a project; ``none`` takes all away."""
        with self.site.store.transaction():
            project = self.site.store.get("project", project_id)
            if project is None:
                raise KeyError(project_id)
            entries = [entry for entry in project["permissions"] if entry["_id"] != user_id]
            if role != "none":
                entries.append({"_id": user_id, "role_ids": [self.site.built_in_role(role)]})
            self.site.store.put("project", {**project, "permissions": entries})

    def lock(self, project_id: str, reason: str | None = "regulatory_audit") -> None:
        """Lock a project, so that nothing in it can be changed; None unlocks it."""
        regulated.lock(self.site, project_id, reason)

    def flag(self, file_id: str, threat: str = "Test.Malware") -> None:
        """Record that malware was found in the present version of a file."""
        regulated.flag(self.site, file_id, threat)

    def add_gear(self, directory: str | Path) -> str:
        """Register the gear in a directory (by its ``manifest.json``) and return its id."""
        return str(manifests.add_gear_directory(self.site, Path(directory))["_id"])

    def fault(self, kind: str, **details: Any) -> Fault:
        """Make the site misbehave; see :class:`local_site.site.faults.Fault`."""
        return self.site.faults.add(Fault(kind, **details))

    def clear_faults(self) -> None:
        """Make the site behave."""
        self.site.faults.clear()

    @property
    def requests(self) -> list[Entry]:
        """The requests so far, in order."""
        return self.site.journal.entries()

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self.site.journal.clear()

    def configure(self, **switches: Any) -> None:
        """Change options while the site runs."""
        self.site.options = dataclasses.replace(self.site.options, **switches)

    def dump(self) -> dict[str, Any]:
        """Return the whole site in a form that two runs can be compared by."""
        return dump.dump(self.site)
