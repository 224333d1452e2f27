"""Confidence: how probable it is that a word or phone of a result is right, learned on dev from its posterior.

A posterior is the share of what a search kept, or of a frame, that a label has by the model's own scores. Of ten words
of 0.9 more than nine, or fewer, may be right. A confidence is what a map makes of the posterior so that nine are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.fold import Fold
from lexicon.phones import spoken
from lexicon.text import numbered_lines
from pipeline.base.edits import GAP, pair_up
from pipeline.lattice import LARGEST

NEAREST = 1e-3  # to 0 and to 1 that a posterior counts as: the models know no better
TRUST = 1.0  # in posteriors as they are, against what dev says: with little of it the map stays near them
LEVELS = ("words", "phones", "free")  # words and phones of the search for words, phones of the free search
POSTERIORS = "posteriors.jsonl"  # of a decode: those behind the confidences of its CTMs

Judged = list[tuple[float, bool]]  # posteriors, and whether each label was right


class Calibration(NamedTuple):
    """The log odds of being right are ``slope`` times those of the posterior plus ``offset``."""

    slope: float = 1.0
    offset: float = 0.0

    def confidence(self, posteriors: Sequence[float]) -> list[float]:
        """Of each posterior in [0, 1]; the larger it is, the larger that is, too."""
        if self == Calibration():
            return list(posteriors)
        from scipy.special import expit  # a slow import

        return expit(self.slope * log_odds(posteriors) + self.offset).tolist()


class Confidences(NamedTuple):
    """The maps of a system; as they are here, posteriors stay what they are."""

    words: Calibration = Calibration()
    phones: Calibration = Calibration()
    free: Calibration = Calibration()


def log_odds(posteriors: Sequence[float]) -> np.ndarray:
    inside = np.clip(np.asarray(posteriors, np.float64), NEAREST, 1 - NEAREST)
    return np.log(inside / (1 - inside))


def calibrate(judged: Judged) -> Calibration:
    """The map under which what was right and wrong is most probable: logistic regression on log odds, with a slope that
    is not negative (Platt 1999, "Probabilistic outputs for support vector machines"), and a normal prior around the
    posterior as it is."""
    if not judged:
        return Calibration()
    from scipy.optimize import minimize  # slow imports
    from scipy.special import expit

    posteriors, right = zip(*judged)
    odds, sign = log_odds(posteriors), np.where(right, 1.0, -1.0)

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (at[0] * odds + at[1])
        pull = -sign * expit(-margin)
        away = at - Calibration()
        return (
            float(np.logaddexp(0, -margin).sum() + TRUST / 2 * (away @ away)),
            np.array([pull @ odds, pull.sum()]) + TRUST * away,
        )

    found = minimize(loss, np.array(Calibration()), jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)]).x
    return Calibration(*(round(float(value), 4) for value in found))


def judged(labels: Iterable[str], posteriors: Sequence[float], reference: Sequence[str], fold: Fold = {}) -> Judged:
    """The posteriors of what was heard, silence aside, each with whether the label (folded) stands for itself where it
    is aligned with the ``reference``. Without posteriors there is nothing to judge."""
    sounding = [(sign, value) for label, value in zip(labels, posteriors) for sign in spoken([label], fold)]
    pairs = pair_up(reference, [label for label, _ in sounding])
    rights = [wanted == label for wanted, label in pairs if label != GAP]
    return [(value, right) for (_, value), right in zip(sounding, rights)]


def as_json(confidences: Confidences, of: Mapping[str, Judged]) -> dict[str, Any]:
    """What tuning.json keeps, with the number of words and phones that each map was learned ``of``, and of them those
    that were wrong."""
    return {
        level: {**getattr(confidences, level)._asdict(), "labels": len(of[level]), "wrong": wrong(of[level])}
        for level in LEVELS
    }


def wrong(of: Judged) -> int:
    return sum(not right for _, right in of)


def from_json(value: Any) -> Confidences:
    """ValueError, KeyError or TypeError for what is none. Nothing (None) leaves posteriors as they are."""
    if value is None:
        return Confidences()
    maps = [Calibration(float(value[level]["slope"]), float(value[level]["offset"])) for level in LEVELS]
    if not all(0 <= one.slope < LARGEST and abs(one.offset) < LARGEST for one in maps):
        raise ValueError("confidences that are none")
    return Confidences(*maps)


# ---- files of a decode


def write_posteriors(decode: Path, utterances: Iterable[tuple[str, Sequence[Sequence[float]]]]) -> None:
    """The posteriors of each utterance, one list for each of LEVELS, in the order of the CTMs: a line of JSON each."""

    def line(utterance: str, lists: Sequence[Sequence[float]]) -> str:
        rounded = {level: [round(value, 5) for value in values] for level, values in zip(LEVELS, lists)}
        return json.dumps({"utterance": utterance, **rounded}, ensure_ascii=False)

    write_lines(decode / POSTERIORS, (line(*one) for one in utterances))


def read_posteriors(decode: Path) -> dict[str, dict[str, list[float]]]:
    """Of each utterance the posteriors by level. UserError, with the line, for what is none."""
    path, found = decode / POSTERIORS, {}
    for number, line in numbered_lines(path):
        try:
            entry = json.loads(line)
            lists = {level: [float(value) for value in entry[level]] for level in LEVELS}
            if not all(0 <= value <= 1 for values in lists.values() for value in values):
                raise ValueError("posteriors lie between 0 and 1")
            found[str(entry["utterance"])] = lists
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise UserError(f"{path}:{number}: not posteriors ({error!r}); {again(path)}") from None
    return found


def sure_labels(path: Path) -> Iterator[tuple[str, str, float]]:
    """(utterance, label, confidence) of each line of a decode's CTM. UserError, with the line, for one that has
    none."""
    for number, line in numbered_lines(path):
        try:
            utterance, _, _, _, label, sure = line.split()
            confidence = float(sure)
            if not 0 <= confidence <= 1:
                raise ValueError
        except ValueError:
            raise UserError(
                f'{path}:{number}: "{line[:80]}" is not `utt 1 start duration label confidence`; {again(path)}'
            ) from None
        yield utterance, label, confidence


def again(path: Path) -> str:
    """How a damaged file of a decode is made anew."""
    return f"remove {path.with_name('hyp.txt')} and run: make decode"
