"""What a reader does with a report in the browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page


def open_page(page: Page, path: Path, panels: int) -> None:
    """Open a page and bring every panel into view, as a reader would."""
    page.goto(path.as_uri())
    for number in range(panels):
        panel = page.locator(".panel").nth(number)
        panel.scroll_into_view_if_needed()
        panel.locator("button.segment").first.wait_for(state="attached")


def utterance_page(report: Path, name: str) -> Path:
    return next(path for path in sorted((report / "utt").glob("*.html")) if f"<h1>{name}</h1>" in path.read_text())


def choose_search(page: Page, title: str) -> None:
    page.get_by_label("lattices of").select_option(title)
