"""Train a system of the kind --system: gmm, classifier or ctc. What else it takes depends on the kind: see
--system KIND --help."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import ModuleType

from pipeline.base.meta import MODEL
from pipeline.base.training import Material
from pipeline.systems import KINDS, kind_module
from stages.common import jobs, parser, run, settings_from, settings_options


def kind_asked_for() -> ModuleType | None:
    """The module of the system that --system names, before its options are known."""
    first = ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--system", choices=KINDS)
    wanted = first.parse_known_args([word for word in sys.argv[1:] if word not in ("-h", "--help")])[0].system
    return kind_module(wanted) if wanted else None


def main(args: Namespace) -> tuple[Path, str]:
    kind = kind_module(args.system)
    material = Material(
        args.data, args.dev, args.lang, args.out, args.teacher, args.gold == "yes", args.jobs, args.features
    )
    *lines, result = kind.train(material, settings_from(args, kind.Settings))
    print(*lines, sep="\n", end="\n" if lines else "")
    return args.out / MODEL, f"{args.out.name}: {result}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--system", choices=KINDS, required=True, help="the kind of system")
    options.add_argument("--data", type=Path, required=True, help="training data directory with features")
    options.add_argument("--dev", type=Path, required=True, help="development data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument(
        "--features", default=Material.features, help="kind of raw features that the system's front end begins with"
    )
    options.add_argument("--teacher", type=Path, help="model directory whose ali_train and ali_dev label the frames")
    options.add_argument(
        "--gold", choices=["yes", "no"], default="yes", help="whether gold phones, where there are any, label frames"
    )
    options.add_argument("--out", type=Path, required=True, help="where the model goes, and checkpoints until then")
    jobs(options)
    if module := kind_asked_for():
        settings_options(options, module.Settings)
    run(options, main)
