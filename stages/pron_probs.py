"""Count in an alignment which variants were said and where speakers paused; write a lang directory that knows."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.files import atomic_dir, write_json
from lexicon.lang import copy_lang, load_lang, write_weighted
from lexicon.pauses import write_pauses
from pipeline.align.pron_probs import PAUSE, pause_probabilities, refuse_unknown, said_in, variant_probabilities
from stages.common import parser, run


def main(args: Namespace) -> tuple[Path, str]:
    lang, utterances = load_lang(args.lang), said_in(args.ali)
    refuse_unknown(args.ali, utterances, lang.lexicon)
    lexicon = variant_probabilities(utterances.values(), lang.lexicon)
    pauses = pause_probabilities(utterances.values(), lang.lexicon)
    words = [said for utterance in utterances.values() for said in utterance if said is not PAUSE]
    several = [word for word, variants in lexicon.items() if len(variants) > 1]
    counted = {
        "words": len(words),
        "words_with_variants": len(several),
        "pause_begin": pauses.begin,
        "pause_end": pauses.end,
    }
    with atomic_dir(args.out) as folder:
        copy_lang(args.lang, folder)
        write_weighted(folder / "lexicon.txt", lexicon)
        write_pauses(folder, pauses)
        write_json(folder / "lang.json", lang.info | {"pron_probs": counted})
    after = sorted(pauses.after.values())
    return args.out / "lang.json", (
        f"{len(words)} words said, {sum(word in several for word, _ in words)} of them one of {len(several)} with "
        f"variants; pauses: {100 * pauses.begin:.0f} % before the first word, {100 * pauses.end:.0f} % after the last, "
        f"{100 * after[0]:.0f} to {100 * after[-1]:.0f} % between"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--ali", type=Path, required=True, help="alignment of the training set")
    options.add_argument("--lang", type=Path, required=True, help="lang directory it was made with")
    options.add_argument("--out", type=Path, required=True, help="lang directory with probabilities")
    run(options, main)
