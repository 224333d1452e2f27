"""Align speech with its text by a system of HMMs (Viterbi), for training and scoring: phones.txt and reference.txt, the
phones said and those that PER is counted against; ali.scp, the density of each frame; phones.ctm and words.ctm, their
times."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.fold import read_fold
from lexicon.lang import load_lang
from lexicon.phones import spoken
from pipeline.base.archive import write_archive
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import measured, read_feats
from pipeline.datadir.sets import read_gold
from pipeline.datadir.short import refuse_short
from pipeline.hmm.graphs import frames_needed, utterance_graph
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
    first = next(iter(words))
    lengths = measured(feats, words, feats[first].shape[-1], args.data / "text")
    system.scores(feats[first])  # says in a line if the model was trained on others
    graphs = {utt: utterance_graph(words[utt], lang.reference_lexicon, hmms.transitions) for utt in words}
    needed = {utt: frames_needed(words[utt], lang.reference_lexicon, hmms.transitions) for utt in words}
    refuse_short(
        args.data / "text",
        {utt: f"{lengths[utt]} frames of {count} at least" for utt, count in needed.items() if count > lengths[utt]},
        len(words),
    )
    found = {}
    with tqdm(total=len(words), desc=f"align {args.data}", unit="utt", disable=None) as bar:
        for utt, alignment in align(hmms, graphs, feats, lengths, bar.update, args.jobs):
            if alignment is None:
                raise UserError(
                    f"{args.data}/text: {utt}: no way through the models of its words; train {args.model} again"
                )
            found[utt] = on_the_clock(alignment, feats.front_end.step)
    done = {utt: found[utt] for utt in sorted(found)}
    fold, gold = read_fold(args.data.parent), read_gold(args.data, "phones")
    (args.out / "phones.txt").unlink(missing_ok=True)  # from here on the files may not fit together
    write_ctm(args.out / "phones.ctm", ((utt, a.phones, ()) for utt, a in done.items()))
    write_ctm(args.out / "words.ctm", ((utt, word_segments(a.phones, words[utt]), ()) for utt, a in done.items()))
    write_archive(args.out / "ali.scp", ((utt, a.pdfs) for utt, a in done.items()))
    placed = {utt: [i.label for i in intervals] for utt, intervals in gold.items()}
    aligned = {utt: [phone.label for phone in a.phones] for utt, a in done.items()}
    write_lines(
        args.out / "reference.txt", [" ".join([utt, *spoken(placed.get(utt, aligned[utt]), fold)]) for utt in done]
    )
    write_lines(args.out / "phones.txt", [" ".join([utt, *(p.label for p in a.phones)]) for utt, a in done.items()])
    frames = sum(lengths.values())
    score = sum(a.log_likelihood for a in done.values()) / frames
    return args.out / "phones.txt", f"{args.data}: {len(done)} utterances, {frames} frames, {score:.2f} per frame"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory of a system of HMMs")
    options.add_argument("--data", type=Path, required=True, help="data directory with features")
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    options.add_argument("--out", type=Path, required=True, help="where the alignment goes")
    jobs(options)
    run(options, main)
