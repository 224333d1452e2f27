"""Networks that spell: their losses against all paths and all texts, and the search against all sentences."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.langs import make_lang, unigram_arpa
from test_ctc_train import CPU, TINY, TOKENS, synthetic

from lexicon.errors import UserError
from lexicon.spelling import letters_of, spelled, spelling_lexicon
from pipeline.neural.config import EncoderConfig
from pipeline.neural.data import Part
from pipeline.neural.model import CtcModel, Encoder, load_model, save_model
from pipeline.neural.paths import rows_of_letters
from pipeline.neural.spelling import SPELLERS, AttentionSpelling, Spelling, TransducerSpelling
from pipeline.neural.train import error_rate, finish, train
from pipeline.search.decode import SearchSettings, word_decoder
from pipeline.search.incremental import incremental
from pipeline.search.letter_beam import LetterBeam
from pipeline.search.letter_grammar import Grammar, LetterBeamSettings
from pipeline.search.system import System
from pipeline.sound.front_end import FrontEnd, raw_of
from pipeline.stream.placed import placed
from pipeline.systems import ctc
from pipeline.systems.ctc import system_of

NAMES = sorted(SPELLERS)
LETTERS = letters_of(["AB", "BA"])  # blank, the end of a word, A, B
CHANNELS = 8


def spelling_of(name: str, num_letters: int = len(LETTERS), seed: int = 0) -> Spelling:
    torch.manual_seed(seed)
    network = SPELLERS[name](CHANNELS, num_letters, 0.1).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.mul_(2)  # so that there is something to choose
    return network


def rows(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, count, CHANNELS, generator=torch.Generator().manual_seed(seed))


def test_spellings_of_words_end_in_a_space_that_is_no_letter():
    assert letters_of(["ÉTÉ", "A|B"]) == ["<blk>", "<space>", "A", "B", "T", "|", "É"]
    assert spelled("ÉTÉ") == ("É", "T", "É", "<space>")
    assert spelling_lexicon(["A", "AB"]) == {"A": [(1.0, ("A", "<space>"))], "AB": [(1.0, ("A", "B", "<space>"))]}


def transducer_paths(network: TransducerSpelling, columns: torch.Tensor, text: tuple[int, ...], most: int) -> float:
    """The summed probability of all ways to write a text, ``most`` letters a row at most (Graves 2012)."""

    @functools.cache
    def log_probs(row: int, written: int) -> np.ndarray:
        letters = torch.tensor([[*[0] * network.CONTEXT, *text[:written]]])
        logits = network.joined(columns[0, row], network.predicted(letters)[0, written])
        return logits.log_softmax(-1).detach().double().numpy()

    @functools.cache
    def from_here(row: int, written: int, here: int) -> float:
        if row == columns.shape[1]:
            return float(written == len(text))
        now = np.exp(log_probs(row, written))
        total = now[0] * from_here(row + 1, written, 0)
        if written < len(text) and here < most:
            total += now[text[written]] * from_here(row, written + 1, here + 1)
        return float(total)

    return from_here(0, 0, 0)


@pytest.mark.parametrize("text", [(), (2,), (2, 3), (3, 3, 2)])
def test_the_loss_of_a_transducer_is_that_of_all_its_paths(text):
    network = spelling_of("transducer")
    columns = network.columns(rows(4))
    if not text:
        return
    found = network.log_loss(columns, torch.tensor([4]), [text])
    assert math.exp(-found.item()) == pytest.approx(transducer_paths(network, columns, text, 99), rel=1e-4)


def test_probabilities_of_all_texts_sum_to_one():
    """Of attention: all texts of up to three letters, and all that have not ended then."""
    network = spelling_of("attention", 3)
    columns, lengths = network.columns(rows(7)), torch.tensor([7])
    total = 0.0
    for size in range(4):
        for text in product((1, 2), repeat=size):
            total += math.exp(-network.log_loss(columns, lengths, [text]).item())
    unended = 0.0
    assert isinstance(network, AttentionSpelling)
    for text in product((1, 2), repeat=3):
        reading, written = network.begin(columns, lengths)
        log_prob, last = 0.0, 0
        for letter in text:
            log_probs, written = network.step(reading, written, torch.tensor([last]))
            log_prob, last = log_prob + log_probs[0, letter].item(), letter
        log_probs, _ = network.step(reading, written, torch.tensor([last]))
        unended += math.exp(log_prob) * (1 - math.exp(log_probs[0, 0].item()))
    assert total + unended == pytest.approx(1, abs=1e-5)


def test_letters_are_heard_where_the_best_path_has_their_share_of_the_phones():
    """Phones 1, 2 and 3 in rows 2, 5 and 6, and 9: each of six letters is half a phone."""
    path = np.array([0, 0, 1, 0, 0, 2, 2, 0, 0, 3, 0, 0])
    log_posteriors = np.log(np.where(path[:, None] == np.arange(4), 0.97, 0.01))
    middles = {-0.25: 2, 0.25: 2.875, 0.75: 4.625, 1.25: 6.375, 1.75: 8.125, 2.25: 9}
    assert rows_of_letters(log_posteriors, [1, 2, 3], 6).tolist() == pytest.approx([*middles.values(), 11])
    assert rows_of_letters(log_posteriors, [1, 2, 3], 3).tolist() == [2, 5.5, 9, 11]
    assert rows_of_letters(log_posteriors[:2], [1, 2, 3], 2).tolist() == [0.5, 0.5, 1]  # they do not fit in two rows


def test_looking_away_from_where_letters_are_heard_costs():
    """A nat for each of two letters and the end far away, less where most is looked at, nothing without a limit."""
    network, columns, text = spelling_of("attention"), rows(200), (2, 3)
    assert isinstance(network, AttentionSpelling)

    def loss(heard: np.ndarray) -> float:
        return network.loss(columns, torch.tensor([200]), [text], [heard]).item()

    most = network.looked(columns[0], text).argmax(dim=1).numpy() * float(network.POOLED)
    near, far = loss(np.append(most, most[-1])), loss(np.full(3, 9e3))
    network.OFF = 1e9
    free = loss(np.zeros(3))
    assert free < near < far == pytest.approx(free + 3, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_as_probable_alone_as_in_a_batch(name):
    network, texts = spelling_of(name), [(2, 3, 1), (3,), (2, 2, 1, 3)]
    batch = torch.nn.utils.rnn.pad_sequence([rows(size, size)[0] for size in (20, 9, 15)], batch_first=True)
    together = network.log_loss(network.columns(batch), torch.tensor([20, 9, 15]), texts)
    for size, text, found in zip((20, 9, 15), texts, together):
        alone = network.log_loss(network.columns(rows(size, size)), torch.tensor([size]), [text])
        assert alone.item() == pytest.approx(found.item(), abs=1e-4)


@pytest.fixture(scope="module")
def lang(tmp_path_factory):
    lexicon = ["A 1.0 AH", "AB 1.0 AH B", "BA 1.0 B AH", "BABA 1.0 B AH B AH"]
    arpa = unigram_arpa({"A": -0.5, "AB": -0.7, "BA": -0.9, "BABA": -0.8})
    return make_lang(tmp_path_factory.mktemp("spelling") / "lang", lexicon, arpa)


def ends_there(network: AttentionSpelling, columns: torch.Tensor, text: tuple[int, ...]) -> bool:
    """Whether after this text the end is likelier than any letter."""
    reading, written = network.begin(columns, torch.tensor([columns.shape[1]]))
    for letter in (0, *text):
        log_probs, written = network.step(reading, written, torch.tensor([letter]))
    return int(log_probs.argmax()) == 0


@pytest.mark.parametrize("name", ["attention", "transducer"])
@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_the_best_of_all_sentences(lang, name, seed):
    network = spelling_of(name, seed=seed)
    columns = network.columns(rows(8, seed))
    grammar = Grammar(lang, LETTERS)
    beam = LetterBeam(network, grammar, 0.7, -0.3, 200)
    scores = {}
    for size in range(4):
        for words in product(lang.lexicon, repeat=size):
            text = grammar.written(words)
            if name == "transducer":
                log_prob = math.log(max(transducer_paths(network, columns, text.letters, network.MOST), 1e-300))
            else:
                log_prob = beam.log_prob(columns[0].detach().numpy(), text.letters)
                if not words or not ends_there(network, columns, text.letters):
                    continue
            scores[words] = 0.7 * log_prob + text.language - 0.3 * size
    found = beam.search(columns[0].detach().numpy())
    best = max(scores, key=scores.__getitem__, default=None)
    if best is not None and len(best) < 3:  # of longer sentences not all were scored
        assert found[0].text.words == best and found[0].score == pytest.approx(scores[best], abs=1e-3)
    for one in found[:10]:
        if one.text.words in scores:
            assert one.score == pytest.approx(scores[one.text.words], abs=1e-3)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@pytest.mark.parametrize("name", ["ctc", "transducer"])
def test_words_grow_as_rows_come(lang, name, tmp_path: Path):
    """Of a network with random weights, in steps of any size: words before the end, and at the end those of the whole,
    with their phones. Letters are within what was heard and spell the words."""
    system, scores = random_speller(lang, name, tmp_path, 40)
    search = "wfst" if name == "ctc" else "letters"
    decoder = word_decoder(system, lang, search, SearchSettings(1.0), letter_beam=LetterBeamSettings(4))
    growing, lexicon, early = incremental(decoder), spelling_lexicon(lang.lexicon), 0
    for cuts in ((1, 2, 22, 23), (13,), range(1, 40)):
        growing.begin()
        for first, last in pairwise([0, *cuts, 40]):
            growing.step(scores[first:last])
            words, letters = growing.best()
            said = placed(words, letters, lexicon)
            assert [word.label for word in said] == list(words)
            assert all(0 <= word.start < word.end <= last + 1 for word in said)
            early += bool(words) and last < 27
        found, whole = growing.end("u", 40), decoder.decode("u", scores, 40)
        assert whole.words and (found.words, found.phones, found.nbest) == (whole.words, whole.phones, whole.nbest)
    assert early


def test_an_attention_decoder_needs_the_whole(lang, tmp_path: Path):
    system, _ = random_speller(lang, "attention", tmp_path, 10)
    with pytest.raises(UserError, match="whole utterances"):
        incremental(word_decoder(system, lang, "letters", SearchSettings(1.0)))


def spelled_part(count: int, seed: int) -> tuple[Part, str]:
    """The phones of `synthetic`, each of which is spelled by one letter, in one word."""
    part, digest = synthetic(count, seed)
    letters = {utt: (*(token + 1 for token in target), 1) for utt, target in part.targets.items()}
    return replace(part, letters=letters), digest


@pytest.mark.parametrize(("name", "epochs", "most"), [("attention", 15, 25), ("ctc", 15, 25), ("transducer", 30, 60)])
def test_it_learns_to_spell(name, epochs, most, tmp_path: Path):
    """A guess by the most frequent letter alone has more than 75 % errors. A transducer, whose letters lie now in
    this row and now in that, has blanks for the best of each row until late."""
    (train_part, a), (dev_part, b) = spelled_part(32, 1), spelled_part(8, 2)
    letters = ["<blk>", "<space>", "X", "Y", "Z"]
    share = 1.0 if name == "ctc" else 0.6
    settings = replace(TINY, epochs=epochs, patience=30, letter_share=share, spelling=name, learning_rate=0.02)
    state = train(train_part, dev_part, TOKENS, settings, a + b, tmp_path / "straight", CPU, letters=letters)
    assert state.best_per < most and settings.measure == "CER"
    again = train(train_part, dev_part, TOKENS, settings, a + b, tmp_path / "straight", CPU, letters=letters)
    assert all(torch.equal(state.best[key], again.best[key]) for key in state.best)  # from its checkpoint
    model, meta = finish(state, train_part, TOKENS, settings, CPU, letters=letters)
    save_model(tmp_path, model, meta)
    loaded = load_model(tmp_path)
    feats = train_part.feats["u00"]
    assert (loaded.log_posteriors(feats) == model.log_posteriors(feats)).all() and loaded.letters == letters
    assert error_rate(loaded.encoder, dev_part, 4, CPU, letters=True) == pytest.approx(state.best_per, abs=1e-6)


def test_phones_that_are_only_read_teach_nothing():
    """With --letter-share 1 nothing but the map that reads phones has a gradient from them."""
    config = EncoderConfig("tdnn", 39, len(TOKENS), 16, 1, 2, 2, 0.0, "ctc", 5, False)
    encoder = Encoder(config)
    phones, _ = encoder.parted(encoder(torch.randn(2, 30, 39), torch.tensor([30, 20]))[0])
    phones.sum().backward()
    moved = {name for name, weights in encoder.named_parameters() if weights.grad is not None and weights.grad.any()}
    assert moved <= {"output.weight", "output.bias"}


def random_speller(lang, name: str, folder: Path, num_rows: int) -> tuple[System, np.ndarray]:
    """A network with random weights, and what it says of noise."""
    torch.manual_seed(3)
    config = EncoderConfig("conv-bilstm", 39, len(lang.tokens), 8, 1, 1, 1, 0.0, name, len(LETTERS), True)
    encoder = Encoder(config).eval()
    width = len(lang.tokens) + encoder.spelling.width
    model = CtcModel(encoder, lang.tokens, np.zeros(width, np.float32), LETTERS)
    system = system_of(folder, FrontEnd(raw=raw_of("mfcc", 8000)), model, 0.5, spelling=True)
    scores = system.scores(np.random.default_rng(1).standard_normal((num_rows, 39), dtype=np.float32))
    assert scores.shape == (num_rows, width)
    return system, scores


@pytest.mark.parametrize("name", NAMES)
def test_words_are_found_with_their_phones(lang, name, tmp_path: Path):
    """By a network with random weights: what matters is that all fits together."""
    system, scores = random_speller(lang, name, tmp_path, 40)
    search = "wfst" if name == "ctc" else "letters"
    decoder = word_decoder(system, lang, search, SearchSettings(1.0), letter_beam=LetterBeamSettings(4))
    found = decoder.decode("u", scores, 40)
    assert found.words
    said = [phone.label for phone in found.phones if phone.word >= 0]
    assert said == [phone for word in found.words for phone in lang.lexicon[word.label][0][1]]
    assert len(found.posteriors) == len(found.phones) and all(0 <= value <= 1 for value in found.posteriors)
    assert [word.start for word in found.words] == sorted(word.start for word in found.words)


def test_what_does_not_spell_is_refused(lang, tmp_path: Path):
    config = EncoderConfig("tdnn", 39, len(lang.tokens), 8, 1, 1, 1, 0.0)
    model = CtcModel(Encoder(config).eval(), lang.tokens, np.zeros(len(lang.tokens), np.float32))
    save_model(tmp_path, model, {"kind": "letters", "prior_scale": 0.5})
    with pytest.raises(UserError, match="no letters to spell with"):
        ctc.load(tmp_path, {"prior_scale": 0.5}, spelling=True)
