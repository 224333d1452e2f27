"""Write the corpus for Kaldi's own recipes: data directories, dictionaries, language models, conf/mfcc.conf."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.files import write_json
from lexicon.lang import load_lang
from pipeline.corpora.kaldi_export import export
from pipeline.corpora.prepared import SETS
from pipeline.datadir.read import sample_rate
from pipeline.datadir.sets import read_set
from stages.common import parser, run


def main(args: Namespace) -> tuple[Path, str]:
    sets = {name: read_set(args.data / name) for name in SETS}
    rate = sample_rate(args.data / SETS[0])
    told = export(args.out, sets, load_lang(args.lang), rate)
    write_json(args.out / "kaldi.json", {**told, "sample_rate": rate})
    converted = f", {told['converted']} of them converted to WAV" if told["converted"] else ""
    return args.out / "kaldi.json", (
        f"{told['utterances']} utterances{converted} in {args.out}/data, for utils/prepare_lang.sh data/local/dict"
        ' "<UNK>" ...'
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with train, dev and test")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, required=True, help="folder to write data, conf and wav in")
    run(options, main)
