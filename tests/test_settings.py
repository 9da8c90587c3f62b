"""The configuration: every wrong value is named, and nothing but the documented is accepted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session import settings
from export_session.errors import ConfigError

KEY = "site.example.org:secret-key-0123456789"


def document(**config: Any) -> dict[str, Any]:
    return {
        "config": {"export_project": "group/Export", **config},
        "inputs": {"api-key": {"base": "api-key", "key": KEY}},
        "destination": {"type": "session", "id": "6" * 24},
    }


def problems(given_document: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        settings.parse(given_document)
    return caught.value.problems


def test_empty_options_take_their_defaults() -> None:
    config = settings.parse(document(archive_project="", select_tag=None)).config
    assert (config.archive_project, config.select_tag, config.transfers) == (None, None, 4)


@pytest.mark.parametrize(
    "config", [{"make_sheet": "PatientName", "log_values": "hash"}, {"make_sheet": "PatientName", "summarize": True}]
)
def test_a_sheet_of_values_is_a_run_of_its_own_and_hides_none(config: dict[str, Any]) -> None:
    (problem,) = problems(document(**config))
    assert "make_sheet" in problem


@pytest.mark.parametrize("config", [{"make_sheet": "PatientName"}, {"summarize": True}, {"mode": "restore"}])
def test_a_run_that_only_reads_or_goes_back_takes_no_corrections(config: dict[str, Any]) -> None:
    given = document(**config)
    given["inputs"]["corrections"] = {"base": "file", "location": {"path": "a.xlsx", "name": "a.xlsx"}}
    (problem,) = problems(given)
    assert "applies no corrections" in problem


@pytest.mark.parametrize(
    ("given", "assumed"),
    [
        ("", ""),
        (None, ""),
        ("ISO_IR 100", "ISO_IR 100"),
        ("GB18030", "GB18030"),
        ("ISO_IR 100\\ISO_IR 144", "ISO 2022 IR 100\\ISO 2022 IR 144"),
        ("\\ISO 2022 IR 58", "\\ISO 2022 IR 58"),
        ("ISO 2022 IR 149", "\\ISO 2022 IR 149"),
    ],
)
def test_a_character_set_to_assume_is_given_by_its_terms(given: str | None, assumed: str) -> None:
    assert settings.parse(document(assume_charset=given)).config.options.assumed == assumed


def test_log_debug_means_debug() -> None:
    assert settings.parse(document(log_debug=True)).config.debug
    assert not settings.parse(document(log_debug=False)).config.debug


@pytest.mark.parametrize(
    ("config", "meant"),
    [
        ({}, "fail"),
        ({"on_invalid_edit": "skip"}, "export"),
        ({"on_invalid_edit": "fail"}, "fail"),
        ({"on_invalid_edit": "skip", "on_refused_edit": "export"}, "export"),
        ({"on_invalid_edit": "", "on_refused_edit": "export"}, "export"),
    ],
)
def test_refused_edits_are_decided_by_either_name(config: dict[str, Any], meant: str) -> None:
    parsed = settings.parse(document(**config))
    assert (parsed.config.on_refused_edit, parsed.config.options.on_refused_edit) == (meant, meant)
    assert "on_invalid_edit" not in parsed.for_report()


def test_two_names_with_two_meanings_are_explained() -> None:
    (problem,) = problems(document(on_invalid_edit="skip", on_refused_edit="fail"))
    assert "on_invalid_edit" in problem
    assert "on_refused_edit" in problem


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"transfers": True}, "transfers"),
        ({"transfers": 0}, "transfers"),
        ({"transfers": 2.5}, "transfers"),
        ({"dry_run": 1}, "dry_run"),
        ({"verify": "never"}, "verify"),
        ({"archive_project": 5}, "archive_project"),
        ({"export_project": "/Export"}, "export_project"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"assume_charset": "ISO_IR 999"}, "ISO_IR 999"),
        ({"assume_charset": "klingon"}, "GB18030"),
        ({"assume_charset": "UTF-8"}, '"ISO_IR 192" is meant'),
        ({"assume_charset": "ISO_IR 192\\ISO_IR 100"}, "stands alone"),
        ({"assume_charset": 5}, "assume_charset"),
        ({"on_invalid_edit": "export"}, "on_invalid_edit"),
        ({"on_refused_edit": "skip"}, "on_refused_edit"),
    ],
)
def test_each_wrong_value_is_named(config: dict[str, Any], named: str) -> None:
    assert any(named in problem for problem in problems(document(**config)))


@pytest.mark.parametrize("mode", ["in_place", "restore"])
def test_only_copies_need_a_project_to_export_to(mode: str) -> None:
    config = settings.parse({**document(), "config": {"mode": mode}}).config
    assert (config.export_to, config.unused) == (None, ())
    given_all_the_same = settings.parse(document(mode=mode)).config
    assert given_all_the_same.export_to is None
    assert "export_project is not used" in given_all_the_same.unused[0]
    assert problems({**document(), "config": {"mode": "copy"}})


def test_what_is_changed_in_place_is_not_moved_away() -> None:
    (problem,) = problems(document(mode="in_place", archive_mode="move", archive_project="group/Archive"))
    assert "in_place" in problem


@given(
    st.dictionaries(st.text(max_size=12), st.none() | st.booleans() | st.integers() | st.text(max_size=8), max_size=4)
)
def test_any_configuration_is_accepted_or_explained(config: dict[str, Any]) -> None:
    try:
        accepted = settings.parse({**document(), "config": config}).config
    except ConfigError as error:
        assert error.problems
    else:
        assert accepted.export_project == config["export_project"]


@pytest.mark.parametrize("broken", [[], {}, {"config": None}, {"destination": {"type": "file", "id": "x"}}])
def test_a_document_without_its_parts_is_explained(broken: Any) -> None:
    assert problems(broken)


def test_the_key_is_in_no_picture_of_the_settings() -> None:
    parsed = settings.parse(document())
    assert KEY not in repr(parsed)
    assert KEY not in str(parsed.for_report())


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("g/P", ("g", "P")),
        ("fw://g/P", ("g", "P")),
        ("g/P/", ("g", "P")),
        ("g/A/B", ("g", "A/B")),
        (" g / P 1 ", ("g", "P 1")),
    ],
)
def test_a_project_label_may_hold_slashes(path: str, parts: tuple[str, str]) -> None:
    assert settings.project_path(path) == parts


@pytest.mark.parametrize("given", ["ab" * 32, "AB" * 32, f" sha256:{'ab' * 32} "])
def test_an_approved_plan_is_taken_as_it_was_printed_or_copied(given: str) -> None:
    assert settings.parse(document(approved_plan=given)).config.approved_plan == "ab" * 32


@pytest.mark.parametrize("given", ["ab" * 31, "xy" * 32, "yes"])
def test_what_is_no_digest_approves_nothing(given: str) -> None:
    with pytest.raises(ConfigError, match="approved_plan must be the digest"):
        settings.parse(document(approved_plan=given))


def test_an_approval_is_for_one_run_and_a_plan_alone_is_none() -> None:
    with pytest.raises(ConfigError, match="fan_out starts a run for each session"):
        settings.parse(document(approved_plan="ab" * 32, fan_out=True))
    alone = document()
    alone["inputs"]["approved-plan"] = {"base": "file", "location": {"path": "plan.json", "name": "plan.json"}}
    with pytest.raises(ConfigError, match="approves nothing by itself"):
        settings.parse(alone)
