"""lhotse manifests through CORPUS_DIR."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
import soundfile
from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.kaldi import export_to_kaldi

from bring import RATE, noise
from bring.recordings import manifests
from lexicon.errors import UserError
from pipeline.corpora import own


@pytest.fixture
def flacs(tmp_path) -> tuple[list[Recording], list[SupervisionSegment]]:
    """Two utterances in each of six FLAC files, for which lhotse's export writes a pipe with ffmpeg."""
    recordings, supervisions = [], []
    for number in range(6):
        path = tmp_path / f"rec{number}.flac"
        soundfile.write(path, noise(2, number), RATE)
        recordings.append(Recording.from_file(path))
        supervisions += [
            SupervisionSegment(
                f"s{number}-{half}",
                f"rec{number}",
                start=half,
                duration=1 - half / 8,
                speaker=f"s{number}",
                text=f"half {half}",
            )
            for half in (0, 1)
        ]
    return recordings, supervisions


def test_no_pipe_is_needed_for_whole_files(flacs, tmp_path):
    manifests(tmp_path / "m", *flacs)
    export_to_kaldi(RecordingSet.from_recordings(flacs[0]), SupervisionSet.from_segments(flacs[1]), tmp_path / "export")
    assert "|" in (tmp_path / "export/wav.scp").read_text()
    with pytest.raises(UserError, match="never run, .*give the file itself.*rec0.flac"):
        own.prepare(tmp_path / "export")
    prepared, split, _ = own.prepare(tmp_path / "m")
    found = {u.id: u for members in prepared.sets.values() for u in members}
    assert split == "speaker" and len(found) == 12
    assert found["s3-1"].num_samples == 7000 and found["s3-1"].cut == (1, 1.875)
    assert found["s3-1"].wav == tmp_path / "rec3.flac" and found["s3-1"].words == ("HALF", "ONE")


def test_manifests_named_as_sets_are_the_sets(flacs, tmp_path):
    for index, name in enumerate(("train", "dev", "test")):
        manifests(
            tmp_path / "m", flacs[0][2 * index : 2 * index + 2], flacs[1][4 * index : 4 * index + 4], f"corpus_{name}_"
        )
    # lhotse's recipes name them corpus_recordings_train.jsonl.gz; here the set stands first. Both are understood.
    os.rename(tmp_path / "m/corpus_test_recordings.jsonl.gz", tmp_path / "m/corpus_recordings_test.jsonl.gz")
    os.rename(tmp_path / "m/corpus_test_supervisions.jsonl.gz", tmp_path / "m/corpus_supervisions_test.jsonl.gz")
    prepared, split, _ = own.prepare(tmp_path / "m")
    assert split == "given" and {u.id for u in prepared.sets["test"]} == {"s4-0", "s4-1", "s5-0", "s5-1"}


def rewrite(path: Path, change) -> None:
    lines = [json.loads(line) for line in gzip.open(path, "rt")]
    change(lines[0])
    with gzip.open(path, "wt") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize(
    "name,change,message",
    [
        (
            "recordings",
            lambda r: r["sources"][0].update(type="command", source="touch owned"),
            '"rec0" is command, not one file',
        ),
        ("recordings", lambda r: r["sources"][0].update(source="gone.flac"), "gone.flac: no such audio file"),
        ("recordings", lambda r: r["sources"][0].update(channels=[0, 1]), "has 2 channels"),
        ("supervisions", lambda s: s.pop("text"), 'supervision "s0-0" has no text'),
        ("supervisions", lambda s: s.pop("speaker"), 'supervision "s0-0" has no speaker'),
        ("supervisions", lambda s: s.pop("recording_id"), "lhotse cannot export it"),
    ],
)
def test_manifests_that_do_not_fit_are_refused_in_a_line(flacs, tmp_path, name, change, message):
    manifests(tmp_path / "m", *flacs)
    rewrite(tmp_path / f"m/{name}.jsonl.gz", change)
    with pytest.raises(UserError, match=message):
        own.prepare(tmp_path / "m")
    assert not (tmp_path / "owned").exists() and not Path("owned").exists()
