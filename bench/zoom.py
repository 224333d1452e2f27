"""How fast an utterance's page is: its first picture and each zoom, in headless Chromium.

    python bench/zoom.py exp/prompts/report/utt/001.html

Needs the test extras (Playwright) and Chromium. All systems are shown. A zoom is measured from the click to the frame
that shows it; of both, the time that passed and the time that the page's main thread worked are printed, since other
programs take their share of a machine. Ten zooms go in, as far as it goes, and then as many out.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

ROUNDS = 3
ZOOMS = 10
CLICK = """async name => {
    const button = document.querySelector(`[aria-label='Zoom ${name}']`), begun = performance.now();
    button.click();
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - begun;
}"""


def worked(session: CDPSession) -> float:
    """Milliseconds of processor time that the main thread has taken."""
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return 1000 * metrics["TaskDuration"]


def first_picture(page: Page, session: CDPSession, address: str) -> tuple[float, float]:
    """From the address to a picture with segments, arcs and a spectrogram, in ms."""
    page.goto("about:blank")
    before = worked(session)
    page.goto(address, wait_until="commit")
    page.locator(".spectrogram .tile").first.wait_for(state="attached")
    page.locator(".net .arc").first.wait_for(state="attached")
    passed = page.evaluate(
        "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
    )
    return passed, worked(session) - before


def zooms(page: Page, session: CDPSession) -> list[tuple[float, float]]:
    page.get_by_role("button", name="Show what the other systems heard as well").click()
    page.wait_for_timeout(2000)
    found = []
    for name in ("out", "in", "out"):
        for _ in range(ZOOMS):
            before = worked(session)
            passed = page.evaluate(CLICK, name)
            found.append((passed, worked(session) - before))
            page.wait_for_timeout(400)  # what is out of view is drawn
    return found


def say(what: str, times: list[tuple[float, float]]) -> None:
    for kind, ms in zip(("passed", "worked"), zip(*times)):
        print(f"{what:<14} {kind}: median {statistics.median(ms):6.0f} ms, most {max(ms):6.0f} ms, of {len(ms)}")


def main(path: Path) -> None:
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        say("first picture", [first_picture(page, session, path.resolve().as_uri()) for _ in range(ROUNDS)])
        say("zoom", zooms(page, session))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
