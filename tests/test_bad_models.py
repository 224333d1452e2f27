"""Untrusted and damaged models: one line that names the file, and no code in them is run."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.features import as_it_is, write_feats
from helpers.langs import make_lang
from helpers.models import save_frames, save_gmm

from lexicon.errors import UserError
from lexicon.files import write_json
from pipeline.base.arrays import read_arrays, write_arrays
from pipeline.classifier.model import load_frame_classifier
from pipeline.datadir import Utterance, write_datadir
from pipeline.hmm.gmm import flat_start, load_gmm
from pipeline.search.tuning import read_tuning
from pipeline.systems import load_system

PROJECT = Path(__file__).resolve().parents[1]


KINDS = {"gmm": (save_gmm, load_gmm), "classifier": (save_frames, load_frame_classifier)}


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def refused(kind: str, path: Path) -> str:
    """The one line with which the model is refused."""
    with pytest.raises(UserError) as caught:
        KINDS[kind][1](path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and f"run: make {kind}" in line and "\n" not in line
    return line


@pytest.mark.parametrize("kind", KINDS)
def test_the_sound_model_loads(kind, tmp_path):
    save, load = KINDS[kind]
    save(tmp_path / "model.safetensors")
    load(tmp_path / "model.safetensors")


@pytest.mark.parametrize("kind", KINDS)
def test_missing_truncated_and_other_files(kind, tmp_path):
    path = tmp_path / "model.safetensors"
    assert "no such model" in refused(kind, path)
    KINDS[kind][0](path)
    whole = path.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        whole[:20],
        b"",
        b"<html>404</html>",
        bytes(range(256)) * 9,
        whole[:300] + b"\xff" * 200 + whole[500:],
    ):
        path.write_bytes(damaged)
        refused(kind, path)
    with open(path, "wb") as stream:
        np.save(stream, np.zeros(3))  # of another kind
    refused(kind, path)


@pytest.mark.parametrize("kind", KINDS)
def test_pickled_objects_are_refused_and_not_run(kind, tmp_path):
    path, ran = tmp_path / "model.safetensors", tmp_path / "ran"
    with open(path, "wb") as stream:
        np.savez(stream, floor=np.array([Bomb(ran)], dtype=object))
    refused(kind, path)
    path.write_bytes(pickle.dumps(Bomb(ran)))
    refused(kind, path)
    assert not ran.exists()


def altered(
    kind: str, path: Path, phones: Sequence[str] | None = ("SIL", "AH", "B"), **changes: np.ndarray | None
) -> None:
    """Save the intact model with some arrays, or the names of its phones, changed or (None) left out."""
    KINDS[kind][0](path)
    arrays, _ = read_arrays(path)
    arrays |= {name.replace("__", "."): value for name, value in changes.items()}
    write_arrays(
        path,
        {name: value for name, value in arrays.items() if value is not None},
        {} if phones is None else {"phones": phones},
    )


@pytest.mark.parametrize(
    "changes,named",
    [
        ({"AH__means": np.full((3, 1, 39), np.nan)}, "AH.means"),
        ({"AH__covars": np.zeros((3, 1, 39))}, "AH.covars"),
        ({"AH__covars": np.ones((3, 2, 39))}, "AH.covars"),
        ({"B__weights": np.full((3, 1), np.inf)}, "B.weights"),
        ({"B__weights": np.full((3, 1), -1.0)}, "B.weights"),
        ({"SIL__transmat": np.ones((3, 3))}, "SIL.transmat"),
        ({"SIL__transmat": -np.eye(5)}, "SIL.transmat"),
        ({"SIL__exit": np.full(5, 1.5)}, "SIL.exit"),
        ({"SIL__startprob": np.full(5, -0.2)}, "SIL.startprob"),
        ({"B__means": None}, "B.means"),
        ({"AH__means": np.zeros((3, 39))}, ""),
        ({"AH__means": np.zeros((0, 1, 39))}, ""),
        ({"phones": None}, "phones"),
        ({"phones": []}, "phones"),
        ({"phones": ["SIL", "AH", "AH"]}, "phones"),
        ({"phones": ["SIL", "AH", "ZH"]}, "ZH."),
        ({"floor": np.zeros(13)}, ""),
        ({"floor": np.full(39, np.nan)}, "floor"),
    ],
)
def test_wrong_arrays_of_a_gmm_are_named(tmp_path, changes, named):
    altered("gmm", tmp_path / "model.safetensors", **changes)
    assert named in refused("gmm", tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "changes",
    [
        {"weight0": np.full((39, 4), np.nan)},
        {"bias1": np.full(11, np.inf)},
        {"weight1": np.zeros((5, 11))},
        {"bias0": np.zeros(3)},
        {"weight0": np.zeros(39)},
        {"weight1": None},
        {"num_layers": np.array(3)},
        {"num_layers": np.array(0)},
        {"classes": np.arange(12)},
        {"classes": np.arange(11) + 5},
        {"classes": np.arange(11) - 1},
        {"log_prior": np.zeros(3)},
        {"context": np.array([1, 2])},
        {"context": None},
    ],
)
def test_wrong_arrays_of_a_frame_classifier(tmp_path, changes):
    altered("classifier", tmp_path / "model.safetensors", **changes)
    refused("classifier", tmp_path / "model.safetensors")


def model_directory(folder: Path, kind: str, meta: dict) -> Path:
    """exp/KIND with an intact model and ``meta``; the frames' HMMs are in exp/hmms."""
    for name in (kind, "hmms"):
        (folder / name).mkdir(exist_ok=True)
    save_gmm(folder / "hmms/model.safetensors")
    KINDS[kind][0](folder / kind / "model.safetensors")
    write_json(folder / kind / "meta.json", {**meta, "front_end": as_it_is().as_json()})
    return folder / kind


def test_sound_systems_load(tmp_path):
    gmm = load_system(model_directory(tmp_path, "gmm", {"kind": "gmm"}))
    frames = load_system(model_directory(tmp_path, "classifier", {"kind": "classifier", "hmm": str(tmp_path / "hmms")}))
    for system in (gmm, frames):
        assert system.scores(np.zeros((7, 39), np.float32)).shape == (7, 11) and system.step == 1


@pytest.mark.parametrize(
    "text,says",
    [
        (None, "meta.json: no such model"),
        ("", "meta.json: not JSON"),
        ("{", "meta.json: not JSON"),
        ("[1]", "meta.json"),
        ('"gmm"', "meta.json"),
        ("{}", "kind None is none of classifier, ctc, dnn, fine, gmm"),
        ('{"kind": "lstm"}', "kind 'lstm' is none of classifier, ctc, dnn, fine, gmm"),
        ('{"kind": ["gmm"]}', "none of classifier"),
        ('{"kind": "classifier"}', "hmm"),
        ('{"kind": "classifier", "hmm": 7}', "hmm"),
        ("\udcff", "meta.json: not JSON"),
    ],
)
def test_wrong_meta_is_one_line(tmp_path, text, says):
    folder = model_directory(tmp_path, "classifier", {})
    (folder / "meta.json").unlink()
    if text is not None:
        (folder / "meta.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError) as caught:
        load_system(folder)
    assert says in str(caught.value) and str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_features_of_another_dimension_are_named(tmp_path):
    for folder in (
        model_directory(tmp_path, "gmm", {"kind": "gmm"}),
        model_directory(tmp_path, "classifier", {"kind": "classifier", "hmm": str(tmp_path / "hmms")}),
    ):
        with pytest.raises(UserError, match=rf"{folder}: features of shape \(5, 13\), the model wants \(frames, 39\)"):
            load_system(folder).scores(np.zeros((5, 13), np.float32))


def test_a_classifier_over_other_hmms_is_named(tmp_path):
    folder = model_directory(tmp_path, "classifier", {"kind": "classifier", "hmm": str(tmp_path / "hmms")})
    flat_start(["SIL", "AH"], np.zeros(39), np.ones(39)).save(
        tmp_path / "hmms/model.safetensors"
    )  # trained again, fewer phones
    with pytest.raises(UserError, match="11 densities, .* have 8; run: make classifier"):
        load_system(folder)


def test_training_names_the_utterance_that_is_too_short(tmp_path):
    """Two letters of three states each do not fit into four frames."""
    lang = make_lang(
        tmp_path / "lang",
        ["A 1.0 AH", "TAB 1.0 T AH B"],
        "\\data\\\nngram 1=4\n\n\\1-grams:\n-99\t<s>\n-1\t</s>\n-1\tA\n-1\tTAB\n\n\\end\\\n",
    )
    rng = np.random.default_rng(0)
    wav = tmp_path / "a.wav"
    wav.touch()
    data = tmp_path / "train"
    write_datadir(
        data,
        [Utterance(f"u{n}", "s", wav, ("A",), 800) for n in range(4)]
        + [Utterance("u9-hasty", "s", wav, ("TAB",), 500)],
    )
    lengths = (("u0", 30), ("u1", 25), ("u2", 40), ("u3", 20), ("u9-hasty", 4))
    write_feats(data, {u: rng.normal(size=(n, 13)).astype(np.float32) for u, n in lengths})
    done = subprocess.run(
        [sys.executable, "-m", "stages.train", "--system", "gmm", "--data", data, "--dev", data, "--lang", lang.path]
        + ["--out", tmp_path / "gmm"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and not done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("train: ") and "u9-hasty" in done.stderr and "too short" in done.stderr
    assert not list((tmp_path / "gmm").glob("model*")) and not (tmp_path / "gmm/meta.json").exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"words": {"acoustic_scale": "loud", "insertion_score": 0}}', '{"words": 1}']
)
def test_wrong_tuning_is_one_line(tmp_path, text):
    path = tmp_path / "tuning.json"
    path.write_text(text)
    with pytest.raises(UserError, match="tuning.json: no tuned settings"):
        read_tuning(path)
    path.unlink()
    with pytest.raises(UserError, match="tuning.json: no tuned settings"):
        read_tuning(path)
