"""A project of empty files in which make plans, and what it should plan."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from lexicon.files import mark
from stages.common import recorded_settings
from stages.made import write_made

PROJECT = Path(__file__).resolve().parents[2]


SYSTEMS = ("gmm", "classifier", "neural", "neural_wfst")


ALL = {
    "prepare_data",
    "make_lang",
    "make_mfcc",
    "train_gmm",
    "align",
    "train_classifier",
    "train_ctc",
    "tune",
    "decode",
    "score",
    "place",
    "boundaries",
    "compare",
    "report",
    "lattice_difference",
    "explain_errors",
}


COMPARED = {"boundaries", "compare", "report"}  # what follows from an alignment


DECODED = {"decode", "score", "explain_errors", "lattice_difference"} | COMPARED  # from a search, gmm's or neural's


TUNED = {"tune"} | DECODED


ALIGNED = {"align", "train_classifier", "place"} | TUNED


SHOWN = {"compare", "explain_errors", "matrix", "lattice_difference"}  # with a text beside that make prints


COMMAND = re.compile(r"-m stages\.(\w+) (.*)")


class Tree:
    """A project whose stages cannot run, for its python only looks whether all is intact; `pretend` leaves what they
    would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copy(PROJECT / "Makefile", root)
        shutil.copytree(PROJECT / "stages/conf", root / "stages/conf")
        shutil.copy(PROJECT / "stages/settings.mk", root / "stages")
        (root / "lexicon").mkdir()
        (root / "lexicon/extra.txt").touch()
        (root / "pyproject.toml").touch()
        (root / "venv/bin").mkdir(parents=True)
        python = root / "venv/bin/python"
        python.write_text(
            f"#!/bin/sh\nexport PYTHONPATH='{PROJECT}'\n"
            f'[ "$2" = stages.intact ] && exec \'{sys.executable}\' "$@"\nexit 1\n'
        )
        python.chmod(0o755)
        (root / "venv/.phonoscope").touch()
        (root / "tools").mkdir()  # all that the Makefile may call here, and no python
        for tool in filter(shutil.which, ("awk", "cat", "cmp", "date", "env", "nproc", "sed", "sysctl")):
            (root / "tools" / tool).symlink_to(shutil.which(tool))

    def make(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shutil.which("make"), "VENV=venv", *words],
            cwd=self.root,
            capture_output=True,
            text=True,
            env={"PATH": str(self.root / "tools"), "LC_ALL": "C", **environment},
        )

    def planned(self, *words: str) -> list[tuple[str, str]]:
        """(stage, options) of the commands that would run, in order."""
        done = self.make("-n", *words)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr, done.stderr
        return [
            (
                re.sub(r"train .*--system (\w+).*", r"train_\1", f"{stage} {options}") if stage == "train" else stage,
                options,
            )
            for stage, options in COMMAND.findall(done.stdout)
        ]

    def stages(self, *words: str) -> set[str]:
        return {stage for stage, _ in self.planned(*words)}

    def pretend(self, *words: str, when: int = 1_600_000_000) -> None:
        """Leave behind what the planned stages would: targets, each a little younger, and their settings."""
        planned = self.planned(*words)
        for folder in {
            self.root.joinpath(*Path(path).parts[:2])
            for _, options in planned
            for path in re.findall(r"(?:data|exp)/\S+", options)
        }:
            folder.mkdir(parents=True, exist_ok=True)
            mark(folder)
        for number, (stage, options) in enumerate(planned):
            target = self.target(stage, options.split())
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
            if folder := re.search(r"--corpus-dir=(\S+)", options):
                (target.parent / "corpus_dir.txt").write_text(f"{folder[1]}\n")
            if stage in SHOWN:
                target.with_suffix(".txt").write_text("\n\n".join(f"{stage}, {part}" for part in "abcdef") + "\n")
            if stage == "make_lang":
                read = [Path("lexicon/extra.txt"), *map(Path, re.findall(r"--lexicon=(\S+)", options))]
            with contextlib.chdir(self.root):
                write_made(
                    target,
                    stage,
                    recorded_settings(shlex.split(options)),
                    (when + number) * 10**9,
                    [target],
                    read if stage == "make_lang" else [],
                )

    def target(self, stage: str, options: list[str]) -> Path:
        value = dict(zip(options, options[1:]))
        names = {
            "prepare_data": "splits.json",
            "make_lang": "lang.json",
            "train_gmm": "model.safetensors",
            "align": "phones.txt",
            "train_classifier": "model.safetensors",
            "train_ctc": "model.safetensors",
            "tune": "tuning.json",
            "decode": "hyp.txt",
            "place": "alignment.json",
            "report": "index.html",
            "pron_probs": "lang.json",
            "show_pron_probs": "dev.txt",
            "flat_lang": "lang.json",
            "own_lm": "lang.json",
            "neural_lm": "model.safetensors",
            "rescore": "hyp.txt",
        }
        if stage == "make_mfcc":
            return self.root / value.get("--out", value["--data"]) / "feats.scp"
        if stage in ("score", "explain_errors"):
            return self.root / value["--decode"] / {"score": "wer.txt"}.get(stage, "errors.json")
        return self.root / value["--out"] / names.get(stage, "")


def systems_of(planned: list[tuple[str, str]], stage: str) -> set[str]:
    """The systems whose ``stage`` is planned, from its --out or --decode."""
    return {
        re.search(r"exp/prompts/(\w+)", options.split("--out" if "--out" in options else "--decode")[1])[1]
        for name, options in planned
        if name == stage
    }
