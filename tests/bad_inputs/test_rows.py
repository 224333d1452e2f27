"""Bad inputs at every stage: one line that names the file and the way out, exit status 1, nothing valid harmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.cluster import Cluster

from bad_inputs.place import PROJECT, Place, Runner, build, program
from bad_inputs.spoil import Row
from bad_inputs.table import ROWS

# What says when something was, or how many seconds it took; its other numbers stand in other files too.
TIMED = {"meta.json", "decode.json", "choice.txt", "compare.tsv", "compare.txt", "index.html", "events.out.tfevents"}
TIMED |= {"history.tsv", "runs.html"}


def test_any_number_of_jobs_makes_the_same_files(finished: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "place", finished.runner)
    other.root.mkdir()
    build(other, jobs=2)
    one, two = (
        {
            name: content.replace(bytes(place.root), b"") if isinstance(content, bytes) else content
            for name, content in place.snapshot().items()
        }
        for place in (finished, other)
    )
    assert list(one) == list(two)
    differing = {name.rpartition("/")[2] for name in one if one[name] != two[name] and not name.endswith(".made")}
    assert differing <= TIMED


SPREAD = (
    ("make_mfcc", "--data", "data/toy/test"),
    ("train_gmm",),
    ("align",),
    ("tune",),
    ("decode", "--lattice-beam", "1"),
    ("decode", "--model", "exp/toy/neural", "--lattice-beam", "1", "--out", "exp/toy/neural/decode_test"),
    ("place",),
)


def test_a_cluster_makes_the_same_files(finished: Place, tmp_path: Path) -> None:
    """Features, E steps, alignment, tuning and decoding, by processes that are none of the stage's."""
    there = Cluster(tmp_path / "cluster", workers=2)
    runner = Runner(PHONOSCOPE_CLUSTER=there.address)
    try:
        place = Place(finished.copy(tmp_path / "place").root, runner)
        for stage, *options in SPREAD:
            done = place.stage(stage, *options, "--jobs", "2")
            assert done.returncode == 0 and not done.stderr, (stage, done)
    finally:
        runner.close()
        there.close()
    before, after = finished.snapshot(), place.snapshot()
    assert after.keys() <= before.keys()  # what other stages wrote beside a decode went with it
    differing = {name.rpartition("/")[2] for name in after if before[name] != after[name]}
    assert {name for name in differing if not name.endswith(".made")} <= TIMED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.stage}: {row.bad}")
def test_a_bad_input_ends_in_one_line_and_harms_nothing(finished: Place, tmp_path: Path, row: Row) -> None:
    place = finished.copy(tmp_path / "place")
    if row.spoil:
        row.spoil(place)
    before = place.snapshot()
    done = place.runner.run(place.root, row.stage, row.options())
    assert done.returncode == 1, done
    assert done.stderr.startswith(f"{program(row.stage)}: ") and done.stderr.count("\n") == 1, done.stderr
    for says in row.says:
        assert says in done.stderr
    assert len(done.stderr) < 1200 and done.stderr[:-1].isprintable()
    after = place.snapshot()
    changed = {
        name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
        # The record goes first of all; which utterances are too short, and of what recording, is written early.
        and not name.endswith((".made", "/short.txt", "/recording.txt"))
    }
    assert changed <= set(row.changed)


OF_THE_MAKEFILE = {"clean", "intact"}  # they are given its own names; see test_made.py


def test_the_table_is_about_every_stage() -> None:
    stages = (
        {path.stem for path in (PROJECT / "stages").glob("*.py")}
        - {"__init__", "common", "lock", "made", "own_systems", "search_options", "training_options"}
        - OF_THE_MAKEFILE
    )
    assert {program(row.stage) for row in ROWS} == stages
    assert len(ROWS) >= 60 and len({(row.stage, row.bad) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("stage", ["make_lang", "make_mfcc"])
def test_a_transcript_of_a_million_words_is_no_trouble(finished: Place, tmp_path: Path, stage: str) -> None:
    place = finished.copy(tmp_path / "place")
    text = place / "data/toy/dev/text"
    text.write_text(text.read_text().replace("ZERO", "ZERO " * 1_000_000, 1))
    done = place.stage(stage)
    assert done.returncode == 0 and not done.stderr, done
