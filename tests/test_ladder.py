"""The classical ladder in a project: tied triphones, LDA, speakers adapted to in two passes, and a network on top."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers.projects import copied_project, make

from lexicon.errors import UserError
from pipeline.base.archive import Archive, write_archive
from pipeline.base.meta import MODEL, read_meta
from pipeline.datadir.feats import read_feats
from pipeline.hmm.gmm import load_gmm
from pipeline.sound.front_end import affine
from pipeline.systems import load_system
from pipeline.tied.adapt import load_adapter

SYSTEMS = ("gmm", "tri", "lda", "sat", "classifier_sat", "dnn")
SMALL = "--leaf-frames 15 --min-leaf 4 --gaussian-frames 15 --min-frames 5 --rounds 2 --passes 3"
GIVEN = (
    f"SYSTEMS={' '.join(SYSTEMS)}",
    "PAIR=gmm sat",
    "GMM_ARGS=--max-mix 1 --warm-up 3 --last 1",
    f"TRI_ARGS={SMALL}",
    f"LDA_ARGS={SMALL} --dimension 12",
    f"SAT_ARGS={SMALL}",
    "CLASSIFIER_SAT_ARGS=--classifiers lda --context 0 2 --reduction none pca --reduced 20",
    "DNN_ARGS=--epochs 3 --width 16 --conv-layers 0 --min-updates 10",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    root = copied_project(tmp_path_factory.mktemp("ladder"))
    make(root, *GIVEN)
    return root


def test_every_rung_hears_the_tones(project):
    exp = project / "exp/mine"
    rows = [line.split("\t") for line in (exp / "compare.tsv").read_text().splitlines()]
    assert [row[0] for row in rows] == ["system", *SYSTEMS]
    assert all(float(row[1]) <= 50 for row in rows[1:])
    kinds = [read_meta(exp / name)["kind"] for name in SYSTEMS]
    assert kinds == ["classifier" if name == "classifier_sat" else name for name in SYSTEMS]
    tried = (exp / "classifier_sat/choice.txt").read_text().splitlines()[1:]
    assert sorted(line.split("  ")[0] for line in tried) == ["lda ±0", "lda ±2", "pca lda ±0", "pca lda ±2"]
    assert all(name in (exp / "report/index.html").read_text() for name in SYSTEMS)
    assert read_meta(exp / "tri")["leaves"] == 29  # each phone of the two words has the same neighbours everywhere
    assert load_gmm(exp / "lda" / MODEL).transform.shape == (12, 91)  # seven frames of thirteen cepstra
    assert "stages." not in make(project, *GIVEN)


def test_speakers_have_maps_and_systems_read_them(project):
    exp, data = project / "exp/mine", project / "data/mine"
    for part in ("train", "dev", "test"):
        maps = Archive(exp / f"sat/fmllr_{part}.scp")
        assert sorted(maps) == sorted(read_feats(data / part, exp / "lda").speakers)
        assert all(one.shape == (12, 92) for one in maps.values())
    spliced, adapted = (read_feats(data / "test", exp / name) for name in ("lda", "sat"))
    utt = next(iter(adapted))
    speaker = adapted.speaker_of[utt]
    by_hand = affine(spliced[utt], Archive(exp / "sat/fmllr_test.scp")[speaker])
    np.testing.assert_allclose(adapted[utt], by_hand, atol=1e-4)
    for name in ("classifier_sat", "dnn"):
        np.testing.assert_array_equal(read_feats(data / "test", exp / name)[utt], adapted[utt])


def test_maps_make_speakers_likelier(project):
    """That is what they are estimated for: the likelihood, with the determinant of the map, of what was heard."""
    exp, data = project / "exp/mine", project / "data/mine"
    adapter = load_adapter(exp / "sat")
    feats, heard = read_feats(data / "test", exp / "lda"), {}
    lexicon = {"ZERO": [(1.0, ("Z", "IH", "R", "OW"))], "ONE": [(1.0, ("W", "AH", "N"))]}
    for line in (data / "test/text").read_text().splitlines():
        utt, *words = line.split()
        if feats.speaker_of[utt] == "ann":
            heard[utt] = words
    found = adapter.map_of(feats.__getitem__, heard, lexicon)

    def likelihood(transform: np.ndarray) -> float:
        square = transform[:, :-1] @ np.linalg.pinv(adapter.begin)
        rows = np.concatenate([affine(feats[utt], transform) for utt in heard])
        return float(adapter.model.log_likelihood(rows).max(1).mean() + np.log(abs(np.linalg.det(square))))

    frames = sum(len(feats[utt]) for utt in heard)
    assert likelihood(found) > likelihood(adapter.unadapted) or frames < 500


def test_maps_that_are_lost_or_of_others_are_named(project, tmp_path):
    exp, data = project / "exp/mine", project / "data/mine"
    scp = exp / "sat/fmllr_test.scp"
    kept = {path: path.read_bytes() for path in scp.parent.glob("fmllr_test.*")}
    try:
        scp.unlink()
        with pytest.raises(UserError, match="fmllr_test.scp: no such index"):
            dict(read_feats(data / "test", exp / "sat"))
        assert "-m stages.adapt" in make(project, *GIVEN, "-n")
        write_archive(scp, [("ann", np.eye(3)), ("bob", np.eye(3))])
        with pytest.raises(UserError, match="ann: no map"):
            dict(read_feats(data / "test", exp / "sat"))
        write_archive(scp, [("ann", np.eye(3))])
        with pytest.raises(UserError, match="fmllr_test.scp"):
            dict(read_feats(data / "test", exp / "sat"))
    finally:
        for path, content in kept.items():
            path.write_bytes(content)


@pytest.mark.parametrize("damage", [{"dimension": 0}, {"dimension": "12"}, {"model": 7}, {"size": 3}])
def test_a_front_end_that_cannot_be_meant_is_refused(project, tmp_path, damage):
    directory = tmp_path / "sat"
    directory.mkdir()
    meta = read_meta(project / "exp/mine/sat")
    meta["front_end"]["adaptation"] |= damage
    (directory / "meta.json").write_text(json.dumps(meta))
    (directory / MODEL).write_bytes((project / "exp/mine/sat" / MODEL).read_bytes())
    with pytest.raises(UserError, match="meta.json"):
        load_system(directory)


def test_they_are_transcribed_aligned_and_shown(project):
    wav, utt = "mine/test/ann/test0.wav", "ann-test0"
    said = make(project, *GIVEN, "transcribe", f"WAV={wav}")
    assert all(f"  {name} " in said for name in SYSTEMS)
    for name in ("sat", "dnn"):
        assert f"placed by {name}" in make(project, *GIVEN, "align", f"WAV={wav}", "TEXT=zero", f"MODEL={name}")
        assert name in make(project, *GIVEN, "show", f"STAGE={name}", f"UTT={utt}")
        assert name in make(project, *GIVEN, "replay", f"MODEL={name}", f"UTT={utt}")
    tree = make(project, *GIVEN, "tree", "PHONE=OW", "MODEL=tri")
    assert "OW [oʊ], state 1 of 3" in tree and (project / "exp/mine/trees/tri.OW.svg").is_file()


def test_who_listens_while_one_speaks_is_not_adapted_to(project):
    told = ["VENV=venv", "CORPUS_DIR=mine", *GIVEN, "listen", "WAV=mine/test/ann/test0.wav", "LISTEN=sat"]
    done = subprocess.run(["make", *told], cwd=project, capture_output=True, text=True)
    assert done.returncode and "LISTEN: sat adapts to a speaker once he has been heard" in done.stderr
