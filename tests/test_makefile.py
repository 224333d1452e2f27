"""What the Makefile promises, asked with `make -n` in a tree of empty files: no stage is run."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lexicon.files import mark
from stages.common import recorded_settings
from stages.made import quoted, write_made

PROJECT = Path(__file__).resolve().parents[1]
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
TARGETS = {
    "whisper_phones",
    "whisper_probe",
    "data",
    "lexicon",
    "mfcc",
    "gmm",
    "classifier",
    "neural",
    "decode",
    "compare",
    "errors",
    "matrix",
    "replay",
    "report",
    "pron_probs",
    "lattice",
    "lattice_difference",
    "lattice_text",
    "models",
    "encode",
    "show",
    "check",
    "transcribe",
    "align",
    "record",
    "setup",
    "test",
    "clean",
    "all",
    "help",
}
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
        }
        if stage == "make_mfcc":
            return self.root / value["--data"] / "feats.scp"
        if stage in ("score", "explain_errors"):
            return self.root / value["--decode"] / {"score": "wer.txt"}.get(stage, "errors.json")
        return self.root / value["--out"] / names.get(stage, "")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Tree:
    """Everything made; tests only ask what would be made again."""
    tree = Tree(tmp_path_factory.mktemp("project"))
    for path in tree.root.rglob("*"):
        os.utime(path, (1_500_000_000, 1_500_000_000))
    tree.pretend()
    return tree


@pytest.fixture
def own(finished, tmp_path) -> Tree:
    """A copy to touch things in."""
    shutil.copytree(finished.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    tree = object.__new__(Tree)
    tree.root = tmp_path
    return tree


def test_a_fresh_clone_plans_every_stage_in_order(tmp_path):
    planned = Tree(tmp_path).planned()
    assert {stage for stage, _ in planned} == ALL
    order = [stage for stage, _ in planned]
    for before, after in (
        ("prepare_data", "make_lang"),
        ("prepare_data", "make_mfcc"),
        ("make_mfcc", "train_gmm"),
        ("train_gmm", "align"),
        ("align", "train_classifier"),
        ("align", "tune"),
        ("tune", "decode"),
        ("decode", "score"),
        ("align", "place"),
        ("place", "boundaries"),
        ("boundaries", "report"),
        ("boundaries", "compare"),
        ("score", "compare"),
        ("score", "report"),
    ):
        assert order.index(before) < order.index(after)
    assert order[-1] in ("compare", "report", "lattice_difference") and order.count("lattice_difference") == 1
    assert order.count("compare") == order.count("report") == 1
    assert order.count("make_mfcc") == order.count("align") == 3
    assert [options.split("--out ")[1] for stage, options in planned if stage == "place"] == [
        f"exp/prompts/{system}/ali_test" for system in ("gmm", "classifier", "neural")
    ]
    assert order.count("tune") == order.count("decode") == order.count("score") == 4
    assert all("--" in options for _, options in planned)


def test_a_finished_tree_has_nothing_to_do(finished):
    done = finished.make("-n")
    assert done.returncode == 0 and not COMMAND.findall(done.stdout)
    assert "Nothing to be done for 'all'" in finished.make().stdout  # without -n as well: no stage can run here


@pytest.mark.parametrize(
    "setting,again,not_again",
    [
        ("GMM_ARGS=--max-mix 4", {"train_gmm"} | ALIGNED, {"prepare_data", "make_lang", "make_mfcc", "train_ctc"}),
        (
            "CLASSIFIER_ARGS=--context 7",
            {"train_classifier", "place"} | TUNED - {"lattice_difference"},
            {"train_gmm", "align"},
        ),
        (
            "NEURAL_ARGS=--epochs 3",
            {"train_ctc", "place"} | TUNED,
            {"train_gmm", "align", "train_classifier", "make_mfcc"},
        ),
        ("TUNE_ARGS=--x 1", TUNED, {"train_gmm", "train_ctc", "train_classifier"}),
        ("DECODE_ARGS=--beam 9", DECODED, {"tune"}),
        ("REPORT_ARGS=--utterances 3", {"report"}, ALL - {"report"}),
        ("MFCC_ARGS=--allow-missing 1", ALL - {"prepare_data", "make_lang"}, {"prepare_data", "make_lang"}),
        ("LANG_ARGS=--order 2", ALL - {"prepare_data", "make_mfcc"}, {"prepare_data", "make_mfcc"}),
        ("VOCAB=open", ALL - {"prepare_data", "make_mfcc"}, {"prepare_data", "make_mfcc"}),
        ("LEXICON=mine.txt", ALL - {"prepare_data", "make_mfcc"}, {"prepare_data", "make_mfcc"}),
        ("PHONES=ipa.txt", ALL - {"prepare_data", "make_mfcc"}, {"prepare_data", "make_mfcc"}),
        (
            "PRON_PROBS=yes",
            {"pron_probs"} | TUNED,
            {"make_lang", "train_gmm", "align", "train_classifier", "train_ctc"},
        ),
        ("PRON_PROBS=no", set(), ALL),
        (
            "GOLD=no",
            {"train_classifier", "place"} | TUNED - {"lattice_difference"},
            {"train_gmm", "align", "train_ctc"},
        ),
        ("SYSTEMS=gmm classifier", COMPARED, ALL - COMPARED),
        ("REFERENCE=classifier", {"align"} | TUNED, {"place", "train_gmm", "train_classifier", "train_ctc"}),
        ("SPLIT=official", ALL, set()),
        ("NJ=7", set(), ALL),
        ("DOWNLOADS=/elsewhere", set(), ALL),
        ("UTT=u1", {"report"}, ALL - {"report"}),
    ],
)
def test_a_changed_setting_reruns_its_stage_and_what_follows(finished, setting, again, not_again):
    found = finished.stages(setting)
    assert found == again and not found & not_again


def test_the_matrix_is_made_of_what_is_there_and_of_searches_without_grammar(own):
    planned = own.planned("matrix")
    assert {stage for stage, _ in planned} == {"flat_lang", "tune", "decode", "score", "matrix"} and len(planned) == 14
    assert all(
        "exp/prompts/lang_flat" in options and "exp/prompts/flat/" in options
        for stage, options in planned
        if stage in ("tune", "decode")
    )
    own.pretend("matrix", when=1_610_000_000)
    assert own.stages("matrix") == set()
    assert own.stages("matrix", "LANG_ARGS=--order 2") >= {"make_lang", "flat_lang", "matrix"}
    assert own.stages("GMM_ARGS=--max-mix 4").isdisjoint({"flat_lang", "matrix"})


@pytest.mark.parametrize(
    "gone,again",
    [
        ("exp/prompts/gmm/decode_test/hyp.txt", DECODED),
        ("exp/prompts/neural/ali_test/alignment.json", {"place"} | COMPARED),
        ("exp/prompts/classifier/decode_test/wer.txt", {"score", "compare", "report"}),
        ("exp/prompts/gmm/ali_dev/phones.txt", ALIGNED),
    ],
)
def test_what_was_removed_is_made_again_with_what_follows(own, gone, again):
    """The messages about damaged files say: remove it and run make."""
    (own.root / gone).unlink()
    assert own.stages() == again


@pytest.mark.parametrize("target", ["lattice", "lattice_text", "replay", "show STAGE=lattice"])
def test_looking_inside_a_system_that_is_none(own, target):
    done = own.make("-n", *target.split(), "UTT=u1", "MODEL=gmn")
    assert done.returncode == 2 and "No rule" not in done.stderr
    assert re.search(
        "MODEL=gmn: no such system, and no exp/prompts/gmn/.*; there are: gmm classifier neural neural_wfst",
        done.stderr,
    )
    for file in ("tuning.json", "decode_test/hyp.txt"):  # a model of one's own
        (own.root / "exp/prompts/gmn/decode_test").mkdir(parents=True, exist_ok=True)
        (own.root / "exp/prompts/gmn" / file).touch()
    assert own.make("-n", *target.split(), "UTT=u1", "MODEL=gmn").returncode == 0


def test_the_reference_is_whose_alignment_is_named(finished):
    planned = finished.planned("REFERENCE=classifier", "pron_probs", "matrix", "lattice", "UTT=u1", "all")
    written = " ".join(options for _, options in planned)
    assert "exp/prompts/gmm/ali_" not in written and "--reference classifier" in written
    assert systems_of(planned, "align") == {"classifier"}
    assert {options.split("--data ")[1].split()[0] for stage, options in planned if stage == "align"} == {
        f"data/prompts/{part}" for part in ("train", "dev", "test")
    }
    planned = finished.planned("REFERENCE=classifier", "CLASSIFIER_ARGS=--context 7")  # gmm still teaches
    assert "--teacher exp/prompts/gmm" in dict(planned)["train_classifier"]


def systems_of(planned: list[tuple[str, str]], stage: str) -> set[str]:
    """The systems whose ``stage`` is planned, from its --out or --decode."""
    return {
        re.search(r"exp/prompts/(\w+)", options.split("--out" if "--out" in options else "--decode")[1])[1]
        for name, options in planned
        if name == stage
    }


def test_only_the_systems_concerned_are_decoded_again(finished):
    neural = finished.planned("NEURAL_ARGS=--epochs 3")
    assert all(systems_of(neural, stage) == {"neural", "neural_wfst"} for stage in ("tune", "decode", "score"))
    again = finished.planned("CLASSIFIER_ARGS=--context 7")
    assert all(systems_of(again, stage) == {"classifier"} for stage in ("tune", "decode", "score"))


def test_one_system_alone_with_a_changed_setting(finished):
    """`make -n gmm GMM_ARGS=...` lists that stage and its dependants only."""
    planned = finished.planned("gmm", "GMM_ARGS=--max-mix 4")
    assert [stage for stage, _ in planned if stage != "align"] == ["train_gmm", "tune", "decode", "score"]
    assert planned[0][0] == "train_gmm" and planned[0][1].endswith("--max-mix 4")
    assert systems_of(planned, "decode") == {"gmm"}
    assert finished.planned("gmm") == []


def test_a_setting_that_is_taken_back_runs_nothing(own):
    assert own.stages("GMM_ARGS=--max-mix 4")
    assert own.stages() == set()
    own.pretend("GMM_ARGS=--max-mix 4", when=1_700_000_000)
    assert own.stages("GMM_ARGS=--max-mix 4") == set()
    assert "train_gmm" in own.stages()


def test_a_killed_run_goes_on_where_it_was(own):
    for name in SYSTEMS[2:]:
        shutil.rmtree(own.root / "exp/prompts" / name)
    planned = own.planned()
    assert {stage for stage, _ in planned} == {"train_ctc", "place"} | TUNED
    assert systems_of(planned, "tune") == {"neural", "neural_wfst"}


def test_a_stage_killed_between_target_and_settings_is_run_again(own):
    (own.root / "exp/prompts/gmm/model.safetensors.made").unlink()
    assert "train_gmm" in own.stages() and "make_mfcc" not in own.stages()


def test_the_users_own_pronunciations_are_noticed(own):
    os.utime(own.root / "lexicon/extra.txt", (2_000_000_000, 2_000_000_000))
    assert own.stages() == set()  # the same, as in a fresh clone
    (own.root / "lexicon/extra.txt").write_text("PHONE F OW N\n")
    found = own.stages()
    assert "make_lang" in found and "train_gmm" in found and "make_mfcc" not in found


def test_a_changed_lexicon_of_the_users_is_noticed(own):
    (own.root / "mine.txt").touch()
    os.utime(own.root / "mine.txt", (1_500_000_000, 1_500_000_000))
    own.pretend("LEXICON=mine.txt", when=1_700_000_000)
    assert own.stages("LEXICON=mine.txt") == set()
    (own.root / "mine.txt").write_text("YES Y EH S\n")
    assert "make_lang" in own.stages("LEXICON=mine.txt")


def test_counted_probabilities_are_for_the_searches_that_can_use_them(finished):
    planned = finished.planned("PRON_PROBS=yes")
    assert all(
        systems_of(planned, stage) == {"gmm", "classifier", "neural_wfst"} for stage in ("tune", "decode", "score")
    )
    for stage, options in planned:
        assert ("--lang exp/prompts/lang_pp" in options) == (stage in ("tune", "decode", "explain_errors")), options
    done = finished.make("-n", "PRON_PROBS=perhaps")
    assert done.returncode != 0 and "PRON_PROBS=perhaps: write yes or no" in done.stderr


def test_an_environment_whose_making_was_broken_off_is_made_anew(tmp_path):
    """kill -9 in the middle of `python -m venv` left one without pip. The project is none here, so pip has to fail."""
    tree = Tree(tmp_path)
    (tree.root / "tools/python3.11").symlink_to(sys._base_executable)
    for tool in ("bash", "cp", "ls", "mkdir", "rm", "touch"):
        (tree.root / "tools" / tool).symlink_to(shutil.which(tool))
    (tree.root / "new/bin").mkdir(parents=True)
    (tree.root / "new/bin/thesis.txt").touch()
    done = tree.make("setup", "VENV=new")
    assert "new: no Python environment with pip" in done.stderr and (tree.root / "new/bin/thesis.txt").exists()
    (tree.root / "new/.unfinished").touch()
    done = tree.make("setup", "VENV=new")
    assert "pip install" in done.stdout and done.returncode != 0 and (tree.root / "new/.unfinished").exists()
    pip = subprocess.run([tree.root / "new/bin/python", "-m", "pip", "--version"], capture_output=True, text=True)
    assert pip.returncode == 0 and str(tree.root / "new") in pip.stdout


def test_whether_they_help_is_asked_of_dev_alone(own):
    planned = own.planned("pron_probs")
    assert [stage for stage, _ in planned] == ["pron_probs", "tune", "tune", "show_pron_probs"]
    assert not any("test" in options for _, options in planned)
    assert [re.search(r"--lang (\S+)", options)[1] for stage, options in planned if stage == "tune"] == [
        "data/prompts/lang",
        "exp/prompts/lang_pp",
    ]
    own.pretend("pron_probs", when=1_700_000_000)
    assert own.stages("pron_probs") == own.stages() == set()  # and nothing else is made again for it
    assert own.stages("pron_probs", "TUNE_ARGS=--x 1") == {"tune", "show_pron_probs"}


def test_changed_code_retrains_nothing(own):
    (own.root / "pipeline/hmm").mkdir(parents=True)
    for name in ("pipeline/hmm/em.py", "stages/train.py", "Makefile"):
        (own.root / name).touch()
    assert own.stages() == set()


def test_another_corpus_has_its_own_folders_and_settings(finished):
    planned = finished.planned("CORPUS=yesno", "DOWNLOADS=../archives")
    assert {stage for stage, _ in planned} == ALL
    commands = dict(planned)
    assert "--corpus yesno" in commands["prepare_data"] and "--downloads=../archives" in commands["prepare_data"]
    assert "exp/yesno" in commands["train_gmm"] and "exp/prompts" not in " ".join(options for _, options in planned)
    assert "--order 1" in commands["make_lang"]  # stages/conf/yesno.mk


def test_an_unknown_system_is_an_error(finished):
    done = finished.make("-n", "SYSTEMS=gmm tdnn")
    assert done.returncode != 0
    assert 'SYSTEMS: "tdnn" unknown; there are: gmm classifier neural neural_wfst' in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_commands_are_plain_lines(finished):
    done = finished.make("-n", "GMM_ARGS=--max-mix 4 --last 2")
    lines = [line for line in done.stdout.splitlines() if line]
    assert all(re.fullmatch(r"venv/bin/python -m stages\.\w+( +[\w./:-]+)+ *", line) for line in lines), lines
    assert any(line.endswith("--max-mix 4 --last 2") for line in lines)


def test_help_lists_targets_and_live_settings(finished):
    done = finished.make("help", "CORPUS=fsdd", "GMM_ARGS=--max-mix 4")
    assert done.returncode == 0 and not done.stderr
    listed = set(re.findall(r"^  ([a-z_]+) ", done.stdout, re.M))
    assert listed == TARGETS
    settings = dict(re.findall(r"^  ([A-Z_]+) += (.*)$", done.stdout, re.M))
    assert settings["CORPUS"] == "fsdd" and settings["GMM_ARGS"] == "--max-mix 4" and settings["EXP"] == "exp/fsdd"
    assert settings["SYSTEMS"] == " ".join(SYSTEMS) and settings["NJ"].isdigit()


def test_every_target_has_a_rule(finished):
    for target in TARGETS - {"all", "test", "clean", "help"}:
        done = finished.make("-n", target, "UTT=u1")
        assert done.returncode == 0, done.stderr
    assert "-m stages.clean exp/prompts data/prompts" in finished.make("-n", "clean").stdout
    assert re.search(r"-m pytest -n \d+ .*tests", finished.make("-n", "test").stdout)
    lattice = finished.make("-n", "lattice", "UTT=allison-hello", "MODEL=classifier").stdout
    assert "stages.show_lattice" in lattice and "--model classifier" in lattice and "--utt=allison-hello" in lattice


def test_a_folder_of_ones_own_names_its_corpus_which_remembers_it(own):
    planned = own.planned("CORPUS_DIR=../recordings/mine/")
    assert planned[0][1].split() == "--corpus mine --corpus-dir=../recordings/mine/ --out data/mine".split()
    assert {stage for stage, _ in planned} == ALL
    own.pretend("CORPUS_DIR=../recordings/mine/")
    assert own.stages("CORPUS=mine") == own.stages("CORPUS_DIR=../recordings/mine/") == set()
    assert own.stages("CORPUS=mine", "CORPUS_DIR=../recordings/others") == ALL
    assert own.planned("CORPUS_DIR=../recordings/mine", "CORPUS=other")[0][1].split()[:2] == ["--corpus", "other"]


@pytest.mark.parametrize(
    "folder,corpus",
    [
        ("my recordings", "my_recordings"),
        ("a:b", "a_b"),
        ("it's", "it_s"),
        ("50%", "50_"),
        ("a;b", "a_b"),
        ("$(x)", "__x_"),
        ("a=b#c", "a_b_c"),
    ],
)
def test_a_folder_of_any_name_can_be_a_corpus(finished, folder, corpus):
    done = finished.make("-n", "data", f"CORPUS_DIR=/home/ann/{folder}")
    assert done.returncode == 0 and not done.stderr
    (command,) = re.findall(r"stages\.prepare_data (.*)", done.stdout)
    given = subprocess.run(["bash", "-c", f"printf '%s\n' {command}"], capture_output=True, text=True).stdout.split(
        "\n"
    )
    assert given[:5] == ["--corpus", corpus, f"--corpus-dir=/home/ann/{folder}", "--out", f"data/{corpus}"]


@pytest.mark.parametrize(
    "setting",
    [
        "CORPUS=a b",
        "CORPUS=../x",
        "CORPUS=",
        "CORPUS=.",
        "CORPUS=-x",
        "CORPUS_DIR=/",
        "DATA=",
        "DATA=.",
        "EXP=/",
        "EXP=a b",
        "VENV=a:b",
        "SYSTEMS=",
        "SYSTEMS=gmm $(x)",
        "REFERENCE=",
        "REFERENCE=tdnn",
        "REFERENCE=neural_wfst",
        "REFERENCE=gmm classifier",
        "MODEL=../x",
        "LEVEL=$(shell touch x)",
        "NJ=0",
        "NJ=two",
        "NJ=",
        "GOLD=",
        "LEXICON=a\nb",
    ],
)
def test_names_that_cannot_be_are_refused_in_a_line(finished, setting):
    done = finished.make("-n", setting)
    assert done.returncode != 0 and len(done.stderr.strip().splitlines()) == setting.count("\n") + 1, done.stderr
    assert setting.split("=")[0].removesuffix("_DIR") + "=" in done.stderr and not done.stdout


def test_check_takes_a_directory(finished):
    assert "-m stages.check  -- data/prompts" in finished.make("-n", "check").stdout
    assert (
        "-m stages.check --fix -- elsewhere/train"
        in finished.make("-n", "check", "DIR=elsewhere/train", "FIX=yes").stdout
    )


def test_settings_come_from_the_command_line_or_a_name_of_phonoscopes_own(finished):
    def said(*words: str, **environment: str) -> dict[str, str]:
        done = finished.make("help", *words, **environment)
        assert not done.stderr
        return dict(re.findall(r"^  ([A-Z_0-9]+) += (.*)$", done.stdout, re.M))

    settings = said(DATA="/mnt/x", EXP="/", CORPUS="other", NJ="x", GMM_ARGS="--max-mix 3", TEXT="$(touch x)")
    assert settings == said() and settings["DATA"] == "data/prompts"
    settings = said("NJ=3", PHONOSCOPE_CORPUS="fsdd", PHONOSCOPE_NJ="7", PHONOSCOPE_TEXT="$(x) $$x")
    assert (settings["EXP"], settings["NJ"], settings["TEXT"]) == ("exp/fsdd", "3", "$(x) $$x")


def test_names_and_texts_reach_the_stage_as_they_are(finished):
    """Spaces, quotes and dollar signs: the shell that make runs prints what the stage would be given."""
    for target, setting, option in (
        ("transcribe", "WAV", "--wav"),
        ("align", "WAV", "--wav"),
        ("align", "TEXT", "--text"),
        ("align", "TEXTFILE", "--text-file"),
    ):
        for value in (
            "what I said.wav",
            """it's "so" \\ `x` & more; # *""",
            "a$b $(x) ${HOME}",
            "two\nlines\t!",
            "~",
            "-x",
        ):
            command = finished.make("-n", target, f"{setting}={value}").stdout.split(" -m ")[1]
            given = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True).stdout
            assert f"{option}={value}" in given.split("\0")


@pytest.mark.parametrize(
    "word", ["", "a", "a b", "it's", 'x"y', "$(x)", "`x`", "\\", "a\tb\nc", "#", "~", "ü", "--a=b"]
)
def test_words_are_quoted_alike_by_make_and_by_the_record(finished, word):
    done = subprocess.run(
        [shutil.which("make"), "-s", "-f", "-", f"W={word}"],
        cwd=finished.root,
        text=True,
        capture_output=True,
        input="include stages/settings.mk\noverride W := $(value W)\n$(info $(call quoted,$(W)))\nall: ;\n",
    )
    assert done.stdout.removesuffix("\n") == quoted(word)
    assert subprocess.run(["bash", "-c", f"printf %s {quoted(word)}"], capture_output=True, text=True).stdout == word


def test_what_is_looked_at_is_of_every_system_or_of_the_model_that_is_named(finished):
    ((stage, options),) = finished.planned("align", "UTT=u1")
    assert stage == "show" and options.endswith(f"--systems {' '.join(SYSTEMS)}")
    assert "--stage=align --utt=u1" in options
    assert finished.planned("align", "UTT=u1", "MODEL=classifier")[0][1].endswith("--systems classifier")
    assert finished.planned("align", "WAV=my.wav", "TEXT=YES")[0][0] == "align_text"
    assert "give one of them" in finished.make("-n", "align", "WAV=my.wav", "UTT=u1").stderr
    assert finished.stages("show") == finished.stages("show", "STAGE=score", "UTT=u1") == {"show"}


def test_showing_a_stage_makes_what_it_needs_and_no_more(own):
    (own.root / "data/prompts/dev/feats.scp").unlink()
    assert own.stages("show", "STAGE=lexicon", "UTT=u1") == {"show"}
    assert own.stages("show", "STAGE=mfcc", "UTT=u1") == {"make_mfcc", "show"}
    assert {"make_mfcc", "show"} <= own.stages("show", "STAGE=gmm", "UTT=u1") <= {"make_mfcc", "align", "show"}
