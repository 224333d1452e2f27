"""What the layers of an encoder from outside hold of phones, beside those of controls, of our own systems, and of what
goes into them: ENCODER.tsv and .txt, ENCODER.json with the counts of each utterance, and ENCODER.safetensors with what
the best layer makes of one.

The phones are the gold ones where the corpus has some, else (and with --gold no) those of the dictionary, placed by the
reference's forced alignment. Everything is chosen on dev; whoever speaks in the test set is not in the others, unless
the corpus has it so.
"""

from __future__ import annotations

import itertools
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import write_json, write_lines
from lexicon.lang import load_lang
from pipeline.base.arrays import write_arrays
from pipeline.base.parallel import each
from pipeline.compare.layers import ARRAYS, best_names, read_layers, readable_lines, tsv_lines
from pipeline.compare.results import read_fields
from pipeline.datadir.feats import read_feats
from pipeline.probe.measure import Layer, alignment, example, learning_curve, measure
from pipeline.probe.probe import shared_speakers
from pipeline.probe.sources import layers_of_encoder, yardsticks
from pipeline.probe.target import SETS, Target, read_target
from pipeline.systems import load_system
from stages.common import at_least, jobs, parser, run

Item = TypeVar("Item")
Result = TypeVar("Result")

KIND = {True: "gold", False: "of the dictionary, placed by the reference's forced alignment"}


def layers_of_system(data: Path, model: Path) -> list[Layer]:
    """What a system of ours makes of an utterance on the way: its layers, or its scores where it has none."""
    system = load_system(model)
    opened = cache(lambda part: read_feats(data / part, model))

    def rows(name: str, part: str, utt: str) -> np.ndarray:
        return system.layers[name](opened(part)[utt])

    return [Layer(f"{system.name}.{name}", system.name, system.step, 0, partial(rows, name)) for name in system.layers]


def side_by_side(compared: Sequence[Layer], done: Callable[..., list[Any]], target: Target) -> dict[str, Any]:
    """How alike each of these layers is to each."""
    pairs = list(itertools.combinations(range(len(compared)), 2))
    matrix = np.eye(len(compared))
    found = done(lambda pair: alignment(compared[pair[0]], compared[pair[1]], target), pairs, "layers that are alike")
    for (i, j), value in zip(pairs, found):
        matrix[i, j] = matrix[j, i] = value
    return {"names": [layer.name for layer in compared], "matrix": matrix.tolist()}


def main(args: Namespace) -> tuple[Path, str]:
    lang = load_lang(args.data / "lang")
    target = read_target(args.data, args.reference, lang, args.minutes, args.gold == "yes")
    if empty := [name for name in SETS if not target.sets[name]]:
        raise UserError(f"{args.data / empty[0]}: no utterance with phones in their places; run: make compare")
    name, own = args.encoders[0], [layer for model in args.models for layer in layers_of_system(args.data, model)]
    inputs, layers = yardsticks(args.data), [layers_of_encoder(args.data, encoder) for encoder in args.encoders]
    every = [*inputs, *itertools.chain.from_iterable(layers), *own]

    def done(function: Callable[[Item], Result], items: Sequence[Item], what: str) -> list[Result]:
        """Of all items; a layer cannot be sent to another process, its number can."""
        found = each(lambda number: function(items[number]), range(len(items)), args.jobs)
        return list(tqdm(found, what, len(items), disable=None))

    rows = done(lambda layer: measure(layer, target, lang), every, name)
    with_mfcc = done(lambda layer: alignment(inputs[0], layer, target), every, "layers that are like MFCC")
    best = best_names([{"rows": rows}])
    chosen = [layer for layer in every if layer.name in best]
    curves = done(lambda layer: learning_curve(layer, target), chosen, "learning curves")
    shown = next(layer for layer in chosen if layer.group == name)
    write_arrays(args.out.with_suffix(ARRAYS), *example(shown, target))
    written = args.out.with_suffix(".json")
    write_json(
        written,
        {
            "encoder": name,
            "corpus": read_fields(args.data / "splits.json", corpus=str)["corpus"],
            "labels": KIND[target.gold],
            "minutes": {part: sum(target.seconds[utt] for utt in target.sets[part]) / 60 for part in SETS},
            "speakers": {utt: target.speaker_of[utt] for utt in target.sets["test"]},
            "shared": sorted(shared_speakers({s: [target.speaker_of[u] for u in target.sets[s]] for s in SETS})),
            "rows": [row | {"cka_mfcc": 100 * alike} for row, alike in zip(rows, with_mfcc)],
            "curves": {layer.group: points for layer, points in zip(chosen, curves)},
            # A matrix of all controls would be large and tell little.
            "cka": side_by_side([*inputs, *layers[0], *own], done, target),
        },
    )
    found = read_layers([written])
    write_lines(args.out.with_suffix(".txt"), readable := readable_lines(found))
    write_lines(args.out, tsv_lines(found))
    print("\n".join(["", *readable, ""]))
    top = found.best[name]
    rates = f"{top.rates['frame_accuracy']} % of frames, free PER {top.rates['free_per']} %"
    return args.out, f"{len(every)} layers; {top.name}: {rates}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with its sets and lang/")
    options.add_argument("--encoders", nargs="+", required=True, help="the encoder, then its controls; all encoded")
    options.add_argument("--models", type=Path, nargs="*", default=[], help="model directories of our own systems")
    options.add_argument("--reference", type=Path, required=True, help="model directory with ali_{train,dev,test}")
    options.add_argument("--gold", choices=("yes", "no"), default="yes", help="gold phones, where the corpus has some")
    options.add_argument("--minutes", type=at_least(0.1), default=30.0, help="of train, of dev and of test at most")
    options.add_argument("--out", type=Path, required=True, help="table to write; the others beside it")
    jobs(options)
    run(options, main)
