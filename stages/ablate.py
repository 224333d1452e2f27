"""Train the network MODEL again with one setting changed, and then the next: ABLATION.tsv with the error rate on dev
and the time of each, the same as a readable .txt. Each has a folder of its own and is trained once; a run that is
broken off goes on."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from lexicon.files import write_lines
from pipeline.base.meta import CHECKPOINT, read_meta
from pipeline.base.training import Material
from pipeline.datadir.feats import front_end_of
from pipeline.neural.ablation import (
    AS_IT_IS,
    CHANGES,
    Outcome,
    Row,
    keep_outcome,
    known_outcome,
    readable_lines,
    tsv_lines,
)
from pipeline.systems import KINDS, ctc, kind_module
from stages.common import jobs, parser, run, settings_from, settings_options


def main(args: Namespace) -> tuple[Path, str]:
    meta, kind = read_meta(args.model), _kind(args.model)
    material = Material(args.data, args.dev, args.lang, args.out.parent, jobs=args.jobs, features=_features(args.model))
    base = changed(_trained_with(args.model, meta, kind), args.throughout)
    planned = {AS_IT_IS: base} | {change: changed(base, change.split(",")) for change in args.changes}
    # All are looked at before the first of them takes its hour.
    told = {name: _told(_within(material, name), settings) for name, settings in planned.items()}
    rows = []
    for name, settings in planned.items():
        print(f"ablate: {name}", flush=True)
        rows.append(Row(name, _outcome(_within(material, name), settings, told[name])))
    readable = readable_lines(args.model.name, rows, base.measure)
    write_lines(args.out.with_suffix(".txt"), readable)
    write_lines(args.out, tsv_lines(rows, base.measure))
    print("\n".join(["", *readable, ""]))
    return args.out, f"{args.model.name}: {len(rows)} trainings; {args.out.with_suffix('.txt')}"


def _kind(model: Path) -> Any:
    """The module of the network's kind; UserError if it is no network that is trained here."""
    kind = read_meta(model).get("kind")
    module = kind_module(kind) if kind in KINDS else None
    if module is None or not issubclass(module.Settings, ctc.Settings):
        raise UserError(f"{model}: no network with settings to change, but of kind {kind!r}; use MODEL=neural")
    return module


def _features(model: Path) -> str:
    return front_end_of(model).raw.kind


def _trained_with(model: Path, meta: dict[str, Any], kind: Any) -> Any:
    """The settings that the model was trained with."""
    front_end, told = front_end_of(model), meta.get("settings")
    names = {field.name for field in fields(kind.Settings)}
    if not isinstance(told, dict) or not names.issuperset(told):
        raise UserError(f"{model}/meta.json: settings that are not those of training; run: make {model.name}")
    rows = {"normalise": front_end.normalise, "deltas": front_end.deltas, "splice": front_end.splice}
    several = {name: tuple(map(str, value)) for name, value in told.items() if isinstance(value, list)}
    return kind.Settings(**{**told, **several, **rows})


def changed(settings: Any, changes: Sequence[str]) -> Any:
    """The settings with others in their place, each name=value, or a further value of the one before it; a wrong one is
    a wrong option."""
    options = parser("")
    settings_options(options, type(settings), tuned=[field.name for field in fields(settings)])
    words: list[list[str]] = []
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign and words:
            words[-1].append(name)
            continue
        if not sign or name not in {field.name for field in fields(settings)}:
            known = " ".join(field.name for field in fields(settings))
            raise UserError(f"{change!r}: write NAME=VALUE, of settings with their name; there are: {known}")
        words.append([f"--{name.replace('_', '-')}", value])
    # One value is joined to its option, for it may begin with "-"; several cannot be.
    joined = [piece for word in words for piece in (["=".join(word)] if len(word) == 2 else word)]
    return settings_from(options.parse_args(joined), type(settings), settings)


def _within(material: Material, name: str) -> Material:
    """The same with a folder for the training ``name``."""
    return replace(material, out=material.out / "ablation" / name)


def _told(material: Material, settings: Any) -> dict[str, Any]:
    """All that the outcome depends on; UserError if it cannot be trained so."""
    import torch  # slow

    return {"settings": asdict(settings), "data": ctc.looked_at(material, settings), "torch": torch.__version__}


def _outcome(material: Material, settings: Any, told: dict[str, Any]) -> Outcome | None:
    """Train it, unless that is done."""
    if known := known_outcome(material.out, told):
        return known
    state = ctc.trial(material, settings)
    if state is None:
        shutil.rmtree(material.out, ignore_errors=True)
        return None
    outcome = Outcome(round(state.best_per, 4), state.epoch, state.best_epoch, round(state.seconds, 1))
    keep_outcome(material.out, told, outcome)
    (material.out / CHECKPOINT).unlink(missing_ok=True)
    return outcome


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory, whose settings are changed")
    options.add_argument("--data", type=Path, required=True, help="training data directory with features")
    options.add_argument("--dev", type=Path, required=True, help="development data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument(
        "--changes", nargs="+", default=list(CHANGES), help="settings, each NAME=VALUE, or several with commas"
    )
    options.add_argument(
        "--throughout", nargs="+", default=[], help="settings of all trainings, each NAME=VALUE, as epochs=15"
    )
    options.add_argument("--out", type=Path, required=True, help="table to write; .txt and the trainings beside it")
    jobs(options)
    run(options, main)
