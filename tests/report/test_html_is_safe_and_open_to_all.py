from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.record import RunRecord
from export_session.report import html as report
from export_session.support.wording import visible
from tests.report.page import Node, parsed

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def page(rich_run: Make) -> Node:
    return parsed(rich_run())


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload='alert(1)'>",
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;&amp;\u202e\x00\x1b[31m",
)


def spoken(run: RunRecord, word: str) -> RunRecord:
    """The run with the word in every place that takes text from outside."""
    changes = {"keyword": word, "path": word, "old": word, "new": f"{word}!", "member": word, "reason": word}

    def again(file: Any) -> Any:
        every = {
            name: tuple(replace(change, **changes) for change in getattr(file, name)) for name in ("changes", "refused")
        }
        texts = {"name": word, "modality": word, "notes": (word,), "export_path": word, "archive_path": word}
        return replace(file, **every, **texts, error=word, origin_path=f"{file.origin_path}/{word}")

    sessions = tuple(
        replace(
            session,
            subject=word,
            session=word,
            error=word,
            files=tuple(map(again, session.files)),
            containers=tuple(replace(each, label=word, notes=(word,), error=word) for each in session.containers),
        )
        for session in run.sessions
    )
    return replace(run, title=word, gear=word, error=word, settings={word: word}, sessions=sessions)


def skeleton(page: Node) -> list[tuple[str, tuple[str, ...]]]:
    """All elements and the names of their attributes, but for the marks in values and breaks in paths."""
    return [(n.tag, tuple(n.attributes)) for n in page.walk() if n.tag not in {"del", "ins", "wbr"}]


@pytest.mark.parametrize("word", HOSTILE)
def test_a_hostile_text_stays_text_wherever_it_stands(rich_run: Make, word: str) -> None:
    page = parsed(spoken(rich_run(), word))
    assert skeleton(page) == skeleton(parsed(spoken(rich_run(), "harmless")))
    assert page.all("h1")[0].text == visible(word)
    assert all(item.all("bdi")[0].text == visible(word) for item in page.all("li", "file"))


@given(st.text(alphabet="<>&\"'/=` {}%!-abcsript\n", min_size=3, max_size=30).filter(str.strip))
@settings(max_examples=12)
def test_no_text_at_all_becomes_markup(run: Make, word: str) -> None:
    assert skeleton(parsed(spoken(run(), word))) == skeleton(parsed(spoken(run(), "harmless")))


def test_the_page_needs_nothing_from_elsewhere(page: Node) -> None:
    links = [
        node.attributes.get(name) or "" for node in page.walk() for name in ("href", "src") if name in node.attributes
    ]
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    style = page.all("style")[0].text
    assert not re.search(r"url\(|@import|@font-face", style)
    assert not page.all("link")
    assert not page.all("iframe")


def test_the_pages_own_policy_allows_its_own_script_alone(page: Node) -> None:
    policy = page.all("meta")[1].attributes["content"] or ""
    (script,) = page.all("script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert not [name for node in page.walk() for name in node.attributes if name.startswith("on")]
    assert "style" not in {name for node in page.walk() for name in node.attributes}


def test_ids_are_unique_and_every_link_leads_somewhere(page: Node) -> None:
    ids = [node.attributes["id"] for node in page.walk() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    wanted: set[str | None] = {(node.attributes["href"] or "")[1:] for node in page.all("a")}
    wanted |= {node.attributes["aria-labelledby"] for node in page.walk() if "aria-labelledby" in node.attributes}
    assert wanted <= set(ids)


def test_headings_skip_no_level_and_there_is_one_title(page: Node) -> None:
    levels = [int(node.tag[1]) for node in page.walk() if re.fullmatch(r"h[1-6]", node.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_header_cells_have_a_scope(page: Node) -> None:
    assert all(table.all("caption") for table in page.all("table"))
    assert all(cell.attributes.get("scope") in {"row", "col"} for cell in page.all("th"))
    assert all(part.all("th") for table in page.all("table") for part in [*table.all("thead"), *table.all("tbody")])


def test_controls_and_pictures_have_names(page: Node) -> None:
    assert all("alt" in image.attributes for image in page.all("img"))
    labels = {label.attributes["for"] for label in page.all("label")}
    assert {node.attributes["id"] for node in page.all("input")} <= labels
    assert page.all("html")[0].attributes["lang"] == "en"


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: int) -> None:
    style = (Path(report.__file__).parent / "report.css").read_text()
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", style.split(":root {")[1 + scheme].split("}")[0]))
    texts = ("ink", "soft", "accent", "good", "warning", "bad")
    pairs = [(text, ground) for text in texts for ground in ("page", "panel")]
    for text, ground in [*pairs, ("del", "del-ground"), ("ins", "ins-ground")]:
        dark, light = sorted((luminance(colours[text]), luminance(colours[ground])))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_the_page_is_usable_without_javascript(page: Node) -> None:
    (tools,) = page.all("div", "tools")
    assert "hidden" in tools.attributes  # only the script that serves them shows the controls
