"""Variants and pauses counted in an alignment, worked by hand; the search that uses them against trying everything."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.graphs import DELTA, EVERYTHING, HOMOPHONES, LEXICON, best_by_sentence, grammar, sentences
from helpers.hmms import small_transitions, state_paths

from lexicon.errors import UserError
from lexicon.lang import build_lang, load_lang
from lexicon.pauses import Pauses
from pipeline.align.pron_probs import pause_probabilities, said_in, variant_probabilities
from pipeline.search.graph import decoding_graph
from pipeline.search.topology import hmm_topology
from pipeline.search.wfst import Beams, SearchGraph, best_segments, search

ROOT = Path(__file__).parent.parent
THE, THEE, CAT, SAT = ("THE", ("DH", "AH")), ("THE", ("DH", "IY")), ("CAT", ("K", "AE", "T")), ("SAT", ("S", "AE", "T"))
UTTERANCES = [
    [None, THE, CAT, None, SAT, None],  # None: a pause
    [None, THE, None, CAT, None],
    [THE, CAT, None],
    [None, THEE, CAT, None, SAT],
]
ENTRIES = {
    "THE": [(1.0, THEE[1]), (1.0, THE[1])],
    "CAT": [(1.0, CAT[1])],
    "SAT": [(1.0, SAT[1])],
    "DOG": [(1.0, ("D", "AO", "G")), (0.5, ("D", "AA", "G"))],
}


def test_variants_by_hand():
    found = variant_probabilities(UTTERANCES, ENTRIES)
    assert found["THE"] == [(1.0, THE[1]), (2 / 4, THEE[1])]  # said 3 and 1 times, and each once more: 4 and 2
    assert found["CAT"] == [(1.0, CAT[1])]
    assert found["DOG"] == ENTRIES["DOG"]  # never said: as it was


def test_pauses_by_hand():
    found = pause_probabilities(UTTERANCES, ENTRIES)
    # 3 of 4 utterances begin with a pause and 3 of 4 end with one.
    assert found.begin == pytest.approx(4 / 6) and found.end == pytest.approx(4 / 6)
    # Followed by another word: THE 3 times, THEE once, CAT twice; after a pause THE once, CAT twice. Over all 3 of 6.
    rate = 4 / 8
    assert found.after[THE] == pytest.approx((1 + 2 * rate) / (3 + 2))
    assert found.after[THEE] == pytest.approx((0 + 2 * rate) / (1 + 2))
    assert found.after[CAT] == pytest.approx((2 + 2 * rate) / (2 + 2))
    assert found.after[SAT] == found.after["DOG", ("D", "AO", "G")] == pytest.approx(rate)  # never followed


def test_nothing_said_is_even():
    found = pause_probabilities([], ENTRIES)
    assert found.begin == found.end == 0.5 and set(found.after.values()) == {0.5}


# ---- from an alignment's files to a lang directory

TEXT = {"train": "a1 THE CAT SAT\na2 THE CAT\n", "dev": "b1 THE CAT\n", "test": "c1 THE DOG SAT\n"}
PHONES = [("a1", "SIL DH AH K AE T SIL S AE T SIL"), ("a2", "DH IY K AE T SIL")]
WORDS = [("a1", 1, 3, "THE"), ("a1", 3, 6, "CAT"), ("a1", 7, 10, "SAT"), ("a2", 0, 2, "THE"), ("a2", 2, 5, "CAT")]


@pytest.fixture
def corpus(tmp_path):
    for name, text in TEXT.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "text").write_text(text)
    build_lang(tmp_path / "data", tmp_path / "lang")
    (tmp_path / "ali").mkdir()
    (tmp_path / "ali/phones.ctm").write_text(
        "".join(
            f"{utt} 1 {0.0075 + 0.1 * place:.4f} 0.1000 {phone} 1.000\n"
            for utt, phones in PHONES
            for place, phone in enumerate(phones.split())
        )
    )
    (tmp_path / "ali/phones.txt").write_text("".join(f"{utt} {phones}\n" for utt, phones in PHONES))
    (tmp_path / "ali/words.ctm").write_text(
        "".join(
            f"{utt} 1 {0.0075 + 0.1 * first:.4f} {0.1 * (last - first):.4f} {word} 1.000\n"
            for utt, first, last, word in WORDS
        )
    )
    return tmp_path


def stage(corpus: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "stages.pron_probs",
            "--ali",
            corpus / "ali",
            "--lang",
            corpus / "lang",
            "--out",
            corpus / "lang_pp",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_words_with_their_phones_and_pauses(corpus):
    assert said_in(corpus / "ali") == {"a1": [None, THE, CAT, None, SAT, None], "a2": [THEE, CAT, None]}


def test_stage_writes_a_lang_directory(corpus):
    done = stage(corpus)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "pron_probs: 5 words said, 2 of them one of 1 with variants; pauses: 50 % before the first word, "
        "75 % after the last, 27 to 60 % between\n"
    )
    lang, plain = load_lang(corpus / "lang_pp"), load_lang(corpus / "lang")
    assert plain.pauses is None and lang.pauses.begin == pytest.approx(2 / 4)
    assert lang.pauses.end == pytest.approx(3 / 4)
    # 3 words were followed by another, CAT after a pause: 2 of 5 with one of each kind added. THE: (0 + 2 * 0.4) / 3.
    assert lang.pauses.after[THE] == pytest.approx(0.8 / 3, abs=1e-6)
    assert lang.pauses.after[CAT] == pytest.approx(1.8 / 3, abs=1e-6) and lang.pauses.after[SAT] == pytest.approx(0.4)
    assert lang.lexicon["THE"] == [(1.0, THE[1]), (1.0, THEE[1])]  # each said once
    assert (lang.words, lang.tokens, lang.reference_lexicon) == (plain.words, plain.tokens, plain.reference_lexicon)
    assert (corpus / "lang_pp/lm.arpa").read_bytes() == (corpus / "lang/lm.arpa").read_bytes()
    assert lang.info | {"pron_probs": 0} == plain.info | {"pron_probs": 0} and lang.info["pron_probs"]["words"] == 5


def test_an_alignment_of_another_lexicon_is_refused(corpus):
    for path in (corpus / "ali/phones.ctm", corpus / "ali/phones.txt"):
        path.write_text(path.read_text().replace(" AH ", " AE ", 1))
    done = stage(corpus)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not (corpus / "lang_pp").exists()
    assert 'a1: word "THE" was said DH AE, which the lexicon lacks' in done.stderr


def test_a_phone_outside_the_words_is_refused(corpus):
    path = corpus / "ali/words.ctm"
    path.write_text(path.read_text().replace("a2 1 0.2075 0.3000 CAT", "a2 1 0.3075 0.2000 CAT"))
    with pytest.raises(UserError, match=r"phones.ctm: a2: K at 0.21 s is in no word"):
        said_in(corpus / "ali")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("<s> 0.5", "<s> 1.5", r'silence.txt:1: "<s> 1.500000"; a line is `WORD prob P1 P2 ...`, 0 < prob < 1'),
        ("</s> 0.75", "</x> 0.75", r"silence.txt: no line for </s>; make the file again: make pron_probs"),
        ("D AO G", "D AO", r"silence.txt: no line for DOG D AO G; make"),
    ],
)
def test_a_damaged_file_is_named(corpus, old, new, message):
    stage(corpus)
    path = corpus / "lang_pp/silence.txt"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        load_lang(corpus / "lang_pp")


# ---- the search


def try_everything(transitions, lexicon, lm, pauses: Pauses, scores, word_score: float, longest: int):
    """The best score of each sentence: all variants, all pauses, all paths, with the probabilities as they are
    defined."""
    found: dict[tuple[str, ...], float] = {}
    for words in sentences(lexicon, longest):
        prior = lm.score_sentence(words) * math.log(10) + word_score * len(words)
        for variants in itertools.product(*(lexicon[word] for word in words)):
            places = [
                pauses.begin,
                *(pauses.after[word, phones] for word, (_, phones) in zip(words[:-1], variants)),
                *([pauses.end] if words else []),
            ]
            for made in itertools.product((False, True), repeat=len(places)):
                phones = [("SIL", -1)] if made[0] else []
                for index, (_, said) in enumerate(variants):
                    phones += [(phone, index) for phone in said]
                    phones += [("SIL", -1)] if made[index + 1] else []
                if not 0 < len(phones) <= len(scores):
                    continue
                score = prior + sum(math.log(prob) for prob, _ in variants)
                score += sum(math.log(place if yes else 1 - place) for place, yes in zip(places, made))
                for path, pdfs, _ in state_paths(transitions, phones, len(scores)):
                    total = score + path + float(scores[np.arange(len(scores)), pdfs].sum())
                    found[words] = max(found.get(words, -math.inf), total)
    return found


@pytest.mark.parametrize("lexicon", [LEXICON, HOMOPHONES])
@pytest.mark.parametrize("seed", [0, 1])
def test_search_with_counted_pauses_finds_what_trying_everything_finds(lexicon, seed):
    rng = np.random.default_rng(seed)
    transitions = small_transitions(rng)
    scores = rng.normal(size=(5, transitions.decisions.num_pdfs)).astype(np.float32) * 3
    after = {(word, phones): float(rng.uniform(0.05, 0.95)) for word in lexicon for _, phones in lexicon[word]}
    pauses, lm, words = Pauses(0.9, 0.7, after), grammar(lexicon), sorted(lexicon)
    topology = hmm_topology(transitions)
    graph = SearchGraph(decoding_graph(topology, lexicon, lm, words, pauses, 0.4), topology, words)
    lattice = search(graph, scores, 1.0, EVERYTHING, "u", "gmm", "words", 10.0, word_score=0.4)
    every, found = try_everything(transitions, lexicon, lm, pauses, scores, 0.4, longest=5), best_by_sentence(lattice)
    assert len(every) > 50
    for sentence, score in every.items():
        assert found[sentence] == pytest.approx(score, abs=DELTA), sentence
    segments, _, heard = best_segments(lattice)
    assert tuple(heard) == max(every, key=every.__getitem__) and segments


def test_ties_are_broken_by_what_was_counted():
    """Speech that fits no pause better than a phone: the pauses that were counted decide where they are."""
    transitions = small_transitions(np.random.default_rng(3))
    topology, lexicon = hmm_topology(transitions), {"A": [(1.0, ("AH",))], "T": [(1.0, ("T",))]}
    lm, scores = grammar(lexicon, 1), np.zeros((9, transitions.decisions.num_pdfs), np.float32)
    for likely in ("A", "T"):
        after = {("A", ("AH",)): 0.999 if likely == "A" else 0.001, ("T", ("T",)): 0.999 if likely == "T" else 0.001}
        fst = decoding_graph(topology, lexicon, lm, ["A", "T"], Pauses(0.001, 0.001, after), 9.0)
        lattice = search(
            SearchGraph(fst, topology, ["A", "T"]), scores, 1.0, Beams(1e4, 0.1), "u", "gmm", "words", 10.0
        )
        phones = [segment.label for segment in best_segments(lattice)[0]]
        before = {phones[place - 1] for place, phone in enumerate(phones) if phone == "SIL" and place}
        assert before <= {"AH" if likely == "A" else "T"} and phones[0] != "SIL" != phones[-1]
