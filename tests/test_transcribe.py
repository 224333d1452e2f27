"""A recording of one's own, through a small model of real speech: transcribed, aligned, and all that can be wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import kaldialign
import numpy as np
import pytest
import soundfile
import torch
import torchaudio
from helpers.features import CEPSTRA
from helpers.speech import one_gaussian

import pipeline.sound.recording as own_audio
import stages.align_text
import stages.transcribe
from lexicon.errors import UserError
from lexicon.files import write_json
from lexicon.lang import load_lang
from pipeline.align.text import place_text, pronounce, written_in
from pipeline.hmm.gmm import load_gmm
from pipeline.hmm.graphs import utterance_graph
from pipeline.hmm.viterbi import align
from pipeline.lattice import best_path
from pipeline.neural.paths import best_spelling as ctc_align
from pipeline.search.decode import SearchSettings, WfstDecoder
from pipeline.search.graph import linear_graph
from pipeline.search.topology import ctc_topology
from pipeline.search.wfst import Beams, SearchGraph, best_segments, search
from pipeline.sound.audio import read_audio
from pipeline.sound.front_end import FrontEnd, Raw
from pipeline.sound.mfcc import mfcc
from pipeline.sound.recording import own_name, read_recording
from pipeline.systems import load_system
from pipeline.times.intervals import read_ctm
from pipeline.times.textgrid import read_textgrid

PROJECT = Path(__file__).resolve().parents[1]
FRONT_END = FrontEnd("mean", raw=CEPSTRA)
GAP = 0.6  # seconds between utterances


@dataclass(frozen=True)
class Experiment:
    """A trained and tuned GMM, and a stereo file at 44.1 kHz of some of what it was trained on."""

    exp: Path
    lang: Path
    wav: Path
    words: list[str]
    begins: list[float]  # of each utterance, seconds
    owner: list[int]  # which utterance each word belongs to
    one_by_one: list[str]  # what the model hears in the utterances themselves

    @property
    def system(self) -> tuple[str, str, str]:
        return "gmm", str(self.exp / "gmm"), str(self.lang)

    def transcribe(self, wav: Path, *others: tuple[str, str, str]) -> tuple[Path, str]:
        return stages.transcribe.main(
            Namespace(wav=str(wav), exp=self.exp, models=None, lm=None, system=[self.system, *others])
        )

    def align(self, wav: Path, text: str = "", text_file: str = "") -> tuple[Path, str]:
        return stages.align_text.main(
            Namespace(
                models=None,
                wav=str(wav),
                text=text,
                text_file=text_file,
                system=[self.system[:2]],
                exp=self.exp,
                lang=self.lang,
                cache=self.exp / "g2p",
                teacher=None,
                jobs=1,
            )
        )


@pytest.fixture(scope="module")
def experiment(speech, tmp_path_factory) -> Experiment:
    root = tmp_path_factory.mktemp("own audio")  # with a space in it
    lang, model = one_gaussian(speech, root)
    (root / "exp/gmm").mkdir(parents=True)
    model.save(root / "exp/gmm/model.safetensors")
    write_json(root / "exp/gmm/meta.json", {"system": "gmm", "kind": "gmm", "front_end": FRONT_END.as_json()})
    tuned = {"acoustic_scale": 0.1, "insertion_score": 0.0}
    write_json(root / "exp/gmm/tuning.json", {"search": "wfst", "words": tuned, "free": tuned})

    rng, parts, begins, at = np.random.default_rng(0), [], [], 0
    utts = list(speech.samples)[2:10]
    for utt in utts:
        begins.append(at / 8000)
        parts += [speech.samples[utt], rng.normal(0, 1e-4, round(GAP * 8000)).astype(np.float32)]
        at += len(parts[-2]) + len(parts[-1])
    mono = torchaudio.functional.resample(torch.from_numpy(np.concatenate(parts)), 8000, 44100).numpy()
    wav = root / "what I said.wav"
    soundfile.write(wav, np.stack([mono, 0.5 * mono], axis=1), 44100, subtype="PCM_16")
    system = load_system(root / "exp/gmm")
    decoder = WfstDecoder(system, lang, "words", SearchSettings(**tuned))
    heard = [decoder.decode(utt, system.scores(speech.feats[utt]), speech.lengths[utt]).words for utt in utts]
    return Experiment(
        root / "exp",
        root / "lang",
        wav,
        [word for utt in utts for word in speech.words[utt]],
        begins,
        [i for i, utt in enumerate(utts) for _ in speech.words[utt]],
        [word.label for found in heard for word in found],
    )


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_read_in_blocks_as_if_at_once(tmp_path, monkeypatch, rate):
    monkeypatch.setattr(own_audio, "BLOCK_SECONDS", 2)
    wav = tmp_path / "x.wav"
    soundfile.write(wav, np.random.default_rng(0).normal(0, 0.1, (round(7.31 * rate), 2)), rate)
    for wanted in (8000, 16000):
        raw = Raw("mfcc", wanted, 13)
        recording = read_recording(wav, {raw})
        whole = mfcc(read_audio(wav, wanted), wanted)
        assert recording.raw[raw].shape == whole.shape and len(recording.levels) == len(whole)
        np.testing.assert_allclose(recording.raw[raw], whole, atol=2e-3)
        assert recording.seconds == pytest.approx(7.31, abs=1e-3)


def test_sound_at_two_rates_has_the_same_frames(tmp_path):
    """As a network of another rate may be trained beside a GMM."""
    wav = tmp_path / "x.wav"
    for samples in (44100, 44555, 44639, 44750):
        soundfile.write(wav, np.random.default_rng(0).normal(0, 0.1, samples), 44100)
        low, high, slow = Raw("mfcc", 8000, 13), Raw("fbank", 16000, 40), Raw("fbank", 11025, 40)
        recording = read_recording(wav, {low, high, slow})
        assert all(len(recording.raw[raw]) == recording.num_frames for raw in (low, high, slow))
        assert recording.feats(FrontEnd(raw=high), 5, 25).shape == (20, 120)


def test_names_of_results():
    assert own_name("/a b/My Voice (2).wav") == "My_Voice__2_"
    assert own_name("x.y.flac") == "x.y" and own_name("…/é ü.wav") == "é_ü"
    assert own_name("..wav") == own_name("/x/...") == "recording" and own_name(".hidden.wav") == "hidden"
    assert len(own_name("n" * 250 + ".wav")) <= 60 and "\udcff" not in own_name("a\udcff.wav")


def test_a_long_recording_is_transcribed(experiment, capsys):
    page, result = experiment.transcribe(experiment.wav)
    name = "what_I_said"
    grid = page.with_name(f"{name}.TextGrid")
    assert page == experiment.exp / "own" / name / "index.html" and page.is_file()
    assert str(experiment.wav) in result and result.endswith(f"; open {page}")
    ctm = {tier: read_ctm(grid.parent / f"gmm.{tier}.ctm")[name] for tier in ("words", "phones", "free")}
    heard = [i.label for i in ctm["words"]]
    assert kaldialign.edit_distance(experiment.one_by_one, heard)["total"] <= 1, heard
    assert kaldialign.edit_distance(experiment.words, heard)["total"] < 0.3 * len(experiment.words)
    for i in ctm["words"]:  # each right word lies in the utterance that it came from
        if experiment.words.count(i.label) == heard.count(i.label) == 1:
            part = np.searchsorted(experiment.begins, (i.start + i.end) / 2) - 1
            assert part == experiment.owner[experiment.words.index(i.label)]
    seconds = soundfile.info(experiment.wav).duration
    for intervals in ctm.values():
        assert all(a.end <= b.start + 1e-3 for a, b in zip(intervals, intervals[1:]))
        assert 0 <= intervals[0].start and intervals[-1].end <= seconds
    assert len(ctm["words"]) < len(ctm["phones"]) and len(ctm["free"]) > 20
    tiers = read_textgrid(grid).tiers
    assert list(tiers) == ["gmm words", "gmm phones", "gmm free", "gmm ipa"]
    assert len(tiers["gmm ipa"]) == len(tiers["gmm free"])
    signs = {name.label: sign.label for name, sign in zip(tiers["gmm free"], tiers["gmm ipa"])}
    assert signs[""] == "" and signs["IH"] == "ɪ" and signs["N"] == "n" and signs["S"] == "s"
    assert [i.label for i in tiers["gmm words"] if i.label] == heard
    assert all(tier[0].start == 0 and tier[-1].end == pytest.approx(seconds) for tier in tiers.values())
    written = (grid.parent / "transcript.txt").read_text()
    assert f"piece {len(experiment.begins)} of {len(experiment.begins)}" in written  # cut where it was joined
    first = ctm["words"][0]
    sound = next(i for i in tiers["gmm ipa"] if i.label not in ("", "SIL"))
    assert f"       ipa  {sound.label} {sound.start:.2f}" in written
    assert f"{first.start:10.2f}{round(1000 * (first.end - first.start)):6d}  {first.label} " in written
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) < 40 and max(map(len, shown)) <= 100
    assert shown[0].startswith("piece 1 of ") and shown[1].split() == ["gmm", *heard[: len(shown[1].split()) - 1]]
    signs = [i.label for i in tiers["gmm ipa"] if i.label not in ("", "SIL")]
    assert shown[2].split("[")[0].strip() == "gmm"
    assert (said := shown[2].split("[")[1].rstrip("]").split()) == signs[: len(said)]


def test_systems_that_are_not_trained_are_named(experiment, capsys):
    others = [(name, str(experiment.exp / name), str(experiment.lang)) for name in ("classifier", "neural")]
    experiment.transcribe(experiment.wav, *others)
    assert "left out, not trained and tuned yet: classifier, neural; run: make classifier" in capsys.readouterr().out
    with pytest.raises(UserError, match="none of classifier, neural is trained and tuned yet; run: make$"):
        stages.transcribe.main(
            Namespace(wav=str(experiment.wav), exp=experiment.exp, models=None, lm=None, system=others)
        )


def test_digital_silence_has_no_words(experiment, tmp_path, capsys):
    soundfile.write(tmp_path / "nothing.wav", np.zeros(30_000), 16000)
    page, result = experiment.transcribe(tmp_path / "nothing.wav")
    assert "there is no sound in it" in result and "silence" in capsys.readouterr().out
    assert "There is no speech in it" in page.read_text()
    grid = page.with_name("nothing.TextGrid")
    assert (grid.parent / "gmm.words.ctm").read_text() == ""
    assert [[i.label for i in tier] for tier in read_textgrid(grid).tiers.values()] == [[""]] * 4
    with pytest.raises(UserError, match="silence into which the 1 words"):
        experiment.align(tmp_path / "nothing.wav", experiment.words[0])


def write_nan(path: Path) -> None:
    soundfile.write(path, np.full(8000, np.nan), 8000, subtype="FLOAT")


BAD = {
    "no such file": (lambda path: None, "no such audio file; correct the path in WAV="),
    "a folder": (lambda path: path.mkdir(), "a folder, not audio file"),
    "empty": (lambda path: path.touch(), "0 bytes"),
    "a text": (lambda path: path.write_text("not audio at all " * 50), "not a WAV file"),
    "no samples": (lambda path: soundfile.write(path, np.zeros(0), 8000), "0 samples"),
    "20 ms": (lambda path: soundfile.write(path, np.zeros(160), 8000), "20 ms long, shorter than one frame of 25 ms"),
    "not numbers": (write_nan, "not finite"),
}


@pytest.mark.parametrize("what", list(BAD))
def test_bad_audio_is_one_line(experiment, tmp_path, what):
    spoil, message = BAD[what]
    path = tmp_path / f"bad {what}.wav"
    spoil(path)
    for act in (lambda: experiment.transcribe(path), lambda: experiment.align(path, experiment.words[0])):
        with pytest.raises(UserError) as error:
            act()
        assert message in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)
    assert not (experiment.exp / "own" / own_name(path)).exists()


def test_no_file_given(experiment):
    with pytest.raises(UserError, match="no file given; name one: make transcribe WAV=my.wav"):
        experiment.transcribe("")


def test_the_command_ends_in_one_line_where_results_cannot_go(experiment, tmp_path):
    (tmp_path / "exp").mkdir()
    (tmp_path / "exp/gmm").symlink_to(experiment.exp / "gmm")
    (tmp_path / "exp/own").touch()  # a file where the folder should be
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "stages.transcribe",
            "--wav",
            experiment.wav,
            "--exp",
            tmp_path / "exp",
            "--system",
            *experiment.system,
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith(f"transcribe: {tmp_path}/exp/own")


def test_alignment_is_that_of_the_full_search(experiment):
    """Beam search over the whole file finds what Viterbi over all states finds."""
    system, lang = load_system(experiment.exp / "gmm"), load_lang(experiment.lang)
    recording = read_recording(experiment.wav, {CEPSTRA})
    placed = place_text(system, recording, experiment.words, lang.lexicon)
    model = load_gmm(experiment.exp / "gmm/model.safetensors")
    bounds = [0, *(piece.end for piece in recording.pieces())]
    feats = np.concatenate([recording.feats(FRONT_END, a, b) for a, b in zip(bounds, bounds[1:])])
    graph = utterance_graph(tuple(experiment.words), lang.lexicon, model.transitions)
    ((_, full),) = align(model, {"u": graph}, {"u": feats}, {"u": len(feats)})
    assert placed.phones == full.phones
    assert [word.label for word in placed.words] == experiment.words
    assert [np.searchsorted(experiment.begins, (w.start + w.end) / 200) - 1 for w in placed.words] == experiment.owner
    assert len(placed.word_confidence) == len(placed.words) and len(placed.phone_confidence) == len(placed.phones)
    assert all(0 <= c <= 1 for c in placed.word_confidence + placed.phone_confidence)


def test_text_is_aligned(experiment, tmp_path, capsys):
    page, result = experiment.align(experiment.wav, " ".join(experiment.words).lower() + ".")
    assert f"{len(experiment.words)} words placed by gmm" in result and result.endswith(f"; open {page}")
    grid = page.with_name("what_I_said.gmm.aligned.TextGrid")
    written = page.with_name("gmm.aligned.txt").read_text().splitlines()
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) < 40 and max(map(len, shown)) <= 100 and shown[: len(written)][:35] == written[:35]
    assert [line.split()[2] for line in written[1:] if line[:10].strip()] == experiment.words
    assert [i.label for i in read_textgrid(grid).tiers["words"] if i.label] == experiment.words
    by_text = (grid.parent / "gmm.aligned.phones.ctm").read_text()
    (tmp_path / "text.txt").write_text("\n".join(experiment.words))
    for given in ({"text": f"@{tmp_path}/text.txt"}, {"text_file": str(tmp_path / "text.txt")}):
        (grid.parent / "gmm.aligned.phones.ctm").unlink()
        experiment.align(experiment.wav, **given)
        assert (grid.parent / "gmm.aligned.phones.ctm").read_text() == by_text
    assert f"  {experiment.words[0]} " in capsys.readouterr().out


def test_a_text_that_does_not_fit_is_named(experiment):
    half = experiment.words[: experiment.owner.index(4)]
    assert "s of sound that are not in the text" in experiment.align(experiment.wav, " ".join(half))[1]
    with pytest.raises(UserError, match="words of the text do not fit"):
        experiment.align(experiment.wav, " ".join(experiment.words * 2_000))
    assert "THE TEXT DOES NOT FIT" in experiment.align(experiment.wav, " ".join(experiment.words[::-1]))[1]


@pytest.mark.parametrize(
    "text,message",
    [
        ("", "no words"),
        ("?! --", "no words"),
        ("@/no/such/file", "/no/such/file: no such file"),
        ("hello qwxzzk", 'no pronunciation of "QWXZZK"'),
        ("azure boy", r'"AZURE" "BOY": the model was not trained on OY ZH'),
    ],
)
def test_texts_that_cannot_be_aligned(experiment, monkeypatch, text, message):
    monkeypatch.setattr(stages.align_text.g2p, "programs", lambda: None)  # as where Phonetisaurus is not installed
    with pytest.raises(UserError, match=message):
        experiment.align(experiment.wav, text)


def test_a_model_that_is_not_trained(experiment, tmp_path):
    for exp, message in ((experiment.exp, "MODEL=tdnn: not trained in .*; use one of: gmm$"), (tmp_path, "run: make$")):
        with pytest.raises(UserError, match=message):
            stages.align_text.main(
                Namespace(
                    wav=str(experiment.wav),
                    text="hello",
                    text_file="",
                    exp=exp,
                    cache=tmp_path,
                    teacher=None,
                    jobs=1,
                    lang=experiment.lang,
                    system=[("tdnn", str(exp / "tdnn"))],
                )
            )


@pytest.mark.parametrize(
    "lexicon, text, words",
    [
        (("l'été", "Ja", "NEIN"), "Ja naïve don't 3rd l'été", "Ja NAÏVE DON'T THIRD l'été"),
        (("ANSWER", "THE"), "the answer, 3rd A.M.", "THE ANSWER THIRD A M"),
        (("answer", "the"), "The answer, ANSWER!", "the answer answer"),
    ],
)
def test_words_are_taken_as_the_lexicon_has_them(lexicon, text, words):
    lang = SimpleNamespace(reference_lexicon=dict.fromkeys(lexicon), info={"lexicon": "dictionary"})
    assert " ".join(written_in(lang).words(text)) == words


def test_guessed_words_are_named(experiment):
    lang = load_lang(experiment.lang)
    found, guessed = pronounce(["HELLO", "BLORP"], lang, lang.phones, lambda words: {"BLORP": [("T", "OW")]})
    assert guessed == ["BLORP"] and found["BLORP"] == [(1.0, ("T", "OW"))]


@pytest.mark.parametrize("seed", range(4))
def test_linear_graph_of_ctc_is_its_own_alignment(seed):
    tokens = ["<blk>", "A", "B", "C"]
    words, lexicon = ["X", "Y", "X"], {"X": [(1.0, ("A", "B"))], "Y": [(1.0, ("B", "B", "C"))]}
    scores = np.random.default_rng(seed).normal(size=(30, 4)) * 3
    scores = (scores - np.log(np.exp(scores).sum(1, keepdims=True))).astype(np.float32)
    topology = ctc_topology(tokens)
    graph = SearchGraph(linear_graph(topology, lexicon, words, 0.5), topology, words)
    lattice = search(graph, scores, 1.0, Beams(1000, 0.1), "u", "x", "text", 10.0)
    phones, _, said = best_segments(lattice)
    score, frames = ctc_align(scores, [1, 2, 2, 2, 3, 1, 2])
    assert said == words
    assert [(s.start, s.end) for s in phones if s.label != "<blk>"] == frames
    assert lattice.acoustic[best_path(lattice)].sum() == pytest.approx(score, abs=1e-3)


SOUNDDEVICE = """
import numpy as np
class PortAudioError(Exception): pass
def query_devices(kind): return {"default_samplerate": 48000.0}
def rec(frames, samplerate, channels, dtype): return (8000 * np.sin(np.arange(frames) / 20)).astype(dtype)[:, None]
def wait(): pass
"""
NO_MICROPHONE = """
class PortAudioError(Exception): pass
def query_devices(kind): raise PortAudioError("Error querying device -1")
"""


@pytest.mark.parametrize(
    "module,seconds,message",
    [
        ("raise ImportError", "1", "pip install sounddevice"),
        ("raise OSError('PortAudio library not found')", "1", "libportaudio2"),
        (NO_MICROPHONE, "1", "no microphone"),
        (SOUNDDEVICE, "0", "SECONDS=0"),
        (SOUNDDEVICE, "1e9", "SECONDS=1e+09"),
        (SOUNDDEVICE, "nan", "SECONDS=nan"),
        (SOUNDDEVICE, "0.5", ""),
    ],
)
def test_recording(tmp_path, module, seconds, message):
    (tmp_path / "sounddevice.py").write_text(module)
    command = [sys.executable, "-m", "stages.record", "--seconds", seconds, "--out", tmp_path / "me.wav"]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=env)
    assert (tmp_path / "me.wav").exists() == (not message)
    if message:
        assert done.returncode == 1 and message in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    else:
        assert done.returncode == 0 and "0.5 s at 48000 Hz, loudest -12 dB" in done.stdout, done.stderr
        info = soundfile.info(tmp_path / "me.wav")
        assert (info.samplerate, info.frames, info.channels, info.subtype) == (48000, 24000, 1, "PCM_16")
