"""A linear probe: what of the phones can be read off a layer's frames by one affine map and a softmax.

Multinomial logistic regression (scikit-learn) of standardised frames, after Alain & Bengio 2017 (Understanding
intermediate layers using linear classifier probes) and Belinkov & Glass 2017 (Analyzing hidden representations in
end-to-end automatic speech recognition systems). How strongly its weights are held down is chosen on dev, whose
speakers are others than those of training, and of test.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.classifier.labels import UNKNOWN
from pipeline.classifier.model import FrameClassifier, log_priors
from pipeline.classifier.training import losses
from pipeline.probe.frames import FrameData, scaling

# L2 penalties of the weights, a frame, from strong to weak: each fit begins where the stronger one ended. On dev of the
# four splits of timit_sample 0.01 is always the best, for MFCC and for a layer of Whisper.
PENALTIES = (0.1, 0.03, 0.01, 0.003, 0.001)
STEPS = 30  # of L-BFGS at most, for a penalty; with 100 the four splits are no better
MOST = 40_000  # frames to learn from: of an hour, neighbours are so alike that every fourth says as much


@dataclass(frozen=True)
class Tried:
    """A penalty, with the cross-entropy (nats a frame) on dev of the probe that was fitted with it."""

    penalty: float
    entropy: float


@dataclass(frozen=True)
class Probe:
    """A trained probe, ``model``, and the penalties tried, strongest first. The densities of the model are indices of
    phones: its `scaled_likelihoods`, log posterior minus log prior, are the scores of a search for phones.

    ``before_dev`` has not learnt from dev, so that what it says there is what it says of people it has never heard: by
    that a layer is chosen, and a search is tuned. It is ``model`` itself, unless dev was learnt from as well.
    """

    model: FrameClassifier
    tried: list[Tried]
    before_dev: FrameClassifier

    @property
    def penalty(self) -> float:
        """The one that is best on dev; the stronger of equals."""
        return min(self.tried, key=lambda one: one.entropy).penalty


def train_probe(
    train: FrameData,
    dev: FrameData,
    num_phones: int,
    context: int = 0,
    penalties: Sequence[float] = PENALTIES,
    with_dev: bool = False,
) -> Probe:
    """Fit a probe to frames (N, (2 context + 1) D) labelled 0 to num_phones - 1, the weaker penalties as long as dev
    gains; ``with_dev``, then as far as the one that is best to the frames of training and dev together. Frames of
    UNKNOWN phones are left out. There is nothing random in it."""
    train, dev = thinned(train, MOST), thinned(dev, MOST)
    fit = _Fitting(train, num_phones, context)
    best, tried = None, []
    for penalty in penalties:
        fitted = fit(penalty)
        tried.append(Tried(penalty, float(losses(_posteriors(fitted, dev.x), fitted.classes, dev.y).mean())))
        if best is not None and tried[-1].entropy >= min(one.entropy for one in tried[:-1]):
            break
        best = fitted
    assert best is not None
    probe = Probe(best, tried, best)
    if with_dev:
        return Probe(probe_with(probe.penalty, joined(train, dev), num_phones, context, penalties), tried, best)
    return probe


def probe_with(
    penalty: float, data: FrameData, num_phones: int, context: int = 0, penalties: Sequence[float] = PENALTIES
) -> FrameClassifier:
    """A probe of frames as `train_probe` takes them, fitted as far as a penalty that is known, one of ``penalties``."""
    fit = _Fitting(thinned(data, 2 * MOST), num_phones, context)
    return [fit(one) for one in penalties[: list(penalties).index(penalty) + 1]][-1]


def joined(*parts: FrameData) -> FrameData:
    """The frames of all parts."""
    return FrameData(np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts]))


class _Fitting:
    """Probes of the same frames for one penalty after the other."""

    def __init__(self, data: FrameData, num_phones: int, context: int):
        from sklearn.linear_model import LogisticRegression  # slow to import

        self.scaling = scaling([data.x])
        self.x, self.y = self.scaling(data.x), data.y
        self.context, self.priors = context, log_priors(np.bincount(data.y, minlength=num_phones))
        self.model = LogisticRegression(max_iter=STEPS, warm_start=True)

    def __call__(self, penalty: float) -> FrameClassifier:
        """The probe of frames as they are: their standardisation is folded into its weights."""
        from sklearn.exceptions import ConvergenceWarning

        self.model.set_params(C=1 / (penalty * len(self.x)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # weak penalties need more steps than they are worth
            self.model.fit(self.x, self.y)
        weight = _both_classes(self.model.coef_).T / self.scaling.deviation[:, None]
        bias = _both_classes(self.model.intercept_) - self.scaling.mean @ weight
        layer = (weight.astype(np.float32), bias.astype(np.float32))
        return FrameClassifier(self.context, [layer], self.model.classes_, self.priors)


def _both_classes(weights: np.ndarray) -> np.ndarray:
    """scikit-learn keeps one row for two classes, the logit of the second."""
    return np.concatenate([0 * weights, weights]) if len(weights) == 1 else weights


def _posteriors(model: FrameClassifier, x: np.ndarray) -> np.ndarray:
    """Log posteriors of frames that are spliced already."""
    return FrameClassifier(0, model.layers, model.classes, model.log_prior).log_posteriors(x)


def thinned(data: FrameData, most: int) -> FrameData:
    """At most so many of the frames whose phones are known, evenly from all."""
    known = np.flatnonzero(data.y != UNKNOWN)
    kept = known[:: -(-len(known) // most) or 1]
    return FrameData(data.x[kept], data.y[kept])


def predicted(model: FrameClassifier, feats: np.ndarray) -> np.ndarray:
    """(T,) the likeliest phone at each frame of a layer (T, D)."""
    return model.classes[model.log_posteriors(feats).argmax(1)]


def hits(
    truth: Sequence[np.ndarray], found: Sequence[np.ndarray], balanced: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """How much of each utterance is right, and how much there is: (U,), (U,), of phones (T,) as they are and as they
    were predicted; UNKNOWN ones do not count.

    The share that is right of all is the accuracy; ``balanced``, where each frame weighs one by the number of frames of
    its phone, it is the mean of the recalls of the phones, as `sklearn.metrics.balanced_accuracy_score` has it. Both
    are what `pipeline.compare.significance.error_rate` makes a rate with an interval over speakers of.
    """
    frames = np.bincount(_joined(truth)[_joined(truth) != UNKNOWN])
    weight = np.append(1 / np.maximum(frames, 1) if balanced else np.ones(len(frames)), 0.0)  # UNKNOWN is the last
    weights = [weight[labels] for labels in truth]
    right = [w[labels == there].sum() for w, labels, there in zip(weights, truth, found, strict=True)]
    return np.array(right), np.array([w.sum() for w in weights])


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, int), *arrays])


def shared_speakers(sets: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """The speakers who are in several sets, {speaker: the sets}: what a probe scores on these is not what it would on
    people it has never heard."""
    found: dict[str, list[str]] = {}
    for name, speakers in sets.items():
        for speaker in sorted(set(speakers)):
            found.setdefault(speaker, []).append(name)
    return {speaker: names for speaker, names in sorted(found.items()) if len(names) > 1}
