"""What make runs again: `make -n` in a tree of empty files after each change; no stage is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from makefile.tree import ALIGNED, ALL, COMMAND, COMPARED, DECODED, SYSTEMS, TUNED, Tree, systems_of


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


def test_layers_are_measured_beside_those_of_the_controls(tmp_path):
    tree = Tree(tmp_path)
    planned = tree.planned("layers", "ENCODER=whisper-tiny", "SYSTEMS=gmm neural_wfst")
    encoded = [options.split("--encoder=")[1].split() for stage, options in planned if stage == "encode"]
    assert sorted((words[0], words[2]) for words in encoded) == sorted(
        (f"whisper-tiny{control}", f"data/prompts/{name}/whisper-tiny{control.replace(':', '-')}.json")
        for control in ("", ":random", ":shuffled")
        for name in ("train", "dev", "test")
    )
    assert planned[-1][0] == "layers" and "train_classifier" not in [stage for stage, _ in planned]
    assert "--models exp/prompts/gmm exp/prompts/neural --reference exp/prompts/gmm" in planned[-1][1]
    controls = tree.planned("layers", "ENCODER=whisper-tiny:random")
    assert [options.count("random") for stage, options in controls if stage == "encode"] == [2, 2, 2]


def test_a_finished_tree_has_nothing_to_do(finished):
    done = finished.make("-n")
    assert done.returncode == 0 and not COMMAND.findall(done.stdout)
    done = finished.make()  # without -n as well: no stage can run here
    assert done.returncode == 0 and not COMMAND.findall(done.stdout)


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
            "LM=mine.arpa",
            {"own_lm"} | TUNED,
            {"make_lang", "train_gmm", "align", "train_classifier", "train_ctc"},
        ),
        ("LM=mine.py:model", TUNED, {"own_lm", "make_lang", "train_gmm", "align", "train_classifier", "train_ctc"}),
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
        ("UTT=u1", set(), ALL),
    ],
)
def test_a_changed_setting_reruns_its_stage_and_what_follows(finished, setting, again, not_again):
    found = finished.stages(setting)
    assert found == again and not found & not_again


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


def test_a_language_model_of_the_users_is_in_every_search_that_a_look_repeats(finished):
    """The errors of a search with a Python object were explained with the n-gram's scores."""
    for stage, options in finished.planned("LM=mine.py:model"):
        assert ("--lm=mine.py:model" in options) == (stage in ("tune", "decode", "explain_errors")), options
    (replay,) = [line for stage, line in finished.planned("replay", "UTT=u1", "LM=mine.py:model") if stage == "replay"]
    assert "--lm=mine.py:model" in replay
    for look in ("transcribe", "listen"):
        assert "--lm=mine.py:model" in finished.make("-n", look, "WAV=x.wav", "LM=mine.py:model").stdout


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


def test_changed_code_retrains_nothing(own):
    (own.root / "pipeline/hmm").mkdir(parents=True)
    for name in ("pipeline/hmm/em.py", "stages/train.py", "Makefile"):
        (own.root / name).touch()
    assert own.stages() == set()
