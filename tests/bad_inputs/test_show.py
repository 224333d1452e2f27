"""`make show`: each stage of an utterance, in 100 columns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bad_inputs.place import Place
from lexicon.text import width_of

SHOWN = {
    "data": (r"out +samples \(4[0-9]{3},\) float32", r"utt2spk +ann-test0 ann"),
    "lexicon": (r"ZERO +1\.00  Z IH R OW  /zɪɹoʊ/ +said", r"lexicon: 2 words, 3 pronunciations, 8 phones"),
    "mfcc": (r"out +raw \((\d\d), 13\) float32, on disk: \1 frames", r"feats \(\d\d, 39\) float32"),
    "gmm": (r"ZERO +Z +\d\+\d\+\d", r"1 of 1 +1\.00"),
    "classifier": (r"3 on either side|1 on either side", r"ZERO +Z +\d\+\d\+\d"),
    "neural": (r"one row every 3 frames", r"% of the rows are blank"),
    "align": (r"ZERO +Z +0\.\d\d +\d+ ", r"classifier +4 of 4"),
    "decode": (r"REF: ZERO", r"the whole path: "),
    "lattice": (r"The oracle, the path nearest to the reference:",),
    "score": (r"WER +gmm +\d +1 ", r"free PER +neural "),
}


@pytest.mark.parametrize("stage", SHOWN)
def test_each_stage_can_be_looked_at_in_100_columns(finished: Place, tmp_path: Path, stage: str) -> None:
    place = finished.copy(tmp_path / "place")
    texts = []
    for _ in range(2):
        done = place.stage("show", "--stage", stage, "--systems", "gmm", "classifier", "neural")
        assert done.returncode == 0 and not done.stderr, done
        lines = done.stdout.splitlines()
        assert lines[0].startswith(f"ann-test0 (test): {stage}: ") and max(map(width_of, lines)) <= 100
        assert lines[-1].startswith(f"show: exp/toy/show/ann-test0.{stage}.txt")
        texts.append((place / f"exp/toy/show/ann-test0.{stage}.txt").read_text())
        assert done.stdout.startswith(texts[-1])
    assert texts[0] == texts[1]
    for pattern in SHOWN[stage]:
        assert re.search(pattern, texts[0]), (pattern, texts[0])


def test_train_can_be_looked_at_as_far_as_it_goes(finished: Place, tmp_path: Path) -> None:
    place = finished.copy(tmp_path / "place")
    for stage in ("data", "gmm", "align"):
        assert place.stage("show", "--stage", stage, "--utt", "bob-train1").stdout.startswith(
            f"bob-train1 (train): {stage}: "
        )
    listed = place.stage("show", "--stage=").stdout
    assert re.findall(r"^  (\w+) ", listed, re.M) == list(SHOWN)
