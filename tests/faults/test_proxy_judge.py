"""The judge of the promises can fail: an honest run breaks none, and every lie that is planted in it is found."""

from __future__ import annotations

import copy
import csv
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_site import LocalSite
from tests.faults.proxy.play import PROMISES, Game, judged
from tests.faults.proxy.promises import Played
from tests.faults.proxy.scenes import rehearse
from tests.faults.scene import ARCHIVE, EXPORT, QUARANTINE, Scene, walk


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("honest")
    rehearsed = rehearse("subject copy", folder / "rehearsed")
    root = shutil.copytree(rehearsed.seeded, folder / "site")
    with LocalSite(root) as site:
        yield Game(rehearsed, site, Scene.load(root), folder).disturbed([])


def items(played: Played, project: str, kind: str) -> list[Any]:
    """Return what is there of a kind after the run, for a test to change."""
    return [item for _, item in walk(played.after, project) if item["type"] == kind]


def lying(played: Played, tmp_path: Path) -> Played:
    """Return a copy of a run that can be falsified."""
    folder = shutil.copytree(played.run.folder, tmp_path / "run")
    run = replace(played.run, folder=folder)
    return replace(played, run=run, after=copy.deepcopy(played.after), before=copy.deepcopy(played.before))


def rewrite(played: Played, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> Played:
    """Change the rows of the export log."""
    (path,) = played.run.output.glob("*_export_log.csv")
    rows = played.run.log
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(change(rows))
    return played


def saying(played: Played, text: str) -> Played:
    return replace(played, run=replace(played.run, printed=f"{played.run.printed}\n{text}\n"))


def silent(played: Played, text: str) -> Played:
    return replace(played, run=replace(played.run, printed=played.run.printed.replace(text, "")))


def ended(played: Played, code: int) -> Played:
    return replace(played, run=replace(played.run, code=code))


def unrecord(played: Played) -> Played:
    items(played, EXPORT, "file")[0]["info"].pop("export")
    return played


def spoil(played: Played, project: str) -> Played:
    items(played, project, "acquisition")[0]["files"][0]["sha256"] = "other"
    return played


def lose(played: Played) -> Played:
    for project in (QUARANTINE, ARCHIVE):
        for level in items(played, project, "acquisition"):
            level["files"].clear()
    return played


def twin(played: Played) -> Played:
    session = items(played, EXPORT, "session")[0]
    session["children"].append({**copy.deepcopy(session["children"][0]), "files": []})
    return played


def untag(played: Played) -> Played:
    for session in items(played, QUARANTINE, "session"):
        session["tags"].remove("EXPORTED")
    return played


def unarchive(played: Played) -> Played:
    for subject in items(played, ARCHIVE, "subject"):
        subject["children"].clear()
    return played


def leave(played: Played) -> Played:
    (played.run.folder / "work" / "origin.dcm").write_bytes(b"left")
    return played


def give_away(played: Played) -> Played:
    (played.run.output / "debug.txt").write_text(played.key)
    return played


def without_files(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["Container"] != "file"]


def failing(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**row, "Status": "failed"} if row["Container"] == "session" else row for row in rows]


def refusing(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**row, "Refused": "1"} if row["Name"].endswith(".zip") else row for row in rows]


def cancelled(played: Played) -> Played:
    """A run that ended as a cancelled one should."""
    return replace(saying(ended(played, 143), "cancelled: run again to go on"), cancelled=15)


LIES: dict[str, tuple[str, Callable[[Played], Played], str]] = {
    "tagged before a file was verified": ("P1", unrecord, "not verified in export"),
    "seen too early": ("P1", lambda it: replace(it, early=("about to be moved",)), "about to be moved"),
    "an original lost": ("P1", lose, "an original is lost"),
    "a twin left": ("P2", lambda it: twin(replace(it, disturbed=False)), "differs after the next run"),
    "the next run fails": ("P2", lambda it: ended(replace(it, disturbed=False), 1), "ended with 1"),
    "other bytes in export": ("P3", lambda it: spoil(it, EXPORT), "recorded as verified has other bytes"),
    "other bytes in the archive": ("P3", lambda it: spoil(it, ARCHIVE), "an archived file"),
    "a preview that wrote": ("P9", lambda it: replace(it, preview=True), "changed the site"),
    "a preview that tried": ("P9", lambda it: replace(it, preview=True, writes=("POST /x",)), "sent POST /x"),
    "a write with nothing to do": ("P10", lambda it: replace(it, idle=True, writes=("PUT /x",)), "sent PUT /x"),
    "a row twice": ("P12", lambda it: rewrite(it, lambda rows: [*rows, rows[-1]]), "a file has 2 rows"),
    "no rows of files": ("P12", lambda it: rewrite(it, without_files), "without a row for several files"),
    "no rows": ("P12", lambda it: rewrite(it, lambda rows: rows[:0]), "without a row for several sessions"),
    "failed and 0": ("P12", lambda it: rewrite(it, failing), "rows that are failed"),
    "the key printed": ("P13", lambda it: saying(it, it.key), "was printed"),
    "the key kept": ("P13", give_away, "is in output/"),
    "a traceback": ("P13", lambda it: saying(it, "Traceback (most recent call last):"), "a traceback"),
    "no end": ("P15", lambda it: replace(it, seconds=999.0), "took more than"),
    "created, they say": ("P17", unrecord, "export holds no verified copy"),
    "not tagged": ("P17", untag, "it is not tagged"),
    "not archived": ("P17", unarchive, "it is not archived"),
    "failed, but exit code 0": ("P17", lambda it: rewrite(it, failing), "it is said that something failed"),
    "done, but exit code 1": ("P17", lambda it: ended(it, 1), "nothing says that something failed"),
    "denied": (
        "P17",
        lambda it: saying(rewrite(it, failing), "2 of 2 sessions failed; nothing of them was archived or tagged."),
        "nothing of a failed session",
    ),
    "stopped, but exit code 0": ("P17", lambda it: saying(it, "The run stopped early: …"), "it is said that"),
    "exported by a preview": ("P17", lambda it: saying(replace(it, preview=True), "2 exported"), "a preview says"),
    "nothing to do": ("P17", lambda it: saying(it, "Nothing to do: 2 sessions"), "the site changed"),
    "archived in silence": ("P17", lambda it: silent(it, "to the archive"), "does not speak of every session"),
    "miscounted": ("P17", lambda it: rewrite(it, lambda rows: rows[:-1]), "counts otherwise"),
    "verified, they say": ("P17", unrecord, "the verdict is that all is verified"),
    "qc before its time": ("P17", unrecord, "is PASS, but not all files"),
    "qc in spite of refusals": ("P17", lambda it: rewrite(it, refusing), "edits of it were refused"),
    "done, they say": ("P17", twin, "the site differs"),
    "work left": ("P18", leave, "left something in work/"),
    "cancelled too slowly": ("P18", lambda it: replace(cancelled(it), ending=11.0), "did not end within 10 s"),
    "cancelled, exit code 1": ("P18", lambda it: ended(cancelled(it), 1), "ended with 1"),
    "cancelled without a word": (
        "P18",
        lambda it: replace(ended(it, 143), cancelled=15),
        "does not say what is left",
    ),
    "an empty listing": ("P19", lambda it: unrecord(replace(it, wrong_form=True)), "not all files are exported"),
    "a tag that was none": ("P19", lambda it: untag(replace(it, wrong_form=True)), "a session is not tagged"),
    "a form nobody foresaw": ("P19", lambda it: saying(it, "unexpected TypeError"), "nobody foresaw"),
    "no rows after a kill": ("P20", lambda it: rewrite(replace(it, killed=True), without_files), "(killed)"),
}


def test_an_honest_run_breaks_no_promise(honest: Played) -> None:
    assert [(each.promise, each.text) for each in judged(honest, "run")] == []


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(honest: Played, tmp_path: Path, lie: str) -> None:
    promise, plant, said = LIES[lie]
    found = list(PROMISES[promise](plant(lying(honest, tmp_path))))
    assert any(said in text for text in found), found


def test_every_promise_is_lied_about() -> None:
    assert {promise for promise, _, _ in LIES.values()} == set(PROMISES)


def test_a_run_that_was_cancelled_as_it_should_be_breaks_no_promise_of_that(honest: Played, tmp_path: Path) -> None:
    assert list(PROMISES["P18"](cancelled(lying(honest, tmp_path)))) == []
