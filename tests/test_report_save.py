"""What a reader saves from a report: pictures as files of their own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

from playwright.sync_api import Page
from reports.browsing import open_page, utterance_page

from pipeline.times.textgrid import read_textgrid

pytest_plugins = ["reports.fixtures"]

SVG = "{http://www.w3.org/2000/svg}"


def saved(page: Page, within: str, button: str, folder: Path) -> Path:
    """The file that a button saves."""
    with page.expect_download() as waited:
        page.locator(within).first.get_by_role("button", name=button).click()
    path = folder / waited.value.suggested_filename
    waited.value.save_as(path)
    return path


def test_a_figure_is_saved_as_svg_and_png(report: Path, watched: SimpleNamespace, tmp_path: Path) -> None:
    """The SVG has its look with it and the same squares; the PNG is three times as large."""
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    drawing = ElementTree.parse(path := saved(page, "figure.confusion", "as SVG", tmp_path)).getroot()
    assert path.name == "Heat-map-of-old-reference-phones-down-heard-phones-across.svg"
    width, height = (float(drawing.get(name)) for name in ("width", "height"))
    assert drawing.get("viewBox") == f"0 0 {width:g} {height:g}"
    squares = [element for element in drawing.iter(f"{SVG}rect") if element.find(f"{SVG}title") is not None]
    shown = page.locator("figure.confusion").first.locator("svg rect:has(title)")
    assert len(squares) == shown.count() > 4
    for square, number in zip(squares, range(shown.count())):
        assert f"fill:{shown.nth(number).evaluate('e => getComputedStyle(e).fill')}" in square.get("style").replace(
            ": ", ":"
        )
    assert not any(element.get("class") for element in drawing.iter())
    picture = saved(page, "figure.confusion", "as PNG", tmp_path).read_bytes()
    size = [int.from_bytes(picture[start : start + 4], "big") for start in (16, 20)]
    assert picture[:4] == b"\x89PNG" and size == [3 * round(width), 3 * round(height)]
    assert page.locator("figure.curve .save").count() == page.locator("figure.curve").count() > 0


def test_what_one_sees_of_an_utterance_is_saved(report: Path, watched: SimpleNamespace, tmp_path: Path) -> None:
    """The picture has all that is written in it, rows out of sight too, and nothing of elsewhere; the TextGrid has the
    reference's words and phones at their times."""
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    drawing = ElementTree.parse(saved(page, ".panel", "as SVG", tmp_path)).getroot()
    written = [element.text for element in drawing.iter(f"{SVG}text")]
    assert any((text or "").startswith("u1, 0.00 to ") for text in written)
    for text in page.locator(".row .name").all_inner_texts():
        assert not text.strip() or text.split("\n")[0].strip() in written, text
    assert written.count("THE") == page.locator(".lane .label", has_text="THE").count() > 1
    assert drawing.findall(f".//{SVG}image") and drawing.findall(f".//{SVG}path")
    picture = saved(page, ".panel", "as PNG", tmp_path).read_bytes()
    assert picture[:4] == b"\x89PNG"
    grid = read_textgrid(saved(page, ".panel", "as TextGrid", tmp_path))
    words = [one for one in grid.tiers["reference words"] if one.label]
    said = [(one.label, round(one.start, 2), round(one.end, 2)) for one in words]
    assert said == [("THE", 0.09, 0.25), ("CAT", 0.25, 0.49)]
    assert [one.label for one in grid.tiers["reference phones"] if one.label] == "DH AH K AE T".split()


def test_all_of_a_picture_is_printed(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    page.set_viewport_size({"width": 1280, "height": 500})
    open_page(page, utterance_page(report, "u1"), panels=1)
    hidden = "(one => one.scrollHeight - one.clientHeight)(document.querySelector('.scroller'))"
    assert page.evaluate(hidden) > 200
    page.emulate_media(media="print")
    assert page.evaluate(hidden) <= 1 and page.locator(".toolbar").is_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".posteriorgram canvas").count() >= 2
