"""One utterance as the report shows it: sound, spectrogram, and what everybody heard and considered, with times.

The functions make the parts that a page loads, `Panels` those of an utterance of the test set, whose reference is known
and whose results are files; `pipeline.report.own` makes those of a recording of one's own.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lexicon.fold import Fold
from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet, spoken
from pipeline.align.alignments import Alignments, PlacedUtterance, alignments_in, in_seconds
from pipeline.base.edits import GAP, pair_up
from pipeline.base.meta import MODEL
from pipeline.compare.results import Comparison, Result
from pipeline.datadir import Utterance
from pipeline.datadir.feats import Features, read_feats
from pipeline.datadir.sets import CTMS, aligned_ctm, decoded_ctm, read_gold, read_placed
from pipeline.report.lattices import GRAPHS, Lattices, difference_bars, lattice_drawings, read_lattices, seconds_of
from pipeline.report.others import read_causes
from pipeline.report.posteriorgram import attention_map, posteriorgram, spikes
from pipeline.report.voice import voice_curves
from pipeline.search.posteriors import phone_posteriors
from pipeline.search.system import System
from pipeline.sound.audio import Cut, audio_info, read_audio
from pipeline.systems import load_system
from pipeline.times.ctm import read_confidences
from pipeline.times.intervals import Interval, Intervals

# Higher frequencies than 8 kHz are neither heard by the systems nor worth the bytes; nor are the last of a long one.
MAX_SAMPLE_RATE = 16_000
MAX_SAMPLES = 600_000
APART = 0.02  # seconds: borders further apart are marked


def row(
    reference: Sequence[Interval] | None, heard: Sequence[Interval], fold: Fold = {}, sure: Sequence[float] = ()
) -> dict[str, Any]:
    """A row of segments for the page, each compared (folded) with the reference by their alignment, silence aside;
    where there is no reference, segments have no verdict.

    ``segments``: [start, end, label, verdict], verdict "" right, "+" inserted, else the reference symbol it stands
    for; ``missing``: [seconds, symbol] of what was left out, at the border where it should have been; ``confidence``:
    of each segment, where they are known.
    """
    known = {"confidence": [round(float(one), 2) for one in sure]} if len(sure) == len(heard) > 0 else {}
    if reference is None:
        return {"segments": times_of(heard), "missing": [], **known}
    wanted = spoken((segment.label for segment in reference), fold)
    sounding = [segment for segment in heard if spoken([segment.label], fold)]
    verdicts: list[str] = []
    missing: list[list[Any]] = []
    for ref, hyp in pair_up(wanted, spoken((segment.label for segment in heard), fold)):
        if hyp == GAP:
            here = len(verdicts)
            border = sounding[here].start if here < len(sounding) else sounding[-1].end if sounding else 0.0
            missing.append([round(border, 3), ref])
        else:
            verdicts.append("" if ref == hyp else "+" if ref == GAP else ref)
    judged = iter(verdicts)
    segments = [
        [round(s.start, 3), round(s.end, 3), s.label, next(judged) if spoken([s.label], fold) else ""] for s in heard
    ]
    return {"segments": segments, "missing": missing, **known}


def borders_apart(first: Sequence[Interval], second: Sequence[Interval], limit: float = APART) -> list[list[Any]]:
    """[phone, its start in first, in second] of the phones, silence aside, that both have and that begin more than
    ``limit`` seconds apart."""
    ours, theirs = ([phone for phone in phones if spoken([phone.label])] for phones in (first, second))
    found, i, j = [], 0, 0
    for a, b in pair_up([phone.label for phone in ours], [phone.label for phone in theirs]):
        if a == b and abs(ours[i].start - theirs[j].start) > limit:
            found.append([a, round(ours[i].start, 4), round(theirs[j].start, 4)])
        i, j = i + (a != GAP), j + (b != GAP)
    return found


def sound_of(name: str, wav: Path, cut: Cut | None, most: int = MAX_SAMPLE_RATE) -> dict[str, Any]:
    """The samples of a file, or a stretch of it, at a rate of at ``most`` so many Hz."""
    rate = min(audio_info(wav).sample_rate, most, MAX_SAMPLE_RATE)
    samples = read_audio(wav, rate, cut)
    if len(samples) > MAX_SAMPLES:
        rate = max(rate * MAX_SAMPLES // len(samples), 2000)
        samples = read_audio(wav, rate, cut)
    return {
        "id": name,
        "duration": round(len(samples) / rate, 4),
        "rate": rate,
        "pcm": _base64(np.rint(samples * 32767).astype("<i2").tobytes()),
        "voice": voice_curves(samples, rate),
    }


def index_of(
    systems: Iterable[tuple[str, int]], parts: Sequence[Mapping[str, Any]], models: Sequence[bool], first: Sequence[int]
) -> dict[str, Any]:
    """What there is to be loaded: the ``systems``, each with the number of its model, with their ``parts``; of which
    ``models`` there are posteriors; and the two systems that a page shows ``first``."""
    return {
        "systems": [
            {"name": name, "model": model, "graphs": list(part["lattices"]), "places": bool(part["placed"])}
            for (name, model), part in zip(systems, parts, strict=True)
        ],
        "models": list(models),
        "compared": list(first),
    }


def pair_of(
    heard: Sequence[Sequence[Interval]], placed: Sequence[Sequence[Interval]], lattices: Sequence[Lattices]
) -> dict[str, Any]:
    """What is said of two systems: of the phones of the words that they heard, of those of the known text where they
    placed it, and of their lattices."""
    return {
        "words": borders_apart(heard[0], heard[1]),
        "known": borders_apart(placed[0], placed[1]) if all(placed) else None,
        "difference": {graph: difference_bars([found[graph] for found in lattices]) for graph in GRAPHS},
    }


def posteriors_of(
    model: System, feats: np.ndarray, words: Sequence[str], phone_set: PhoneSet, begin: int = 0
) -> dict[str, Any]:
    """The posteriorgram of a model, from frame ``begin`` on, with a network's spikes and, of one that writes, where it
    read while it wrote the ``words``."""
    labels, posteriors = phone_posteriors(model, feats)
    drawn = posteriorgram(labels, posteriors, model.step, phone_set, begin)
    if model.posteriors is not None:
        drawn["spikes"] = spikes(model.tokens, model.posteriors(feats)[:, : len(model.tokens)], model.step, begin)
    if model.writer:
        columns = model.scores(feats)[:, model.writer.first :]
        drawn["attention"] = attention_map(model.writer, columns, words, model.step, begin)
    return drawn


class Panels:
    """Makes the panel of one utterance after another of those ``shown``; what holds for all of them is read once.
    ``first``: the numbers of the two systems that a page shows first."""

    def __init__(self, comparison: Comparison, exp: Path, first: Sequence[int], shown: Sequence[Utterance]) -> None:
        self.comparison, self.exp, self.first = comparison, exp, first
        aligned, gold = comparison.aligned, comparison.data / "test"

        def of_shown(found: Intervals) -> Intervals:
            """The rest of the test set is not kept: of a large one it would be most of what the report holds."""
            return {u.id: found[u.id] for u in shown if u.id in found}

        self.with_gold = bool(read_gold(gold, "phones"))
        self.reference = {name: of_shown(read_placed(name, gold, aligned)) for name in ("words", "phones")}
        self.hmm = of_shown(aligned_ctm(aligned, "phones"))
        self.ctm = {
            system.name: {name: of_shown(decoded_ctm(system.decode, name)) for name in CTMS}
            for system in comparison.systems
        }
        ids = {utterance.id for utterance in shown}
        self.sure = {
            system.name: {name: read_confidences(system.decode / f"{name}.ctm", ids) for name in CTMS}
            for system in comparison.systems
        }
        self.models = list(dict.fromkeys(system.model for system in comparison.systems))
        self.causes = {system.name: read_causes(system.decode / "errors.json") for system in comparison.systems}
        self.placed = {model: _placements(model) for model in self.models}
        # Loaded before processes share the work.
        self.loaded = {model: load_system(model) if (model / MODEL).exists() else None for model in self.models}

    def parts(self, utterance: Utterance) -> Iterator[tuple[str, dict[str, Any]]]:
        """What the page's scripts draw an utterance from, by name.

        ``sound`` is always loaded; ``system-N``, ``model-N`` and ``pair-M-N`` of two systems, M < N, when chosen.
        """
        words, phones = (self.reference[name].get(utterance.id, []) for name in ("words", "phones"))
        parts = [self._system(system, utterance.id, words, phones) for system in self.comparison.systems]
        sound = sound_of(utterance.id, utterance.wav, utterance.cut)
        yield "sound", sound | self._reference(utterance.id, words, phones) | self._index(parts)
        for number, part in enumerate(parts):
            yield f"system-{number}", part
        for number, model in enumerate(self.models):
            if posteriors := self._posteriors(model, utterance.id):
                yield f"model-{number}", posteriors
        for first, second in itertools.combinations(range(len(parts)), 2):
            yield f"pair-{first}-{second}", self._pair(utterance.id, first, second)

    def _reference(self, utterance: str, words: list[Interval], phones: list[Interval]) -> dict[str, Any]:
        fold = self.comparison.fold
        return {
            "reference": {"words": row(words, words), "phones": row(phones, phones, fold), "with_gold": self.with_gold},
            "fold": {label: fold[label] for _, _, label in phones if label in fold},
            "hmm": {"name": self.comparison.reference, "segments": times_of(self.hmm.get(utterance, []))},
        }

    def _index(self, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        systems = [(system.name, self.models.index(system.model)) for system in self.comparison.systems]
        return index_of(systems, parts, [self.loaded[model] is not None for model in self.models], self.first)

    def place(self, utterance: str, number: int) -> tuple[float, float, str]:
        """When the reference phone of that number, silence not counted, was said, and in which word ("" for none)."""
        fold = self.comparison.fold
        phones = [phone for phone in self.reference["phones"].get(utterance, []) if spoken([phone.label], fold)]
        if number >= len(phones):
            return 0.0, 0.0, ""
        start, end, _ = phones[number]
        words = self.reference["words"].get(utterance, [])
        return start, end, next((word.label for word in words if word.start <= (start + end) / 2 < word.end), "")

    def _system(self, system: Result, utterance: str, words: list[Interval], phones: list[Interval]) -> dict[str, Any]:
        heard = {name: ctm.get(utterance, []) for name, ctm in self.ctm[system.name].items()}
        sure = {name: found.get(utterance, []) for name, found in self.sure[system.name].items()}
        causes, fold = self.causes[system.name], self.comparison.fold
        placed = [
            {
                "name": name,
                "row": [
                    [
                        seconds_of(p.segment.start),
                        seconds_of(p.segment.end),
                        p.segment.label,
                        round(p.confidence, 3),
                        round(p.gop, 2),
                    ]
                    for p in table[utterance].phones
                ],
            }
            for name, table in self.placed[system.model].items()
            if utterance in table
        ]
        return {
            "words": row(words, heard["words"], {}, sure["words"]),
            "phones": row(phones, heard["phones"], fold, sure["phones"]),
            "free": row(phones, heard["free"], fold, sure["free"]),
            "why": {graph: found.get(utterance, []) for graph, found in causes.reasons.items()} if causes else {},
            "placed": placed or None,
            "lattices": lattice_drawings(read_lattices(system.decode, utterance)),
        }

    def _pair(self, utterance: str, first: int, second: int) -> dict[str, Any]:
        """What is said of two systems, named by their numbers."""
        systems = [self.comparison.systems[number] for number in (first, second)]
        return pair_of(
            [self.ctm[system.name]["phones"].get(utterance, []) for system in systems],
            [self._placed(system.model, utterance) for system in systems],
            [read_lattices(system.decode, utterance) for system in systems],
        )

    def _placed(self, model: Path, utterance: str) -> list[Interval]:
        """The phones of the known text where the model places them in the first of its ways."""
        table: Mapping[str, PlacedUtterance] = next(iter(self.placed[model].values()), {})
        return in_seconds(table[utterance].segments) if utterance in table else []

    def _posteriors(self, directory: Path, utterance: str) -> dict[str, Any] | None:
        """None where no model is kept."""
        model = self.loaded[directory]
        if model is None:
            return None
        name = next(system.name for system in self.comparison.systems if system.model == directory)
        words = [word.label for word in self.ctm[name]["words"].get(utterance, ())]
        return posteriors_of(model, self._feats(directory)[utterance], words, phone_set_of(self.comparison.lang))

    @functools.cache
    def _feats(self, directory: Path) -> Features:
        return read_feats(self.comparison.data / "test", directory)


def _placements(model: Path) -> dict[str, Alignments]:
    """The known text in each way that the model places it."""
    return {name: Alignments(path) for name, path in alignments_in(model / "ali_test").items() if path.exists()}


def times_of(phones: Sequence[Interval]) -> list[list[Any]]:
    """[start, end, label] of each."""
    return [[round(phone.start, 3), round(phone.end, 3), phone.label] for phone in phones]


def panel_script(part: Mapping[str, Any] | str) -> str:
    """A part as a script that hands it to the page: from disk a browser may load scripts, but not JSON."""
    return f"phonoscope.receive({json.dumps(part, ensure_ascii=False, separators=(',', ':'))});"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
