"""A word is as sure as its phones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.features import as_it_is

from lexicon.files import write_lines
from lexicon.lang import build_lang, load_lang
from pipeline.search.decode import FlashlightWords
from pipeline.search.flashlight import FlashlightSettings
from pipeline.search.system import System
from pipeline.search.topology import ctc_topology
from pipeline.times.ctm import ctm_lines


def toy(folder: Path) -> tuple[System, object]:
    """A network of two phones over the words AB and BA."""
    for name in ("train", "dev", "test"):
        (folder / name).mkdir(parents=True)
        write_lines(folder / name / "text", [f"{name}1 TWO", f"{name}2 OUT"])
    (folder / "mine.txt").write_text("TWO T UW\nOUT UW T\n")
    from lexicon.lang import given_lexicon

    build_lang(folder, folder / "lang", order=2, given=given_lexicon(folder, folder / "mine.txt"))
    lang = load_lang(folder / "lang")
    return System(
        "neural",
        folder,
        as_it_is(),
        lambda x: x,
        ctc_topology(lang.tokens),
        3,
        0.5,
        0.8,
        lambda x: x,
        lang.tokens,
    ), lang


@pytest.mark.parametrize(
    "sharp, expected",
    [
        (0.96, 0.96**0.5 / (0.96**0.5 + 2 * 0.02**0.5)),  # the posterior_scale is 0.5
        (0.6, 0.6**0.5 / (0.6**0.5 + 2 * 0.2**0.5)),
        (0.34, 0.34**0.5 / (0.34**0.5 + 2 * 0.33**0.5)),  # as good as nothing is known
    ],
)
def test_a_word_of_flashlight_is_as_sure_as_its_phones(tmp_path, sharp, expected):
    system, lang = toy(tmp_path)
    scores = np.full((9, 3), np.log((1 - sharp) / 2))
    for row, token in enumerate([0, 0, 1, 1, 0, 2, 2, 0, 0]):
        scores[row, token] = np.log(sharp)
    found = FlashlightWords(system, lang, FlashlightSettings(lm_weight=0.1)).decode("u", scores, 27)
    assert [word.label for word in found.words] == ["TWO"]
    assert found.word_posteriors() == [pytest.approx(expected, abs=1e-3)]
    assert ctm_lines("u", found.words, found.word_posteriors())[0].split()[-1] == f"{expected:.3f}"


def test_a_word_is_as_sure_as_its_weakest_phone(tmp_path):
    system, lang = toy(tmp_path)
    scores = np.log(
        np.array([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.98, 0.01, 0.01], [0.3, 0.1, 0.6], [0.98, 0.01, 0.01]])
    )
    found = FlashlightWords(system, lang, FlashlightSettings(lm_weight=0.1)).decode("u", scores, 15)
    assert [word.label for word in found.words] == ["TWO"]
    weak = 0.6**0.5 / (0.6**0.5 + 0.3**0.5 + 0.1**0.5)
    assert found.word_posteriors() == [pytest.approx(weak, abs=1e-3)]
