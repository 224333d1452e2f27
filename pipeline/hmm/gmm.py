"""GMM-HMM phone models: Gaussian mixtures as output densities, trained by EM on whole utterances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lexicon.errors import UserError
from lexicon.phones import SILENCE
from pipeline.base.arrays import read_arrays, write_arrays
from pipeline.hmm.graphs import Graph
from pipeline.hmm.topology import LOG_ZERO, Hmms, PhoneTopology, Transitions, phone_topology, silence_topology

if TYPE_CHECKING:
    from hmmlearn.hmm import GMMHMM

VARIANCE_FLOOR = 0.01  # of the variance of all frames (HTK's HERest -v, as HCompV suggests)
LARGEST = 1e30  # no mean or variance is; from larger ones come infinite scores
BATCH_CELLS = 500_000  # frames x states of the utterances that are one piece of work for a process
PIECE = 2000  # frames scored at a time: with 5,000 Gaussians 80 MB


@dataclass
class GmmHmm:
    """Phone HMMs with diagonal Gaussian mixtures.

    All mixtures lie one after the other: density p owns rows ``bounds[p]:bounds[p + 1]`` of ``weights`` (G,), ``means``
    and ``variances`` (G, D). ``floor`` (D,) is the least variance.
    """

    transitions: Transitions
    bounds: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    floor: np.ndarray

    @property
    def num_parameters(self) -> int:
        """Means, variances, mixture weights, and the transitions that may be taken."""
        return self.means.size * 2 + self.weights.size + int((self.transitions.log_probs > LOG_ZERO).sum())

    def components(self, feats: np.ndarray, pdfs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """log(weight x density) of each Gaussian of ``pdfs``: (T, g), and where each density's Gaussians begin."""
        sizes = self.bounds[pdfs + 1] - self.bounds[pdfs]
        begins = np.cumsum(sizes) - sizes
        rows = np.repeat(self.bounds[pdfs] - begins, sizes) + np.arange(sizes.sum())
        precision, mean = 1 / self.variances[rows], self.means[rows]
        with np.errstate(divide="ignore"):
            constant = np.log(self.weights[rows]) - 0.5 * (
                np.log(2 * np.pi * self.variances[rows]).sum(1) + (mean**2 * precision).sum(1)
            )
        feats = np.asarray(feats, np.float64)
        scores = feats @ (mean * precision).T - 0.5 * (feats**2 @ precision.T) + np.maximum(constant, LOG_ZERO)
        return scores, begins

    def log_likelihood(self, feats: np.ndarray, pdfs: np.ndarray | None = None) -> np.ndarray:
        """log p(frame | density): (T, D) -> (T, len(pdfs)) float64; all densities unless told which."""
        pdfs = np.arange(self.transitions.num_pdfs) if pdfs is None else pdfs
        pieces = [
            sum_components(*self.components(feats[start : start + PIECE], pdfs))
            for start in range(0, max(1, len(feats)), PIECE)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def to_hmmlearn(self, phone: str) -> GMMHMM:
        """The phone as an hmmlearn model: scores, decodes and samples with hmmlearn alone.

        hmmlearn has no exit from a model, so each row of its transition matrix is conditioned on staying inside; the
        last state absorbs.
        """
        from hmmlearn.hmm import GMMHMM  # a slow import, which only what trains needs

        first, n = self.transitions.first_pdf[phone], self.transitions.num_states(phone)
        topology = self.transitions.topologies[phone]
        rows = slice(self.bounds[first], self.bounds[first + n])
        mix, dim = (rows.stop - rows.start) // n, self.means.shape[1]
        model = GMMHMM(n_components=n, n_mix=mix, covariance_type="diag", init_params="")
        model.n_features = dim
        model.startprob_ = topology.start.copy()
        model.transmat_ = topology.trans / topology.trans.sum(1, keepdims=True)
        model.weights_ = self.weights[rows].reshape(n, mix)
        model.means_ = self.means[rows].reshape(n, mix, dim)
        model.covars_ = self.variances[rows].reshape(n, mix, dim)
        return model

    def save(self, path: Path | str) -> None:
        """Write arrays only (no pickles): per phone PHONE.startprob, .transmat, .exit, .weights, .means, .covars."""
        arrays = {"floor": self.floor}
        for phone in self.transitions.phones:
            model = self.to_hmmlearn(phone)
            for name in ("startprob", "transmat", "weights", "means", "covars"):
                arrays[f"{phone}.{name}"] = getattr(model, f"{name}_")
            arrays[f"{phone}.exit"] = self.transitions.topologies[phone].exit
        write_arrays(path, arrays, {"phones": self.transitions.phones})


def sum_components(scores: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Log sum of each density's Gaussians: (T, g) -> (T, len(begins)), in double precision."""
    if scores.shape[1] == len(begins):
        return scores  # of one Gaussian each
    best = np.maximum.reduceat(scores, begins, axis=1)
    shares = scores - np.repeat(best, np.diff(np.append(begins, scores.shape[1])), axis=1)
    return best + np.log(np.add.reduceat(np.exp(shares, out=shares), begins, axis=1))


def load_gmm(path: Path | str) -> GmmHmm:
    """Read what `GmmHmm.save` wrote. Raises UserError for anything else, naming the array that is wrong."""
    try:
        arrays, names = read_arrays(path)
        phones, floor = names["phones"], arrays["floor"].astype(np.float64)
        if not phones or len(set(phones)) < len(phones):
            raise ValueError("phones are none, or some twice")
        if floor.ndim != 1 or not (floor >= 0).all():
            raise ValueError("floor has a wrong shape or value")
        topologies, blocks = zip(*(_read_phone(arrays, phone, len(floor)) for phone in phones))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such model; run: make gmm") from error
    except Exception as error:  # a file of anything can fail in any way; all of them mean the same to the user
        raise UserError(f"{path}: not a GMM-HMM model of phonoscope ({error}); remove it and run: make gmm") from error
    sizes, weights, means, variances = (np.concatenate(column) for column in zip(*blocks))
    return GmmHmm(
        Transitions(phones, dict(zip(phones, topologies))), np.cumsum([0, *sizes]), weights, means, variances, floor
    )


def _read_phone(arrays: Mapping[str, np.ndarray], phone: str, dim: int) -> tuple[PhoneTopology, tuple[np.ndarray, ...]]:
    """The topology of ``phone`` and its mixtures' sizes (n,), weights, means and variances, one row per Gaussian."""
    get = {
        name: arrays[f"{phone}.{name}"].astype(np.float64)
        for name in ("startprob", "transmat", "exit", "weights", "means", "covars")
    }
    n, mix, _ = get["means"].shape
    shapes = {
        "startprob": (n,),
        "transmat": (n, n),
        "exit": (n,),
        "weights": (n, mix),
        "means": (n, mix, dim),
        "covars": (n, mix, dim),
    }
    wrong = [name for name, shape in shapes.items() if get[name].shape != shape or not get[name].size]
    wrong += [name for name, value in get.items() if not (np.abs(value) < LARGEST).all()]
    wrong += [
        name
        for name in ("startprob", "transmat", "weights")
        if (get[name] < 0).any() or not np.allclose(get[name].sum(-1), 1, atol=1e-6)
    ]
    wrong += [
        name
        for name, good in (("exit", (get["exit"] >= 0) & (get["exit"] <= 1)), ("covars", get["covars"] > 1 / LARGEST))
        if not good.all()
    ]
    if wrong:
        raise ValueError(f"{phone}.{wrong[0]} has a wrong shape or value")
    return (
        PhoneTopology(get["startprob"], get["transmat"] * (1 - get["exit"])[:, None], get["exit"]),
        (np.full(n, mix), get["weights"].ravel(), get["means"].reshape(-1, dim), get["covars"].reshape(-1, dim)),
    )


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
    size = transitions.num_pdfs
    means = np.tile(mean, (size, 1))
    if SILENCE in transitions.first_pdf:
        first = transitions.first_pdf[SILENCE]
        means[first : first + 5, 0] -= np.array([0.5, 0.5, 1, 1.5, 0.5]) * np.sqrt(variance[0])
    return GmmHmm(
        transitions, np.arange(size + 1), np.ones(size), means, np.tile(variance, (size, 1)), VARIANCE_FLOOR * variance
    )


def batches(utterances: Sequence[str], graphs: Mapping[str, Graph], lengths: Mapping[str, int]) -> Iterator[list[str]]:
    """Group utterances, the longest first, so that frames x states of a batch stay within BATCH_CELLS."""
    batch: list[str] = []
    cells = 0
    for utt in sorted(utterances, key=lambda u: (-lengths[u], u)):
        size = lengths[utt] * len(graphs[utt].pdf)
        if batch and cells + size > BATCH_CELLS:
            yield batch
            batch, cells = [], 0
        batch.append(utt)
        cells += size
    if batch:
        yield batch


def score_for(model: Hmms, graph: Graph, feats: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The densities that a graph uses (n,), which of them each of its states reads (S,), and their scores (T, n)."""
    pdfs, columns = np.unique(graph.pdf, return_inverse=True)
    return pdfs, columns, model.log_likelihood(feats, pdfs)
