"""GMM-HMM phone models: Gaussian mixtures as output densities, trained by EM on whole utterances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.phones import SILENCE
from pipeline.base.arrays import read_arrays, write_arrays
from pipeline.hmm.decisions import EDGE, Decisions, monophones
from pipeline.hmm.graphs import Graph
from pipeline.hmm.topology import LOG_ZERO, Hmms, PhoneTopology, Transitions, phone_topology, silence_topology

if TYPE_CHECKING:
    from hmmlearn.hmm import GMMHMM

VARIANCE_FLOOR = 0.01  # of the variance of all frames (HTK's HERest -v, as HCompV suggests)
APART = 0.2  # standard deviations between the halves of a Gaussian that is split and where it was (HTK Book, 8.4)
LARGEST = 1e30  # no mean or variance is; from larger ones come infinite scores
BATCH_CELLS = 3_000_000  # frames x states of the utterances that are one piece of work for a process
BATCH_FRAMES = 6000  # of these; of short utterances a batch would else take all
PIECE = 2000  # frames scored at a time: with 5,000 Gaussians 80 MB
NOTHING_SINGLE = -18.0  # what is so much less likely than another way changes no digit of their sum in float32
MIXTURES = ("weights", "means", "covars")  # as hmmlearn calls them
Check = Callable[[np.ndarray], np.ndarray]


@dataclass
class GmmHmm:
    """Phone HMMs with diagonal Gaussian mixtures, any number of Gaussians in each density.

    All mixtures lie one after the other: density p owns rows ``bounds[p]:bounds[p + 1]`` of ``weights`` (G,), ``means``
    and ``variances`` (G, D). ``floor`` (D,) is the least variance. With a ``transform`` (D, F) features (T, F) are
    mapped to what the Gaussians are of.
    """

    transitions: Transitions
    bounds: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    floor: np.ndarray
    transform: np.ndarray | None = None

    @property
    def num_parameters(self) -> int:
        """Means, variances, mixture weights, the transitions that may be taken, and the transform."""
        transform = 0 if self.transform is None else self.transform.size
        return self.means.size * 2 + self.weights.size + int((self.transitions.log_probs > LOG_ZERO).sum()) + transform

    @property
    def dimension(self) -> int:
        """Numbers in a frame of features."""
        return self.means.shape[1] if self.transform is None else self.transform.shape[1]

    def seen(self, feats: np.ndarray) -> np.ndarray:
        """What the Gaussians see of features: (T, F) -> (T, D) float64."""
        feats = np.asarray(feats, np.float64)
        return feats if self.transform is None else feats @ self.transform.T

    def rows(self, pdfs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The Gaussians of densities ``pdfs`` (n,), one density after the other, and where each one's begin and end
        among them (n + 1,)."""
        sizes = self.bounds[pdfs + 1] - self.bounds[pdfs]
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        return np.repeat(self.bounds[pdfs] - bounds[:-1], sizes) + np.arange(bounds[-1]), bounds

    def products(self, rows: np.ndarray | slice = slice(None)) -> Products:
        """Gaussians as a matrix product."""
        precision, mean = 1 / self.variances[rows], self.means[rows]
        with np.errstate(divide="ignore"):
            constant = np.log(self.weights[rows]) - 0.5 * (
                np.log(2 * np.pi * self.variances[rows]).sum(1) + (mean**2 * precision).sum(1)
            )
        return Products(np.hstack([mean * precision, -0.5 * precision]), np.maximum(constant, LOG_ZERO))

    def components(self, feats: np.ndarray, pdfs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """log(weight x density) of each Gaussian of ``pdfs`` for what they see (T, D): (T, g), and where each density's
        begin and end."""
        rows, bounds = self.rows(pdfs)
        return self.products(rows).scores(with_squares(np.asarray(feats, np.float64))), bounds

    def log_likelihood(self, feats: np.ndarray, pdfs: np.ndarray | None = None) -> np.ndarray:
        """log p(frame | density): (T, F) -> (T, len(pdfs)) float64; all densities unless told which."""
        pdfs = np.arange(len(self.bounds) - 1) if pdfs is None else pdfs
        pieces = [
            sum_components(*self.components(self.seen(feats[start : start + PIECE]), pdfs))
            for start in range(0, max(1, len(feats)), PIECE)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def alike(self) -> list[list[int]]:
        """The densities that have to have as many Gaussians as one another: those of a phone, in monophones (hmmlearn's
        layout); else each stands alone."""
        decisions = self.transitions.decisions
        if decisions.plain:
            return [decisions.pdfs_of(phone) for phone in self.transitions.phones]
        return [[pdf] for pdf in range(decisions.num_pdfs)]

    def to_hmmlearn(self, phone: str, left: str = EDGE, right: str = EDGE) -> GMMHMM:
        """The phone, between two others, as an hmmlearn model: scores, decodes and samples with hmmlearn alone.

        hmmlearn has no exit from a model, so each row of its transition matrix is conditioned on staying inside; the
        last state absorbs. All states have as many Gaussians: a state of fewer has some of weight 0.
        """
        from hmmlearn.hmm import GMMHMM  # a slow import

        arrays = self._as_hmmlearn(phone, left, right)
        states, mix = arrays["weights"].shape
        model = GMMHMM(n_components=states, n_mix=mix, covariance_type="diag", init_params="")
        model.n_features = self.means.shape[1]
        for name, array in arrays.items():
            setattr(model, f"{name}_", array)
        return model

    def _as_hmmlearn(self, phone: str, left: str = EDGE, right: str = EDGE) -> dict[str, np.ndarray]:
        """The arrays of `to_hmmlearn`, by hmmlearn's names without the underscore at the end."""
        topology = self.transitions.topologies[phone]
        pdfs = np.array(self.transitions.decisions.pdfs(phone, left, right))
        sizes = self.bounds[pdfs + 1] - self.bounds[pdfs]
        number = np.arange(sizes.max())
        rows = self.bounds[pdfs][:, None] + np.minimum(number, sizes[:, None] - 1)  # (states, Gaussians)
        return {
            "startprob": topology.start.copy(),
            "transmat": topology.trans / topology.trans.sum(1, keepdims=True),
            "weights": np.where(number < sizes[:, None], self.weights[rows], 0.0),
            "means": self.means[rows],
            "covars": self.variances[rows],
        }

    def save(self, path: Path | str) -> None:
        """Write arrays only (no pickles): per phone PHONE.startprob, .transmat and .exit.

        Monophones have PHONE.weights, .means and .covars as well (hmmlearn's layout: as many Gaussians in each state).
        Else all Gaussians follow one another in ``weights``, ``means`` and ``covars``, each density has so many as
        ``sizes`` says, and ``roots``, ``nodes`` and ``among`` tell who reads it (`Decisions.to_arrays`)."""
        arrays, decisions = {"floor": self.floor}, self.transitions.decisions
        sizes = np.diff(self.bounds)
        by_phone = decisions.plain and all(len(set(sizes[pdfs].tolist())) == 1 for pdfs in self.alike())
        for phone in self.transitions.phones:
            for name, array in self._as_hmmlearn(phone).items():
                if by_phone or name not in MIXTURES:
                    arrays[f"{phone}.{name}"] = array
            arrays[f"{phone}.exit"] = self.transitions.topologies[phone].exit
        if not by_phone:
            arrays |= {"weights": self.weights, "means": self.means, "covars": self.variances, "sizes": sizes}
            arrays |= decisions.to_arrays()
        if self.transform is not None:
            arrays["transform"] = self.transform
        write_arrays(path, arrays, {"phones": self.transitions.phones})


class Products(NamedTuple):
    """Gaussians as a matrix product: log(weight x density) = ``matrix`` (g, 2 D) @ [x, x²] + ``constant`` (g,)."""

    matrix: np.ndarray
    constant: np.ndarray

    def of(self, rows: np.ndarray | slice) -> Products:
        """Some of them."""
        return Products(self.matrix[rows], self.constant[rows])

    def scores(self, squared: np.ndarray) -> np.ndarray:
        """(T, 2 D) as `with_squares` gives them -> (T, g)."""
        return squared @ self.matrix.T + self.constant


def with_squares(feats: np.ndarray) -> np.ndarray:
    """(T, D) -> (T, 2 D)."""
    return np.hstack([feats, feats * feats])


class Mixture(NamedTuple):
    """Weights (M,), means and variances (M, D) of one density."""

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray


def mixture_of(model: GmmHmm, pdf: int) -> Mixture:
    """A density of the model."""
    rows = slice(model.bounds[pdf], model.bounds[pdf + 1])
    return Mixture(model.weights[rows], model.means[rows], model.variances[rows])


def set_mixtures(model: GmmHmm, mixtures: Sequence[Mixture]) -> None:
    """Give the model these densities."""
    model.bounds = np.cumsum([0, *(len(mixture.weights) for mixture in mixtures)])
    model.weights, model.means, model.variances = (np.concatenate(part) for part in zip(*mixtures))


def split(mixture: Mixture, size: int) -> Mixture:
    """As many Gaussians as ``size``: the heaviest is halved, again and again."""
    weights, means, variances = (list(part) for part in mixture)
    while len(weights) < size:
        heavy = int(np.argmax(weights))
        weights[heavy] /= 2
        offset = APART * np.sqrt(variances[heavy])
        weights.append(weights[heavy])
        means.append(means[heavy] - offset)
        variances.append(variances[heavy])
        means[heavy] = means[heavy] + offset
    return Mixture(np.array(weights), np.array(means), np.array(variances))


def sum_components(scores: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Log sum of each density's Gaussians: (T, g) -> (T, len(bounds) - 1) float64, in the precision of the scores."""
    if scores.shape[1] == len(bounds) - 1:
        return scores.astype(np.float64)  # of one Gaussian each
    from pipeline.hmm.loops import NOTHING, log_sums  # with numba, which is slow to import

    found = np.empty((len(scores), len(bounds) - 1))
    log_sums(scores, bounds, NOTHING if scores.dtype == np.float64 else NOTHING_SINGLE, found)
    return found


def load_gmm(path: Path | str) -> GmmHmm:
    """Read what `GmmHmm.save` wrote. Raises UserError for anything else, naming the array that is wrong."""
    try:
        arrays, names = read_arrays(path)
        phones, floor = names["phones"], arrays["floor"].astype(np.float64)
        if not phones or len(set(phones)) < len(phones):
            raise ValueError("phones are none, or some twice")
        if floor.ndim != 1 or not (floor >= 0).all():
            raise ValueError("floor has a wrong shape or value")
        topologies = {phone: _read_topology(arrays, phone) for phone in phones}
        states = {phone: len(topology.start) for phone, topology in topologies.items()}
        if "sizes" in arrays:
            decisions = Decisions.from_arrays(states, arrays)
            blocks = [_read_densities(arrays, decisions.num_pdfs, len(floor))]
        else:
            decisions = monophones(states)
            blocks = [_read_phone(arrays, phone, states[phone], len(floor)) for phone in phones]
        transform = None
        if "transform" in arrays:
            shape = len(floor), arrays["transform"].shape[-1]
            transform = _checked(arrays, "transform", shape, np.isfinite)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such model; run: make gmm") from error
    except Exception as error:  # a file of anything can fail in any way; all of them mean the same to the user
        raise UserError(f"{path}: not a GMM-HMM model of phonoscope ({error}); remove it and run: make gmm") from error
    sizes, weights, means, variances = (np.concatenate(column) for column in zip(*blocks))
    transitions = Transitions(phones, topologies, decisions)
    return GmmHmm(transitions, np.cumsum([0, *sizes]), weights, means, variances, floor, transform)


def _checked(arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], good: Check) -> np.ndarray:
    """An array in double precision. ValueError if it has another shape, or a value that is not good."""
    array = arrays[name].astype(np.float64)
    if array.shape != shape or not array.size or not (np.abs(array) < LARGEST).all() or not good(array).all():
        raise ValueError(f"{name} has a wrong shape or value")
    return array


def _distributions(array: np.ndarray) -> np.ndarray:
    """Whether rows are probabilities that sum to one."""
    return (array >= 0).all(-1) & np.isclose(array.sum(-1), 1, atol=1e-6)


def _read_topology(arrays: Mapping[str, np.ndarray], phone: str) -> PhoneTopology:
    n = len(arrays[f"{phone}.exit"])
    leave = _checked(arrays, f"{phone}.exit", (n,), lambda x: (x >= 0) & (x <= 1))
    trans = _checked(arrays, f"{phone}.transmat", (n, n), _distributions)
    start = _checked(arrays, f"{phone}.startprob", (n,), _distributions)
    return PhoneTopology(start, trans * (1 - leave)[:, None], leave)


def _read_phone(arrays: Mapping[str, np.ndarray], phone: str, states: int, dim: int) -> tuple[np.ndarray, ...]:
    """How many Gaussians each state of a monophone has (states,), and their weights, means and variances, a row for
    each."""
    mix = arrays[f"{phone}.weights"].shape[-1]
    return np.full(states, mix), *_read_gaussians(arrays, f"{phone}.", (states, mix), dim, _distributions)


def _read_densities(arrays: Mapping[str, np.ndarray], num_pdfs: int, dim: int) -> tuple[np.ndarray, ...]:
    """The same of all densities, whoever reads them."""
    total = len(arrays["weights"])
    sizes = _checked(arrays, "sizes", (num_pdfs,), lambda x: (x >= 1) & (x <= total) & (x == np.round(x))).astype(int)
    if sizes.sum() != total:
        raise ValueError(f"sizes has {sizes.sum()} Gaussians, weights {total}")
    begins = np.cumsum(sizes) - sizes

    def proper(weights: np.ndarray) -> np.ndarray:
        return (weights >= 0).all() & np.isclose(np.add.reduceat(weights, begins), 1, atol=1e-6)

    return sizes, *_read_gaussians(arrays, "", (total,), dim, proper)


def _read_gaussians(
    arrays: Mapping[str, np.ndarray], prefix: str, shape: tuple[int, ...], dim: int, proper: Check
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weights = _checked(arrays, f"{prefix}weights", shape, proper)
    means = _checked(arrays, f"{prefix}means", (*shape, dim), np.isfinite)
    variances = _checked(arrays, f"{prefix}covars", (*shape, dim), lambda x: x > 1 / LARGEST)
    return weights.ravel(), means.reshape(-1, dim), variances.reshape(-1, dim)


def flat_start(phones: Sequence[str], mean: np.ndarray, variance: np.ndarray) -> GmmHmm:
    """Every state of every phone one Gaussian with the mean and variance (D,) of all frames (HTK's HCompV), but silence
    quieter.

    The utterance graphs alone break the symmetry between the states of a phone: the first Baum-Welch pass spreads them
    evenly over time. The three middle states of silence, which may follow each other in any order, would stay the same
    for ever, and nothing would keep pauses out of the phones beside them: so the states of silence start 0.5 to 1.5
    standard deviations of the first coefficient (the energy) below the mean.
    """
    topologies = {phone: silence_topology() if phone == SILENCE else phone_topology() for phone in phones}
    transitions = Transitions(phones, topologies)
    size = transitions.decisions.num_pdfs
    means = np.tile(mean, (size, 1))
    if SILENCE in topologies:
        silence = list(transitions.decisions.pdfs(SILENCE))
        means[silence, 0] -= np.array([0.5, 0.5, 1, 1.5, 0.5]) * np.sqrt(variance[0])
    return GmmHmm(
        transitions, np.arange(size + 1), np.ones(size), means, np.tile(variance, (size, 1)), VARIANCE_FLOOR * variance
    )


def batches(utterances: Sequence[str], graphs: Mapping[str, Graph], lengths: Mapping[str, int]) -> Iterator[list[str]]:
    """Group utterances, the longest first, so that frames x states of a batch stay within BATCH_CELLS, and its frames
    within BATCH_FRAMES."""
    batch: list[str] = []
    cells = frames = 0
    for utt in sorted(utterances, key=lambda u: (-lengths[u], u)):
        size = lengths[utt] * len(graphs[utt].pdf)
        if batch and (cells + size > BATCH_CELLS or frames + lengths[utt] > BATCH_FRAMES):
            yield batch
            batch, cells, frames = [], 0, 0
        batch.append(utt)
        cells, frames = cells + size, frames + lengths[utt]
    if batch:
        yield batch


def score_for(model: Hmms, graph: Graph, feats: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The densities that a graph uses (n,), which of them each of its states reads (S,), and their scores (T, n)."""
    pdfs, columns = np.unique(graph.pdf, return_inverse=True)
    return pdfs, columns, model.log_likelihood(feats, pdfs)
