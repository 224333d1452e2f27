"""How far apart the boundaries of aligners are, from each other and from gold ones: boundaries.tsv and .txt; how
peaky the networks are: peaks.tsv; and for other tools alignments/: a TextGrid of each utterance with every aligner's
tiers, and each aligner's CTM."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from lexicon.files import write_lines
from lexicon.fold import Fold, read_fold
from lexicon.lang import load_lang
from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet
from pipeline.align.alignments import (
    Alignments,
    PlacedUtterance,
    alignments_in,
    has_spikes,
    in_seconds,
    place_again,
    uncorrected_ctm,
)
from pipeline.align.boundaries import (
    GOLD,
    Boundaries,
    class_rows,
    class_table,
    compare_boundaries,
    joined,
    published_table,
    table,
    tsv_lines,
)
from pipeline.align.peaks import HEADER, peak_cells, peaks
from pipeline.datadir.sets import decoded_ctm, read_ctm_like, read_gold, read_set
from pipeline.times.ctm import write_ctm
from pipeline.times.intervals import Intervals
from pipeline.times.segments import Segment, in_ipa
from pipeline.times.textgrid import write_textgrid
from stages.common import parser, reference_option, run

Placed = Mapping[str, Mapping[str, PlacedUtterance]]  # aligner -> utterance
Found = dict[tuple[str, str], Boundaries]  # (reference, aligner)


def compare_all(gold: Intervals, placed: Placed, fold: Fold) -> tuple[Found, Found]:
    """Each aligner against gold phones, if there are any, and each pair of aligners. Utterances are read once."""
    against: dict[tuple[str, str], list[Boundaries]] = {(GOLD, name): [] for name in placed if gold}
    between: dict[tuple[str, str], list[Boundaries]] = {pair: [] for pair in combinations(placed, 2)}
    for utt in sorted({utt for utterances in placed.values() for utt in utterances} | gold.keys()):
        there = {name: {utt: in_seconds(found[utt].segments)} for name, found in placed.items() if utt in found}
        there[GOLD] = {utt: gold[utt]} if utt in gold else {}
        for found in (against, between):
            for (reference, name), parts in found.items():
                parts.append(compare_boundaries(there.get(reference, {}), there.get(name, {}), fold))
    both = [{pair: joined(parts) for pair, parts in found.items()} for found in (against, between)]
    return both[0], both[1]


def otherwise_against_gold(
    args: Namespace, gold: Intervals, placed: Mapping[str, Alignments], against: Found, fold: Fold
) -> Found:
    """Each aligner as it was before gold phones corrected it, and what the systems recognised without the text."""
    found: Found = {}
    for name, alignments in placed.items():
        path = uncorrected_ctm(alignments.path)
        labels = {utt: [segment.label for segment in u.segments] for utt, u in alignments.items()}
        before = compare_boundaries(gold, read_ctm_like(path, labels, place_again(path)), fold)
        if before.row() != against[GOLD, name].row():
            found[GOLD, f"{name}, uncorrected"] = before
    for name in args.systems:
        recognised = decoded_ctm(args.exp / name / "decode_test", "phones")
        found[GOLD, f"{name}, recognised"] = compare_boundaries(gold, recognised, fold)
    return found


def _words_of(utt: str, placed: PlacedUtterance) -> tuple[str, list[Segment], list[float]]:
    """As `write_ctm` takes them."""
    return utt, [word for word, _ in placed.words], [confidence for _, confidence in placed.words]


def for_others(out: Path, placed: Placed, phone_set: PhoneSet) -> None:
    """Words and phones as other tools read them: a CTM of each aligner, with confidences, and a TextGrid of each
    utterance, with the tiers of all aligners, phones also in IPA."""
    for name, utterances in placed.items():
        write_ctm(out / f"{name}.words.ctm", (_words_of(utt, u) for utt, u in utterances.items()))
        write_ctm(
            out / f"{name}.phones.ctm",
            ((utt, u.segments, [phone.confidence for phone in u.phones]) for utt, u in utterances.items()),
        )
    for utt in sorted({utt for utterances in placed.values() for utt in utterances}):
        there = {name: utterances[utt] for name, utterances in placed.items() if utt in utterances}
        tiers = {
            f"{name} {what}": segments
            for name, u in there.items()
            for what, segments in (
                ("words", [word for word, _ in u.words]),
                ("phones", u.segments),
                ("ipa", in_ipa(u.segments, phone_set)),
            )
        }
        write_textgrid(out / f"{utt}.TextGrid", tiers, max(u.num_frames for u in there.values()))


def main(args: Namespace) -> tuple[Path, str]:
    known = [utterance.id for utterance in read_set(args.data / "test")]
    paths: dict[str, Path] = {}
    for system in dict.fromkeys([args.reference, *args.aligners]):
        paths |= alignments_in(args.exp / system / "ali_test")
    placed = {name: Alignments(path, known) for name, path in paths.items()}
    fold, phone_set = read_fold(args.data), phone_set_of(load_lang(args.data / "lang").info)
    gold, lines = read_gold(args.data / "test", "phones"), []
    rows, between = compare_all(gold, placed, fold)
    if gold:
        rows |= otherwise_against_gold(args, gold, placed, rows, fold)
        lines += [
            "Boundaries against gold phones (ours minus theirs in ms, and the percentage within a limit):",
            *(f"  {line}" for line in table({name: found for (_, name), found in rows.items()})),
            "",
            "Elsewhere, of other speech (Stolcke et al. 2014 and McAuliffe et al. 2017 had far more to learn from):",
            *(f"  {line}" for line in published_table()),
            "",
        ]
    if between:
        lines += [
            "Aligners against each other (the second minus the first in ms, and the percentage within a limit):",
            *(f"  {line}" for line in table({f"{a}, {b}": found for (a, b), found in between.items()})),
            "",
        ]
    lines += [
        "Within 20 ms by phone class, %:",
        *(
            f"  {line}"
            for line in class_table(
                {(b if a == GOLD else f"{a}, {b}"): found for (a, b), found in (rows or between).items()}, phone_set
            )
        ),
        "",
    ]
    cells = [
        peak_cells(name, peaks(found, placed[args.reference])) for name, found in placed.items() if has_spikes(found)
    ]
    lines += [
        f"{row[0]}: blank {row[1]} % of the time, spikes of {row[2]} frames, {row[3]} ± {row[4]} of the way"
        f" through {args.reference}'s phone, {row[5]} % within it"
        for row in cells
    ]
    for_others(args.out.with_name("alignments"), placed, phone_set)
    write_lines(args.out.with_name("peaks.tsv"), ["\t".join(row) for row in [HEADER, *cells]])
    write_lines(args.out.with_suffix(".txt"), lines)
    write_lines(args.out, tsv_lines(class_rows(rows | between, phone_set)))
    return args.out, f"{len(placed)} aligners, {len(rows)} rows against gold phones, {len(between)} pairs"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/ and lang/")
    reference_option(options)
    options.add_argument("--aligners", nargs="+", required=True, help="systems whose alignments are compared with its")
    options.add_argument("--systems", nargs="+", required=True, help="systems that have recognised the test set")
    options.add_argument("--out", type=Path, required=True, help="boundaries.tsv to write; the others beside it")
    run(options, main)
