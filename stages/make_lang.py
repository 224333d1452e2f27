"""Make a lang directory from the text of a corpus: lexicon, symbol tables, word n-gram and phone bigram."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import Any

from lexicon import g2p
from lexicon.dictionary import EXTRA
from lexicon.given import Given
from lexicon.lang import SETS, build_lang, given_lexicon
from lexicon.phone_sets import table
from lexicon.text import read_text, same_ids
from stages.common import at_least, parser, path, run

MOST_NAMES = 40  # of guessed words on the result line; lang.json has all
NAMES = {1: "unigram", 2: "bigram", 3: "trigram"}


def main(args: Namespace) -> tuple[Path, str]:
    for text in (args.data / name / "text" for name in SETS):
        if (speakers := text.with_name("utt2spk")).exists():
            same_ids(
                text, read_text(text), read_text(speakers), f"remove {args.data / 'splits.json'} and run make again"
            )
    guess = partial(g2p.guess, args.cache) if args.oov == "g2p" and g2p.programs() else None
    given = given_lexicon(args.data, args.lexicon, args.phones)
    info = build_lang(args.data, args.out, args.vocab, args.order, args.extra, guess, given, args.phones)
    if given:
        describe(given, args, info["guessed"])
    return args.out / "lang.json", summary(info)


def describe(given: Given, args: Namespace, guessed: list[str]) -> None:
    """Print what the given lexicon holds, its phones, and how well its spelling can be learnt if that was needed."""
    left_out = f"; left out, no speech: {' '.join(given.left_out)}" if given.left_out else ""
    if given.columns > 1:
        left_out += "; its probabilities of silence left out (PRON_PROBS=yes counts them in the corpus)"
    print(
        f"make_lang: {given.path}: {len(given.entries)} words in {len(given.phone_set)} phones, {given.notation}"
        f"{left_out}",
        *table(given.phone_set),
        sep="\n",
        flush=True,
    )
    if guessed:
        try:
            trial = g2p.held_out(args.cache, given.pronunciations())
        except g2p.TrainingFailed:
            print(f"make_lang: G2P: too few words in {given.path} to hold some out and test it", flush=True)
            return
        print(
            f"make_lang: G2P: PER {trial.per:.1f} % on {trial.num_words} held-out words of {given.path}, trained on "
            f"the other {trial.num_trained}",
            flush=True,
        )


def summary(info: dict[str, Any]) -> str:
    """The result line."""
    names = info["guessed"][:MOST_NAMES] + (["..."] if info["guessed"][MOST_NAMES:] else [])
    guessed = f" ({len(info['guessed'])} words guessed: {' '.join(names)})" if info["guessed"] else ""
    known = "" if info["vocab"] == "closed" else " over known words"
    return (
        f"{info['num_words']} words, {info['num_pronunciations']} pronunciations{guessed}, "
        f"{info['num_phones']} phones + SIL, {NAMES.get(info['order'], str(info['order']) + '-gram')}, "
        f"test perplexity {info['test_perplexity']:.1f}{known}, {info['test_oov_rate']:.1f} % of test words unseen in "
        f"train ({info['vocab']} vocabulary)"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with train, dev and test")
    options.add_argument("--out", type=Path, required=True, help="lang directory")
    options.add_argument(
        "--vocab",
        choices=("closed", "open"),
        default="closed",
        help="closed: every word of the corpus; open: those of train",
    )
    options.add_argument("--order", type=at_least(1), default=3, help="of the word n-gram, in words")
    options.add_argument(
        "--oov",
        choices=("g2p", "error"),
        default="g2p",
        help="words without pronunciation: guess them where Phonetisaurus is installed, or stop",
    )
    options.add_argument(
        "--lexicon",
        type=path,
        help="a lexicon instead of the dictionary and of the corpus's own: lines "
        "`WORD P1 P2 ...`, also CMUdict's or Kaldi's lexiconp.txt; words of any script",
    )
    options.add_argument(
        "--phones",
        type=path,
        help="its phone set, lines `PHONE IPA [class words]`; without it the lexicon is in ARPAbet or in IPA",
    )
    options.add_argument("--extra", type=Path, default=EXTRA, help="pronunciations read before the dictionary")
    options.add_argument("--cache", type=Path, default=Path("data/g2p"), help="where the G2P model is kept")
    run(options, main)
