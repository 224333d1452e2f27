"""Sweep the knobs of a system's word search on dev, one at a time, from the settings in use: SWEEP.tsv with errors and
speed of each value, the same as a readable .txt, and accuracy against speed as .svg. Nothing is tuned by it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.fold import read_fold
from lexicon.text import same_ids
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import read_feats
from pipeline.datadir.sets import align_again, read_spoken
from pipeline.draw.sweep_svg import sweep_svg
from pipeline.search.sweep import Dev, chosen_knobs, readable_lines, sweep, trials, tsv_lines, values_in_use
from pipeline.search.tuning import read_tuning, scored_on_disk
from pipeline.systems import load_system
from pipeline.times.clock import FRAME_SHIFT_MS
from stages.common import jobs, parser, run
from stages.search_options import lang_option, search_options, searched_lang, searched_with


def main(args: Namespace) -> tuple[Path, str]:
    system, lang, feats = load_system(args.model), searched_lang(args), read_feats(args.data, args.model)
    tuned = read_tuning(args.tuning)
    used = values_in_use(tuned, *searched_with(args, tuned))
    knobs = chosen_knobs(system, used, args.knobs)
    words = {u.id: u.words for u in feats.of(read_datadir(args.data))}
    phones, fold = read_spoken(args.ref_phones), read_fold(args.data.parent)
    same_ids(args.ref_phones, phones, words, align_again(args.ref_phones.parent))
    if not any(phones.values()):
        raise UserError(f"{args.ref_phones}: no phones to compare with; {align_again(args.ref_phones.parent)}")
    scored = scored_on_disk(system, feats.__getitem__, words, args.out.parent, args.jobs)
    seconds = sum(frames for _, frames in scored.values()) * FRAME_SHIFT_MS / 1000
    dev, name = Dev(feats, scored, words, phones, fold, seconds), args.out.parent.name
    planned = trials(system, lang, tuned, used, dev, knobs)
    rows = list(tqdm(sweep(system, planned, dev, args.jobs), f"{name} sweep", len(planned), disable=None))
    readable = readable_lines(name, rows, dev)
    write_lines(args.out.with_suffix(".txt"), readable)
    write_lines(args.out.with_suffix(".svg"), sweep_svg(name, rows))
    write_lines(args.out, tsv_lines(rows))
    print("\n".join(["", *readable, ""]))
    return args.out, f"{name}: {len(rows)} settings on dev; {args.out.with_suffix('.txt')}, .svg"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory")
    options.add_argument("--tuning", type=Path, required=True, help="tuning.json of the system")
    options.add_argument("--data", type=Path, required=True, help="development data directory with features")
    lang_option(options)
    options.add_argument("--ref-phones", type=Path, required=True, help="reference phones of the same utterances")
    options.add_argument("--knobs", nargs="+", default=[], help="knobs to turn, as the table names them; none: all")
    options.add_argument("--out", type=Path, required=True, help="table to write; .txt and .svg beside it")
    search_options(options)
    jobs(options, "settings measured at a time; for speed that can be compared, 1 on a machine that does nothing else")
    run(options, main)
