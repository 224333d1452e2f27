"""How fast the classical side is, beside Kaldi's own code: MFCC, monophone training, graph search, start-up, growth.

    make bench          # or: python bench/classical.py --exp exp/prompts --data data/prompts --out exp/prompts/bench

Every program runs in a process of its own; they take turns, five times each, and the median counts; once with the cores
free and once while a program keeps one of them busy. Kaldi's code comes from pip into an environment that is thrown
away: kaldi-native-fbank, and kaldi-hmm-gmm (`bench/kaldi_mono.py`), which must not share one with kaldi-decoder.
A raw lattice is what a search kept, row by row; nothing from pip determinizes Kaldi's, as `make decode` does with ours.
With KALDI_ROOT in the environment its compute-mfcc-feats takes part as well.

Training is timed as a whole, from the start of the process to its end. Growth is the cost per hour of speech of an
eighth of the training set up to all of it, and of all of it up to 16 times over, each utterance under other names.

Writes OUT/classical.txt and OUT/growth.svg.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.turns import TIMES, Run, environment, measured, median, one_core_busy, take_turns  # noqa: E402

PROJECT, KALDI_MONO = Path(__file__).parents[1], Path(__file__).with_name("kaldi_mono.py")
PEERS = ("numpy", "kaldi-native-fbank", "kaldi-hmm-gmm==1.1.4", "kaldifst==1.7.17")
PARTS, REPEATS = (1 / 8, 1 / 4, 1 / 2, 1), (2, 4, 8, 16)
MFCC = {"ours": "mfcc, ours", "peer": "mfcc, kaldi-native-fbank", "kaldi": "mfcc, compute-mfcc-feats"}


# ---- children: each prints what it measured of itself


def our_mfcc(folder: Path) -> Run:
    from pipeline.sound.mfcc import mfcc

    sounds, rate = _sounds(folder)
    mfcc(sounds[0], rate)
    return _timed(lambda: [mfcc(samples, rate) for samples in sounds])


def peer_mfcc(folder: Path) -> Run:
    import kaldi_native_fbank

    sounds, rate = _sounds(folder)
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq, options.frame_opts.dither = rate, 0
    options.use_energy, options.num_ceps = False, 13

    def compute(samples: np.ndarray) -> np.ndarray:
        found = kaldi_native_fbank.OnlineMfcc(options)
        found.accept_waveform(rate, samples * 32768)
        found.input_finished()
        return np.stack([found.get_frame(i) for i in range(found.num_frames_ready)])

    compute(sounds[0])
    return _timed(lambda: [compute(samples) for samples in sounds])


def _sounds(folder: Path) -> tuple[list[np.ndarray], int]:
    with np.load(folder / "sounds.npz") as arrays:
        return [arrays[name] for name in arrays.files if name != "rate"], int(arrays["rate"])


def _timed(work: Callable[[], Any]) -> Run:
    began = time.process_time()
    found = work()
    seconds = time.process_time() - began
    return {"seconds": seconds, "found": found}


def searched(folder: Path, how: str) -> Run:
    """Words of the test set, by one of these searches through the same graph with the same beam and scores."""
    import kaldi_decoder
    import kaldifst

    from lexicon.lang import load_lang
    from pipeline.search.decode import SearchSettings, WfstDecoder
    from pipeline.search.wfst import Beams, Search
    from pipeline.systems import load_system

    given = json.loads((folder / "search.json").read_text(encoding="utf-8"))
    system, lang = load_system(Path(given["model"])), load_lang(given["lang"])
    decoder = WfstDecoder(system, lang, "words", SearchSettings(**given["settings"]), Beams())
    graph, scale, beams = decoder.graph, decoder.settings.acoustic_scale, decoder.beams
    with np.load(folder / "scores.npz") as arrays:
        scores = {utt: arrays[utt] for utt in arrays.files}

    def best_path(utt: str) -> list[str]:
        options = kaldi_decoder.FasterDecoderOptions()
        options.beam = beams.beam
        search = kaldi_decoder.FasterDecoder(graph.fst, options)
        search.decode(kaldi_decoder.DecodableCtc(graph.topology.labels.widen(scale * scores[utt])))
        found, path = search.get_best_path(use_final_probs=True)
        return [graph.words[word - 1] for word in kaldifst.get_linear_symbol_sequence(path)[2]] if found else []

    def raw_lattice(utt: str) -> list[str]:
        config = kaldi_decoder.LatticeSimpleDecoderConfig(beam=beams.beam, lattice_beam=beams.lattice_beam)
        search = kaldi_decoder.LatticeSimpleDecoder(graph.fst, config)
        search.decode(kaldi_decoder.DecodableCtc(graph.topology.labels.widen(scale * scores[utt])))
        found, path = search.get_best_path()
        search.get_raw_lattice()
        return [graph.words[word - 1] for word in kaldifst.get_linear_symbol_sequence(path)[2]] if found else []

    def our_best_path(utt: str) -> list[str]:
        return list(decoder.best(scores[utt])[0])

    def our_raw_lattice(utt: str) -> list[str]:
        search = Search(graph, scale, beams)
        search.step(scores[utt])
        search.links()
        return list(search.best(end=True)[0])

    def ours(utt: str) -> list[str]:
        return [one.label for one in decoder.decode(utt, scores[utt], len(scores[utt]) * system.step).words]

    def from_sound(utt: str) -> list[str]:
        return [
            one.label for one in decoder.decode(utt, system.scores(feats[utt]), system.num_frames(feats[utt])).words
        ]

    from pipeline.datadir.feats import read_feats

    feats = read_feats(Path(given["data"]), Path(given["model"]))
    one = {
        "kaldi best": best_path,
        "our best": our_best_path,
        "kaldi raw": raw_lattice,
        "our raw": our_raw_lattice,
        "ours": ours,
        "sound": from_sound,
    }[how]
    one(next(iter(scores)))
    return _timed(lambda: {utt: one(utt) for utt in scores})


CHILDREN: dict[str, Callable[[Path], Run]] = {
    MFCC["ours"]: our_mfcc,
    MFCC["peer"]: peer_mfcc,
    "search, best path alone: Kaldi's FasterDecoder": lambda folder: searched(folder, "kaldi best"),
    "search, best path alone: ours": lambda folder: searched(folder, "our best"),
    "search, raw lattice: Kaldi's LatticeSimpleDecoder": lambda folder: searched(folder, "kaldi raw"),
    "search, raw lattice: ours": lambda folder: searched(folder, "our raw"),
    "search, ours: lattices of phones, words, posteriors": lambda folder: searched(folder, "ours"),
    "search, ours, and features and densities too": lambda folder: searched(folder, "sound"),
}


# ---- what they are given


def prepare(args: Namespace, folder: Path) -> dict[str, tuple[str, ...]]:
    """Write what all programs are given; the words of the test set."""
    from lexicon.lang import load_lang
    from pipeline.datadir import read_datadir, sample_rate
    from pipeline.datadir.feats import read_feats
    from pipeline.search.tuning import read_tuning
    from pipeline.sound.audio import read_audio
    from pipeline.systems import load_system

    train, rate = _some(read_datadir(args.data / "train"), args.part), sample_rate(args.data / "train")
    sounds = {one.id: read_audio(one.wav, rate, one.cut).astype(np.float32) for one in train}
    np.savez(folder / "sounds.npz", rate=np.array(rate), **sounds)
    subset(args, folder / "corpus/train", args.part, 1)
    for_kaldi(folder / "corpus/train", load_lang(args.data / "lang"), folder)
    model = args.exp / "gmm"
    system, feats = load_system(model), read_feats(args.data / "test", model)
    test = _some(feats.of(read_datadir(args.data / "test")), args.part)
    np.savez(folder / "scores.npz", **{one.id: system.scores(feats[one.id]).astype(np.float32) for one in test})
    tuned = read_tuning(model / "tuning.json").words
    given = {"model": model, "lang": args.data / "lang", "data": args.data / "test"}
    paths = {name: str(path.resolve()) for name, path in given.items()}
    (folder / "search.json").write_text(json.dumps({**paths, "settings": vars(tuned)}), encoding="utf-8")
    return {one.id: one.words for one in test}


def _some(utterances: Sequence[Any], part: float) -> list[Any]:
    """A share of them, from everywhere."""
    wanted = max(1, round(part * len(utterances)))
    return [utterances[i * len(utterances) // wanted] for i in range(wanted)]


def subset(args: Namespace, out: Path, part: float, times: int) -> float:
    """A data directory with features of a share of the training set, so many times over; its hours of speech."""
    from pipeline.datadir import read_datadir, sample_rate
    from pipeline.datadir.write import write_datadir

    some = _some(read_datadir(args.data / "train"), part)
    every = [
        replace(one, id=f"{one.speaker}.{n}{one.id[len(one.speaker) :]}", speaker=f"{one.speaker}.{n}")
        if one.id.startswith(one.speaker)
        else replace(one, id=f"{n}.{one.id}", speaker=f"{n}.{one.speaker}")
        for n in range(times)
        for one in some
    ]
    out.parent.mkdir(exist_ok=True)
    shutil.copy(args.data / "splits.json", out.parent)
    write_datadir(out, every)
    measured([sys.executable, "-m", "stages.make_mfcc", "--data", out])
    return sum(one.num_samples for one in every) / sample_rate(args.data / "train") / 3600


def for_kaldi(train: Path, lang: Any, folder: Path) -> None:
    """The same features, words and pronunciations in numbers: words and phones from 1, silence is phone 1."""
    from lexicon.phones import SILENCE
    from pipeline.datadir import read_datadir
    from pipeline.datadir.feats import Features, front_end_for
    from pipeline.hmm.graphs import SILENCE_PROB
    from pipeline.systems.gmm import Settings

    feats = Features(train, front_end_for(train, Settings()))
    utterances = feats.of(read_datadir(train))
    phones = {phone: i for i, phone in enumerate([SILENCE, *(p for p in lang.phones if p != SILENCE)], start=1)}
    words = {word: i for i, word in enumerate(sorted({word for one in utterances for word in one.words}), start=1)}
    lexicon = [(words[w], prob, [phones[p] for p in said]) for w in words for prob, said in lang.lexicon[w]]
    given = {"phones": len(phones), "pause": SILENCE_PROB, "lexicon": lexicon}
    said = {one.id: [words[word] for word in one.words] for one in utterances}
    (folder / "given.json").write_text(json.dumps({**given, "words": said}), encoding="utf-8")
    np.savez(folder / "feats.npz", **{one.id: np.asarray(feats[one.id], np.float32) for one in utterances})


# ---- what is measured


def programs(args: Namespace, folder: Path, peer: str | None) -> dict[str, list[str | Path]]:
    """The commands that take turns."""
    found: dict[str, list[str | Path]] = {}
    for name in CHILDREN:
        python = peer if name == MFCC["peer"] else sys.executable
        if python:
            found[name] = [python, __file__, "--child", name, "--out", folder]
    if root := os.environ.get("KALDI_ROOT"):
        found[MFCC["kaldi"]] = _kaldi_binary(args, Path(root), folder)
    found["monophones, ours"] = _training(args, folder / "corpus/train", folder / "gmm")
    if peer:
        found["monophones, kaldi-hmm-gmm"] = [peer, KALDI_MONO, folder]
    return found


def _kaldi_binary(args: Namespace, root: Path, folder: Path) -> list[str | Path]:
    """Kaldi's own program for the same cepstra; it reads the files as well."""
    from pipeline.datadir import sample_rate

    options = ["--dither=0", "--use-energy=false", f"--sample-frequency={sample_rate(args.data / 'train')}"]
    return [root / "src/featbin/compute-mfcc-feats", *options, f"scp:{folder}/corpus/train/wav.scp", "ark:/dev/null"]


def _training(args: Namespace, train: Path, out: Path) -> list[str | Path]:
    options = ["--system", "gmm", "--data", train, "--dev", args.data / "dev", "--lang", args.data / "lang"]
    return [sys.executable, "-m", "stages.train", *options, "--out", out]


def table(runs: Mapping[str, list[Run]], words: Mapping[str, Sequence[str]]) -> list[str]:
    """Processor seconds: of the work alone where a program says them, else of the whole process."""
    import kaldialign

    total = sum(map(len, words.values()))
    lines = [f"{'':<52} {'CPU s':>8} {'least':>8} {'most':>8} {'MB':>6}"]
    for name, each in runs.items():
        what = "cpu" if name.startswith("monophones") or "seconds" not in each[0] else "seconds"
        figures = sorted(run[what] for run in each)
        more = ""
        if name.startswith("search"):
            wrong = [kaldialign.edit_distance(list(words[utt]), each[0]["found"][utt])["total"] for utt in words]
            more = f"WER {100 * sum(wrong) / total:.1f} %"
        if "gaussians" in each[0]:
            more = f"{each[0]['gaussians']} Gaussians"
        middle, memory = median(each, what), median(each, "memory")
        lines.append(
            f"{name:<52} {middle:8.3f} {figures[0]:8.3f} {figures[-1]:8.3f} {memory:6.0f}  {more:>12}".rstrip()
        )
    return lines


def start_up(times: int) -> list[str]:
    """Processor seconds of --help of every stage, the slowest first."""
    names = [path.stem for path in (PROJECT / "stages").glob("*.py") if "__main__" in path.read_text("utf-8")]
    runs = take_turns({name: [sys.executable, "-m", f"stages.{name}", "--help"] for name in sorted(names)}, times)
    rows = sorted(((median(each, "cpu"), median(each, "memory"), name) for name, each in runs.items()), reverse=True)
    return [f"{'python -m stages.NAME --help':<50} {'CPU s':>8} {'MB':>8}"] + [
        f"{name:<52} {seconds:8.3f} {memory:8.0f}" for seconds, memory, name in rows
    ]


def growth(args: Namespace, folder: Path) -> tuple[list[str], dict[str, list[tuple[float, float, float]]]]:
    """Cost and memory of features and of monophone training as the corpus grows; rows, and (hours, processor seconds
    per hour, MB) of each stage. An hour more, from one size to the next, costs what it does without the start."""
    sizes = [(part * args.part, 1) for part in PARTS] + [(args.part, times) for times in REPEATS if times <= args.most]
    found: dict[str, list[tuple[float, float, float]]] = {"mfcc": [], "gmm": []}
    lines = [f"{'growth':<10} {'hours':>8} {'CPU s':>9} {'an hour':>9} {'one more':>9} {'MB':>6}"]
    last = {name: (0.0, 0.0) for name in found}
    for part, times in sizes:
        train = folder / f"part{part:g}x{times}/train"
        hours = subset(args, train, part, times)
        commands: dict[str, list[str | Path]] = {
            "mfcc": [sys.executable, "-m", "stages.make_mfcc", "--data", train],
            "gmm": _training(args, train, folder / "grown"),
        }
        for name, command in commands.items():
            run = measured(command)
            found[name].append((hours, run["cpu"] / hours, run["memory"]))
            more = (run["cpu"] - last[name][1]) / (hours - last[name][0])
            last[name] = hours, run["cpu"]
            cells = f"{name:<10} {hours:8.3f} {run['cpu']:9.2f} {run['cpu'] / hours:9.1f} {more:9.1f}"
            lines.append(f"{cells} {run['memory']:6.0f}")
    return lines, found


def main(args: Namespace) -> None:
    from bench.growth_svg import growth_svg  # not for children: a peer's Python has nothing of ours

    args.out.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []

    def say(*more: str) -> None:
        lines.extend(more)
        print(*more, sep="\n", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = prepare(args, folder)
        peer = args.peer or (None if args.no_pip else environment(folder / "peer", *PEERS))
        for busy in (False, True):
            with one_core_busy(busy):
                say("one core busy" if busy else "cores free")
                say(*table(take_turns(programs(args, folder, peer), args.times), words), "")
        say(*start_up(args.times), "")
        rows, found = growth(args, folder)
        say(*rows)
    (args.out / "growth.svg").write_text("\n".join(growth_svg(found)) + "\n", encoding="utf-8")
    (args.out / "classical.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"bench: {args.out}/classical.txt and growth.svg")


def child(name: str, folder: Path) -> None:
    found = CHILDREN[name](folder)
    if name.startswith("mfcc"):
        del found["found"]
    print(json.dumps(found))


if __name__ == "__main__":
    options = ArgumentParser(description=__doc__)
    options.add_argument("--exp", type=Path, help="experiment with a trained and tuned EXP/gmm")
    options.add_argument("--data", type=Path, help="data folder of its corpus")
    options.add_argument("--part", type=float, default=1.0, help="share of the corpus that is used")
    options.add_argument("--times", type=int, default=TIMES, help="turns of each program")
    options.add_argument(
        "--most", type=int, default=REPEATS[-1], help="growth: how often the corpus is repeated at most"
    )
    options.add_argument("--peer", help="a Python that has Kaldi's code already, in place of a new environment")
    options.add_argument("--no-pip", action="store_true", help="leave out what pip would have to install")
    options.add_argument("--child", choices=CHILDREN, help="one program (this script calls itself)")
    options.add_argument("--out", type=Path, required=True, help="where table and picture go")
    arguments = options.parse_args()
    if arguments.child:
        child(arguments.child, arguments.out)
    else:
        main(arguments)
