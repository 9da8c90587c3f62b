"""Faults strike what they say, and alike from the same seed."""

from __future__ import annotations

from local_site.site.faults import KINDS, Fault, Faults


def test_faults_of_one_seed_strike_alike() -> None:
    def struck(seed: int) -> list[bool]:
        fault = Fault("status", probability=0.3, seed=seed)
        return [fault.strikes("GET", "/x", "/x", "") for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90


def test_a_fault_strikes_its_nth_match_only_and_counts_only_matches() -> None:
    fault = Faults().add(Fault("status", method="POST", route=r"^/sessions$", nth=2))
    calls = [
        ("GET", "/sessions"),
        ("POST", "/sessions"),
        ("POST", "/sessions/x"),
        ("POST", "/sessions"),
        ("POST", "/sessions"),
    ]
    assert [fault.strikes(method, path, "", "") for method, path in calls] == [False, False, False, True, False]


def test_every_kind_of_fault_is_described() -> None:
    assert all(KINDS.values())
