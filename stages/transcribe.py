"""Transcribe a recording of one's own with every trained system: words and phones with times, printed, as CTM and TextGrid."""
from __future__ import annotations

from argparse import Namespace
from dataclasses import astuple
from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError
from lexicon.lang import load_lang
from pipeline.align import Segment
from pipeline.ctm import write_ctm
from pipeline.decode import Decoder, Hypothesis, WfstDecoder, word_decoder
from pipeline.features import FeatureSettings, frame_to_seconds, model_features
from pipeline.own_audio import Recording, read_recording, shifted
from pipeline.segment import Piece
from pipeline.systems import System, load_system
from pipeline.textgrid import write_textgrid
from pipeline.timed_text import HEADER, phone_lines, word_lines
from pipeline.tuning import read_tuning
from stages.common import parser, run

TIERS = ("words", "phones", "free")


class Ear(NamedTuple):
    """A system with both its searches."""

    system: System
    words: Decoder
    free: Decoder


class Heard(NamedTuple):
    """What a system heard in the whole recording: (segments, confidences) of each tier."""

    words: tuple[list[Segment], list[float]]
    phones: tuple[list[Segment], list[float]]
    free: tuple[list[Segment], list[float]]


class Candidate(NamedTuple):
    """A system that may be there: its name, its model, and the lang directory it searches with."""

    name: str
    model: Path
    lang: Path


def trained(exp: Path, systems: list[Candidate]) -> tuple[list[Candidate], list[str]]:
    """The systems that are trained and tuned, and the names of the others."""
    ready = [system for system in systems
             if (system.model / "meta.json").is_file() and (exp / system.name / "tuning.json").is_file()]
    names = [system.name for system in systems]
    if not ready:
        raise UserError(f"{exp}: none of {', '.join(names)} is trained and tuned yet; run: make")
    return ready, [name for name in names if name not in [system.name for system in ready]]


def common_features(systems: list[Candidate]) -> FeatureSettings:
    """The features of all systems; UserError if they differ, which they do only in an experiment half done again."""
    first, *others = systems
    settings = model_features(first.model)
    for other in others:
        if model_features(other.model) != settings:
            raise UserError(f"{other.model}: trained on other features than {first.model}; train both alike, run: make")
    return settings


def load_ear(exp: Path, chosen: Candidate) -> Ear:
    """A system with its tuned searches."""
    system, lang, tuned = load_system(chosen.model), load_lang(chosen.lang), read_tuning(exp / chosen.name / "tuning.json")
    return Ear(system, word_decoder(system, lang, tuned.search, tuned.words), WfstDecoder(system, lang, "free", tuned.free))


def listen(ear: Ear, recording: Recording, piece: Piece) -> tuple[Hypothesis, Hypothesis]:
    """Words, and free phones, of a piece, on the time axis of the recording."""
    start, end, _ = astuple(recording.spoken(piece))
    scores = ear.system.scores(recording.feats(start, end))
    found = (decoder.decode(recording.name, scores, end - start) for decoder in (ear.words, ear.free))
    words, free = (Hypothesis(shifted(h.words, start), shifted(h.phones, start), h.confidence) for h in found)
    return words, free


def transcribe(recording: Recording, ears: dict[str, Ear]) -> tuple[dict[str, Heard], list[str]]:
    """All that the systems hear, printed piece by piece; and in which stretches of speech one of them found no way."""
    heard = {name: Heard(([], []), ([], []), ([], [])) for name in ears}
    pieces, lost = recording.pieces(), []
    print(HEADER)
    for number, piece in enumerate(pieces, 1):
        span = f"{frame_to_seconds(piece.start):.2f} to {frame_to_seconds(piece.end):.2f} s"
        print(f"\npiece {number} of {len(pieces)}, {span}{'' if piece.speech else ': silence'}")
        for name, ear in ears.items() if piece.speech else ():
            words, free = listen(ear, recording, piece)
            lost += [f"{name} {span}"] if not words.phones and not words.words else []
            for tier, found in zip(heard[name], ((words.words, words.word_confidence()), (words.phones, words.confidence),
                                                 (free.phones, free.confidence))):
                tier[0].extend(found[0])
                tier[1].extend(found[1] or [1.0] * len(found[0]))
            sure = words.word_confidence() if words.confidence else []
            print(f"{name}:", *word_lines(words.words, sure, words.phones), *phone_lines("free", free.phones), sep="\n",
                  flush=True)
    return heard, lost


def main(args: Namespace) -> tuple[Path, str]:
    systems, missing = trained(args.exp, [Candidate(name, Path(model), Path(lang)) for name, model, lang in args.system])
    recording = read_recording(args.wav, common_features(systems))
    out = args.exp / "own" / recording.name
    out.mkdir(parents=True, exist_ok=True)  # an unwritable folder is better known now than after the search
    if missing:
        print(f"transcribe: left out, not trained and tuned yet: {', '.join(missing)}; run: make {missing[0]}")
    heard, lost = transcribe(recording, {system.name: load_ear(args.exp, system) for system in systems})
    for name, tiers in heard.items():
        for tier, (segments, confidence) in zip(TIERS, tiers):
            write_ctm(out / f"{name}.{tier}.ctm", [(recording.name, segments, confidence)])
    grid = out / f"{recording.name}.TextGrid"
    write_textgrid(grid, {f"{name} {tier}": segments for name, tiers in heard.items()
                          for tier, (segments, _) in zip(TIERS, tiers)}, len(recording.static), recording.seconds)
    counts = ", ".join(f"{name} {len(tiers.words[0])} words" for name, tiers in heard.items())
    silent = "" if recording.heard else " (there is no sound in it)"
    failed = f"; nothing found in: {', '.join(lost)}" if lost else ""
    return grid, (f"{args.wav}: {recording.seconds:.1f} s{silent}; {counts}{failed}; {grid} (Praat opens it) and"
                  f" {out}/SYSTEM.{{{','.join(TIERS)}}}.ctm")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--wav", required=True, help="the recording: WAV, FLAC, Ogg, MP3 or SPHERE of any rate and length")
    options.add_argument("--exp", type=Path, required=True, help="experiment with trained systems; results go to EXP/own")
    options.add_argument("--system", nargs=3, action="append", required=True, metavar=("NAME", "MODEL", "LANG"),
                         help="a system, its model directory and lang directory; give it for each system")
    run(options, main)
