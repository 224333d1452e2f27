"""N-grams against lmplz (reference/*.arpa), against KenLM's scores, by hand, and by the law that all sums to one."""

import math
from pathlib import Path

import pytest
from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary
from hypothesis import given, settings
from hypothesis import strategies as st

from lexicon.errors import UserError
from lexicon.ngram import BEGIN, END, UNKNOWN, NGram, estimate, read_arpa, with_bigram, write_arpa

REFERENCE = Path(__file__).parent / "reference"


def sentences(name):
    return [line.split() for line in (REFERENCE / name).read_text().splitlines()]


@pytest.mark.parametrize(
    "text, order, further, arpa",
    [
        ("kneser_ney.txt", 3, 0, "kneser_ney_3.arpa"),
        ("kneser_ney.txt", 2, 40, "kneser_ney_closed_2.arpa"),  # 40 words never seen: lmplz --vocab_pad
        ("yes_no.txt", 3, 0, "yes_no_3.arpa"),  # too little text for equation 26: fallback discounts
    ],
)
def test_equals_lmplz(text, order, further, arpa):
    ours = estimate(sentences(text), order, [f"unseen{i}" for i in range(further)])
    theirs = read_arpa(REFERENCE / arpa)
    assert {g for g in ours.logprob if not g[0].startswith("unseen")} == set(theirs.logprob)
    for gram, logprob in theirs.logprob.items():
        if gram != (BEGIN,):  # lmplz writes 0, we write -99: <s> is never predicted
            assert ours.logprob[gram] == pytest.approx(logprob, abs=1e-6), gram
        assert ours.backoff.get(gram, 0.0) == pytest.approx(theirs.backoff.get(gram, 0.0), abs=1e-6), gram
    if further:
        assert ours.logprob[("unseen7",)] == ours.logprob[(UNKNOWN,)] == pytest.approx(theirs.logprob[(UNKNOWN,)])


def test_unigrams_by_hand():
    # "a b" twice: too few counts of counts, so D = 0.5, 1, 1.5. Of 6 tokens a, b and </s> have 2 each, and lose 1 each:
    # gamma = 3/6, spread over a, b, </s>, <unk>. p(a) = 1/6 + 1/2 * 1/4 = 7/24, p(<unk>) = 1/8.
    model = estimate([["a", "b"], ["a", "b"]], 1)
    assert 10 ** model.logprob[("a",)] == pytest.approx(7 / 24)
    assert 10 ** model.logprob[(UNKNOWN,)] == pytest.approx(1 / 8)
    assert model.perplexity([["a", "b"]]) == pytest.approx(24 / 7)


def test_unknown_words_are_reported_apart():
    model = estimate([["a", "b"], ["a", "b"]], 1)
    got = model.evaluate([["a", "zebra"]])
    assert (got.tokens, got.unknown) == (2, 1)
    assert got.perplexity == pytest.approx(24 / 7)
    assert got.perplexity_with_unknown == pytest.approx((24 / 7 * 24 / 7 * 8) ** (1 / 3))


def test_without_text_all_words_are_equally_likely():
    model = estimate([], 3, ["YES", "NO"])
    assert 10 ** model.score((BEGIN,), "YES") == pytest.approx(1 / 4)  # YES, NO, </s>, <unk>


def test_scores_equal_kenlms(tmp_path):
    model = estimate(sentences("kneser_ney.txt"), 3, ["zebra"])
    write_arpa(model, tmp_path / "lm.arpa")
    words = Dictionary(model.vocabulary)
    kenlm = KenLM(str(tmp_path / "lm.arpa"), words)
    for sentence in ["the old zebra sat on the mat", "zebra zebra", "", "quiet", "the cat and the dog ran up the wall"]:
        state, total = kenlm.start(False), 0.0
        for word in sentence.split():
            state, score = kenlm.score(state, words.get_index(word))
            total += score
        total += kenlm.finish(state)[1]
        assert model.score_sentence(sentence.split()) == pytest.approx(total, abs=1e-4), sentence


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=6), max_size=12), st.integers(1, 4))
def test_every_history_sums_to_one(text, order):
    model = estimate(text, order, "abcdef")
    histories = {()} | {gram for gram in model.backoff} | {("f", "a"), (BEGIN, "zebra")}
    for history in histories:
        total = sum(10 ** model.score(history, word) for word in [*model.vocabulary, END, UNKNOWN])
        assert total == pytest.approx(1.0, abs=1e-6), history


def test_arpa_comes_back_as_it_was(tmp_path):
    model = estimate(sentences("kneser_ney.txt"), 3)
    write_arpa(model, tmp_path / "lm.arpa")
    again = read_arpa(tmp_path / "lm.arpa")
    assert again.order == 3 and again.logprob == pytest.approx(model.logprob, abs=1e-7)
    assert again.backoff == pytest.approx(model.backoff, abs=1e-7)
    write_arpa(again, tmp_path / "again.arpa")
    assert (tmp_path / "again.arpa").read_bytes() == (tmp_path / "lm.arpa").read_bytes()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.replace("ngram 2=9", "ngram 2=10"), "10 2-grams announced, 9 found"),
        (lambda s: s[: s.index("\\3-grams:")], "cut off"),
        (lambda s: s.replace("\\2-grams:", "\\2-grams:\nx yes no"), '"x yes no" is not a line'),
        (lambda s: s.replace("\\2-grams:", "\\2-grams:\n-1 yes no no no"), '"-1 yes no no no" is not a line'),
        (lambda s: "hello\n", "cut off"),
    ],
)
def test_broken_arpa_files_are_named(tmp_path, change, message):
    path = tmp_path / "lm.arpa"
    path.write_text(change((REFERENCE / "yes_no_3.arpa").read_text()))
    with pytest.raises(UserError, match=message):
        read_arpa(path)


def test_reserved_words_are_refused():
    with pytest.raises(UserError, match="</s>"):
        estimate([["a", "</s>"]], 2)


def test_a_model_without_unk_gives_unknown_words_nothing():
    model = NGram(1, {("a",): -0.3, (END,): -0.3}, {})
    assert model.score((), "zebra") == -math.inf


def test_unigrams_reach_kenlm_as_a_bigram_model_with_the_same_scores(tmp_path):
    unigrams = estimate([("YES", "NO"), ("NO",)], 1)
    bigram = with_bigram(unigrams)
    write_arpa(bigram, tmp_path / "lm.arpa")
    for words in ((), ("YES",), ("NO", "NO", "YES")):
        assert bigram.score_sentence(words) == pytest.approx(unigrams.score_sentence(words), abs=1e-12)
    dictionary = Dictionary()
    for word in ("NO", "YES"):
        dictionary.add_entry(word)
    lm = KenLM(str(tmp_path / "lm.arpa"), dictionary)
    state, no = lm.score(lm.start(False), 0)
    assert no == pytest.approx(unigrams.score(("<s>",), "NO"), abs=1e-5)
    assert lm.finish(state)[1] == pytest.approx(unigrams.score(("NO",), "</s>"), abs=1e-5)
