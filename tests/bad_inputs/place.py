"""A place to work in: a corpus of two words in tones, and what every stage made of it, so that a row can spoil a
copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from lexicon.files import mark

PROJECT = Path(__file__).resolve().parents[2]
RATE = 8000
WORDS = {"ZERO": "Z IH R OW", "ONE": "W AH N"}
TONES = {phone: 300 + 350 * n for n, phone in enumerate("Z IH R OW W AH N".split())}  # Hz
SETS = {"train": 8, "dev": 3, "test": 3}  # utterances of each speaker
SPEAKERS = ("ann", "bob")

EXPERIMENT = "--exp exp/toy --data data/toy --reference gmm"
# What make runs, stage by stage; a row adds options, of which the last counts.
COMMANDS = {
    "prepare_data": "--corpus toy --corpus-dir corpus --out data/toy",
    "make_lang": "--data data/toy --out data/toy/lang --oov error --cache cache",
    "make_mfcc": "--data data/toy/dev",
    "train_gmm": "--system gmm --data data/toy/train --dev data/toy/dev --lang data/toy/lang"
    " --out exp/toy/gmm --max-mix 1 --warm-up 3 --last 1",
    "align": "--model exp/toy/gmm --data data/toy/dev --lang data/toy/lang --out exp/toy/gmm/ali_dev",
    "train_classifier": "--system classifier --data data/toy/train --dev data/toy/dev --teacher exp/toy/gmm"
    " --lang data/toy/lang --out exp/toy/classifier --classifiers lda --context 1",
    "train_ctc": "--system ctc --data data/toy/train --dev data/toy/dev --lang data/toy/lang"
    " --out exp/toy/neural --epochs 1"
    " --min-updates 1 --width 8 --conv-layers 0",
    "ablate": "--model exp/toy/neural --data data/toy/train --dev data/toy/dev --lang data/toy/lang"
    " --out exp/toy/neural/ablation.tsv --changes noise=0",
    "find_rate": "--system ctc --data data/toy/train --dev data/toy/dev --lang data/toy/lang"
    " --out exp/toy/neural/rates.tsv --width 8 --conv-layers 0 --updates 5",
    "adapt": "--model exp/toy/gmm --data data/toy/dev --lang data/toy/lang --heard exp/toy/gmm/decode_dev"
    " --out exp/toy/gmm/fmllr_dev.scp",
    "tree": "--exp exp/toy --data data/toy --model gmm --phone AH",
    "spread": "--runs exp/toy --systems gmm --out exp/toy/spread.tsv",
    "tune": "--model exp/toy/gmm --data data/toy/dev --lang data/toy/lang --out exp/toy/gmm"
    " --ref-phones exp/toy/gmm/ali_dev/reference.txt",
    "decode": "--model exp/toy/gmm --tuning exp/toy/gmm/tuning.json --data data/toy/test --lang data/toy/lang"
    " --out exp/toy/gmm/decode_test",
    "sweep": "--model exp/toy/gmm --tuning exp/toy/gmm/tuning.json --data data/toy/dev --lang data/toy/lang"
    " --ref-phones exp/toy/gmm/ali_dev/reference.txt --out exp/toy/gmm/sweep.tsv",
    "train_tri": "--system tri --data data/toy/train --dev data/toy/dev --teacher exp/toy/gmm --lang data/toy/lang"
    " --out exp/toy/tri --leaf-frames 15 --rounds 2 --passes 2",
    "place": "--model exp/toy/gmm --data data/toy/test --lang data/toy/lang --teacher data/toy/train"
    " --out exp/toy/gmm/ali_test",
    "boundaries": f"{EXPERIMENT} --aligners gmm classifier --systems gmm classifier --out exp/toy/boundaries.tsv",
    "score": "--decode exp/toy/gmm/decode_test --data data/toy/test --ref-phones exp/toy/gmm/ali_test/reference.txt",
    "explain_errors": "--decode exp/toy/gmm/decode_test --model exp/toy/gmm --tuning exp/toy/gmm/tuning.json"
    " --data data/toy/test"
    " --lang data/toy/lang --ali exp/toy/gmm/ali_test",
    "replay": f"{EXPERIMENT} --lang data/toy/lang --utt ann-test0 --system gmm exp/toy/gmm",
    "flat_lang": "--lang data/toy/lang --out exp/toy/lang_flat",
    "own_lm": "--lang data/toy/lang --lm data/toy/lang/lm.arpa --out exp/toy/own_lm/lang",
    "matrix": f"{EXPERIMENT} --systems gmm --out exp/toy/matrix.tsv",
    "compare": f"{EXPERIMENT} --systems gmm classifier neural --out exp/toy/compare.tsv",
    "combine": f"{EXPERIMENT} --systems gmm classifier --out exp/toy/combined/gmm.classifier",
    "neural_lm": "--data data/toy --lang data/toy/lang --out exp/toy/rescored/neural_lm --epochs 2 --width 8",
    "rescore": "--exp exp/toy --data data/toy --system gmm --model exp/toy/rescored/neural_lm --lang data/toy/lang"
    " --out exp/toy/rescored/gmm",
    "report": f"{EXPERIMENT} --systems gmm classifier --out exp/toy/report --utterances 1",
    "check": "data/toy/dev",
    "pron_probs": "--ali exp/toy/gmm/ali_train --lang data/toy/lang --out exp/toy/lang_probs",
    "show_pron_probs": "--model exp/toy/gmm --data data/toy/dev --langs data/toy/lang exp/toy/lang_probs"
    " --out exp/toy/probs",
    "transcribe": "--wav corpus/test/ann/test0.wav --exp exp/toy --system gmm exp/toy/gmm data/toy/lang",
    "align_text": "--wav corpus/test/ann/test0.wav --exp exp/toy --system gmm exp/toy/gmm"
    " --lang data/toy/lang --cache cache"
    " --text ZERO",
    "listen": "--wav corpus/test/ann/test0.wav --exp exp/toy --system gmm exp/toy/gmm data/toy/lang",
    "record": "--out own.wav --seconds 0",
    "show_lattice": f"{EXPERIMENT} --model gmm --utt ann-test0",
    "lattice_difference": f"{EXPERIMENT} --systems gmm classifier --out exp/toy/lattice_difference.txt",
    "models": "--models models",
    "encode": "--data data/toy/test --encoder tiny --models models --out data/toy/test/tiny.json",
    "layers": "--data data/toy --encoders tiny --models exp/toy/gmm --reference exp/toy/gmm --out exp/toy/tiny.tsv",
    "export_lattices": "--lattices exp/toy/gmm/decode_test/lattices/words --out exp/toy/lattices/gmm.words",
    "kaldi_dir": "--data data/toy --lang data/toy/lang --out data/toy/kaldi",
    "kaldi_results": f"{EXPERIMENT} --kaldi tri1/decode_test --lang data/toy/lang --out exp/toy/kaldi/tri1.decode_test",
    "export_onnx": "--model exp/toy/neural --out exp/toy/neural/model.onnx",
    "show": f"{EXPERIMENT} --lang data/toy/lang --systems gmm --utt ann-test0 --stage data",
}


@dataclass(frozen=True)
class Done:
    """What became of a stage."""

    returncode: int
    stdout: str
    stderr: str


def program(name: str) -> str:
    """The stage behind a name of COMMANDS: all systems are trained by one."""
    return "train" if name.startswith("train_") else name


class Runner:
    """The server of `server.py`, and what it answered."""

    def __init__(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py"))],
            cwd=PROJECT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
                **environment,
            },
        )

    def run(self, cwd: Path, stage: str, options: Iterable[str], file_size: int = 0) -> Done:
        """Run a stage there and wait for it."""
        request = {"argv": [f"stages.{program(stage)}", *options], "cwd": str(cwd), "file_size": file_size}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return Done(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Place:
    """A folder with corpus, data and experiment, and a runner of stages in it."""

    def __init__(self, root: Path, runner: Runner) -> None:
        self.root, self.runner = root, runner

    def stage(self, name: str, *more: str, file_size: int = 0) -> Done:
        return self.runner.run(self.root, name, [*COMMANDS[name].split(), *more], file_size)

    def __truediv__(self, name: str) -> Path:
        return self.root / name

    def copy(self, root: Path) -> Place:
        shutil.copytree(self.root, root, symlinks=True)
        return Place(root, self.runner)

    def snapshot(self) -> dict[str, bytes | str]:
        """Every file's bytes and every link's target, by relative path."""
        return {
            path.relative_to(self.root).as_posix(): os.readlink(path) if path.is_symlink() else path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_symlink() or path.is_file()
        }


def tones(phones: str, rng: np.random.Generator) -> np.ndarray:
    """(num_samples,) a tenth of a second of its own tone for each phone, in noise, with silence around."""
    parts = [0.3 * np.sin(2 * np.pi * TONES[phone] * np.arange(RATE // 10) / RATE) for phone in phones.split()]
    samples = np.concatenate([np.zeros(RATE // 10), *parts, np.zeros(RATE // 10)])
    return samples + 0.01 * rng.normal(size=len(samples))


def write_corpus(root: Path) -> None:
    """Recordings of tones with their words beside them, in a folder for each set and speaker."""
    rng = np.random.default_rng(0)
    for name, count in SETS.items():
        for speaker in SPEAKERS:
            folder = root / name / speaker
            folder.mkdir(parents=True)
            for index in range(count):
                word = list(WORDS)[index % 2]
                soundfile.write(folder / f"{name}{index}.wav", tones(WORDS[word], rng), RATE)
                (folder / f"{name}{index}.txt").write_text(f"{word}\n")


JOBS = ("make_mfcc", "train_gmm", "align", "train_classifier", "train_ctc", "tune", "decode", "place", "explain_errors")


def build(place: Place, jobs: int = 1) -> None:
    """The corpus, and every stage's work on it, that of JOBS in so many processes."""
    for folder in ("data/toy", "exp/toy"):
        (place / folder).mkdir(parents=True)
        mark(place / folder)
    write_corpus(place / "corpus")
    run = [
        ("prepare_data",),
        ("make_lang",),
        *(("make_mfcc", "--data", f"data/toy/{name}") for name in SETS),
        ("train_gmm",),
        *(("align", "--data", f"data/toy/{name}", "--out", f"exp/toy/gmm/ali_{name}") for name in SETS),
        ("train_classifier",),
        ("train_ctc",),
        ("tune",),
    ]
    run += [
        step
        for system in ("gmm", "classifier", "neural")
        for step in (
            *(
                ("decode", "--model", f"exp/toy/{system}", "--data", f"data/toy/{name}", "--lattice-beam", "1")
                + ("--out", f"exp/toy/{system}/decode_{name}")
                for name in ("dev", "test")
            ),
            ("score", "--decode", f"exp/toy/{system}/decode_test"),
        )
    ]
    run += [
        ("place", "--model", f"exp/toy/{system}", "--out", f"exp/toy/{system}/ali_test")
        for system in ("gmm", "classifier")
    ]
    rest = (
        "boundaries",
        "explain_errors",
        "combine",
        "neural_lm",
        "rescore",
        "compare",
        "report",
        "show_lattice",
        "lattice_difference",
        "export_lattices",
        "check",
        "pron_probs",
        "transcribe",
        "align_text",
    )
    for stage, *options in [*run, *((stage,) for stage in rest)]:
        done = place.stage(stage, *options, *(["--jobs", str(jobs)] if stage in JOBS else []))
        assert done.returncode == 0 and not done.stderr, (stage, options, done)
