"""Train scikit-learn frame classifiers on hand-placed phones or the GMM's alignment, choose one on dev, and save it.

Each candidate is judged as it will be used: posteriors divided by priors, searched through the HMMs with a phone
bigram.
"""

from __future__ import annotations

import os
import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from lexicon.files import log_file, write_json, write_lines
from lexicon.fold import read_fold
from lexicon.lang import load_lang
from lexicon.text import same_ids
from pipeline.base.archive import Archive
from pipeline.base.parallel import each
from pipeline.classifier.candidates import choice_table, judge
from pipeline.classifier.labels import taught
from pipeline.classifier.model import CLASSIFIERS, FrameClassifier, frame_data, log_priors
from pipeline.compare.score import read_spoken
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import model_cepstra, model_features, read_feats
from pipeline.datadir.sets import align_again, read_gold
from pipeline.hmm.gmm import load_gmm
from stages.common import at_least, jobs, parser, run


def main(args: Namespace) -> tuple[Path, str]:
    began = time.monotonic()
    hmms, lang = load_gmm(args.gmm / "model.npz"), load_lang(args.lang)
    sets, members, hands, fold = {}, {}, 0, read_fold(args.dev.parent)
    for name, data in (("train", args.data), ("dev", args.dev)):
        feats, alignment = read_feats(data, args.gmm), Archive(args.gmm / f"ali_{name}" / "ali.scp")
        members[name] = [utterance.id for utterance in feats.of(read_datadir(data))]
        same_ids(alignment.path, alignment, members[name], align_again(alignment.path.parent))
        by_hand = read_gold(data, "phones") if args.labels == "gold" else {}
        sets[name] = frame_data(*taught(feats, alignment, hmms, by_hand, fold), args.context)
        hands += len(by_hand)
    priors = log_priors(sets["train"].y, hmms.transitions.num_pdfs)
    path = args.gmm / "ali_dev" / "reference.txt"
    references = read_spoken(path)
    same_ids(path, references, members["dev"], align_again(path.parent))
    dev_feats = read_feats(args.dev, args.gmm)
    with (
        log_file(args.out / "train.log") as log,
        tqdm(total=0, desc="frames", bar_format="{desc}", disable=None) as bar,
    ):

        def say(line: str) -> None:
            print(line, file=log, flush=True)
            bar.set_description_str(line)

        def trained(name: str) -> tuple[str, FrameClassifier, float]:
            start = time.process_time()
            layers, classes = CLASSIFIERS[name](sets["train"], sets["dev"], args.seed, say)
            return name, FrameClassifier(args.context, layers, classes, priors), time.process_time() - start

        candidates = [
            judge(*found, sets["dev"], dev_feats, references, hmms.transitions, lang, fold, args.jobs)
            for found in list(each(trained, args.classifiers, args.jobs))
        ]
    best = min(candidates, key=lambda candidate: candidate[:2])
    write_lines(args.out / "choice.txt", table := choice_table(candidates, best))
    print("\n".join(table))
    seconds = time.monotonic() - began
    (args.out / "model.npz").unlink(missing_ok=True)  # the old model is not what meta.json says from here on
    write_json(
        args.out / "meta.json",
        {
            "system": "frames",
            "kind": "frames",
            "classifier": best.name,
            "hmm": os.path.relpath(args.gmm, args.out),
            "features": asdict(model_features(args.gmm)),
            "cepstra": model_cepstra(args.gmm),
            "train_seconds": seconds,
            "parameters": best.model.num_parameters,
        },
    )
    best.model.save(args.out / "model.npz")
    by_hand = f", {hands} utterances labelled by hand" if hands else ""
    return args.out / "model.npz", (
        f"{best.name} chosen of {len(candidates)}, dev free PER {best.free_per:.1f} %,"
        f" {best.model.num_parameters} parameters{by_hand}, {seconds:.0f} s"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="training data directory with features")
    options.add_argument("--dev", type=Path, required=True, help="development data directory with features")
    options.add_argument("--gmm", type=Path, required=True, help="GMM-HMM directory with ali_train and ali_dev")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, required=True, help="where the model goes")
    options.add_argument("--context", type=at_least(0), default=5, help="frames on each side that it sees too")
    options.add_argument(
        "--classifiers", nargs="+", choices=sorted(CLASSIFIERS), default=sorted(CLASSIFIERS), help="candidates"
    )
    options.add_argument(
        "--labels",
        choices=["gold", "gmm"],
        default="gold",
        help="who labels frames: hands where they have placed the phones, or always the GMM",
    )
    options.add_argument(
        "--seed", type=at_least(0), default=0, help="of the perceptron's initial weights and shuffling"
    )
    jobs(options)
    run(options, main)
