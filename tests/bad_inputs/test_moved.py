"""Experiments that are moved or copied, features that were interrupted, and utterances that are left out."""

from __future__ import annotations

import shutil
from pathlib import Path

from bad_inputs.place import COMMANDS, Place


def renamed(options: str) -> list[str]:
    return options.replace("data/toy", "d/c").replace("exp/toy", "e/x").split()


def test_folders_that_are_moved_or_copied_need_nothing_of_where_they_were(finished: Place, tmp_path: Path) -> None:
    """The project goes elsewhere, and in it data/ and exp/ to other names."""
    place = finished.copy(tmp_path / "place")
    for old, new in (("data/toy", "d/c"), ("exp/toy", "e/x")):
        (place / new).parent.mkdir()
        (place / old).rename(place / new)
    for stage, *more in (
        ("tune", "--model", "e/x/classifier", "--out", "e/x/classifier"),
        ("score",),
        ("boundaries",),
        ("compare",),
        ("report",),
        ("explain_errors",),
        ("train_classifier",),
        ("align",),
        ("show", "--stage", "classifier"),
        ("check", "d/c/dev"),
        ("lattice_difference",),
        ("transcribe",),
    ):
        command = [] if stage == "check" else renamed(COMMANDS[stage])
        done = place.runner.run(place.root, stage, [*command, *more])
        assert done.returncode == 0 and not done.stderr, (stage, done)
    paths = str(finished.root).encode()
    assert not [
        name
        for name, content in place.snapshot().items()
        if isinstance(content, bytes) and paths in content and not name.startswith("corpus")
    ]
    rates = [
        [line.split("\t")[:10] for line in (root / name / "compare.tsv").read_text().splitlines()]
        for root, name in ((finished.root, "exp/toy"), (place.root, "e/x"))
    ]
    assert rates[0] == rates[1]


def test_features_that_were_interrupted_are_no_target(finished: Place, tmp_path: Path) -> None:
    """On a disk that is full before all is written."""
    place = finished.copy(tmp_path / "place")
    feats, before = place / "data/toy/dev", place.snapshot()
    size = (feats / "feats.ark").stat().st_size // 2
    done = place.stage("make_mfcc", "--allow-missing", "1", file_size=size)
    assert done.returncode == 1 and "feats.ark: File too large" in done.stderr, done
    del before["data/toy/dev/feats.scp.made"]  # so make runs it again
    assert place.snapshot() == before
    (feats / "feats.crc").unlink()  # and where it fails behind the archive: the index is gone, so make makes it again
    (feats / "feats.crc").mkdir()
    done = place.stage("make_mfcc", "--allow-missing", "1")
    assert done.returncode == 1 and not (feats / "feats.scp").exists(), done
    (feats / "feats.crc").rmdir()
    assert place.stage("make_mfcc", "--allow-missing", "1").returncode == 0
    assert place.stage("tune").returncode == 0


def test_utterances_that_mfcc_was_told_to_miss_miss_everywhere(finished: Place, tmp_path: Path) -> None:
    place = finished.copy(tmp_path / "place")
    (place / "corpus/test/bob/test1.wav").write_bytes(b"RIFF")
    test = ("--data", "data/toy/test")
    assert "1 unreadable" in place.stage("make_mfcc", *test, "--allow-missing", "1").stdout
    assert "reference.txt: 1 utterances are none of this set's 5" in place.stage("score").stderr
    for stage, *more in (("align", *test, "--out", "exp/toy/gmm/ali_test"), ("decode",), ("score",), ("place",)):
        done = place.stage(stage, *more)
        assert done.returncode == 0, (stage, done)
    assert (
        "boundaries: exp/toy/classifier/ali_test/alignment.json: 1 utterances are none"
        in place.stage("boundaries").stderr
    )
    done, gmm = place.stage("place", "--model", "exp/toy/classifier", "--out", "exp/toy/classifier/ali_test"), "gmm"
    assert done.returncode == place.stage("boundaries", "--systems", gmm).returncode == 0
    assert "rescored/gmm/hyp.txt: 1 utterances are none" in place.stage("compare", "--systems", gmm).stderr
    shutil.rmtree(place / "exp/toy/rescored")
    assert "1 systems on 5 utterances" in place.stage("compare", "--systems", gmm).stdout
