"""Features against Kaldi's own code (kaldi-native-fbank) and Kaldi's definitions written out as loops."""

from __future__ import annotations

import kaldi_native_fbank
import numpy as np
import pytest
from helpers.features import as_it_is

from lexicon.errors import UserError
from pipeline.datadir.feats import Features, check_dimension
from pipeline.sound.front_end import SpeakerStats, add_deltas, splice
from pipeline.sound.mfcc import mfcc
from pipeline.times.clock import frame_to_seconds


def kaldi_mfcc(samples: np.ndarray, rate: int) -> np.ndarray:
    """(T, 13) by kaldi-native-fbank."""
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq, options.frame_opts.dither = rate, 0.0
    options.num_ceps, options.use_energy, options.mel_opts.num_bins = 13, False, 23
    computer = kaldi_native_fbank.OnlineMfcc(options)
    computer.accept_waveform(rate, (samples * 32768).tolist())
    computer.input_finished()
    return np.array([computer.get_frame(t) for t in range(computer.num_frames_ready)])


def kaldi_deltas(feats: np.ndarray, order: int = 2, window: int = 2) -> np.ndarray:
    """Kaldi's ComputeDeltas (feat/feature-functions.cc), frame by frame.

    scales[i] is scales[i-1] convolved with (-2 -1 0 1 2) / 10; frame t + j is clamped to the utterance.
    """
    scales = [[1.0]]
    normaliser = sum(j * j for j in range(-window, window + 1))
    for _ in range(order):
        before = scales[-1]
        now = [0.0] * (len(before) + 2 * window)
        for j in range(-window, window + 1):
            for k, value in enumerate(before):
                now[j + window + k] += j * value / normaliser
        scales.append(now)
    rows = []
    for t in range(len(feats)):
        row = []
        for taps in scales:
            reach = (len(taps) - 1) // 2
            block = np.zeros(feats.shape[1])
            for j in range(-reach, reach + 1):
                block += taps[j + reach] * feats[min(max(t + j, 0), len(feats) - 1)].astype(np.float64)
            row.append(block)
        rows.append(np.concatenate(row))
    return np.array(rows)


def test_mfcc_equal_kaldis_on_real_speech(speech):
    for samples in list(speech.samples.values())[:8]:
        ours, kaldis = mfcc(samples, 8000), kaldi_mfcc(samples, 8000)
        assert ours.dtype == np.float32 and ours.shape == kaldis.shape
        assert len(ours) == 1 + (len(samples) - 200) // 80
        np.testing.assert_allclose(ours, kaldis, atol=1e-3)


def test_mfcc_equal_kaldis_at_16_khz():
    rng = np.random.default_rng(0)
    samples = (0.1 * rng.normal(size=8000) * np.hanning(8000)).astype(np.float32)
    np.testing.assert_allclose(mfcc(samples, 16000), kaldi_mfcc(samples, 16000), atol=1e-3)


@pytest.mark.parametrize("length,frames", [(0, 0), (1, 0), (199, 0), (200, 1), (279, 1), (280, 2)])
def test_short_audio_has_the_frames_that_fit(length, frames):
    samples = np.random.default_rng(1).normal(size=length).astype(np.float32) / 10
    assert mfcc(samples, 8000).shape == (frames, 13)
    assert len(kaldi_mfcc(samples, 8000)) == frames


def test_digital_silence_is_finite():
    assert np.isfinite(add_deltas(mfcc(np.zeros(800), 8000))).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 9, 40])
def test_deltas_equal_kaldis_at_the_edges_too(frames, speech):
    static = mfcc(next(iter(speech.samples.values())), 8000)[:frames]
    with_deltas = add_deltas(static)
    assert with_deltas.shape == (frames, 39) and with_deltas.dtype == np.float32
    np.testing.assert_allclose(with_deltas, kaldi_deltas(static), atol=1e-4)


def test_deltas_by_hand():
    # A ramp of slope 1: the derivative is 1 inside; at the edge (0 + 0 + 1 * 1 + 2 * 2) / 10 = 0.5.
    ramp = add_deltas(np.arange(10.0)[:, None])
    assert ramp[:, 1].tolist() == pytest.approx([0.5, 0.8, *[1.0] * 6, 0.8, 0.5])
    assert ramp[4:6, 2].tolist() == pytest.approx([0.0, 0.0], abs=1e-7)


def test_normalisation_per_speaker_over_several_utterances():
    rng = np.random.default_rng(2)
    utterances = [rng.normal(5, 3, (n, 13)) for n in (7, 20, 3)]
    stats = SpeakerStats(13)
    for x in utterances:
        stats.add(x)
    everything = np.concatenate(utterances)
    means_only = np.concatenate([stats.normalise(x, variance=False) for x in utterances])
    np.testing.assert_allclose(means_only, everything - everything.mean(0), atol=1e-9)
    both = np.concatenate([stats.normalise(x, variance=True) for x in utterances])
    np.testing.assert_allclose(both.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(both.std(0), 1, atol=1e-9)
    constant = SpeakerStats(13)
    constant.add(np.full((4, 13), 7.0))
    assert not constant.normalise(np.full((4, 13), 7.0), variance=True).any()  # 0, and not 0 / 0


def test_a_boundary_lies_between_the_centres_of_its_frames():
    # Windows of 25 ms every 10 ms: frame 0 is centred on 12.5 ms, frame 1 on 22.5 ms; between them lies 17.5 ms.
    assert frame_to_seconds(1) == pytest.approx(0.0175)
    assert frame_to_seconds(np.array([0, 100])).tolist() == pytest.approx([0.0075, 1.0075])


def test_splice_repeats_the_edges():
    x = np.array([[1, 10], [2, 20], [3, 30]])
    assert splice(x, 1).tolist() == [[1, 10, 1, 10, 2, 20], [1, 10, 2, 20, 3, 30], [2, 20, 3, 30, 3, 30]]
    assert splice(x[:1], 2).tolist() == [[1, 10] * 5]


def test_wrong_features_are_named(tmp_path):
    with pytest.raises(UserError, match=r"exp/gmm: features of shape \(5, 13\), the model wants \(frames, 39\)"):
        check_dimension(np.zeros((5, 13)), 39, "exp/gmm")
    for shape in ((0, 39), (39,)):
        with pytest.raises(UserError):
            check_dimension(np.zeros(shape), 39, "exp/gmm")
    with pytest.raises(UserError, match="feats.scp: no such index"):
        Features(tmp_path, as_it_is())
