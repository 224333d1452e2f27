"""Place the known words of a set by any system: words and phones with times, scores, confidence and goodness.

Where the training set has gold phones, it is measured there how far the system's boundaries are off, which corrects
them; scores and confidence stay those of the frames in which the system itself had put a phone.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.lang import Lang, load_lang
from pipeline.align.alignments import PlacedUtterance, place_utterance, uncorrected_ctm, write_alignment
from pipeline.align.correction import correction_from_gold
from pipeline.align.gop import Goodness
from pipeline.base.parallel import each
from pipeline.base.spill import OnDisk
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, measured, read_feats
from pipeline.search.system import System
from pipeline.systems import load_system
from pipeline.times.ctm import write_ctm
from stages.common import jobs, parser, run

Words = Mapping[str, Sequence[str]]


def place_set(
    system: System, args: Namespace, lang: Lang, feats: Features, words: Words
) -> tuple[OnDisk[PlacedUtterance], list[str]]:
    """The utterances as a system places them, uncorrected, and the ids of those too short for their words. UserError if
    all are."""
    first, utts, goodness = next(iter(words)), sorted(words), Goodness(system)
    lengths = measured(feats, words, feats.front_end.dimension, args.data / "text")
    frames = {utt: length * system.front_end.step for utt, length in lengths.items()}

    def place(utt: str) -> PlacedUtterance | None:
        return place_utterance(
            goodness, utt, system.scores(feats[utt]), frames[utt], words[utt], lang.reference_lexicon
        )

    done = tqdm(each(place, utts, args.jobs, spread=True), f"place {system.name}", len(utts), unit="utt", disable=None)
    found = OnDisk(args.out, ((utt, placed) for utt, placed in zip(utts, done) if placed))
    if not found:
        raise UserError(
            f"{args.data}/text: {first}: its words do not fit into its {frames[first]} frames, nor do"
            " those of any other utterance; correct the transcripts"
        )
    return found, [utt for utt in utts if utt not in found]


class Sureness:
    """How many phones of words a system has placed, and how sure it is, counted as they pass."""

    def __init__(self) -> None:
        self.phones, self.sum = 0, 0.0

    def counted(self, placed: Iterable[tuple[str, PlacedUtterance]]) -> Iterator[tuple[str, PlacedUtterance]]:
        for utt, utterance in placed:
            sure = [phone.confidence for phone in utterance.phones if phone.segment.word >= 0]
            self.phones, self.sum = self.phones + len(sure), self.sum + sum(sure)
            yield utt, utterance

    def in_words(self, name: str, placed: int, short: list[str]) -> str:
        left = f"; too short for {name}: {', '.join(short[:5])}{', ...' if len(short) > 5 else ''}" if short else ""
        return (
            f"{placed} of {placed + len(short)} utterances by {name}, {self.phones} phones, mean confidence"
            f" {self.sum / self.phones:.2f}{left}"
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
        path, sureness = target.with_name(f"alignment{ending}.json"), Sureness()
        write_ctm(uncorrected_ctm(path), ((utt, u.segments, ()) for utt, u in placed.items()))
        final: Iterable[tuple[str, PlacedUtterance]] = placed.items()
        if correction:
            sound, correct = Features(args.data, correction.front_end), correction.correct

            def moved(utt: str, placed: Mapping[str, PlacedUtterance] = placed) -> PlacedUtterance:
                return placed[utt].moved(correct(sound[utt], placed[utt].segments))

            final = zip(placed, each(moved, placed, args.jobs, spread=True))
        write_alignment(path, sureness.counted(final), short)
        told.append(sureness.in_words(aligner.name, len(placed), short))
    how = ", boundaries corrected by gold phones" if correction else ""
    return target, f"{args.data}: {'; '.join(reversed(told))}{how}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory of any system")
    options.add_argument("--data", type=Path, required=True, help="data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument(
        "--teacher",
        type=Path,
        help="training data directory, whose gold phones, if it has any, correct boundaries",
    )
    options.add_argument("--out", type=Path, required=True, help="where the alignment goes")
    jobs(options)
    run(options, main)
