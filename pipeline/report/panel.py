"""One utterance as the report shows it: sound, spectrogram, and everybody's words, phones and lattice with times."""
from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import kaldialign
import numpy as np

from lexicon.fold import Fold
from lexicon.phones import spoken
from pipeline.audio import audio_info, read_audio
from pipeline.datadir import Utterance
from pipeline.intervals import Interval, read_ctm
from pipeline.lattice import read_json_lattice
from pipeline.lattice_picture import bars
from pipeline.report.results import Comparison, System
from pipeline.report.spectrogram import png_mask, spectrogram
from pipeline.score import GAP, align

# Higher frequencies than 8 kHz are neither heard by the systems nor worth the bytes.
MAX_SAMPLE_RATE = 16_000


def row(reference: Sequence[Interval], heard: Sequence[Interval], fold: Fold = {}) -> dict[str, Any]:
    """A row of segments for the page, each compared (folded) with the reference by their alignment, silence aside.

    ``segments``: [start, end, label, verdict], verdict "" right, "+" inserted, else the reference symbol it stands
    for; ``missing``: [seconds, symbol] of what was left out, at the border where it should have been.
    """
    wanted = spoken((segment.label for segment in reference), fold)
    sounding = [segment for segment in heard if spoken([segment.label], fold)]
    verdicts: list[str] = []
    missing: list[list[Any]] = []
    for ref, hyp in align(wanted, spoken((segment.label for segment in heard), fold)):
        if hyp == GAP:
            here = len(verdicts)
            border = sounding[here].start if here < len(sounding) else sounding[-1].end if sounding else 0.0
            missing.append([round(border, 3), ref])
        else:
            verdicts.append("" if ref == hyp else "+" if ref == GAP else ref)
    judged = iter(verdicts)
    segments = [[round(s.start, 3), round(s.end, 3), s.label, next(judged) if spoken([s.label], fold) else ""] for s in heard]
    return {"segments": segments, "missing": missing}


class Panels:
    """Makes the panel of one utterance after another; the CTM files of all systems are read once."""

    def __init__(self, comparison: Comparison, exp: Path) -> None:
        self.comparison = comparison
        aligned, gold = exp / "gmm" / "ali_test", comparison.data / "test"
        self.reference = {name: read_ctm((gold if (gold / f"{name}.ctm").exists() else aligned) / f"{name}.ctm")
                          for name in ("words", "phones")}
        self.ctm = {system.name: {name: read_ctm(system.decode / f"{name}.ctm") for name in ("words", "phones", "free")}
                    for system in comparison.systems}

    def panel(self, utterance: Utterance) -> dict[str, Any]:
        """All that the page's script needs to draw one utterance; small enough to keep beside the page."""
        rate = min(audio_info(utterance.wav).sample_rate, MAX_SAMPLE_RATE)
        samples = read_audio(utterance.wav, rate, utterance.cut)
        fold = self.comparison.fold
        words, phones = (self.reference[name].get(utterance.id, []) for name in ("words", "phones"))
        return {
            "id": utterance.id,
            "duration": round(len(samples) / rate, 4),
            "rate": rate,
            "pcm": _base64(np.rint(samples * 32767).astype("<i2").tobytes()),
            "spectrogram": _base64(png_mask(spectrogram(samples, rate))),
            "reference": {"words": row(words, words), "phones": row(phones, phones, fold)},
            "systems": [self._system(system, utterance.id, words, phones) for system in self.comparison.systems],
        }

    def _system(self, system: System, utterance: str, words: list[Interval], phones: list[Interval]) -> dict[str, Any]:
        heard = {name: ctm.get(utterance, []) for name, ctm in self.ctm[system.name].items()}
        return {"name": system.name, "words": row(words, heard["words"]), "phones": row(phones, heard["phones"], self.comparison.fold),
                "free": row(phones, heard["free"], self.comparison.fold), "lattice": lattice_bars(system.decode, utterance)}


def lattice_bars(decode: Path, utterance: str) -> list[list[Any]]:
    """The free phone lattice as [start, end, label, posterior, lane, description] for the page."""
    lattice = read_json_lattice(decode / "lattices" / "free" / f"{utterance}.json")
    return [[*(round(second, 3) for second in bar.seconds), bar.label, round(bar.posterior, 4), bar.lane,
             bar.description] for bar in bars(lattice)]


def choose(comparison: Comparison, number: int) -> list[Utterance]:
    """The utterances worth looking at: two thirds the most disputed, the rest plain ones that all hear well.

    Disputed is the mean edit distance between the free phones, and between the words, of each pair of systems, per
    reference symbol; of one system alone, its errors. Plain ones have the fewest errors per phone, the longest first
    among equals. Most disputed first; ties go by id, so the choice is the same each time.
    """
    dispute, errors = {}, {}
    for utterance in comparison.utterances:
        dispute[utterance.id] = _dispute(comparison, utterance.id)
        errors[utterance.id] = _error_share(comparison, utterance.id)
    number = min(number, len(comparison.utterances))
    ranked = sorted(comparison.utterances, key=lambda u: (-dispute[u.id], -errors[u.id], u.id))
    disputed = ranked[:number - number // 3]
    plain = sorted(ranked[len(disputed):],
                   key=lambda u: (errors[u.id], -len(comparison.references["phones"][u.id]), u.id))
    return disputed + plain[:number // 3]


def _heard(system: System, measure: str, utterance: str) -> list[str]:
    return [hyp for _, hyp in system.alignments[measure][utterance] if hyp != GAP]


def _dispute(comparison: Comparison, utterance: str) -> float:
    shares = []
    for measure, kind in (("free_per", "phones"), ("wer", "words")):
        length = max(len(comparison.references[kind][utterance]), 1)
        heard = [_heard(system, measure, utterance) for system in comparison.systems]
        shares += [kaldialign.edit_distance(a, b)["total"] / length for a, b in itertools.combinations(heard, 2)]
    return float(np.mean(shares)) if shares else 0.0


def _error_share(comparison: Comparison, utterance: str) -> float:
    length = max(len(comparison.references["phones"][utterance]), 1)
    wrong = sum(ref != hyp for system in comparison.systems for measure in ("wer", "free_per")
                for ref, hyp in system.alignments[measure][utterance])
    return wrong / length


def panel_script(panel: dict[str, Any]) -> str:
    """The panel as a script that hands it to the page: from disk a browser may load scripts, but not JSON."""
    return f"phonoscope.receive({json.dumps(panel, separators=(',', ':'))});\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
