"""Whether pronunciation and pause probabilities help: word errors on development data, tuned without and with them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np

from lexicon.files import write_lines
from lexicon.lang import load_lang
from lexicon.phones import spoken
from lexicon.text import columns
from pipeline.base.edits import pair_up
from pipeline.base.parallel import each
from pipeline.compare.score import Counts, count
from pipeline.compare.significance import in_words, paired_test, resampling_units
from pipeline.datadir import Utterance, read_datadir
from pipeline.datadir.feats import read_feats
from pipeline.search.decode import Decoder, word_decoder
from pipeline.search.tuning import read_tuning
from pipeline.systems import load_system
from stages.common import jobs, parser, run

NAMES = ("without", "with")


def main(args: Namespace) -> tuple[Path, str]:
    system, feats = load_system(args.model), read_feats(args.data, args.model)
    utterances = feats.of(read_datadir(args.data))
    rows = [["probabilities", "dev WER %", "errors", "ins", "del", "sub", "acoustic scale", "word score"]]
    errors = []
    for name, lang in zip(NAMES, args.langs):
        settings = read_tuning(args.out / name / "tuning.json").words
        decoder = word_decoder(system, load_lang(lang), "wfst", settings)

        def counted(utterance: Utterance, decoder: Decoder = decoder) -> Counts:
            x = feats[utterance.id]
            found = decoder.decode(utterance.id, system.scores(x), system.num_frames(x))
            return count(pair_up(spoken(utterance.words), spoken([word.label for word in found.words])))

        counts = list(each(counted, utterances, args.jobs))
        all_of_it = sum(counts, Counts())
        errors.append(np.array([counted.errors for counted in counts]))
        rows.append(
            [
                name,
                f"{all_of_it.percent:.1f}",
                str(all_of_it.errors),
                str(all_of_it.insertions),
                str(all_of_it.deletions),
                str(all_of_it.substitutions),
                f"{settings.acoustic_scale:g}",
                f"{settings.insertion_score:g}",
            ]
        )
    table = columns(rows)
    target = args.out / "dev.txt"
    units, _ = resampling_units([u.speaker for u in utterances])
    test = paired_test(errors[0], errors[1], np.array([len(u.words) for u in utterances]), units)
    verdict = in_words(test, *NAMES, "dev WER")
    write_lines(target, [*table, verdict])
    print("\n".join(table), flush=True)
    return target, verdict


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory")
    options.add_argument("--data", type=Path, required=True, help="development data directory with features")
    options.add_argument(
        "--langs", type=Path, nargs=2, required=True, help="lang directories without and with probabilities"
    )
    options.add_argument(
        "--out", type=Path, required=True, help="folder with {without,with}/tuning.json; dev.txt goes there"
    )
    jobs(options)
    run(options, main)
