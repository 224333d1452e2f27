"""Transcribe a recording of one's own with every trained system: words and phones with times, also in IPA, as a page,
as text, as CTM and as TextGrid."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tqdm import tqdm

from lexicon.files import write_lines
from pipeline.compare.listen import listen, load_searches, raw_wanted
from pipeline.compare.own_voice import adapt
from pipeline.compare.transcript import TIERS, Transcript, piece_title
from pipeline.encoders.extract import enter_layers
from pipeline.report.own import INDEX, TRANSCRIPT, replaced_page
from pipeline.sound.recording import begin_results, own_folder, read_recording
from pipeline.times.ctm import write_ctm
from pipeline.times.textgrid import write_textgrid
from stages.common import PRINTED_OWN, beside, models_option, parser, run, shortened, systems_option
from stages.own_systems import ready_systems

NAMED = 2  # pieces in which nothing was found; the text has all


def main(args: Namespace) -> tuple[Path, str]:
    searches = load_searches(args.exp, ready_systems(args, "transcribe"), args.lm)
    enter_layers(raw_wanted(searches), args.models)
    recording = read_recording(args.wav, raw_wanted(searches))
    for one in searches.values():
        adapt(recording, one.system, one.lang)
    out = own_folder(args.exp / "own", args.wav)  # an unwritable folder is better known now than after the search
    begin_results(out, args.wav)
    phone_sets = {name: one.phone_set for name, one in searches.items()}
    transcript, pieces = Transcript(phone_sets), recording.pieces()
    text, systems = out / TRANSCRIPT, {name: one.system for name, one in searches.items()}
    with replaced_page(out, Path(args.wav).expanduser(), recording, systems, next(iter(phone_sets.values()))) as page:
        for number, piece in enumerate(tqdm(pieces, disable=None, leave=False), 1):
            heard = listen(searches, recording, piece) if piece.speech else {}
            transcript.add(piece_title(number, len(pieces), piece), heard)
            page.add(piece, heard)
        write_lines(text, transcript.lines)
    for name, tiers in transcript.tiers.items():
        for tier, (segments, confidence) in zip(TIERS, tiers, strict=True):
            write_ctm(out / f"{name}.{tier}.ctm", [(out.name, segments, confidence)])
    write_textgrid(out / f"{out.name}.TextGrid", transcript.grid(), recording.num_frames, recording.seconds)
    print(*shortened(transcript.summary, PRINTED_OWN, text), sep="\n")
    if lost := transcript.lost:
        print(f"nothing found in: {', '.join([*lost[:NAMED], *['...'] * (len(lost) > NAMED)])}")
    print(beside(text.name, f"SYSTEM.{{{','.join(TIERS)}}}.ctm", f"{out.name}.TextGrid"))
    silent = "" if recording.heard else " (there is no sound in it)"
    return out / INDEX, f"{args.wav}: {recording.seconds:.1f} s{silent}; open {out / INDEX}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument(
        "--wav", required=True, help="the recording, of any rate, up to a day (WAV, FLAC, Ogg, SPHERE)"
    )
    options.add_argument("--exp", type=Path, required=True, help="experiment; results go to EXP/own")
    systems_option(options)
    models_option(options)
    run(options, main)
