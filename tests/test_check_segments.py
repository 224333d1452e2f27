"""make check: faults of segments, and pipes, which it never runs."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from helpers.directories import RATE, noise

from pipeline.datadir.repair import repair


@pytest.mark.parametrize(
    "old,new,expected,mendable",
    [
        (
            "bob-1 tape 1.1 1.8",
            "bob-1 tape 1.1 2.4",
            ['segments:3: "bob-1" ends at 2.4 s, 0.60 s beyond the end'],
            True,
        ),
        (
            "bob-1 tape 1.1 1.8",
            "bob-1 tape 1.9 2.4",
            [
                'segments:3: "bob-1" ends at 2.4 s, 0.60 s beyond the end',
                'segments:3: "bob-1": 0 samples, shorter than one',
                'utt2num_samples:3: "bob-1": 5600 samples, but the audio has 0',
            ],
            False,
        ),
        ("bob-1 tape", "bob-1 disc", ['segments:3: recording "disc" is not in wav.scp'], False),
        ("bob-1 tape 1.1 1.8", "bob-1 disc 1.1 -1", ['segments:3: recording "disc" is not in wav.scp'], False),
        ("bob-1 tape 1.1 1.8", "bob-1 tape one two", ['segments:3: "tape one two" is not a recording'], False),
        (
            "ann-1 tape 0 0.5\n",
            "",
            [
                'text:1: "ann-1": transcript without audio',
                'utt2spk:1: "ann-1": speaker of an utterance without',
                'utt2num_samples:1: "ann-1": length of',
                'phones.ctm:1: "ann-1" has no',
                'phones.ctm:2: "ann-1" has no',
            ],
            True,
        ),
    ],
)
def test_faults_of_segments(segmented, old, new, expected, mendable):
    segmented.edit("segments", old, new)
    errors = segmented.errors()
    assert len(errors) == len(expected) and all(e.startswith(x) for e, x in zip(errors, expected)), errors
    repair(segmented.path)
    assert (segmented.errors() == []) == mendable
    if new.endswith("2.4") and mendable:
        assert segmented["segments"].endswith("bob-1 tape 1.1 1.8\n")


def test_a_segment_to_the_end_of_a_recording_that_cannot_be_read(segmented):
    segmented.edit("segments", "1.1 1.8", "1.1 -1")
    segmented["wav.scp"] = "tape cat tape.mp3 | play |\n"
    (error,) = segmented.errors()
    assert error.startswith('wav.scp:1: "cat tape.mp3 | play |" is a pipe')


def test_lines_are_not_lost_with_the_segments_of_an_utterance_that_has_a_file(segmented):
    """An id which segments lack and wav.scp has: there is audio, so its words stay, and it stays listed."""
    segmented.edit("wav.scp", "tape", "ann-1 " + str(segmented.path.parent / "ann-1.wav") + "\ntape")
    segmented.edit("segments", "ann-1 tape 0 0.5\n", "")
    repair(segmented.path)
    assert "ann-1 HELLO WORLD" in segmented["text"] and any(
        '"ann-1": transcript without audio' in e for e in segmented.errors()
    )


def test_pipes_that_only_decode_become_files_and_no_command_is_run(intact):
    """flac and sph2pipe as Kaldi's recipes write them, ffmpeg as lhotse does; everything else stays listed."""
    folder, victim = intact.path.parent, intact.path.parent / "owned"
    soundfile.write(folder / "ann-1.flac", noise(4000), RATE)
    soundfile.write(folder / "ann-2.flac", noise(4800), RATE)
    intact["wav.scp"] = (
        f"ann-1 flac -c -d -s {folder}/ann-1.flac |\n"
        f"ann-2 ffmpeg -threads 1 -i {folder}/ann-2.flac -ar 8000 -map_channel 0.0.0  -f wav -threads 1 pipe:1 |\n"
        f"bob-1 sox {folder}/bob-1.wav -t wav - trim 0 1; touch {victim} |\n"
    )
    assert ["commands of a data directory are never run" in error for error in intact.errors()] == [True] * 3
    repair(intact.path)
    assert intact["wav.scp"].splitlines()[:2] == [f"ann-1 {folder}/ann-1.flac", f"ann-2 {folder}/ann-2.flac"]
    (left,) = intact.errors()
    assert "is a pipe" in left and left.endswith("run it once and give the file it writes") and not victim.exists()


def test_a_stereo_file_is_not_put_for_one_of_its_channels(intact):
    soundfile.write(intact.path.parent / "two.flac", np.stack([noise(4000), -noise(4000)], axis=1), RATE)
    intact.edit(
        "wav.scp", f"{intact.path.parent}/ann-1.wav", f"sph2pipe -f wav -p -c 1 {intact.path.parent}/two.flac |"
    )
    before = intact["wav.scp"]
    repair(intact.path)
    assert intact["wav.scp"] == before
