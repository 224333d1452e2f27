"""What one hears, and what the features keep of it."""

from __future__ import annotations

import numpy as np

from pipeline.draw.chart import MARGIN, fit, frame_rulers, numbers, pad, rulers, shaded, table, waveform, wrap
from pipeline.draw.spectrogram import spectrogram
from pipeline.show.place import Place, Shown
from pipeline.sound.audio import audio_info
from pipeline.sound.mfcc import NUM_CEPS
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS, frame_to_seconds

BANDS = 8  # rows of the spectrogram
FEW = 8  # values shown of many
LOUDEST = 10  # of so many ms
SPREAD = 2.0  # standard deviations from white to black and from black to white
# What the lowest cepstra follow, where a higher value means more of it.
MEANINGS = {
    0: "how loud it is: the sum over all bands",
    1: "low bands against high ones: vowels +, s and sh -",
    2: "both ends against the middle",
}


def data(place: Place) -> Shown:
    """The recording as samples, and the lines that the data directory has of it."""
    samples, rate = place.samples, place.rate
    peak = max(float(np.abs(samples).max()), 1e-4)
    loudest = int(np.abs(samples).argmax())
    rms = 20 * np.log10(max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), 1e-6))
    lines = [place.title("data: a recording and its words"), ""]
    lines += wrap("in", [_file(place)])
    lines += wrap(
        "out",
        [
            f"samples {samples.shape} {samples.dtype}, in [-1, 1] (full scale 1), mono, {rate} Hz:",
            f"{len(samples) / rate:.3f} s, one value every {1000 / rate:.4g} ms",
        ],
    )
    lines += wrap(
        "level",
        [f"{rms:.1f} dBFS on average (RMS; 0 is full scale), the highest value {peak:.3f} at {loudest / rate:.3f} s"],
    )
    begin = max(min(loudest - FEW // 2, len(samples) - FEW), 0)
    lines += wrap("values", [*numbers(samples[begin : begin + FEW], 4), f"from {begin / rate:.4f} s on"])
    lines += [*_tables(place), ""]
    phones, by_whom = place.reference("phones")
    words, _ = place.reference("words")
    darkness = spectrogram(samples, rate)  # (128, columns), highest frequency first
    bands = darkness.reshape(BANDS, -1, darkness.shape[1]).mean(axis=1)  # (BANDS, columns)
    times = (np.arange(bands.shape[1]) + 0.5) * len(samples) / rate / bands.shape[1]
    names = [f"{rate / 2000 * (BANDS - row) / BANDS:.2g} kHz" for row in range(BANDS)]
    for ruler in rulers(0.0, len(samples) / rate):
        wave = waveform(samples, rate, ruler, peak)
        signs = [f"+{peak:.2f}", *[""] * (len(wave) - 2), f"-{peak:.2f}"]
        lines += [f"{pad(sign, MARGIN)}{line}" for sign, line in zip(signs, wave)]
        lines += shaded(ruler, names, bands, times)
        lines += [ruler.axis(), *ruler.names(words, "words"), *ruler.names(phones, "phones", 2), ""]
    lines += [
        f"{'':{MARGIN}}Above the waveform; below it the spectrogram: dark is loud, up to the frequency named.",
        *([fit(f"{'':{MARGIN}}Words and phones {by_whom}.")] if phones else []),
    ]
    return Shown(lines)


def _file(place: Place) -> str:
    utterance, info = place.utterance, audio_info(place.utterance.wav)
    where = f", from {utterance.cut.start:.3f} to {utterance.cut.end:.3f} s" if utterance.cut else ""
    return (
        f"{utterance.wav.name}{where}: {info.sample_rate} Hz, {info.channels} "
        f"channel{'s' if info.channels != 1 else ''}, {info.num_samples} samples"
        f"{' each' if info.channels != 1 else ''}"
    )


def _tables(place: Place) -> list[str]:
    """The utterance's line in each table of the data directory."""
    utterance, folder = place.utterance, place.data / place.part
    return [
        *wrap("text", [place.id, *utterance.words]),
        *wrap("utt2spk", [place.id, utterance.speaker]),
        *wrap("wav.scp", [str(utterance.wav)]),
        *wrap("", [f"these lines are in {folder}, sorted as Kaldi wants them"]),
    ]


def mfcc(place: Place) -> Shown:
    """The matrix of features, one row of numbers for each frame, as a picture and in figures."""
    feats, front_end = place.feats, place.features.front_end
    window = round(front_end.raw.sample_rate * FRAME_LENGTH_MS / 1000)
    lines = [place.title("mfcc: what is kept of the sound"), ""]
    lines += wrap(
        "in",
        [
            f"samples ({place.utterance.num_samples},), {front_end.raw.sample_rate} Hz;",
            f"windows of {FRAME_LENGTH_MS:g} ms = {window} samples,",
            f"one every {FRAME_SHIFT_MS:g} ms",
        ],
    )
    lines += wrap(
        "out",
        [
            f"raw ({len(feats)}, {NUM_CEPS}) {feats.dtype}, on disk:",
            f"{len(feats)} frames x {NUM_CEPS} cepstra C0..C{NUM_CEPS - 1}",
        ],
    )
    lines += wrap(
        "read as",
        [
            f"feats {feats.shape} {feats.dtype}:",
            "the cepstra normalised,",
            "their change Δ,",
            "the change of that ΔΔ;",
            "a system may ask for others: see its meta.json",
        ],
    )
    lines += wrap(
        "unit",
        [
            "standard deviations",
            f"from the mean of all frames of speaker {place.utterance.speaker}",
        ],
    )
    middle = int(np.argmax(feats[:, 0]))
    lines += wrap(
        "values",
        [
            f"frame {middle}, at {frame_to_seconds(middle + 0.5):.3f} s, the loudest:",
            *numbers(feats[middle, :NUM_CEPS]),
        ],
    )
    lines.append("")
    words, _ = place.reference("words")
    phones, by_whom = place.reference("phones")
    rows = [*range(NUM_CEPS), NUM_CEPS, 2 * NUM_CEPS]
    names = [f"C{i}" for i in range(NUM_CEPS)] + ["Δ C0", "ΔΔ C0"]
    matrix = 0.5 + (feats / _spread(feats)).T / (2 * SPREAD)
    times = np.asarray(frame_to_seconds(np.arange(len(feats)) + 0.5))
    for ruler in frame_rulers(len(feats)):
        lines += shaded(ruler, names, matrix[rows], times)
        lines += [ruler.axis(), *ruler.names(words, "words"), *ruler.names(phones, "phones", 2), ""]
    lines += [
        f"{'':{MARGIN}}Black is {SPREAD:g} deviations or more above the mean, white as much below it, ▒ the mean."
    ]
    if phones:
        lines.append(fit(f"{'':{MARGIN}}Words and phones {by_whom}."))
    return Shown([*lines, "", *_figures(feats)])


def _spread(feats: np.ndarray) -> np.ndarray:
    """(39,) what is a deviation in the picture: the speaker's of the cepstra, that of the utterance of their deltas."""
    own = feats.std(axis=0) + 1e-6
    return np.where(np.arange(len(own)) < NUM_CEPS, 1.0, own)


def _figures(feats: np.ndarray) -> list[str]:
    """Mean, spread and range of each cepstrum over the utterance, and what it follows."""
    rows = [
        [
            f"C{i}",
            *numbers([column.mean(), column.std(), column.min(), column.max()]),
            MEANINGS.get(i, "finer ripples of the spectrum" if i == 3 else ""),
        ]
        for i, column in enumerate(feats.T[:NUM_CEPS])
    ]
    return table(["<", "mean", "deviation", "least", "most", "<follows"], rows)
