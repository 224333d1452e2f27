"""What make makes before it shows, compares or counts something."""

from __future__ import annotations

import re

import pytest

from makefile.tree import SYSTEMS


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


def test_a_sweep_is_of_dev_with_what_decoding_is_given(own):
    own.pretend("DECODE_ARGS=--beam 12", "all")
    planned = own.planned("sweep", "MODEL=neural_wfst", "DECODE_ARGS=--beam 12", "SWEEP_ARGS=--knobs beam")
    assert [stage for stage, _ in planned] == ["sweep"]
    assert "--model exp/prompts/neural " in planned[0][1] and "/neural_wfst/tuning.json" in planned[0][1]
    assert "--data data/prompts/dev" in planned[0][1] and "test" not in planned[0][1]
    assert " ".join(planned[0][1].split()).endswith("--out exp/prompts/neural_wfst/sweep.tsv --beam 12 --knobs beam")
    own.pretend("sweep", "DECODE_ARGS=--beam 12", when=1_610_000_000)
    assert own.stages("sweep", "DECODE_ARGS=--beam 12") == set()
    assert own.stages("sweep", "DECODE_ARGS=--beam 12", "TUNE_ARGS=--x") == {"tune", "sweep"}


def test_a_system_is_rescored_with_a_language_model_that_all_share(own):
    own.pretend("all")
    planned = own.planned("rescore", "MODEL=neural_wfst")
    assert [stage for stage, _ in planned][-1] == "compare"
    assert {stage for stage, _ in planned} == {"neural_lm", "decode", "rescore", "compare"}
    assert (
        "--system neural_wfst --model exp/prompts/rescored/neural_lm --lang data/prompts/lang"
        in dict(planned)["rescore"]
    )
    own.pretend("rescore", "MODEL=neural_wfst", when=1_610_000_000)
    assert own.stages("compare") == set()
    assert own.stages("rescore", "MODEL=gmm") == {"decode", "rescore", "compare"}
    assert own.stages("compare", "NEURAL_LM_ARGS=--width 64") == {"neural_lm", "rescore", "compare"}  # its row is kept
    assert own.stages("compare", "RESCORE_ARGS=--history 3") == {"rescore", "compare"}
    done = own.make("-n", "rescore", "MODEL=letters")
    assert done.returncode == 2 and 'MODEL: "letters" is none of SYSTEMS; add it there' in done.stderr


def test_an_ablation_trains_as_the_model_was_and_rates_need_no_model(own):
    own.pretend("all")
    for model in ("neural", "neural_wfst"):  # the same network
        planned = own.planned("ablation", f"MODEL={model}", "ABLATION_ARGS=--changes noise=0")
        assert [stage for stage, _ in planned] == ["ablate"] and "test" not in planned[0][1]
        assert planned[0][1].endswith("--out exp/prompts/neural/ablation.tsv --changes noise=0")
    own.pretend("ablation", "MODEL=neural", when=1_610_000_000)
    assert own.stages("ablation", "MODEL=neural") == set()
    assert own.stages("ablation", "MODEL=neural", "NEURAL_ARGS=--epochs 9") == {"train_ctc", "ablate"}
    planned = own.planned("rates", "MODEL=neural", "NEURAL_ARGS=--epochs 9", "RATES_ARGS=--updates 50")
    assert [stage for stage, _ in planned] == ["find_rate"] and " --epochs 9" in planned[0][1]
    assert planned[0][1].endswith("--out exp/prompts/neural/rates.tsv --updates 50")


def test_a_network_is_given_the_speeds_that_it_is_told_of(own):
    own.pretend("all")
    for asked in ("--speeds 0.9 1.0 1.10 --epochs 9", "--epochs 9 --speeds 0.9 1 1.10", "--speeds 0.9 1.10 fast"):
        *extracted, (stage, options) = own.planned("neural", f"NEURAL_ARGS={asked}")[:3]
        assert stage == "train_ctc" and options.endswith(asked)
        assert [(stage, options.split()[2:]) for stage, options in extracted] == [
            ("make_mfcc", f"--data data/prompts/train --speed {v} --out data/prompts/train/speed{v}".split())
            for v in ("0.9", "1.10")
        ]
    for asked in (
        "--epochs 9",
        "--speeds 1.0 --epochs 2",
        "--speeds",
        "--seed 9 --speeds fast 0.9",
        "--speeds $(shell ls)",
    ):
        assert "make_mfcc" not in own.stages("neural", f"NEURAL_ARGS={asked}")
    own.pretend("neural", "NEURAL_ARGS=--speeds 0.9 1.0", when=1_610_000_000)
    assert own.stages("neural", "NEURAL_ARGS=--speeds 0.9 1.0") == set()
    assert own.stages("MFCC_ARGS=--x", "neural", "NEURAL_ARGS=--speeds 0.9 1.0") >= {"make_mfcc", "train_ctc"}
    asked = "MODEL=neural", "NEURAL_ARGS=--speeds 0.9 1.0", "ABLATION_ARGS=--changes noise=0 speeds=1.0,1.05,noise=1"
    assert [(stage, "--speed 1.05 " in options) for stage, options in own.planned("ablation", *asked)] == [
        ("make_mfcc", True),
        ("ablate", False),
    ]
    ((stage, options),) = own.planned("data/prompts/train/fbank/speed0.95/feats.scp")
    assert stage == "make_mfcc" and options.endswith("--out data/prompts/train/fbank/speed0.95")


@pytest.mark.parametrize("target", ["lattice", "lattice_text", "replay", "show STAGE=lattice"])
def test_looking_inside_a_system_that_is_none(own, target):
    done = own.make("-n", *target.split(), "UTT=u1", "MODEL=gmn")
    assert done.returncode == 2 and "No rule" not in done.stderr
    assert re.search(
        "MODEL=gmn: no such system, and no exp/prompts/gmn/.*; there are: gmm classifier tri lda sat",
        done.stderr,
    )
    for file in ("tuning.json", "decode_test/hyp.txt"):  # a model of one's own
        (own.root / "exp/prompts/gmn/decode_test").mkdir(parents=True, exist_ok=True)
        (own.root / "exp/prompts/gmn" / file).touch()
    assert own.make("-n", *target.split(), "UTT=u1", "MODEL=gmn").returncode == 0


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


def test_a_network_is_exported_once_until_it_is_another(own):
    assert own.planned("export", "MODEL=neural_wfst") == own.planned("export", "MODEL=neural")
    ((stage, options),) = own.planned("export", "MODEL=neural")
    assert stage == "export_onnx"
    assert options.strip() == "--model exp/prompts/neural --out exp/prompts/neural/model.onnx"
    own.pretend("export", "MODEL=neural", when=1_610_000_000)
    assert own.stages("export", "MODEL=neural") == own.stages() == set()
    assert own.stages("export", "MODEL=neural", "NEURAL_ARGS=--epochs 9") == {"train_ctc", "export_onnx"}
    done = own.make("-n", "export", "MODEL=nueral")
    assert "MODEL=nueral: no such system, and no exp/prompts/nueral/model.safetensors; there are: " in done.stderr
