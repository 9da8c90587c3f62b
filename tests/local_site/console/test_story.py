"""The whole story in a browser: look, correct, run the gear, follow its log, open its report."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import flywheel
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.filebase import DicomBytesIO

from local_site import LocalSite

pytestmark = pytest.mark.xdist_group("browser")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
GEAR = Path(__file__).parents[3]
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
PATIENCE = 150.0


class Tab:
    """A page of a browser, driven over its debugging protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    async def call(self, method: str, **params: Any) -> Any:
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async for message in self._socket:
            answer = json.loads(message.data)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
        raise AssertionError("the browser is gone")

    async def run(self, script: str) -> Any:
        return (await self.call("Runtime.evaluate", expression=script, returnByValue=True))["result"].get("value")

    async def shows(self, condition: str) -> None:
        """Wait until a condition holds on a page that is loaded."""
        deadline = time.monotonic() + PATIENCE
        while not await self.run(f"document.readyState === 'complete' && !!({condition})"):
            assert time.monotonic() < deadline, await self.run("location.href + document.body.innerText")
            await asyncio.sleep(0.1)

    async def follow(self, text: str) -> None:
        """Click the first link with this text, and wait for the page that it leads to."""
        link = f"[...document.links].find(link => link.textContent.trim() === {json.dumps(text)})"
        await self.shows(link)
        await self._leave(f"{link}.click()")

    async def submit(self, button: str) -> None:
        """Click a button, and wait for the page that it leads to."""
        await self._leave(f"[...document.querySelectorAll('button')].find(b => b.textContent === '{button}').click()")

    async def type(self, name: str, value: str) -> None:
        await self.run(f"document.getElementsByName({json.dumps(name)})[0].value = {json.dumps(value)}")

    async def _leave(self, script: str) -> None:
        await self.run(f"window.left = false; {script}")
        await self.shows("window.left === undefined")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[str]:
    """The address of a browser's debugging protocol."""
    if BROWSER is None:
        pytest.skip("no Chromium here")
    profile = tmp_path / "profile"
    command = [BROWSER, *QUIET, f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            told = profile / "DevToolsActivePort"
            deadline = time.monotonic() + PATIENCE
            while not (told.exists() and told.read_text().strip()):
                assert time.monotonic() < deadline, "the browser did not start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{told.read_text().split()[0]}"
        finally:
            process.terminate()


@asynccontextmanager
async def opened(browser: str, url: str) -> AsyncIterator[Tab]:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{browser}/json") as answer:
            pages = [page for page in await answer.json(content_type=None) if page["type"] == "page"]
        async with http.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Tab(socket)
            await tab.call("Page.navigate", url=url)
            yield tab


async def play(browser: str, page: str) -> str:
    """Play the story, and return the text of the report."""
    async with opened(browser, page) as tab:
        await tab.shows("document.querySelector('h1').textContent === 'Local site'")
        for label in ("Quarantine", "sub-01", "Baseline"):
            await tab.follow(label)
        session = await tab.run("location.href")
        for label in ("CT", "ct.dcm"):
            await tab.follow(label)
        await tab.type("dicom.PatientName", "Müller^Jörg")
        await tab.submit("Save")
        await tab.shows("document.getElementsByName('dicom.PatientName')[0].value === 'Müller^Jörg'")
        await tab.call("Page.navigate", url=session)
        await tab.follow("Session Export")
        await tab.type("config.export_project", "grp/Export")
        await tab.submit("Run")
        await tab.shows("document.querySelector('.complete, .failed')")
        assert await tab.run("document.querySelector('.complete, .failed').textContent") == "complete"
        log = await tab.run("document.querySelector('pre').textContent")
        assert "export" in log.lower()
        report = await tab.run("[...document.links].map(link => link.textContent).find(name => name.endsWith('.html'))")
        await tab.follow(report)
        await tab.shows("document.body.innerText.length > 0")
        return str(await tab.run("document.body.innerText"))


def test_the_story_is_played_in_a_browser(tmp_path: Path, browser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with LocalSite(tmp_path / "root", engine=True) as site:
        client = flywheel.Client(site.api_key)
        client.add_group({"_id": "grp", "label": "Group"})
        quarantine, _ = (client.get_group("grp").add_project(label=label) for label in ("Quarantine", "Export"))
        session = quarantine.add_subject(label="sub-01").add_session(label="Baseline")
        acquisition = session.add_acquisition(label="CT")
        content = Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()
        header = {"PatientID": "1CT1", "PatientName": "CompressedSamples^CT1", "Modality": "CT"}
        metadata = {"modality": "CT", "type": "dicom", "info": {"header": {"dicom": header}}}
        acquisition.upload_file(flywheel.FileSpec("ct.dcm", content), metadata=metadata)
        site.add_gear(GEAR)
        report = asyncio.run(play(browser, f"{site.url}/?key={site.site.owner_key()}"))
        assert "ct.dcm" in report
        copy = client.lookup(["grp", "Export", "sub-01", "Baseline", "CT"]).read_file("ct.dcm")
        assert str(dcmread(DicomBytesIO(copy)).PatientName) == "Müller^Jörg"
