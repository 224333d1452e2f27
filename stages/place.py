"""Place the known words of a set by any system: words and phones with times, scores, confidence and goodness.

Where the training set has phones placed by hand, it learns there how far the system's boundaries are off, and corrects
them; scores and confidence stay those of the frames in which the system itself had put a phone.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.lang import load_lang
from pipeline.align.alignments import PlacedUtterance, place_utterance, write_alignment
from pipeline.align.correction import correction_from_gold
from pipeline.align.gop import Goodness
from pipeline.base.parallel import each
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, measured, read_feats
from pipeline.search.system import System
from pipeline.systems import load_system
from pipeline.times.ctm import write_ctm
from stages.common import jobs, parser, run


def as_asked(args: Namespace) -> System:
    """The system, with --raw a CTC network's posteriors as they are."""
    system = load_system(args.model)
    if not args.raw:
        return system
    if system.posteriors is None:
        raise UserError(f"{args.model}: no CTC network, as --raw wants; leave --raw out")
    return replace(system, name=f"{system.name}_raw", scores=system.posteriors)


def main(args: Namespace) -> tuple[Path, str]:
    system, lang, feats = as_asked(args), load_lang(args.lang), read_feats(args.data, args.model)
    words = {u.id: u.words for u in feats.of(read_datadir(args.data))}
    first = next(iter(words))
    lengths = measured(feats, words, feats.front_end.dimension, args.data / "text")
    frames = {utt: length * system.front_end.step for utt, length in lengths.items()}
    goodness, utts = Goodness(system), sorted(words)

    def place(utt: str) -> PlacedUtterance | None:
        return place_utterance(
            goodness, utt, system.scores(feats[utt]), frames[utt], words[utt], lang.reference_lexicon
        )

    done = tqdm(each(place, utts, args.jobs), f"place {system.name}", len(utts), unit="utt", disable=None)
    found = dict(zip(utts, done))
    placed, short = {utt: u for utt, u in found.items() if u}, [utt for utt, u in found.items() if not u]
    if not placed:
        raise UserError(
            f"{args.data}/text: {first}: its words do not fit into its {frames[first]} frames, nor do"
            " those of any other utterance; correct the transcripts"
        )
    correction = correction_from_gold(args.teacher, goodness, lang, args.jobs) if args.teacher else None
    (args.out / "alignment.json").unlink(missing_ok=True)  # from here on it may not fit to what lies beside it
    write_ctm(args.out / "uncorrected.ctm", ((utt, u.segments, ()) for utt, u in placed.items()))
    if correction:
        sound = Features(args.data, correction.front_end)
        moved = each(
            lambda utt: placed[utt].moved(correction.correct(sound[utt], placed[utt].segments)), placed, args.jobs
        )
        placed = dict(zip(placed, moved))
    write_alignment(args.out / "alignment.json", placed, short)
    spoken = [phone for u in placed.values() for phone in u.phones if phone.segment.word >= 0]
    sure = sum(phone.confidence for phone in spoken) / len(spoken)
    left = f"; too short for {system.name}: {', '.join(short[:5])}{', ...' if len(short) > 5 else ''}" if short else ""
    return args.out / "alignment.json", (
        f"{args.data}: {len(placed)} of {len(words)} utterances by {system.name}, {len(spoken)} phones, mean confidence"
        f" {sure:.2f}{', boundaries as the hand-placed ones teach' if correction else ''}{left}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory of any system")
    options.add_argument("--raw", action="store_true", help="a CTC network's posteriors without the label prior")
    options.add_argument("--data", type=Path, required=True, help="data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument(
        "--teacher",
        type=Path,
        help="training data directory, whose hand-placed phones, if it has any, teach where boundaries are",
    )
    options.add_argument("--out", type=Path, required=True, help="where the alignment goes")
    jobs(options)
    run(options, main)
