"""Write a lang directory with a language model of the user's: an ARPA file, or a binary of KenLM, which only searches
with KenLM can read."""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

from lexicon.files import atomic_dir, write_json
from lexicon.lang import copy_lang, load_lang
from lexicon.ngram import write_arpa
from lexicon.own_lm import KENLM_BINARY, is_kenlm_binary, read_own_arpa
from pipeline.search.word_lm import load_kenlm
from stages.common import parser, path, run


def main(args: Namespace) -> tuple[Path, str]:
    lang, binary = load_lang(args.lang), is_kenlm_binary(args.lm)
    with atomic_dir(args.out) as folder:
        copy_lang(args.lang, folder)
        if binary:
            shutil.copyfile(args.lm, folder / KENLM_BINARY)
            load_kenlm(folder / KENLM_BINARY, lang.words, args.lm)
            what = "a binary of KenLM"
        else:
            model = read_own_arpa(args.lm, lang.words)
            write_arpa(model, folder / "lm.arpa")
            load_kenlm(folder / "lm.arpa", lang.words, args.lm)
            what = f"{len(model.logprob)} n-grams of up to {model.order} words"
        write_json(folder / "lang.json", lang.info | {"language_model": args.lm.name})
    return args.out / "lang.json", f"{args.out}: {what} of {args.lm}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--lm", type=path, required=True, help="language model: an ARPA file, or a binary of KenLM")
    options.add_argument("--out", type=Path, required=True, help="lang directory to write")
    run(options, main)
