"""A report, and a browser without a network to look at it. Tests name this module in ``pytest_plugins``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, sync_playwright

from reports.trees import (
    SYSTEMS,
    make_trees,
    run_stage,
    with_findings,
    with_models,
    with_placements,
    with_word_lattices,
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    exp, data = make_trees(tmp_path_factory.mktemp("report"))
    with_models(exp, data)
    with_placements(exp)
    with_word_lattices(exp, "old", ["u1", "u2", "u3"])
    with_word_lattices(exp, "new", ["u1", "u3"])
    with_findings(exp)
    result = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"))
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"report: 2 systems, 4 utterances; open {exp / 'report' / 'index.html'}\n"
    return exp / "report"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail("no browser to test the report with; install one: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[SimpleNamespace]:
    """An offline page that keeps what goes wrong; after the test nothing may have."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page, troubles = context.new_page(), []
    page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url[:80]}"))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or troubles.append(request.url))
    # Most tests read phones by their names; a reader who has not chosen sees IPA. What is kept is not touched before
    # the page reads it: a browser that is asked too early may have forgotten it.
    page.add_init_script("""
        const kept = Storage.prototype.getItem;
        Storage.prototype.getItem = function (key) {
          return kept.call(this, key) ?? (key === 'phonoscope.ipa' ? 'false' : null);
        };""")
    # Notes what is really handed to the sound card's source node, which then plays as always.
    page.add_init_script("""
        window.sounds = [];
        const start = AudioBufferSourceNode.prototype.start;
        AudioBufferSourceNode.prototype.start = function (when, from, length) {
          const peak = this.buffer.getChannelData(0).reduce((most, sample) => Math.max(most, sample));
          const sound = {from, length, rate: this.playbackRate.value, peak};
          this.addEventListener('ended', () => { sound.ended = true; });
          window.sounds.push(sound);
          return start.call(this, when, from, length);
        };""")
    yield SimpleNamespace(page=page, troubles=troubles)
    context.close()
    assert troubles == []
