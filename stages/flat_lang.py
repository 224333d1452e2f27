"""Write a lang directory without grammar: all words, and all phones, are equally likely whatever was said before."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.files import atomic_dir, write_json
from lexicon.lang import copy_lang, load_lang
from lexicon.ngram import estimate, with_bigram, write_arpa
from stages.common import parser, run


def main(args: Namespace) -> tuple[Path, str]:
    lang = load_lang(args.lang)
    with atomic_dir(args.out) as folder:
        copy_lang(args.lang, folder)
        for name, symbols in (("lm.arpa", lang.words), ("phone_lm.arpa", lang.phone_lm.vocabulary)):
            write_arpa(with_bigram(estimate([], 1, symbols)), folder / name)
        write_json(folder / "lang.json", lang.info | {"order": 1, "grammar": "none"})
    return args.out / "lang.json", (
        f"{args.out}: {len(lang.words)} words and {len(lang.phone_lm.vocabulary)} phones, equally likely"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--lang", type=Path, required=True, help="lang directory with a grammar")
    options.add_argument("--out", type=Path, required=True, help="lang directory to write")
    run(options, main)
