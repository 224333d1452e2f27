"""Write a network with its features as ONNX: from samples to log posteriors, for programs without PyTorch."""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.errors import UserError, at
from lexicon.files import atomic_write
from pipeline.systems import load_system
from stages.common import parser, run


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    from pipeline.neural.model import load_model  # with PyTorch, which is slow to import
    from pipeline.neural.onnx import to_onnx

    system = load_system(arguments.model)
    if system.posteriors is None:
        raise UserError(f"{arguments.model}: no CTC network, and only these become ONNX; name one: MODEL=neural")
    with at(arguments.model):
        written = to_onnx(system.front_end, load_model(arguments.model))
    with atomic_write(arguments.out, "wb") as stream:
        stream.write(written)
    return arguments.out, (
        f"{arguments.out}, {len(written) / 1e6:.1f} MB: samples at {system.front_end.raw.sample_rate} Hz to log"
        f" posteriors of {len(system.tokens)} tokens"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="directory of the network")
    options.add_argument("--out", type=Path, required=True, help="file to write")
    run(options, main)
