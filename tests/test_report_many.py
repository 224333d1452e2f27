"""A report of twelve systems in a real browser: it loads what is chosen, and fits a window of 1280 pixels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect
from reports.browsing import choose_search, open_page, utterance_page
from reports.trees import (
    SYSTEMS,
    make_trees,
    run_stage,
    with_copies,
    with_findings,
    with_models,
    with_placements,
    with_word_lattices,
)

pytest_plugins = ["reports.fixtures"]
NUMBER = 12


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Reports of two and of twelve systems."""
    exp, data = make_trees(tmp_path_factory.mktemp("many"))
    with_models(exp, data)
    with_placements(exp)
    for system in SYSTEMS:
        with_word_lattices(exp, system, ["u1", "u2", "u3"])
    with_findings(exp)
    found = {}
    for systems in (SYSTEMS, with_copies(exp, NUMBER)):
        out = exp / f"report{len(systems)}"
        result = run_stage("report", exp, data, "--systems", *systems, "--pair", *SYSTEMS, "--out", str(out))
        assert result.returncode == 0, result.stderr
        found[len(systems)] = out
    return found


def loaded(page: Page, action: Callable[[], None]) -> dict[str, int]:
    """The files that the page asks for while it is acted on, by name, and their bytes."""
    found: dict[str, int] = {}

    def note(request) -> None:
        path = Path(unquote(urlsplit(request.url).path))
        if request.url.startswith("file:") and path.parent.name != "web":
            found[path.name] = path.stat().st_size

    page.on("request", note)
    action()
    page.remove_listener("request", note)
    return found


def names(page: Page, rows: str) -> list[str]:
    return page.locator(f"{rows} .name").all_inner_texts()


def test_a_page_begins_with_two_systems(reports: dict[int, Path], watched: SimpleNamespace) -> None:
    """And with little more to load than in a report of two: the names and errors of the others."""
    sizes = {}
    for number, report in reports.items():
        sizes[number] = loaded(watched.page, lambda: open_page(watched.page, utterance_page(report, "u1"), panels=1))
        assert set(sizes[number]) == {
            utterance_page(report, "u1").name,
            "sound.js",
            *(f"{kind}-{system}.js" for kind in ("system", "model") for system in (0, 1)),
            "pair-0-1.js",
        }
    assert sum(sizes[NUMBER].values()) - sum(sizes[2].values()) < 2400


def test_what_is_chosen_is_loaded(reports: dict[int, Path], watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(reports[NUMBER], "u1"), panels=1)

    def choose() -> None:
        page.get_by_label("with").select_option("new_11")
        expect(page.locator(".net-row .name")).to_have_text(["old", "new_11"])

    assert set(loaded(page, choose)) == {"system-11.js", "model-11.js", "pair-0-11.js"}
    assert names(page, ".words.owner-row, .words-row.owner-row") == ["old", "new_11"]
    assert names(page, ".difference-row") == ["only old", "both", "only new_11"]

    def show_all() -> None:
        page.get_by_role("button", name="Show what the other systems heard").click()
        expect(page.locator(".words-row.owner-row")).to_have_count(NUMBER)

    assert set(loaded(page, show_all)) == {f"{kind}-{n}.js" for kind in ("system", "model") for n in range(2, 11)}
    assert page.locator(".posteriorgram .ink").count() == NUMBER
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    # No two look alike, in colour and mark taken together.
    looks = page.locator(".words-row.owner-row .name").evaluate_all("""names => names.map(name => {
        const {backgroundColor, clipPath} = getComputedStyle(name, '::before');
        return `${backgroundColor} ${clipPath}`;
    })""")
    assert len(set(looks)) == NUMBER
    choose_search(page, "words + language model")
    assert page.locator(".net .word").count() > 0
    assert loaded(page, choose) == {}


def test_as_text_follows_the_choice(reports: dict[int, Path], watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(reports[NUMBER], "u1"), panels=1)
    page.locator(".as-text summary").click()
    text = page.locator(".as-text pre")
    expect(text).to_contain_text("new, free phones: 0 of 5")
    assert "old, words: 1 of 2" in text.inner_text() and "old_2" not in text.inner_text()
    page.get_by_label("compare").select_option("old_2")
    expect(text).to_contain_text("old_2, words: 1 of 2")
    whole = utterance_page(reports[NUMBER], "u1").with_suffix(".txt").read_text()
    assert all(f"{name}, words: " in whole for name in ("old", "new", "old_10", "new_11"))


def test_the_index_shows_who_is_chosen(reports: dict[int, Path], watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, reports[NUMBER] / "index.html", panels=1)
    assert names(page, ".words-row.owner-row") == ["old", "new"]
    shown = page.locator("#confusions figure:visible figcaption")
    chooser = page.locator("#confusions .figure-chooser")
    assert shown.all_inner_texts() == ["old", "new"]
    page.get_by_label("IPA").check()
    chooser.get_by_label("new_11").check()
    chooser.get_by_label("old_4").check()
    chooser.get_by_label("old", exact=True).uncheck()
    expect(shown).to_have_text(["new", "old_4", "new_11"])
    figure = page.locator("#confusions figure[data-system='11']")
    assert "ð" in figure.locator("tspan").all_text_contents()
    figure.locator(".wrong rect").first.hover()
    assert "heard" in figure.locator(".readout").inner_text()
    assert page.locator("#classes figure:visible").count() == 2
    # The pairs of one system at a time.
    rows = page.locator("table.pairs tbody tr")
    assert rows.count() == NUMBER - 1 and rows.first.locator("th").inner_text() == "old against new"
    page.get_by_label("pairs of").select_option("old_2")
    expect(rows.first.locator("th")).to_have_text("old_2 against old")
    assert rows.count() == NUMBER - 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tables_scroll_and_the_page_does_not(reports: dict[int, Path], watched: SimpleNamespace, scheme: str) -> None:
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    open_page(page, reports[NUMBER] / "index.html", panels=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    table = page.locator("#causes .wide, #disputed .wide").last
    assert table.evaluate("wide => wide.scrollWidth > wide.clientWidth")
    first = table.locator("tbody th").first
    left = first.bounding_box()["x"]
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("wide => wide.scrollLeft > 0", arg=table.element_handle())
    assert first.bounding_box()["x"] == pytest.approx(left, abs=1)  # the name of the row stays


def test_a_missing_part_is_named(reports: dict[int, Path], tmp_path: Path, watched: SimpleNamespace) -> None:
    report = tmp_path / "report"
    shutil.copytree(reports[NUMBER], report)
    page, path = watched.page, utterance_page(report, "u1")
    for name in ("system-3", "pair-0-3"):
        (path.with_suffix("") / f"{name}.js").unlink()
    open_page(page, path, panels=1)
    page.get_by_label("with").select_option("new_3")
    expect(page.locator(".readout")).to_contain_text("-3.js is missing: the report's folder is not complete.")
    (path.with_suffix("") / "sound.js").unlink()
    page.reload()
    expect(page.locator(".view")).to_contain_text("sound.js is missing: the report's folder is not complete.")
    assert watched.troubles
    watched.troubles.clear()  # which are what the browser says of the files that are gone
