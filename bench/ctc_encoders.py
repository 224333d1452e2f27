"""Which encoder for the CTC network: each trained with the same data, settings and epochs; dev decides.

    python bench/ctc_encoders.py --data data/prompts/train --dev data/prompts/dev --lang data/prompts/lang

Sizes are chosen so that one epoch costs about the same CPU time. Finished runs are kept in --out and not repeated.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from lexicon.files import write_json  # noqa: E402
from lexicon.lang import load_lang  # noqa: E402
from pipeline.datadir.feats import Features, front_end_for  # noqa: E402
from pipeline.neural.data import split_by_length, survey
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import train
from pipeline.sound.front_end import FrontEndSettings  # noqa: E402
from pipeline.systems.ctc import targets  # noqa: E402
from stages.common import parser  # noqa: E402

SIZES = {
    "conv-bilstm": {"width": 128, "conv_layers": 1, "layers": 2},
    "conv-bigru": {"width": 128, "conv_layers": 1, "layers": 2},
    "tdnn": {"width": 192, "conv_layers": 6, "layers": 1},
    "conformer": {"width": 144, "conv_layers": 2, "layers": 3},
}


def measure(encoder: str, seed: int, args: Namespace) -> dict:
    """Train one encoder; its dev PER (percent), parameters, epochs and CPU seconds."""
    out = args.out / f"{encoder}-{seed}"
    result = out / "result.json"
    if not result.is_file():
        settings = replace(TrainSettings(), encoder=encoder, seed=seed, epochs=args.epochs, **SIZES[encoder])
        lang = load_lang(args.lang)
        front_end = front_end_for(args.data, FrontEndSettings())
        (train_part, a), (dev_part, b) = (
            survey(feats, targets(feats, lang)[0], front_end.raw.coefficients)
            for feats in (Features(data, front_end) for data in (args.data, args.dev))
        )
        train_part, _ = split_by_length(train_part, settings.subsampling)
        began = time.process_time()
        state = train(train_part, dev_part, lang.tokens, settings, a + b, out, torch.device("cpu"))
        write_json(
            result,
            {
                "dev_per": state.best_per,
                "parameters": state.model.num_parameters(),
                "epochs": state.epoch,
                "cpu_seconds": time.process_time() - began,
            },
        )
    return json.loads(result.read_text())


def main(args: Namespace) -> None:
    torch.use_deterministic_algorithms(True)
    print(f"{'encoder':12} {'parameters':>10} {'CPU s':>6}  dev PER %, seeds 1 to {args.seeds}")
    for encoder in args.encoders:
        runs = [measure(encoder, seed, args) for seed in range(1, args.seeds + 1)]
        pers = [run["dev_per"] for run in runs]
        seconds = statistics.mean(run["cpu_seconds"] for run in runs)
        each = " ".join(f"{per:.2f}" for per in pers)
        size = runs[0]["parameters"]
        print(f"{encoder:12} {size:10} {seconds:6.0f}  {each}  mean {statistics.mean(pers):.2f}", flush=True)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data directory to train on")
    options.add_argument("--dev", type=Path, required=True, help="data directory to compare on")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, default=Path("exp/bench_ctc_encoders"), help="where runs are kept")
    options.add_argument("--encoders", nargs="+", choices=sorted(SIZES), default=list(SIZES), help="which to train")
    options.add_argument("--seeds", type=int, default=1, help="runs of each, with seeds 1, 2, ...")
    options.add_argument("--epochs", type=int, default=30, help="epochs of each run")
    main(options.parse_args())
