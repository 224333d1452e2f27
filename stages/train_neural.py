"""Train the CTC network: features to phones and blank, stopped and chosen by the greedy phone error rate on dev."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import asdict, fields
from pathlib import Path

import torch

from lexicon.errors import UserError
from lexicon.lang import Lang, load_lang
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import read_feats
from pipeline.datadir.short import refuse_short
from pipeline.neural.model import ENCODERS
from pipeline.neural.train import TrainSettings, finish, split_by_length, survey, train
from stages.common import at_least, jobs, parser, run


def targets(data: Path, lang: Lang) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Token ids of each utterance, every word in its first pronunciation, and the utterances with unknown words."""
    known, unknown, lexicon = {}, [], lang.reference_lexicon
    index = {token: i for i, token in enumerate(lang.tokens)}
    feats = read_feats(data)
    for utterance in feats.of(read_datadir(data)):
        if all(word in lexicon for word in utterance.words):
            known[utterance.id] = tuple(index[p] for word in utterance.words for p in lexicon[word][0][1])
        else:
            unknown.append(utterance.id)
    if not known:
        raise UserError(
            f"{data}/text: no utterance with all its words in {lang.path}/reference_lexicon.txt; run: make lexicon"
        )
    return known, unknown


def choose_device(name: str) -> torch.device:
    """The device asked for; "auto" takes the GPU where there is one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch finds no GPU here; use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def names(what: str, ids: list[str]) -> str:
    """`; 2 WHAT: a, b`, or nothing for none."""
    shown = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
    return f"; {len(ids)} {what}: {shown}" if ids else ""


def main(args: Namespace) -> tuple[Path, str]:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS adds in no fixed order
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs a twentieth, and nothing reads such memory
    device, lang = choose_device(args.device), load_lang(args.lang)
    settings = TrainSettings(**{option.name: getattr(args, option.name) for option in fields(TrainSettings)})
    train_targets, unknown = targets(args.data, lang)
    if unknown:
        raise UserError(
            f"{args.data}/text: utterance {unknown[0]} has words that are not in"
            f" {args.lang}/reference_lexicon.txt ({len(unknown)} such utterances); run: make lexicon"
        )
    dev_targets, unknown = targets(args.dev, lang)
    feats, dev_feats = read_feats(args.data), read_feats(args.dev)
    if feats.settings != dev_feats.settings:
        raise UserError(f"{args.dev}: features made otherwise than those of {args.data}; make them again: make mfcc")
    surveyed, train_print = survey(feats, train_targets)
    dev_part, dev_print = survey(dev_feats, dev_targets)
    train_part, short = split_by_length(surveyed, settings.subsampling)
    if len(short) > args.max_short / 100 * len(train_targets):
        refuse_short(
            args.data / "text",
            {utt: f"{surveyed.num_frames[utt]} frames for {len(train_targets[utt])} phones" for utt in short},
            len(train_targets),
            ', use a smaller NEURAL_ARGS="--subsampling" or a larger "--max-short"',
        )
    args.out.mkdir(parents=True, exist_ok=True)
    state = train(train_part, dev_part, lang.tokens, settings, train_print + dev_print, args.out, device, args.jobs)
    extra = {
        "features": asdict(feats.settings),
        "cepstra": feats.cepstra,
        "left_out_short": short,
        "dev_not_scored": unknown,
        "device": device.type,
    }
    model = finish(state, train_part, lang.tokens, settings, args.out, device, extra, args.jobs)
    return args.out / "model.safetensors", (
        f"{settings.encoder} {model.encoder.num_parameters() / 1e6:.1f} M parameters, {state.epoch} epochs"
        f" (best {state.best_epoch}), dev PER {state.best_per:.1f} %, {state.seconds:.0f} s"
        f"{names('utterances too short for their phones left out', short)}"
        f"{names('dev utterances with unknown words not scored', unknown)}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data directory with features to train on")
    options.add_argument("--dev", type=Path, required=True, help="data directory with features to stop by")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, required=True, help="where the model goes, and the checkpoint until then")
    options.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to train")
    jobs(options)
    options.add_argument(
        "--max-short",
        type=at_least(0.0),
        default=2.0,
        help="percent of utterances with fewer network frames than phones to leave out at most",
    )
    for option in fields(TrainSettings):
        choices = ENCODERS if option.name == "encoder" else None
        options.add_argument(
            "--" + option.name.replace("_", "-"),
            type=type(option.default),
            default=option.default,
            choices=choices,
            help=option.metadata["help"],
        )
    run(options, main)
