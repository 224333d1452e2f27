"""Pitch, intensity and formants on an utterance's page, what lies under the pointer, and slow sound of the same
pitch."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.vowels import VOWELS, vowel
from reports.browsing import open_page, utterance_page

from pipeline.report.panel import panel_script
from pipeline.report.voice import voice_curves
from pipeline.sound.pitch import pitch

pytest_plugins = ["reports.fixtures"]

RATE = 8000
DRAWN = """['pitch', 'intensity', 'formants'].filter(kind =>
    getComputedStyle(document.querySelector(`path.curve-line.${kind}`)).display !== 'none')"""


def numbers(base64_text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(base64_text), "<i2")


def test_curves_are_packed_as_they_are_measured():
    sound = np.concatenate([vowel(140, VOWELS["a"], RATE), np.zeros(RATE // 2, np.float32)])
    curves = voice_curves(sound, RATE)
    assert numbers(curves["pitch"])[10] == pytest.approx(1400, abs=3)
    assert numbers(curves["pitch"])[-1] == 0
    assert numbers(curves["intensity"])[-1] == -1200
    assert numbers(curves["formants"]).reshape(-1, 3)[10] == pytest.approx(VOWELS["a"], rel=0.05)
    assert (numbers(curves["formants"]).reshape(-1, 3)[-20:] == 0).all()


@pytest.fixture
def spoken(report: Path, watched: SimpleNamespace) -> SimpleNamespace:
    """The page of u1, but a vowel of 140 Hz is what sounds and is drawn. Only its own numbers say so."""
    sound = vowel(140, VOWELS["a"], RATE, 0.58)
    pcm = base64.b64encode(np.rint(sound * 32767).astype("<i2").tobytes()).decode("ascii")
    part = {"pcm": pcm, "rate": RATE, "voice": voice_curves(sound, RATE)}
    put = panel_script(part).replace("phonoscope.receive(", "Object.assign(data, ").rstrip(";")
    watched.page.add_init_script(
        f"window.addEventListener('DOMContentLoaded', () => {{ const load = phonoscope.receive;"
        f" phonoscope.receive = data => {{ if (data.pcm) {put}; load(data); }}; }}, true);"
    )
    open_page(watched.page, utterance_page(report, "u1"), panels=1)
    return watched


def test_each_has_a_key_and_a_button(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)

    def drawn() -> list[str]:
        return page.evaluate(DRAWN)

    assert drawn() == []
    page.keyboard.press("p")
    assert drawn() == ["pitch"]
    page.keyboard.press("f")
    page.get_by_role("button", name="Draw the intensity").click()
    assert drawn() == ["pitch", "intensity", "formants"]
    assert page.locator(".voice-controls [aria-pressed=true]").count() == 3
    page.keyboard.press("I")
    assert drawn() == ["pitch", "formants"]
    page.locator(".chooser select").first.focus()
    page.keyboard.press("p")  # a list takes letters for itself
    page.keyboard.press("Control+f")
    assert drawn() == ["pitch", "formants"]
    # A reader's choice is kept, and found again.
    assert page.evaluate("localStorage.getItem('phonoscope.voice')") == '["pitch","formants"]'
    page.add_init_script("""localStorage.setItem('phonoscope.voice', '["intensity"]')""")
    open_page(page, utterance_page(report, "u3"), panels=1)
    assert drawn() == ["intensity"]


def test_curves_lie_where_they_belong(spoken: SimpleNamespace) -> None:
    page = spoken.page
    page.keyboard.press("p")
    page.keyboard.press("f")
    lane = page.locator(".lane.spectrogram").bounding_box()

    def heights(kind: str) -> np.ndarray:
        """Heights in pixels above the lane's bottom, of a curve in the middle of the sound."""
        points = page.locator(f"path.curve-line.{kind}").evaluate(
            """path => path.getAttribute('d').match(/[ML][^MLh]+/g).map(p => p.slice(1).split(' ').map(Number))
                 .filter(([x]) => x > 20 && x < 80).map(([x, y]) => {
                   const at = new DOMPoint(x, y).matrixTransform(path.getScreenCTM());
                   return at.y; })"""
        )
        return (lane["y"] + lane["height"] - np.array(points)) / lane["height"]

    assert heights("pitch") * 500 == pytest.approx(140, rel=0.02)
    for row in heights("formants").reshape(-1, 3) * RATE / 2:
        assert row == pytest.approx(VOWELS["a"], rel=0.05)
    # The scale in the gutter says the same: 100 Hz is below the line, 200 Hz above it.
    marks = page.locator(".voice-scale.pitch").evaluate_all("all => all.map(m => [m.textContent, m.style.bottom])")
    assert marks[0] == ["100", "20%"] and marks[-1] == ["400 Hz", "80%"]


def test_what_lies_under_the_pointer_is_read(spoken: SimpleNamespace) -> None:
    page = spoken.page
    lane = page.locator(".lane.spectrogram").bounding_box()
    page.wait_for_timeout(200)  # the picture is decoded
    page.mouse.move(lane["x"] + 0.5 * lane["width"], lane["y"] + 0.75 * lane["height"])
    read = page.locator(".readout").first.inner_text()
    place, voice, loud, found = read.split("; ")
    time, hertz, level = place.split(", ")
    assert float(time.removesuffix(" s")) == pytest.approx(0.29, abs=0.005)
    assert int(hertz.removesuffix(" Hz")) == pytest.approx(1000, abs=30)
    assert level.endswith("dB below the loudest point")
    assert voice == "pitch 140 Hz"
    assert loud.startswith("intensity −")
    assert [int(one.split()[1]) for one in found.removeprefix("formants ").removesuffix(" Hz").split(", ")] == (
        pytest.approx(VOWELS["a"], rel=0.05)
    )


def test_half_speed_has_the_same_pitch(spoken: SimpleNamespace) -> None:
    page = spoken.page
    page.evaluate("""() => { const start = AudioBufferSourceNode.prototype.start;
        AudioBufferSourceNode.prototype.start = function (...all) {
          window.heard = [...this.buffer.getChannelData(0)]; window.speed = this.playbackRate.value;
          return start.apply(this, all); }; }""")
    page.get_by_role("button", name="Half speed").click()
    page.get_by_role("button", name="Play the whole utterance").click()
    slow, duration = np.array(page.evaluate("heard")), page.evaluate("sounds[0].length")
    assert page.evaluate("speed") == 1
    whole = page.evaluate("document.querySelector('.panel').dataset.playing").split()
    assert duration == pytest.approx(2 * float(whole[1]), rel=0.01)
    found = pitch(slow[: int(2 * 0.58 * RATE)], RATE)
    assert found[6:-6] == pytest.approx(140, rel=0.01)
    page.keyboard.press("Escape")
