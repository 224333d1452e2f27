"""The frame classifier: scikit-learn on spliced features, its posteriors turned into scaled likelihoods.

The hybrid of Bourlard & Morgan (Connectionist Speech Recognition, 1994): p(frame | state) is proportional to
p(state | frame) / p(state), so a classifier trained on the GMM's alignment takes the place of the Gaussians in the same
HMMs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from pipeline.base.arrays import read_arrays, write_arrays
from pipeline.sound.front_end import splice


@dataclass
class FrameClassifier:
    """A stack of affine layers with rectifiers between them and a softmax behind: what each of the scikit-learn models
    below amounts to once trained, so that arrays are all there is to save.

    ``layers``: (weights (n_in, n_out), bias (n_out,)) in order, for spliced features ``(2 context + 1) D``;
    ``classes`` (n,) the densities (pdf ids) of the outputs; ``log_prior`` (num_pdfs,) of all densities.
    """

    context: int
    layers: list[tuple[np.ndarray, np.ndarray]]
    classes: np.ndarray
    log_prior: np.ndarray

    @property
    def dimension(self) -> int:
        """Numbers in a frame of features."""
        return len(self.layers[0][0]) // (2 * self.context + 1)

    @property
    def num_parameters(self) -> int:
        """Weights and biases."""
        return sum(weight.size + bias.size for weight, bias in self.layers)

    def log_posteriors(self, feats: np.ndarray) -> np.ndarray:
        """log p(class | frame): (T, D) -> (T, len(classes)) float32."""
        x = splice(np.asarray(feats, np.float32), self.context)
        for index, (weight, bias) in enumerate(self.layers):
            x = x @ weight + bias
            if index < len(self.layers) - 1:
                np.maximum(x, 0, out=x)
        x -= x.max(1, keepdims=True)
        return x - np.log(np.exp(x).sum(1, keepdims=True))

    def scaled_likelihoods(self, feats: np.ndarray, floor: float = -20.0) -> np.ndarray:
        """log p(density | frame) - log p(density): (T, D) -> (T, num_pdfs).

        A density the classifier never saw gets ``floor`` (natural log), as does any posterior below it: outside its
        training data a network's confidence means little, and one frame must not forbid a path.
        """
        scores = np.full((len(feats), len(self.log_prior)), floor, np.float32)
        scores[:, self.classes] = np.maximum(self.log_posteriors(feats), floor) - self.log_prior[self.classes]
        return scores

    def save(self, path: Path | str) -> None:
        """Write arrays only (no pickles)."""
        arrays = {
            f"{name}{i}": array for i, layer in enumerate(self.layers) for name, array in zip(("weight", "bias"), layer)
        }
        numbers = {"context": self.context, "num_layers": len(self.layers)}
        arrays |= {name: np.array(number) for name, number in numbers.items()}
        write_arrays(path, arrays | {"classes": self.classes, "log_prior": self.log_prior})


def load_frame_classifier(path: Path | str) -> FrameClassifier:
    """Read what `FrameClassifier.save` wrote. Raises UserError for anything else."""
    try:
        arrays, _ = read_arrays(path)
        layers = [(arrays[f"weight{i}"], arrays[f"bias{i}"]) for i in range(int(arrays["num_layers"]))]
        model = FrameClassifier(int(arrays["context"]), layers, arrays["classes"], arrays["log_prior"])
        widths = [weight.shape[1] for weight, _ in layers]
        fits = (
            all(
                w.ndim == 2 and b.shape == (w.shape[1],) and np.isfinite(w).all() and np.isfinite(b).all()
                for w, b in layers
            )
            and [w.shape[0] for w, _ in layers[1:]] == widths[:-1]
        )
        fits &= (
            model.context >= 0
            and layers[0][0].shape[0] % (2 * model.context + 1) == 0
            and model.log_prior.ndim == 1
            and np.isfinite(model.log_prior).all()
            and np.issubdtype(model.classes.dtype, np.integer)
        )
        if (
            not fits
            or model.classes.shape != (widths[-1],)
            or not 0 <= model.classes.min() <= model.classes.max() < len(model.log_prior)
        ):
            raise ValueError("layers do not fit together")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such model; run: make classifier") from error
    except Exception as error:  # a file of anything can fail in any way; all of them mean the same to the user
        raise UserError(
            f"{path}: not a frame classifier of phonoscope ({error}); remove it and run: make classifier"
        ) from error
    return model


@dataclass(frozen=True)
class FrameData:
    """Spliced training or development frames (N, (2 context + 1) D) float32 with their densities (N,)."""

    x: np.ndarray
    y: np.ndarray


def check_alignment(labels: np.ndarray, feats: np.ndarray, num_pdfs: int, what: str) -> np.ndarray:
    """``labels`` if they are a density for each frame of ``feats`` (T, D), else a UserError that names ``what``."""
    if (
        labels.shape != (len(feats),)
        or not np.issubdtype(labels.dtype, np.integer)
        or not 0 <= labels.min(initial=0) <= labels.max(initial=0) < num_pdfs
    ):
        raise UserError(f"{what}: not one of {num_pdfs} densities for each of {len(feats)} frames; align the set again")
    return labels


def frame_data(feats: Sequence[np.ndarray], labels: Sequence[np.ndarray], context: int) -> FrameData:
    """Splice and stack utterances with their alignments (T,)."""
    return FrameData(np.concatenate([splice(x, context) for x in feats]), np.concatenate(labels))


def log_priors(labels: np.ndarray, num_pdfs: int) -> np.ndarray:
    """Log relative frequency of each density in the alignment, one frame added to each."""
    counts = np.bincount(labels, minlength=num_pdfs) + 1.0
    return np.log(counts / counts.sum())


Trained = tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]  # layers and classes
OnEpoch = Callable[[str], None]


def _affine(
    coef: np.ndarray, intercept: np.ndarray, mean: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fold the standardisation (x - mean) / scale into an affine layer coef (n_in, n_out), intercept (n_out,)."""
    weight = coef / scale[:, None]
    return weight.astype(np.float32), (intercept - mean @ weight).astype(np.float32)


def train_lda(train: FrameData, dev: FrameData, seed: int, say: OnEpoch) -> Trained:
    """Linear discriminant analysis: one Gaussian per class with a covariance in common."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # scikit-learn is slow to import

    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3).fit(train.x, train.y)
    none = np.zeros(train.x.shape[1]), np.ones(train.x.shape[1])
    return [_affine(model.coef_.T, model.intercept_, *none)], model.classes_


def train_logistic(train: FrameData, dev: FrameData, seed: int, say: OnEpoch) -> Trained:
    """Multinomial logistic regression on every third frame, stopped early (30 steps of L-BFGS): a network without a
    hidden layer. Neighbouring frames are so alike that all of them would cost three times as much for little."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, scale = train.x.mean(0), train.x.std(0) + 1e-6
    model = LogisticRegression(C=0.01, max_iter=30, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # that it stops before it converges is what was asked for
        model.fit((train.x[::3] - mean) / scale, train.y[::3])
    return [_affine(model.coef_.T, model.intercept_, mean, scale)], model.classes_


def train_mlp(
    train: FrameData,
    dev: FrameData,
    seed: int,
    say: OnEpoch,
    hidden: tuple[int, ...] = (512, 512),
    rate: float = 1e-3,
    max_epochs: int = 16,
    least_gain: float = 0.003,
) -> Trained:
    """A multilayer perceptron, its learning rate by "newbob" (QuickNet; Kaldi's nnet1): from the first epoch that gains
    less than ``least_gain`` of the dev cross-entropy on, the rate is halved and training goes on from the best weights,
    until three such epochs in all."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    mean, scale = train.x.mean(0), train.x.std(0) + 1e-6
    x, dev_x = (train.x - mean) / scale, (dev.x - mean) / scale
    # With warm_start each fit is one more epoch, with a fresh Adam at the rate of that epoch.
    model = MLPClassifier(hidden, batch_size=256, alpha=1e-3, max_iter=1, warm_start=True)
    best, stalled = np.inf, 0
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    for epoch in range(1, max_epochs + 1):
        model.set_params(learning_rate_init=rate, random_state=seed + epoch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is what was asked for
            model.fit(x, train.y)
        entropy = cross_entropy(np.log(model.predict_proba(dev_x) + 1e-20), model.classes_, dev.y)
        say(f"mlp: epoch {epoch}, learning rate {rate:.2g}, dev cross-entropy {entropy:.4f}")
        stalled += entropy > best * (1 - least_gain)
        if entropy < best:
            best = entropy
            kept = [(w.copy(), b.copy()) for w, b in zip(model.coefs_, model.intercepts_)]
        else:
            for own, (weight, bias) in zip(zip(model.coefs_, model.intercepts_), kept):
                own[0][:], own[1][:] = weight, bias
        if stalled == 3:
            break
        rate /= 2 if stalled else 1
    first = _affine(*kept[0], mean, scale)
    return [first, *((w.astype(np.float32), b.astype(np.float32)) for w, b in kept[1:])], model.classes_


CLASSIFIERS: dict[str, Callable[..., Trained]] = {"lda": train_lda, "logistic": train_logistic, "mlp": train_mlp}


def cross_entropy(log_posteriors: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log posterior (natural) of the labels (N,); labels outside ``classes`` do not count."""
    column = np.searchsorted(classes, labels)
    known = (column < len(classes)) & (classes[np.minimum(column, len(classes) - 1)] == labels)
    return float(-log_posteriors[np.flatnonzero(known), column[known]].mean())
