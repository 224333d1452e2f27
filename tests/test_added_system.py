"""A further system is one file in pipeline/systems and one line in stages/settings.mk: all the rest follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.projects import copied_project
from helpers.projects import make as make_there

LINE = "onegauss     onegauss    gmm  wfst        mfcc"
SYSTEM = '''"""One Gaussian a phone, of the frames that the teacher's alignment gives it."""

from dataclasses import dataclass

import numpy as np

from pipeline.base.archive import Archive
from pipeline.base.arrays import read_arrays, write_arrays
from pipeline.base.meta import MODEL, write_model
from pipeline.base.training import setting
from pipeline.datadir.feats import Features, front_end_for, front_end_of
from pipeline.hmm.gmm import load_gmm
from pipeline.hmm.topology import PhoneTopology, Transitions
from pipeline.search.system import ScoredHmms, System, checked
from pipeline.search.topology import hmm_topology
from pipeline.sound.front_end import FrontEndSettings

ONE = PhoneTopology(np.ones(1), np.array([[0.8]]), np.array([0.2]))


@dataclass(frozen=True)
class Settings(FrontEndSettings):
    floor: float = setting(0.1, "least variance", least=0)


def train(material, settings):
    front_end = front_end_for(material.train, settings, material.features)
    feats, hmms = Features(material.train, front_end), load_gmm(material.teacher / MODEL)
    phones = hmms.transitions.phones
    frames = {phone: [] for phone in phones}
    for utt, pdfs in Archive(material.teacher / "ali_train/ali.scp").items():
        for phone, frame in zip([hmms.transitions.decisions.phones_of[pdf][0] for pdf in pdfs], feats[utt]):
            frames[phone].append(frame)
    everything = sum(frames.values(), [])
    frames = {phone: own or everything for phone, own in frames.items()}
    means = np.array([np.mean(frames[phone], 0) for phone in phones], float)
    variances = np.array([np.var(frames[phone], 0) + settings.floor for phone in phones], float)
    meta = {"kind": "onegauss", "front_end": front_end.as_json(), "train_seconds": 1.0, "parameters": means.size * 2}
    write_model(material.out, meta, lambda path: write_arrays(
        path, {"means": means, "variances": variances}, {"phones": phones}))
    return [f"{len(phones)} Gaussians"]


def load(directory, meta):
    arrays, names = read_arrays(directory / MODEL)
    means, variances = arrays["means"], arrays["variances"]
    transitions = Transitions(names["phones"], dict.fromkeys(names["phones"], ONE))

    def scores(feats):
        near = (feats[:, None] - means) ** 2 / variances + np.log(2 * np.pi * variances)
        return -0.5 * near.sum(-1)

    scorer = checked(directory, means.shape[1], scores)
    return System(directory.name, directory, front_end_of(directory), scorer, hmm_topology(transitions), 1, 0.28, 0.1,
                  hmms=ScoredHmms(transitions, scorer))
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The project with a further system, and a corpus of tones."""
    root = copied_project(tmp_path_factory.mktemp("project"), LINE)
    (root / "pipeline/systems/onegauss.py").write_text(SYSTEM)
    return root


def make(project: Path, *words: str) -> str:
    given = "SYSTEMS=gmm onegauss", "PAIR=gmm onegauss", "GMM_ARGS=--max-mix 1 --warm-up 3 --last 1"
    return make_there(project, *given, *words)


def test_it_stands_beside_the_others_everywhere(project):
    make(project)
    rows = (project / "exp/mine/compare.tsv").read_text().splitlines()
    assert [row.split("\t")[0] for row in rows] == ["system", "gmm", "onegauss"]
    assert float(rows[2].split("\t")[1]) <= 50  # of tones it hears at least half of the words
    out = project / "exp/mine/onegauss"
    for name in ("tuning.json", "decode_test/wer.txt", "decode_test/errors.json", "ali_test/alignment.json"):
        assert (out / name).is_file(), name
    assert "onegauss" in (project / "exp/mine/report/index.html").read_text()
    assert "onegauss" in (project / "exp/mine/boundaries.tsv").read_text()
    utt = (project / "data/mine/test/text").read_text().split()[0]
    assert "onegauss" in make(project, "lattice", "MODEL=onegauss", f"UTT={utt}")
    assert "onegauss" in make(project, "show", "STAGE=onegauss", f"UTT={utt}")
    assert "onegauss" in make(project, "replay", "MODEL=onegauss", f"UTT={utt}")
    assert "onegauss" in make(project, "transcribe", "WAV=mine/test/ann/test0.wav")
    assert "placed by onegauss" in make(project, "align", "WAV=mine/test/ann/test0.wav", "TEXT=zero", "MODEL=onegauss")
    assert "stages." not in make(project)


def test_it_can_be_combined_with_another(project):
    table = make(project, "combine", "COMBINE=gmm onegauss")
    assert "gmm + onegauss" in table
    row, vote = (line.split("\t") for line in (project / "exp/mine/compare.tsv").read_text().splitlines()[-2:])
    assert vote[0] == "gmm + onegauss, ROVER" and float(vote[1]) <= 50
    assert row[0] == "gmm + onegauss" and row[4:7] == [""] * 3 and float(row[1]) <= 50 and float(row[7]) <= 100
    assert "combine" not in {line.split()[0].removesuffix(":") for line in make(project).splitlines() if line.split()}
    assert "gmm + onegauss" in (project / "exp/mine/report/index.html").read_text()
    planned = make(project, "-n", "DECODE_ARGS=--beam 11")  # it is kept as its systems are
    assert planned.count("stages.combine") == 1 and "decode_dev" in planned
    planned = make(project, "-n", "SYSTEMS=gmm", "PAIR=gmm gmm", "DECODE_ARGS=--beam 11")  # and not without them
    assert "stages.combine" not in planned and "onegauss" not in planned


def test_it_can_be_rescored(project):
    table = make(project, "rescore", "MODEL=onegauss")
    assert "onegauss, rescored" in table and "dev perplexity" in table
    row = (project / "exp/mine/compare.tsv").read_text().splitlines()[-1].split("\t")
    assert row[0] == "onegauss, rescored" and row[4:] == [""] * 9 and float(row[1]) <= 50


def test_its_alignment_can_be_the_reference(project):
    ali, teacher = project / "exp/mine/onegauss/ali_test", project / "exp/mine/gmm/ali_test/phones.txt"
    before = teacher.stat().st_mtime_ns
    assert not (ali / "reference.txt").exists()
    out = make(project, "REFERENCE=onegauss")
    stages = {line.split()[0].removesuffix(":") for line in out.splitlines() if line.split()[:1]}
    assert {"align", "tune", "score", "compare", "report"} <= stages and not {"train", "place"} & stages
    assert (ali / "reference.txt").exists() and teacher.stat().st_mtime_ns == before
    utt = (project / "data/mine/test/text").read_text().split()[0]
    shown = make(project, "show", "STAGE=gmm", "REFERENCE=onegauss", f"UTT={utt}")
    assert "aligned by onegauss" in shown and "best path through the states" in shown
    assert "stages." not in make(project, "REFERENCE=onegauss")


def test_help_and_settings_follow(project):
    text = make(project, "help", "ONEGAUSS_ARGS=--floor 0.2")
    assert "ONEGAUSS_ARGS = --floor 0.2" in text and "  onegauss " in text
    assert "--floor 0.2" in make(project, "-n", "onegauss", "ONEGAUSS_ARGS=--floor 0.2")
