"""The page of a recording of one's own, as a reader sees it: from disk, in a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator
from reports.browsing import open_page

from pipeline.report.own import LONGEST_S, OwnPage
from pipeline.sound.front_end import FrontEnd, Raw
from pipeline.sound.pauses import Piece
from pipeline.times.intervals import Interval, read_ctm

pytest_plugins = ["reports.fixtures"]
PROJECT = Path(__file__).resolve().parents[2]


def stage(name: str, *options: str) -> list[str]:
    """What a stage prints."""
    command = [sys.executable, "-m", f"stages.{name}", *options]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.splitlines()


def align(experiment, wav: Path, *options: str) -> list[str]:
    chosen = ["--system", "gmm", str(experiment.root / "exp/gmm"), "--cache", str(experiment.root / "g2p")]
    where = ["--exp", str(experiment.root / "exp"), "--lang", str(experiment.lang.path)]
    return stage("align_text", "--wav", str(wav), *chosen, *where, *options)


@pytest.fixture(scope="module")
def page(experiment, tmp_path_factory) -> Path:
    """Of three utterances, transcribed by a GMM and a network, then aligned."""
    wav = tmp_path_factory.mktemp("own") / "mine.wav"
    shutil.copy(experiment.three, wav)
    *_, last = stage("transcribe", "--wav", str(wav), *experiment.options("gmm", "neural"))
    align(experiment, wav, "--text", " ".join(experiment.words))
    index = experiment.root / "exp/own/mine/index.html"
    assert last == f"transcribe: {wav}: {soundfile.info(wav).duration:.1f} s; open {index}"
    return index


def heard(page: Path, name: str) -> list[Interval]:
    """What a CTM beside the page has."""
    return read_ctm(page.with_name(name)).get("mine", [])


def pieces(page: Path) -> list[tuple[float, float]]:
    found = json.loads((page.parent / "page/pieces.json").read_text())["pieces"]
    return [(piece["begin"], piece["end"]) for piece in found if piece["folder"]]


def received(path: Path):
    """What a script hands to the page."""
    return json.loads(path.read_text().removeprefix("phonoscope.receive(").removesuffix(");\n"))


def symbols(row: Locator) -> list[str]:
    """What the segments of a row stand for, also where it is too narrow to be written."""
    labels = row.locator(".segment").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    return [label.split(": ")[1].split(",")[0] for label in labels]


def test_everything_is_shown_and_nothing_is_judged(page: Path, experiment, watched: SimpleNamespace) -> None:
    found = pieces(page)
    assert len(found) == 3
    open_page(watched.page, page, panels=3)
    view = watched.page
    for number, (begin, end) in enumerate(found):
        panel = view.locator(".panel").nth(number)
        for name in ("gmm", "neural"):
            words = [one.label for one in heard(page, f"{name}.words.ctm") if begin <= one.start < end]
            said = panel.locator(".transcripts li", has_text=name).locator("q").inner_text()
            assert said == (" ".join(words) or "no words")
        words = [one.label for one in heard(page, "gmm.words.ctm") if begin <= one.start < end]
        row = panel.get_by_role("group", name="gmm words", exact=True)
        assert symbols(row) == words
        text = panel.get_by_role("group", name="the text by gmm").first
        assert symbols(text) == experiment.spoken[number]
        assert panel.locator(".posteriorgram .ink").count() == 2
        for part in ("lattices", "difference"):
            panel.locator(f"[data-part={part}] button").click()
        assert panel.locator(".net").count() == 2 and panel.locator(".arc.best").count() > 10
        panel.get_by_label("lattices of").select_option("words + language model")
        assert panel.locator(".net .word").count() >= len(words)  # the network has none of this search
    assert view.locator(".panel .spike").count() > 3
    assert view.locator(".wrong, .added, .gap, .right").count() == 0
    body = view.locator("body").inner_text().lower()
    assert not any(word in body for word in ("error", "wrong", "missed", "reference"))


def test_times_are_those_of_the_recording(page: Path, watched: SimpleNamespace) -> None:
    """Segments, lattices and posteriors of the second piece lie where the CTM has them, less its beginning."""
    begin, end = pieces(page)[1]
    folder = page.parent / "page/002"
    part = received(folder / "system-0.js")
    for tier in ("words", "phones", "free"):
        wanted = [one for one in heard(page, f"gmm.{tier}.ctm") if begin <= one.start < end]
        assert [segment[2] for segment in part[tier]["segments"]] == [one.label for one in wanted]
        times = [(segment[0] + begin, segment[1] + begin) for segment in part[tier]["segments"]]
        np.testing.assert_allclose(times, [(one.start, one.end) for one in wanted], atol=0.002)
        assert part[tier]["missing"] == [] and {len(segment) for segment in part[tier]["segments"]} == {3}
    best = [arc for arc in part["lattices"]["free"]["arcs"] if arc[7]]
    nodes = part["lattices"]["free"]["nodes"]
    assert [arc[2] for arc in best] == [segment[2] for segment in part["free"]["segments"]]
    spans = [(nodes[arc[0]][0], nodes[arc[1]][0]) for arc in best]
    np.testing.assert_allclose(spans, [segment[:2] for segment in part["free"]["segments"]], atol=0.025)
    model, sound = received(folder / "model-0.js"), received(folder / "sound.js")
    assert abs(model["start"] - part["free"]["segments"][0][0]) < 0.02
    assert sound["duration"] == pytest.approx(end - begin, abs=1e-3) and sound["rate"] == 8000

    open_page(watched.page, page, panels=2)
    panel = watched.page.locator(".panel").nth(1)
    button = panel.get_by_role("group", name="gmm words", exact=True).locator(".segment").first
    button.click()
    first = next(one for one in heard(page, "gmm.words.ctm") if one.start >= begin)
    assert panel.locator(".readout").inner_text().endswith(f"; {first.start:.2f} s into the recording")
    played = watched.page.evaluate("window.sounds[0]")
    assert played["from"] == pytest.approx(first.start - begin, abs=0.002)


def test_phones_are_spelled_in_ipa_and_as_text(page: Path, watched: SimpleNamespace) -> None:
    open_page(watched.page, page, panels=1)
    panel = watched.page.locator(".panel").first
    free = panel.get_by_role("group", name="gmm free phones").locator(".segment:not(.silence)")
    names = free.all_text_contents()
    watched.page.get_by_text("IPA").click()
    assert free.all_text_contents() != names
    panel.get_by_text("as text").click()
    panel.locator("pre", has_text="ipa  ").wait_for()


def test_an_alignment_has_a_page_and_a_transcript_joins_it(experiment, tmp_path: Path, watched: SimpleNamespace):
    wav, text = tmp_path / "later.wav", " ".join(experiment.words)
    shutil.copy(experiment.three, wav)
    *_, last = align(experiment, wav, "--text", text)
    index = experiment.root / "exp/own/later/index.html"
    assert f" s, {len(experiment.words)} words placed by gmm; " in last and last.endswith(f"; open {index}")
    open_page(watched.page, index, panels=1)
    panel = watched.page.locator(".panel").first
    assert panel.locator(".heading .fold").all_inner_texts() == ["posteriors, frame by frame"]
    assert panel.locator(".posteriorgram .frame").count() > 3 and not panel.locator(".as-text").is_visible()

    (index.parent / "page/stale.js").touch()
    aligned = (index.parent / "gmm.aligned.words.ctm").read_bytes()
    stage("transcribe", "--wav", str(wav), *experiment.options("gmm"))
    assert not (index.parent / "page/stale.js").exists()
    assert (index.parent / "gmm.aligned.words.ctm").read_bytes() == aligned
    open_page(watched.page, index, panels=1)
    names = watched.page.locator(".panel").first.locator(".row .name").all_inner_texts()
    assert names.count("text") == 1 and names.count("gmm") >= 2
    transcript = received(index.parent / "page/001/system-0.js")
    align(experiment, wav, "--text", text)  # what was heard stays
    assert received(index.parent / "page/001/system-0.js") == transcript


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_the_page_keeps_nobody_out(page: Path, browser: Browser, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    view = context.new_page()
    open_page(view, page, panels=3)
    found = Axe().run(view).response["violations"]
    assert [(one["id"], one["nodes"][0]["target"]) for one in found] == []
    for wide in (400, 3840):
        view.set_viewport_size({"width": wide, "height": 900})
        assert view.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    context.close()


def test_a_long_recording_is_a_screen_at_the_terminal(experiment, tmp_path: Path) -> None:
    samples, rate = soundfile.read(experiment.three)
    soundfile.write(tmp_path / "long.wav", np.tile(samples, 7), rate)
    printed = stage("transcribe", "--wav", str(tmp_path / "long.wav"), *experiment.options("gmm", "neural"))
    assert 30 < len(printed) <= 40 and max(map(len, printed[:-1])) <= 100
    out = experiment.root / "exp/own/long"
    assert any(line.endswith(f" more lines in {out}/transcript.txt") for line in printed)
    text = (out / "transcript.txt").read_text()
    assert text.count("\npiece ") == 21 and "       ipa  " in text
    signs = [line for line in printed if line.split("[")[0].strip() == "gmm" and "[" in line]
    assert len(signs) >= 3 and any("ɪ" in line for line in signs)


def test_of_a_day_the_page_shows_the_beginning(tmp_path: Path) -> None:
    recording = SimpleNamespace(name="day", seconds=86_400.0, num_frames=8_640_000)
    model = SimpleNamespace(front_end=FrontEnd(raw=Raw("mfcc", 8000, 13)))
    own = OwnPage(tmp_path, tmp_path / "day.wav", recording, {"gmm": model}, {}, True)
    for start in range(0, 8_640_000, 2_000):
        own.add(Piece(start, start + 2_000, speech=False), {})
    assert own.pieces[-1]["end"] == pytest.approx(LONGEST_S, abs=0.02)
