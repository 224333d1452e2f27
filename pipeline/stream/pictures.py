"""What the page draws: spectrogram and posteriorgrams, column by column, a byte for each point."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from lexicon.phones import SILENT, PhoneSet, by_manner, ipa_of, manner_in
from pipeline.compare.listen import Searches
from pipeline.draw.spectrogram import DYNAMIC_RANGE_DB, ROWS, power_decibels, reach
from pipeline.search.posteriors import phone_labels
from pipeline.stream.listener import Heard, Rows
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.times.segments import Segment

COLUMN_MS = 5
SOFT_DB = -10.0  # the loudest point of a spectrogram is never taken for softer: a quiet room stays pale


class Spectrogram:
    """The wide-band spectrogram of `pipeline.draw.spectrogram`, as it grows; dark is what is loud beside the loudest so
    far."""

    def __init__(self, sample_rate: int):
        self.rate, self.step = sample_rate, max(1, sample_rate * COLUMN_MS // 1000)
        self.lead = -(-(reach(sample_rate) + 1) // self.step)  # columns at the edges, which lack neighbours
        self.held, self.columns, self.loudest = np.zeros(0, np.float32), 0, SOFT_DB
        self.before = 0  # columns that are held, but given already

    def add(self, samples: np.ndarray) -> np.ndarray:
        """(N,) -> (n, ROWS) uint8: the columns that are known now, the highest frequency first."""
        self.held = np.concatenate([self.held, samples.astype(np.float32)])
        whole = len(self.held) // self.step
        if whole - self.lead <= self.before:
            return np.zeros((0, ROWS), np.uint8)
        decibels = power_decibels(self.held, self.rate, self.step)[self.before : whole - self.lead]
        self.columns += len(decibels)
        self.loudest = max(self.loudest, float(decibels.max()))
        gone = max(0, whole - 2 * self.lead)
        self.held, self.before = self.held[gone * self.step :], whole - self.lead - gone
        darkness = np.clip((decibels - self.loudest) / DYNAMIC_RANGE_DB + 1, 0, 1)
        return np.rint(255 * darkness[:, ::-1]).astype(np.uint8)


class Messages:
    """What the page is told, in its own words: seconds, IPA, bytes."""

    def __init__(self, searches: dict[str, Searches], sample_rate: int):
        self.searches, self.picture = searches, Spectrogram(sample_rate)
        self.order = {name: _order(one) for name, one in searches.items()}
        self.shares = {name: _shares(one, self.order[name]) for name, one in searches.items()}

    def begin(self, title: str) -> dict[str, Any]:
        """What there will be."""
        return {
            "kind": "begin",
            "title": title,
            "rows": ROWS,
            "column": self.picture.step / self.picture.rate,
            "top": self.picture.rate / 2,
            "systems": [
                {
                    "name": name,
                    "step": one.system.step * FRAME_SHIFT_MS / 1000,
                    "phones": [_sign(phone, one.phone_set) for phone in self.order[name]],
                    "manners": _manners(self.order[name], one.phone_set),
                }
                for name, one in self.searches.items()
            ],
        }

    def sound(self, samples: np.ndarray) -> dict[str, Any]:
        first = self.picture.columns
        return {"kind": "sound", "first": first, "bytes": _bytes(self.picture.add(samples))}

    def event(self, event: Heard | Rows) -> dict[str, Any]:
        if isinstance(event, Rows):
            one = self.searches[event.system]
            shown = self._posteriors(event)
            start = float(frame_to_seconds(event.start - one.system.step // 2))
            darkness = np.rint(255 * np.sqrt(shown.clip(0, 1))).astype(np.uint8)  # the improbable is seen as well
            return {"kind": "rows", "system": event.system, "start": round(start, 4), "bytes": _bytes(darkness)}
        phone_set = self.searches[event.system].phone_set
        return {
            "kind": "heard",
            "system": event.system,
            "piece": event.piece,
            "final": event.final,
            "settled": event.settled,
            "words": [_timed(word, word.label) for word in event.words],
            "phones": [_timed(phone, _sign(phone.label, phone_set)) for phone in event.phones],
        }

    def _posteriors(self, event: Rows) -> np.ndarray:
        """(n, phones), as `log_phone_posteriors` has them, for a picture: quickly, and without logarithms."""
        from scipy.special import softmax  # a slow import

        read, shares = self.shares[event.system]
        scale = self.searches[event.system].system.posterior_scale
        return softmax(scale * event.scores[:, read], axis=1) @ shares


def _order(one: Searches) -> list[str]:
    """The phones of a system by manner, silence and blank last."""
    labels = phone_labels(one.system)
    spoken = by_manner([label for label in labels if label not in SILENT], one.phone_set)
    return [*spoken, *(label for label in SILENT if label in labels)]


def _manners(order: Sequence[str], phone_set: PhoneSet) -> list[tuple[str, int]]:
    """Manners and how many phones each has."""
    manners = ["silence" if phone in SILENT else manner_in(phone_set, phone) for phone in order]
    return [(manner, len(list(group))) for manner, group in groupby(manners)]


def _shares(one: Searches, order: Sequence[str]) -> tuple[list[int], np.ndarray]:
    """The columns of scores that phones read, and what share of each is each phone's (columns, phones)."""
    readers = {column: phones for column, phones in enumerate(one.system.topology.labels.readers) if phones}
    shares = [[(phone in phones) / len(phones) for phone in order] for phones in readers.values()]
    return list(readers), np.array(shares, np.float32)


def _sign(label: str, phone_set: PhoneSet) -> str:
    return "·" if label in SILENT else ipa_of(label, phone_set)


def _timed(segment: Segment, label: str) -> Sequence[Any]:
    return label, *(round(float(frame_to_seconds(frame)), 4) for frame in (segment.start, segment.end))


def _bytes(points: np.ndarray) -> str:
    return base64.b64encode(points.tobytes()).decode("ascii")
