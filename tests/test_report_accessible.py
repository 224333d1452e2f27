"""Pages of the report as axe-core sees them: names, contrast, order, keyboard; light and dark, narrow and wide."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from reports.browsing import open_page, utterance_page

pytest_plugins = ["reports.fixtures"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_nothing_keeps_anybody_out(report: Path, browser: Browser, scheme: str, width: int) -> None:
    """Nor is any page wider than its window, whatever its width."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    for path in (report / "index.html", utterance_page(report, "u1")):
        open_page(page, path, panels=1)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["target"]) for one in found] == []
        for wide in (400, 3840):
            page.set_viewport_size({"width": wide, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    context.close()
