"""ABX: do two tokens of one phone lie nearer to each other than to another phone between the same neighbours?

Schatz et al. 2013 (Evaluating speech features with the minimal-pair ABX task). A and X are two tokens of a phone, B one
of another, all between the same neighbours (minimal pairs of triphones); the layer errs if X is nearer to B than to A,
by half if it is as near. *Within* speakers one person says all three, *across* speakers X is another's. Nothing is
trained, so every speaker can be judged. The distance is that of the ZeroSpeech challenges: the angle between frames,
averaged along the path of dynamic time warping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from lexicon.phones import SILENCE
from pipeline.times.intervals import Interval

MOST_CELLS = 20  # of a contrast in one order: neighbours and speakers
MOST_TOKENS = 5  # of a phone between the same neighbours by the same speaker, in each of the three parts

TSV = ["phone", "other", "error_percent", "triples"]

Contrast = tuple[str, str]  # in order of the alphabet


class Token(NamedTuple):
    """A phone between its neighbours, as a speaker has said it: ``frames`` (n, D), one at least."""

    phone: str
    before: str
    after: str
    speaker: str
    frames: np.ndarray


class Cell(NamedTuple):
    """Triples to judge: X, of the same phone as A, is compared with each A and each B. Numbers of tokens."""

    contrast: Contrast
    speaker: str
    a: list[int]
    b: list[int]
    x: list[int]


@dataclass(frozen=True)
class Discrimination:
    """Of one contrast: the share of errors in [0, 1], chance being one half, and of how many triples."""

    error: float
    triples: int


def tokens_of(gold: Sequence[Interval], centres: np.ndarray, feats: np.ndarray, speaker: str) -> list[Token]:
    """The phones of an utterance, silence left out, with their frames in a layer (T, D) whose frames are at ``centres``
    (T,) in seconds: those that lie in the phone, or the one that is nearest to its middle."""
    labels = [SILENCE, *(interval.label for interval in gold), SILENCE]
    found = []
    for interval, before, after in zip(gold, labels, labels[2:]):
        if interval.label != SILENCE:
            first, last = np.searchsorted(centres, np.round((interval.start, interval.end), 6))
            if first == last:
                first = int(np.abs(centres - (interval.start + interval.end) / 2).argmin())
            found.append(Token(interval.label, before, after, speaker, feats[first : max(last, first + 1)]))
    return found


def abx(tokens: Sequence[Token], across: bool, seed: int = 0) -> dict[Contrast, Discrimination]:
    """The errors of each contrast that has triples, within speakers or ``across`` them.

    Errors are averaged over the triples of a cell (the same neighbours and speakers), over the cells of a speaker, over
    speakers, and over both orders of a contrast. A contrast has MOST_CELLS cells at most, drawn at random. The same
    tokens and seed give the same cells whatever the layer, so that layers are compared on the same triples.
    """
    rng = np.random.default_rng(seed)
    cells = _drawn(list(_cells(tokens, across, rng)), rng)
    distance = _distances(tokens, [(i, x) for cell in cells for x in cell.x for i in (*cell.a, *cell.b) if i != x])
    by_speaker: dict[Contrast, dict[Contrast, dict[str, list[float]]]] = {}
    triples: dict[Contrast, int] = {}
    for cell in cells:
        outcomes = [
            0.5 * (distance(a, x) > distance(b, x)) + 0.5 * (distance(a, x) >= distance(b, x))
            for x in cell.x
            for a in cell.a
            for b in cell.b
            if a != x
        ]
        contrast = min(cell.contrast, cell.contrast[::-1])
        triples[contrast] = triples.get(contrast, 0) + len(outcomes)
        order = by_speaker.setdefault(contrast, {}).setdefault(cell.contrast, {})
        order.setdefault(cell.speaker, []).append(float(np.mean(outcomes)))
    return {
        contrast: Discrimination(
            float(np.mean([np.mean([np.mean(cell) for cell in speakers.values()]) for speakers in orders.values()])),
            triples[contrast],
        )
        for contrast, orders in sorted(by_speaker.items())
    }


def _cells(tokens: Sequence[Token], across: bool, rng: np.random.Generator) -> Iterator[Cell]:
    """All cells, in an order of their own; of many tokens a few are drawn."""
    contexts: dict[tuple[str, str], dict[str, dict[str, list[int]]]] = {}
    for index, token in enumerate(tokens):
        phones = contexts.setdefault((token.before, token.after), {})
        phones.setdefault(token.phone, {}).setdefault(token.speaker, []).append(index)
    for _, phones in sorted(contexts.items()):
        few = {(p, s): _few(phones[p][s], MOST_TOKENS, rng) for p in sorted(phones) for s in sorted(phones[p])}
        for a, b in permutations(sorted(phones), 2):
            for speaker in sorted(phones[a].keys() & phones[b].keys()):
                if across:
                    others = [few[a, other] for other in sorted(phones[a]) if other != speaker]
                    for x in others:
                        yield Cell((a, b), speaker, few[a, speaker], few[b, speaker], x)
                elif len(few[a, speaker]) > 1:
                    yield Cell((a, b), speaker, few[a, speaker], few[b, speaker], few[a, speaker])


def _few(items: list[Any], most: int, rng: np.random.Generator) -> list[Any]:
    """At most so many of them, in their order."""
    return items if len(items) <= most else [items[i] for i in sorted(rng.choice(len(items), most, replace=False))]


def _drawn(cells: Sequence[Cell], rng: np.random.Generator) -> list[Cell]:
    """At most MOST_CELLS of each contrast in each order."""
    by_contrast: dict[Contrast, list[Cell]] = {}
    for cell in cells:
        by_contrast.setdefault(cell.contrast, []).append(cell)
    return [cell for _, own in sorted(by_contrast.items()) for cell in _few(own, MOST_CELLS, rng)]


def _distances(tokens: Sequence[Token], pairs: Sequence[tuple[int, int]]) -> Callable[[int, int], float]:
    """The distance of two tokens, for these pairs of numbers in either order; each is computed once."""
    from pipeline.probe.dtw import dtw_distances  # numba is slow to import

    wanted = sorted({(min(pair), max(pair)) for pair in pairs})
    used = sorted({token for pair in wanted for token in pair})
    place = {token: i for i, token in enumerate(used)}
    frames = [unit_length(tokens[token].frames) for token in used]
    offset = np.cumsum([0, *map(len, frames)])
    found = np.empty(len(wanted))
    if wanted:
        numbers = np.array([(place[i], place[j]) for i, j in wanted])
        dtw_distances(np.concatenate(frames), offset, numbers, found)
    table = dict(zip(wanted, found.tolist()))
    return lambda i, j: table[min(i, j), max(i, j)]


def unit_length(frames: np.ndarray) -> np.ndarray:
    """Frames (n, D) as directions, float32; one of zeros, which has none, stays and is a quarter turn from all."""
    frames = np.asarray(frames, np.float32)
    return np.ascontiguousarray(frames / np.maximum(np.linalg.norm(frames, axis=1, keepdims=True), 1e-12))


def macro_average(found: Mapping[Contrast, Discrimination]) -> float:
    """The mean error in [0, 1] of all contrasts, each counting as much; NaN if there is none."""
    return float(np.mean([one.error for one in found.values()])) if found else float("nan")


def rows(found: Mapping[Contrast, Discrimination]) -> list[list[str]]:
    """A row under TSV of each contrast, those with most errors first."""
    ordered = sorted(found.items(), key=lambda item: (-item[1].error, item[0]))
    return [[*contrast, f"{100 * one.error:.1f}", str(one.triples)] for contrast, one in ordered]
