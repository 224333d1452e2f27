"""Second pass: score what a system's word search kept, lattices or n-best lists, with n-gram and neural language model
together. Their weights, and a score for each word, are tuned on dev. Writes hyp.txt and rescore.json; `make compare`
adds a row."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_dir, write_json, write_lines
from pipeline.base.parallel import each
from pipeline.base.spill import OnDisk
from pipeline.datadir.sets import read_set
from pipeline.lattice import Lattice
from pipeline.search.decode import has_word_graph
from pipeline.search.rescore import FIRST_PASS, Expanded, RescoreSettings, expand, heard, kept_words, tune
from stages.common import jobs, parser, run, settings_from, settings_options
from stages.search_options import lang_option, searched_lang


def main(args: Namespace) -> tuple[Path, str]:
    from pipeline.neural.lstm_lm import load_lstm_lm, perplexities  # with PyTorch, which is slow to import

    lang = searched_lang(args)
    if not has_word_graph(lang):
        raise UserError("LM=: only an n-gram from an ARPA file can be mixed with the network; give one, or none")
    lm, settings = load_lstm_lm(args.model, lang.words), settings_from(args, RescoreSettings)
    words = {name: {one.id: one.words for one in read_set(args.data / name)} for name in ("dev", "test")}

    def one(lattice: Lattice | None) -> Expanded | None:
        return expand(lattice, lm, lang.lm, settings) if lattice else None

    with atomic_dir(args.out) as out:

        def expanded(name: str) -> OnDisk[Expanded | None]:
            utterances = list(words[name])
            lattices = kept_words(args.exp / args.system / f"decode_{name}", utterances)
            return OnDisk(out, zip(utterances, each(one, lattices, args.jobs)))

        of_dev = perplexities(lang.lm, lm, words["dev"].values())
        dev = expanded("dev")
        tried = tune(dev, words["dev"], min(of_dev, key=of_dev.__getitem__), args.jobs)
        alone = min(tune(dev, words["dev"], 0.0, args.jobs, weights=(0.0,)).values())  # what is not the network's doing
        best, total = min(tried, key=tried.__getitem__), max(1, sum(map(len, words["dev"].values())))
        before, after, without = (100 * errors / total for errors in (tried[FIRST_PASS], tried[best], alone))
        test = expanded("test")
        said = each(lambda utt: heard(test[utt], best), test, args.jobs)
        write_lines(out / "hyp.txt", (" ".join([utt, *labels]) for utt, labels in zip(test, said)))
        told = {"ngram": of_dev[0.0], "neural": of_dev[1.0], "both": of_dev[best.weight]}
        rates = {"first_pass_error_rate": before, "error_rate": after, "without_network_error_rate": without}
        write_json(out / "rescore.json", {"system": args.system, **asdict(best), **rates, "dev_perplexity": told})
    return args.out / "hyp.txt", (
        f"{args.system}: dev perplexity {told['ngram']:.1f} n-gram, {told['neural']:.1f} network, {told['both']:.1f}"
        f" both, the network weighing {best.weight:g}; language scale {best.scale:g}, {best.insertion_score:g} a word;"
        f" dev WER {before:.1f} % before, {after:.1f} % after, {without:.1f} % with the n-gram alone at its best scale"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder, whose system has decoded dev too")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with dev/ and test/")
    options.add_argument("--system", required=True, help="system that keeps lattices of words, or n-best lists")
    options.add_argument(
        "--model", type=Path, required=True, help="neural language model, as stages.neural_lm writes it"
    )
    lang_option(options)
    options.add_argument("--out", type=Path, required=True, help="folder to write (replaced if it is there)")
    settings_options(options, RescoreSettings)
    jobs(options)
    run(options, main)
