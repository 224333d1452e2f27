"""Encoders from outside: numbers by hand, layers by name, and when each frame is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lexicon.errors import UserError
from pipeline.encoders.encoder import SAMPLE_RATE, Encoder, plain_words, windows
from pipeline.encoders.log_mel import log_mel
from pipeline.encoders.whisper import Whisper, packed
from tests.helpers.encoders import (
    REAL,
    SIZES,
    load,
    wav2vec_network,
    whisper_network,
    write_ctranslate2,
    write_hugging_face,
    write_openai,
    write_wav2vec,
)

RANDOM = np.random.default_rng(11)
SOUND = RANDOM.normal(0, 0.1, 24_000).astype(np.float32)  # 1.5 s

LENGTH = round(1.4 * SAMPLE_RATE)  # samples of a sound with a click
MODELS = {
    "whisper": write_hugging_face,
    "wav2vec2": lambda folder: write_wav2vec(folder, "wav2vec2"),
    "hubert large": lambda folder: write_wav2vec(folder, "hubert", large=True),
    "wavlm": lambda folder: write_wav2vec(folder, "wavlm"),
    "wavlm large": lambda folder: write_wav2vec(folder, "wavlm", large=True),
}
if REAL.is_dir():
    MODELS["whisper-base"] = lambda folder: REAL


@pytest.fixture(params=list(MODELS), scope="module")
def encoder(request, tmp_path_factory) -> Encoder:
    return load(MODELS[request.param](tmp_path_factory.mktemp("model")))


def test_layers_are_named_and_shaped(encoder):
    every = encoder.encode(SOUND)
    assert encoder.layers[0] == "conv" and len(every) == len(encoder.layers)
    frames = encoder.num_frames(len(SOUND))
    assert all(layer.shape == (frames, encoder.width) and layer.dtype == np.float32 for layer in every)
    some = encoder.encode(SOUND, ["block2", "conv"])
    assert np.array_equal(some[0], every[2]) and np.array_equal(some[1], every[0])
    with pytest.raises(UserError, match='layer "block99": the encoder has none .* there are: conv block1'):
        encoder.encode(SOUND, ["block99"])


def directions(rows: np.ndarray) -> np.ndarray:
    """Rows (T, width) of length 1: in Whisper's upper layers one row in a hundred is ten times as long as the others,
    and changes whatever is heard."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("frame", [7, 30, 52])
def test_a_click_lands_in_its_frame_of_every_layer(encoder, frame):
    """Where a click changes a layer most, in several noises together, is where the encoder says that its frame is."""
    at = encoder.centres(64)[frame]
    assert at == pytest.approx(0.02 * frame + (0 if isinstance(encoder, Whisper) else 0.01246875))
    changed = np.zeros((len(encoder.layers), encoder.num_frames(LENGTH)))
    for seed in range(8):
        quiet = np.random.default_rng([frame, seed]).normal(0, 0.01, LENGTH).astype(np.float32)
        clicked = quiet.copy()
        clicked[round(at * SAMPLE_RATE)] += 0.2  # louder would change the loudness of the whole, by which some divide
        for layer, before, after in zip(changed, encoder.encode(quiet), encoder.encode(clicked)):
            layer += np.linalg.norm(directions(after) - directions(before), axis=1)
    assert dict(zip(encoder.layers, changed.argmax(1).tolist())) == dict.fromkeys(encoder.layers, frame)


def test_frames_lie_within_the_sound(encoder):
    for length in (400, 401, 719, 720, 8000, 16_123):
        centres = encoder.centres(encoder.num_frames(length))
        assert len(encoder.encode(SOUND[:length], ["conv"])[0]) == len(centres) >= 1
        assert centres[-1] < length / SAMPLE_RATE <= centres[-1] + 0.02 + 0.0125
    with pytest.raises(UserError, match="0.000 s of sound: too short for one frame"):
        encoder.encode(SOUND[:0])


def test_long_sound_is_heard_in_windows(encoder, monkeypatch):
    """The middle of a window does not depend on where it was cut, as far as attention lets it: of the convolutions all
    frames are the same."""
    whole = encoder.encode(SOUND, ["conv"])[0]
    monkeypatch.setattr(encoder, "longest", 40)
    cut = encoder.encode(SOUND, ["conv"])[0]
    assert cut.shape == whole.shape
    if isinstance(encoder, Whisper):  # each window has its own loudest bin, and counts positions from its own start
        position = encoder.model.encoder.positional_embedding.numpy()
        starts = [begin for first, last, begin, _ in windows(len(whole), 40, 100) for _ in range(first, last)]
        frames = np.arange(len(whole))
        cut = cut - position[frames - starts] + position[frames]
        assert np.abs(cut - whole).mean() < 0.05 * np.abs(whole).mean()


@pytest.mark.parametrize("total", [1, 40, 41, 99, 1000])
def test_windows_keep_every_frame_once(total):
    kept = []
    for first, last, begin, end in windows(total, 40, 5):
        assert 0 <= begin <= first < last <= end <= total and end - begin <= 40
        assert begin in (0, first - 5) and end in (total, last + 5)
        kept += range(first, last)
    assert kept == list(range(total))


def test_utterances_heard_together(tmp_path):
    """In their order, each of its own length; of the convolutions what it would be by itself, at another position."""
    ours = load(write_openai(tmp_path))
    sounds = [SOUND[: 1000 * length] for length in (9, 12, 3, 24, 24, 1)]
    found = list(ours.encode_together(sounds))
    assert [len(layers[0]) for layers in found] == [ours.num_frames(len(samples)) for samples in sounds]
    position = ours.model.encoder.positional_embedding.numpy()
    at = ours.num_frames(9000)
    alone = ours.encode(sounds[1], ["conv"])[0]
    moved = found[1][0] - position[at : at + len(alone)] + position[: len(alone)]
    assert np.abs(moved - alone)[1:-1].max() < 1e-5
    assert not np.allclose(found[1][-1], ours.encode(sounds[1])[-1], atol=1e-3)
    assert list(packed([30, 100, 20, 160, 10, 140, 1], 150)) == [(0, 3), (3, 4), (4, 6), (6, 7)]
    assert list(packed([], 150)) == []


def test_log_mel_by_hand():
    """Against numpy's FFT, frame by frame, and Slaney's triangles written out."""
    sound = SOUND[:4000].astype(np.float64)
    padded = np.pad(sound, 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.stack([padded[160 * i : 160 * i + 400] * window for i in range(25)])
    power = np.abs(np.fft.rfft(frames)) ** 2

    def hertz(mel: float) -> float:  # linear up to 1 kHz, then 27 steps for each factor of 6.4
        return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)

    top = 15 + 27 * math.log(8) / math.log(6.4)
    edges = np.array([hertz(mel) for mel in np.linspace(0, top, 82)])
    bins = np.arange(201) * 40.0
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])
    log = np.log10(np.maximum(power @ triangles, 1e-10))
    expected = (np.maximum(log, log.max() - 8) + 4) / 4
    assert np.abs(log_mel(torch.from_numpy(SOUND[:4000]), 80).numpy().T - expected).max() < 1e-4


def normed(x: np.ndarray, state: dict, name: str) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def attended(queries: np.ndarray, sound: np.ndarray, state: dict, name: str, causal: bool = False) -> np.ndarray:
    """Attention of Vaswani et al. 2017, head by head."""
    q = queries @ state[f"{name}.query.weight"].T + state[f"{name}.query.bias"]
    k = sound @ state[f"{name}.key.weight"].T
    v = sound @ state[f"{name}.value.weight"].T + state[f"{name}.value.bias"]
    heads, size = [], q.shape[1] // SIZES.heads
    for head in range(SIZES.heads):
        part = slice(size * head, size * (head + 1))
        scores = q[:, part] @ k[:, part].T / math.sqrt(size)
        if causal:
            scores[np.triu_indices(len(q), 1)] = -np.inf
        weights = np.exp(scores - scores.max(1, keepdims=True))
        heads.append(weights / weights.sum(1, keepdims=True) @ v[:, part])
    return np.concatenate(heads, 1) @ state[f"{name}.out.weight"].T + state[f"{name}.out.bias"]


gelu = np.vectorize(lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))))


def forward(x: np.ndarray, state: dict, block: str, sound: np.ndarray | None = None) -> np.ndarray:
    y = normed(x, state, f"{block}.attn_ln")
    x = x + attended(y, y, state, f"{block}.attn", causal=sound is not None)
    if sound is not None:
        x = x + attended(normed(x, state, f"{block}.cross_attn_ln"), sound, state, f"{block}.cross_attn")
    hidden = normed(x, state, f"{block}.mlp_ln") @ state[f"{block}.mlp.0.weight"].T + state[f"{block}.mlp.0.bias"]
    return x + gelu(hidden) @ state[f"{block}.mlp.2.weight"].T + state[f"{block}.mlp.2.bias"]


def convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """x (T, channels), three frames at a time."""
    padded = np.pad(x, ((1, 1), (0, 0)))
    return np.stack([np.einsum("kc,ock->o", padded[at : at + 3], weight) + bias for at in range(0, len(x), stride)])


def test_whisper_by_hand(tmp_path):
    """Encoder and decoder in numpy, all tokens at once with a mask: the network feeds them one by one."""
    ours = load(write_openai(tmp_path))
    assert isinstance(ours, Whisper) and ours.model.decoder
    state = {name: array.numpy().astype(np.float64) for name, array in whisper_network().state_dict().items()}
    mel = RANDOM.normal(0, 1, (80, 24))
    x = gelu(convolved(mel.T, state["encoder.conv1.weight"], state["encoder.conv1.bias"], 1))
    x = gelu(convolved(x, state["encoder.conv2.weight"], state["encoder.conv2.bias"], 2))
    layers = [x + state["encoder.positional_embedding"][:12]]
    for number in range(SIZES.blocks):
        layers.append(forward(layers[-1], state, f"encoder.blocks.{number}"))
    layers.append(normed(layers[-1], state, "encoder.ln_post"))
    tokens = [5, 250, 17, 17, 3]
    y = state["decoder.token_embedding.weight"][tokens] + state["decoder.positional_embedding"][:5]
    for number in range(SIZES.text_blocks):
        y = forward(y, state, f"decoder.blocks.{number}", layers[-1])
    logits = normed(y, state, "decoder.ln") @ state["decoder.token_embedding.weight"].T
    with torch.inference_mode():
        found = ours.model.encoder(torch.from_numpy(mel.astype(np.float32)), len(layers))
        for mine, expected in zip(found, layers):
            assert np.abs(mine[0].numpy() - expected).max() < 1e-5
        memory, past = ours.model.decoder.remember(found[-1]), [None] * SIZES.text_blocks
        for position, token in enumerate(tokens):
            mine = ours.model.decoder(token, position, past, memory).numpy()
            assert np.abs(mine - logits[position]).max() < 1e-5


@pytest.mark.parametrize("large", [False, True], ids=["base", "large"])
@pytest.mark.parametrize("kind", ["wav2vec2", "hubert", "wavlm"])
def test_wav2vec_is_torchaudios(tmp_path, kind, large):
    """From Hugging Face's names to what torchaudio's own network gives, layers and letters."""
    ours, theirs = load(write_wav2vec(tmp_path, kind, large, "-|ab")), wav2vec_network(kind, large, 4)
    prepared = np.asarray(ours.prepare(SOUND), np.float32)
    if large:
        assert prepared.mean() == pytest.approx(0, abs=1e-6) and prepared.std() == pytest.approx(1, abs=1e-4)
    with torch.inference_mode():
        expected, _ = theirs.extract_features(torch.from_numpy(prepared)[None])
        outputs, _ = theirs(torch.from_numpy(prepared)[None])
    found = ours.encode(SOUND)
    assert ours.layers == ("conv", "block1", "block2", "block3", *(["norm"] if large else []))
    for mine, other in zip(found[1:4], expected):
        assert np.abs(mine - other[0].numpy()).max() < 1e-5
    written = ""
    for before, one in zip([None, *outputs[0].argmax(1).tolist()], outputs[0].argmax(1).tolist()):
        written += "" if one == before or one == 0 else "-|ab"[one]
    assert ours.words(SOUND) == written.replace("|", " ").strip()


def test_formats_hold_the_same(tmp_path):
    """Hugging Face's, OpenAI's and CTranslate2's file of one network."""
    found = [
        load(write(tmp_path / write.__name__)).encode(SOUND)
        for write in (write_openai, write_hugging_face, write_ctranslate2)
    ]
    for others in found[1:]:
        assert all(np.array_equal(mine, other) for mine, other in zip(found[0], others))


@pytest.mark.parametrize("write", [write_openai, write_wav2vec])
def test_controls(tmp_path, write):
    write(tmp_path)
    trained, random, shuffled = (load(tmp_path, control) for control in ("", "random", "shuffled"))
    again = load(tmp_path, "random"), load(tmp_path, "shuffled")
    for control, same in zip((random, shuffled), again):
        assert np.array_equal(control.encode(SOUND)[-1], same.encode(SOUND)[-1])
        assert not np.allclose(control.encode(SOUND)[-1], trained.encode(SOUND)[-1], atol=0.1)
    learnt, fresh, mixed = (encoder.model.state_dict() for encoder in (trained, random, shuffled))
    for name, _ in trained.model.named_parameters():
        assert torch.equal(learnt[name].ravel().sort()[0], mixed[name].ravel().sort()[0])
        if learnt[name].numel() > 100:
            assert not torch.equal(learnt[name], mixed[name]) and not torch.equal(learnt[name], fresh[name])
    if "encoder.positional_embedding" in learnt:
        assert torch.equal(learnt["encoder.positional_embedding"], mixed["encoder.positional_embedding"])


def test_plain_words():
    assert plain_words(" I’ve 2 ice-creams, don't I? Über…") == ["I'VE", "2", "ICE", "CREAMS", "DON'T", "I", "ÜBER"]
