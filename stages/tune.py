"""Tune a system on development data: acoustic scale and insertion score, for the word search and the free phone
search; and learn what the posteriors of their results are worth."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_json
from lexicon.fold import read_fold
from lexicon.text import same_ids
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import read_feats
from pipeline.datadir.sets import align_again, read_spoken
from pipeline.search.confidence import LEVELS, Confidences, as_json, calibrate
from pipeline.search.decode import SEARCHES, SearchSettings
from pipeline.search.tuning import Tried, Tuned, best_of, judge_results, scored_on_disk, tune_free, tune_words
from pipeline.systems import load_system
from stages.common import jobs, parser, run
from stages.search_options import lang_option, searched_lang


def outcome(tried: Tried, total: int) -> dict:
    """The best settings with their error rate (percent), and everything that was tried."""
    best = best_of(tried)
    trace = [{**asdict(settings), "error_rate": 100 * errors / total} for settings, errors in tried.items()]
    return {**asdict(best), "error_rate": 100 * tried[best] / total, "tried": trace}


def main(args: Namespace) -> tuple[Path, str]:
    system, lang, feats = load_system(args.model), searched_lang(args), read_feats(args.data, args.model)
    words = {u.id: u.words for u in feats.of(read_datadir(args.data))}
    phones, fold = read_spoken(args.ref_phones), read_fold(args.data.parent)
    same_ids(args.ref_phones, phones, words, align_again(args.ref_phones.parent))
    if not any(phones.values()):
        raise UserError(f"{args.ref_phones}: no phones to tune with; {align_again(args.ref_phones.parent)}")
    scored = scored_on_disk(system, feats.__getitem__, words, args.out, args.jobs)
    by_words = outcome(tune_words(system, lang, args.search, scored, words, args.jobs), sum(map(len, words.values())))
    free = outcome(tune_free(system, lang, scored, phones, fold, args.jobs), sum(map(len, phones.values())))
    best = (SearchSettings(one["acoustic_scale"], one["insertion_score"]) for one in (by_words, free))
    tuned = Tuned(args.search, next(best), next(best))
    found = judge_results(system, lang, tuned, scored, words, phones, fold, args.jobs)
    confidences = Confidences(*(calibrate(found[level]) for level in LEVELS))
    target = args.out / "tuning.json"
    write_json(
        target,
        {"search": args.search, "words": by_words, "free": free, "confidence": as_json(confidences, found)},
    )
    return target, (
        f"{args.out.name}: dev WER {by_words['error_rate']:.1f} % at acoustic scale"
        f" {by_words['acoustic_scale']}, word score {by_words['insertion_score']:g}; dev free PER"
        f" {free['error_rate']:.1f} % at {free['acoustic_scale']}, phone score {free['insertion_score']:g}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory")
    options.add_argument("--data", type=Path, required=True, help="development data directory with features")
    lang_option(options)
    options.add_argument("--ref-phones", type=Path, required=True, help="reference phones of the same utterances")
    options.add_argument("--search", choices=SEARCHES, default="wfst", help="search for words")
    options.add_argument("--out", type=Path, required=True, help="where tuning.json goes")
    jobs(options)
    run(options, main)
