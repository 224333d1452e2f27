"""How fast: the beam search beside torchaudio's ctc_decoder and pyctcdecode, the encoder, and training.

    make bench          # this, then bench/classical.py; or: python bench/speed.py --exp exp/prompts --data data/prompts

Every program searches the same posteriors of the test set, those of the network EXP/neural with its tuned settings, in
a process of its own; they take turns, five times each, and the median counts. Speed is processor time for the search
alone, without loading (real-time factor); memory is the largest resident set. All is measured with the cores free, and
again with a program that keeps one of them busy. torchaudio has what the network's phones allow it: the same lexicon,
n-gram, weights and beams. pyctcdecode knows no pronunciations, so it is compared in finding phones without a language
model; it comes from pip, into an environment that is thrown away.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.turns import TIMES, environment, one_core_busy, take_turns  # noqa: E402

Search = Callable[[np.ndarray], list[str]]  # log posteriors (T, V) to words or phones


def ours(given: dict[str, Any]) -> Search:
    from lexicon.lang import load_lang
    from pipeline.search.flashlight import FlashlightDecoder, FlashlightSettings

    lang = load_lang(given["lang"])
    decoder = FlashlightDecoder(lang, lang.tokens, FlashlightSettings(**given["settings"]))
    return lambda matrix: list(decoder.decode(matrix)[0].words)


def torchaudio(given: dict[str, Any]) -> Search:
    import torch
    from torchaudio.models.decoder import ctc_decoder

    settings = given["settings"]
    decoder = ctc_decoder(
        lexicon=given["lexicon"],
        tokens=given["tokens"],
        lm=given["lang"] + "/lm.arpa",
        nbest=settings["nbest"],
        beam_size=settings["beam_size"],
        beam_size_token=settings["beam_size_token"],
        beam_threshold=settings["beam_threshold"],
        lm_weight=settings["lm_weight"] * np.log(10),
        word_score=settings["word_score"],
        blank_token="<blk>",
        sil_token="<blk>",
    )
    return lambda matrix: decoder(torch.from_numpy(matrix)[None])[0][0].words


def our_phones(given: dict[str, Any]) -> Search:
    from lexicon.lang import load_lang
    from pipeline.search.flashlight import FlashlightSettings
    from pipeline.search.lexicon_free import PhoneDecoder

    lang = load_lang(given["lang"])
    # As narrow as pyctcdecode is by itself: 10 nats behind the best, and tokens of some likelihood.
    settings = FlashlightSettings(
        lm_weight=0.0, beam_size=given["phone_beam"], beam_size_token=8, beam_threshold=10.0, log_add=True
    )
    decoder = PhoneDecoder(lang, lang.tokens, settings)
    return lambda matrix: list(decoder.decode(matrix))


def pyctcdecode(given: dict[str, Any]) -> Search:
    from pyctcdecode import build_ctcdecoder

    signs = [chr(0x4E00 + i) for i in range(len(given["tokens"]) - 1)]  # a letter for each phone
    names = dict(zip(signs, given["tokens"][1:]))
    decoder = build_ctcdecoder(["", *signs])
    beam = given["phone_beam"]
    return lambda matrix: [names[sign] for sign in decoder.decode(matrix, beam_width=beam) if sign in names]


# A program, with what it is given beside the rest, and whether it finds words.
PROGRAMS: dict[str, tuple[Callable[[dict[str, Any]], Search], dict[str, Any], bool]] = {
    "ours": (ours, {}, True),
    "ours, beam 100": (ours, {"beam_size": 100}, True),
    "ours, beam 50": (ours, {"beam_size": 50}, True),
    "torchaudio": (torchaudio, {}, True),
    "torchaudio, beam 1000": (torchaudio, {"beam_size": 1000}, True),
    "our phones": (our_phones, {}, False),
    "pyctcdecode": (pyctcdecode, {}, False),
}


def child(name: str, folder: Path) -> None:
    """Search all posteriors with one program: JSON of processor seconds, memory and what was found."""
    given = json.loads((folder / "given.json").read_text())
    build, own, by_words = PROGRAMS[name]
    search = build(given | {"settings": given["settings"] | own})
    posteriors = np.load(folder / ("scores.npz" if by_words else "posteriors.npz"))
    matrices = {utt: posteriors[utt] for utt in posteriors.files}
    search(next(iter(matrices.values())))
    began = time.process_time()
    found = {utt: search(matrix) for utt, matrix in matrices.items()}
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "found": found}))


def prepare(args: Namespace, folder: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, list[str]], float]:
    """Write what all programs are given; the words and phones of the reference, and seconds of speech."""
    from lexicon.lang import load_lang
    from pipeline.datadir.feats import read_feats
    from pipeline.datadir.sets import read_set, read_spoken
    from pipeline.search.decode import as_flashlight
    from pipeline.search.tuning import read_tuning
    from pipeline.systems import load_system

    model = args.exp / "neural"
    system, lang, feats = load_system(model), load_lang(args.data / "lang"), read_feats(args.data / "test", model)
    assert system.posteriors
    words = {utterance.id: utterance.words for utterance in read_set(args.data / "test")}
    for name, scorer in (
        ("scores", system.scores),
        ("posteriors", system.posteriors),
    ):
        np.savez(folder / name, **{utt: np.ascontiguousarray(scorer(feats[utt]), np.float32) for utt in words})
    lines = [f"{w} {' '.join(phones)}\n" for w in sorted(lang.lexicon) for _, phones in lang.lexicon[w]]
    (folder / "lexicon.txt").write_text("".join(lines))
    given = {
        "lang": str((args.data / "lang").resolve()),
        "lexicon": str(folder / "lexicon.txt"),
        "tokens": lang.tokens,
        "settings": vars(as_flashlight(read_tuning(model / "tuning.json").words)),
        "phone_beam": 100,
    }
    (folder / "given.json").write_text(json.dumps(given))
    phones = {utt: list(p) for utt, p in read_spoken(args.exp / args.reference / "ali_test/reference.txt").items()}
    seconds = sum(system.num_frames(feats[utt]) for utt in words) / 100
    return words, phones, seconds


def table(runs: Mapping[str, list[dict]], words: Mapping, phones: Mapping, seconds: float) -> list[str]:
    import kaldialign

    lines = [f"{'search':<22} {'error %':>8} {'RTF':>8} {'least':>8} {'most':>8} {'MB':>6}"]
    for name, each in runs.items():
        references: Mapping = words if PROGRAMS[name][2] else phones
        wrong = sum(
            kaldialign.edit_distance(list(references[u]), found)["total"] for u, found in each[0]["found"].items()
        )
        rate = 100 * wrong / sum(map(len, references.values()))
        factors = sorted(run["seconds"] / seconds for run in each)
        memory = statistics.median(run["memory"] for run in each)
        median = statistics.median(factors)
        lines.append(f"{name:<22} {rate:8.1f} {median:8.4f} {factors[0]:8.4f} {factors[-1]:8.4f} {memory:6.0f}")
    return lines


def encoder(args: Namespace) -> str:
    """Processor and wall time of the network's own scores, one thread."""
    import torch

    from pipeline.datadir.feats import read_feats
    from pipeline.systems import load_system

    torch.set_num_threads(1)
    model = args.exp / "neural"
    system, feats = load_system(model), read_feats(args.data / "test", model)
    matrices = [feats[utt] for utt in feats]
    audio = sum(map(system.num_frames, matrices)) / 100
    factors = []
    for _ in range(TIMES):
        began = time.perf_counter()
        for matrix in matrices:
            system.scores(matrix)
        factors.append((time.perf_counter() - began) / audio)
    return f"encoder: real-time factor {statistics.median(factors):.4f} ({min(factors):.4f} to {max(factors):.4f})"


def training(args: Namespace) -> str:
    """Frames that training takes in a second of wall time, in one process."""
    import torch

    from lexicon.lang import load_lang
    from pipeline.datadir.feats import Features, front_end_for
    from pipeline.neural.data import split_by_length, survey
    from pipeline.neural.settings import TrainSettings
    from pipeline.neural.train import train
    from pipeline.sound.front_end import FrontEndSettings
    from pipeline.systems.ctc import targets

    lang, front_end = load_lang(args.data / "lang"), front_end_for(args.data / "train", FrontEndSettings())
    feats = Features(args.data / "train", front_end)
    part, fingerprint = survey(feats, targets(feats, lang)[0], front_end.raw.coefficients)
    settings = TrainSettings(epochs=1, min_updates=1, warmup_epochs=0)
    part, _ = split_by_length(part, settings.subsampling)
    frames, rates = sum(len(feats[utt]) for utt in part.targets), []
    for _ in range(TIMES):
        with tempfile.TemporaryDirectory() as out:
            began = time.perf_counter()
            train(part, part, lang.tokens, settings, fingerprint, Path(out), torch.device("cpu"))
            rates.append(frames / (time.perf_counter() - began))
    return f"training: {statistics.median(rates):,.0f} frames a second ({min(rates):,.0f} to {max(rates):,.0f})"


def main(args: Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words, phones, seconds = prepare(args, folder)
        programs = dict.fromkeys(PROGRAMS, sys.executable)
        if args.no_pip:
            del programs["pyctcdecode"]
        else:
            programs["pyctcdecode"] = environment(folder / "peer", "pyctcdecode")
        print(f"{len(words)} utterances, {seconds:.0f} s of speech; medians of {TIMES} runs, least and most")
        for busy in (False, True):
            with one_core_busy(busy):
                print("\none core busy" if busy else "\ncores free")
                commands = {
                    name: [python, __file__, "--child", name, "--out", folder] for name, python in programs.items()
                }
                print(*table(take_turns(commands), words, phones, seconds), sep="\n", flush=True)
                print(encoder(args), flush=True)
                if not args.no_training:
                    print(training(args), flush=True)


if __name__ == "__main__":
    from argparse import ArgumentParser

    options = ArgumentParser(description=__doc__)
    options.add_argument("--exp", type=Path, help="experiment with a trained and tuned EXP/neural")
    options.add_argument("--data", type=Path, help="data folder of its corpus")
    options.add_argument("--reference", default="gmm", help="the system whose alignment is the reference")
    options.add_argument("--no-pip", action="store_true", help="leave out what pip would have to install")
    options.add_argument("--no-training", action="store_true", help="leave out training, a minute")
    options.add_argument("--child", choices=PROGRAMS, help="search with one program (this script calls itself)")
    options.add_argument("--out", type=Path, help="folder of the posteriors, for --child")
    arguments = options.parse_args()
    if arguments.child:
        child(arguments.child, arguments.out)
    else:
        main(arguments)
