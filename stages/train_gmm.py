"""Train the GMM-HMM phone models: flat start, Baum-Welch on whole utterances, mixtures grown step by step."""

from __future__ import annotations

import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import log_file, write_json
from lexicon.lang import load_lang
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import measured, read_feats
from pipeline.datadir.short import refuse_short
from pipeline.hmm.em import TRAINERS, Schedule, poor_phones, train
from pipeline.hmm.gmm import flat_start
from pipeline.hmm.graphs import frames_needed, utterance_graph
from stages.common import at_least, jobs, parser, run


def main(args: Namespace) -> tuple[Path, str]:
    began = time.monotonic()
    lang, feats = load_lang(args.lang), read_feats(args.data)
    utterances = feats.of(read_datadir(args.data))
    dimension = feats[utterances[0].id].shape[-1]
    lengths = measured(feats, {u.id: u.words for u in utterances}, dimension, args.data / "text")
    sums, squares = 0.0, 0.0
    for utterance in utterances:
        x = feats[utterance.id].astype(np.float64)
        sums, squares = sums + x.sum(0), squares + (x**2).sum(0)
    frames = sum(lengths.values())
    model = flat_start(lang.phones, sums / frames, squares / frames - (sums / frames) ** 2)
    graphs = {}
    for utterance in utterances:
        try:
            graphs[utterance.id] = utterance_graph(utterance.words, lang.lexicon, model.transitions)
        except UserError as error:
            raise UserError(f"{args.data}/text: {utterance.id}: {error}") from error
    needed = {u.id: frames_needed(u.words, lang.lexicon, model.transitions) for u in utterances}
    refuse_short(
        args.data / "text",
        {utt: f"{lengths[utt]} frames of {count} at least" for utt, count in needed.items() if count > lengths[utt]},
        len(utterances),
    )
    schedule = Schedule(args.warm_up, args.passes, args.last, args.max_mix, args.min_frames)
    with log_file(args.out / "train.log") as log, tqdm(total=schedule.total(), desc="gmm", disable=None) as bar:

        def on_pass(number: int, score: float) -> None:
            log.write(f"pass {number}: {len(model.weights)} Gaussians, log likelihood {score:.6f} per frame\n")
            log.flush()
            bar.set_postfix(gaussians=len(model.weights), per_frame=f"{score:.3f}")
            bar.update()

        stats = train(model, graphs, feats, lengths, schedule, args.trainer, args.jobs, on_pass)
    poor = poor_phones(model, stats, args.warn_frames)
    seconds = time.monotonic() - began
    (args.out / "model.npz").unlink(missing_ok=True)  # the old model is not what meta.json says from here on
    write_json(
        args.out / "meta.json",
        {
            "system": "gmm",
            "kind": "gmm",
            "features": asdict(feats.settings),
            "cepstra": feats.cepstra,
            "train_seconds": seconds,
            "parameters": model.num_parameters,
            "gaussians": len(model.weights),
            "log_likelihood_per_frame": stats.log_likelihood / stats.frames,
            "poor_phones": poor,
        },
    )
    model.save(args.out / "model.npz")
    few = "; few frames: " + ", ".join(f"{phone} {count:.0f}" for phone, count in sorted(poor.items())) if poor else ""
    return args.out / "model.npz", (
        f"{len(lang.phones)} phones, {len(model.weights)} Gaussians, {schedule.total()} passes,"
        f" {stats.log_likelihood / stats.frames:.2f} per frame, {seconds:.0f} s{few}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, required=True, help="where the model goes")
    options.add_argument("--max-mix", type=at_least(1), default=32, help="Gaussians per state at most")
    options.add_argument("--min-frames", type=at_least(0.0), default=20, help="frames that a Gaussian needs on average")
    options.add_argument("--warm-up", type=at_least(1), default=6, help="passes with one Gaussian per state")
    options.add_argument("--passes", type=at_least(0), default=3, help="passes after each doubling")
    options.add_argument("--last", type=at_least(0), default=4, help="further passes at the end")
    options.add_argument(
        "--warn-frames", type=at_least(0.0), default=10, help="name phones with a state of fewer frames"
    )
    jobs(options)
    options.add_argument(
        "--trainer",
        choices=sorted(TRAINERS),
        default="baum-welch",
        help="hmmlearn: the plain reference, segment by segment with hmmlearn's own fit, slow",
    )
    run(options, main)
