"""One utterance, where its files are, and what the stages made of it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.fold import Fold, read_fold
from lexicon.lang import Lang, load_lang
from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet
from pipeline.datadir import Utterance, read_datadir, sample_rate
from pipeline.datadir.feats import Features, RawFeatures, front_end_for, read_feats
from pipeline.sound.audio import read_audio
from pipeline.sound.front_end import FrontEndSettings
from pipeline.times.intervals import Interval, read_ctm

PARTS = ("test", "dev", "train")


@dataclass(frozen=True)
class Shown:
    """What a person gets to see: lines for a terminal, and pictures as files, {ending of the name: content}."""

    lines: list[str]
    pictures: dict[str, str] = field(default_factory=dict)


def find_utterance(data: Path, name: str, parts: Sequence[str] = ("test",)) -> tuple[str, Utterance]:
    """The utterance called ``name`` and which of the ``parts`` of the corpus has it; UserError with the names nearest
    to it if none has."""
    known: dict[str, Utterance] = {}
    for part in parts:
        found = {utterance.id: utterance for utterance in read_datadir(data / part)}
        if name in found:
            return part, found[name]
        known |= found
    lower = {utterance.lower(): utterance for utterance in known}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=4, cutoff=0.4)]
    said = f'UTT "{name}" is not in' if name else "name an utterance, UTT=..., of"
    where = data / (parts[0] if len(parts) == 1 else f"{{{','.join(parts)}}}") / "text"
    raise UserError(
        f"{said} {where}; {'did you mean ' if near else 'it has '}{', '.join(near or list(known)[:3])}"
        f"{', ...' if not near else ''}"
    )


@dataclass(frozen=True)
class Place:
    """An utterance of a ``part`` of the corpus in ``data``, its models and decodes in ``exp``, the lang directory that
    the searches used, the ``yardstick``, which is the system whose alignment is the reference, and the ``systems`` to
    look at. Files are read when asked for: UserError if one is missing or damaged."""

    data: Path
    exp: Path
    lang_path: Path
    part: str
    utterance: Utterance
    yardstick: str
    systems: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.utterance.id

    def title(self, what: str) -> str:
        """The first line."""
        return f"{self.id} ({self.part}): {what}"

    @cached_property
    def rate(self) -> int:
        """Of the corpus, in Hz."""
        return sample_rate(self.data / self.part)

    @cached_property
    def samples(self) -> np.ndarray:
        """(N,) float32 in [-1, 1] at ``rate``."""
        return read_audio(self.utterance.wav, self.rate, self.utterance.cut)

    @cached_property
    def lang(self) -> Lang:
        return load_lang(self.lang_path)

    @cached_property
    def phone_set(self) -> PhoneSet:
        return phone_set_of(self.lang.info)

    @cached_property
    def fold(self) -> Fold:
        return read_fold(self.data)

    @cached_property
    def features(self) -> Features:
        """Of the whole part, as a system gets them that asks for nothing special."""
        data = self.data / self.part
        return Features(data, front_end_for(data, FrontEndSettings()))

    def feats_for(self, model: Path) -> np.ndarray:
        """(T, D) float32 as the model in that directory wants them; UserError if the utterance has none."""
        return self._of(read_feats(self.data / self.part, model))

    @cached_property
    def feats(self) -> np.ndarray:
        """(T, 39) float32 of `features`, a row for each frame; UserError if the utterance has none."""
        return self._of(self.features)

    def _of(self, features: RawFeatures) -> np.ndarray:
        if self.id not in features:
            raise UserError(f'{features.path}: no features of "{self.id}"; the mfcc stage says why: make mfcc')
        return features[self.id]

    def placed(self, kind: str) -> list[Interval]:
        """The "phones" or "words" of the gold labels; none where there are none."""
        return self._intervals(self.data / self.part / f"{kind}.ctm")

    def aligned(self, kind: str) -> list[Interval]:
        """The "phones" or "words" as the yardstick's alignment of the known text has placed them; none where there is
        none yet."""
        return self._intervals(self.exp / self.yardstick / f"ali_{self.part}" / f"{kind}.ctm")

    def reference(self, kind: str) -> tuple[list[Interval], str]:
        """The gold labels, else the alignment; and in words by whom."""
        placed = self.placed(kind)
        return (placed, "gold") if placed else (self.aligned(kind), f"aligned by {self.yardstick}")

    def _intervals(self, path: Path) -> list[Interval]:
        return read_ctm(path).get(self.id, []) if path.exists() else []
