"""Beam search against answers known by hand and against exhaustive search."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from helpers.langs import BUGS_ARPA, PHONE_ARPA, make_lang, unigram_arpa

from lexicon.errors import UserError
from lexicon.lang import Lang
from pipeline.neural.paths import all_spellings, best_spelling, greedy, input_frames
from pipeline.search.flashlight import FlashlightDecoder, FlashlightSettings
from pipeline.search.lexicon_free import PhoneDecoder


def emissions(lang: Lang, frames: list[dict[str, float]]) -> np.ndarray:
    """(T, V) float32: log of the probabilities given per frame, the rest shared evenly."""
    matrix = np.zeros((len(frames), len(lang.tokens)))
    for row, given in zip(matrix, frames):
        row[:] = (1 - sum(given.values())) / (len(row) - len(given))
        for token, p in given.items():
            row[lang.tokens.index(token)] = p
    return np.log(matrix).astype(np.float32)


def decoder(lang: Lang, **settings: float) -> FlashlightDecoder:
    return FlashlightDecoder(lang, lang.tokens, FlashlightSettings(**settings))


@pytest.fixture
def bugs(tmp_path: Path) -> Lang:
    return make_lang(tmp_path / "lang", ["BUGS 1.0 B AH G Z", "BUNNY 1.0 B AH N IY"], BUGS_ARPA)


def bunny_bunny(lang: Lang) -> np.ndarray:
    first = [{"B": 0.8}, {"AH": 0.8}, {"N": 0.5, "G": 0.4}, {"IY": 0.5, "Z": 0.4}, {"<blk>": 0.9}]
    return emissions(lang, first + [{"B": 0.8}, {"AH": 0.8}, {"N": 0.9}, {"IY": 0.9}, {"IY": 0.9}])


def test_language_model_turns_bunny_bunny_into_bugs_bunny(bugs: Lang):
    assert decoder(bugs, lm_weight=0.0).decode(bunny_bunny(bugs))[0].words == ("BUNNY", "BUNNY")
    assert decoder(bugs, lm_weight=1.0).decode(bunny_bunny(bugs))[0].words == ("BUGS", "BUNNY")


def test_scores_and_times_by_hand(bugs: Lang):
    best = decoder(bugs, lm_weight=2.0, word_score=-0.5).decode(bunny_bunny(bugs))[0]
    assert best.acoustic == pytest.approx(math.log(0.8 * 0.8 * 0.4 * 0.4 * 0.9 * 0.8 * 0.8 * 0.9 * 0.9 * 0.9), abs=1e-5)
    assert best.language == pytest.approx(-0.3 * math.log(10), abs=1e-5)  # three bigrams of -0.1, sentence end included
    assert best.score == pytest.approx(best.acoustic + 2 * best.language - 1.0)
    assert best.phones == ("B", "AH", "G", "Z", "B", "AH", "N", "IY")
    assert [(t.begin, t.end) for t in best.tokens] == [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 7), (7, 8), (8, 10)]
    assert [t.word for t in best.tokens] == [0, 0, 0, 0, 1, 1, 1, 1]


def test_nbest_is_ordered_and_different(bugs: Lang):
    found = decoder(bugs, lm_weight=0.5).decode(bunny_bunny(bugs))
    assert len(found) > 1
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    assert len({h.words for h in found}) == len(found)


def test_last_phone_of_a_word_may_last(bugs: Lang):
    """Plain flashlight without a separator would have to call frames 4 to 6 blank or another word."""
    frames = [{"B": 0.9}, {"AH": 0.9}, {"N": 0.9}] + [{"IY": 0.99}] * 4
    best = decoder(bugs, lm_weight=0.0).decode(emissions(bugs, frames))[0]
    assert best.words == ("BUNNY",)
    assert best.acoustic == pytest.approx(math.log(0.9**3 * 0.99**4), abs=1e-5)
    assert (best.tokens[-1].begin, best.tokens[-1].end) == (3, 7)


@pytest.mark.parametrize(
    "more", [{}, {"sil_score": 0.4}, {"log_add": True}, {"sil_score": 0.4, "log_add": True}], ids=str
)
def test_equals_exhaustive_search(tmp_path: Path, more: dict[str, float]):
    """All word sequences and variants that fit into six frames, each aligned by trying all paths."""
    lines = ["A 1.0 AH", "AT 1.0 AH T", "AT 0.5 EH T", "TO 1.0 T", "TEA 1.0 T EH"]
    words = ("A", "AT", "TO", "TEA")
    log10 = dict(zip(words, (-0.5, -0.7, -0.9, -1.1)))
    lang = make_lang(tmp_path / "lang", lines, unigram_arpa(log10))
    variants = [
        (word, float(prob), tuple(map(lang.tokens.index, phones))) for word, prob, *phones in map(str.split, lines)
    ]
    sentences = [s for n in range(5) for s in itertools.product(variants, repeat=n)]
    searcher = decoder(
        lang, lm_weight=0.7, word_score=-0.3, beam_size=500, beam_size_token=20, beam_threshold=1000.0, **more
    )
    for seed in range(10):
        posteriors = np.random.default_rng(seed).dirichlet(np.full(len(lang.tokens), 0.4), 6)
        matrix = np.log(posteriors + 1e-3).astype(np.float32)
        sound = SixFrames(matrix, **more)
        ranked = max(
            (
                sound.score([v[2] for v in s])
                + 0.7 * ((sum(log10[v[0]] for v in s) - 0.4) * math.log(10) + sum(math.log(v[1]) for v in s))
                - 0.3 * len(s),
                tuple(v[0] for v in s),
            )
            for s in sentences
        )
        best = searcher.decode(matrix)[0]
        assert best.score == pytest.approx(ranked[0], abs=1e-4)
        assert best.words == ranked[1]


class SixFrames:
    """Every path through a matrix, by what it spells: its score, and how many blanks follow each of its tokens (first,
    how many come before all)."""

    def __init__(self, matrix: np.ndarray, sil_score: float = 0.0, log_add: bool = False):
        self.sil_score, self.log_add = sil_score, log_add
        self.paths: dict[tuple[int, ...], list[tuple[float, list[int]]]] = {}
        for path in itertools.product(range(matrix.shape[1]), repeat=len(matrix)):
            target, blanks, last = [], [0], 0
            for token in path:
                if token and token != last:
                    target.append(token)
                    blanks.append(0)
                blanks[-1] += not token
                last = token
            score = float(matrix[range(len(matrix)), path].sum(dtype=np.float64))
            self.paths.setdefault(tuple(target), []).append((score, blanks))

    def score(self, spelling: list[tuple[int, ...]]) -> float:
        """Of words: the best path or all, with the bonus of the blanks between them."""
        bounds = list(itertools.accumulate(map(len, spelling), initial=0))
        found = [
            score + self.sil_score * sum(blanks[bound] for bound in bounds)
            for score, blanks in self.paths.get(sum(spelling, ()), [])
        ]
        return (np.logaddexp.reduce(found) if self.log_add else max(found)) if found else -math.inf


@pytest.mark.parametrize("name", ["beam_size", "beam_size_token", "beam_threshold"])
def test_a_narrow_beam_holds_fewer_hypotheses_and_finds_nothing_better(bugs: Lang, name: str):
    held, best = [], []
    for value in (1, 2, 5, 20):
        searcher = decoder(bugs, **{name: value})
        held.append(sum(len(results) for results in searcher.steps(bunny_bunny(bugs))))
        best.append(searcher.decode(bunny_bunny(bugs))[0].score)
    assert held == sorted(held) and held[0] < held[-1]
    assert best == sorted(best) and best[0] < best[-1]


def test_no_more_readings_than_nbest(bugs: Lang):
    ten, two = (decoder(bugs, nbest=number).decode(bunny_bunny(bugs)) for number in (10, 2))
    assert len(ten) > 2 and two == ten[:2]


def test_without_a_lexicon_the_phones_of_the_best_path_or_what_their_grammar_makes_of_it(tmp_path: Path):
    """All phone strings of six frames; without grammar the best path, which is the greedy one."""
    log10 = {"AH": -0.4, "EH": -1.4, "T": -0.6}
    lang = make_lang(tmp_path / "lang", ["A 1.0 AH", "AT 0.5 EH T"], unigram_arpa({"A": -0.5, "AT": -0.7}))
    (lang.path / "phone_lm.arpa").write_text(unigram_arpa(log10))
    for seed, weight in itertools.product(range(5), (0.0, 1.5)):
        settings = FlashlightSettings(lm_weight=weight, beam_size=5000, beam_size_token=4, beam_threshold=1000.0)
        posteriors = np.random.default_rng(seed).dirichlet(np.full(len(lang.tokens), 0.4), 6)
        matrix = np.log(posteriors + 1e-3).astype(np.float32)
        paths = SixFrames(matrix).paths
        names = {target: tuple(lang.tokens[token] for token in target) for target in paths}
        grammar = {t: weight * math.log(10) * sum(log10[phone] for phone in names[t]) for t in paths}
        best = max(paths, key=lambda t: max(score for score, _ in paths[t]) + grammar[t])
        assert PhoneDecoder(lang, lang.tokens, settings).decode(matrix) == names[best]
        if not weight:
            assert names[best] == tuple(lang.tokens[token] for token, _, _ in greedy(matrix))
    assert PhoneDecoder(lang, lang.tokens).decode(np.zeros((0, 4), np.float32)) == ()


def test_align_by_trying_all_paths():
    for seed, target in enumerate([[1], [1, 1], [1, 2], [2, 1, 2], [1, 1, 1], []]):
        matrix = np.log(np.random.default_rng(seed).dirichlet(np.ones(3), 5))
        scores = {
            path: matrix[range(5), path].sum()
            for path in itertools.product(range(3), repeat=5)
            if [k for k, _ in itertools.groupby(path) if k] == target
        }
        total = all_spellings(matrix, target)
        assert total == pytest.approx(np.logaddexp.reduce(list(scores.values())))
        score, spans = best_spelling(matrix, target)
        best = max(scores, key=lambda path: scores[path])
        assert score == pytest.approx(scores[best])
        assert [token for token, begin, end in greedy(np.eye(3)[list(best)])] == target
        assert spans == [(begin, end) for _, begin, end in greedy(np.eye(3)[list(best)])]


def test_align_says_what_does_not_fit():
    assert all_spellings(np.zeros((2, 3)), [1, 1]) == -math.inf
    assert best_spelling(np.zeros((2, 3)), [1, 1]) == (-math.inf, [])  # needs a blank between: three frames


def test_greedy_by_hand():
    matrix = np.eye(3)[[0, 1, 1, 0, 1, 2, 2, 0]]
    assert greedy(matrix) == [(1, 1, 3), (1, 4, 5), (2, 5, 7)]
    assert greedy(np.zeros((0, 3))) == []


def test_input_frames_cover_the_utterance():
    assert [input_frames(j, j + 1, 3, 8) for j in range(3)] == [(0, 2), (2, 5), (5, 8)]
    assert [input_frames(j, j + 1, 2, 5) for j in range(3)] == [(0, 1), (1, 3), (3, 5)]


def test_no_frames_no_words(bugs: Lang):
    found = decoder(bugs).decode(np.zeros((0, len(bugs.tokens)), np.float32))
    assert len(found) == 1 and found[0].words == () and found[0].tokens == ()


def test_silence_gives_no_words(bugs: Lang):
    best = decoder(bugs).decode(emissions(bugs, [{"<blk>": 0.99}] * 5))[0]
    assert best.words == () and best.acoustic == pytest.approx(5 * math.log(0.99), abs=1e-5)


def test_half_a_word_is_no_word(bugs: Lang):
    best = decoder(bugs, beam_size=1).decode(emissions(bugs, [{"B": 0.99}, {"AH": 0.99}]))[0]
    assert best.words == () and best.tokens == ()


@pytest.mark.parametrize("dtype, order", [(np.float64, "C"), (np.float32, "F"), (np.float16, "C")])
def test_any_float_and_layout_of_posteriors(bugs: Lang, dtype: type, order: str):
    matrix = np.array(bunny_bunny(bugs), dtype=dtype, order=order)
    assert decoder(bugs, lm_weight=0.0).decode(matrix)[0].words == ("BUNNY", "BUNNY")


def test_wrong_sizes_are_refused(bugs: Lang):
    searcher = decoder(bugs)
    for matrix in (np.zeros((4, 3), np.float32), np.zeros(7, np.float32), np.full((3, len(bugs.tokens)), np.nan)):
        with pytest.raises(UserError, match="posteriors"):
            searcher.decode(matrix)
    with pytest.raises(UserError, match="tokens.txt"):
        FlashlightDecoder(bugs, bugs.tokens[:-1])


def test_all_words_of_a_pronunciation_are_found(tmp_path: Path):
    """flashlight's trie has room for six of them."""
    words = {f"W{i}": -1 - i / 10 for i in range(8)}
    lang = make_lang(tmp_path / "lang", [f"{word} 1.0 AH" for word in words], unigram_arpa(words))
    found = decoder(lang, lm_weight=0.1).decode(emissions(lang, [{"AH": 0.99}]))
    assert [hypothesis.words for hypothesis in found[:8]] == [(word,) for word in words]


def test_words_that_sound_and_score_alike_are_the_same_in_every_run(tmp_path: Path):
    """4 words in 8 places: 65,536 sentences of one score, of which flashlight's beam keeps 20."""
    words = dict.fromkeys(["TO", "TOO", "TWO", "TUE"], -1.0)
    lang = make_lang(tmp_path / "lang", [f"{word} 1.0 T UW" for word in words], unigram_arpa(words))
    matrix = emissions(lang, [{"T": 0.9}, {"UW": 0.9}, {"<blk>": 0.9}] * 8)
    decoders = [decoder(lang, lm_weight=0.1, beam_size=20) for _ in range(10)]
    found = [[h.words for h in one.decode(matrix)] for one in decoders]
    assert found[0][:2] == [("TO",) * 8, ("TO",) * 7 + ("TOO",)]
    assert all(readings == found[0] for readings in found)


def test_kenlm_is_silent(bugs: Lang, capfd: pytest.CaptureFixture):
    decoder(bugs)
    assert capfd.readouterr() == ("", "")


def test_what_kenlm_refuses_is_one_line(bugs: Lang):
    (bugs.path / "lm.arpa").write_text(PHONE_ARPA)
    with pytest.raises(UserError, match="lm.arpa: KenLM says: .*at least a bigram") as error:
        decoder(bugs)
    assert "\n" not in str(error.value)
