"""Read what a Kaldi experiment made of the test set, from its decode directory, so that `make compare` adds a row:
hyp.txt or, of a search for phones, free.txt, and kaldi.json."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from lexicon.errors import UserError, at
from lexicon.files import atomic_dir, write_json, write_lines
from lexicon.fold import read_fold
from lexicon.lang import load_lang
from lexicon.phones import spoken
from pipeline.compare.kaldi import (
    best_scale,
    find_ctm,
    heard_in,
    read_hypotheses,
    read_lattices,
    share_near,
    text_lattices,
    words_of,
)
from pipeline.compare.score import align_all, kaldi_line, total
from pipeline.datadir.sets import read_placed, read_set, read_spoken
from stages.common import parser, path, reference_alignment, reference_option, run

TEXTS = {"words": "hyp.txt", "phones": "free.txt"}


def main(args: Namespace) -> tuple[Path, str]:
    if not args.kaldi.is_dir():
        raise UserError(f"{args.kaldi}: no such folder; give the decode directory of a Kaldi experiment")
    decode = args.kaldi.resolve()
    utterances, lang, aligned = read_set(args.data / "test"), load_lang(args.lang), reference_alignment(args)
    scale = best_scale(decode)
    found = read_hypotheses(decode, scale, args.words)
    with at(args.kaldi):
        heard = heard_in(found, utterances, lang.words, lang.phones)
    told: dict[str, Any] = {"experiment": decode.parent.name, "decode": decode.name, **scale._asdict()}
    told |= {"level": heard.kind, "missing": heard.missing}
    references = {u.id: u.words for u in utterances}
    if heard.kind == "words":
        if ctm := find_ctm(decode, scale):
            told["near"], told["right"] = share_near(ctm, utterances, read_placed("words", args.data / "test", aligned))
        if lattices := text_lattices(decode):
            told |= vars(read_lattices(lattices, words_of(decode, args.words), utterances, references))
    else:
        references = read_spoken(aligned / "reference.txt", fold := read_fold(args.data))
        heard.said.update({utt: spoken(said, fold) for utt, said in heard.said.items()})
    with atomic_dir(args.out) as out:
        write_lines(out / TEXTS[heard.kind], (" ".join([utt, *said]) for utt, said in heard.said.items()))
        write_json(out / "kaldi.json", told)
    counts = total(align_all(references, heard.said, args.kaldi))
    return args.out / "kaldi.json", (
        f"{told['experiment']}/{told['decode']}: {kaldi_line(counts, 'WER' if heard.kind == 'words' else 'PER')}"
        f"{f', {heard.missing} utterances missing' if heard.missing else ''}; Kaldi says {scale.said}, chosen on"
        f" {scale.chosen_on}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--kaldi", type=path, required=True, help="decode directory of a Kaldi experiment, scored")
    options.add_argument("--words", type=path, help="Kaldi's words.txt, if not graph*/words.txt beside the directory")
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    reference_option(options)
    options.add_argument("--out", type=Path, required=True, help="folder for what was read")
    run(options, main)
