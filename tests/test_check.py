"""make check: each fault put into an intact data directory is found, named with its line, and mended if possible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.directories import LENGTHS, RATE, Directory, noise

from pipeline.datadir import read_datadir
from pipeline.datadir.check import num_frames
from pipeline.datadir.repair import repair
from pipeline.sound.mfcc import mfcc


def test_intact_directories_have_no_problems(intact, tmp_path):
    intact.features()
    assert intact.errors() == [] and intact.remarks() == []
    (tmp_path / "other").mkdir()
    other = Directory(tmp_path / "other", segments=True)
    assert other.errors() == [] and other.remarks() == [] and repair(other.path) == []
    assert repair(intact.path) == [] and not list(intact.path.glob(".backup*"))


@pytest.mark.parametrize("samples", [199, 200, 279, 280, 281, 3456])
def test_frames_are_counted_as_they_are_made(samples):
    assert num_frames(samples, RATE) == len(mfcc(noise(samples), RATE))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


# What is done to the directory; the errors it must give, all of them; whether repair leaves none.
FAULTS = {
    "byte order mark": (lambda d: d.edit("text", "ann-1", "\ufeffann-1"), [], True),
    "carriage returns": (lambda d: d.edit("text", "\n", "\r\n"), [], True),
    "NUL": (lambda d: d.edit("text", "HELLO", "HEL\0LO"), ["text:1: a control character (U+0000)"], True),
    "tab": (lambda d: d.edit("utt2spk", "ann-1 ", "ann-1\t"), [], True),
    "no-break space": (lambda d: d.edit("text", "HELLO WORLD", "HELLO\u00a0WORLD"), [], True),
    "empty line": (
        lambda d: d.edit("text", "bob-1", "\n  \nbob-1"),
        ["text:3: an empty line", "text:4: an empty line"],
        True,
    ),
    "no last newline": (lambda d: d.edit("text", "YES\n", "YES"), [], True),
    "UTF-16": (lambda d: d.__setitem__("text", d["text"].encode("utf-16")), ["text:1: UTF-16"], True),
    "Latin-1": (lambda d: d.__setitem__("text", d["text"].encode("latin-1")), ["text:2: b'ann-2 GR\\xdcSS"], False),
    "old Mac": (lambda d: d.edit("utt2spk", "\n", "\r"), ["utt2spk:1: a control character (U+000D)"], True),
    "double line": (
        lambda d: d.edit("text", "ann-2 GRÜSS GOTT\n", "ann-2 GRÜSS GOTT\nann-2 GRÜSS GOTT\n"),
        ['text:3: duplicate id "ann-2", first on line 2, which says the same'],
        True,
    ),
    "conflicting lines": (
        lambda d: d.edit("text", "bob-1 YES\n", "bob-1 NO\nbob-1 YES\n"),
        ['text:4: duplicate id "bob-1", first on line 3, which says something else'],
        False,
    ),
    "unsorted": (
        lambda d: d.__setitem__("text", "bob-1 YES\nann-2 B\nann-1 A\n"),
        ['text:2: "ann-2" after "bob-1" is not sorted (2 such lines)'],
        True,
    ),
    "no words": (lambda d: d.edit("text", "bob-1 YES", "bob-1"), ['text:3: "bob-1" without a transcript'], False),
    "transcript without audio": (
        lambda d: d.edit("text", "bob-1 YES\n", "bob-1 YES\nzoe-1 NO\n"),
        ['text:4: "zoe-1": transcript without audio'],
        True,
    ),
    "audio without transcript": (
        lambda d: d.edit("text", "ann-1 HELLO WORLD\n", ""),
        ['wav.scp:1: "ann-1": audio without transcript'],
        False,
    ),
    "no speaker": (
        lambda d: d.edit("utt2spk", "ann-2 ann\n", ""),
        ['wav.scp:2: "ann-2": no speaker', 'spk2utt:1: utterances of "ann" differ'],
        True,
    ),
    "no utt2spk": (lambda d: (d.path / "utt2spk").unlink(), ["utt2spk: no such file"], True),
    "two speakers": (
        lambda d: d.edit("utt2spk", "ann-2 ann", "ann-2 ann bob"),
        [
            'utt2spk:2: "ann bob" is not one speaker',
            'spk2utt:1: utterances of "ann" differ',
            'utt2spk:2: speaker "ann bob" is not in spk2utt',
        ],
        False,
    ),
    "wrong spk2utt": (
        lambda d: d.edit("spk2utt", "bob bob-1\n", ""),
        ['utt2spk:3: speaker "bob" is not in spk2utt'],
        True,
    ),
    "wrong length": (
        lambda d: d.edit("utt2num_samples", "4800", "4801"),
        ['utt2num_samples:2: "ann-2": 4801 samples, but the audio has 4800 at 8000 Hz'],
        True,
    ),
    "no length": (lambda d: d.edit("utt2num_samples", "ann-2 4800\n", ""), ['wav.scp:2: "ann-2": no length'], True),
    "length that is none": (
        lambda d: d.edit("utt2num_samples", "4800", "-4800"),
        ['utt2num_samples:2: "-4800" is not a number of samples'],
        True,
    ),
    "audio missing": (lambda d: (d.path.parent / "ann-1.wav").unlink(), ["wav.scp:1: "], False),
    "audio cut short": (lambda d: truncate(d.path.parent / "ann-1.wav"), ["wav.scp:1: "], False),
    "audio without samples": (
        lambda d: soundfile.write(d.path.parent / "ann-1.wav", np.zeros(0), RATE),
        ["wav.scp:1: "],
        False,
    ),
    "audio too short": (
        lambda d: soundfile.write(d.path.parent / "ann-1.wav", np.zeros(199), RATE),
        [
            'wav.scp:1: "ann-1": 199 samples, shorter than one 25 ms frame',
            'utt2num_samples:1: "ann-1": 4000 samples, but the audio has 199',
            'phones.ctm:1: "HH" ends at 0.25 s, "ann-1" at 0.024875 s',
            'phones.ctm:2: "AH" ends at 0.5 s, "ann-1" at 0.024875 s',
        ],
        False,
    ),
    "id that is a path": (
        lambda d: [
            d.edit(n, "ann-1 ", "../ann-1 ")
            for n in ("wav.scp", "text", "utt2spk", "utt2num_samples", "spk2utt", "phones.ctm")
        ],
        ['wav.scp:1: "../ann-1" would lead to another folder'],
        False,
    ),
    "gold beyond the end": (
        lambda d: d.edit("phones.ctm", "0.25 0.25 AH", "0.25 1.25 AH"),
        ['phones.ctm:2: "AH" ends at 1.5 s, "ann-1" at 0.5 s'],
        False,
    ),
    "gold of nobody": (
        lambda d: d.edit("phones.ctm", "ann-1 1 0.25", "zoe-1 1 0.25"),
        ['phones.ctm:2: "zoe-1" has no audio'],
        True,
    ),
    "gold that is none": (lambda d: d.edit("phones.ctm", "0.0 0.25", "0.0 never"), ["phones.ctm:1: "], False),
    "NaN features": (
        lambda d: d.features(ann_2=np.full((58, 39), np.nan, np.float32)),
        ['feats.scp:2: features of "ann-2": 58 of 58 frames hold NaN or infinity'],
        True,
    ),
    "frames too few": (
        lambda d: d.features(bob_1=np.ones((10, 39), np.float32)),
        ['feats.scp:3: features of "bob-1": 10 frames, but the audio has 68'],
        True,
    ),
    "other dimension": (
        lambda d: d.features(bob_1=np.ones((68, 13), np.float32)),
        ['feats.scp:3: features of "bob-1": 13 dimensions; "ann-1" has 39'],
        True,
    ),
    "features of nobody": (
        lambda d: d.features(zoe_1=np.ones((10, 39), np.float32)),
        ['feats.scp:4: features of "zoe-1", which has no audio'],
        True,
    ),
    "features gone": (
        lambda d: (d.features(), (d.path / "feats.ark").unlink()),
        ["feats.scp:1: ", "feats.scp:2: ", "feats.scp:3: "],
        True,
    ),
    "features from a command": (
        lambda d: (d.features(), d.edit("feats.scp", f"{d.path}/feats.ark:6", "touch /tmp/x |")),
        ['feats.scp:1: "touch /tmp/x |" is not'],
        True,
    ),
    "length of 5000 digits": (
        lambda d: d.edit("utt2num_samples", "4800", "9" * 5000),
        ['utt2num_samples:2: "999'],
        True,
    ),
    "superscript length": (
        lambda d: d.edit("utt2num_samples", "4800", "4²"),
        ['utt2num_samples:2: "4²" is not a'],
        True,
    ),
    "other tables": (
        lambda d: (d.__setitem__("utt2dur", "ann-1 0.5\nzoe-1 nan\n"), d.__setitem__("spk2gender", "bob m\nann f\n")),
        ['utt2dur:2: "zoe-1" is no utterance', 'spk2gender:2: "ann" after "bob" is not sorted'],
        True,
    ),
    "duration that is none": (
        lambda d: d.__setitem__("utt2dur", "ann-1 long\n"),
        ['utt2dur:1: "long" is not a duration'],
        False,
    ),
}
# The lines that report them; a fault may have none, being put up with and remarked upon.
REMARKED = {
    "byte order mark",
    "carriage returns",
    "tab",
    "no-break space",
    "no last newline",
    "old Mac",
    "id that is a path",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_listed_and_mended_where_that_loses_nothing(intact, fault):
    spoil, expected, mendable = FAULTS[fault]
    before = {path.name: path.read_bytes() for path in intact.path.iterdir()}
    spoil(intact)
    spoilt = {path.name: path.read_bytes() for path in intact.path.iterdir()}
    errors = intact.errors()
    assert len(errors) == len(expected) and all(e.startswith(x) for e, x in zip(errors, expected)), errors
    assert all("; " in error and "\n" not in error for error in errors)
    assert bool(intact.remarks()) == (fault in REMARKED), intact.remarks()

    done = repair(intact.path)
    left = intact.errors()
    if mendable:
        assert done and left == []
        assert {u.id for u in read_datadir(intact.path)} == set(LENGTHS)
    else:
        assert left and set(left) <= set(errors)  # still listed
    if (
        mendable
        and "feat" not in fault
        and fault
        not in (
            "frames too few",
            "other dimension",
            "unsorted",
            "no utt2spk",
            "no speaker",
            "gold of nobody",
            "other tables",
        )
    ):
        assert {name: intact[name].encode() for name in before} == before  # as it was
    for kept in intact.path.glob(".backup/*"):
        assert kept.read_bytes() == spoilt[kept.name]
    assert all(
        (intact.path / ".backup" / line.split(": ")[0].split("/")[-1]).exists()
        for line in done
        if line.split(": ")[0].split("/")[-1] in spoilt
    )
    assert repair(intact.path) == []  # what could be done is done


def test_speakers_that_do_not_begin_ids_and_files_of_two_are_remarks(intact):
    intact.edit("utt2spk", "bob-1 bob", "bob-1 robert")
    intact["spk2utt"] = "ann ann-1 ann-2\nrobert bob-1\n"
    intact.edit("wav.scp", "ann-2.wav", "ann-1.wav")
    intact.edit("utt2num_samples", "4800", "4000")
    intact["notes.txt"] = "anything"
    assert intact.errors() == []
    remarks = intact.remarks()
    assert len(remarks) == 3 and 'utt2spk:3: speaker "robert" does not begin the id "bob-1"' in remarks[0]
    assert 'wav.scp:2: "ann-2" has the file of "ann-1"' in remarks[1] and "not looked at: notes.txt" in remarks[2]
