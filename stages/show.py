"""Show what goes in and out of a stage for one utterance: shapes, values and a small picture, printed and as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_write
from pipeline.show.stages import stages_of
from stages.common import parser, reference_option, run, show


def main(arguments: argparse.Namespace) -> tuple[Path | None, str]:
    stages = stages_of(arguments.exp)
    if not arguments.stage:
        width = max(map(len, stages))
        print(*(f"  {name:{width}} {stage.summary}" for name, stage in stages.items()), sep="\n")
        return None, "the stages, and every model that is trained; one of an utterance: make show STAGE=mfcc UTT=..."
    if not (stage := stages.get(arguments.stage)):
        raise UserError(f'STAGE "{arguments.stage}" is none of: {", ".join(stages)}')
    from pipeline.show.place import PARTS, Place, find_utterance  # takes long, and the list does without

    parts = [part for part in PARTS if (arguments.data / part).is_dir()]
    part, utterance = find_utterance(arguments.data, arguments.utt, parts or PARTS[:1])
    place = Place(
        arguments.data, arguments.exp, arguments.lang, part, utterance, arguments.reference, tuple(arguments.systems)
    )
    shown = stage.show(place)
    target = arguments.exp / "show" / f"{utterance.id}.{arguments.stage}.txt"
    show(shown.lines, target)
    for ending, content in shown.pictures.items():
        with atomic_write(target.with_suffix(f".{ending}")) as stream:
            stream.write(content)
    return target, f"{target}{''.join(f', .{ending}' for ending in shown.pictures)}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--stage", default="", help="which stage; none: they are listed")
    options.add_argument("--utt", default="", help="id of an utterance, of train, dev or test")
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus")
    reference_option(options)
    options.add_argument("--lang", type=Path, required=True, help="lang directory that the searches use")
    options.add_argument("--systems", nargs="+", default=[], help="systems whose results are shown")
    run(options, main)
