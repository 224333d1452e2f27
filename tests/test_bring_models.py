"""Models as people train, move and use them: the best epoch, utterances too short, confidence, and texts of one's own
that fit in part."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from bring import RATE, noise
from conftest import one_gaussian

from lexicon.errors import UserError
from lexicon.files import write_json, write_lines
from lexicon.lang import build_lang, load_lang
from pipeline.align.alignments import place_utterance
from pipeline.align.gop import Goodness
from pipeline.align.text import Placed, place_text
from pipeline.base.training import Material
from pipeline.classifier.model import FrameClassifier
from pipeline.compare.listen import ListedSystem
from pipeline.neural.checkpoint import State
from pipeline.neural.model import CtcModel, Encoder, EncoderConfig, save_model
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import goes_on, keep_best
from pipeline.search.decode import FlashlightWords, SearchSettings
from pipeline.search.graph import ctc_topology
from pipeline.search.system import System
from pipeline.search.tuning import dev_errors
from pipeline.sound.mfcc import FeatureSettings
from pipeline.sound.recording import Recording, read_recording
from pipeline.systems import ctc, gmm, load_system
from pipeline.times.ctm import ctm_lines
from pipeline.times.segments import Segment
from stages import align as align_set
from stages import align_text, make_lang, make_mfcc, prepare_data

SETTINGS = FeatureSettings(8000, norm_vars=False)


# Training

TINY = EncoderConfig("conv-bilstm", 39, 4, 8, 1, 1, 3, 0.0)


@pytest.mark.parametrize(
    "pers, best, last",
    [
        ([60, 30, 100, 101, 40], 2, 5),  # later ones are worse
        ([60, 30, 100, 101, 29], 5, 5),
        ([100, 100, 100, 100, 100, 90, 95, 95, 95], 6, 9),  # blanks alone: no reason to stop
        ([100, 100, 100], 3, 3),  # of blanks alone the last
        ([140, 120, 130, 101], 4, 4),
        ([140, 101, 130, 150], 2, 4),  # more insertions than phones, but the fewest
        ([50, 60, 70, 80, 10], 1, 4),  # patience: the fifth is never tried
        ([99.9, 100, 100, 100, 5], 1, 4),
        ([30, 30, 30, 30], 1, 4),  # the first of equals
    ],
)
def test_the_best_epoch_is_kept(pers, best, last):
    torch.manual_seed(0)
    model, average = Encoder(TINY), Encoder(TINY)
    state, settings = State(model, average, None, {}), TrainSettings(epochs=len(pers), patience=3)
    for per in pers:
        if not goes_on(state, settings):
            break
        state.epoch += 1
        with torch.no_grad():
            average.mean.fill_(state.epoch)
        keep_best(state, float(per))
    assert (state.best_epoch, state.epoch, state.best_per) == (best, last, pers[best - 1])
    assert (state.best["mean"] == best).all()


TOO_LONG = "one two three four five six seven eight nine ten " * 3  # 94 phones in a second: 98 frames, 3 for each phone


@pytest.fixture(scope="module")
def crowded(tmp_path_factory) -> Path:
    """Data directories in which some utterances of every set have far too many words."""
    root = tmp_path_factory.mktemp("crowded")
    (root / "mine").mkdir()
    for number in range(40):
        soundfile.write(root / f"mine/u{number:02}.wav", noise(seed=number), RATE)
        (root / f"mine/u{number:02}.txt").write_text(TOO_LONG if number % 3 == 0 else "one two")
    prepare_data.main(
        Namespace(corpus="mine", corpus_dir=root / "mine", out=root / "data", split=None, allow_missing=0, lexicon=None)
    )
    make_lang.main(
        Namespace(
            data=root / "data",
            out=root / "data/lang",
            vocab="closed",
            order=2,
            oov="error",
            lexicon=None,
            phones=None,
            extra=None,
            cache=root,
        )
    )
    return root


def features(root: Path, leave_out: bool) -> str:
    return "; ".join(
        make_mfcc.main(
            Namespace(
                data=root / "data" / name,
                norm_vars="yes",
                allow_missing=0,
                jobs=1,
                leave_out=root / "data" / name / "short.txt" if leave_out else None,
            )
        )[1]
        for name in ("train", "dev", "test")
    )


def stage(root: Path, name: str) -> str:
    data, lang = root / "data", root / "data/lang"
    if name == "train_gmm":
        settings = gmm.Settings(max_mix=1, warm_up=1, passes=0, last=0, warn_frames=0)
        return gmm.train(Material(data / "train", data / "dev", lang, root / "exp/gmm"), settings)[-1]
    if name == "train_ctc":
        settings = ctc.Settings(width=8, conv_layers=1, epochs=1, min_updates=1, device="cpu")
        return ctc.train(Material(data / "train", data / "dev", lang, root / "exp/neural"), settings)[-1]
    return align_set.main(
        Namespace(model=root / "exp/gmm", data=data / name, lang=lang, out=root / f"exp/gmm/ali_{name}", jobs=1)
    )[1]


def too_long(root: Path, name: str) -> list[str]:
    lines = (root / "data" / name / "text").read_text().splitlines()
    return sorted(line.split()[0] for line in lines if len(line.split()) > 5)


@pytest.mark.parametrize(
    "name, data", [("train_gmm", "train"), ("train_ctc", "train"), ("dev", "dev"), ("test", "test")]
)
def test_utterances_too_short_are_all_named_and_can_be_left_out(crowded, tmp_path, name, data):
    root = tmp_path / "copy"
    shutil.copytree(crowded, root)
    short = too_long(root, data)
    assert short
    if name in ("dev", "test"):  # a GMM is needed first
        write_lines(root / "data/train/short.txt", too_long(root, "train"))
        features(root, leave_out=True)
        stage(root, "train_gmm")
    features(root, leave_out=False)
    with pytest.raises(UserError) as error:
        stage(root, name)
    said = str(error.value)
    assert f"{root}/data/{data}/text: {len(short)} of " in said and "ALLOW_SHORT=yes" in said
    assert [utt in said for utt in short] == [True] * min(5, len(short)) + [False] * max(0, len(short) - 5)
    assert (root / "data" / data / "short.txt").read_text().split() == short
    result = features(root, leave_out=True)
    assert all(utt in result for utt in short)
    stage(root, name)


# Moving


@dataclass(frozen=True)
class Experiment:
    """A small experiment of real speech: a trained GMM, a classifier and a network that know nothing."""

    root: Path
    speech: object

    @property
    def exp(self) -> Path:
        return self.root / "exp"

    def wav(self, *utts: str) -> Path:
        """The utterances one after the other, with pauses between."""
        rng, path = np.random.default_rng(0), self.root / f"{'_'.join(utts)}.wav"
        parts = [part for utt in utts for part in (self.speech.samples[utt], rng.normal(0, 1e-4, 4800))]
        soundfile.write(path, np.concatenate(parts), 8000)
        return path


@pytest.fixture(scope="module")
def experiment(speech, tmp_path_factory) -> Experiment:
    root = tmp_path_factory.mktemp("models")
    lang, model = one_gaussian(speech, root)
    described = {"features": asdict(SETTINGS)}
    for name in ("gmm", "classifier"):
        (root / "exp" / name).mkdir(parents=True)
    model.save(root / "exp/gmm/model.safetensors")
    write_json(root / "exp/gmm/meta.json", {"system": "gmm", "kind": "gmm", **described})
    rng, pdfs = np.random.default_rng(0), model.transitions.num_pdfs
    FrameClassifier(
        1,
        [(rng.normal(0, 0.1, (117, pdfs)).astype(np.float32), np.zeros(pdfs, np.float32))],
        np.arange(pdfs),
        np.full(pdfs, -np.log(pdfs)),
    ).save(root / "exp/classifier/model.safetensors")
    write_json(
        root / "exp/classifier/meta.json", {"system": "classifier", "kind": "classifier", "hmm": "../gmm", **described}
    )
    torch.manual_seed(1)
    config = EncoderConfig("conv-bilstm", 39, len(lang.tokens), 16, 1, 1, 3, 0.0)
    save_model(
        root / "exp/neural",
        CtcModel(Encoder(config).eval(), lang.tokens, np.full(len(lang.tokens), -np.log(len(lang.tokens)), np.float32)),
        {"system": "neural", "kind": "ctc", "prior_scale": 0.6, **described},
    )
    return Experiment(root, speech)


@pytest.mark.parametrize("name", ["gmm", "classifier", "neural"])
@pytest.mark.parametrize("moved", ["renamed", "copied", "linked"])
def test_a_moved_experiment_scores_as_before(experiment, tmp_path, monkeypatch, name, moved):
    feats = next(iter(experiment.speech.feats.values()))
    before = load_system(experiment.exp / name).scores(feats)
    there = tmp_path / "elsewhere/exp"
    shutil.copytree(experiment.exp, there)
    if moved == "renamed":
        there = there.rename(tmp_path / "exp of mine")
    if moved == "linked":
        (tmp_path / "link").symlink_to(there)
        there = tmp_path / "link"
    monkeypatch.chdir(tmp_path)
    for path in (there / name, Path(there.relative_to(tmp_path)) / name):
        np.testing.assert_array_equal(load_system(path).scores(feats), before)


# Confidence


def toy(folder: Path) -> tuple[System, object]:
    """A network of two phones over the words AB and BA."""
    for name in ("train", "dev", "test"):
        (folder / name).mkdir(parents=True)
        write_lines(folder / name / "text", [f"{name}1 TWO", f"{name}2 OUT"])
    (folder / "mine.txt").write_text("TWO T UW\nOUT UW T\n")
    from lexicon.lang import given_lexicon

    build_lang(folder, folder / "lang", order=2, given=given_lexicon(folder, folder / "mine.txt"))
    lang = load_lang(folder / "lang")
    return System(
        "neural",
        folder,
        lambda x: x,
        ctc_topology(lang.tokens),
        3,
        0.5,
        0.8,
        lambda x: x,
        lang.tokens,
    ), lang


@pytest.mark.parametrize(
    "sharp, expected",
    [
        (0.96, 0.96**0.5 / (0.96**0.5 + 2 * 0.02**0.5)),  # the posterior_scale is 0.5
        (0.6, 0.6**0.5 / (0.6**0.5 + 2 * 0.2**0.5)),
        (0.34, 0.34**0.5 / (0.34**0.5 + 2 * 0.33**0.5)),  # as good as nothing is known
    ],
)
def test_a_word_of_flashlight_is_as_sure_as_its_phones(tmp_path, sharp, expected):
    system, lang = toy(tmp_path)
    scores = np.full((9, 3), np.log((1 - sharp) / 2))
    for row, token in enumerate([0, 0, 1, 1, 0, 2, 2, 0, 0]):
        scores[row, token] = np.log(sharp)
    found = FlashlightWords(system, lang, SearchSettings(10.0)).decode("u", scores, 27)
    assert [word.label for word in found.words] == ["TWO"]
    assert found.word_confidence() == [pytest.approx(expected, abs=1e-3)]
    assert ctm_lines("u", found.words, found.word_confidence())[0].split()[-1] == f"{expected:.3f}"


def test_a_word_is_as_sure_as_its_weakest_phone(tmp_path):
    system, lang = toy(tmp_path)
    scores = np.log(
        np.array([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.98, 0.01, 0.01], [0.3, 0.1, 0.6], [0.98, 0.01, 0.01]])
    )
    found = FlashlightWords(system, lang, SearchSettings(10.0)).decode("u", scores, 15)
    assert [word.label for word in found.words] == ["TWO"]
    weak = 0.6**0.5 / (0.6**0.5 + 0.3**0.5 + 0.1**0.5)
    assert found.word_confidence() == [pytest.approx(weak, abs=1e-3)]


# Texts of one's own


@pytest.mark.parametrize("name", ["gmm", "classifier", "neural"])
@pytest.mark.parametrize("utt", range(4))
def test_a_placed_recording_is_a_placed_utterance(experiment, name, utt):
    """What `make align WAV=` does, and what `make compare` does, with the same features."""
    speech, system = experiment.speech, load_system(experiment.exp / name)
    utt = list(speech.samples)[utt]
    recording = read_recording(experiment.wav(utt), SETTINGS)
    words = speech.words[utt]
    placed = place_text(system, recording, words, speech.lexicon)
    feats = recording.feats()
    same = place_utterance(Goodness(system), utt, system.scores(feats), len(feats), words, speech.lexicon)
    if not placed.left_out:  # a network that knows nothing may leave words out, where an utterance of a corpus has all
        assert (placed.words, placed.phones) == ([word for word, _ in same.words], same.segments)
        assert placed.word_confidence == [sure for _, sure in same.words]
    assert name != "gmm" or not placed.left_out


EXTRA = ("PHONETIC", "YESTERDAY", "MACHINE", "WEDNESDAY")


@pytest.fixture(scope="module")
def said(experiment) -> tuple[System, Recording, list[list[str]], dict]:
    """Eight utterances in one recording, the words of each, and a lexicon that has EXTRA as well."""
    from lexicon.dictionary import look_up

    speech = experiment.speech
    utts = list(speech.samples)[2:10]
    system = load_system(experiment.exp / "gmm")
    known = set(system.topology.phones)
    more = {
        word: [(1.0, phones) for phones in variants if set(phones) <= known]
        for word, variants in look_up(EXTRA).items()
    }
    words = [list(speech.words[utt]) for utt in utts]
    return (
        system,
        read_recording(experiment.wav(*utts), SETTINGS),
        words,
        speech.lexicon | {w: v for w, v in more.items() if v},
    )


@pytest.mark.parametrize("before", [0, 3, 4, 6, 8])  # of so many sentences the extra words come after
@pytest.mark.parametrize("number", [1, 4, 25])
def test_what_was_not_said_is_left_out_and_named(said, before, number):
    system, recording, sentences, lexicon = said
    words, at = sum(sentences, []), len(sum(sentences[:before], []))
    strange = [word for word in EXTRA if word in lexicon] * number
    text = [*words[:at], *(strange := strange[:number]), *words[at:]]
    placed, alone = place_text(system, recording, text, lexicon), place_text(system, recording, words, lexicon)
    assert [word.label for word in placed.left_out] == strange
    assert placed.fits and [word.label for word in placed.words] == words
    times = [(word.start, word.end) for word in placed.words]
    assert times == [(word.start, word.end) for word in alone.words]
    where = times[at - 1][1] if at else 0
    assert all(word.start == word.end == where for word in placed.left_out)


@pytest.mark.parametrize(
    "change, fits",
    [
        (lambda words: words, True),
        (lambda words: words + words, True),  # read once, written twice
        (lambda words: words[len(words) // 2 :], True),  # the beginning is not in the text
        (lambda words: words[: len(words) // 2], True),
        (lambda words: words[::-1], False),
        (lambda words: [EXTRA[1]] * len(words), False),
    ],
)
def test_a_wrong_text_is_told_from_a_right_one(said, change, fits):
    system, recording, sentences, lexicon = said
    assert place_text(system, recording, change(sum(sentences, [])), lexicon).fits == fits


@pytest.mark.parametrize("number", range(1, 7))
def test_one_sentence_fits_its_own_recording_alone(experiment, number):
    speech, system = experiment.speech, load_system(experiment.exp / "gmm")
    utts = sorted(speech.samples, key=lambda utt: -len(speech.words[utt]))
    utt = utts[number]
    other = next(other for other in utts if not set(speech.words[other]) & set(speech.words[utt]))
    recording = read_recording(experiment.wav(utt), SETTINGS)
    assert place_text(system, recording, speech.words[utt], speech.lexicon).fits
    assert not place_text(system, recording, speech.words[other], speech.lexicon).fits


@pytest.mark.parametrize(
    "words, left_out, speech, fits",
    [
        ([("A", 0, 50, 0.9), ("B", 50, 90, 0.9)], 0, 90, True),
        ([("A", 0, 50, 0.9), ("B", 50, 90, 0.9)], 9, 90, True),  # all that was said, and nine words more
        ([("A", 0, 50, 0.9)], 9, 200, False),  # a word of ten, a quarter of what was said
        ([("A", 0, 50, 0.01), ("B", 50, 90, 0.01)], 0, 90, False),
        ([], 3, 90, False),
        ([("A", 0, 190, 0.9), ("B", 190, 500, 0.9)], 1, 500, False),  # one word of three seconds is none
    ],
)
def test_when_a_text_fits(words, left_out, speech, fits):
    segments = [Segment(label, start, end, index) for index, (label, start, end, _) in enumerate(words)]
    placed = Placed(segments, [], [sure for *_, sure in words], [], [Segment("X", 0, 0, 99)] * left_out, speech)
    assert placed.fits == fits


@pytest.mark.parametrize(
    "tuned, best",
    [
        ({"gmm": 20.0, "classifier": 10.0, "neural": 15.0}, "classifier"),
        ({"gmm": 9.0, "classifier": 10.0, "neural": 9.5}, "gmm"),
        ({"classifier": 10.0, "neural": 15.0}, "classifier"),  # the GMM is not tuned yet
        ({}, "gmm"),
        ({"gmm": 12.0, "classifier": 12.0}, "gmm"),  # the first of equals
    ],
)
def test_the_best_on_dev_aligns_unless_told(experiment, tmp_path, tuned, best):
    shutil.copytree(experiment.exp, tmp_path / "exp")
    for name, rate in tuned.items():
        settings = {"acoustic_scale": 0.1, "insertion_score": 0.0, "error_rate": rate}
        write_json(tmp_path / "exp" / name / "tuning.json", {"search": "wfst", "words": settings, "free": settings})
    every = [
        ListedSystem(name, tmp_path / "exp" / name, experiment.root / "lang")
        for name in ("gmm", "classifier", "neural")
    ]
    assert align_text.best_on_dev(tmp_path / "exp", every).name == best
    assert align_text.best_on_dev(tmp_path / "exp", every[2:]).name == "neural"


def test_what_is_not_trained_does_not_align(experiment, tmp_path):
    shutil.copytree(experiment.exp / "gmm", tmp_path / "gmm")
    every = [ListedSystem(name, tmp_path / name, experiment.root / "lang") for name in ("classifier", "gmm")]
    assert align_text.best_on_dev(tmp_path, every).name == "gmm"
    with pytest.raises(UserError, match="MODEL=classifier: .*gmm"):
        align_text.best_on_dev(tmp_path, every[:1])
    (tmp_path / "gmm/tuning.json").write_text(json.dumps({"search": "none"}))
    with pytest.raises(UserError, match="tuning.json"):
        dev_errors(tmp_path / "gmm/tuning.json")


def test_extra_words_are_told_with_their_times_and_a_text_of_a_book_is_refused(experiment, tmp_path, capsys):
    speech, utt = experiment.speech, list(experiment.speech.samples)[0]

    def align(text: str) -> str:
        return align_text.main(
            Namespace(
                wav=str(experiment.wav(utt)),
                text=text,
                text_file="",
                exp=tmp_path,
                lang=experiment.root / "lang",
                cache=tmp_path,
                teacher=None,
                jobs=1,
                system=[("gmm", experiment.exp / "gmm")],
            )
        )[1]

    words, strange = list(speech.words[utt]), [w for w in speech.lexicon if w not in speech.words[utt]][:2]
    result = align(" ".join([*words, *strange]))
    assert f"{len(words)} words placed by gmm" in result and "DOES NOT FIT" not in result
    assert all(f"{word} at " in result for word in strange) and not any(f"{word} at " in result for word in words)
    assert f"word {len(words) + 2} of the text" in capsys.readouterr().out
    with pytest.raises(UserError) as error:
        align(" ".join(words * 1000))
    assert str(experiment.wav(utt)) in str(error.value)
