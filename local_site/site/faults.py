"""Misbehaviour on request: what a real network and a real site do to a client now and then.

A :class:`Fault` says which requests it strikes (method, route, which match, or with what probability) and what
happens to them. Faults are set from Python (:meth:`Faults.add`) or over the admin route.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KINDS = {
    "status": "answer with `status` instead of doing anything",
    "status_after": "do it, then answer with `status`",
    "slow": "wait `seconds`, then go on as usual",
    "reset_before": "close the connection instead of doing anything",
    "reset_after": "do it, then close the connection without an answer",
    "late": "do it, then wait `seconds` before answering",
    "cut": "send only `fraction` of the body of a download, then close the connection",
    "corrupt": "flip a byte of the uploaded content before it is stored (and hashed)",
    "truncate": "drop the second half of the uploaded content before it is stored (and hashed)",
    "corrupt_at_rest": "flip a byte of the stored content, behind the recorded hash",
    "truncate_at_rest": "cut the stored content in half, behind the recorded hash and size",
    "expire_ticket": "treat the ticket of the request as expired",
    "lose_completion": "answer the completion of a signed upload with [] and do nothing",
    "lag": "listings do not show what is younger than `seconds`",
    "deny": "403 for everything in the project `project`",
    "hook": "call `hook` before anything is done (from Python only)",
    "hook_after": "call `hook` when it is done, before the answer (from Python only)",
    "kill": "kill process `pid` before anything is done (with SIGKILL)",
    "kill_after": "kill process `pid` when it is done, before the answer",
}


@dataclass
class Fault:
    """One rule of misbehaviour.

    Attributes
    ----------
    kind
        What happens, one of :data:`KINDS`.
    method
        The HTTP method struck; None: any.
    route
        A regular expression searched in the path (after ``/api``) and in the route's template, such as
        ``/sessions/{id}/tags``; None: any.
    query
        A regular expression searched in the raw query; None: any.
    nth
        Strike only the nth match (from 1); None: every one.
    times
        Strike at most so often; None: no bound.
    probability, seed
        Strike a match with this probability, from a generator with this seed.
    status, body, headers
        The answer of kind ``status``; without `body` the site's usual error body.
    seconds, fraction, project, pid, hook
        Details of the kinds that name them.
    """

    kind: str
    method: str | None = None
    route: str | None = None
    query: str | None = None
    nth: int | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 1.0
    fraction: float = 0.5
    project: str | None = None
    pid: int | None = None
    hook: Callable[[str, str], None] | None = None
    matched: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; known are {', '.join(KINDS)}")
        for pattern in (self.route, self.query):
            try:
                re.compile(pattern or "")
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a valid regular expression: {error}") from error
        self._random = random.Random(self.seed)  # noqa: S311 - a repeatable choice, not a secret

    def strikes(self, method: str, path: str, template: str, query: str) -> bool:
        """Count a request, and tell whether the fault strikes it."""
        if not self._concerns(method, path, template, query):
            return False
        self.matched += 1
        spent = self.times is not None and self.struck >= self.times
        if spent or self.nth not in (None, self.matched):
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def _concerns(self, method: str, path: str, template: str, query: str) -> bool:
        return (
            (self.method is None or method == self.method.upper())
            and (self.route is None or self.route == template or re.search(self.route, path) is not None)
            and (self.query is None or re.search(self.query, query) is not None)
        )


class Faults:
    """The faults of a site at present."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Start misbehaving."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()

    def all(self) -> list[Fault]:
        """Return the faults at present."""
        with self._lock:
            return list(self._faults)

    def striking(self, method: str, path: str, template: str, query: str) -> list[Fault]:
        """Return the faults that strike a request."""
        with self._lock:
            return [fault for fault in self._faults if fault.strikes(method, path, template, query)]

    def denies(self, project_id: str) -> bool:
        """Tell whether a project is denied."""
        return any(fault.kind == "deny" and fault.project == project_id for fault in self.all())
