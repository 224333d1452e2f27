"""How far phone error rates move with the pronunciations of the reference."""

from __future__ import annotations

import random
from itertools import chain, product
from pathlib import Path

import kaldialign
import pytest

from pipeline.align.alignments import PlacedPhone, PlacedUtterance, write_alignment
from pipeline.base.edits import pair_up
from pipeline.compare.results import Comparison, Result
from pipeline.compare.yardsticks import Tally, moved, nearest
from pipeline.datadir import Utterance
from pipeline.times.segments import Segment


def test_the_nearest_pronunciation_is_chosen_word_by_word():
    words = [[("EY",), ("AH",)], [("T", "AH", "M", "EY", "T", "OW"), ("T", "AH", "M", "AA", "T", "OW")]]
    assert nearest(words, "AH T AH M AA T OW".split()) == Tally(0, 7)
    assert nearest(words, "AH T AH M IY T".split()) == Tally(2, 7)
    assert nearest(words, []) == Tally(7, 7)
    assert nearest([], ["T"]) == Tally(1, 0)
    # AE T with one error, or AH B T with one: of the longer one it is a smaller share.
    assert nearest([[("AE",), ("AH", "B")], [("T",)]], ["AH", "T"]) == Tally(1, 3)


def test_it_is_the_best_of_all_choices():
    rng = random.Random(0)
    for _ in range(100):
        words = [
            [tuple(rng.choices("abc", k=rng.randint(0, 3))) for _ in range(rng.randint(1, 3))]
            for _ in range(rng.randint(0, 4))
        ]
        heard = rng.choices("abc", k=rng.randint(0, 8))
        every = [list(chain.from_iterable(choice)) for choice in product(*words)]
        errors = min((kaldialign.edit_distance(said, heard)["total"], -len(said)) for said in every)
        assert nearest(words, heard) == Tally(errors[0], -errors[1])


WORDS = {"u": ("A", "TOMATO"), "v": ("OH",)}
LEXICON = "A 1.0 EY\nA 1.0 AH\nTOMATO 1.0 T EY\nTOMATO 0.5 T AA\nOH 1.0 OW\n"
REFERENCE = {"u": "EY T AA", "v": "OW"}
HEARD = {"hmm": {"u": "EY T AA", "v": "EY"}, "net": {"u": "AH T EY", "v": "OW"}}


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """hmm's alignment is the reference; net's chooses what net has heard, with a pause."""
    data, exp = tmp_path / "data", tmp_path / "exp"
    (data / "lang").mkdir(parents=True)
    (data / "test").mkdir()
    (data / "test/text").write_text("u A TOMATO\nv OH\n")
    (data / "lang/reference_lexicon.txt").write_text(LEXICON)
    (data / "lang/phones.txt").write_text("<eps> 0\nSIL 1\nAA 2\nAH 3\nEY 4\nOW 5\nT 6\n")
    said = [("SIL", -1), ("AH", 0), ("SIL", -1), ("T", 1), ("EY", 1)]
    phones = [PlacedPhone(Segment(label, i, i + 1, word), -1.0, 0.5, -1.0) for i, (label, word) in enumerate(said)]
    words = [(Segment("A", 1, 2, 0), 0.5), (Segment("TOMATO", 3, 5, 1), 0.5)]
    write_alignment(exp / "net/ali_test/alignment.json", [("u", PlacedUtterance(5, phones, words))], ["v"])
    systems = []
    for name, heard in HEARD.items():
        pairs = {utt: pair_up(REFERENCE[utt].split(), said.split()) for utt, said in heard.items()}
        measures = {"wer": {}, "per": pairs, "free_per": pairs}
        systems.append(Result(name, exp / name / "decode_test", exp / name, measures, 0, 0, 0))
    utterances = [Utterance(utt, "s", Path("u.wav"), said, 1) for utt, said in WORDS.items()]
    phones_said = {utt: said.split() for utt, said in REFERENCE.items()}
    return Comparison(data, exp / "hmm/ali_test", utterances, phones_said, {}, {}, systems)


def test_rates_by_each_yardstick(comparison: Comparison):
    """Four phones. net hears AH T EY where EY T AA is the reference: two wrong, none by its own choice, and one by the
    first of the lexicon, EY T EY. hmm hears the reference, of which the lexicon's first differs in one, and takes OW
    for EY."""
    found = moved(comparison)
    assert found is not None and (found.choices, found.words) == (2, 3)
    for measure in ("per", "free_per"):
        assert found.rates[measure] == {
            "hmm": {"reference": 25, "own": 25, "first": 50, "nearest": 25},
            "net": {"reference": 50, "own": 0, "first": 25, "nearest": 0},
        }
        assert all(found.swapped(measure, yardstick) == [("net", "hmm")] for yardstick in ("own", "first", "nearest"))
        assert found.swapped(measure, "reference") == []


def test_nothing_moves_with_gold_phones(comparison: Comparison):
    (comparison.data / "test/phones.ctm").write_text("u 1 0.0 0.1 EY\nu 1 0.1 0.1 T\nu 1 0.2 0.1 AA\n")
    assert moved(comparison) is None
