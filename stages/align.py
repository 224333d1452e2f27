"""Align speech with its text by a system of HMMs (Viterbi), for training and scoring: phones.txt and reference.txt, the
phones said and those that PER is counted against; ali.scp, the density of each frame; phones.ctm and words.ctm, their
times."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.fold import read_fold
from lexicon.lang import load_lang
from lexicon.phones import spoken
from pipeline.base.archive import write_archive
from pipeline.base.spill import OnDisk
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import measured, read_feats
from pipeline.datadir.sets import read_gold
from pipeline.hmm.set_graphs import set_graphs
from pipeline.hmm.viterbi import Alignment, align
from pipeline.neural.paths import input_frames
from pipeline.systems import load_system
from pipeline.times.ctm import write_ctm
from pipeline.times.segments import word_segments
from stages.common import jobs, parser, run


def on_the_clock(alignment: Alignment, step: int) -> Alignment:
    """The phones of an alignment of rows of ``step`` frames each, counted in frames."""
    last = len(alignment.pdfs) * step
    bounds = [input_frames(phone.start, phone.end, step, last) for phone in alignment.phones]
    ends = [*(end for _, end in bounds[:-1]), last]
    moved = [replace(p, start=start, end=end) for p, (start, _), end in zip(alignment.phones, bounds, ends)]
    return replace(alignment, phones=moved)


def main(args: Namespace) -> tuple[Path, str]:
    system, lang, feats = load_system(args.model), load_lang(args.lang), read_feats(args.data, args.model)
    hmms = system.hmms
    if hmms is None:
        raise UserError(
            f"{args.model}: no system of HMMs, with whose states frames can be aligned; choose one: REFERENCE=gmm"
        )
    words = {u.id: u.words for u in feats.of(read_datadir(args.data))}
    first, text = next(iter(words)), args.data / "text"
    lengths = measured(feats, words, feats[first].shape[-1], text)
    system.scores(feats[first])  # says in a line if the model was trained on others
    graphs = set_graphs(text, words, lengths, lang.reference_lexicon, hmms.transitions, args.out, args.jobs)
    longest_first = sorted(words, key=lambda utt: (-lengths[utt], utt))

    def aligned() -> Iterator[tuple[str, Alignment]]:
        found = align(hmms, graphs, feats, longest_first, args.jobs)
        for utt, alignment in tqdm(found, f"align {args.data}", len(words), unit="utt", disable=None):
            if alignment is None:
                raise UserError(f"{text}: {utt}: no way through the models of its words; train {args.model} again")
            yield utt, on_the_clock(alignment, feats.front_end.step)

    found = OnDisk(args.out, aligned())
    done = sorted(found)
    fold, gold = read_fold(args.data.parent), read_gold(args.data, "phones")
    (args.out / "phones.txt").unlink(missing_ok=True)  # from here on the files may not fit together
    write_ctm(args.out / "phones.ctm", ((utt, found[utt].phones, ()) for utt in done))
    write_ctm(args.out / "words.ctm", ((utt, word_segments(found[utt].phones, words[utt]), ()) for utt in done))
    write_archive(args.out / "ali.scp", ((utt, found[utt].pdfs) for utt in done))
    said = ((utt, gold.get(utt, found[utt].phones)) for utt in done)
    write_lines(
        args.out / "reference.txt", (" ".join([utt, *spoken((p.label for p in phones), fold)]) for utt, phones in said)
    )
    write_lines(args.out / "phones.txt", (" ".join([utt, *(p.label for p in found[utt].phones)]) for utt in done))
    frames = sum(lengths.values())
    score = sum(found[utt].log_likelihood for utt in done) / frames
    return args.out / "phones.txt", f"{args.data}: {len(done)} utterances, {frames} frames, {score:.2f} per frame"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory of a system of HMMs")
    options.add_argument("--data", type=Path, required=True, help="data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, required=True, help="where the alignment goes")
    jobs(options)
    run(options, main)
