"""Adapt the features of a set to each speaker, for a system of kind sat, by what a first pass heard of them:
fmllr_SET.scp, the maps of features that the second pass reads."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.lang import load_lang
from lexicon.text import read_text, same_ids
from pipeline.base.archive import write_archive
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features
from pipeline.datadir.sets import decode_again
from pipeline.tied.adapt import load_adapter, maps_of_set
from pipeline.tied.fmllr import speakers
from stages.common import jobs, parser, run


def main(args: Namespace) -> tuple[Path, str]:
    adapter, lang = load_adapter(args.model), load_lang(args.lang)
    feats = Features(args.data, adapter.front_end)
    utterances = [utterance.id for utterance in feats.of(read_datadir(args.data))]
    heard = read_text(args.heard / "hyp.txt")
    same_ids(args.heard / "hyp.txt", heard, utterances, decode_again(args.heard))
    own = speakers(utterances, dict(feats.speaker_of))
    maps = maps_of_set(adapter, feats, own, heard, lang.lexicon, args.jobs)
    write_archive(args.out, sorted(maps.items()))
    return args.out, f"{args.data}: {len(maps)} speakers, {len(utterances)} utterances"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory of a system of kind sat")
    options.add_argument("--data", type=Path, required=True, help="data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory of the first pass")
    options.add_argument("--heard", type=Path, required=True, help="decode directory of the first pass")
    options.add_argument("--out", type=Path, required=True, help="the maps: MODEL/fmllr_SET.scp")
    jobs(options)
    run(options, main)
