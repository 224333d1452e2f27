"""Scoring: alignments with the reference, WER and PER lines as Kaldi writes them, phone confusions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.text import same_ids, width_of
from pipeline.base.edits import GAP, Pairs, pair_up


@dataclass(frozen=True)
class Counts:
    """Errors against ``length`` reference symbols."""

    insertions: int = 0
    deletions: int = 0
    substitutions: int = 0
    length: int = 0

    @property
    def errors(self) -> int:
        return self.insertions + self.deletions + self.substitutions

    @property
    def percent(self) -> float:
        """Errors per 100 reference symbols; an empty reference counts as one symbol long."""
        return 100.0 * self.errors / max(self.length, 1)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.substitutions + other.substitutions,
            self.length + other.length,
        )


def count(pairs: Pairs) -> Counts:
    """Insertions, deletions and substitutions of one alignment."""
    return Counts(
        insertions=sum(ref == GAP for ref, _ in pairs),
        deletions=sum(hyp == GAP for _, hyp in pairs),
        substitutions=sum(GAP not in (ref, hyp) and ref != hyp for ref, hyp in pairs),
        length=sum(ref != GAP for ref, _ in pairs),
    )


def align_all(
    references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, Sequence[str]], path: Path | str
) -> dict[str, Pairs]:
    """Align every reference utterance with its hypothesis; UserError names ``path``, a file of a decode, unless both
    hold the same ones."""
    same_ids(path, hypotheses, references, f"remove {Path(path).with_name('hyp.txt')} and run make again")
    pairs = {}
    for utterance, words in references.items():
        try:
            pairs[utterance] = pair_up(words, hypotheses[utterance])
        except UserError as error:
            raise UserError(f'{path}: utterance "{utterance}": {error}') from None
    return pairs


def total(alignments: Mapping[str, Pairs]) -> Counts:
    """The sum over all utterances."""
    return sum((count(pairs) for pairs in alignments.values()), Counts())


def kaldi_line(counts: Counts, name: str = "WER") -> str:
    """``%WER 13.45 [ 2708 / 20138, 358 ins, 330 del, 2020 sub ]``, as Kaldi's compute-wer prints it."""
    return (
        f"%{name} {counts.percent:.2f} [ {counts.errors} / {counts.length}, {counts.insertions} ins, "
        f"{counts.deletions} del, {counts.substitutions} sub ]"
    )


# ---- confusions and pictures


def confusion_counts(alignments: Iterable[Pairs], symbols: Sequence[str]) -> np.ndarray:
    """How often each reference symbol was recognised as each symbol.

    Returns (S + 1, S + 1) int64, rows reference, columns hypothesis, in the order of ``symbols``; the last row holds
    insertions, the last column deletions. A symbol that is not in ``symbols`` is a KeyError.
    """
    index = {symbol: i for i, symbol in enumerate([*symbols, GAP])}
    counts = np.zeros((len(index), len(index)), dtype=np.int64)
    for pairs in alignments:
        for ref, hyp in pairs:
            counts[index[ref], index[hyp]] += 1
    return counts


def alignment_picture(pairs: Pairs, columns: int = 100) -> str:
    """REF over HYP, symbol under symbol, with I, D or S under each error; asterisks stand for nothing.

        REF: CALL FORWARD  ON *** BUSY
        HYP: CALL FORWARDS ON THE ****
                  S           I   D

    Lines longer than ``columns`` go on in further blocks. The idea is jiwer's.
    """
    blocks: list[list[str]] = []
    for ref, hyp in pairs:
        width = max(width_of(ref), width_of(hyp))
        mark = "I" if ref == GAP else "D" if hyp == GAP else "S" if ref != hyp else ""
        cells = [text + " " * (width - width_of(text)) for text in (ref or "*" * width, hyp or "*" * width, mark)]
        if not blocks or width_of(blocks[-1][0]) + 1 + width > columns:
            blocks.append(["REF:", "HYP:", "    "])
        blocks[-1] = [f"{line} {cell}" for line, cell in zip(blocks[-1], cells)]
    lines = [line.rstrip() for block in blocks or [["REF:", "HYP:", ""]] for line in block]
    return "\n".join(line for line in lines if line)
