"""Train the neural language model of words, an LSTM, on the text that the n-gram was made from. The epoch that is best
on dev is kept; meta.json has the perplexities of dev by n-gram, network and both together."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.lang import load_lang
from lexicon.text import read_text
from pipeline.base.meta import MODEL
from pipeline.neural.settings import LmSettings
from stages.common import parser, run, settings_from, settings_options


def main(args: Namespace) -> tuple[Path, str]:
    from pipeline.neural.lstm_lm import save_lstm_lm  # with PyTorch, which is slow to import
    from pipeline.neural.lstm_lm_training import train_lstm_lm

    lang = load_lang(args.lang)
    train, dev = (list(read_text(args.data / name / "text").values()) for name in ("train", "dev"))
    model, told = train_lstm_lm(train, dev, lang.words, lang.lm, settings_from(args, LmSettings))
    save_lstm_lm(args.out, model, told)
    dev_perplexity = told["dev_perplexity"]
    return args.out / MODEL, (
        f"{model.network.num_parameters():,} parameters, {len(train)} sentences, best of"
        f" {told['epochs']} epochs {told['best_epoch']}, {told['train_seconds']:.0f} s; dev perplexity"
        f" {dev_perplexity['ngram']:.1f} n-gram, {dev_perplexity['neural']:.1f} network, {dev_perplexity['both']:.1f}"
        f" both, the network weighing {dev_perplexity['weight']:g}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with train/ and dev/")
    options.add_argument("--lang", type=Path, required=True, help="lang directory whose n-gram was made from train")
    options.add_argument("--out", type=Path, required=True, help="where the model goes")
    settings_options(options, LmSettings)
    run(options, main)
