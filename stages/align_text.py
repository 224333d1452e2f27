"""Align a recording of one's own with its known text: words and phones with times, as a page, as text, as CTM and
TextGrid."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from lexicon import g2p
from lexicon.errors import UserError, at
from lexicon.files import write_lines
from lexicon.lang import load_lang
from lexicon.phone_sets import phone_set_of
from lexicon.written import Written
from pipeline.align.correction import correction_from_gold, sound_of
from pipeline.align.gop import Goodness
from pipeline.align.text import Placed, place_text, pronounce, written_in
from pipeline.compare.listen import ListedSystem
from pipeline.compare.own_voice import adapt
from pipeline.corpora.transcript import read_turns
from pipeline.encoders.extract import enter_layers
from pipeline.report.own import INDEX, aligned_text, write_page_of_text
from pipeline.search.tuning import dev_errors
from pipeline.sound.audio import audio_info
from pipeline.sound.recording import begin_results, own_folder, read_recording
from pipeline.systems import load_system
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.times.ctm import write_ctm
from pipeline.times.lines import HEADER, word_lines
from pipeline.times.segments import Segment, in_ipa
from pipeline.times.textgrid import write_textgrid
from stages.common import PRINTED_OWN, beside, jobs, models_option, parser, run, shortened

NAMED = 10  # doubtful words that the result line names; the table shows the confidence of all


def given_words(args: Namespace, written: Written) -> list[str]:
    """The words of TEXT, or of the file that TEXTFILE, or an @ before TEXT, names: text, label file or TextGrid."""
    if args.text and args.text_file:
        raise UserError("TEXT and TEXTFILE are both given; give one of them")
    if path := args.text_file or (args.text[1:] if args.text.startswith("@") else ""):
        turns = read_turns([Path(path).expanduser()], audio_info(Path(args.wav).expanduser()), written)
        return [word for turn in sorted(turns, key=lambda turn: turn.cut or ()) for word in turn.words]
    with at("TEXT"):
        if words := written.words(args.text):
            return words
    raise UserError('TEXT: no words; give what is said: make align WAV=my.wav TEXT="...", or TEXTFILE=my.txt')


def doubts(placed: Placed) -> str:
    """What the result line says of words and speech that do not fit."""
    said = []
    if not placed.fits:
        sure = len(placed.words) - len(placed.doubtful)
        said.append(
            f"THE TEXT DOES NOT FIT: {sure} of its {len(placed.words) + len(placed.left_out)} words were surely"
            " said there; is it the text of this recording?"
        )
    else:
        said += [
            f"{len(words)} {what}: {_at(words)}"
            for words, what in (
                (placed.left_out, "of its words left out, for they were not said"),
                (placed.doubtful, "hardly said where they are placed"),
            )
            if words
        ]
    if unexplained := sum(pause.end - pause.start for pause in placed.unexplained) * FRAME_SHIFT_MS / 1000:
        said.append(
            f"{unexplained:.1f} s of sound that are not in the text, first at"
            f" {frame_to_seconds(placed.unexplained[0].start):.2f} s"
        )
    return "".join(f"; {part}" for part in said)


def _at(words: Sequence[Segment]) -> str:
    """The first of the words with their times."""
    named = [f"{word.label} at {frame_to_seconds(word.start):.2f} s" for word in words[:NAMED]]
    return ", ".join([*named, *["..."] * (len(words) > NAMED)])


def best_on_dev(exp: Path, systems: Sequence[ListedSystem]) -> ListedSystem:
    """Of the systems that are trained that with the fewest word errors on dev; of those not tuned yet the first."""
    there = [system for system in systems if (system.model / "meta.json").is_file()]
    if not there:
        trained = sorted(path.parent.name for path in exp.glob("*/meta.json"))
        way = f"use one of: {', '.join(trained)}" if trained else "run: make"
        raise UserError(f"MODEL={' '.join(system.name for system in systems)}: not trained in {exp}; {way}")
    return min(there, key=lambda system: dev_errors(exp / system.name / "tuning.json"))


def main(args: Namespace) -> tuple[Path, str]:
    chosen = best_on_dev(args.exp, [ListedSystem(name, Path(model), args.lang) for name, model in args.system])
    name, directory = chosen.name, chosen.model
    lang = load_lang(args.lang)
    system = load_system(directory)
    sound = sound_of(args.teacher) if args.teacher else None
    wanted = {system.front_end.raw, (sound or system.front_end).raw}
    enter_layers(wanted, args.models)
    recording = read_recording(args.wav, wanted)
    adapt(recording, system, lang)
    words = given_words(args, written_in(lang))
    guess = partial(g2p.guess, args.cache) if g2p.programs() else None
    lexicon, guessed = pronounce(words, lang, system.topology.phones, guess)
    out = own_folder(args.exp / "own", args.wav)
    for word in guessed:
        print(f"align_text: guessed: {word} {' '.join(lexicon[word][0][1])}")
    placed = None
    if recording.heard:
        correction = correction_from_gold(args.teacher, Goodness(system), lang, args.jobs) if args.teacher else None
        placed = place_text(system, recording, words, lexicon, correction)
    if placed is None:
        what = "sound" if recording.heard else "silence"
        raise UserError(
            f"{args.wav}: {recording.seconds:.1f} s of {what} into which the {len(words)} words of the text"
            " do not fit; is it the text of this recording?"
        )
    lines = [HEADER, *word_lines(placed.words, placed.word_confidence, placed.phones)]
    lines += [
        f"{frame_to_seconds(lost.start):10.2f}{'-':>6}  {lost.label:<15} not said, word {lost.word + 1} of the text"
        for lost in placed.left_out
    ]
    begin_results(out, args.wav)
    write_ctm(out / f"{name}.aligned.words.ctm", [(out.name, placed.words, placed.word_confidence)])
    write_ctm(out / f"{name}.aligned.phones.ctm", [(out.name, placed.phones, placed.phone_confidence)])
    grid = out / f"{out.name}.{name}.aligned.TextGrid"
    tiers = {"words": placed.words, "phones": placed.phones, "ipa": in_ipa(placed.phones, phone_set_of(lang.info))}
    write_textgrid(grid, tiers, recording.num_frames, recording.seconds)
    text = out / aligned_text(name)
    write_lines(text, lines)
    print(*shortened(lines, PRINTED_OWN, text), sep="\n")
    print(beside(text.name, f"{name}.aligned.{{words,phones}}.ctm", grid.name))
    write_page_of_text(out, Path(args.wav).expanduser(), recording, system, phone_set_of(lang.info))
    return out / INDEX, (
        f"{args.wav}: {recording.seconds:.1f} s, {len(placed.words)} words placed by {name}{doubts(placed)};"
        f" open {out / INDEX}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--wav", required=True, help="the recording, of any rate and length (WAV, FLAC, Ogg, SPHERE)")
    options.add_argument("--text", default="", help="what is said; @FILE: it is in the file")
    options.add_argument(
        "--text-file", default="", help="file with what is said: text in UTF-8, labels with times, TextGrid"
    )
    options.add_argument(
        "--system",
        required=True,
        nargs=2,
        action="append",
        metavar=("NAME", "MODEL"),
        help="a system and its model directory; of several that with the fewest errors on dev aligns",
    )
    options.add_argument("--exp", type=Path, required=True, help="experiment; results go to EXP/own")
    options.add_argument("--lang", type=Path, required=True, help="lang directory of the experiment")
    options.add_argument(
        "--teacher",
        type=Path,
        help="training data directory, whose gold phones, if it has any, correct boundaries",
    )
    models_option(options)
    jobs(options)
    options.add_argument("--cache", type=Path, default=Path("data/g2p"), help="where the G2P model is kept")
    run(options, main)
