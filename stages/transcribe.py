"""Transcribe a recording of one's own with every trained system: words and phones with times, also in IPA, as CTM and
as TextGrid."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

from pipeline.compare.listen import ListedSystem, Searches, listen, load_searches, raw_wanted, trained
from pipeline.encoders.extract import enter_layers
from pipeline.sound.recording import Recording, begin_results, own_folder, read_recording
from pipeline.times.clock import frame_to_seconds
from pipeline.times.ctm import write_ctm
from pipeline.times.lines import HEADER, phone_lines, word_lines
from pipeline.times.segments import Segment, in_ipa
from pipeline.times.textgrid import write_textgrid
from stages.common import models_option, parser, run, systems_option

TIERS = ("words", "phones", "free")
IPA = "ipa"  # the phones of the free search once more, in IPA


class Heard(NamedTuple):
    """What a system heard in the whole recording: (segments, confidences) of each tier."""

    words: tuple[list[Segment], list[float]]
    phones: tuple[list[Segment], list[float]]
    free: tuple[list[Segment], list[float]]


def transcribe(recording: Recording, searches: dict[str, Searches]) -> tuple[dict[str, Heard], list[str]]:
    """All that the systems hear, printed piece by piece; and in which stretches of speech one of them found no way."""
    heard = {name: Heard(([], []), ([], []), ([], [])) for name in searches}
    pieces, lost = recording.pieces(), []
    print(HEADER)
    for number, piece in enumerate(pieces, 1):
        span = f"{frame_to_seconds(piece.start):.2f} to {frame_to_seconds(piece.end):.2f} s"
        print(f"\npiece {number} of {len(pieces)}, {span}{'' if piece.speech else ': silence'}")
        for name, (words, free) in listen(searches, recording, piece).items() if piece.speech else ():
            lost += [f"{name} {span}"] if not words.phones and not words.words else []
            sure = searches[name].confidences
            found = (
                (words.words, sure.words.confidence(words.word_posteriors())),
                (words.phones, sure.phones.confidence(words.posteriors)),
                (free.phones, sure.free.confidence(free.posteriors)),
            )
            for tier, (segments, confidence) in zip(heard[name], found):
                tier[0].extend(segments)
                tier[1].extend(confidence)
            print(
                f"{name}:",
                *word_lines(*found[0], words.phones),
                *phone_lines("free", free.phones),
                *phone_lines(IPA, in_ipa(free.phones, searches[name].phone_set)),
                sep="\n",
                flush=True,
            )
    return heard, lost


def main(args: Namespace) -> tuple[Path, str]:
    candidates = [ListedSystem(name, Path(model), Path(lang)) for name, model, lang in args.system]
    systems, missing = trained(args.exp, candidates)
    searches = load_searches(args.exp, systems, args.lm)
    enter_layers(raw_wanted(searches), args.models)
    recording = read_recording(args.wav, raw_wanted(searches))
    out = own_folder(args.exp / "own", args.wav)  # an unwritable folder is better known now than after the search
    if missing:
        print(f"transcribe: left out, not trained and tuned yet: {', '.join(missing)}; run: make {missing[0]}")
    heard, lost = transcribe(recording, searches)
    begin_results(out, args.wav)
    for name, tiers in heard.items():
        for tier, (segments, confidence) in zip(TIERS, tiers):
            write_ctm(out / f"{name}.{tier}.ctm", [(out.name, segments, confidence)])
    grid = out / f"{out.name}.TextGrid"
    tiers_of: dict[str, list[Segment]] = {}
    for name, tiers in heard.items():
        tiers_of |= {f"{name} {tier}": segments for tier, (segments, _) in zip(TIERS, tiers)}
        tiers_of[f"{name} {IPA}"] = in_ipa(tiers.free[0], searches[name].phone_set)
    write_textgrid(grid, tiers_of, recording.num_frames, recording.seconds)
    counts = ", ".join(f"{name} {len(tiers.words[0])} words" for name, tiers in heard.items())
    silent = "" if recording.heard else " (there is no sound in it)"
    failed = f"; nothing found in: {', '.join(lost)}" if lost else ""
    return grid, (
        f"{args.wav}: {recording.seconds:.1f} s{silent}; {counts}{failed}; {grid} (Praat opens it) and"
        f" {out}/SYSTEM.{{{','.join(TIERS)}}}.ctm"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument(
        "--wav", required=True, help="the recording, of any rate, up to a day (WAV, FLAC, Ogg, SPHERE)"
    )
    options.add_argument("--exp", type=Path, required=True, help="experiment; results go to EXP/own")
    systems_option(options)
    models_option(options)
    run(options, main)
