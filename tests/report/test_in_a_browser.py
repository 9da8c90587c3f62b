from __future__ import annotations

import html
import json
import os
import re
import shutil
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from export_session.report import fan_out, table_page
from export_session.report.html import render
from tests.report.big import FILES, a_big_run

Make = Callable[..., Any]
pytestmark = pytest.mark.xdist_group("browser")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--disable-dev-shm-usage",
]
HOSTILE = "<script>top.hit = 1</script><img src=x onerror='top.hit = 1'>\""

WORDS = ("series-5.dicom.zip", "SERIES-7", "dwi 217.25", "flair/series-4", "radiology/Export t2 series-11 StudyDate")

# Opens the pages of ``window.frames_wanted`` in frames, as a site shows them, looks at each, and writes down what it saw.
WATCH = """<!DOCTYPE html><meta charset="utf-8"><body><script>
const wanted = %s, seen = {};
const wait = ms => new Promise(done => setTimeout(done, ms));
const look = async ([name, page, width, sandbox, find, steps]) => {
  const frame = document.createElement("iframe");
  frame.style = `width: ${width}px; height: 900px; border: 0`;
  if (sandbox !== null) frame.sandbox = sandbox;
  const loaded = new Promise(done => { frame.onload = done; });
  frame.src = page;
  document.body.append(frame);
  await loaded;
  const inside = frame.contentDocument, root = inside.documentElement;
  const saw = { overflow: root.scrollWidth - root.clientWidth, text: inside.body.innerText };
  saw.scripts = inside.scripts.length;
  saw.tools = getComputedStyle(inside.querySelector(".tools")).display;
  if (find) {
    const begin = performance.now();
    inside.getElementById("find").value = find;
    inside.getElementById("find").dispatchEvent(new Event("input"));
    while (!inside.getElementById("found").textContent) await wait(20);
    saw.found = inside.getElementById("found").textContent;
    saw.milliseconds = performance.now() - begin;
    saw.after = (inside.getElementById("files") ?? inside.getElementById("rows")).innerText;
  }
  if (steps) saw.steps = await walk(frame.contentWindow, steps);
  seen[name] = saw;
  frame.remove();
};
// Uses the page as a curator does: looks for words, follows links, filters.
const walk = async (page, steps) => {
  const inside = page.document, input = inside.getElementById("find");
  const visible = node => node.getClientRects().length > 0;
  const top = node => Math.round(node.getBoundingClientRect().top);
  inside.documentElement.style.scrollBehavior = "auto";
  const bar = () => inside.querySelector(".tools").getBoundingClientRect().bottom;
  const typed = async words => {
    input.value = words;
    input.dispatchEvent(new Event("input"));
    await wait(400);
    const shown = [...inside.querySelectorAll("#files .file")].filter(visible);
    return {
      found: inside.getElementById("found").textContent,
      names: shown.slice(0, 5).map(node => node.querySelector("bdi").textContent),
      top: shown.length ? top(shown[0]) : null,
      bar: bar(),
      hits: [...inside.querySelectorAll("tr.hit")].filter(visible).map(node => node.innerText),
    };
  };
  const followed = async link => {
    const target = inside.querySelector(link.hash);
    link.click();
    await wait(100);
    const title = target.querySelector("h2, .name") ?? target;
    return { visible: visible(target), top: top(title), bottom: Math.round(title.getBoundingClientRect().bottom), bar: bar() };
  };
  const told = { typed: {}, sections: {}, causes: {} };
  for (const words of steps) told.typed[words] = await typed(words);
  told.fold = page.innerHeight;
  await typed(steps[0]);
  const away = [...inside.querySelectorAll("#elements a")].find(link => !visible(inside.querySelector(link.hash)));
  told.away = await followed(away);
  told.cleared = input.value;
  for (const link of inside.querySelectorAll("nav a")) told.sections[link.hash] = await followed(link);
  for (const button of inside.querySelectorAll(".filter button")) {
    button.click();
    const shown = [...inside.querySelectorAll("#elements tbody")].filter(visible);
    told.causes[button.firstChild.textContent.trim()] = [...new Set(shown.map(body => body.querySelector(".cause").textContent))];
  }
  return told;
};
(async () => {
  for (const each of wanted) await look(each);
  await wait(50);
  seen.hit = window.hit ?? null;
  document.body.innerHTML = "<pre id=seen></pre>";
  document.getElementById("seen").textContent = JSON.stringify(seen);
})();
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found and os.environ.get("CI") == "true":
        pytest.fail("No Chromium: install the Debian package chromium.")
    return found or pytest.skip("no Chromium on this machine; install the package chromium to run this test")


@pytest.fixture(scope="module")
def pages(rich_run: Make, run: Make, session: Make, file: Make, change: Make) -> dict[str, str]:
    def one_of_300(number: int) -> Any:
        weight = change("PatientWeight", "70", f"{number}.25", tag="(0010,1030)")
        return file(f"series-{number}.dicom.zip", changes=(change(), weight))

    line = fan_out.Line(HOSTILE, "s" * 200, "6" * 24, "", "", fan_out.Action.STARTED, HOSTILE)
    jobs = fan_out.Jobs([line, replace(line, subject="sub-217.25")], HOSTILE, "tag", preview=False)
    hostile = file(HOSTILE, changes=(change("PatientName", HOSTILE, f"{HOSTILE}!"),), notes=(HOSTILE,))
    return {
        "/rich": render(rich_run()),
        "/hostile": render(run(title=HOSTILE, sessions=(session(HOSTILE, files=(hostile,)),))),
        "/jobs": table_page.render(fan_out.page(jobs, "today", "run_fan_out.csv")),
        "/big": render(a_big_run()),
        "/300": render(run(sessions=(session(files=tuple(map(one_of_300, range(300)))),))),
    }


@pytest.fixture(scope="module")
def address(pages: dict[str, str]) -> Iterator[str]:
    frames = [
        ["wide", "/rich", 1280, None, ""],
        ["narrow", "/rich", 400, None, ""],
        ["sandboxed", "/rich", 800, "allow-same-origin", ""],
        ["hostile", "/hostile", 400, None, ""],
        ["300", "/300", 1280, None, "217.25"],
        ["jobs", "/jobs", 400, None, "217.25"],
        *([f"big {width}", "/big", width, None, "", WORDS] for width in (400, 1000, 1400)),
    ]
    plain = re.sub(r"<script>.*?</script>", "", pages["/big"], flags=re.DOTALL)
    served = pages | {"/": WATCH % json.dumps(frames), "/big-plain": plain}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def opened(browser: str, profile: Path, *arguments: str) -> str:
    command = [browser, *QUIET, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=90).stdout


@pytest.fixture(scope="module")
def seen(browser: str, address: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser made of the pages."""
    profile = tmp_path_factory.mktemp("profile")
    dom = opened(browser, profile, "--virtual-time-budget=60000", "--dump-dom", f"{address}/")
    found = re.search(r'<pre id="seen">(.*)</pre>', dom, re.DOTALL)
    assert found, dom[-2000:]
    result: dict[str, Any] = json.loads(html.unescape(found[1]))
    return result


@pytest.mark.parametrize("width", ["wide", "narrow", "sandboxed", "hostile", "jobs"])
def test_no_page_scrolls_sideways(seen: dict[str, Any], width: str) -> None:
    assert seen[width]["overflow"] <= 0


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_the_page_tells_the_verdict_the_changes_and_what_to_do(seen: dict[str, Any], width: str) -> None:
    text = seen[width]["text"]
    assert "1 of 3 sessions failed; nothing of it was archived or tagged." in text
    assert "Doe^Janet" in text
    assert "Upload the file again, then run the gear again." in text
    assert "Shorten the label, or leave StudyID out of the mapping." in text


def test_a_hostile_label_stays_text(seen: dict[str, Any]) -> None:
    assert seen["hit"] is None
    assert seen["hostile"]["scripts"] == 1
    assert seen["hostile"]["text"].count(HOSTILE) >= 4


def test_the_controls_show_where_scripts_run_and_the_page_is_whole_where_they_do_not(seen: dict[str, Any]) -> None:
    assert seen["wide"]["tools"] == "flex"
    assert seen["sandboxed"]["tools"] == "none"
    assert "Failed: session" in seen["sandboxed"]["text"]


def test_one_changed_value_among_300_files_is_found_in_no_time(seen: dict[str, Any]) -> None:
    found = seen["300"]
    assert found["found"] == "1 of 300 files"
    assert found["milliseconds"] < 3000
    assert "series-217.dicom.zip" in found["after"]
    assert "217.25" in found["after"]  # its table is unfolded
    assert "series-218.dicom.zip" not in found["after"]


BIG = pytest.mark.parametrize("width", [400, 1000, 1400])


@BIG
def test_a_name_leads_to_its_file_on_the_first_screen(seen: dict[str, Any], width: int) -> None:
    steps = seen[f"big {width}"]["steps"]
    named = steps["typed"]["series-5.dicom.zip"]
    assert (named["found"], named["names"]) == (f"1 of {FILES} files", ["series-5.dicom.zip"])
    for found in steps["typed"].values():
        assert found["bar"] <= found["top"] < steps["fold"] / 2


@BIG
def test_the_closest_file_comes_first_and_words_and_paths_are_combined(seen: dict[str, Any], width: int) -> None:
    typed = seen[f"big {width}"]["steps"]["typed"]
    assert typed["SERIES-7"]["names"][0] == "series-7.dicom.zip"  # of eleven, in three acquisitions
    assert typed["dwi 217.25"]["names"] == ["series-217.dicom.zip"]
    assert ["217.25" in row for row in typed["dwi 217.25"]["hits"]] == [True]
    assert typed["flair/series-4"]["names"][0] == "series-4.dicom.zip"
    assert typed["flair/series-4"]["found"] == f"3 of {FILES} files"
    assert typed["radiology/Export t2 series-11 StudyDate"]["names"][0] == "series-11.dicom.zip"


@BIG
def test_a_link_leads_to_its_file_though_the_page_was_narrowed_to_others(seen: dict[str, Any], width: int) -> None:
    steps = seen[f"big {width}"]["steps"]
    assert steps["away"]["visible"]
    assert 0 <= steps["away"]["top"] < steps["fold"]
    assert steps["cleared"] == ""


@BIG
def test_the_bar_that_stays_covers_no_title(seen: dict[str, Any], width: int) -> None:
    steps = seen[f"big {width}"]["steps"]
    assert len(steps["sections"]) == 7
    for place in (steps["away"], *steps["sections"].values()):
        assert place["top"] >= place["bar"]


@BIG
def test_changes_can_be_narrowed_to_their_cause(seen: dict[str, Any], width: int) -> None:
    causes = {word: set(shown) for word, shown in seen[f"big {width}"]["steps"]["causes"].items()}
    everything = {"edit", "mapping", "per-slice edit"}
    assert causes == {"all": everything, "mine": {"edit"}, "mapping": {"mapping"}, "per slice": {"per-slice edit"}}


@pytest.mark.parametrize("page", ["/big", "/big-plain"])
def test_paper_has_the_summary_and_each_file_by_name(browser: str, address: str, tmp_path: Path, page: str) -> None:
    paper = tmp_path / "report.pdf"
    opened(browser, tmp_path / "profile", f"--print-to-pdf={paper}", "--no-pdf-header-footer", f"{address}{page}")
    pages = len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))
    assert 8 < pages < 60  # 300 names take six or more; with their tables it would be a thousand


@pytest.mark.parametrize("width", [1280, 500])
def test_a_picture_can_be_taken(browser: str, address: str, tmp_path: Path, width: int) -> None:
    picture = tmp_path / f"report-{width}.png"
    opened(browser, tmp_path / "profile", f"--window-size={width},1600", f"--screenshot={picture}", f"{address}/rich")
    data = picture.read_bytes()
    assert struct.unpack_from(">II", data, 16) == (width, 1600)
    assert len(data) > 30_000  # an empty page has less than 10,000


def test_a_table_page_is_as_safe_as_the_report_and_can_be_narrowed(seen: dict[str, Any]) -> None:
    assert seen["hit"] is None
    assert seen["jobs"]["scripts"] == 1
    assert seen["jobs"]["text"].count(HOSTILE) >= 3
    assert seen["jobs"]["found"] == "1 of 2 sessions"
    assert "sub-217.25" in seen["jobs"]["after"]
