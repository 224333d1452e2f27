"""Make the picture of the README: one utterance of the report, as headless Chromium shows it.

    python bench/picture.py exp/prompts/report/utt/001.html pipeline/report/example.png

Needs the test extras (Playwright) and Chromium. What only the first system considered is pointed at.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH = 1100  # pixels


def main(page_path: Path, target: Path) -> None:
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 2400})
        page.goto(page_path.resolve().as_uri())
        page.locator(".net").first.wait_for()  # the panel's data loads when it comes into view
        page.locator(".difference.first .bar:not(.thin)").first.focus()
        page.wait_for_function("document.querySelector('.probe').textContent")
        box = page.locator(".panel .view").bounding_box()
        above = page.locator(".panel h2").bounding_box()["y"]
        page.screenshot(
            path=str(target),
            clip={"x": 0, "y": above - 12, "width": WIDTH, "height": box["y"] + box["height"] - above + 16},
        )
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
