"""Decode a test set: words through the chosen search, phones through the phone bigram, with lattices and times."""

from __future__ import annotations

import json
import os
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from lexicon.files import atomic_dir, atomic_write, write_json, write_lines
from pipeline.base.parallel import each
from pipeline.base.spill import OnDisk
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import read_feats
from pipeline.lattice import packed_lattice, write_lattices
from pipeline.search.confidence import Confidences, write_posteriors
from pipeline.search.decode import SEARCHES, Decoder, Hypothesis, WfstDecoder, greedy_phones, word_decoder
from pipeline.search.system import System
from pipeline.search.tuning import read_tuning
from pipeline.systems import load_system
from pipeline.times.clock import FRAME_SHIFT_MS
from pipeline.times.ctm import write_ctm
from stages.common import jobs, parser, run
from stages.search_options import lang_option, search_options, searched_lang, searched_with


class Decoded(NamedTuple):
    """Hypotheses without their lattices, the processor seconds that scoring and searching took, and those of them that
    went into lattices."""

    found: OnDisk[Hypothesis]
    seconds: float
    lattice_seconds: float


def decode_set(
    system: System, decoder: Decoder, feats: Mapping[str, np.ndarray], out: Path, what: str, jobs: int
) -> Decoded:
    """Decode all of them. Lattices go into archives in ``out`` as they come."""

    def decode_one(utt: str) -> tuple[Hypothesis, float, list[bytes | None]]:
        began = time.process_time()
        x = feats[utt]
        hypothesis = decoder.decode(utt, system.scores(x), system.num_frames(x))
        seconds = time.process_time() - began
        both = hypothesis.lattice, hypothesis.word_lattice
        kept = [packed_lattice(lattice) if lattice else None for lattice in both]
        return replace(hypothesis, lattice=None, word_lattice=None), seconds, kept

    seconds = lattice_seconds = 0.0
    with ExitStack() as archives:
        append = [archives.enter_context(write_lattices(out / "lattices" / graph)) for graph in decoder.graphs]
        done = tqdm(
            each(decode_one, feats, jobs, spread=True), f"{system.name} {what}", len(feats), unit="utt", disable=None
        )

        def hypotheses() -> Iterator[tuple[str, Hypothesis]]:
            nonlocal seconds, lattice_seconds
            for utt, (hypothesis, took, kept) in zip(feats, done):
                for add, lattice in zip(append, kept):
                    if lattice:
                        add(utt, lattice)
                seconds, lattice_seconds = seconds + took, lattice_seconds + hypothesis.lattice_seconds
                yield utt, hypothesis

        found = OnDisk(out, hypotheses())
    return Decoded(found, seconds, lattice_seconds)


def write_hypotheses(
    out: Path, words: Mapping[str, Hypothesis], free: Mapping[str, Hypothesis], sure: Confidences
) -> None:
    """Kaldi text files, CTMs with confidences, and the posteriors behind these; the n-best lists where there are
    any."""
    write_ctm(
        out / "words.ctm", ((utt, h.words, sure.words.confidence(h.word_posteriors())) for utt, h in words.items())
    )
    write_ctm(out / "phones.ctm", ((utt, h.phones, sure.phones.confidence(h.posteriors)) for utt, h in words.items()))
    write_ctm(out / "free.ctm", ((utt, h.phones, sure.free.confidence(h.posteriors)) for utt, h in free.items()))
    write_posteriors(
        out, ((utt, (h.word_posteriors(), h.posteriors, free[utt].posteriors)) for utt, h in words.items())
    )
    for name, found in (("phones.txt", words), ("free.txt", free)):
        write_lines(out / name, (" ".join([utt, *(phone.label for phone in h.phones)]) for utt, h in found.items()))
    write_lines(out / "hyp.txt", (" ".join([utt, *(word.label for word in h.words)]) for utt, h in words.items()))
    if any(h.nbest for h in words.values()):
        with atomic_write(out / "nbest.jsonl") as stream:
            for utt, h in words.items():
                stream.write(
                    json.dumps({"utterance": utt, "nbest": [[round(s, 4), " ".join(w)] for s, w in h.nbest]}) + "\n"
                )


def main(args: Namespace) -> tuple[Path, str]:
    system = replace(load_system(args.model), name=args.out.parent.name)  # one model may be searched in several ways
    lang, feats = searched_lang(args), read_feats(args.data, args.model)
    tuned = read_tuning(args.tuning)
    beams, flashlight, letters = searched_with(args, tuned)
    feats.of(read_datadir(args.data))  # of all of them
    with atomic_dir(args.out) as out:
        decoder = word_decoder(
            system, lang, args.search, tuned.words, beams, flashlight=flashlight, letter_beam=letters
        )
        words = decode_set(system, decoder, feats, out, "words", args.jobs)
        free = decode_set(system, WfstDecoder(system, lang, "free", tuned.free, beams), feats, out, "free", args.jobs)
        write_hypotheses(out, words.found, free.found, tuned.confidences)
        if system.posteriors is not None:
            greedy = each(
                lambda utt: " ".join([utt, *greedy_phones(system, feats[utt])]), feats, args.jobs, spread=True
            )
            write_lines(out / "greedy.txt", greedy)
        audio = sum(system.num_frames(feats[utt]) for utt in feats) * FRAME_SHIFT_MS / 1000
        write_json(
            out / "decode.json",
            {
                "system": system.name,
                "model": os.path.relpath(args.model, args.out),
                "search": args.search,
                "decode_seconds": words.seconds,
                "free_seconds": free.seconds,
                "audio_seconds": audio,
                "rtf": words.seconds / audio,
                "lattice_seconds": {"words": words.lattice_seconds, "free": free.lattice_seconds},
                "settings": {"words": vars(tuned.words), "free": vars(tuned.free), "wfst": vars(beams)}
                | ({"flashlight": vars(flashlight)} if args.search == "flashlight" else {})
                | ({"letters": vars(letters)} if args.search == "letters" else {}),
            },
        )
    failed = [utt for utt, h in free.found.items() if not h.phones]
    silent = f"; nothing found in {', '.join(failed)}" if failed else ""
    return args.out / "hyp.txt", (
        f"{args.out}: {len(words.found)} utterances, real-time factor {words.seconds / audio:.4f} words,"
        f" {free.seconds / audio:.4f} phones{silent}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="model directory")
    options.add_argument("--tuning", type=Path, required=True, help="tuning.json of the system")
    options.add_argument("--data", type=Path, required=True, help="data directory with features")
    lang_option(options)
    options.add_argument("--search", choices=SEARCHES, default="wfst", help="search for words")
    options.add_argument("--out", type=Path, required=True, help="where hypotheses and lattices go")
    search_options(options)
    jobs(options)
    run(options, main)
