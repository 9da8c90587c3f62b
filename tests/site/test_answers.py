"""An answer that is no answer never counts as one: it is a fault of the site, whatever the status says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from export_session.errors import NoAnswer
from export_session.site import Patience, PatientSite, connect, equals
from export_session.site.model import Acquisition, Session
from export_session.site.rows import container_of
from tests.site.calls import NEW, READS, WRITES, Stage, method_of
from tests.support.middlebox import Middlebox, Reply, html, json, middlebox

WRONG = {
    "nothing": Reply(200, [("Content-Type", "application/json")]),
    "no content": Reply(204),
    "null": json("null"),
    "a page": html(),
    "half an answer": json('{"_id": "6'),
    "other words": json('{"ok": true}'),
    "a text": json('"done"'),
    "a redirect to a page": Reply(302, [("Location", "/page")]),
}
ANSWERS_BYTES = {"fetch"}  # and any bytes might be the file: they are held against its size and hash


@pytest.fixture
def box(stage: Stage) -> Iterator[Middlebox]:
    with middlebox(stage.world.site.api_key) as running:
        running.act("GET", "^/page$", answer=html())
        yield running


def patient(key: str) -> PatientSite:
    return PatientSite(connect(key), Patience(60.0), sleep=lambda _: None)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", [*(name for name in READS if name not in ANSWERS_BYTES), *WRITES])
def test_what_is_no_answer_to_a_call_raises(name: str, wrong: str, stage: Stage, box: Middlebox) -> None:
    connect(stage.world.site.api_key).start_job(stage.session, stage.request)
    site: Any = connect(box.api_key)
    if name == "gear_of":  # begins with a listing of its own
        job = next(connect(stage.world.site.api_key).jobs(stage.request.tag)).id
    box.act(".*", "^/(?!page)", answer=WRONG[wrong])
    with pytest.raises(NoAnswer) as caught:
        site.gear_of(job) if name == "gear_of" else {**READS, **WRITES}[name](site, stage)
    assert "sign in" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["nothing", "a page", "a redirect to a page"])
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_was_not_answered_is_done_once(
    name: str, forward: bool, wrong: str, stage: Stage, box: Middlebox
) -> None:
    plain = connect(stage.world.site.api_key)
    if name in {"remove_tags", "delete_info"}:
        plain.add_tags("session", stage.session, ["one", "two"])
        plain.set_info("session", stage.session, {"a": 1})
    box.act(method_of(name), "^/(?!page)", answer=WRONG[wrong], forward=forward, times=1)
    WRITES[name](patient(box.api_key), stage)
    acquisitions = list(plain.children("session", stage.session, Acquisition))
    session = plain.read(Session, stage.session)
    files = [file for one in acquisitions for file in plain.read(Acquisition, one.id).files]
    done = {
        "create": len(acquisitions) == 2,
        "modify": session.details["weight"] == 70.5,
        "set_info": session.info.get("a") == 1,
        "add_tags": set(session.tags) >= {"one", "two"},
        "remove_tags": not session.tags,
        "delete_info": not session.info,
        "add_note": session.notes == ("an old note", "a note"),
        "delete_note": not session.notes,
        "delete": not acquisitions,
        "store": [(file.name, file.version) for file in files] == [("notes.txt", 1), ("new.txt", 1)],
        "modify_file": [file.modality for file in files] == ["MR"],
        "set_file_info": [file.info for file in files] == [{"kept": True, "b": 2}],
        "set_file_classification": [dict(file.classification) for file in files] == [{"Custom": ["mine"]}],
        "add_file_tags": [file.tags for file in files] == [("three",)],
        "replace_file_info": [file.info for file in files] == [{"c": 3}],
        "set_file_tags": [file.tags for file in files] == [("four",)],
        "restore": [(file.name, file.version) for file in files] == [("notes.txt", 2)],
        "move_session": session.subject_id == stage.subject,
        "start_job": len(list(plain.jobs(stage.request.tag))) == 1,
    }
    assert done[name]


def test_the_error_says_what_was_asked_and_what_came_but_not_what_it_said(stage: Stage, box: Middlebox) -> None:
    box.act("GET", "^/sessions/", answer=html("<html>Doe, Jane</html>"))
    with pytest.raises(NoAnswer) as caught:
        connect(box.api_key).read(Session, stage.session)
    assert str(caught.value) == "read sessions: the site answered 200 with 22 bytes of text/html, which is not JSON"


# Twins


def test_a_note_that_the_network_repeats_is_known_from_one_that_a_person_repeats(stage: Stage) -> None:
    site = connect(stage.world.site.api_key)
    site.add_note("session", stage.session, "a note")
    site.add_note("session", stage.session, "another")
    assert site.read(Session, stage.session).repeated_notes == ()
    site.add_note("session", stage.session, "a note")
    (twin,) = site.read(Session, stage.session).repeated_notes
    site.delete_note("session", stage.session, twin)
    session = site.read(Session, stage.session)
    assert (session.notes, session.repeated_notes) == (("an old note", "a note", "another"), ())


@pytest.mark.parametrize(("changes", "repeated"), [
    ({}, ("2",)), ({"user": "you"}, ()), ({"text": "b"}, ()), ({"created": "2024-01-01T10:05:00+00:00"}, ()),
    ({"created": "2024-01-01T10:00:01"}, ()), ({"created": None}, ()), ({"_id": None}, ()),
])  # fmt: skip
def test_a_twin_is_of_one_author_text_and_moment(changes: dict[str, Any], repeated: tuple[str, ...]) -> None:
    first = {"_id": "1", "user": "me", "text": "a", "created": "2024-01-01T10:00:00+00:00"}
    second = {**first, "_id": "2", "created": "2024-01-01T10:00:01+00:00", **changes}
    assert container_of(Session, {"_id": "s", "notes": [second, first]}).repeated_notes == repeated


def test_a_create_that_the_network_repeats_shows_as_two_copies_the_older_first(stage: Stage, box: Middlebox) -> None:
    def twice(handler: Any, reply: Reply) -> None:
        handler.forward(handler.body)
        handler.send(reply)

    box.act("POST", "^/acquisitions$", how=twice, forward=True)
    site = patient(box.api_key)
    made = site.create("acquisition", stage.session, {"label": "new", **NEW})
    twins = site.children("session", stage.session, Acquisition, equals("info.export.origin_id", "1" * 64))
    older, younger = (one.id for one in twins)
    assert older == made
    site.delete("acquisition", younger)
    assert [one.label for one in site.children("session", stage.session, Acquisition)] == ["T1", "new"]


# Rows

FILE = {"file_id": '"f"', "name": '"a.txt"', "version": "1", "size": "5"}


def row(identifier: str, **changes: str | None) -> str:
    fields = {**FILE, **changes}
    file = ", ".join(f'"{key}": {value}' for key, value in fields.items() if value)
    return f'{{"_id": "{identifier}", "label": "x", "files": [{{{file}}}]}}'


def test_a_row_is_what_it_seems(stage: Stage, box: Middlebox) -> None:
    box.act("GET", "^/acquisitions/", answer=json(row(stage.acquisition)))
    (file,) = connect(box.api_key).read(Acquisition, stage.acquisition).files
    assert (file.name, file.version, file.size) == ("a.txt", 1, 5)


@pytest.mark.parametrize("changes", [
    {"name": None}, {"name": '""'}, {"name": "3"}, {"version": None}, {"version": "0"}, {"version": '"1"'},
    {"size": None}, {"size": "-1"}, {"size": "true"}, {"file_id": None}, {"info": "[]"}, {"tags": '"x"'},
])  # fmt: skip
def test_a_file_without_what_a_file_has_is_none(changes: dict[str, str], stage: Stage, box: Middlebox) -> None:
    box.act("GET", "^/acquisitions/", answer=json(row(stage.acquisition, **changes)))
    with pytest.raises(NoAnswer):
        connect(box.api_key).read(Acquisition, stage.acquisition)


@pytest.mark.parametrize("text", [
    '{"label": "x"}', '{"_id": ""}', '{"_id": null}', '{"_id": "%s", "files": {}}', '{"_id": "%s", "files": [3]}',
    '{"_id": "%s", "info": "x"}', '{"_id": "%s", "notes": ["x"]}', '{"_id": "%s", "tags": {}}', '[{"_id": "%s"}]',
])  # fmt: skip
def test_a_container_without_what_it_has_is_none(text: str, stage: Stage, box: Middlebox) -> None:
    box.act("GET", "^/acquisitions/", answer=json(text.replace("%s", stage.acquisition)))
    with pytest.raises(NoAnswer):
        connect(box.api_key).read(Acquisition, stage.acquisition)


def test_another_container_than_the_one_asked_for_is_no_answer(stage: Stage, box: Middlebox) -> None:
    box.act("GET", "^/acquisitions/", answer=json(row("6" * 24)))
    with pytest.raises(NoAnswer):
        connect(box.api_key).read(Acquisition, stage.acquisition)


@pytest.mark.parametrize("text", ['{"modified": 0}', '{"modified": true}', '{"modified": "2024-01-01"}', '{"modified": null}'])  # fmt: skip
def test_a_write_that_modified_nothing_was_not_done(text: str, stage: Stage, box: Middlebox) -> None:
    box.act("PATCH", "/info$", answer=json(text))
    with pytest.raises(NoAnswer):
        connect(box.api_key).set_info("session", stage.session, {"a": 1})


def test_tags_that_the_site_takes_but_does_not_keep_are_missed(stage: Stage, box: Middlebox) -> None:
    box.act("PATCH", "/tags$", answer=json("null"))
    with pytest.raises(NoAnswer):
        connect(box.api_key).add_tags("session", stage.session, ["EXPORTED"])


# Pages


def listing(numbers: range, total: int | None) -> str:
    rows = ", ".join(f'{{"_id": "{number:024x}", "label": "x"}}' for number in numbers)
    return f"[{rows}]" if total is None else f'{{"count": {len(numbers)}, "total": {total}, "results": [{rows}]}}'


EMPTY = {
    "an empty list": json("[]"),
    "an empty page of many rows": json(listing(range(0), 299)),
    "an empty page of none": json(listing(range(0), 0)),
}


@pytest.mark.parametrize("total", [299, None])
@pytest.mark.parametrize("wrong", [*WRONG, *EMPTY])
def test_a_page_that_is_none_does_not_end_a_listing(
    wrong: str, total: int | None, stage: Stage, box: Middlebox
) -> None:
    pages = [listing(range(1, 251), total), listing(range(251, 300), total)]
    number = count()

    def answer(handler: Any, _: Reply) -> None:
        after = "after_id" in handler.path
        handler.send({**WRONG, **EMPTY}[wrong] if after and next(number) == 0 else json(pages[after]))

    box.act("GET", "/acquisitions$", how=answer)
    site = patient(box.api_key)
    assert len(list(site.children("session", stage.session, Acquisition))) == 299


@pytest.mark.parametrize("text", [
    '{"count": 2, "total": 2, "results": [{"_id": "1"}]}', '{"count": 1, "total": 0, "results": [{"_id": "1"}]}',
    '{"count": 0, "total": 0}', '{"count": 0, "total": 1, "results": []}', '{"results": null}', "{}", '{"results": [null]}', '[{"label": "x"}]',
])  # fmt: skip
def test_a_page_that_contradicts_itself_is_none(text: str, stage: Stage, box: Middlebox) -> None:
    box.act("GET", "/acquisitions$", answer=json(text))
    with pytest.raises(NoAnswer):
        list(connect(box.api_key).children("session", stage.session, Acquisition))


def test_the_same_page_again_is_not_the_next(stage: Stage, box: Middlebox) -> None:
    box.act("GET", "/acquisitions$", answer=json(listing(range(1, 251), 300)))
    with pytest.raises(NoAnswer):
        list(connect(box.api_key).children("session", stage.session, Acquisition))
