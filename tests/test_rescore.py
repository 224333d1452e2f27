"""Rescoring with a neural language model: against all paths of small lattices, scored one by one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from helpers.lattices import all_paths, lattice_of, random_lattice
from helpers.lstm import probability, random_lm

import pipeline.search.rescore as rescore
from lexicon.errors import UserError
from lexicon.ngram import NGram, estimate
from pipeline.lattice import Lattice, nbest
from pipeline.lattice.schema import check_lattice
from pipeline.neural.lstm_lm import LstmLm
from pipeline.search.rescore import (
    FIRST_PASS,
    Interpolation,
    RescoreSettings,
    as_lattice,
    expand,
    heard,
    kept_words,
    tune,
)

WORDS = ["A", "BE", "C"]
LM = random_lm(WORDS)
NGRAM = estimate([("A", "BE", "A"), ("BE", "BE", "C"), ("C", "A"), ("A", "BE", "C")], 3, WORDS)
WHOLE = RescoreSettings(history=100)
HOW = (FIRST_PASS, Interpolation(0.5), Interpolation(1.0, 1.4), Interpolation(0.3, 0.8, 1.5), Interpolation(0.7, 2, -1))


def words_of(lattice: Lattice, path: list[int]) -> tuple[str, ...]:
    return tuple(lattice.word[arc] for arc in path if lattice.word[arc])


def by_hand(lattice: Lattice, path: list[int], how: Interpolation, lm: LstmLm = LM, ngram: NGram = NGRAM) -> float:
    """The score of a path: that of the first pass with other probabilities of words and end."""
    words, total = words_of(lattice, path), float(lattice.scores()[path].sum())
    for i, word in enumerate([*words, "</s>"]):
        first = 10 ** ngram.score(("<s>", *words[:i]), word)
        both = (1 - how.weight) * first + how.weight * probability(lm, words[:i], word)
        total += how.scale * math.log(both) - math.log(first)
    return total + how.insertion_score * len(words)


@pytest.mark.parametrize("how", HOW)
def test_the_best_is_the_best_of_all_paths(how: Interpolation):
    for seed in range(8):
        lattice = random_lattice(seed)
        expanded = expand(lattice, LM, NGRAM, WHOLE)
        paths = [(by_hand(lattice, path, how), words_of(lattice, path)) for path in all_paths(lattice)]
        again = expanded.rescored(how)
        found = [(float(again.scores()[path].sum()), words_of(again, path)) for path in all_paths(again)]
        assert len(found) == len(paths) > 5
        assert sorted(score for score, _ in found) == pytest.approx(sorted(score for score, _ in paths), abs=1e-4)
        assert tuple(heard(expanded, how)) == max(paths)[1]


def test_without_the_network_all_is_as_it_was():
    """Exactly: the same scores, the same ranking, however short the histories."""
    for seed in range(8):
        lattice = random_lattice(seed)
        for settings in (WHOLE, RescoreSettings(history=1)):
            expanded = expand(lattice, LM, NGRAM, settings)
            again = expanded.rescored(FIRST_PASS)
            assert again.language.tolist() == expanded.lattice.language.tolist()
            ranked = [
                [(round(score, 9), words_of(one, path)) for score, path in nbest(one, 1000)] for one in (lattice, again)
            ]
            assert sorted(ranked[0]) == sorted(ranked[1]) and len(ranked[0]) > 5
            assert [score for score, _ in ranked[0]] == [score for score, _ in ranked[1]]


def test_an_expanded_lattice_is_a_lattice():
    for seed in range(4):
        again = expand(random_lattice(seed), LM, NGRAM).rescored(HOW[1])
        check_lattice(again)


def test_histories_that_share_their_words_go_on_as_one_with_those_of_the_better_path():
    """A or BE, then C A C: after C A the words before are forgotten, but the network knows those of the better path."""
    arcs = [(0, 1, "A", -1.0, "A"), (0, 1, "BE", -2.0, "BE")]
    arcs += [(i, i + 1, word, 0.0, word) for i, word in ((1, "C"), (2, "A"), (3, "C"))]
    lattice = lattice_of([0, 10, 20, 30, 40], arcs)
    merged, whole = (expand(lattice, LM, NGRAM, settings) for settings in (RescoreSettings(1), WHOLE))
    assert len(whole.lattice.label) == 8 and len(merged.lattice.label) == 2 + 2 + 2 + 1
    last = np.flatnonzero(merged.lattice.arc_to == merged.lattice.num_nodes - 1)
    of_last = np.isin(merged.arc, last)
    expected = [probability(LM, ("A", "C", "A"), "C"), probability(LM, ("A", "C", "A", "C"), "</s>")]
    assert np.exp(merged.neural[of_last]) == pytest.approx(expected, rel=1e-4)
    assert merged.is_word[of_last].tolist() == [True, False]
    assert probability(LM, ("A", "C", "A"), "C") != pytest.approx(probability(LM, ("BE", "C", "A"), "C"), rel=1e-2)


def test_a_lattice_that_would_grow_too_large_keeps_its_best_paths(monkeypatch: pytest.MonkeyPatch):
    lattice = random_lattice(3, num_nodes=9)
    whole = expand(lattice, LM, NGRAM, WHOLE).lattice
    monkeypatch.setattr(rescore, "MAX_ARCS", len(whole.label) // 2)
    small = expand(lattice, LM, NGRAM, WHOLE).lattice
    assert 0 < len(small.label) <= len(whole.label) // 2 and small.beam < whole.beam
    check_lattice(expand(lattice, LM, NGRAM, WHOLE).rescored(FIRST_PASS))
    best, kept = nbest(lattice, 1)[0], nbest(small, 1)[0]
    assert kept[0] == pytest.approx(best[0]) and words_of(small, kept[1]) == words_of(lattice, best[1])


READINGS = [(-3.0, ("A", "BE")), (-3.5, ("C",)), (-4.0, ()), (-5.0, ("A", "BE", "C", "C"))]


@pytest.mark.parametrize("how", HOW)
def test_an_nbest_list_is_scored_reading_by_reading(how: Interpolation):
    lattice = as_lattice("u", READINGS)
    assert lattice is not None
    scores = sorted((float(lattice.scores()[path].sum()), words_of(lattice, path)) for path in all_paths(lattice))
    assert scores == sorted(READINGS)
    best = max(all_paths(lattice), key=lambda path: by_hand(lattice, path, how))
    assert tuple(heard(expand(lattice, LM, NGRAM), how)) == words_of(lattice, best)


def test_where_nothing_was_found_nothing_is_heard():
    assert as_lattice("u", []) is None and heard(None, FIRST_PASS) == []
    assert heard(expand(as_lattice("u", [(-1.0, ())]), LM, NGRAM), HOW[1]) == []


def decode_with(folder: Path, search: str, lm_weight: float, nbest: list) -> Path:
    folder.mkdir()
    settings = {"flashlight": {"lm_weight": lm_weight}} if search == "flashlight" else {}
    (folder / "decode.json").write_text(json.dumps({"search": search, "settings": settings}))
    (folder / "nbest.jsonl").write_text(json.dumps({"utterance": "u", "nbest": nbest}) + "\n")
    return folder


@pytest.mark.parametrize("search, scale", [("flashlight", 2.5), ("letters", 1.0)])
def test_readings_are_divided_by_the_weight_that_the_language_model_had(tmp_path: Path, search: str, scale: float):
    decode = decode_with(tmp_path / "decode", search, 2.5, [[-5.0, "A BE"], [-7.5, ""]])
    (lattice,) = kept_words(decode, ["u"])
    assert sorted(lattice.scores().tolist()) == pytest.approx(sorted([-5.0 / scale, 0.0, -7.5 / scale]))


def test_what_a_decode_has_not_kept_is_told(tmp_path: Path):
    with pytest.raises(UserError, match="neither lattices of words nor n-best lists; remove .*hyp.txt and run make"):
        kept_words(tmp_path, ["u"])
    silent = decode_with(tmp_path / "a", "flashlight", 0.0, [[-5.0, "A"]])
    with pytest.raises(UserError, match="decode.json: not of a search with n-best lists .*nothing to replace"):
        kept_words(silent, ["u"])
    with pytest.raises(UserError, match="nbest.jsonl: 1 of 2 utterances are not there"):
        kept_words(decode_with(tmp_path / "b", "letters", 1.0, [[-5.0, "A"]]), ["u", "v"])
    with pytest.raises(UserError, match="nbest.jsonl:1: not an n-best list"):
        kept_words(decode_with(tmp_path / "c", "letters", 1.0, [[math.nan, "A"]]), ["u"])


def test_on_dev_the_network_is_believed_where_it_knows_better():
    """The n-gram, of which the first pass was, likes A; the network was told nothing, and yet is always right here."""
    sure = 0 if probability(LM, (), "BE") > probability(LM, (), "A") else 1
    right, wrong = ("BE", "A")[sure], ("A", "BE")[sure]
    ngram = estimate([(wrong,)] * 5 + [(right,)], 3, WORDS)
    lattice = as_lattice("u", [(0.0, (wrong,)), (-0.01, (right,))])
    expanded = {f"u{i}": expand(lattice, LM, ngram) for i in range(3)}
    tried = tune({**expanded, "v": None}, {**dict.fromkeys(expanded, (right,)), "v": ()}, 0.4)
    best = min(tried, key=tried.__getitem__)
    assert next(iter(tried.items())) == (FIRST_PASS, 3) and tried[best] == 0 and best != FIRST_PASS
    useless = tune(expanded, dict.fromkeys(expanded, (wrong,)), 0.4)
    assert min(useless, key=useless.__getitem__) == FIRST_PASS
