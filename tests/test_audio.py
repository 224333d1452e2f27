"""Audio files: what is read, converted and refused. Of tones the answer is known beforehand."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile
import torch
import torchaudio

from lexicon.errors import UserError
from pipeline.sound.audio import audio_info, read_audio, resampled_length


def tone(frequency: float, rate: int, seconds: float = 0.5, amplitude: float = 0.5) -> np.ndarray:
    """(num_samples,) float32 sine."""
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def level(samples: np.ndarray, frequency: float, rate: int) -> float:
    """Amplitude of a sine of ``frequency`` in the middle of ``samples`` (one bin of a Fourier transform)."""
    middle = samples[len(samples) // 4 :][: rate // 10]
    turns = np.exp(-2j * np.pi * frequency * np.arange(len(middle)) / rate)
    return 2 * abs(turns @ middle) / len(middle)


def test_same_rate_is_read_unchanged(tmp_path):
    values = np.array([0, 1, -1, 32767, -32768], dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", values, 8000)
    samples = read_audio(tmp_path / "a.wav", 8000)
    assert samples.dtype == np.float32
    assert samples.tolist() == [0, 1 / 32768, -1 / 32768, 32767 / 32768, -1]
    assert audio_info(tmp_path / "a.wav") == (8000, 5, 1)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "ULAW"])
def test_every_sample_format_gives_the_same_tone(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", tone(400, 8000), 8000, subtype=subtype)
    assert np.abs(read_audio(tmp_path / "a.wav", 8000) - tone(400, 8000)).max() < 0.02


def test_44100_hz_stereo_becomes_8000_hz_mono(tmp_path):
    left, right = tone(1000, 44100, amplitude=0.6), tone(1000, 44100, amplitude=0.2)
    soundfile.write(tmp_path / "cd.wav", np.stack([left, right], axis=1), 44100)
    samples = read_audio(tmp_path / "cd.wav", 8000)
    assert audio_info(tmp_path / "cd.wav") == (44100, 22050, 2)
    assert samples.shape == (4000,) == (resampled_length(22050, 44100, 8000),)
    assert level(samples, 1000, 8000) == pytest.approx(0.4, abs=0.004)  # the mean of both channels


def test_resampling_is_band_limited(tmp_path):
    """A tone of 5 kHz does not fit 8 kHz; plain decimation would fold it to 3 kHz."""
    soundfile.write(tmp_path / "high.wav", tone(5000, 16000), 16000)
    assert level(read_audio(tmp_path / "high.wav", 8000), 3000, 8000) < 0.002


def test_resampling_agrees_with_torchaudio(tmp_path):
    speechlike = sum(tone(f, 22050, amplitude=0.15) for f in (150, 620, 1800, 2900))
    soundfile.write(tmp_path / "a.wav", speechlike, 22050, subtype="FLOAT")
    ours = read_audio(tmp_path / "a.wav", 8000)
    theirs = torchaudio.functional.resample(torch.from_numpy(speechlike), 22050, 8000, lowpass_filter_width=64).numpy()
    assert len(ours) == len(theirs)
    assert np.abs(ours - theirs)[200:-200].max() < 0.005


@pytest.mark.parametrize("num_samples,from_rate,to_rate", [(1, 8000, 16000), (1001, 44100, 8000), (7, 48000, 8000)])
def test_resampled_length_is_what_comes_out(tmp_path, num_samples, from_rate, to_rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(num_samples), from_rate)
    assert len(read_audio(tmp_path / "a.wav", to_rate)) == resampled_length(num_samples, from_rate, to_rate)


def test_other_chunks_before_the_samples_are_skipped(tmp_path):
    """A chunk of odd length is padded to an even one; a reader that forgets it finds no samples."""
    soundfile.write(tmp_path / "a.wav", tone(400, 8000), 8000)
    plain = (tmp_path / "a.wav").read_bytes()
    noted = plain[:36] + b"note" + struct.pack("<I", 3) + b"abc\0" + plain[36:]
    (tmp_path / "b.wav").write_bytes(noted[:4] + struct.pack("<I", len(noted) - 8) + noted[8:])
    assert np.array_equal(read_audio(tmp_path / "b.wav", 8000), read_audio(tmp_path / "a.wav", 8000))


def wav_bytes(tmp_path, samples=np.zeros(800), rate: int = 8000, **options) -> bytes:
    soundfile.write(tmp_path / "whole.wav", samples, rate, **options)
    return (tmp_path / "whole.wav").read_bytes()


@pytest.mark.parametrize(
    "damage,message",
    [
        (lambda data: b"", "0 bytes"),
        (lambda data: b"no sound at all", "not a WAV file"),
        (lambda data: data[:-100], "truncated, 1500 of 1600 bytes of samples"),
        (lambda data: data[:30], "truncated"),
        (lambda data: data[:44][:40] + struct.pack("<I", 0), "0 samples"),
        (lambda data: data[:24] + struct.pack("<I", 7) + data[28:], "a sample rate of 7 Hz"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path, damage, message):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(damage(wav_bytes(tmp_path)))
    for read in (audio_info, lambda path: read_audio(path, 8000)):
        with pytest.raises(UserError) as error:
            read(bad)
        assert str(error.value).startswith(f"{bad}: {message}")
        assert "\n" not in str(error.value) and ";" in str(error.value)


def test_missing_and_not_finite(tmp_path):
    with pytest.raises(UserError, match="no such audio file"):
        read_audio(tmp_path / "absent.wav", 8000)
    bad = tmp_path / "nan.wav"
    bad.write_bytes(wav_bytes(tmp_path, np.array([0, np.nan, 1]), subtype="FLOAT"))
    with pytest.raises(UserError, match="not finite"):
        read_audio(bad, 8000)


def test_a_truncated_flac_is_not_shortened_in_silence(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16000)
    soundfile.write(tmp_path / "a.flac", noise, 8000)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match="a.flac"):
        read_audio(tmp_path / "a.flac", 8000)
