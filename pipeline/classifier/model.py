"""The frame classifier: scikit-learn on spliced features, its posteriors turned into scaled likelihoods.

The hybrid of Bourlard & Morgan (Connectionist Speech Recognition, 1994): p(frame | state) is proportional to
p(state | frame) / p(state), so a classifier trained on the GMM's alignment takes the place of the Gaussians in the same
HMMs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from pipeline.base.arrays import read_arrays, write_arrays
from pipeline.classifier.frames import PIECE, Layer, spliced


@dataclass
class FrameClassifier:
    """A stack of affine layers with rectifiers between them and a softmax behind: what each of the models of
    `pipeline.classifier.training` amounts to, so that arrays are all there is to save.

    ``layers``: (weights (n_in, n_out), bias (n_out,)) in order, for spliced features ``(2 context + 1) D``;
    ``classes`` (n,) the densities (pdf ids) of the outputs; ``log_prior`` (num_pdfs,) of all densities.
    """

    context: int
    layers: list[Layer]
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
        """log p(class | frame): (T, D) -> (T, len(classes)) float32, PIECE frames at a time."""
        feats, frames = np.asarray(feats, np.float32), np.arange(len(feats))
        begins, ends = np.zeros_like(frames), np.full_like(frames, len(feats))
        pieces = [slice(start, start + PIECE) for start in range(0, max(1, len(feats)), PIECE)]
        return np.concatenate(
            [self.of_spliced(spliced(feats, frames[p], begins[p], ends[p], self.context)) for p in pieces]
        )

    def of_spliced(self, x: np.ndarray) -> np.ndarray:
        """The same of spliced frames (n, (2 context + 1) D), all at once."""
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


def log_priors(counts: np.ndarray) -> np.ndarray:
    """Log relative frequency of each density that has so many frames (num_pdfs,), one frame added to each."""
    return np.log((counts + 1.0) / (counts + 1.0).sum())
