"""Make the picture of the README: one utterance of the report, as headless Chromium shows it.

    python bench/picture.py exp/prompts/report/utt/001.html pipeline/report/example.png

Needs the test extras (Playwright) and Chromium.
"""
from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright


def main(page_path: Path, target: Path) -> None:
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1100, "height": 1180})
        page.goto(page_path.resolve().as_uri())
        page.wait_for_timeout(1500)  # the panel's data loads when it comes into view
        page.screenshot(path=str(target))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
