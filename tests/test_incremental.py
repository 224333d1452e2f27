"""Searches whose rows come bit by bit end as those of the whole utterance, on what a small network makes of real
speech."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.features import as_it_is
from helpers.speech import Speech

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.lang import Lang, build_lang, load_lang
from pipeline.lattice import packed_lattice
from pipeline.neural.data import survey
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import finish, train
from pipeline.search.decode import FlashlightWords, SearchSettings, WfstDecoder
from pipeline.search.flashlight import FlashlightDecoder, FlashlightSettings
from pipeline.search.incremental import incremental
from pipeline.search.system import System
from pipeline.search.topology import ctc_topology

Posteriors = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def heard(speech: Speech, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lang, Posteriors]:
    """The lang directory of 40 seconds of speech, and log posteriors of a network that learned from them."""
    root = tmp_path_factory.mktemp("incremental")
    for name in ("train", "dev", "test"):
        (root / "data" / name).mkdir(parents=True)
        write_lines(root / "data" / name / "text", [" ".join([u, *said]) for u, said in sorted(speech.words.items())])
    build_lang(root / "data", root / "lang")
    lang = load_lang(root / "lang")
    index = {token: i for i, token in enumerate(lang.tokens)}
    targets = {
        utt: tuple(index[phone] for word in said for phone in lang.lexicon[word][0][1])
        for utt, said in speech.words.items()
    }
    part, fingerprint = survey(speech.feats, targets, 13)
    settings = TrainSettings(
        width=64,
        conv_layers=1,
        epochs=25,
        min_updates=1,
        batch_size=4,
        learning_rate=0.005,
        average_decay=0.9,
        dropout=0.0,
        speed_change=0.0,
        time_masks=0.0,
        noise=0.0,
    )
    state = train(part, part, lang.tokens, settings, fingerprint, root, torch.device("cpu"))
    model, _ = finish(state, part, lang.tokens, settings, torch.device("cpu"))
    return lang, {utt: model.log_posteriors(feats) for utt, feats in speech.feats.items()}


def parts_of(matrix: np.ndarray, chance: np.random.Generator) -> list[np.ndarray]:
    """The rows in steps of random sizes, often of one row or none."""
    cuts = np.sort(chance.integers(0, len(matrix) + 1, chance.integers(0, 12)))
    return np.split(matrix, np.repeat(cuts, chance.integers(1, 3, len(cuts))))


def test_the_network_has_learned(heard: tuple[Lang, Posteriors], speech: Speech):
    lang, posteriors = heard
    decoder = FlashlightDecoder(lang, lang.tokens)
    right = [decoder.decode(matrix)[0].words == speech.words[utt] for utt, matrix in posteriors.items()]
    assert sum(right) > len(right) / 2


@pytest.mark.parametrize("more", [{}, {"log_add": True, "sil_score": 0.3}, {"beam_size": 10}], ids=str)
def test_steps_of_any_size_end_as_the_whole(heard: tuple[Lang, Posteriors], more: dict):
    lang, posteriors = heard
    whole, growing = (FlashlightDecoder(lang, lang.tokens, FlashlightSettings(**more)) for _ in range(2))
    for seed, matrix in enumerate(posteriors.values()):
        growing.decode_begin()
        for part in parts_of(matrix, np.random.default_rng(seed)) if seed else matrix[:, None]:  # of the first, rows
            growing.decode_step(part)
        assert growing.decode_end() == whole.decode(matrix)


def test_words_appear_while_rows_come(heard: tuple[Lang, Posteriors]):
    """Before the last row the best so far is, for most, what is read in the end."""
    lang, posteriors = heard
    decoder, early, same = FlashlightDecoder(lang, lang.tokens), 0, 0
    for matrix in posteriors.values():
        decoder.decode_begin()
        assert decoder.decode_best() == ((), ())
        for number, row in enumerate(matrix[:, None], 1):
            decoder.decode_step(row)
            words, tokens = decoder.decode_best()
            assert all(0 <= token.begin < token.end <= number and token.word <= len(words) for token in tokens)
            assert [token.begin for token in tokens] == sorted(token.begin for token in tokens)
            early += number < 0.7 * len(matrix) and bool(words)
        readings = decoder.decode_end()
        same += (words, [t.phone for t in tokens if t.word < len(words)]) == (
            readings[0].words,
            [t.phone for t in readings[0].tokens],
        )
    assert early and same > len(posteriors) / 2


def test_no_rows_and_an_utterance_that_was_given_up(heard: tuple[Lang, Posteriors]):
    lang, posteriors = heard
    one, two, *_ = posteriors.values()
    decoder = FlashlightDecoder(lang, lang.tokens)
    empty, whole = decoder.decode(one[:0]), decoder.decode(two)
    decoder.decode_begin()
    decoder.decode_step(one[:0])
    assert decoder.decode_best() == ((), ()) and decoder.decode_end() == empty
    decoder.decode_begin()
    decoder.decode_step(one)
    decoder.decode_begin()
    decoder.decode_step(two)
    assert decoder.decode_end() == whole


def test_what_is_out_of_order_is_refused(heard: tuple[Lang, Posteriors]):
    """flashlight itself would read outside its memory."""
    lang, posteriors = heard
    matrix = next(iter(posteriors.values()))
    decoder = FlashlightDecoder(lang, lang.tokens)
    for early in (lambda: decoder.decode_step(matrix), decoder.decode_best, decoder.decode_end):
        with pytest.raises(RuntimeError, match="decode_begin"):
            early()
    decoder.decode(matrix)
    with pytest.raises(RuntimeError, match="decode_begin"):
        decoder.decode_step(matrix)
    decoder.decode_begin()
    with pytest.raises(UserError, match="posteriors"):
        decoder.decode_step(matrix[:, 1:])


@pytest.mark.parametrize("kind", ["wfst", "flashlight"])
def test_a_hypothesis_grows(heard: tuple[Lang, Posteriors], kind: str):
    """Words and phones come with the rows, in frames; the end is that of the whole, lattice and all."""
    lang, posteriors = heard
    topology, scores = ctc_topology(lang.tokens), lambda feats: feats
    system = System("ctc", Path("ctc"), as_it_is(), scores, topology, 3, 0.5, 0.8, scores, lang.tokens)
    if kind == "wfst":
        decoder: WfstDecoder | FlashlightWords = WfstDecoder(system, lang, "words", SearchSettings(0.8))
    else:
        decoder = FlashlightWords(system, lang, FlashlightSettings())
    growing, early, same = incremental(decoder), 0, 0
    for seed, matrix in enumerate(posteriors.values()):
        growing.begin()
        seen = 0
        for part in parts_of(matrix, np.random.default_rng(seed)):
            growing.step(part)
            seen += len(part)
            words, phones = growing.best()
            assert all(0 <= phone.start < phone.end <= 3 * seen for phone in phones)
            assert seen or not phones
            early += bool(words) and seen < 0.7 * len(matrix)
        found, whole = growing.end("utt", 3 * len(matrix)), decoder.decode("utt", matrix, 3 * len(matrix))
        assert (found.words, found.phones, found.posteriors) == (whole.words, whole.phones, whole.posteriors)
        assert found.nbest == whole.nbest and (found.lattice is None) == (kind == "flashlight")
        if found.lattice and whole.lattice:
            assert packed_lattice(found.lattice) == packed_lattice(whole.lattice)
        same += words == tuple(word.label for word in whole.words)
    assert early and same > 0.8 * len(posteriors)
    with pytest.raises(UserError, match="whole utterances"):
        incremental(None)  # type: ignore[arg-type]
