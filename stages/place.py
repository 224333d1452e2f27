"""Place the known words of a set by any system: words and phones with times, scores, confidence and goodness."""
from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.lang import load_lang
from pipeline.alignments import PlacedUtterance, place_utterance, write_alignment
from pipeline.ctm import write_ctm
from pipeline.datadir import read_datadir
from pipeline.features import measured, read_feats
from pipeline.gop import Goodness
from pipeline.systems import System, load_system
from pipeline.textgrid import write_textgrid
from stages.common import parser, run


def as_asked(args: Namespace) -> System:
    """The system, with --raw a CTC network's posteriors as they are."""
    system = load_system(args.model)
    if not args.raw:
        return system
    if system.posteriors is None:
        raise UserError(f"{args.model}: no CTC network, as --raw wants; leave --raw out")
    return replace(system, name=f"{system.name}_raw", scores=system.posteriors)


def write_all(out: Path, placed: dict[str, PlacedUtterance]) -> None:
    """CTM, TextGrid and, last, alignment.json."""
    write_ctm(out / "phones.ctm", ((utt, u.segments, [p.confidence for p in u.phones]) for utt, u in placed.items()))
    write_ctm(out / "words.ctm", ((utt, [w for w, _ in u.words], [sure for _, sure in u.words])
                                  for utt, u in placed.items()))
    for utt, u in placed.items():
        tiers = {"words": [word for word, _ in u.words], "phones": u.segments}
        write_textgrid(out / "textgrid" / f"{utt}.TextGrid", tiers, u.num_frames)
    write_alignment(out / "alignment.json", placed)


def main(args: Namespace) -> tuple[Path, str]:
    system, lang, feats = as_asked(args), load_lang(args.lang), read_feats(args.data, args.model)
    words = {u.id: u.words for u in feats.of(read_datadir(args.data))}
    first = next(iter(words))
    lengths = measured(feats, words, feats[first].shape[-1], args.data / "text")
    goodness, placed, short = Goodness(system), {}, []
    for utt in tqdm(sorted(words), desc=f"place {system.name}", unit="utt", disable=None):
        found = place_utterance(goodness, utt, system.scores(feats[utt]), lengths[utt], words[utt], lang.reference_lexicon)
        if found is None:
            short.append(utt)
        else:
            placed[utt] = found
    if not placed:
        raise UserError(f"{args.data}/text: {first}: its words do not fit into its {lengths[first]} frames, nor do those of"
                        " any other utterance; correct the transcripts")
    write_all(args.out, placed)
    spoken = [phone for u in placed.values() for phone in u.phones if phone.segment.word >= 0]
    sure = sum(phone.confidence for phone in spoken) / len(spoken)
    left = f"; too short for {system.name}: {', '.join(short[:5])}{', ...' if len(short) > 5 else ''}" if short else ""
    return args.out / "alignment.json", (f"{args.data}: {len(placed)} of {len(words)} utterances by {system.name},"
                                         f" {len(spoken)} phones, mean confidence {sure:.2f}{left}")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory of any system")
    options.add_argument("--raw", action="store_true", help="a CTC network's posteriors, not divided by the label prior")
    options.add_argument("--data", type=Path, required=True, help="data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, required=True, help="where the alignment goes")
    run(options, main)
