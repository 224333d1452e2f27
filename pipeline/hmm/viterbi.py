"""Forced alignment: which state, and so which phone and word, each frame belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.base.parallel import each
from pipeline.hmm.gmm import score_for
from pipeline.hmm.graphs import Graph, best_path
from pipeline.hmm.topology import LOG_ZERO, Hmms
from pipeline.times.segments import Segment


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
    return [
        Segment(graph.phones[instance[a]][0], int(a), int(b), graph.phones[instance[a]][1])
        for a, b in zip(bounds, bounds[1:])
    ]


def align(
    model: Hmms,
    graphs: Mapping[str, Graph],
    feats: Mapping[str, np.ndarray],
    utterances: Iterable[str],
    jobs: int = 1,
) -> Iterator[tuple[str, Alignment | None]]:
    """Viterbi alignment of the utterances in their order; None where no path fits (fewer frames than states)."""
    import pipeline.hmm.loops  # noqa: F401, here, so that no worker has to compile it

    def align_one(utt: str) -> Alignment | None:
        graph = graphs[utt]
        _, columns, scores = score_for(model, graph, feats[utt])
        path, total = best_path(graph, scores, columns, model.transitions.log_probs)
        return (
            Alignment(graph.pdf[path].astype(np.int32), segments_of_path(graph, path), total)
            if total > LOG_ZERO / 2
            else None
        )

    utterances = list(utterances)
    return zip(utterances, each(align_one, utterances, jobs, spread=True))
