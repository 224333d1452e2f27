"""How high a learning rate the network bears: one after the other, from low to high, an update each. RATES.tsv has the
loss at each, .svg draws it, .txt says where it is least. Nothing is trained by it. What else
it takes is what training takes: see stages.train --system ctc --help."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_lines
from pipeline.draw.rates_svg import rates_svg
from pipeline.neural.rates import HIGHEST, LOWEST, least_of, readable_lines, tsv_lines
from pipeline.systems import ctc, kind_module
from stages.common import at_least, parser, run, settings_from
from stages.training_options import material_from, training_options


def main(args: Namespace) -> tuple[Path, str]:
    kind, name = kind_module(args.system), args.out.parent.name
    if not issubclass(kind.Settings, ctc.Settings):
        raise UserError(f"--system {args.system}: no network, so it has no learning rate; use MODEL=neural")
    material, settings = settings_from(args, kind.Settings).begun(material_from(args, args.out.parent))
    tried = ctc.range_test(material, settings, args.lowest, args.highest, args.updates)
    readable = readable_lines(tried, settings.learning_rate)
    write_lines(args.out.with_suffix(".txt"), readable)
    write_lines(args.out.with_suffix(".svg"), rates_svg(name, tried, settings.learning_rate))
    write_lines(args.out, tsv_lines(tried))
    print("\n".join(["", *readable, ""]))
    return args.out, f"{name}: the loss is least at {least_of(tried).rate:.2g}; {args.out.with_suffix('.svg')}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--lowest", type=float, default=LOWEST, help="learning rate of the first update")
    options.add_argument("--highest", type=float, default=HIGHEST, help="learning rate of the last update")
    options.add_argument("--updates", type=at_least(2), default=100, help="updates, fewer if the loss rises far")
    options.add_argument("--out", type=Path, required=True, help="table to write; .txt and .svg beside it")
    training_options(options)
    run(options, main)
