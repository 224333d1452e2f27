"""Audio as people bring it: every sample of a file is read, whatever its header claims, or one line says what is
missing."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bring import RATE, noise
from lexicon.errors import UserError
from pipeline.corpora.prepared import measure, unmeasured
from pipeline.datadir.check import Check
from pipeline.datadir.write import write_datadir
from pipeline.sound.audio import Cut, audio_info, read_audio, resampled_length
from pipeline.sound.containers import _after_metadata

N = 3 * RATE  # samples of the recordings below
SOUND = noise(3)
PCM = np.round(SOUND * 32767).astype("<i2")
MP3_FRAME = 576  # samples, of MPEG 2 and 2.5
MP3_DELAY = 529  # of every decoder: these come before the first sample and are not given


def encoded(samples: np.ndarray = SOUND, rate: int = RATE, **kind: str) -> bytes:
    """A file of the samples, as libsndfile writes it."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, **kind)
    return stream.getvalue()


def wav(
    data: bytes = PCM.tobytes(),
    length: int | None = None,
    form: int = 1,
    bits: int = 16,
    channels: int = 1,
    riff: int | None = None,
    tail: bytes = b"",
    order: str = "<",
) -> bytes:
    """A WAV file by hand."""
    length = len(data) if length is None else length
    width = channels * bits // 8
    head = struct.pack(f"{order}HHIIHH", form, channels, RATE, RATE * width, width, bits)
    body = b"WAVEfmt " + struct.pack(f"{order}I", 16) + head + b"data" + struct.pack(f"{order}I", length) + data + tail
    return (b"RIFF" if order == "<" else b"RIFX") + struct.pack(f"{order}I", len(body) if riff is None else riff) + body


def mp3(**kind: str) -> bytes:
    return encoded(format="MP3", **kind)


def mp3_frames(data: bytes) -> list[bytes]:
    """Its frames; 8 kHz, MPEG 2.5: 72 * bits a second / 8000 bytes, and no padding at this rate."""
    kbps, frames = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160), []
    while data:
        length = 9 * kbps[data[2] >> 4]
        frames.append(data[:length])
        data = data[length:]
    return frames


def no_xing(data: bytes) -> bytes:
    return data[len(mp3_frames(data)[0]) :]


def of_frames(data: bytes, parts: int = 1) -> int:
    """What an MP3 without Xing frame holds."""
    return len(mp3_frames(data)) * MP3_FRAME - parts * MP3_DELAY


def flac_of_unknown_length(keep_sum: bool = True) -> bytes:
    data = bytearray(encoded(format="FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    data[26:42] = data[26:42] if keep_sum else bytes(16)
    return bytes(data)


def joined_frames(first: bytes, second: bytes) -> bytes:
    """A FLAC file and the frames of another behind it, as ffmpeg's `concat` copies them."""
    return first + second[_after_metadata(second, 0) :]


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def with_chunk(data: bytes, name: bytes, contents: bytes) -> bytes:
    return data + name + struct.pack("<I", len(contents)) + contents


def rf64(data_length: int) -> bytes:
    """As ffmpeg writes it to a pipe: no length known."""
    data = bytearray(encoded(format="RF64", subtype="PCM_16"))
    struct.pack_into("<QQQ", data, 20, data_length, data_length, data_length)
    return bytes(data)


def w64(length: int) -> bytes:
    data = bytearray(encoded(format="W64", subtype="PCM_16"))
    struct.pack_into("<Q", data, data.index(b"data\xf3") + 16, length)
    return bytes(data)


XING, QUIET = mp3(), encoded(np.concatenate([0 * SOUND, SOUND]), format="MP3", bitrate_mode="VARIABLE")
VORBIS, OPUS = (encoded(format="OGG", subtype=kind) for kind in ("VORBIS", "OPUS"))
ID3 = b"ID3\4\0\0\0\0\1\0" + b"\xff\xfb" * 64  # 128 bytes that look like frames

WHOLE = {  # name: the file and its number of samples
    "mp3": (XING, N),
    "mp3 without Xing": (no_xing(XING), of_frames(no_xing(XING))),
    "mp3 of variable rate without Xing": (no_xing(QUIET), of_frames(no_xing(QUIET))),
    "mp3 twice": (XING + XING, 2 * N),
    "mp3 thrice without Xing": (3 * no_xing(XING), 3 * of_frames(no_xing(XING)) + 2 * MP3_DELAY),
    "mp3, then one without Xing": (XING + no_xing(XING), N + of_frames(no_xing(XING))),
    "mp3 with tags": (ID3 + XING + b"TAG" + bytes(125), N),
    "mp3 without Xing, with tags between": (ID3 + no_xing(XING) + ID3 + no_xing(XING), 2 * of_frames(no_xing(XING))),
    "mp3 in a wav": (wav(no_xing(XING), form=0x55), of_frames(no_xing(XING))),
    "vorbis": (VORBIS, N),
    "vorbis twice": (VORBIS + VORBIS, 2 * N),
    "opus twice": (OPUS + OPUS, 2 * N),
    "vorbis thrice and opus": (3 * VORBIS + OPUS, 4 * N),
    "gsm": (encoded(format="WAV", subtype="GSM610"), N),
    "g721": (encoded(format="WAV", subtype="G721_32"), -(-N // 120) * 120),
    "ms adpcm": (encoded(format="WAV", subtype="MS_ADPCM"), None),
    "ffmpeg's pipe": (wav(length=0xFFFFFFFF, riff=0xFFFFFFFF), N),
    "sox's pipe": (wav(length=0x7FFFF000, riff=0x7FFFF024), N),
    "kaldi's pipe": (wav(length=0, riff=0), N),
    "a pipe, less its header": (wav(length=0x7FFFFFFF - 36, riff=0x7FFFFFFF), N),
    "a pipe, big-endian": (wav(PCM.byteswap().tobytes(), length=0, order=">"), N),
    "a pipe cut within a sample": (wav(PCM.tobytes() + b"\1", length=0xFFFFFFFF), N),
    "a pipe of 24 bits": (
        encoded(format="WAV", subtype="PCM_24").replace(
            b"data" + struct.pack("<I", 3 * N), b"data" + struct.pack("<I", 0xFFFFFFFF)
        ),
        N,
    ),
    "rf64": (encoded(format="RF64", subtype="PCM_16"), N),
    "rf64 from a pipe": (rf64(0), N),
    "rf64 from a pipe, -1": (rf64((1 << 64) - 1), N),
    "w64": (encoded(format="W64", subtype="PCM_16"), N),
    "w64 from a pipe": (w64((1 << 63) - 1), N),
    "flac of unknown length": (flac_of_unknown_length(), N),
    "flac of unknown length and sum": (flac_of_unknown_length(keep_sum=False), N),
    "flac behind a tag": (ID3 + encoded(format="FLAC"), N),
    "flac of unknown length behind a tag": (ID3 + flac_of_unknown_length(), N),
    "24 bits": (encoded(format="WAV", subtype="PCM_24"), N),
    "mu-law": (encoded(format="WAV", subtype="ULAW"), N),
    "extensible": (encoded(format="WAVEX", subtype="PCM_16"), N),
    "chunks after the samples": (with_chunk(with_chunk(wav(), b"LIST", b"abc\0"), b"id3 ", b"x"), N),
    "an odd chunk after odd samples": (with_chunk(wav(bytes(501), bits=8), b"LIST", b"odd\0"), 501),
    "zeros after the samples": (wav(tail=bytes(999)), N),
    "aiff": (encoded(format="AIFF", subtype="PCM_16"), N),
    "sphere": (encoded(format="NIST", subtype="PCM_16"), N),
}


@pytest.mark.parametrize("name", WHOLE)
def test_all_samples_are_read(tmp_path, name):
    """As many as were written, as audio_info says, the same ones as in pieces."""
    data, expected = WHOLE[name]
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    info, samples = audio_info(path), read_audio(path, audio_info(path).sample_rate)
    if expected is None:
        with soundfile.SoundFile(path) as file:
            expected = len(file.read())
    assert info.num_samples == len(samples) == expected
    assert len(read_audio(path, 16000)) == resampled_length(expected, info.sample_rate, 16000)
    late = Cut(0.6 * expected / info.sample_rate, 0.9 * expected / info.sample_rate)
    first, last = late.samples(info)
    assert np.abs(read_audio(path, info.sample_rate, late) - samples[first:last]).max(initial=0) < 2e-3


@pytest.mark.parametrize(
    "name,expected",
    [
        (name, PCM / 32768)
        for name in (
            "ffmpeg's pipe",
            "sox's pipe",
            "kaldi's pipe",
            "a pipe, big-endian",
            "flac of unknown length",
            "chunks after the samples",
        )
    ],
)
def test_the_samples_are_those_that_were_written(tmp_path, name, expected):
    (tmp_path / "a.wav").write_bytes(WHOLE[name][0])
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", RATE), expected, atol=2 / 32768)


@pytest.mark.parametrize("name,begins", [("mp3 twice", N), ("vorbis twice", N), ("mp3, then one without Xing", N)])
def test_the_second_recording_is_where_the_first_ends(tmp_path, name, begins):
    (tmp_path / "a").write_bytes(WHOLE[name][0])
    samples = read_audio(tmp_path / "a", RATE)
    likeness = np.correlate(samples[begins : begins + N], SOUND[2000:12000])
    where = 2000 + (0 if name != "mp3, then one without Xing" else 576)  # the encoder's delay, which Xing tells of
    assert abs(int(likeness.argmax()) - where) < 2 and likeness.max() > 0.6 * (SOUND[2000:12000] ** 2).sum()


def sphere(coding: bytes, data: bytes = PCM.tobytes()) -> bytes:
    fields = (
        b"NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i %d\nsample_rate -i 8000\nsample_n_bytes -i 2\n"
        b"sample_byte_format -s2 01\nsample_coding -s%d %s\nend_head\n" % (N, len(coding), coding)
    )
    return fields.ljust(1024) + data


def stereo(right: np.ndarray, **kind: str) -> bytes:
    return encoded(np.column_stack([SOUND, right]), **{"format": "WAV", **kind})


MISSING = {  # name: the file and what the message must name
    "mp3 cut short": (half(XING), "frames"),
    "the second mp3 cut short": (XING + half(XING), "frames"),
    "mp3 without Xing cut short": (no_xing(XING)[:-5], "last frame"),
    "mp3 with a hole": (XING[:3000] + b"?" * 700 + XING[3000:], "frames"),
    "mp3 of two rates": (XING + encoded(rate=16000, format="MP3"), "16000"),
    "vorbis cut short": (half(VORBIS), "page"),
    "opus cut short": (half(OPUS), "page"),
    "the second vorbis cut short": (VORBIS + half(VORBIS), "page"),
    "ogg of two rates": (VORBIS + encoded(rate=16000, format="OGG", subtype="VORBIS"), "16000"),
    "wav cut short": (half(wav()), "bytes"),
    "gsm cut short": (half(WHOLE["gsm"][0]), "bytes"),
    "rf64 cut short": (half(WHOLE["rf64"][0]), "bytes"),
    "w64 cut short": (half(WHOLE["w64"][0]), "bytes"),
    "aiff cut short": (half(WHOLE["aiff"][0]), "bytes"),
    "sphere cut short": (half(WHOLE["sphere"][0]), "bytes"),
    "au cut short": (half(encoded(format="AU", subtype="PCM_16")), "bytes"),
    "flac cut short": (half(encoded(format="FLAC")), "truncated"),
    "flac of unknown length cut short": (half(flac_of_unknown_length()), "truncated"),
    "two flacs": (2 * encoded(format="FLAC"), "second FLAC"),
    "two flacs behind a tag": (ID3 + 2 * encoded(format="FLAC"), "second FLAC"),
    "the frames of two flacs": (joined_frames(*2 * [encoded(format="FLAC")]), "second FLAC"),
    "the frames of two flacs in stereo": (
        joined_frames(stereo(SOUND, format="FLAC"), stereo(noise(3, 1), format="FLAC")),
        "second FLAC",
    ),
    "two wavs": (wav() + wav(), "joined"),
    "wav with too short a length": (wav(length=N), "header"),
    "wav header alone": (wav()[:44].replace(struct.pack("<I", 2 * N), bytes(4)), "0 samples"),
    "float in the range of int16": (encoded(SOUND * 32768, format="WAV", subtype="FLOAT"), "32768"),
    "double in the range of 24 bits": (encoded(SOUND * (1 << 23), format="WAV", subtype="DOUBLE"), "8388608"),
    "antiphase": (stereo(-SOUND), "cancel"),
    "nearly antiphase": (stereo(-SOUND + noise(3, 1) / 50), "cancel"),
    "antiphase, flac": (stereo(-SOUND, format="FLAC"), "cancel"),
    "shorten": (sphere(b"pcm,embedded-shorten-v2.00"), "sph2pipe"),
    "not finite": (encoded(np.full(N, np.inf), format="WAV", subtype="FLOAT"), "finite"),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_or_odd_is_named(tmp_path, name):
    data, cause = MISSING[name]
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(UserError) as error:
        read_audio(tmp_path / "a.wav", RATE)
    assert str(error.value).startswith(f"{tmp_path}/a.wav: ") and cause in str(error.value).replace("MP3", "mp3")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "data,expected",
    [
        (encoded(SOUND * 10, format="WAV", subtype="FLOAT"), SOUND * 10),  # louder than full scale: not clipped
        (stereo(SOUND), PCM / 32768),
        (stereo(0 * SOUND), PCM / 65536),
        (stereo(-SOUND / 2), PCM / 131072),  # a part is left, and is heard
        (encoded(np.zeros((N, 2)), format="WAV"), np.zeros(N)),  # silence is silence
    ],
)
def test_channels_and_scale(tmp_path, data, expected):
    (tmp_path / "a.wav").write_bytes(data)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", RATE), expected, atol=2 / 32768)


def test_the_lengths_of_the_data_stage_are_those_of_make_check(tmp_path):
    """Of every file above at 8 kHz."""
    utterances = []
    for number, (data, _) in enumerate(WHOLE.values()):
        path = tmp_path / f"{number:02}.wav"
        path.write_bytes(data)
        utterances.append(unmeasured(f"s-{number:02}", "s", path, ["A"]))
    prepared = measure({"train": utterances})
    assert not prepared.unreadable and prepared.sample_rate == RATE
    write_datadir(tmp_path / "train", prepared.sets["train"])
    assert not [str(problem) for problem in Check(tmp_path / "train").problems() if not problem.remark]
    for utterance in prepared.sets["train"]:
        assert len(read_audio(Path(utterance.wav), RATE)) == utterance.num_samples
