"""The same numbers as transformers, where it is installed (it is no dependency): small networks with random weights,
written to disk as it names them, which it must load without one parameter missing or left over."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.encoders.log_mel import log_mel
from pipeline.encoders.whisper import Whisper
from tests.helpers.encoders import (
    CONVOLUTIONS,
    SIZES,
    hugging_face_names,
    load,
    wav2vec_names,
    wav2vec_network,
    whisper_network,
    write_hugging_face,
    write_wav2vec,
)

transformers = pytest.importorskip("transformers")
SOUND = np.random.default_rng(5).normal(0, 0.1, 24_000).astype(np.float32)


def whisper_of_transformers():
    config = transformers.WhisperConfig(
        vocab_size=SIZES.tokens,
        num_mel_bins=SIZES.bins,
        d_model=SIZES.width,
        encoder_layers=SIZES.blocks,
        encoder_attention_heads=SIZES.heads,
        encoder_ffn_dim=4 * SIZES.width,
        decoder_layers=SIZES.text_blocks,
        decoder_attention_heads=SIZES.heads,
        decoder_ffn_dim=4 * SIZES.width,
        max_source_positions=SIZES.positions,
        max_target_positions=SIZES.text_positions,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    model = transformers.WhisperForConditionalGeneration(config).eval()
    names = hugging_face_names(whisper_network().state_dict())
    missing, unexpected = model.load_state_dict(names, strict=False)
    assert missing == ["proj_out.weight"] and not unexpected
    model.tie_weights()
    return model


def test_log_mel():
    extractor = transformers.WhisperFeatureExtractor()
    padded = np.pad(SOUND, (0, 480_000 - len(SOUND)))
    theirs = extractor(SOUND, sampling_rate=16_000, return_tensors="np")["input_features"][0]
    assert np.abs(log_mel(torch.from_numpy(padded), 80).numpy() - theirs).max() < 2e-5


def test_whisper(tmp_path):
    theirs, ours = whisper_of_transformers(), load(write_hugging_face(tmp_path))
    assert isinstance(ours, Whisper)
    mel = torch.randn(80, 2 * SIZES.positions, generator=torch.Generator().manual_seed(1))
    tokens = [1, 17, 250, 3, 99]
    with torch.inference_mode():
        layers = ours.model.encoder(mel, len(ours.layers))
        expected = theirs.model.encoder(mel[None], output_hidden_states=True).hidden_states
        for number in range(SIZES.blocks):
            assert (layers[number] - expected[number]).abs().max() < 1e-5
        assert (layers[-1] - expected[-1]).abs().max() < 1e-5
        logits = theirs(mel[None], decoder_input_ids=torch.tensor([tokens])).logits[0]
        memory, past = ours.model.decoder.remember(layers[-1]), [None] * SIZES.text_blocks
        for position, token in enumerate(tokens):
            assert (ours.model.decoder(token, position, past, memory) - logits[position]).abs().max() < 1e-5


@pytest.mark.parametrize("large", [False, True], ids=["base", "large"])
@pytest.mark.parametrize("kind", ["wav2vec2", "hubert", "wavlm"])
def test_wav2vec(tmp_path, kind, large):
    config_of, model_of = {
        "wav2vec2": (transformers.Wav2Vec2Config, transformers.Wav2Vec2ForCTC),
        "hubert": (transformers.HubertConfig, transformers.HubertForCTC),
        "wavlm": (transformers.WavLMConfig, transformers.WavLMForCTC),
    }[kind]
    letters = "-|abc"
    config = config_of(
        vocab_size=len(letters),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        conv_dim=[channels for channels, _, _ in CONVOLUTIONS],
        conv_kernel=[kernel for _, kernel, _ in CONVOLUTIONS],
        conv_stride=[stride for _, _, stride in CONVOLUTIONS],
        conv_bias=large,
        feat_extract_norm="layer" if large else "group",
        do_stable_layer_norm=large,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        **({"num_buckets": 32, "max_bucket_distance": 80} if kind == "wavlm" else {}),
    )
    theirs = model_of(config).eval()
    names = wav2vec_names(wav2vec_network(kind, large, len(letters)), kind)
    names = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): array
        for name, array in names.items()
    }
    missing, unexpected = theirs.load_state_dict(names, strict=False)
    assert missing == [name for name in missing if "masked_spec_embed" in name] and not unexpected

    ours = load(write_wav2vec(tmp_path, kind, large, letters))
    prepared = torch.from_numpy(np.asarray(ours.prepare(SOUND), np.float32))
    with torch.inference_mode():
        expected = theirs.base_model(prepared[None], output_hidden_states=True)
        found = ours.hear(prepared, len(ours.layers))
        letters_of = theirs.lm_head(expected.last_hidden_state)
    last = [layer[0] for layer in (*expected.hidden_states[:3], expected.last_hidden_state)]
    for mine, other in zip([*found[:3], found[-1]], last):
        assert (mine - other).abs().max() < 1e-5
    assert (ours.model.aux(found[-1]) - letters_of[0]).abs().max() < 1e-5
    if large:
        extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
        normed = extractor(SOUND, sampling_rate=16_000, return_tensors="np")["input_values"][0]
        assert np.abs(ours.prepare(SOUND) - normed).max() < 1e-5
