"""Place the known words of a set by any system: words and phones with times, scores, confidence and goodness.

Where the training set has phones placed by hand, it learns there how far the system's boundaries are off, and corrects
them; scores and confidence stay those of the frames in which the system itself had put a phone.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.lang import Lang, load_lang
from pipeline.align.alignments import PlacedUtterance, place_utterance, uncorrected_ctm, write_alignment
from pipeline.align.correction import correction_from_gold
from pipeline.align.gop import Goodness
from pipeline.base.parallel import each
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, measured, read_feats
from pipeline.search.system import System
from pipeline.systems import load_system
from pipeline.times.ctm import write_ctm
from stages.common import jobs, parser, run

Words = Mapping[str, Sequence[str]]


def place_set(
    system: System, args: Namespace, lang: Lang, feats: Features, words: Words
) -> tuple[dict[str, PlacedUtterance], list[str]]:
    """The utterances as a system places them, uncorrected, and the ids of those too short for their words. UserError if
    all are."""
    first, utts, goodness = next(iter(words)), sorted(words), Goodness(system)
    lengths = measured(feats, words, feats.front_end.dimension, args.data / "text")
    frames = {utt: length * system.front_end.step for utt, length in lengths.items()}

    def place(utt: str) -> PlacedUtterance | None:
        return place_utterance(
            goodness, utt, system.scores(feats[utt]), frames[utt], words[utt], lang.reference_lexicon
        )

    done = tqdm(each(place, utts, args.jobs), f"place {system.name}", len(utts), unit="utt", disable=None)
    found = dict(zip(utts, done))
    placed = {utt: u for utt, u in found.items() if u}
    if not placed:
        raise UserError(
            f"{args.data}/text: {first}: its words do not fit into its {frames[first]} frames, nor do"
            " those of any other utterance; correct the transcripts"
        )
    return placed, [utt for utt, u in found.items() if not u]


def in_words(name: str, placed: dict[str, PlacedUtterance], short: list[str]) -> str:
    """How much a system has placed, and how sure it is."""
    spoken = [phone for u in placed.values() for phone in u.phones if phone.segment.word >= 0]
    sure = sum(phone.confidence for phone in spoken) / len(spoken)
    left = f"; too short for {name}: {', '.join(short[:5])}{', ...' if len(short) > 5 else ''}" if short else ""
    return (
        f"{len(placed)} of {len(placed) + len(short)} utterances by {name}, {len(spoken)} phones, mean confidence"
        f" {sure:.2f}{left}"
    )


def main(args: Namespace) -> tuple[Path, str]:
    system, lang, feats = load_system(args.model), load_lang(args.lang), read_feats(args.data, args.model)
    words = {u.id: u.words for u in feats.of(read_datadir(args.data))}
    target, correction = args.out / "alignment.json", None
    told: list[str] = []
    for ending, aligner in reversed(system.aligners.items()):  # what make looks at comes last
        placed, short = place_set(aligner, args, lang, feats, words)
        correction = correction_from_gold(args.teacher, Goodness(aligner), lang, args.jobs) if args.teacher else None
        if not told:
            for path in args.out.glob("alignment*.json"):
                path.unlink()  # from here on it may not fit to what lies beside it
        path = target.with_name(f"alignment{ending}.json")
        write_ctm(uncorrected_ctm(path), ((utt, u.segments, ()) for utt, u in placed.items()))
        if correction:
            sound, correct = Features(args.data, correction.front_end), correction.correct
            moved = each(lambda utt: placed[utt].moved(correct(sound[utt], placed[utt].segments)), placed, args.jobs)
            placed = dict(zip(placed, moved))
        write_alignment(path, placed, short)
        told.append(in_words(aligner.name, placed, short))
    taught = ", boundaries as the hand-placed ones teach" if correction else ""
    return target, f"{args.data}: {'; '.join(reversed(told))}{taught}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory of any system")
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
