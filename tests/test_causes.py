"""Where errors come from: each cause planted in scores of a few frames, and found, with differences worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.causes import LEXICON, PHONES, SAID, ctc, hmm, lang_of, spoken

from lexicon.lang import Lang
from lexicon.ngram import NGram
from lexicon.phones import INVENTORY
from pipeline.compare.cause_tables import as_json, by_class, summary, text
from pipeline.compare.causes import CAUSES, COMPONENTS, AnswerScorer, ErrorAnalysis, Wrong, holds, said_otherwise
from pipeline.lattice import Lattice, best_path
from pipeline.search.decode import SearchSettings, WfstDecoder
from pipeline.search.system import System
from pipeline.search.wfst import Beams
from pipeline.times.intervals import Interval


def inquire(
    scores: np.ndarray,
    reference: str,
    beams: Beams = Beams(),
    system: System | None = None,
    graph: str = "words",
    scale: float = 1.0,
    lang: Lang | None = None,
    **more,
) -> tuple[list[str], list[Wrong]]:
    """What is heard, and what is wrong with it."""
    system, lang, settings = system or ctc(), lang or lang_of(), SearchSettings(scale, 0.5)
    heard = WfstDecoder(system, lang, graph, settings, beams).decode("u", scores, len(scores))
    segments = heard.words if graph == "words" else [p for p in heard.phones if p.label not in ("SIL", "<blk>")]
    kept = heard.word_lattice if graph == "words" else heard.lattice
    inquiry = ErrorAnalysis(
        AnswerScorer(system, lang, graph, settings),
        scores,
        reference.split(),
        [Interval(s.start / 100, s.end / 100, s.label) for s in segments],
        () if kept is None else kept,
        **more,
    )
    return [segment.label for segment in segments], inquiry.wrong()


def test_a_language_model_that_forces_a_word_is_named():
    """The sound prefers BUNNY by 3 + 3 nats, the language model BUGS by 3.8 ln 10 = 8.75, for it may back off from
    <s>."""
    heard, [wrong] = inquire(spoken({2: ("G", -3.0), 3: ("Z", -3.0)}), "BUNNY BUNNY", Beams(30, 8))
    assert heard == ["BUGS", "BUNNY"]
    assert (wrong.right, wrong.heard, wrong.cause, wrong.decided) == (("BUNNY",), ("BUGS",), "kept", ("language",))
    assert wrong.difference == pytest.approx({"acoustic": -6, "lexicon": 0, "language": 3.8 * math.log(10)}, abs=5e-3)
    assert (wrong.start, wrong.end, wrong.pairs) == (0.0, 0.04, (("BUNNY", "BUGS"),))


def test_a_sound_that_is_like_another_is_named():
    """With the first word hardly weighed by the grammar, the frames decide: BUGS scores 9 better."""
    fair = NGram(1, {("<s>",): -99.0, ("</s>",): -1.0, ("BUGS",): -1.1, ("BUNNY",): -1.0}, {})
    scores = spoken({2: ("N", -4.0), 3: ("IY", -5.0)}, "B AH G Z B AH N IY".split())
    heard, [wrong] = inquire(scores, "BUNNY BUNNY", lang=lang_of(fair))
    assert heard == ["BUGS", "BUNNY"] and (wrong.cause, wrong.decided) == (
        "outside",
        ("acoustic",),
    )  # 8.8 > 6, the lattice beam
    assert wrong.difference == pytest.approx({"acoustic": 9, "lexicon": 0, "language": -0.1 * math.log(10)}, abs=5e-3)


def test_where_all_agree_none_decided_alone():
    scores = spoken({2: ("N", -1.0)}, "B AH G Z B AH N IY".split())
    scores[3, 1 + PHONES.index("IY")] = 0
    _, [wrong] = inquire(scores, "BUNNY BUNNY", Beams(30, 20))
    assert (wrong.cause, wrong.decided) == ("kept", ()) and wrong.difference["acoustic"] == pytest.approx(1)


def test_what_a_tiny_beam_pruned_is_an_error_of_the_search():
    """BUNNY falls 3 behind at its N and gains 9 at the end, when it is no longer there."""
    scores = spoken({2: ("G", 3.0), 3: ("Z", -9.0)})
    fair = NGram(1, {("<s>",): -99.0, ("</s>",): -1.0, ("BUGS",): -1.0, ("BUNNY",): -1.0}, {})
    assert inquire(scores, "BUNNY BUNNY", Beams(13), lang=lang_of(fair)) == (["BUNNY", "BUNNY"], [])
    heard, [wrong] = inquire(scores, "BUNNY BUNNY", Beams(1), lang=lang_of(fair))
    assert heard == ["BUGS", "BUNNY"] and wrong.cause == "search" and wrong.difference is None


def test_a_search_that_found_nothing_is_an_error_of_the_search():
    system, lang, scores = ctc(), lang_of(), spoken()
    [wrong] = ErrorAnalysis(
        AnswerScorer(system, lang, "words", SearchSettings(1.0)), scores, ["BUNNY", "BUNNY"], [], ()
    ).wrong()
    assert wrong.cause == "search" and wrong.heard == () and len(wrong.pairs) == 2


def test_a_word_that_is_not_in_the_vocabulary_is_an_error_of_the_lexicon():
    heard, [wrong] = inquire(spoken(), "DUCK BUNNY")
    assert heard[1] == "BUNNY" and wrong.cause == "lexicon" and wrong.right == ("DUCK",)


def test_a_pronunciation_that_the_lexicon_lacks_is_an_error_of_the_lexicon():
    """BUNNY is said B AH Z IY; with that variant it would have won."""
    scores = spoken({3: ("Z", -2.0), 2: ("G", -2.0)}, "B AH Z IY B AH N IY".split())
    reference = "BUNNY BUNNY"
    fair = lang_of(NGram(1, {("<s>",): -99.0, ("</s>",): -1.0, ("BUGS",): -1.0, ("BUNNY",): -1.0}, {}))
    _, [unknown] = inquire(scores, reference, lang=fair)
    _, [known] = inquire(scores, reference, lang=fair, said=[[("B", "AH", "Z", "IY")], []])
    assert (unknown.cause, known.cause) == ("outside", "lexicon") and known.difference == unknown.difference


def test_how_a_word_was_said_is_read_off_placed_phones():
    words = [Interval(0.0, 0.4, "BUNNY"), Interval(0.4, 0.8, "BUNNY"), Interval(0.8, 1.0, "DUCK")]
    placed = [Interval(a / 10, a / 10 + 0.1, label) for a, label in enumerate("b ah z iy b ah n iy b ah".split())]
    fold = {label.lower(): label for label in [*PHONES, "SIL"]} | {"z": "S", "Z": "S"}
    lexicon = LEXICON | {"IS": [(1.0, ("IH", "S"))]}  # so S and Z are of one class
    assert said_otherwise(words, placed, lexicon, fold) == [[("B", "AH", "S", "IY"), ("B", "AH", "Z", "IY")], [], []]


def test_too_few_frames_for_the_right_phones():
    scores = spoken(said=SAID[:4])
    heard, [wrong] = inquire(scores, "BUNNY BUNNY BUNNY")
    assert len(heard) == 1 and wrong.cause == "short"


def test_phones_of_one_class_are_no_error_and_the_likelier_is_compared():
    """The reference is of folded classes: here S stands for G and Z."""
    fold = {"G": "S", "Z": "S"}
    scores = spoken({3: ("Z", -9.0)})
    heard, wrong = inquire(scores, "B AH N S B AH N IY", graph="free", fold=fold)
    assert heard == SAID and [w.right for w in wrong] == [("S",)]
    assert wrong[0].difference["acoustic"] == pytest.approx(9, abs=1e-3)  # Z's, not G's 20
    scores = spoken({}, "B AH G Z B AH N IY".split())
    assert inquire(scores, "B AH S S B AH N IY", graph="free", fold=fold)[1] == []


@pytest.mark.parametrize("system", [ctc, hmm])
@pytest.mark.parametrize("graph", ["words", "free"])
def test_the_judge_scores_what_the_search_found_as_the_search_did(system, graph):
    system, lang, settings = system(), lang_of(), SearchSettings(0.3, -0.7)
    scores = np.random.default_rng(3).normal(size=(60, len(system.topology.labels.readers))).astype(np.float32) * 4
    heard = WfstDecoder(system, lang, graph, settings, Beams(60, 1.0)).decode("u", scores, 60)
    words = [s.label for s in (heard.words if graph == "words" else heard.phones) if s.label not in ("SIL", "<blk>")]
    judged = AnswerScorer(system, lang, graph, settings).score(scores, [{word} for word in words])
    path = heard.lattice.scores()
    assert judged.total == pytest.approx(path[best_path(heard.lattice)].sum(), abs=0.01)
    grammar = lang.lm if graph == "words" else lang.phone_lm
    assert judged.language == pytest.approx(grammar.score_sentence(words) * math.log(10) - 0.7 * len(words))


def test_a_window_around_the_stretch_scores_as_the_whole_utterance_does():
    system, lang, settings = hmm(), lang_of(), SearchSettings(0.2, 8.0)
    scores = np.random.default_rng(1).normal(size=(240, len(system.topology.labels.readers))).astype(np.float32) * 4
    heard = WfstDecoder(system, lang, "free", settings, Beams(40, 1.0)).decode("u", scores, 240)
    phones = [s for s in heard.phones if s.label != "SIL"]
    labels = [s.label for s in phones]
    reference = list(labels)
    middle = len(labels) // 2
    reference[middle] = next(phone for phone in PHONES if phone not in labels[middle - 1 : middle + 2])
    judge = AnswerScorer(system, lang, "free", settings)
    [wrong] = ErrorAnalysis(
        judge, scores, reference, [Interval(s.start, s.end, s.label) for s in phones], heard.lattice
    ).wrong()
    whole = [judge.score(scores, [{label} for label in answer]) for answer in (labels, reference)]
    assert len(labels) > 20  # so that the window is a part
    for name in COMPONENTS:
        assert wrong.difference[name] == pytest.approx(getattr(whole[0], name) - getattr(whole[1], name), abs=0.01)


def test_what_a_lattice_holds():
    """A (B | C SIL) D."""
    lattice = Lattice(
        "u",
        "s",
        "free",
        10.0,
        5,
        1.0,
        0.0,
        np.array([0, 1, 2, 3, 5]),
        np.array([0, 1, 1, 2, 3]),
        np.array([1, 3, 2, 3, 4]),
        ["A", "B", "C", "SIL", "D"],
        [""] * 5,
        np.zeros(5),
        np.zeros(5),
    )
    for answer, there in (
        ("A B D", True),
        ("A C D", True),
        ("A D", False),
        ("A B", False),
        ("A B D D", False),
        ("", False),
    ):
        assert holds(lattice, [{label} for label in answer.split()]) == there, answer
    assert holds(lattice, [{"A"}, {"X", "C"}, {"D", "E"}])


def some() -> dict[str, list[Wrong]]:
    difference = {"acoustic": 5.0, "lexicon": 0.5, "language": -1.0}
    return {
        "u1": [
            Wrong(("AH", "T"), ("IY",), 0.1, 0.2, (("AH", "IY"), ("T", "")), "kept", difference, ("acoustic",)),
            Wrong(("T",), ("D",), 0.3, 0.4, (("T", "D"),), "search"),
        ],
        "u2": [Wrong((), ("N",), 0.5, 0.6, (("", "N"),), "outside", {**difference, "language": 9.0})],
    }


def test_summaries_count_errors_and_put_them_into_classes():
    assert summary(some()) == {
        "errors": 4,
        "stretches": 3,
        "causes": {"search": 1, "lexicon": 0, "short": 0, "outside": 1, "kept": 2},
        "decided": {"acoustic": 2, "lexicon": 0, "language": 0, "-": 1},
        "largest": {"acoustic": 2, "lexicon": 0, "language": 1},
    }
    classes = by_class(some(), INVENTORY)
    assert {name: s["errors"] for name, s in classes.items()} == {"vowel": 1, "nasal": 1, "stop": 2}
    assert classes["stop"]["causes"]["search"] == classes["stop"]["causes"]["kept"] == 1


def test_the_text_fits_a_terminal_and_json_has_every_stretch():
    found = {"words": {"an-utterance-with-a-rather-long-name-" * 3: some()["u1"]}, "free": some()}
    lines = text("gmm", found, INVENTORY)
    assert max(map(len, lines)) <= 100
    assert all(any(line.startswith(says) for line in lines) for says in CAUSES.values())
    value = as_json("gmm", found, INVENTORY)
    assert value["words"]["errors"] == 3 and value["free"]["errors"] == 4
    assert value["wrong"]["free"]["u1"][1] == {
        "right": ("T",),
        "heard": ("D",),
        "start": 0.3,
        "end": 0.4,
        "pairs": (("T", "D"),),
        "cause": "search",
        "difference": None,
        "decided": (),
    }
