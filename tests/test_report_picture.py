"""An utterance's page in a real browser: it draws, plays and zooms; the keyboard goes everywhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from reports.browsing import open_page, utterance_page
from reports.trees import (
    STEP,
    TOKENS,
)

from pipeline.compare.causes import CAUSES
from pipeline.datadir.feats import RawFeatures
from pipeline.neural.paths import greedy
from pipeline.search.posteriors import phone_posteriors
from pipeline.systems import load_system

pytest_plugins = ["reports.fixtures"]


def test_marks_and_times(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    names = page.locator(".panel button.wrong").evaluate_all("all => all.map(b => b.getAttribute('aria-label'))")
    assert f"old words: SAT, 0.25 to 0.49 s (240 ms), confidence 0.50, reference CAT; {CAUSES['search']}" in names
    assert (
        f"old free phones: EH, 0.33 to 0.41 s (80 ms), confidence 0.50, reference AE; {CAUSES['kept']}; "
        "what was heard scores better by: sound +1.2, lexicon -0.5, language +3.0"
    ) in names
    # Everyone's segment of the same time lies at the same place: x is time.
    lefts = page.locator("button.segment:not(.sure)[aria-label*=', 0.33 to 0.41 s']").evaluate_all(
        "all => all.map(b => Math.round(b.getBoundingClientRect().left))"
    )
    assert len(lefts) >= 4 and len(set(lefts)) == 1


def test_a_click_plays_the_segment(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    page.locator("button[aria-label^='reference phones: AE,']").click()
    sound = page.evaluate("sounds[0]")
    assert sound["from"] == pytest.approx(4 * STEP + 0.01, abs=2e-3)
    assert sound["length"] == pytest.approx(STEP, abs=2e-3)
    assert sound["rate"] == 1 and sound["peak"] == pytest.approx(0.4, abs=0.01)
    page.wait_for_function("sounds[0].ended")
    page.wait_for_function("!document.querySelector('.panel').dataset.playing")

    page.get_by_role("button", name="Half speed").click()
    page.get_by_role("button", name="Play the whole utterance").click()
    whole = page.evaluate("sounds[1]")
    assert whole["rate"] == 1 and whole["from"] == 0  # slow, but not lower: test_report_voice.py
    assert whole["length"] == pytest.approx(2 * (7 * STEP + 0.02), abs=1e-3)
    assert page.locator(".panel").get_attribute("data-playing").startswith("0.000 ")
    page.keyboard.press("Escape")
    assert page.locator(".panel").get_attribute("data-playing") is None


def test_a_drag_plays_a_stretch(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    box = page.locator(".lane.spectrogram").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20, steps=4)
    page.mouse.up()
    sound, duration = page.evaluate("sounds[0]"), 7 * STEP + 0.02
    assert sound["from"] == pytest.approx(0.25 * duration, abs=0.01)
    assert sound["length"] == pytest.approx(0.25 * duration, abs=0.01)


def test_keyboard_alone(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    assert page.locator(".timeline button[tabindex='0']").count() == 1
    page.locator(".timeline button[tabindex='0']").focus()
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused).startswith("reference words: THE,")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("reference words: CAT,")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("reference phones: AE,")
    assert page.locator(".panel .readout").inner_text() == page.evaluate(focused)
    page.keyboard.press("Enter")
    assert page.evaluate("sounds[0].from") == pytest.approx(4 * STEP + 0.01, abs=2e-3)
    assert page.locator(".timeline button[tabindex='0']").count() == 1


@pytest.mark.parametrize("width", [1280, 1920])
def test_sound_phones_and_lattice_at_once(report: Path, watched: SimpleNamespace, width: int) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 1080})
    open_page(page, utterance_page(report, "u1"), panels=1)
    boxes = [
        page.locator(place).first.bounding_box()
        for place in (
            ".wave",
            "button[aria-label^='old phones']",
            "button[aria-label^='new free phones']",
            ".net.up",
            ".net.down",
        )
    ]
    foot = page.locator(".foot").bounding_box()["y"]
    assert all(0 <= box["y"] and box["y"] + box["height"] <= foot for box in boxes)
    page.locator(".scroller").evaluate("scroller => scroller.scrollTo(0, 1e6)")
    scroller = page.locator(".scroller").bounding_box()
    assert page.locator(".ruler").bounding_box()["y"] == pytest.approx(scroller["y"], abs=2)  # the axis stays
    last = page.locator(".posteriorgram").last.bounding_box()
    assert last["y"] + last["height"] <= scroller["y"] + scroller["height"] <= foot + 1


def test_posteriors_spikes_and_placed_text(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    assert page.locator(".posteriorgram .ink").count() == 2
    # The frames of the reference lie in the rows of its phones: DH AH K AE T between pauses.
    tops = (
        page.locator(".posteriorgram")
        .first.locator(".frame")
        .evaluate_all("all => all.map(frame => parseFloat(frame.style.top))")
    )
    order = ["AE", "AH", "EH", "DH", "S", "K", "T", "SIL"]  # vowels, fricatives, stops, silence
    assert tops == pytest.approx(
        [100 / 8 * order.index(phone) for phone in ("SIL", "DH", "AH", "K", "AE", "T", "SIL")], abs=0.01
    )
    # What one reads at a time is what the models said: frame 36 lies in the AE.
    exp = report.parent
    feats = read_archive_of(report)["u1"]
    page.locator("button[aria-label^='reference phones: AE,']").focus()
    page.wait_for_function("document.querySelector('.probe').textContent")
    read = page.locator(".probe").inner_text()
    for name, step in (("old", 1), ("new", 3)):
        labels, posteriors = phone_posteriors(load_system(exp / name), feats)
        best = posteriors[36 // step].argmax()
        assert f"{name} {labels[best]} {posteriors[36 // step, best]:.1f}"[:-1] in read
    assert "old AE 1.00" in read and read.startswith("0.37 s")
    spikes = page.locator(".spike")
    tokens = [token for token, _, _ in greedy(load_system(exp / "new").posteriors(feats))]
    assert spikes.count() == len(tokens) > 0
    assert spikes.locator(".label").all_inner_texts() == [TOKENS[token] for token in tokens]
    placed = page.locator(
        "button[aria-label='the known text by new: AH, 0.20 to 0.26 s (60 ms), confidence 0.63, "
        "goodness of pronunciation -1.50']"
    )
    assert placed.count() == 1
    assert placed.evaluate("b => parseFloat(getComputedStyle(b, '::after').width) / b.clientWidth") == pytest.approx(
        0.625, abs=0.06
    )
    assert page.locator(".apart button").first.get_attribute("aria-label") == (
        "AH begins at 0.168 s for old, at 0.198 s for new: 30 ms apart"
    )
    assert page.locator(".apart button").count() == 1  # the others are 10 ms apart


def read_archive_of(report: Path) -> dict[str, np.ndarray]:
    return RawFeatures(report.parents[2] / "data" / "tiny" / "test")


def test_zoom_widens_the_axis_not_the_page(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    width = "document.querySelector('button.segment.plain').getBoundingClientRect().width"
    before = page.evaluate(width)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate(width) == pytest.approx(2.25 * before, rel=0.02)
    # What is drawn by hand, the arcs, is still where the segments are: x is time for both.
    ends = [
        page.locator(selector).evaluate("e => e.getBoundingClientRect().right")
        for selector in (
            ".difference.both .bar[aria-label^='DH,']",
            ".net.up .arc[aria-label^='old lattice: DH,'] .line",
        )
    ]
    assert ends[0] == pytest.approx(ends[1], abs=1.5)
    page.keyboard.press("-")  # the focus is on a button above the picture
    assert page.evaluate(width) == pytest.approx(1.5 * before, rel=0.02)
    for place, key, factor in ((".timeline button[tabindex='0']", "+", 2.25), (".as-text summary", "-", 1.5)):
        page.locator(place).focus()
        page.keyboard.press(key)
        assert page.evaluate(width) == pytest.approx(factor * before, rel=0.02)
    page.locator(".prune input").focus()
    page.keyboard.press("-")  # is the slider's
    assert page.evaluate(width) == pytest.approx(1.5 * before, rel=0.02)
    for _ in range(9):
        page.get_by_role("button", name="Zoom out").click()
    assert page.evaluate(width) == pytest.approx(before, rel=0.02)  # no smaller than all of it
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_at_the_first_zoom_all_lies_in_view(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    page.locator("button[aria-label^='reference words: CAT,']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("Home")
    scroller = page.locator(".scroller")
    assert scroller.evaluate("one => [one.scrollLeft, one.scrollWidth - one.clientWidth]") == [0, 0]
    first = page.locator("button[aria-label^='reference phones: silence,']").first.bounding_box()
    assert first["x"] == pytest.approx(page.locator(".lane.ruler").bounding_box()["x"] + 0.01 / 0.58 * 1100, abs=5)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_segments_stand_out_from_the_ground(report: Path, watched: SimpleNamespace, scheme: str) -> None:
    """Their borders have a contrast of 3 to what is beside them (WCAG 2.2, 1.4.11)."""
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    open_page(page, utterance_page(report, "u1"), panels=1)
    colours = page.locator(".timeline .segment:not(.silence):not(.added), .legend .segment:not(.added)").evaluate_all(
        """all => all.map(one => [getComputedStyle(one).boxShadow.match(/rgb\\([^)]*\\)/)[0],
            getComputedStyle(one.closest('.scroller') || document.body).backgroundColor])"""
    )
    assert len(colours) > 20
    for pair in set(map(tuple, colours)):
        edge, ground = (luminance([int(part) for part in colour[4:-1].split(",")]) for colour in pair)
        assert max(edge / ground, ground / edge) >= 3, pair


def luminance(colour: list[int]) -> float:
    """Of an sRGB colour, 0.05 added (IEC 61966-2-1, WCAG 2.2)."""
    light = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (part / 255 for part in colour)]
    return 0.05 + float(np.dot(light, [0.2126, 0.7152, 0.0722]))
