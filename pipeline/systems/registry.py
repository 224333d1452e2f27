"""Systems: anything that scores frames for a decoding graph. One `load_system` for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lexicon.errors import UserError
from lexicon.files import folder_from
from pipeline.base.meta import read_meta
from pipeline.classifier.model import load_frame_classifier
from pipeline.datadir.feats import check_dimension
from pipeline.hmm.gmm import load_gmm
from pipeline.lattice import LARGEST
from pipeline.search.graph import ctc_topology, hmm_topology
from pipeline.search.system import Scorer, System

# CTC posteriors are divided by this power of the label prior, as a hybrid's are: without it the network's own habits
# (the blank, frequent words) count twice, once here and once in the language model. Chosen on dev of `prompts`.
CTC_PRIOR_SCALE = 0.6


def load_system(directory: Path | str) -> System:
    """Load the model in ``directory``; its meta.json says of what kind it is. Raises UserError if it is damaged."""
    directory = Path(directory)
    meta = read_meta(directory)
    kinds = {"gmm": _gmm, "frames": _frames, "neural": _neural}
    kind = meta.get("kind")
    if kind not in list(kinds):
        raise UserError(f"{directory}/meta.json: kind {kind!r} is none of {', '.join(kinds)}; train the model again")
    scores, dimension, topology, step, posteriors = kinds[kind](directory, meta)

    def checked(function: Scorer) -> Scorer:
        def score(feats: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                scores = function(check_dimension(feats, dimension, str(directory)))
            if not (np.abs(scores) < LARGEST).all():
                raise UserError(f"{directory}: its scores of these features are not finite; train the model again")
            return scores

        return score

    return System(directory.name, directory, checked(scores), topology, step, meta, posteriors and checked(posteriors))


def _gmm(directory: Path, meta: dict[str, Any]):
    model = load_gmm(directory / "model.npz")
    return model.log_likelihood, model.means.shape[1], hmm_topology(model.transitions), 1, None


def _frames(directory: Path, meta: dict[str, Any]):
    model = load_frame_classifier(directory / "model.npz")
    if not isinstance(meta.get("hmm"), str):
        raise UserError(f"{directory}/meta.json: hmm {meta.get('hmm')!r} is no model directory; run: make frames")
    try:
        hmms = load_gmm(folder_from(directory, meta["hmm"]) / "model.npz")
    except UserError as error:
        raise UserError(f"{directory}/meta.json: its HMMs: {error}") from error
    if len(model.log_prior) != hmms.transitions.num_pdfs:
        raise UserError(
            f"{directory}: {len(model.log_prior)} densities, the HMMs in {meta['hmm']} have"
            f" {hmms.transitions.num_pdfs}; run: make frames"
        )
    dimension = model.layers[0][0].shape[0] // (2 * model.context + 1)
    return model.scaled_likelihoods, dimension, hmm_topology(hmms.transitions), 1, None


def _neural(directory: Path, meta: dict[str, Any]):
    from pipeline.neural.model import load_model  # PyTorch takes seconds, and only a network needs it

    model = load_model(directory)

    def scaled(feats: np.ndarray) -> np.ndarray:
        return model.log_posteriors(feats) - CTC_PRIOR_SCALE * model.log_prior

    return (
        scaled,
        model.encoder.config.feature_dim,
        ctc_topology(model.tokens),
        model.subsampling,
        model.log_posteriors,
    )
