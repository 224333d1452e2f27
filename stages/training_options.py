"""What training any system is told, which other stages that train have in common."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import ModuleType

from pipeline.base.training import Material
from pipeline.systems import KINDS, kind_module
from stages.common import jobs, models_option, settings_options


def training_options(options: ArgumentParser) -> None:
    """The kind of system, its material, and the settings of the kind that the command line names."""
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
    models_option(options)
    jobs(options)
    if module := _kind_asked_for():
        settings_options(options, module.Settings)


def material_from(arguments: Namespace, out: Path) -> Material:
    """What the command line says there is to train on, for a model that goes to ``out``."""
    given = arguments
    gold = given.gold == "yes"
    of = given.features, given.models
    return Material(given.data, given.dev, given.lang, out, given.teacher, gold, given.jobs, *of)


def _kind_asked_for() -> ModuleType | None:
    """The module of the system that --system names, before its options are known."""
    first = ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--system", choices=KINDS)
    wanted = first.parse_known_args([word for word in sys.argv[1:] if word not in ("-h", "--help")])[0].system
    return kind_module(wanted) if wanted else None
