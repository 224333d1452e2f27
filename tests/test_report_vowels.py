"""The vowel chart: vowels made of known formants lie where phoneticians draw them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from helpers.features import as_it_is, write_feats
from helpers.vowels import VOWELS, vowel

from lexicon.phones import INVENTORY
from pipeline.datadir import Utterance, write_datadir
from pipeline.report.vowels import ellipse, measure, turned, vowels_section
from pipeline.search.system import System
from pipeline.search.topology import ctc_topology

RATE, LONG = 16000, 0.2
SPOKEN = {"IY": "i", "AA": "a", "UW": "u", "AE": "ae"}


def spoken(folder: Path, speakers: dict[str, float]) -> SimpleNamespace:
    """A test set where each speaker, of a pitch in Hz, says the four vowels six times, in utterances of four."""
    utterances, phones, aligned = [], [], folder / "exp" / "gmm" / "ali_test"
    aligned.mkdir(parents=True)
    for speaker, pitch in speakers.items():
        for number in range(6):
            sound = np.concatenate([vowel(pitch + 3 * number, VOWELS[name], RATE, LONG) for name in SPOKEN.values()])
            name = f"{speaker}-{number}"
            soundfile.write(folder / f"{name}.wav", sound, RATE)
            utterances.append(Utterance(name, speaker, folder / f"{name}.wav", ("OH",), len(sound)))
            phones += [f"{name} 1 {LONG * i:.3f} {LONG:.3f} {phone}" for i, phone in enumerate(SPOKEN)]
    write_datadir(folder / "data" / "test", utterances)
    (aligned / "phones.ctm").write_text("\n".join(phones) + "\n")
    (aligned / "phones.txt").write_text("".join(f"{u.id} {' '.join(SPOKEN)}\n" for u in utterances))
    return SimpleNamespace(data=folder / "data", aligned=aligned, utterances=utterances, fold={}, lang={})


def test_formants_of_the_middles(tmp_path):
    tokens = measure(spoken(tmp_path, {"ann": 180.0}), INVENTORY, None)
    assert len(tokens.names) == 24 and set(tokens.speakers) == {"ann"} and tokens.rows.shape == (24, 0)
    for name, hertz in zip(tokens.names, tokens.hertz):
        assert hertz == pytest.approx(VOWELS[SPOKEN[name]][:2], rel=0.05), name


def places(page: str, chart: int) -> dict[str, tuple[float, float]]:
    figure = page.split("<figure>")[1 + chart]
    found = re.findall(r'class="vowel"[^>]*x="([\d.]+)" y="([\d.]+)" data-ipa="[^"]+">(\w+)<', figure)
    return {name: (float(x), float(y)) for x, y, name in found}


def test_the_chart_is_drawn_as_phoneticians_do(tmp_path):
    page = vowels_section(spoken(tmp_path, {"ann": 180.0}), [None])
    at = places(page, 0)
    assert set(at) == set(SPOKEN) and page.count("<svg") == 1
    assert at["IY"][0] < at["AE"][0] < at["AA"][0] < at["UW"][0]  # front vowels at the left: 2290 to 870 Hz
    assert at["IY"][1] < at["UW"][1] < at["AE"][1] < at["AA"][1]  # close ones on top: 270 to 730 Hz
    assert "100 % of the vowels lie nearest" in page and "the commonest vowel is 25 % of all" in page
    assert re.search(r"<title>i: 6 tokens, F1 2\d\d ± \d+ Hz, F2 2[23]\d\d ± \d+ Hz</title>", page)
    ticks = [(float(x), int(text)) for x, text in re.findall(r'class="tick" x="([\d.]+)" y="34">(\d+)<', page)]
    assert [hertz for _, hertz in sorted(ticks)] == sorted((hertz for _, hertz in ticks), reverse=True)


def test_speakers_have_charts_of_their_own(tmp_path):
    page = vowels_section(spoken(tmp_path, {"ann": 180.0, "bob": 100.0}), [])
    assert re.findall(r"<figcaption>([^<]+)<", page) == ["F1 and F2, 2 speakers", "F1 and F2, ann", "F1 and F2, bob"]


def test_the_map_of_a_network_beside_it(tmp_path):
    """A network whose layer holds where the tongue is, on two of its channels: its map lies as the chart does."""
    comparison = spoken(tmp_path, {"ann": 180.0})
    rows = np.repeat([np.log(VOWELS[name][:2]) for name in SPOKEN.values()], round(100 * LONG), axis=0)
    generator = np.random.default_rng(0)
    feats = {
        u.id: np.hstack([rows[:, ::-1], np.zeros((len(rows), 1))]) + 0.05 * generator.normal(size=(len(rows), 3))
        for u in comparison.utterances
    }
    write_feats(tmp_path / "data" / "test", {utt: x.astype(np.float32) for utt, x in feats.items()})
    (tmp_path / "meta.json").write_text(json.dumps({"front_end": as_it_is(3).as_json()}))
    system = System(
        "net", tmp_path, as_it_is(3), lambda x: x, ctc_topology(["<blk>", "AA"]), 1, 1.0, 1.0,
        hidden={"low": lambda x: 0 * x, "top": lambda x: x},
    )  # fmt: skip
    tokens = measure(comparison, INVENTORY, system)
    assert tokens.rows.shape == (24, 3)
    page = vowels_section(comparison, [None, system])
    chart, own = places(page, 0), places(page, 1)
    assert "<figcaption>net, top</figcaption>" in page
    for i in (0, 1):
        assert sorted(chart, key=lambda name: chart[name][i]) == sorted(own, key=lambda name: own[name][i])
    assert re.search(r"On the map of net it is (9\d|100) %; .* F1 \(correlation (0.9\d|1.00)\)", page)


def test_turned_but_not_bent():
    towards = np.random.default_rng(0).normal(size=(40, 2))
    turn = np.array([[0.6, 0.8], [0.8, -0.6]])  # and mirrored
    found = turned(3 * towards @ turn + 5, towards)
    assert np.corrcoef(found[:, 0], towards[:, 0])[0, 1] > 0.99 and np.corrcoef(found[:, 1], towards[:, 1])[0, 1] > 0.99


def test_an_ellipse_by_hand():
    """A cloud 4 and 1 wide, turned by 30 degrees."""
    angle = np.radians(30)
    cloud = np.random.default_rng(0).normal(size=(20_000, 2)) * [4, 1]
    found = ellipse(cloud @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]] + [10, 20])
    assert found["major"] == pytest.approx(4, rel=0.03) and found["minor"] == pytest.approx(1, rel=0.03)
    assert found["turn"] % 180 == pytest.approx(30, abs=1)
    assert (found["x"], found["y"]) == (pytest.approx(10, abs=0.1), pytest.approx(20, abs=0.1))


def test_too_few_vowels_are_no_chart(tmp_path):
    comparison = spoken(tmp_path, {"ann": 180.0})
    comparison.utterances = comparison.utterances[:2]
    assert vowels_section(comparison, []) == ""
