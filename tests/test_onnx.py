"""A network as ONNX, run by onnxruntime: what PyTorch says of the same recording, by the program of the README too."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch
from helpers.speech import Speech

from lexicon.errors import UserError
from pipeline.neural.config import ENCODERS, EncoderConfig
from pipeline.neural.front_end import SoundFrontEnd, near_speech
from pipeline.neural.model import CtcModel, Encoder, save_model
from pipeline.neural.onnx import Listener, to_onnx
from pipeline.neural.paths import greedy
from pipeline.sound.front_end import EXTRACTORS, FrontEnd, Prior, Raw, raw_of
from pipeline.sound.pauses import frame_levels
from pipeline.sound.pauses import near_speech as near_in_numpy
from pipeline.sound.recording import Recording, read_recording
from pipeline.systems import load_system

PROJECT = Path(__file__).resolve().parents[1]
RATE = 8000
TOKENS = ["<blk>", "AH", "B", "T"]


def front_end(kind: str = "mfcc", rate: int = RATE, **settings: object) -> FrontEnd:
    """One whose training had rows of mean 1 and variance 2."""
    raw = raw_of(kind, rate)
    prior = Prior((1.0,) * raw.coefficients, (2.0,) * raw.coefficients)
    return replace(FrontEnd(raw=raw, prior=prior), **settings)


def network(front: FrontEnd, encoder: str, subsampling: int = 3) -> CtcModel:
    """Untrained, but sure of what it says."""
    torch.manual_seed(0)
    width, heads = (front.dimension, 3) if encoder == "transformer" else (16, 4)
    config = EncoderConfig(encoder, front.dimension, len(TOKENS), width, 2, 2, subsampling, 0.1, heads=heads)
    model = CtcModel(Encoder(config).eval(), TOKENS, np.log(np.array([0.4, 0.3, 0.2, 0.1], np.float32)))
    with torch.no_grad():
        model.encoder.output.weight *= 5
        model.encoder.deviation.fill_(20 if front.normalise in ("mean", "none") else 1)  # as training would
    return model


def heard(samples: np.ndarray, front: FrontEnd) -> np.ndarray:
    """The features of a recording of one's own, as `make transcribe` has them, of the whole of it."""
    rate = front.raw.sample_rate
    rows = EXTRACTORS[front.raw.kind].rows(samples, rate)
    return Recording("x", len(samples) / rate, {front.raw: rows}, frame_levels(samples, rate)).feats(front)


def runner(front: FrontEnd, model: CtcModel) -> Callable[[np.ndarray], np.ndarray]:
    session = onnxruntime.InferenceSession(to_onnx(front, model))
    return lambda samples: session.run(None, {"samples": samples})[0]


def with_pauses(length: int) -> np.ndarray:
    """Noise, of which some is so faint that it is taken for a pause, and some is nothing at all."""
    samples = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    samples[length // 4 : length // 2] *= 0.003
    samples[length // 2 : length * 5 // 8] = 0
    return samples


@pytest.mark.parametrize("encoder", [encoder for encoder in ENCODERS if encoder != "emformer"])
def test_of_any_length_every_network_says_the_same_as_in_pytorch(encoder: str) -> None:
    front = front_end()
    model = network(front, encoder)
    run = runner(front, model)
    for length in (200, 279, 280, 360, 4000, 16001, 31234):  # one frame, one, two and three
        samples = with_pauses(length)
        expected = model.log_posteriors(heard(samples, front))
        np.testing.assert_allclose(run(samples), expected, rtol=0, atol=1e-4)
    assert len(set(expected.argmax(1))) > 1


@pytest.mark.parametrize(
    "front",
    [
        front_end("fbank"),
        front_end(normalise="mean", deltas=3, splice=1),
        front_end(normalise="row", rate=16000, deltas=0, splice=2),
        front_end(normalise="none", rate=11025, deltas=1),
        replace(front_end(normalise="mean"), prior=None),
    ],
    ids=str,
)
def test_every_front_end_says_the_same_as_a_module(front: FrontEnd) -> None:
    """Before it is exported, which takes seconds."""
    model = network(front, "linear", 2)
    listener = Listener(front, model).eval()
    for length in (1600, 40001):
        samples = with_pauses(length)
        with torch.inference_mode():
            found = listener(torch.from_numpy(samples)).numpy()
        np.testing.assert_allclose(found, model.log_posteriors(heard(samples, front)), rtol=0, atol=1e-4)


def test_features_of_real_speech_are_those_of_kaldi(speech: Speech) -> None:
    front = front_end()
    module = SoundFrontEnd(front)
    for samples in speech.samples.values():
        np.testing.assert_allclose(module(torch.from_numpy(samples)), heard(samples, front), rtol=0, atol=1e-3)


def test_the_pauses_that_do_not_count_are_the_same(speech: Speech) -> None:
    joined = np.concatenate([part for x in speech.samples.values() for part in (x, 1e-3 * x[::-1])])
    silence, noise = np.zeros(RATE, np.float32), with_pauses(RATE)[: RATE // 4]
    for samples in (*speech.samples.values(), joined, silence, noise, np.append(silence, noise)):
        expected = near_in_numpy(frame_levels(samples, RATE))
        assert (near_speech(torch.from_numpy(samples), RATE).numpy() == expected).all()
    assert 0.2 < near_in_numpy(frame_levels(joined, RATE)).mean() < 0.9


def test_an_encoder_from_outside_does_not_go_along() -> None:
    front = FrontEnd(raw=Raw("whisper-base.block6", 16000, 512, 20.0, "whisper-base@1234"))
    with pytest.raises(UserError, match="whisper-base.block6 .*: features of an encoder from outside are not made"):
        to_onnx(front, network(front, "linear"))


def test_an_emformer_is_refused() -> None:
    with pytest.raises(UserError, match="an emformer cannot be written as ONNX"):
        to_onnx(front_end(), network(front_end(), "emformer"))


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"ONNX needs onnxscript; run: .venv/bin/pip install onnxscript=="):
        to_onnx(front_end(), network(front_end(), "linear"))


def test_the_program_of_the_readme_says_the_phones(speech: Speech, tmp_path: Path) -> None:
    """It runs where only onnxruntime and soundfile are, on a real recording."""
    directory = tmp_path / "exp/prompts/neural"
    directory.mkdir(parents=True)
    front = front_end()
    save_model(directory, network(front, "conv-bilstm"), {"front_end": front.as_json(), "prior_scale": 0.2})
    options = [sys.executable, "-m", "stages.export_onnx", f"--model={directory}", f"--out={directory}/model.onnx"]
    done = subprocess.run(options, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == 1, done
    assert done.stdout.endswith(" MB: samples at 8000 Hz to log posteriors of 4 tokens\n")

    wav = max(speech.wavs.values(), key=lambda path: soundfile.info(path).frames)
    (tmp_path / "my.wav").write_bytes(wav.read_bytes())
    program = re.search(r"```python\n(import onnxruntime\n.*?)```", (PROJECT / "README.md").read_text(), re.S)[1]
    assert len([line for line in program.splitlines() if line]) <= 10
    alone = "import sys; sys.modules |= dict.fromkeys(('torch', 'pipeline', 'stages', 'lexicon', 'onnx'))\n"
    done = subprocess.run([sys.executable, "-c", alone + program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    system = load_system(directory)
    posteriors = system.posteriors(read_recording(wav, {front.raw}).feats(front))
    phones = [TOKENS[token] for token, _, _ in greedy(posteriors)]
    assert done.stdout.split() == phones and len(phones) > 3


def test_the_file_says_what_goes_in_and_out() -> None:
    front = front_end("fbank", 16000, splice=1, normalise="mean")
    model = network(front, "linear", 2)
    written = to_onnx(front, model)
    session = onnxruntime.InferenceSession(written)
    assert [(put.name, put.type, len(put.shape)) for put in session.get_inputs()] == [("samples", "tensor(float)", 1)]
    assert [(put.name, put.type, put.shape[1]) for put in session.get_outputs()] == [
        ("log_posteriors", "tensor(float)", len(TOKENS))
    ]
    about = session.get_modelmeta().custom_metadata_map
    np.testing.assert_allclose(np.exp([float(p) for p in about.pop("log_prior").split()]), [0.4, 0.3, 0.2, 0.1], 1e-6)
    assert about == {
        "sample_rate": "16000",
        "tokens": "<blk> AH B T",
        "frame_shift_ms": "20",
        "first_frame_ms": "12.5",
    }
    assert str(PROJECT).encode() not in written
    samples = with_pauses(40001)
    expected = model.log_posteriors(heard(samples, front))
    np.testing.assert_allclose(session.run(None, {"samples": samples})[0], expected, rtol=0, atol=1e-4)
