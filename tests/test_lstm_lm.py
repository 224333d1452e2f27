"""The LSTM language model: against its equations in numpy, sums by hand, and sentences that an n-gram cannot know."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.lstm import distribution, probability, random_lm

from lexicon.errors import UserError
from lexicon.ngram import estimate
from pipeline.neural.histories import Histories, mixed, ngram_log_probs, of_text, perplexity
from pipeline.neural.lstm_lm import load_lstm_lm, save_lstm_lm
from pipeline.neural.lstm_lm_training import train_lstm_lm
from pipeline.neural.settings import LmSettings

WORDS = ["A", "B", "C"]
TEXT = [("A", "B"), (), ("A", "B", "C", "A"), ("C",), ("A", "X", "B")]
SMALL = LmSettings(width=16, epochs=3, dropout=0.1)


@pytest.mark.parametrize("layers", [1, 2])
def test_predictions_are_those_of_the_equations(layers: int):
    """Of a tree of histories, which share their beginnings, as of each history alone."""
    lm, (histories, asked) = random_lm(WORDS, layers), of_text(TEXT, [*WORDS, "X"])
    found = lm.log_probs(histories, asked)
    said = [(words[:i], word) for words in TEXT for i, word in enumerate([*words, "</s>"])]
    assert len(found) == len(said) == 15 and len(histories) == 8
    assert np.exp(found) == pytest.approx([probability(lm, *one) for one in said], rel=1e-4)


def test_probabilities_sum_to_one_after_any_history():
    lm, ngram, histories = random_lm(WORDS), estimate(TEXT[:4], 3, WORDS), Histories()
    numbers = [0]
    for words in itertools.product([*WORDS, "X"], repeat=3):
        history = 0
        for word in words:
            numbers.append(history := histories.after(history, word))
    events = [*WORDS, "</s>", "<unk>"]
    asked = [(number, word) for number in sorted(set(numbers)) for word in events]
    of_network, of_ngram = lm.log_probs(histories, asked), ngram_log_probs(ngram, histories, asked)
    for weight in (0.0, 0.3, 1.0):
        sums = np.exp(mixed(of_ngram, of_network, weight)).reshape(-1, len(events)).sum(1)
        assert len(sums) == 1 + 4 + 16 + 64 and sums == pytest.approx(np.ones(len(sums)), abs=1e-5)
    assert np.exp(of_network[:5]) == pytest.approx(distribution(lm, []), rel=1e-4)


def test_mixing_is_linear_and_a_weight_of_0_or_1_is_one_of_both():
    a, b = np.log([0.5, 0.1, 1e-30]), np.log([0.2, 0.4, 0.3])
    assert np.exp(mixed(a, b, 0.25)) == pytest.approx([0.425, 0.175, 0.075])
    assert mixed(a, b, 0.0).tolist() == a.tolist() and mixed(a, b, 1.0).tolist() == b.tolist()


def test_perplexity_is_that_of_a_sum_by_hand_and_leaves_unknown_words_out():
    lm, ngram = random_lm(WORDS), estimate(TEXT[:4], 3, WORDS)
    histories, asked = of_text(TEXT, WORDS)
    known = [(words[:i], word) for words in TEXT for i, word in enumerate([*words, "</s>"]) if word != "X"]
    by_hand = math.exp(-sum(math.log(probability(lm, *one)) for one in known) / len(known))
    assert perplexity(lm.log_probs(histories, asked)) == pytest.approx(by_hand, rel=1e-4)
    assert perplexity(ngram_log_probs(ngram, histories, asked)) == pytest.approx(ngram.perplexity(TEXT))


PRONOUNS = {"HE": "HIS", "SHE": "HER", "WE": "OUR"}


def agreeing(count: int, seed: int) -> list[tuple[str, ...]]:
    """WE, some words, OUR: too far apart for a trigram."""
    rng = np.random.default_rng(seed)
    who = rng.choice(list(PRONOUNS), count)
    return [(one, *rng.choice(["SAW", "THEN", "NOW"], 3), PRONOUNS[one], "DOG") for one in map(str, who)]


def test_it_learns_what_no_trigram_knows():
    """A sentence has log 3 nats four times: its first word, and the three between. A trigram also has to guess the
    pronoun."""
    train, dev = agreeing(300, 1), agreeing(50, 2)
    words = sorted({word for one in train for word in one})
    ngram = estimate(train, 3, words)
    lm, told = train_lstm_lm(train, dev, words, ngram, LmSettings(width=32, epochs=12, dropout=0.1, word_dropout=0.0))
    of = told["dev_perplexity"]
    assert of["neural"] == pytest.approx(3 ** (4 / 7), rel=0.05) and of["ngram"] > 3 ** (5 / 7)
    assert of["both"] <= min(of["ngram"], of["neural"]) and of["weight"] >= 0.5
    assert probability(lm, ("WE", "SAW", "NOW", "NOW"), "OUR") > 0.8
    assert of["ngram"] == pytest.approx(ngram.perplexity(dev))
    assert told["history"][told["best_epoch"] - 1]["dev_perplexity"] == pytest.approx(of["neural"], abs=0.01)


def test_two_trainings_agree_and_another_seed_does_not(tmp_path: Path):
    ngram = estimate(TEXT[:4], 3, WORDS)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        lm, told = train_lstm_lm(TEXT[:4], TEXT, WORDS, ngram, replace(SMALL, seed=seed))
        save_lstm_lm(tmp_path / name, lm, told)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b != c
    histories, asked = of_text(TEXT, WORDS)
    lm, told = train_lstm_lm(TEXT[:4], TEXT, WORDS, ngram, SMALL)
    again = load_lstm_lm(tmp_path / "a", WORDS)
    assert again.log_probs(histories, asked).tolist() == lm.log_probs(histories, asked).tolist()
    meta = json.loads((tmp_path / "a/meta.json").read_text())
    assert meta["dev_perplexity"]["neural"] == pytest.approx(perplexity(again.log_probs(histories, asked)))
    assert meta["parameters"] == 5 * 16 + 5 + 4 * 16 * (16 + 16 + 2) and meta["words"] == WORDS


@pytest.mark.parametrize(
    "change, says",
    [
        ({"words": ["A", "B", "D"]}, "trained with other words than the lexicon has (first: C)"),
        ({"words": ["A", "C", "B"]}, "trained with other words than the lexicon has (first: their order)"),
        ({"words": ["A"]}, "not a language model's description (5 symbols for 1 words)"),
        ({"kind": "ctc"}, "not a language model's description (kind 'ctc')"),
        ({"network": {"num_symbols": 5, "width": 10**9, "layers": 1, "dropout": 0.5}}, "width 1000000000, not in"),
        ({"network": {"num_symbols": 5, "width": 8, "layers": 1, "dropout": 0.5}}, "does not hold the network of meta"),
        ({"network": 3}, "not a language model's description"),
        ({"checksum": 1}, "its checksum is not that of meta.json"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(tmp_path: Path, change: dict, says: str):
    save_lstm_lm(tmp_path, random_lm(WORDS), {})
    meta = json.loads((tmp_path / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps(meta | change))
    with pytest.raises(UserError) as error:
        load_lstm_lm(tmp_path, WORDS)
    assert says in str(error.value) and "run: make rescore" in str(error.value)


def test_settings_that_cannot_be_are_refused():
    ngram = estimate(TEXT[:4], 3, WORDS)
    for settings in (replace(SMALL, dropout=1.0), replace(SMALL, word_dropout=1.0), replace(SMALL, width=10**6)):
        with pytest.raises(UserError, match="setting .* not in .*stages.neural_lm --help"):
            train_lstm_lm(TEXT, TEXT, WORDS, ngram, settings)
    with pytest.raises(UserError, match="smaller --learning-rate"):
        train_lstm_lm(TEXT, TEXT, WORDS, ngram, replace(SMALL, learning_rate=1e30))
