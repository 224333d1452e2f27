"""Train a system of the kind --system: gmm, classifier or ctc. What else it takes depends on the kind: see
--system KIND --help. torchrun may start it in several processes, on several machines, that train a network together."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from lexicon.errors import UserError
from pipeline.base.meta import MODEL
from pipeline.neural import ranks
from pipeline.systems import ctc, kind_module
from stages.common import parser, run, settings_from
from stages.training_options import material_from, training_options


def main(args: Namespace) -> tuple[Path | None, str]:
    kind = kind_module(args.system)
    with ranks.joined(args.out) as out:
        material = material_from(args, out)
        if ranks.several():
            if not issubclass(kind.Settings, ctc.Settings):
                raise UserError(f"--system {args.system}: only a network is trained by several processes of torchrun")
            material = replace(material, jobs=1)
        *lines, result = kind.train(material, settings_from(args, kind.Settings))
        if not ranks.is_first():
            return None, f"{args.out.name}: helped to train"
    print(*lines, sep="\n", end="\n" if lines else "")
    return args.out / MODEL, f"{args.out.name}: {result}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--out", type=Path, required=True, help="where the model goes, and checkpoints until then")
    training_options(options)
    run(options, main)
