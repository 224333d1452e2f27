"""Score one decode against the reference words and phones: wer.txt, per.txt (phones of the word path), free_per.txt,
and greedy_per.txt for CTC.

Each file starts with the line Kaldi prints and goes on with every utterance, reference above hypothesis.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.files import write_lines
from lexicon.fold import read_fold, unknown_in_words, unknown_labels
from lexicon.lang import phones_of
from lexicon.text import read_text, same_ids
from pipeline.base.edits import Pairs
from pipeline.compare.score import align_all, alignment_picture, count, kaldi_line, total
from pipeline.datadir.sets import align_again, read_set, read_spoken
from stages.common import parser, run


def score_lines(name: str, alignments: dict[str, Pairs]) -> list[str]:
    """The Kaldi line and all alignment pictures."""
    lines = [kaldi_line(total(alignments), name)]
    for utterance, pairs in sorted(alignments.items()):
        lines += ["", f"{utterance}  {count(pairs).errors} of {count(pairs).length}", alignment_picture(pairs)]
    return lines


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    decode = arguments.decode
    words = {utterance.id: utterance.words for utterance in read_set(arguments.data)}
    phones, fold = read_spoken(arguments.ref_phones), read_fold(arguments.data.parent)
    same_ids(arguments.ref_phones, phones, words, align_again(arguments.ref_phones.parent))
    found = {}
    for target, name, source, references in (
        ("per.txt", "PER", "phones.txt", phones),
        ("greedy_per.txt", "PER", "greedy.txt", phones),
        ("free_per.txt", "PER", "free.txt", phones),
        ("wer.txt", "WER", "hyp.txt", words),
    ):
        if source == "greedy.txt" and not (decode / source).exists():
            continue  # only CTC has one
        hypotheses = read_spoken(decode / source, fold) if references is phones else read_text(decode / source)
        found[target] = score_lines(name, align_all(references, hypotheses, decode / source))
    (decode / "wer.txt").unlink(missing_ok=True)  # what make looks at, gone before the others change and written last
    for target, lines in found.items():
        write_lines(decode / target, lines)
    rates = {target: lines[0].split()[1] for target, lines in found.items()}
    greedy = f", greedy PER {rates['greedy_per.txt']} %" if "greedy_per.txt" in rates else ""
    reference = [phone for said in phones.values() for phone in said]
    unknown = unknown_labels(reference, fold, phones_of(arguments.data.parent / "lang"))
    odd = f"; {unknown_in_words(unknown, len(reference), 'reference phones')}: not in the lexicon" if unknown else ""
    return decode / "wer.txt", (
        f"{decode}: WER {rates['wer.txt']} %, PER {rates['per.txt']} %, free PER {rates['free_per.txt']} %{greedy}{odd}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--decode", type=Path, required=True, help="decode folder with hyp.txt, phones.txt, free.txt")
    options.add_argument("--data", type=Path, required=True, help="data directory of the same set")
    options.add_argument("--ref-phones", type=Path, required=True, help="reference phones, `utt P P ...`")
    run(options, main)
