"""When phones begin, by a layer: the best path of its probe through the known phones, and where its frames change.

The first is judged as every aligner is, by `pipeline.align.boundaries.compare_boundaries`. The second knows no phones:
its boundaries have no names to be matched by, so it is judged by how many lie near a gold one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.hmm.graphs import best_path, utterance_graph
from pipeline.hmm.topology import LOG_ZERO, PhoneTopology, Transitions
from pipeline.hmm.viterbi import segments_of_path
from pipeline.probe.abx import unit_length
from pipeline.times.intervals import Interval

GRID = 0.01  # seconds between the times at which a phone may begin, whatever the layer's clock
WITHIN = 0.02  # seconds


def one_state_phones(phones: Sequence[str], labels: Iterable[np.ndarray]) -> Transitions:
    """Phones of one state each, which last as long on the average as the runs of frames in ``labels``, utterances of
    indices in ``phones`` (T,). The state of phone p reads column p, as the scores of a probe have it."""
    frames, runs = np.ones(len(phones)), np.ones(len(phones))
    for own in labels:
        known = own[own >= 0]
        frames += np.bincount(known, minlength=len(phones))
        runs += np.bincount(known[np.flatnonzero(np.diff(known, prepend=-1))], minlength=len(phones))
    leave = np.minimum(runs / frames, 0.9)
    topologies = {p: PhoneTopology(np.ones(1), np.array([[1 - q]]), np.array([q])) for p, q in zip(phones, leave)}
    return Transitions(phones, topologies)


def align_phones(
    scores: np.ndarray, centres: np.ndarray, words: Sequence[Sequence[str]], transitions: Transitions
) -> list[Interval] | None:
    """Forced alignment of words of these phones, with pauses wherever a word begins or ends, by scores (T, P) of
    frames at ``centres`` (T,) in seconds; None if there are more phones than there is time for.

    Scores are interpolated to one time in GRID, so that a layer with a frame in 20 ms can place a phone at every 10.
    """
    times = np.arange(centres[0], centres[-1] + GRID / 2, GRID)
    fine = np.stack([np.interp(times, centres, column) for column in scores.T], axis=1)
    lexicon = {str(index): [(1.0, tuple(phones))] for index, phones in enumerate(words)}
    graph = utterance_graph(list(lexicon), lexicon, transitions)
    path, total = best_path(graph, fine, graph.pdf, transitions.log_probs)
    if total < LOG_ZERO / 2:
        return None
    edges = np.append(times - GRID / 2, times[-1] + GRID / 2).tolist()
    return [Interval(edges[s.start], edges[s.end], s.label) for s in segments_of_path(graph, path)]


def change(feats: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much a layer (T, D) changes from frame to frame, the angle in half turns (T - 1,), and the times half-way
    between the frames, in seconds (T - 1,)."""
    frames = unit_length(feats)
    cosine = (frames[1:] * frames[:-1]).sum(1)
    return np.arccos(np.clip(cosine, -1, 1)) / np.pi, (centres[1:] + centres[:-1]) / 2


def peaks(changes: np.ndarray, times: np.ndarray, prominence: float) -> np.ndarray:
    """The times (n,) at which ``changes`` (T,) has a peak that stands out by ``prominence`` at least."""
    from scipy.signal import find_peaks

    padded = np.pad(changes, 1)  # the first and the last change may be peaks as well
    return times[find_peaks(padded, prominence=prominence)[0] - 1]


@dataclass(frozen=True)
class Segmentation:
    """Boundaries found, wanted, and of these how many pairs lie within reach of each other, each in one pair at most;
    those of utterances add up."""

    found: int = 0
    wanted: int = 0
    pairs: int = 0

    def __add__(self, other: Segmentation) -> Segmentation:
        return Segmentation(self.found + other.found, self.wanted + other.wanted, self.pairs + other.pairs)

    @property
    def precision(self) -> float:
        return self.pairs / max(self.found, 1)

    @property
    def recall(self) -> float:
        return self.pairs / max(self.wanted, 1)

    @property
    def f1(self) -> float:
        """Of precision and recall, in [0, 1]."""
        return 2 * self.pairs / max(self.found + self.wanted, 1)

    @property
    def r_value(self) -> float:
        """1 at best: recall that comes of boundaries everywhere does not raise it (Räsänen et al. 2009, An improved
        speech segmentation quality measure: the R-value)."""
        over = self.found / max(self.wanted, 1) - 1
        ideal = np.hypot(1 - self.recall, over)
        return float(1 - (ideal + abs((self.recall - 1 - over) / np.sqrt(2))) / 2)


def segmentation(found: np.ndarray, wanted: np.ndarray, within: float = WITHIN) -> Segmentation:
    """Pair boundaries (n,) with those wanted (m,), both in seconds and in order: as many pairs as there can be."""
    i = j = pairs = 0
    while i < len(found) and j < len(wanted):
        late = round(found[i] - wanted[j], 6)
        pairs += int(abs(late) <= within)
        i, j = i + (late <= within), j + (late >= -within)
    return Segmentation(len(found), len(wanted), pairs)
