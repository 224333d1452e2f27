"""Make a lang directory from the text of a corpus: lexicon, symbol tables, word n-gram and phone bigram."""
from __future__ import annotations

from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import Any

from lexicon import g2p
from lexicon.dictionary import EXTRA
from lexicon.errors import UserError
from lexicon.lang import build_lang
from stages.common import parser, run

NAMES = {1: "unigram", 2: "bigram", 3: "trigram"}


def main(args: Namespace) -> tuple[Path, str]:
    if args.order < 1:
        raise UserError(f"--order {args.order}: an n-gram has at least order 1")
    (args.out / "lang.json").unlink(missing_ok=True)  # from here on the files may not fit together
    guess = partial(g2p.guess, cache=args.cache) if args.oov == "g2p" and g2p.programs() else None
    info = build_lang(args.data, args.out, args.vocab, args.order, args.extra, guess)
    return args.out / "lang.json", summary(info)


def summary(info: dict[str, Any]) -> str:
    """The result line."""
    guessed = f" ({len(info['guessed'])} words guessed: {' '.join(info['guessed'])})" if info["guessed"] else ""
    known = "" if info["vocab"] == "closed" else " over known words"
    return (f"{info['num_words']} words, {info['num_pronunciations']} pronunciations{guessed}, "
            f"{info['num_phones']} phones + SIL, {NAMES.get(info['order'], str(info['order']) + '-gram')}, "
            f"test perplexity {info['test_perplexity']:.1f}{known}, {info['test_oov_rate']:.1f} % of test words unseen in "
            f"train ({info['vocab']} vocabulary)")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with train, dev and test")
    options.add_argument("--out", type=Path, required=True, help="lang directory")
    options.add_argument("--vocab", choices=("closed", "open"), default="closed",
                         help="closed: every word of the corpus; open: those of train")
    options.add_argument("--order", type=int, default=3, help="of the word n-gram, in words")
    options.add_argument("--oov", choices=("g2p", "error"), default="g2p",
                         help="words without pronunciation: guess them where Phonetisaurus is installed, or stop")
    options.add_argument("--extra", type=Path, default=EXTRA, help="pronunciations read before the dictionary")
    options.add_argument("--cache", type=Path, default=Path("data/g2p"), help="where the G2P model is kept")
    run(options, main)
