"""Train a system of the kind --system: gmm, classifier or ctc. What else it takes depends on the kind: see
--system KIND --help."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pipeline.base.meta import MODEL
from pipeline.systems import kind_module
from stages.common import parser, run, settings_from
from stages.training_options import material_from, training_options


def main(args: Namespace) -> tuple[Path, str]:
    kind = kind_module(args.system)
    *lines, result = kind.train(material_from(args, args.out), settings_from(args, kind.Settings))
    print(*lines, sep="\n", end="\n" if lines else "")
    return args.out / MODEL, f"{args.out.name}: {result}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--out", type=Path, required=True, help="where the model goes, and checkpoints until then")
    training_options(options)
    run(options, main)
