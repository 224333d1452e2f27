"""Train scikit-learn frame classifiers on hand-placed phones or the GMM's alignment, choose one on dev, and save it.

Each candidate is judged as it will be used: posteriors divided by priors, searched through the HMMs with a phone bigram.
"""
from __future__ import annotations

import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import write_json, write_lines
from lexicon.fold import Fold, read_fold
from lexicon.lang import load_lang
from pipeline.archive import Archive
from pipeline.features import Features, check_dimension, model_features, read_feats
from pipeline.frames import CLASSIFIERS, FrameClassifier, check_alignment, cross_entropy, frame_data, log_priors
from pipeline.gmm import GmmHmm, load_gmm
from pipeline.gold_labels import UNKNOWN, gold_states
from pipeline.graph import hmm_topology
from pipeline.intervals import Intervals, read_ctm
from pipeline.score import read_spoken
from pipeline.systems import System
from pipeline.tuning import tune_free
from stages.common import at_least, parser, run


def main(args: Namespace) -> tuple[Path, str]:
    began = time.monotonic()
    hmms, lang = load_gmm(args.gmm / "model.npz"), load_lang(args.lang)
    sets, hands, fold = {}, 0, read_fold(args.dev.parent)
    for name, data in (("train", args.data), ("dev", args.dev)):
        feats, alignment = read_feats(data, args.gmm), Archive(args.gmm / f"ali_{name}" / "ali.scp")
        gold = data / "phones.ctm"
        by_hand = read_ctm(gold) if args.labels == "gold" and gold.exists() else {}
        sets[name] = frame_data(*labelled(feats, alignment, hmms, by_hand, fold), args.context)
        hands += len(by_hand)
    priors = log_priors(sets["train"].y, hmms.transitions.num_pdfs)
    references = read_spoken(args.gmm / "ali_dev" / "reference.txt")
    num_phones = sum(map(len, references.values()))
    rows, models = [], {}
    args.out.mkdir(parents=True, exist_ok=True)
    with open(args.out / "train.log", "w") as log, tqdm(total=0, desc="frames", bar_format="{desc}", disable=None) as bar:

        def say(line: str) -> None:
            print(line, file=log, flush=True)
            bar.set_description_str(line)

        for name in args.classifiers:
            start = time.monotonic()
            layers, classes = CLASSIFIERS[name](sets["train"], sets["dev"], args.seed, say)
            model = models[name] = FrameClassifier(args.context, layers, classes, priors)
            seconds = time.monotonic() - start
            system = System("frames", args.out, model.scaled_likelihoods, hmm_topology(hmms.transitions), 1,
                            {"kind": "frames"})
            errors = min(tune_free(system, lang, dev_feats := read_feats(args.dev, args.gmm), references, fold).values())
            posteriors = np.concatenate([model.log_posteriors(dev_feats[utt]) for utt in references])
            rows.append((100 * errors / num_phones, name, 100 * np.mean(classes[posteriors.argmax(1)] == sets["dev"].y),
                         cross_entropy(posteriors, classes, sets["dev"].y), model.num_parameters, seconds))
    best = min(rows)
    write_lines(args.out / "choice.txt", table := choice_table(rows, best[1]))
    print("\n".join(table))
    seconds = time.monotonic() - began
    write_json(args.out / "meta.json", {
        "system": "frames", "kind": "frames", "classifier": best[1], "hmm": str(args.gmm), "features": asdict(model_features(args.gmm)),
        "train_seconds": seconds, "parameters": models[best[1]].num_parameters})
    models[best[1]].save(args.out / "model.npz")
    taught = f", {hands} utterances labelled by hand" if hands else ""
    return args.out / "model.npz", (f"{best[1]} chosen of {len(rows)}, dev free PER {best[0]:.1f} %,"
                                    f" {models[best[1]].num_parameters} parameters{taught}, {seconds:.0f} s")


def labelled(feats: Features, alignment: Archive, hmms: GmmHmm, gold: Intervals, fold: Fold
             ) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The features (T, D) and densities (T,) of every utterance of the alignment: where hands have placed the phones,
    these say which, else the alignment does. UserError where they do not fit."""
    if not len(alignment):
        raise UserError(f"{alignment.path}: empty; align the set again")
    x, y = [], []
    for utt in alignment:
        if utt not in feats:
            raise UserError(f"{alignment.path}: {utt} has no features in {feats.path}; align the set again")
        x.append(check_dimension(feats[utt], hmms.means.shape[1], f"{feats.path}: {utt}"))
        found = check_alignment(alignment[utt], x[-1], hmms.transitions.num_pdfs, f"{alignment.path}: {utt}")
        states = gold_states(gold[utt], hmms.transitions, fold, len(found)) if utt in gold else found
        y.append(np.where(states == UNKNOWN, found, states))
    return x, y


def choice_table(rows: list[tuple], chosen: str) -> list[str]:
    """The candidates side by side."""
    return ["classifier  dev free PER %  dev frame accuracy %  dev cross-entropy  parameters  seconds"] + [
        f"{name:<10}  {per:14.2f}  {accuracy:20.2f}  {entropy:17.4f}  {size:10d}  {seconds:7.1f}"
        + ("  <- chosen" if name == chosen else "") for per, name, accuracy, entropy, size, seconds in rows]


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="training data directory with features")
    options.add_argument("--dev", type=Path, required=True, help="development data directory with features")
    options.add_argument("--gmm", type=Path, required=True, help="GMM-HMM directory with ali_train and ali_dev")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, required=True, help="where the model goes")
    options.add_argument("--context", type=at_least(0), default=5, help="frames on each side that the classifier sees too")
    options.add_argument("--classifiers", nargs="+", choices=sorted(CLASSIFIERS), default=sorted(CLASSIFIERS),
                         help="candidates")
    options.add_argument("--labels", choices=["gold", "gmm"], default="gold",
                         help="what frames are labelled by: hands where they have placed the phones, or always the GMM")
    options.add_argument("--seed", type=at_least(0), default=0, help="of the perceptron's initial weights and shuffling")
    run(options, main)
