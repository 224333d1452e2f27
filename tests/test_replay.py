"""Searches replayed: against Kaldi's decoder, and overrulings planted in scores of a few frames."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.causes import JOKE, PHONES, ctc, hmm, lang_of, spoken

from lexicon.ngram import NGram, write_arpa
from pipeline.lattice import best_path
from pipeline.search.decode import SearchSettings, WfstDecoder
from pipeline.search.flashlight import FlashlightDecoder, FlashlightSettings
from pipeline.search.replay import Prefix, Replay, changes, overruled, replay_flashlight, replay_graph
from pipeline.search.replay_text import as_json, seconds, sentence, text
from pipeline.search.wfst import Beams

FAIR = NGram(1, {("<s>",): -99.0, ("</s>",): -1.0, ("BUGS",): -1.0, ("BUNNY",): -1.0}, {})
LIKE_BUGS = {2: ("G", -3.0), 3: ("Z", -3.0)}


def graph_of(lm: NGram = JOKE, system=ctc, graph: str = "words", settings: SearchSettings = SearchSettings(1.0)):
    return WfstDecoder(system(), lang_of(lm), graph, settings).graph


def language(words: tuple[str, ...]) -> float:
    """The joke's, which may back off from <s> and after BUNNY."""
    return math.log(10) * sum(
        -0.1 if word == ("BUNNY" if i and words[i - 1] == "BUGS" else "" if i else "BUGS") else -2.0
        for i, word in enumerate(words)
    )


@pytest.mark.parametrize("system", [ctc, hmm])
@pytest.mark.parametrize("graph", ["words", "free"])
@pytest.mark.parametrize("beam", [13.0, 40.0])
def test_tokens_find_what_kaldis_decoder_finds(system, graph, beam):
    settings = SearchSettings(0.4, -0.5)
    decoder = WfstDecoder(system(), lang_of(), graph, settings, Beams(beam, 1.0))
    scores = np.random.default_rng(5).normal(size=(40, len(system().topology.labels.readers))).astype(np.float32) * 4
    heard = decoder.decode("u", scores, 40)
    replay = replay_graph(decoder.graph, scores, 0.4, beam)
    labels = [s.label for s in (heard.words if graph == "words" else heard.phones) if s.label not in ("SIL", "<blk>")]
    assert list(replay.said) == labels
    assert replay.final[replay.said] == pytest.approx(heard.lattice.scores()[best_path(heard.lattice)].sum(), abs=5e-3)
    assert len(replay.rows) == 40 and all(replay.said[: len(words)] == words for words in replay.so_far)
    for prefixes in replay.rows:
        totals = [prefix.total for prefix in prefixes]
        assert totals == sorted(totals, reverse=True) and totals[0] - totals[-1] <= beam + 1e-9
        assert len({prefix.words for prefix in prefixes}) == len(prefixes)


def test_where_the_language_model_overruled_the_sound():
    """BUNNY sounds better by 3 at frame 2, by 6 from frame 3 on; the grammar charges it 1.9 ln 10 = 4.4 more at frame
    2, and as much again where the next word begins, as after BUGS there is BUNNY."""
    replay = replay_graph(graph_of(), spoken(LIKE_BUGS), 1.0, 30)
    assert replay.said == ("BUGS", "BUNNY")
    one = overruled(replay)[0]
    # The second BUNNY leads both to the same state at frame 6.
    assert (one.row, one.rival, one.fate, one.last) == (2, ("BUNNY",), "met", 5)
    assert (one.lead, one.cost) == pytest.approx((6, 3.8 * math.log(10)), abs=5e-3)
    assert one.behind == pytest.approx(3.8 * math.log(10) - 6, abs=5e-3)
    assert re.fullmatch(
        r'at 0.03 s the language model preferred "BUGS" to "BUNNY", although that, which was right, sounded better '
        r"by 6.0 nats: all but the sound speaks against it by 8.[78], the language model alone against it by 4.4; "
        r"it met a better one, 2.[78] behind at 0.07 s",
        sentence(replay, overruled(replay), language, 1, ("BUNNY", "BUNNY")),
    )


def test_what_falls_out_of_the_beam_and_when():
    one = overruled(replay_graph(graph_of(), spoken(LIKE_BUGS), 1.0, 2.0))
    assert one == [] or one[0].fate == "pruned"
    replay = replay_graph(graph_of(), spoken({2: ("G", -0.5), 3: ("Z", -0.5)}), 1.0, 5.0)
    one = overruled(replay)[0]
    assert (one.fate, one.rival) == ("pruned", ("BUNNY",)) and 0 < one.behind <= 5
    assert not any(prefix.words[:1] == one.rival for row in replay.rows[one.last + 1 :] for prefix in row)


def test_where_nothing_is_remembered_words_meet_in_one_state():
    """Without memory both words lead to the same state: BUNNY, worse by 1 there, gives way to BUGS."""
    scores = spoken({2: ("G", 3.0), 3: ("Z", -2.0)})
    scores[2, 1 + PHONES.index("N")] = 0.0
    replay = replay_graph(graph_of(FAIR), scores, 1.0, 30)
    assert replay.said == ("BUGS", "BUNNY") and not any(p.words[:1] == ("BUNNY",) for p in replay.rows[5])
    worse = replace_sound(replay, ("BUNNY",), 9.0)  # had it sounded better on the way
    assert [one.fate for one in overruled(worse) if one.rival == ("BUNNY",)] == ["met"]


def replace_sound(replay: Replay, words: tuple[str, ...], acoustic: float) -> Replay:
    """The same with another share of sound and grammar in the totals of a prefix."""
    rows = [
        [Prefix(p.words, acoustic, p.total - acoustic) if p.words == words else p for p in row] for row in replay.rows
    ]
    return replace(replay, rows=rows)


def test_sound_and_grammar_may_agree():
    replay = replay_graph(graph_of(), spoken({}, "B AH G Z B AH N IY".split()), 1.0, 13)
    assert overruled(replay) == [] and sentence(replay, [], language, 1).startswith("sound and grammar agreed: ")
    assert sentence(Replay(), [], language, 1) == "the search found no words"


def test_rows_that_bring_nothing_new_are_not_shown():
    a, b = Prefix(("A",), 0, 0), Prefix(("B",), -1, 0)
    assert [row for row, _ in changes(Replay([[a], [a], [a, b], [b, a], [b, a]]), 2)] == [0, 2, 3]
    assert [row for row, _ in changes(Replay([[a], [a, b], [b, a]]), 1)] == [0, 2]


def test_flashlights_beam_seen_after_every_frame(tmp_path):
    write_arpa(JOKE, tmp_path / "lm.arpa")
    lang = replace(lang_of(), path=tmp_path)
    scores = spoken(LIKE_BUGS)
    scores[:, 0] = -15  # flashlight wants a blank
    for weight, said in ((1.0, ("BUGS", "BUNNY")), (0.25, ("BUNNY", "BUNNY"))):
        decoder = FlashlightDecoder(lang, lang.tokens, FlashlightSettings(lm_weight=weight))
        replay = replay_flashlight(decoder, scores)
        assert replay.said == said == decoder.decode(scores)[0].words
        assert len(replay.rows) == len(replay.so_far) == len(scores)
        assert max(replay.final.values()) * weight == pytest.approx(decoder.decode(scores)[0].score, abs=1e-3)
    one = overruled(replay_flashlight(FlashlightDecoder(lang, lang.tokens), scores))[0]
    assert one.rival == ("BUNNY",) and one.lead == pytest.approx(6, abs=1e-3) and one.fate in ("lost", "gone")


def test_the_text_fits_a_terminal():
    replay = replay_graph(graph_of(), spoken(LIKE_BUGS), 1.0, 30)
    lines = text(replay, "an utterance " * 3, language, 1, ("BUNNY", "BUNNY"))
    assert max(map(len, lines)) <= 100
    assert any("8.7" in line.replace("8.8", "8.7") and "BUNNY: met" in line for line in lines)
    assert any(line.strip().startswith("0.03s") and "*BUGS" in line for line in lines)
    value = as_json(replay, {"utterance": "u"}, language, 1)
    assert len(value["rows"]) == 8 and value["overruled"][0]["lead"] == pytest.approx(6, abs=1e-3)
    assert seconds(0, 4) == pytest.approx(0.0075) and seconds(3, 4) == pytest.approx(0.1075)
