"""The second pass of a system that adapts to speakers: their maps, by what a first pass has heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lexicon.dictionary import Weighted
from lexicon.errors import UserError
from lexicon.files import folder_from
from pipeline.base.meta import MODEL, read_meta
from pipeline.base.parallel import each
from pipeline.datadir.feats import front_end_of
from pipeline.hmm.gmm import GmmHmm, load_gmm, score_for
from pipeline.hmm.graphs import best_path, frames_needed, utterance_graph
from pipeline.hmm.topology import LOG_ZERO
from pipeline.hmm.viterbi import Alignment, segments_of_path
from pipeline.sound.front_end import FrontEnd, affine
from pipeline.tied.fmllr import Statistics, composed, estimate, identity
from pipeline.tied.teacher import tied_labels

TIMES = 2  # that a map is estimated: by the first model's states, and by its own


def lda_model(directory: Path, front_end: FrontEnd) -> tuple[GmmHmm, np.ndarray]:
    """The model in a directory of kind lda, and its map of features; UserError where it has none, or one of other
    features than those of ``front_end``."""
    model = load_gmm(directory / MODEL)
    if model.transform is None or front_end_of(directory) != front_end:
        raise UserError(f"{directory}: no LDA of these features; give --teacher of kind lda, with the same front end")
    return model, model.transform


@dataclass(frozen=True)
class Adapter:
    """What estimates the maps: ``model``, of adapted features, the ``first`` model, of features as the LDA ``begin``
    makes them, and the ``front_end`` before adaptation."""

    model: GmmHmm
    first: GmmHmm
    begin: np.ndarray
    front_end: FrontEnd

    @property
    def unadapted(self) -> np.ndarray:
        """The map of a speaker of whom nothing is known."""
        return composed(self.begin, identity(len(self.begin)))

    def map_of(
        self, feats: Callable[[str], np.ndarray], said: Mapping[str, Sequence[str]], lexicon: Weighted
    ) -> np.ndarray:
        """The map (D, F + 1) of one speaker, by the words that were ``said``, or heard, in utterances whose
        features (T, F) ``feats`` gives. Utterances too short for their words do not count."""
        found = identity(len(self.begin))
        for number in range(TIMES):
            stats, by = Statistics(len(self.begin)), self.model if number else self.first
            for utt, words in said.items():
                rows = affine(feats(utt), self.unadapted)
                now = affine(rows, found)
                if (alignment := _aligned(by, now, words, lexicon)) is None:
                    continue
                pdfs = alignment.pdfs if number else tied_labels(alignment, by.transitions, self.model.transitions)
                stats.add(self.model, rows, pdfs, now)
            found = estimate(stats)
        return composed(self.begin, found)


def load_adapter(directory: Path) -> Adapter:
    """That of the model of kind sat in a directory; UserError if it, or the model of its first pass, is damaged."""
    model, front_end = load_gmm(directory / MODEL), replace(front_end_of(directory), adaptation=None)
    first, _ = lda_model(teacher_of(directory), front_end)
    if model.transform is None:
        raise UserError(f"{directory / MODEL}: no LDA in it; run: make {directory.name}")
    begin = model.transform
    return Adapter(replace(model, transform=None), replace(first, transform=None), begin, front_end)


def teacher_of(directory: Path) -> Path:
    """The directory of the model of the first pass."""
    written = read_meta(directory).get("teacher")
    if not isinstance(written, str):
        raise UserError(f"{directory}/meta.json: teacher {written!r} is no model directory; run: make {directory.name}")
    return folder_from(directory, written)


def _aligned(model: GmmHmm, feats: np.ndarray, words: Sequence[str], lexicon: Weighted) -> Alignment | None:
    """The best path through what was said; None if there are too few frames for it."""
    if frames_needed(words, lexicon, model.transitions) > len(feats):
        return None
    graph = utterance_graph(words, lexicon, model.transitions)
    _, columns, scores = score_for(model, graph, feats)
    path, total = best_path(graph, scores, columns, model.transitions.log_probs)
    return (
        Alignment(graph.pdf[path].astype(np.int32), segments_of_path(graph, path), total)
        if total > LOG_ZERO / 2
        else None
    )


def maps_of_set(
    adapter: Adapter,
    feats: Mapping[str, np.ndarray],
    speakers: Mapping[str, Sequence[str]],
    heard: Mapping[str, Sequence[str]],
    lexicon: Weighted,
    jobs: int = 1,
) -> dict[str, np.ndarray]:
    """The map of each speaker, of whom the utterances are given."""
    import pipeline.hmm.loops  # noqa: F401, here, so that no worker has to compile it

    def work(speaker: str) -> np.ndarray:
        return adapter.map_of(feats.__getitem__, {utt: heard[utt] for utt in speakers[speaker]}, lexicon)

    return dict(zip(speakers, each(work, list(speakers), jobs)))
