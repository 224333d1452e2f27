"""Texts of one's own that fit a recording in part, and the system that places them."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace

import pytest
from helpers.features import CEPSTRA

from bring.small_experiment import FRONT_END
from lexicon.errors import UserError
from lexicon.files import write_json
from pipeline.align.alignments import place_utterance
from pipeline.align.gop import Goodness
from pipeline.align.text import Placed, place_text
from pipeline.compare.listen import ListedSystem
from pipeline.search.system import System
from pipeline.search.tuning import dev_errors
from pipeline.sound.recording import Recording, read_recording
from pipeline.systems import load_system
from pipeline.times.segments import Segment
from stages import align_text


@pytest.mark.parametrize("name", ["gmm", "classifier", "neural"])
@pytest.mark.parametrize("utt", range(4))
def test_a_placed_recording_is_a_placed_utterance(experiment, name, utt):
    """What `make align WAV=` does, and what `make compare` does, with the same features."""
    speech, system = experiment.speech, load_system(experiment.exp / name)
    utt = list(speech.samples)[utt]
    recording = read_recording(experiment.wav(utt), {CEPSTRA})
    words = speech.words[utt]
    placed = place_text(system, recording, words, speech.lexicon)
    feats = recording.feats(FRONT_END)
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
        read_recording(experiment.wav(*utts), {CEPSTRA}),
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
    recording = read_recording(experiment.wav(utt), {CEPSTRA})
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
                models=None,
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
