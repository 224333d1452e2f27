"""Lattices on an utterance's page in a real browser: pruned, with words, and the difference of two."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from reports.browsing import choose_search, open_page, utterance_page
from reports.trees import (
    SYSTEMS,
    make_trees,
    run_stage,
    with_word_lattices,
)

pytest_plugins = ["reports.fixtures"]


def test_lattice_is_pruned(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    rivals, best = page.locator(".net.up .arc:not(.best)"), page.locator(".net.up .arc.best")
    assert rivals.count() == 5 and best.count() == 7  # a UH beside each of DH AH K EH T, and the pauses
    parts = [
        page.get_by_role("button", name=name)
        for name in ("what each considered: phones only", "what only one of them considered")
    ]
    for part in parts:
        part.click()
    assert page.locator(".net, .difference").count() == 0 and not page.locator(".prune").is_visible()
    for part in parts:
        part.click()
    thick = [
        arcs.last.locator(".line").evaluate("line => parseFloat(line.getAttribute('stroke-width'))")
        for arcs in (best, rivals)
    ]
    assert thick[1] / thick[0] == pytest.approx(0.25 / 0.75, abs=0.02)
    rivals.first.locator(".label").evaluate(
        "label => label.parentNode.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))"
    )
    assert "old lattice: UH," in page.locator(".readout").inner_text()
    assert "posterior 0.250" in page.locator(".readout").inner_text()
    high = page.locator(".net.up").bounding_box()["height"]
    page.get_by_label("Hide lattice arcs whose posterior is below").fill("-0.4")  # 40 %
    assert page.locator(".prune-value").inner_text() == "40 %"
    assert not any(arc.is_visible() for arc in rivals.all()) and all(arc.is_visible() for arc in best.all())
    assert page.locator(".net.up").bounding_box()["height"] < high  # the lanes of what is gone are gone


def test_lattices_with_words(report: Path, watched: SimpleNamespace) -> None:
    """u1: old heard THE SAT, new THE CAT; each considered A in place of each word, with 25 %."""
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    assert page.locator(".net .word").count() == 0
    choose_search(page, "words + language model")
    for net, best in ((".net.up", ["THE", "SAT"]), (".net.down", ["THE", "CAT"])):
        assert page.locator(f"{net} .arc.best .word").all_text_contents() == best
        assert page.locator(f"{net} .arc:not(.best) .word").all_text_contents() == ["A", "A"]
    # A word stands where its first phone begins, above the line, and below the label of the lane above.
    right, above = page.locator(".net.up .arc.best:has(.word)").last.evaluate("""arc => {
        const [x, y] = arc.querySelector('.line').getAttribute('d').match(/-?[0-9.]+/g).map(Number);
        const word = arc.querySelector('.word');
        return [word.getAttribute('x') - x, y - word.getAttribute('y')];
    }""")
    assert right == pytest.approx(2, abs=0.1) and 6 < above < 18
    rival, word = (
        page.locator(f".net.up {place}").first.bounding_box() for place in (".arc:not(.best) .label", ".arc.best .word")
    )
    assert rival["y"] + rival["height"] <= word["y"] + 2
    rivals = page.locator(".net.up .arc:not(.best)")
    rivals.first.dispatch_event("pointerover")
    assert "old lattice: UH (A), " in page.locator(".readout").inner_text()
    assert sorted(page.locator(".difference.first .bar .label").all_inner_texts()) == ["S"]
    assert sorted(page.locator(".difference.second .bar .label").all_inner_texts()) == ["K"]
    page.get_by_label("Hide lattice arcs whose posterior is below").fill("-0.4")
    assert not any(arc.is_visible() for arc in rivals.all())
    choose_search(page, "phones only")
    assert page.locator(".net .word").count() == 0 and page.locator(
        ".difference.first .bar .label"
    ).all_inner_texts() == ["EH"]


def test_a_search_without_lattices_says_so(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u2"), panels=1)
    choose_search(page, "words + language model")
    assert page.locator(".note").inner_text() == "new has no lattice of this search"
    assert page.locator(".net-row .name").all_inner_texts() == ["old"] and page.locator(".difference").count() == 0
    choose_search(page, "phones only")
    assert page.locator(".note").count() == 0 and page.locator(".net").count() == 2


def test_a_search_with_the_same_model_stands_in(tmp_path: Path, watched: SimpleNamespace) -> None:
    exp, data = make_trees(tmp_path)
    with_word_lattices(exp, "new", ["u1"])
    result = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"), "--utt", "u1")
    assert result.returncode == 0, result.stderr
    page = watched.page
    open_page(page, utterance_page(exp / "report", "u1"), panels=1)
    choose_search(page, "words + language model")
    assert page.locator(".note").inner_text() == (
        "old has no lattice of this search; in its place stands that of new, which searches with the same model"
    )
    assert page.locator(".net-row .name").all_inner_texts() == ["new"]


def test_what_a_reader_chose_stays(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    choose_search(page, "words + language model")
    fold = page.get_by_role("button", name="heard without words")
    assert fold.get_attribute("aria-expanded") == "true"
    fold.focus()
    page.keyboard.press("Enter")
    assert page.locator("button[aria-label^='old free phones']").count() == 0
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"  # where the reader was
    open_page(page, utterance_page(report, "u3"), panels=1)
    assert page.get_by_label("lattices of").input_value() == "words"
    assert page.locator("button[aria-label^='old free phones']").count() == 0
    page.get_by_role("button", name="heard without words").click()
    assert page.locator("button[aria-label^='old free phones']").count() > 0
    open_page(page, report / "index.html", panels=1)  # is as it always is
    assert page.locator(".net").count() == 0 and page.locator("button[aria-label^='old free phones']").count() > 0


def test_difference_of_the_two(report: Path, watched: SimpleNamespace) -> None:
    """u1: old considered DH AH K EH T, new DH AH K AE T, each with a UH of 25 % beside every phone."""
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)

    def band(kind: str) -> list[str]:
        return page.locator(f".difference.{kind} .bar .label").all_inner_texts()

    assert band("first") == ["EH"] and band("second") == ["AE"]
    assert sorted(band("both")) == ["AH", "DH", "K", "T", "UH"]  # five UH one after another are one stretch
    page.locator(".difference.first .bar").hover()
    assert page.locator(".readout").inner_text() == "EH, 0.33 to 0.41 s (80 ms): posterior mass old 0.750, new never"
    page.get_by_label("Hide lattice arcs whose posterior is below").fill(
        "-0.1"
    )  # 79 %: more than the 75 % of the phones
    assert band("first") == band("second") == [] and band("both") == ["UH"]
    assert page.locator(".timeline [tabindex='0']").count() == 1


def test_any_two_are_compared(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    selects = page.locator(".chooser select")
    chosen = "selects => selects.map(select => select.options[select.selectedIndex].text)"
    assert selects.evaluate_all(chosen) == ["old", "new"]
    names = page.locator(".net-row .name")
    assert names.all_inner_texts() == ["old", "new"]
    page.get_by_label("compare").select_option("new")  # which was the other: they change places
    assert selects.evaluate_all(chosen) == ["new", "old"] and names.all_inner_texts() == ["new", "old"]
    assert page.locator(".difference.first .bar .label").all_inner_texts() == ["AE"]
    assert page.locator(".difference-row .name").first.inner_text() == "only new"
    assert page.locator(".apart button").first.get_attribute("aria-label") == (
        "AH begins at 0.198 s for new, at 0.168 s for old: 30 ms apart"
    )


def test_the_keyboard_follows_the_arcs(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    focused = "document.activeElement.getAttribute('aria-label')"
    page.locator(".net.up .arc.best").last.focus()
    begin = page.evaluate(focused)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused).startswith("old lattice: UH,")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == begin
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("new lattice: ") and "on the best path" in page.evaluate(focused)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("new lattice: UH,")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("new lattice: ") and "on the best path" in page.evaluate(focused)
    page.keyboard.press("Enter")
    assert page.evaluate("sounds.length") == 1


def test_phones_stay_in_sight_above_a_lattice(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    page.set_viewport_size({"width": 1280, "height": 700})
    open_page(page, utterance_page(report, "u1"), panels=1)
    for search, names in (
        ("phones only", ["old free phones", "new free phones"]),
        ("words + language model", ["old phones of the word path", "new phones of the word path"]),
    ):
        choose_search(page, search)
        page.locator(".net.down").first.scroll_into_view_if_needed()
        page.locator(".scroller").evaluate("one => one.scrollTo(0, 1e6)")
        scroller, ends = page.locator(".scroller").bounding_box(), []
        for name in ["reference words", "reference phones", *names]:
            box = page.locator(f".lane[aria-label='{name}']").bounding_box()
            assert scroller["y"] <= box["y"] and box["y"] + box["height"] < scroller["y"] + scroller["height"]
            assert not ends or box["y"] >= ends[-1] - 1  # one below the other
            ends.append(box["y"] + box["height"])
        # Focus on one of them scrolls nothing, and what is below them is not covered when it has the focus.
        before = page.locator(".scroller").evaluate("one => one.scrollTop")
        page.locator(f".lane[aria-label='{names[1]}'] button").nth(1).focus()
        page.keyboard.press("ArrowRight")
        assert page.locator(".scroller").evaluate("one => one.scrollTop") == before
        page.locator(".net.down .arc.best").first.evaluate("arc => arc.focus()")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= ends[-1] - 2


def test_what_a_lattice_is_and_what_is_measured(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    said = page.locator("details", has_text="what is a lattice?")
    assert not said.locator("p").is_visible()
    said.locator("summary").click()
    assert said.locator("p").is_visible() and said.locator("p").inner_text().count(". ") == 1  # two sentences
    units = page.locator(".heading .unit").all_inner_texts()
    assert len(units) == page.locator(".heading").count() == 6
    assert [unit for unit in units if "posterior" in unit] == ["thickness: posterior", "thickness: posterior mass"]
    thick = page.locator(".heading").nth(2).locator(".line-of").evaluate_all("all => all.map(one => one.clientHeight)")
    arc = page.locator(".net.up .arc.best .line").first.get_attribute("stroke-width")
    assert thick[-1] == pytest.approx(float(arc) / 0.75 if float(arc) < 10 else 13, abs=0.6)
    assert page.locator(".grey").inner_text().split() == ["0", "dB", "−50"]


def test_a_frame_map_reads_the_row_pointed_at(report: Path, watched: SimpleNamespace) -> None:
    """Not only the likeliest: of old, sure of AE at 0.37 s, the row of K there."""
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    order = ["AE", "AH", "EH", "DH", "S", "K", "T", "SIL"]  # vowels, fricatives, stops, silence
    row = page.locator(".posteriorgram-row", has_text="old").first
    assert row.locator(".name").inner_text().startswith("old")
    assert [name[:3].upper() for name in row.locator(".row-name").all_inner_texts()] == order
    lane = row.locator(".lane")
    lane.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.posteriorgram .tile')")
    box = lane.bounding_box()
    for phone, least, most in (("AE", 0.9, 1), ("K", 0, 0.1)):
        x, y = box["x"] + 0.37 / 0.58 * box["width"], box["y"] + (order.index(phone) + 0.5) / 8 * box["height"]
        page.mouse.move(x, y)
        page.wait_for_function(f"document.querySelector('.readout').textContent.includes('of {phone}:')")
        text = page.locator(".readout").inner_text()
        assert text.startswith(f"old, probability of {phone}: ") and text.endswith(" s")
        assert least <= float(text.split(": ")[1].split()[0]) <= most
        assert row.locator(".row-name.now").inner_text()[:3].upper() == phone
