"""make check on many faults at once, on folders of sets, and as a stage."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pipeline.datadir.repair import repair

PROJECT = Path(__file__).resolve().parents[1]


def test_everything_at_once(intact):
    """Many faults are all listed, with the lines they are on; one repair, and what is left is what it cannot know."""
    intact["text"] = (
        "\ufeffbob-1\tYES\r\nzoe-1 NO\r\nann-1 HELLO WORLD\r\n\r\nann-2 A\r\nann-2 B\r\nann-1 HELLO WORLD\r\n"
    )
    (intact.path / "spk2utt").unlink()
    intact["utt2num_samples"] = "ann-1 1\nann-2 4800\n"
    intact.edit("wav.scp", "bob-1.wav", "robert.wav")
    errors = intact.errors()
    assert [e.split(": ")[0] for e in errors] == [
        "text:4",
        "text:6",
        "text:7",
        "text:3",
        "text:2",
        "wav.scp:3",
        "wav.scp:3",
        "utt2num_samples:1",
    ]
    assert len(repair(intact.path)) == 4  # text twice, spk2utt, utt2num_samples
    assert intact["text"] == "ann-1 HELLO WORLD\nann-2 A\nann-2 B\nbob-1 YES\n"
    left = intact.errors()
    assert len(left) == 3 and 'duplicate id "ann-2"' in left[0] and "robert.wav" in left[2] and "no length" in left[1]


def check(*options: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "stages.check", *map(str, options)], cwd=PROJECT, text=True, capture_output=True
    )


def test_the_stage_lists_all_exits_1_mends_and_exits_0(intact):
    intact["text"] = "bob-1 YES\nann-1 HELLO\nann-2 WORLD\n"
    intact["utt2num_samples"] = "ann-1 4000\nann-2 1\nbob-1 2\n"
    done = check(intact.path)
    assert done.returncode == 1 and done.stdout.count("error: ") == 3
    assert done.stderr == (
        f"check: {intact.path}: 3 errors, 0 remarks; mend them, or let be mended what can be: "
        f"make check DIR={intact.path} FIX=yes\n"
    )
    done = check("--fix", intact.path)
    assert done.returncode == 0, done.stderr
    assert f"mended: {intact.path}/text: sorted\n" in done.stdout and "utterances             3" in done.stdout
    assert done.stdout.endswith(f"check: {intact.path}: 0 errors, 0 remarks\n")
    assert (intact.path / ".backup/text").read_text().startswith("bob-1")


def test_a_directory_of_ours_must_have_what_our_stages_read(intact):
    for name in ("utt2num_samples", "spk2utt"):
        (intact.path / name).unlink()
    assert intact.errors() == [] and len(intact.remarks()) == 2  # Kaldi's recipes leave the first out, lhotse both
    (intact.path.parent / "splits.json").write_text('{"sample_rate": 16000}')
    assert [e.split(": ")[:2] for e in intact.errors()] == [
        ["utt2num_samples", "no such file; make it or correct the path"],
        ["spk2utt", "no such file; make it or correct the path"],
    ]
    repair(intact.path)
    assert intact.errors() == [] and intact["utt2num_samples"] == "ann-1 8000\nann-2 9600\nbob-1 11200\n"  # at 16 kHz


def test_a_folder_of_sets_is_checked_whole(intact):
    shutil.copytree(intact.path, intact.path.parent / "test")
    (intact.path.parent / "test/text").write_text("ann-1 A\n")
    done = check(intact.path.parent)
    assert done.returncode == 1 and done.stdout.count(f"error: {intact.path.parent}/test/wav.scp:") == 2
    assert "train" in done.stdout.splitlines()[2]  # the survey of the one that is intact
    assert "no data directory" in check(intact.path.parent / "nothing").stderr
