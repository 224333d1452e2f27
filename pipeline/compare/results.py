"""What every system got on the test set, read from disk: rates with intervals, and the test of each pair."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lexicon.errors import UserError
from lexicon.files import folder_from, read_json
from lexicon.fold import Fold, read_fold
from lexicon.text import columns, read_text, same_ids
from pipeline.base.edits import Pairs
from pipeline.compare.further import Further, combinations, of_kaldi, own_words, second_passes
from pipeline.compare.score import Counts, align_all, count, total
from pipeline.compare.significance import PairedTest, Rate, error_rate, in_words, paired_test, resampling_units
from pipeline.datadir import Utterance
from pipeline.datadir.sets import align_again, read_set, read_spoken
from pipeline.lattice import LARGEST

# measure: what people call it, the decode's file, and whether it counts words or phones
MEASURES: dict[str, tuple[str, str, str]] = {
    "wer": ("WER", "hyp.txt", "words"),
    "per": ("PER", "phones.txt", "phones"),
    "free_per": ("free PER", "free.txt", "phones"),
}
TSV_COLUMNS = [
    "system",
    *(f"{measure}{end}" for measure in MEASURES for end in ("", "_low", "_high")),
    "train_seconds",
    "decode_rtf",
    "parameters",
]


@dataclass(frozen=True, eq=False)
class Result:
    """One row of the comparison. ``alignments``: measure -> utterance -> pairs of reference and hypothesis."""

    name: str
    decode: Path
    model: Path
    alignments: dict[str, dict[str, Pairs]]
    train_seconds: float
    decode_rtf: float
    parameters: int

    @functools.cached_property
    def errors(self) -> dict[str, np.ndarray]:
        """measure -> (U,) errors of each utterance."""
        return {
            measure: np.array([count(pairs).errors for pairs in own.values()])
            for measure, own in self.alignments.items()
        }

    def counts(self, measure: str) -> Counts:
        return total(self.alignments[measure])


class Comparison:
    """All systems on one test set. Utterances and systems keep the order in which they were read. ``aligned`` is the
    folder of the alignment that says which phones were said, EXP/SYSTEM/ali_test."""

    def __init__(
        self,
        data: Path,
        aligned: Path,
        utterances: list[Utterance],
        ref_phones: Mapping[str, Sequence[str]],
        fold: Fold,
        lang: dict[str, Any],
        systems: list[Result],
    ) -> None:
        self.data, self.aligned, self.utterances = data, aligned, utterances
        self.fold, self.lang, self.systems = fold, lang, systems
        self.references = {
            "words": {u.id: u.words for u in utterances},
            "phones": {u.id: tuple(ref_phones[u.id]) for u in utterances},
        }
        self.units, self.unit_name = resampling_units([u.speaker for u in utterances])

    @functools.cached_property
    def further(self) -> list[Further]:
        """Rows of some measures beside the systems: what was made of these, own words, and Kaldi's."""
        exp, names = self.aligned.parent.parent, [system.name for system in self.systems]
        together = combinations(exp, names, self.references, self.fold)
        words = self.references["words"]
        return [
            *together,
            *second_passes(exp, names, words),
            *own_words(self.data, self.lang, words),
            *of_kaldi(exp, self.references, self.fold),
        ]

    @property
    def reference(self) -> str:
        """The name of the system whose alignment says which phones were said."""
        return self.aligned.parent.name

    @property
    def corpus(self) -> str:
        """The name of the corpus, which is that of its data folder."""
        return self.data.name

    def lengths(self, measure: str) -> np.ndarray:
        """(U,) reference words or phones of each utterance."""
        return np.array([len(symbols) for symbols in self.references[MEASURES[measure][2]].values()])

    @functools.cache
    def rate(self, row: Result | Further, measure: str) -> Rate:
        """Error rate in percent with its bootstrap interval."""
        return error_rate(row.errors[measure], self.lengths(measure), self.units)

    @functools.cache
    def test(self, first: Result | Further, second: Result, measure: str) -> PairedTest:
        """Paired bootstrap test of first against second."""
        return paired_test(first.errors[measure], second.errors[measure], self.lengths(measure), self.units)

    def repeats(self, system: Result, measure: str) -> Result | None:
        """The first of the systems before this one that heard the same in every utterance, if one did."""
        before = self.systems[: self.systems.index(system)]
        return next((other for other in before if other.alignments[measure] == system.alignments[measure]), None)

    def sentences(self, measure: str) -> list[str]:
        """The test of each pair of systems, and of what was made of systems against each of these, in words."""
        pairs: list[tuple[Result | Further, Result]] = list(itertools.combinations(self.systems, 2))
        measured = [row for row in self.further if measure in row.errors]
        pairs += [(row, system) for row in measured for system in self.systems if system.name in row.of]
        return [in_words(self.test(a, b, measure), a.name, b.name, MEASURES[measure][0]) for a, b in pairs]

    def setting(self) -> str:
        """Corpus, size of the test set, vocabulary, unseen share and perplexity in one line."""
        words, speakers = self.lengths("wer").sum(), len({u.speaker for u in self.utterances})
        return (
            f"{self.corpus}: {len(self.utterances)} test utterances, {words} words, {speakers} "
            f"speaker{'s' if speakers != 1 else ''}; {self.lang['vocab']} vocabulary, "
            f"{self.lang['test_oov_rate']:.1f} % of test words unseen in training, "
            f"perplexity {self.lang['test_perplexity']:.1f}"
        )


def read_comparison(exp: Path, data: Path, aligned: Path, names: Sequence[str]) -> Comparison:
    """Read ``data/test``, ``data/lang/lang.json``, the reference phones in ``aligned`` and every system's decode of the
    test set.

    UserError names the file if one is missing, lacks an utterance or a value.
    """
    utterances = read_set(data / "test")
    ref_path = aligned / "reference.txt"
    ref_phones = read_spoken(ref_path)
    same_ids(ref_path, ref_phones, (utterance.id for utterance in utterances), align_again(aligned))
    lang_path = data / "lang" / "lang.json"
    lang = read_fields(lang_path, vocab=str, test_oov_rate=float, test_perplexity=float)
    comparison = Comparison(data, aligned, utterances, ref_phones, read_fold(data), lang, [])
    for name in names:
        if any(name == system.name for system in comparison.systems):
            raise UserError(f'--systems: "{name}" for the second time; name each system once')
        comparison.systems.append(read_system(exp, name, comparison.references, comparison.fold))
    return comparison


def read_system(exp: Path, name: str, references: Mapping[str, Mapping[str, Sequence[str]]], fold: Fold = {}) -> Result:
    """Read one system's hypotheses and settings and align them, phones folded, with the references."""
    decode = exp / name / "decode_test"
    if not decode.is_dir():
        there = sorted(path.parent.name for path in exp.glob("*/decode_test"))
        raise UserError(f"{decode}: no such decode; there is one of: {', '.join(there) or 'none'}")
    alignments = {}
    for measure, (_, source, kind) in MEASURES.items():
        heard = read_spoken(decode / source, fold) if kind == "phones" else read_text(decode / source)
        alignments[measure] = align_all(references[kind], heard, decode / source)
    settings = read_fields(decode / "decode.json", rtf=float)
    # Two searches over one network share its training: decode.json says whose model it was.
    model = folder_from(decode, str(settings.get("model", "..")))
    meta = read_fields(model / "meta.json", train_seconds=float, parameters=int)
    return Result(
        name,
        decode,
        model,
        alignments,
        float(meta["train_seconds"]),
        float(settings["rtf"]),
        meta["parameters"],
    )


def read_fields(path: Path, **fields: type) -> dict[str, Any]:
    """Read a JSON object that must have these fields, of these types (a float may be written as a whole number)."""
    try:
        value = read_json(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run the stage that writes it first") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); remove it and run make again") from None
    for field, kind in fields.items():
        found = value.get(field) if isinstance(value, dict) else None
        if found is None:
            raise UserError(f'{path}: no "{field}"; remove it and run make again')
        if type(found) is not kind and not (kind is float and type(found) is int):
            raise UserError(f'{path}: "{field}" is {found!r}, not {kind.__name__}; remove it and run make again')
        if isinstance(found, int | float) and not abs(found) < LARGEST:
            raise UserError(f'{path}: "{field}" is {found!r}; remove it and run make again')
    return value


def tsv_lines(comparison: Comparison) -> list[str]:
    """compare.tsv: one row a system; error rates in percent. Rows of some measures have the others empty."""
    lines = ["\t".join(TSV_COLUMNS)]
    for system in comparison.systems:
        rates = [comparison.rate(system, measure) for measure in MEASURES]
        cells = [
            system.name,
            *(f"{value:.2f}" for rate in rates for value in (rate.percent, rate.low, rate.high)),
            f"{system.train_seconds:.1f}",
            f"{system.decode_rtf:.4f}",
            str(system.parameters),
        ]
        lines.append("\t".join(cells))
    for row in comparison.further:
        known = {measure: comparison.rate(row, measure) for measure in row.errors}
        cells = [row.name]
        for measure in MEASURES:
            rate = known.get(measure)
            cells += [f"{value:.2f}" for value in (rate.percent, rate.low, rate.high)] if rate else [""] * 3
        lines.append("\t".join(cells + [""] * (len(TSV_COLUMNS) - len(cells))))
    return lines


def readable_lines(comparison: Comparison, report: Path, further: Sequence[str] = ()) -> list[str]:
    """The same for a terminal: the setting, the table, what differs for certain, ``further`` lines, where the report
    is."""
    rows = [["system", "WER %", "PER %", "free PER %", "trained in", "RTF", "parameters"]]
    for system in comparison.systems:
        rows.append(
            [
                system.name,
                *(str(comparison.rate(system, measure)) for measure in MEASURES),
                f"{system.train_seconds:.0f} s",
                f"{system.decode_rtf:.3f}",
                f"{system.parameters:,}",
            ]
        )
    for row in comparison.further:
        cells = [str(comparison.rate(row, measure)) if measure in row.errors else "" for measure in MEASURES]
        rows.append([row.name, *cells, "", "", ""])
    table = columns(rows)
    table.insert(1, "-" * len(table[0]))
    lines = [
        comparison.setting(),
        "",
        *table,
        "",
        f"[low, high]: 95 % bootstrap over {comparison.unit_name}. PER: phones of the best word path; "
        "free PER: no words.",
    ]
    lines += [
        f"{system.name}: the same free PER as {other.name}, phone by phone: one network, one search."
        for system in comparison.systems
        if (other := comparison.repeats(system, "free_per"))
    ]
    lines += [f"{row.name}: {row.note}." for row in comparison.further]
    if len(comparison.systems) > 1:
        lines += ["", f"Pairs (paired bootstrap over {comparison.unit_name}, two-sided):"]
        lines += [f"  {sentence}" for measure in ("wer", "free_per") for sentence in comparison.sentences(measure)]
    return [*lines, *(["", *further] if further else []), "", f"report: {report}"]
