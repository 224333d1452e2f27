"""How probable each phone is at a frame, by the sound alone: what a posteriorgram shows, and the
confidence of a placed text averages."""

from __future__ import annotations

import numpy as np

from pipeline.search.system import System


def phone_labels(system: System) -> list[str]:
    """The phones that the columns of a system's scores belong to, each once, in the order of the columns; the blank of
    CTC is one of them."""
    return list(dict.fromkeys(phone for phones in system.topology.labels.readers for phone in phones))


def log_phone_posteriors(system: System, scores: np.ndarray) -> np.ndarray:
    """Scores (T', columns) of a system to the natural log of its phone posteriors (T', P), columns as `phone_labels`
    has them: scaled by its ``posterior_scale``, the densities of each phone added up, each frame's phones summing to
    one. What several phones read is shared out evenly among them: the sound does not tell which."""
    from scipy.special import logsumexp  # a slow import

    read = [column for column, phones in enumerate(system.topology.labels.readers) if phones]
    scaled, readers = system.posterior_scale * scores[:, read], [system.topology.labels.readers[i] for i in read]
    shared = scaled - np.log([len(phones) for phones in readers]).astype(scaled.dtype)
    own = [[column for column, phones in enumerate(readers) if phone in phones] for phone in phone_labels(system)]
    by_phone = np.stack([logsumexp(shared[:, columns], axis=1) for columns in own], axis=1)
    return by_phone - logsumexp(scaled, axis=1, keepdims=True)


def phone_posteriors(system: System, feats: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The phones, and how probable each is at each frame: features (T, D) -> (T', P) float32, one row for
    ``system.step`` frames, row j centred on frame j * step. Rows sum to one; no language model or lexicon has a say."""
    return phone_labels(system), np.exp(log_phone_posteriors(system, system.scores(feats))).astype(np.float32)
