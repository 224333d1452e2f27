"""Forced alignment: which state, and so which phone and word, each frame belongs to."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.gmm import GmmHmm, batches, score_for
from pipeline.hmm import LOG_ZERO, Graph, best_path
from pipeline.parallel import each


@dataclass(frozen=True)
class Segment:
    """One phone or word: frames ``start`` to ``end`` (exclusive); ``word`` is the index of its word, -1 for silence."""

    label: str
    start: int
    end: int
    word: int = -1


@dataclass(frozen=True)
class Alignment:
    """``pdfs`` (T,) int32 density of each frame, the phones in order, and log p(frames, path | words)."""

    pdfs: np.ndarray
    phones: list[Segment]
    log_likelihood: float


def segments_of_path(graph: Graph, path: np.ndarray) -> list[Segment]:
    """The phones along a state path (T,) of an utterance's graph (each phone instance is visited at most once)."""
    instance = graph.instance[path]
    bounds = [0, *(np.flatnonzero(np.diff(instance)) + 1), len(path)]
    return [Segment(graph.phones[instance[a]][0], int(a), int(b), graph.phones[instance[a]][1])
            for a, b in zip(bounds, bounds[1:])]


def word_segments(phones: Sequence[Segment], words: Sequence[str]) -> list[Segment]:
    """The words that the phones of an alignment belong to."""
    spans: dict[int, tuple[int, int]] = {}
    for phone in phones:
        if phone.word >= 0:
            spans[phone.word] = (spans.get(phone.word, (phone.start, 0))[0], phone.end)
    return [Segment(words[index], start, end, index) for index, (start, end) in sorted(spans.items())]


def align(model: GmmHmm, graphs: Mapping[str, Graph], feats: Mapping[str, np.ndarray], lengths: Mapping[str, int],
          on_batch: Callable[[int], None] = lambda n: None, jobs: int = 1) -> Iterator[tuple[str, Alignment | None]]:
    """Viterbi alignment of every utterance of ``graphs``; None where no path fits (fewer frames than states)."""
    import pipeline.hmm_loops  # noqa: F401, here, so that no worker has to compile it

    def align_one(utt: str) -> Alignment | None:
        graph = graphs[utt]
        _, columns, scores = score_for(model, graph, feats[utt])
        path, total = best_path(graph, scores, columns, model.transitions.log_probs)
        return (Alignment(graph.pdf[path].astype(np.int32), segments_of_path(graph, path), total)
                if total > LOG_ZERO / 2 else None)

    def align_batch(utts: list[str]) -> list[tuple[str, Alignment | None]]:
        return [(utt, align_one(utt)) for utt in utts]

    for found in each(align_batch, batches(list(graphs), graphs, lengths), jobs):
        yield from found
        on_batch(len(found))
