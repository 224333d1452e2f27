"""Units that nobody has named: k-means of a layer's frames, and how much they tell of the phones.

After Hsu et al., HuBERT (IEEE/ACM TASLP 29, 2021), section IV.F: phone purity, cluster purity, and phone-normalised
mutual information, the share of the uncertainty about a frame's phone that its unit takes away.
"""

from __future__ import annotations

import numpy as np

from pipeline.classifier.labels import UNKNOWN

UNITS = 100
BATCH = 10_000  # frames, as in HuBERT
STARTS = 2  # of k-means++; the better of them goes on


def fit_units(x: np.ndarray, units: int = UNITS, seed: int = 0) -> np.ndarray:
    """Centres (units, D) float32 of frames (N, D), by k-means in batches (Sculley 2010); fewer where there are fewer
    frames. The same seed gives the same centres."""
    from sklearn.cluster import MiniBatchKMeans  # slow to import

    model = MiniBatchKMeans(min(units, len(x)), batch_size=BATCH, n_init=STARTS, random_state=seed)
    return model.fit(np.asarray(x, np.float32)).cluster_centers_.astype(np.float32)


def nearest_unit(centres: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(N,) the unit whose centre is nearest to each frame (N, D)."""
    from sklearn.metrics import pairwise_distances_argmin

    return pairwise_distances_argmin(np.asarray(x, np.float32), centres)


def joint_counts(labels: np.ndarray, units: np.ndarray, num_phones: int, num_units: int) -> np.ndarray:
    """(num_phones, num_units) how many frames have a phone (N,) and a unit (N,); frames of UNKNOWN phones do not count.
    Counts of utterances add up."""
    known = labels != UNKNOWN
    cells = np.bincount(labels[known] * num_units + units[known], minlength=num_phones * num_units)
    return cells.reshape(num_phones, num_units)


def pnmi(counts: np.ndarray) -> float:
    """I(phone; unit) / H(phone) of joint counts (P, K): 1 where the unit tells the phone, 0 where it tells nothing (or
    where there is but one phone, and nothing to tell)."""
    share = counts / max(counts.sum(), 1)
    phone, unit = share.sum(1, keepdims=True), share.sum(0, keepdims=True)
    there = share > 0
    information = (share[there] * np.log(share[there] / (phone @ unit)[there])).sum()
    entropy = -(phone[phone > 0] * np.log(phone[phone > 0])).sum()
    return float(information / entropy) if entropy > 0 else 0.0


def phone_purity(counts: np.ndarray) -> float:
    """Accuracy in [0, 1] if each unit is taken for its most frequent phone."""
    return float(counts.max(0).sum() / max(counts.sum(), 1))


def cluster_purity(counts: np.ndarray) -> float:
    """The share of frames that have the most frequent unit of their phone: low where many units divide a phone."""
    return float(counts.max(1).sum() / max(counts.sum(), 1))
