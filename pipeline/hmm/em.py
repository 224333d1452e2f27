"""Expectation maximisation for GMM-HMMs: Baum-Welch on whole utterances, mixtures grown step by step."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexicon.errors import UserError
from pipeline.base.parallel import each
from pipeline.base.spill import OnDisk
from pipeline.hmm.gmm import (
    PIECE,
    GmmHmm,
    Mixture,
    Products,
    batches,
    mixture_of,
    set_mixtures,
    split,
    sum_components,
    with_squares,
)
from pipeline.hmm.graphs import Graph, posteriors
from pipeline.hmm.topology import LOG_ZERO
from pipeline.hmm.viterbi import align
from pipeline.times.segments import Segment

if TYPE_CHECKING:
    from hmmlearn.hmm import GMMHMM

MARKER = 1e4  # a value no feature has: the frame behind the last one, for `--trainer hmmlearn`


@dataclass
class Statistics:
    """Sufficient statistics of one EM pass: per Gaussian ``counts`` (G,), ``sums`` and ``squares`` (G, D)."""

    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    transitions: np.ndarray
    log_likelihood: float = 0.0
    frames: int = 0
    failed: list[str] = field(default_factory=list)
    kept: Mapping[str, Occupied] = field(default_factory=dict)  # by the number of a batch

    def add(self, other: Statistics) -> None:
        """Those of other utterances."""
        self.counts += other.counts
        self.sums += other.sums
        self.squares += other.squares
        self.transitions += other.transitions
        self.log_likelihood += other.log_likelihood
        self.frames += other.frames
        self.failed += other.failed


class Occupied(NamedTuple):
    """Which densities the frames of some utterances may be of, from a forward-backward pass: (N,) of each the density,
    the frame (rows of the utterances, one after the other), how likely it is; and ``quality``, the sum of that times
    the log density."""

    pdf: np.ndarray
    frame: np.ndarray
    share: np.ndarray
    quality: float


def accumulate(
    model: GmmHmm,
    graphs: Mapping[str, Graph],
    feats: Mapping[str, np.ndarray],
    work: Iterable[Sequence[str]],
    jobs: int = 1,
    scratch: Path | None = None,
) -> Statistics:
    """One Baum-Welch E step over the utterances of ``work``, batch by batch (Rabiner 1989, eq. 52-54), in ``jobs``
    processes. With a folder ``scratch`` it is kept there for `accumulate_again` what each frame may be of.

    Batches are added up in order, so the number of processes does not change the result.
    """
    import pipeline.hmm.loops  # noqa: F401, here, so that no worker has to compile it

    stats, products = _empty(model), model.products()

    def occupied() -> Iterator[tuple[str, Occupied]]:
        found = each(lambda utts: _align(model, products, utts, graphs, feats), work, jobs, spread=True)
        for number, (part, own) in enumerate(found):
            stats.add(part)
            yield str(number), own

    if scratch is None:
        deque(occupied(), 0)
    else:
        stats.kept = OnDisk(scratch, occupied())
    return stats


def accumulate_again(
    model: GmmHmm, feats: Mapping[str, np.ndarray], work: Sequence[Sequence[str]], aligned: Statistics, jobs: int = 1
) -> Statistics:
    """The E step in which each frame keeps the densities that it may be of since that which gave ``aligned``, and only
    how their Gaussians share it is found anew. It takes a fraction of the time.

    The log likelihood is a lower bound; such steps never make it smaller (Neal & Hinton 1998, "A view of the EM
    algorithm that justifies incremental, sparse, and other variants").
    """
    stats, products, kept = _empty(model), model.products(), aligned.kept
    found = each(lambda n: _share(model, products, work[n], kept[str(n)], feats), range(len(work)), jobs, spread=True)
    for part in found:
        stats.add(part)
    stats.log_likelihood += aligned.log_likelihood
    stats.frames, stats.transitions = aligned.frames, aligned.transitions
    return stats


def _empty(model: GmmHmm) -> Statistics:
    return Statistics(
        np.zeros(len(model.weights)),
        np.zeros_like(model.means),
        np.zeros_like(model.means),
        np.zeros_like(model.transitions.log_probs),
    )


def _align(
    model: GmmHmm,
    products: Products,
    utts: Sequence[str],
    graphs: Mapping[str, Graph],
    feats: Mapping[str, np.ndarray],
) -> tuple[Statistics, Occupied]:
    """The statistics of a batch, and what its frames may be of."""
    stats, rows, seen, start = _empty(model), [], [], 0
    for utt in utts:
        x, graph = feats[utt], graphs[utt]
        pdfs, columns = np.unique(graph.pdf, return_inverse=True)
        scores = _scores(model, products, x, pdfs)
        occupancy, total, transitions = posteriors(graph, scores, columns, model.transitions.log_probs)
        if total < LOG_ZERO / 2:
            stats.failed.append(utt)
            continue
        stats.transitions += transitions
        stats.log_likelihood += total
        stats.frames += len(x)
        frame, column = np.nonzero(occupancy)  # few: posteriors below NEGLIGIBLE are exactly zero
        seen.append((pdfs[column], start + frame, occupancy[frame, column], scores[frame, column]))
        rows.append(x)
        start += len(x)
    if not seen:
        return stats, Occupied(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 0.0)
    pdf, frame, share, score = (np.concatenate(column) for column in zip(*seen))
    _add_gaussians(model, products, stats, np.concatenate(rows), pdf, frame, share)
    return stats, Occupied(pdf.astype(np.int32), frame.astype(np.int32), share, float(share @ score))


def _share(
    model: GmmHmm, products: Products, utts: Sequence[str], kept: Occupied, feats: Mapping[str, np.ndarray]
) -> Statistics:
    """The same of a batch whose frames keep their densities; the log likelihood is by how much it is better."""
    stats = _empty(model)
    quality = _add_gaussians(
        model, products, stats, np.concatenate([feats[utt] for utt in utts]), kept.pdf, kept.frame, kept.share
    )
    stats.log_likelihood = quality - kept.quality
    return stats


def _scores(model: GmmHmm, products: Products, feats: np.ndarray, pdfs: np.ndarray) -> np.ndarray:
    """log p(frame | density) (T, n), computed in the precision of the features."""
    rows, bounds = model.rows(pdfs)
    own = Products(*(array.astype(feats.dtype) for array in products.of(rows)))
    pieces = (feats[start : start + PIECE] for start in range(0, len(feats), PIECE))
    return np.concatenate([sum_components(own.scores(with_squares(piece)), bounds) for piece in pieces])


def _add_gaussians(
    model: GmmHmm,
    products: Products,
    stats: Statistics,
    feats: np.ndarray,
    pdf: np.ndarray,
    frame: np.ndarray,
    share: np.ndarray,
) -> float:
    """Count frames of ``feats`` (T, D) for the Gaussians of their densities in proportion to their share (`Occupied`);
    returns the sum of log densities."""
    order, quality = np.argsort(pdf, kind="stable"), 0.0
    found, begins = np.unique(pdf[order], return_index=True)
    for density, own in zip(found, np.split(order, begins[1:])):
        rows = slice(model.bounds[density], model.bounds[density + 1])
        squared, occupancy = with_squares(np.asarray(feats[frame[own]], np.float64)), share[own]
        scores = products.of(rows).scores(squared)
        log_density = sum_components(scores, np.array([0, scores.shape[1]]))
        quality += float(occupancy @ log_density[:, 0])
        shares = np.exp(scores - log_density) * occupancy[:, None]
        stats.counts[rows] += shares.sum(0)
        both = shares.T @ squared
        stats.sums[rows] += both[:, : feats.shape[1]]
        stats.squares[rows] += both[:, feats.shape[1] :]
    return quality


def maximise(model: GmmHmm, stats: Statistics) -> None:
    """The M step: maximum-likelihood weights, means, variances (floored) and transitions, in place.

    A Gaussian that saw less than one frame keeps its mean and variance: nothing can be said about it.
    """
    seen = stats.counts >= 1.0
    counts = stats.counts[seen, None]
    model.means[seen] = stats.sums[seen] / counts
    model.variances[seen] = np.maximum(stats.squares[seen] / counts - model.means[seen] ** 2, model.floor)
    totals = np.add.reduceat(stats.counts, model.bounds[:-1])
    sizes = np.diff(model.bounds)
    live = np.repeat(totals > 0, sizes)
    model.weights[live] = (stats.counts / np.maximum(np.repeat(totals, sizes), 1e-300))[live]
    model.transitions.reestimate(stats.transitions)


def grow(model: GmmHmm, stats: Statistics, max_mix: int, min_frames: float) -> None:
    """Add Gaussians where the data carry them: densities get up to twice as many, in place.

    All states of a monophone keep the same number (`GmmHmm.alike`): at most ``max_mix``, and ``min_frames`` frames of
    them on average for each. The heaviest Gaussian is split in two (`split`).
    """
    occupancy = np.add.reduceat(stats.counts, model.bounds[:-1])
    grown: list[Mixture] = []
    for alike in model.alike():
        old = model.bounds[alike[0] + 1] - model.bounds[alike[0]]
        carried = int(occupancy[alike].mean() / min_frames)
        target = max(old, min(2 * old, max_mix, carried))
        grown += [split(mixture_of(model, pdf), target) for pdf in alike]
    set_mixtures(model, grown)


def check_step(model: GmmHmm, before: float | None, stats: Statistics, tolerance: float = 1e-4) -> float:
    """Mean log likelihood per frame of an E step, if it did not fall and every parameter is finite.

    Raises UserError naming the first phone at fault, or both likelihoods.
    """
    now = stats.log_likelihood / max(stats.frames, 1)
    good = np.isfinite(model.means).all(1) & np.isfinite(model.variances).all(1) & np.isfinite(model.weights)
    if not good.all():
        pdf = int(np.searchsorted(model.bounds, np.flatnonzero(~good)[0], side="right")) - 1
        frames = np.add.reduceat(stats.counts, model.bounds[:-1])[pdf]
        phone = "/".join(model.transitions.decisions.phones_of[pdf])
        raise UserError(
            f"phone {phone}: a Gaussian is not finite ({frames:.0f} frames in that state); check the recordings that"
            " hold it"
        )
    if not np.isfinite(now):
        raise UserError(f"the log likelihood per frame is {now}; this is a bug: please report it with your corpus")
    if before is not None and now < before - tolerance:
        raise UserError(
            f"the log likelihood per frame fell from {before:.4f} to {now:.4f}; this is a bug: please report"
            " it with your corpus"
        )
    return now


@dataclass(frozen=True)
class Schedule:
    """How long to train: ``warm_up`` passes with one Gaussian per state, ``passes`` after each growth, ``last`` at the
    end; ``max_mix`` Gaussians per state at most, each carried by ``min_frames`` frames on average."""

    warm_up: int
    passes: int
    last: int
    max_mix: int
    min_frames: float

    def growths(self) -> int:
        """How many doublings lead to ``max_mix``."""
        return int(np.ceil(np.log2(self.max_mix)))

    def total(self) -> int:
        """Passes altogether."""
        return self.warm_up + self.passes * self.growths() + self.last

    def aligns(self, number: int) -> bool:
        """Whether pass ``number``, from 1, finds anew which states each frame may be of: in the warm-up, then before
        each growth and as often after the last. The other passes only fit each density to its frames."""
        return number <= self.warm_up or (number - self.warm_up) % max(self.passes, 1) == 0


Update = Callable[
    [GmmHmm, Mapping[str, Graph], Mapping[str, np.ndarray], Sequence[Sequence[str]], int, Path | None], Statistics
]


def baum_welch(
    model: GmmHmm,
    graphs: Mapping[str, Graph],
    feats: Mapping[str, np.ndarray],
    work: Sequence[Sequence[str]],
    jobs: int = 1,
    scratch: Path | None = None,
) -> Statistics:
    """One EM pass over whole utterances; returns the statistics of the model as it was before."""
    stats = accumulate(model, graphs, feats, work, jobs, scratch)
    if stats.failed:
        raise UserError(
            f"{len(stats.failed)} utterances have fewer frames than the states of their words, the first"
            f" {stats.failed[0]}; correct their transcripts or take them out"
        )
    maximise(model, stats)
    return stats


def segmental_hmmlearn(
    model: GmmHmm,
    graphs: Mapping[str, Graph],
    feats: Mapping[str, np.ndarray],
    work: Sequence[Sequence[str]],
    jobs: int = 1,
    scratch: Path | None = None,
) -> Statistics:
    """The plain reference: Viterbi phone segments (segmental k-means, Juang & Rabiner 1990), then one pass of
    hmmlearn's own ``GMMHMM.fit`` per phone. Slow, and without the paths across phone boundaries that Baum-Welch counts.

    The statistics hold occupancies and the Viterbi likelihood only. hmmlearn wants all frames of a phone at once.
    """
    segments: dict[str, list[tuple[str, Segment]]] = {}
    stats = Statistics(np.zeros(len(model.weights)), model.means, model.variances, model.transitions.log_probs)
    for utt, alignment in align(model, graphs, feats, chain.from_iterable(work), jobs):
        if alignment is None:
            raise UserError(f"{utt}: fewer frames than the states of its words; correct its transcript or take it out")
        stats.log_likelihood += alignment.log_likelihood
        stats.frames += len(alignment.pdfs)
        for phone in alignment.phones:
            segments.setdefault(phone.label, []).append((utt, phone))
    for label, placed in segments.items():
        pieces = [
            np.asarray(x[phone.start : phone.end], np.float64)
            for utt, own in groupby(placed, lambda pair: pair[0])
            for x in [feats[utt]]
            for _, phone in own
        ]
        _fit_hmmlearn(model, label, pieces, stats)
    return stats


def _with_end(model: GmmHmm, phone: str) -> GMMHMM:
    """The phone in hmmlearn with one state more, its exit, which only a marker frame can be in.

    hmmlearn's sequences may end in any state. Ours leave through an exit; without this the trainer would forget so and
    the likelihood would fall from pass to pass.
    """
    from hmmlearn.hmm import GMMHMM  # a slow import, for the reference alone

    inner, topology = model.to_hmmlearn(phone), model.transitions.topologies[phone]
    n, mix, dim = inner.means_.shape
    learner = GMMHMM(n + 1, n_mix=mix, covariance_type="diag", n_iter=1, params="tmcw", init_params="")
    learner.n_features = dim
    learner.startprob_, learner.transmat_ = np.append(topology.start, 0.0), np.eye(n + 1)
    learner.transmat_[:n] = np.column_stack([topology.trans, topology.exit])
    learner.weights_ = np.concatenate([inner.weights_, np.full((1, mix), 1 / mix)])
    learner.means_ = np.concatenate([inner.means_, np.full((1, mix, dim), MARKER)])
    learner.covars_ = np.concatenate([inner.covars_, np.ones((1, mix, dim))])
    return learner


def _fit_hmmlearn(model: GmmHmm, phone: str, pieces: Sequence[np.ndarray], stats: Statistics) -> None:
    from sklearn.exceptions import ConvergenceWarning

    learner, n = _with_end(model, phone), model.transitions.num_states(phone)
    marker = np.full((1, model.means.shape[1]), MARKER)
    x = np.concatenate([part for piece in pieces for part in (piece, marker)])
    sizes = [len(piece) + 1 for piece in pieces]
    pdfs = model.transitions.decisions.pdfs(phone)
    rows = slice(model.bounds[pdfs[0]], model.bounds[pdfs[-1] + 1])
    occupancy = learner.predict_proba(x, sizes).sum(0)[:n]
    stats.counts[rows] = (occupancy[:, None] * learner.weights_[:n]).ravel()
    kept = model.means[rows].copy(), model.variances[rows].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of k-means, which hmmlearn runs and then does not use
        learner.fit(x, sizes)
    means, variances = learner.means_[:n].reshape(kept[0].shape), learner.covars_[:n].reshape(kept[1].shape)
    # A Gaussian without frames comes back as NaN or with a collapsed variance; it keeps what it had. hmmlearn ignores
    # min_covar in this M step, so the floor is applied here.
    poor = ~np.isfinite(means).all(1) | (stats.counts[rows] < 1.0)
    means[poor], variances[poor] = kept[0][poor], kept[1][poor]
    model.means[rows], model.variances[rows] = means, np.maximum(np.nan_to_num(variances), model.floor)
    weights = np.nan_to_num(learner.weights_[:n])
    model.weights[rows] = (weights / weights.sum(1, keepdims=True)).ravel()
    counts = np.zeros_like(model.transitions.log_probs)
    begin = model.transitions.first_id[phone]
    counts[begin : begin + n * (n + 1)] = learner.transmat_[:n].ravel()
    model.transitions.reestimate(counts)


TRAINERS: dict[str, Update] = {"baum-welch": baum_welch, "hmmlearn": segmental_hmmlearn}


def train(
    model: GmmHmm,
    graphs: Mapping[str, Graph],
    feats: Mapping[str, np.ndarray],
    lengths: Mapping[str, int],
    schedule: Schedule,
    trainer: str = "baum-welch",
    jobs: int = 1,
    on_pass: Callable[[int, float], None] = lambda number, score: None,
    scratch: Path | None = None,
) -> Statistics:
    """Train ``model`` in place; ``on_pass(pass, log likelihood per frame)`` hears of every pass. With a folder
    ``scratch``, which holds some bytes for each frame, not every pass aligns anew (`Schedule.aligns`).

    Returns the statistics of the last pass. Raises UserError if the likelihood falls (Baum-Welch cannot; the segmental
    reference, which mixes Viterbi segments with summed paths, may by a little), or anything is not finite.
    """
    tolerance = 1e-4 if trainer == "baum-welch" else 0.5
    work = list(batches(list(graphs), graphs, lengths))
    grow_after = {schedule.warm_up + i * schedule.passes for i in range(schedule.growths())}
    before, aligned = None, None
    for number in range(1, schedule.total() + 1):
        if aligned and aligned.kept and not schedule.aligns(number):
            stats = accumulate_again(model, feats, work, aligned, jobs)
            maximise(model, stats)
        else:
            stats = aligned = TRAINERS[trainer](model, graphs, feats, work, jobs, scratch)
        before = check_step(model, before, stats, tolerance)
        on_pass(number, before)
        if number in grow_after:
            grow(model, stats, schedule.max_mix, schedule.min_frames)
            before = None  # a split moves the means off the optimum, so the next pass may start lower
    return stats


def poor_phones(model: GmmHmm, stats: Statistics, least: float) -> dict[str, float]:
    """Phones of which some state saw fewer than ``least`` frames, with that count."""
    occupancy = np.add.reduceat(stats.counts, model.bounds[:-1])
    decisions = model.transitions.decisions
    fewest = {phone: float(occupancy[decisions.pdfs_of(phone)].min()) for phone in model.transitions.phones}
    return {phone: frames for phone, frames in fewest.items() if frames < least}
