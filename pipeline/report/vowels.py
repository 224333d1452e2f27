"""The vowels of the test set as a section of the index: by their formants, as phoneticians draw them, and as a network
lays them out by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet, by_manner, ipa_of, manner_in
from pipeline.compare.results import Comparison
from pipeline.datadir import Utterance
from pipeline.datadir.feats import read_feats
from pipeline.datadir.sets import read_placed
from pipeline.draw.scale import round_values
from pipeline.report.render import render
from pipeline.search.system import System
from pipeline.sound.audio import audio_info, read_audio
from pipeline.sound.formants import HIGHEST_HZ, formants
from pipeline.times.clock import seconds_to_frame

MOST_UTTERANCES = 500  # of a larger set every other, third ... is measured
MOST_SPEAKERS = 4  # with charts of their own, those of the most vowels
FEWEST = 5  # tokens of a vowel that is drawn
FEWEST_VOWELS = 3
AROUND_S = (-0.01, 0.0, 0.01)  # of the middle of a vowel, of which the median counts
F1_RANGE, F2_RANGE = (150.0, 1300.0), (500.0, 3500.0)  # Hz, of vowels: what lies outside is none of their formants
WIDTH, HEIGHT, EDGE = 460, 380, 40  # of a chart in pixels, and from its edges to the plot
FOLDS = 10  # of cross-validation
COMPONENTS = 20  # of a layer that a map is made of


class Tokens(NamedTuple):
    """Vowels that were said: names (N,), speakers (N,), F1 and F2 in Hz (N, 2), and the rows of a network's layer at
    their middles (N, channels), of no channels where there is no network."""

    names: np.ndarray
    speakers: np.ndarray
    hertz: np.ndarray
    rows: np.ndarray

    def of(self, chosen: np.ndarray) -> Tokens:
        return Tokens(*(column[chosen] for column in self))


def vowels_section(comparison: Comparison, models: Sequence[System | None]) -> Markup:
    """Charts of F1 and F2, and beside them the map of the first of the ``models`` that has hidden layers; empty where
    fewer than three vowels are there often enough."""
    model = next((one for one in models if one is not None and one.hidden), None)
    phone_set = phone_set_of(comparison.lang)
    tokens = measure(comparison, phone_set, model)
    names = [name for name, number in Counter(tokens.names.tolist()).items() if number >= FEWEST]
    if len(names) < FEWEST_VOWELS:
        return Markup()
    tokens = tokens.of(np.isin(tokens.names, names))
    looks = [(name, round(number * 137.5) % 360) for number, name in enumerate(by_manner(names, phone_set))]
    charts = [chart(f"F1 and F2, {title}", np.log(own.hertz), own, looks, phone_set) for title, own in _parts(tokens)]
    seen = [_by_formants(tokens)]
    if model is not None:
        layer = list(model.hidden)[-1]
        places = turned(network_map(tokens).fit_transform(tokens.rows, tokens.names), np.log(tokens.hertz))
        charts.append(chart(f"{model.name}, {layer}", places, tokens, looks, phone_set, acoustic=False))
        seen.append(_by_map(tokens, places, model.name))
    return render(
        "vowels.html", charts=charts, seen=seen, number=len(tokens.names), edge=EDGE, width=WIDTH, height=HEIGHT
    )


# ---- measuring


def measure(comparison: Comparison, phone_set: PhoneSet, model: System | None) -> Tokens:
    """All vowels of the test set, where the reference has them, that have two formants in the middle."""
    phones = read_placed("phones", comparison.data / "test", comparison.aligned)
    every = -(-len(comparison.utterances) // MOST_UTTERANCES)
    feats = read_feats(comparison.data / "test", model.directory) if model else None
    found = []
    for utterance in comparison.utterances[::every]:
        vowels = [
            ((start + end) / 2, comparison.fold.get(label, label))
            for start, end, label in phones.get(utterance.id, [])
            if manner_in(phone_set, comparison.fold.get(label, label)) in ("vowel", "diphthong")
        ]
        if vowels:
            times = np.array([time for time, _ in vowels])
            rows = np.zeros((len(times), 0))
            if model and feats:
                layer = list(model.hidden.values())[-1](feats[utterance.id])
                at = [round(seconds_to_frame(time) / model.step) for time in times]
                rows = layer[np.clip(at, 0, len(layer) - 1)]
            found += [
                (name, utterance.speaker, hertz, row)
                for (_, name), hertz, row in zip(vowels, _formants(utterance, times), rows)
                if _plausible(hertz)
            ]
    names, speakers = (np.array([one[column] for one in found]) for column in (0, 1))
    return Tokens(
        names, speakers, np.array([one[2] for one in found]).reshape(-1, 2), np.array([one[3] for one in found])
    )


def _formants(utterance: Utterance, times: np.ndarray) -> np.ndarray:
    """(N,) seconds -> (N, 2): F1 and F2 there, in Hz, NaN where they are not found."""
    rate = min(audio_info(utterance.wav).sample_rate, 2 * HIGHEST_HZ)
    samples = read_audio(utterance.wav, rate, utterance.cut)
    around = np.add.outer(times, AROUND_S)  # (N, 3)
    return np.median(formants(samples, rate, around.ravel()).reshape(*around.shape, -1)[..., :2], axis=1)


def _plausible(hertz: np.ndarray) -> bool:
    return all(low < value < high for value, (low, high) in zip(hertz, (F1_RANGE, F2_RANGE)))


def _parts(tokens: Tokens) -> Iterator[tuple[str, Tokens]]:
    """All tokens under their speaker's name, or of several speakers all, and those of each who said most."""
    speakers = Counter(tokens.speakers.tolist())
    yield next(iter(speakers)) if len(speakers) == 1 else f"{len(speakers)} speakers", tokens
    for speaker, _ in speakers.most_common(MOST_SPEAKERS) if len(speakers) > 1 else ():
        yield speaker, tokens.of(tokens.speakers == speaker)


def turned(places: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Places (N, 2), scaled to the same spread on both axes, turned and mirrored, but not bent, so that they lie as
    near as can be to ``towards`` (N, 2) (Schönemann 1966, "A generalized solution of the orthogonal Procrustes
    problem")."""
    own, other = (part - part.mean(axis=0) for part in (places, towards))
    own, other = own / own.std(), other / other.std(axis=0)
    left, _, right = np.linalg.svd(own.T @ other)
    return own @ left @ right


def network_map(tokens: Tokens) -> Pipeline:
    """From the rows of a layer to the two directions that tell vowels apart best (Fisher's linear discriminants), of
    the few in which the layer differs most: with all of its channels so few tokens could be told apart by chance."""
    kept = min(COMPONENTS, *tokens.rows.shape)
    return make_pipeline(PCA(kept, random_state=0), LinearDiscriminantAnalysis(n_components=2))


# ---- what one sees, in words


def named_right(places: Pipeline, rows: np.ndarray, names: np.ndarray) -> float:
    """Percent of tokens whose place, made of their row, is nearest to the mean of their own vowel. Places and means are
    those of the other tokens (cross-validation)."""
    folds = min(FOLDS, *Counter(names.tolist()).values())
    guessed = cross_val_predict(make_pipeline(places, NearestCentroid()), rows, names, cv=folds)
    return 100 * float((guessed == names).mean())


def _by_formants(tokens: Tokens) -> str:
    right = named_right(make_pipeline(StandardScaler()), np.log(tokens.hertz), tokens.names)
    commonest = 100 * max(Counter(tokens.names.tolist()).values()) / len(tokens.names)
    return (
        f"By F1 and F2 in their middle alone {right:.0f} % of the vowels lie nearest to the mean of their own kind; the"
        f" commonest vowel is {commonest:.0f} % of all."
    )


def _by_map(tokens: Tokens, places: np.ndarray, name: str) -> str:
    height, backness = (np.corrcoef(places[:, i], np.log(tokens.hertz[:, i]))[0, 1] for i in (0, 1))
    right = named_right(network_map(tokens), tokens.rows, tokens.names)
    return (
        f"On the map of {name} it is {right:.0f} %; turned to lie as the formants do, its height goes with F1"
        f" (correlation {height:.2f}) and its width with F2 ({backness:.2f}), of which the network was never told."
    )


# ---- the picture


def chart(
    title: str,
    places: np.ndarray,
    tokens: Tokens,
    looks: Sequence[tuple[str, int]],
    phone_set: PhoneSet,
    acoustic: bool = True,
) -> dict[str, Any]:
    """What templates/vowels.html draws: places (N, 2) by height and width, both reversed, so that close vowels are on
    top and front ones at the left; of each vowel its hue, its tokens, mean, and an ellipse of one standard deviation.
    ``acoustic``: places are logarithms of Hz, with ticks."""
    low, high = np.percentile(places, [0.5, 99.5], axis=0)
    low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    inner = np.array([HEIGHT - 2 * EDGE, WIDTH - 2 * EDGE])
    shares = (places - low) / (high - low)
    pixels = EDGE + inner[::-1] * np.column_stack([1 - shares[:, 1], shares[:, 0]])  # (N, 2): x, y
    inside = ((places >= low) & (places <= high)).all(axis=1)
    drawn = []
    for name, hue in looks:
        own = tokens.names == name
        if own.sum() < FEWEST:
            continue
        drawn.append(
            {
                "name": name,
                "ipa": ipa_of(name, phone_set),
                "hue": hue,
                "dots": "".join(f"M{x:.1f} {y:.1f}h0" for x, y in pixels[own & inside]),
                "ellipse": ellipse(pixels[own]),
                "title": _said(tokens.hertz[own]) if acoustic else f"{own.sum()} tokens",
            }
        )
    down = _ticks(low[0], high[0], int(inner[0])) if acoustic else []
    across = _ticks(high[1], low[1], int(inner[1])) if acoustic else []
    return {"title": title, "vowels": drawn, "down": down, "across": across, "acoustic": acoustic}


def _said(hertz: np.ndarray) -> str:
    mean, spread = hertz.mean(axis=0), hertz.std(axis=0)
    parts = [f"F{i + 1} {mean[i]:.0f} ± {spread[i]:.0f} Hz" for i in (0, 1)]
    return f"{len(hertz)} tokens, {', '.join(parts)}"


def ellipse(points: np.ndarray) -> dict[str, float]:
    """Centre, half axes (the standard deviations along them) and turn in degrees of points (N, 2)."""
    values, vectors = np.linalg.eigh(np.cov(points.T))
    x, y = points.mean(axis=0)
    minor, major = np.sqrt(np.maximum(values, 0))
    return {"x": x, "y": y, "major": major, "minor": minor, "turn": np.degrees(np.arctan2(*vectors[::-1, 1]))}


def _ticks(first: float, last: float, length: int) -> list[tuple[float, str]]:
    """Round frequencies on an axis of so many pixels from one logarithm to another."""
    low, high = (float(np.exp(end)) for end in sorted((first, last)))
    values = [value for value in round_values(low, high, 5) if value > 0]
    return [(EDGE + length * (np.log(value) - first) / (last - first), f"{value:.0f}") for value in values]
