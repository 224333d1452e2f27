"""Settings, names and texts as make takes them, and how they reach a stage."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from helpers.targets import TARGETS

from makefile.tree import ALL, SYSTEMS
from stages.made import quoted


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
    assert 'SYSTEMS: "tdnn" unknown; there are: gmm classifier tri lda sat ' in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_commands_are_plain_lines(finished):
    done = finished.make("-n", "GMM_ARGS=--max-mix 4 --last 2")
    lines = [line for line in done.stdout.splitlines() if line]
    assert all(re.fullmatch(r"venv/bin/python -m stages\.\w+( +[\w./:-]+)+ *", line) for line in lines), lines
    assert any(line.endswith("--max-mix 4 --last 2") for line in lines)


def test_help_lists_targets_and_live_settings(finished):
    done = finished.make("help", "CORPUS=fsdd", "GMM_ARGS=--max-mix 4")
    assert done.returncode == 0 and not done.stderr
    listed = set(re.findall(r"^  ([a-z0-9_]+) ", done.stdout, re.M))
    assert listed == set(TARGETS)
    settings = dict(re.findall(r"^  ([A-Z_]+) += (.*)$", done.stdout, re.M))
    assert settings["CORPUS"] == "fsdd" and settings["GMM_ARGS"] == "--max-mix 4" and settings["EXP"] == "exp/fsdd"
    assert settings["SYSTEMS"] == " ".join(SYSTEMS) and settings["NJ"].isdigit()


def test_every_target_has_a_rule(finished):
    for target in set(TARGETS) - {"all", "test", "clean", "help"}:
        done = finished.make("-n", target, "UTT=u1")
        assert done.returncode == 0, done.stderr
    assert "-m stages.clean exp/prompts data/prompts" in finished.make("-n", "clean").stdout
    assert re.search(r"-m pytest -n \d+ .*tests", finished.make("-n", "test").stdout)
    lattice = finished.make("-n", "lattice", "UTT=allison-hello", "MODEL=classifier").stdout
    assert "stages.show_lattice" in lattice and "--model classifier" in lattice and "--utt=allison-hello" in lattice


def test_a_folder_of_ones_own_names_its_corpus_which_remembers_it(own):
    planned = own.planned("CORPUS_DIR=../recordings/mine/")
    assert planned[0][1].split()[0] == "--jobs"
    assert planned[0][1].split()[2:] == "--corpus mine --corpus-dir=../recordings/mine/ --out data/mine".split()
    assert {stage for stage, _ in planned} == ALL
    own.pretend("CORPUS_DIR=../recordings/mine/")
    assert own.stages("CORPUS=mine") == own.stages("CORPUS_DIR=../recordings/mine/") == set()
    assert own.stages("CORPUS=mine", "CORPUS_DIR=../recordings/others") == ALL
    assert own.planned("CORPUS_DIR=../recordings/mine", "CORPUS=other")[0][1].split()[2:4] == ["--corpus", "other"]


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
    assert given[2:7] == ["--corpus", corpus, f"--corpus-dir=/home/ann/{folder}", "--out", f"data/{corpus}"]


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
        "LM=a\nb",
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
        ("listen", "WAV", "--wav"),
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
