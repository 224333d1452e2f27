"""Coordinate descent on toys whose answers are known, and tuning that finds a setting planted in the scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.causes import ctc, lang_of

from lexicon.phones import spoken
from pipeline.search.decode import SearchSettings, WfstDecoder
from pipeline.search.tuning import SCALES, SCORES, best_of, coordinate_descent

STARTS = (0.1, 0.28, 0.8)  # start_scale of the systems


def bowl(scale: float, score: float, slant: float = 0.0):
    """A convex function of (log scale, score) with its lowest point there, in whole errors."""

    def errors(settings: SearchSettings) -> int:
        a, b = math.log(settings.acoustic_scale / scale), (settings.insertion_score - score) / 2
        return round(100 * (a * a + b * b + slant * a * b))

    return errors


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("scale,score", [(SCALES[0], SCORES[0]), (SCALES[-1], SCORES[-1]), (0.2, 2.0), (1.1, -4.0)])
def test_finds_the_lowest_point_of_a_bowl(start, scale, score):
    tried = coordinate_descent(bowl(scale, score), SearchSettings(start))
    assert best_of(tried) == SearchSettings(scale, score) and tried[SearchSettings(scale, score)] == 0
    assert len(tried) < len(SCALES) + len(SCORES) + 8  # neighbours only, not the whole grid


def test_the_second_round_corrects_the_first():
    errors = bowl(0.2, 2.0, slant=1.0)
    one = coordinate_descent(errors, SearchSettings(0.8), rounds=1)
    two = coordinate_descent(errors, SearchSettings(0.8), rounds=2)
    assert two[best_of(two)] < one[best_of(one)]
    assert list(two)[: len(one)] == list(one)


def test_nothing_is_tried_twice_and_all_is_on_the_grid():
    calls: list[SearchSettings] = []

    def errors(settings: SearchSettings) -> int:
        calls.append(settings)
        return bowl(0.4, -2.0)(settings)

    tried = coordinate_descent(errors, SearchSettings(0.1))
    assert calls == list(tried) and len(set(calls)) == len(calls)
    assert all(s.acoustic_scale in SCALES and s.insertion_score in SCORES for s in tried)
    assert all(start in SCALES for start in STARTS) and 0.0 in SCORES


def test_of_equals_the_first_tried_stays():
    tried = coordinate_descent(lambda settings: 7, SearchSettings(0.4))
    assert best_of(tried) == SearchSettings(0.4) == next(iter(tried))
    assert len(tried) == 5  # the start and its four neighbours


def test_the_best_tried_is_never_worse_than_the_start():
    for seed in range(20):
        table = np.random.default_rng(seed).integers(0, 50, (len(SCALES), len(SCORES)))

        def errors(settings: SearchSettings) -> int:
            return int(table[SCALES.index(settings.acoustic_scale), SCORES.index(settings.insertion_score)])

        tried = coordinate_descent(errors, SearchSettings(0.28))
        best = best_of(tried)
        assert tried[best] == min(tried.values()) <= errors(SearchSettings(0.28))


def test_silence_and_blanks_are_not_spoken():
    assert spoken(["SIL", "AH", "<blk>", "T", "SIL"]) == ("AH", "T")


@pytest.mark.parametrize("graph", ["words", "free"])
def test_the_best_path_alone_is_that_of_the_lattice(graph):
    decoder = WfstDecoder(ctc(), lang_of(), graph, SearchSettings(0.8, 0.5))
    for seed in range(20):
        scores = np.random.default_rng(seed).normal(size=(30, 7)).astype(np.float32) * 3
        heard = decoder.decode("u", scores, len(scores))
        words, phones = decoder.best(scores)
        assert list(words) == [word.label for word in heard.words] or graph == "free"
        assert spoken(phones) == spoken(phone.label for phone in heard.phones)
        louder = decoder.scaled(SearchSettings(1.6, 0.5))
        assert louder.best(scores)[1] == WfstDecoder(ctc(), lang_of(), graph, louder.settings).best(scores)[1]
