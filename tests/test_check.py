"""make check: each fault put into a sound data directory is found, named with its line, and mended where it can be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.base.archive import write_archive
from pipeline.datadir import read_datadir
from pipeline.datadir.check import Check, num_frames
from pipeline.datadir.repair import repair
from pipeline.sound.mfcc import mfcc

PROJECT = Path(__file__).resolve().parents[1]
RATE = 8000
LENGTHS = {"ann-1": 4000, "ann-2": 4800, "bob-1": 5600}
ENDS = {"ann-1": 0.5, "ann-2": 1.1, "bob-1": 1.8}  # the same as stretches of one recording


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)


class Directory:
    """A data directory whose tables are texts to be changed; paths are below `folder`."""

    def __init__(self, folder: Path, segments: bool = False) -> None:
        self.path = folder / "train"
        self.path.mkdir()
        for name, length in LENGTHS.items():
            soundfile.write(folder / f"{name}.wav", noise(length), RATE)
        soundfile.write(folder / "tape.wav", noise(sum(LENGTHS.values())), RATE)
        if segments:
            self["wav.scp"] = f"tape {folder}/tape.wav\n"
            starts = dict(zip(LENGTHS, [0, *ENDS.values()]))
            self["segments"] = "".join(f"{u} tape {starts[u]} {end}\n" for u, end in ENDS.items())
        else:
            self["wav.scp"] = "".join(f"{u} {folder}/{u}.wav\n" for u in LENGTHS)
        self["text"] = "ann-1 HELLO WORLD\nann-2 GRÜSS GOTT\nbob-1 YES\n"
        self["utt2spk"] = "ann-1 ann\nann-2 ann\nbob-1 bob\n"
        self["spk2utt"] = "ann ann-1 ann-2\nbob bob-1\n"
        self["utt2num_samples"] = "".join(f"{u} {n}\n" for u, n in LENGTHS.items())
        self["phones.ctm"] = "ann-1 1 0.0 0.25 HH\nann-1 1 0.25 0.25 AH\n"

    def __getitem__(self, name: str) -> str:
        return (self.path / name).read_bytes().decode()

    def __setitem__(self, name: str, text: str | bytes) -> None:
        (self.path / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    def edit(self, name: str, old: str, new: str) -> None:
        assert old in self[name]
        self[name] = self[name].replace(old, new)

    def features(self, **changed: np.ndarray | None) -> None:
        """Features of the audio, as our stage leaves them, with some changed."""
        feats = {u: np.ones((num_frames(n, RATE), 39), np.float32) for u, n in LENGTHS.items()}
        feats |= {name.replace("_", "-"): value for name, value in changed.items()}
        write_archive(self.path / "feats.scp", [(u, m) for u, m in sorted(feats.items()) if m is not None])
        self["feats.json"] = "{}"

    def errors(self) -> list[str]:
        return [str(p).replace(f"{self.path}/", "") for p in Check(self.path).problems() if not p.remark]

    def remarks(self) -> list[str]:
        return [str(p).replace(f"{self.path}/", "") for p in Check(self.path).problems() if p.remark]


@pytest.fixture
def sound(tmp_path) -> Directory:
    return Directory(tmp_path)


@pytest.fixture
def cuts(tmp_path) -> Directory:
    return Directory(tmp_path, segments=True)


def test_sound_directories_have_no_problems(sound, tmp_path):
    sound.features()
    assert sound.errors() == [] and sound.remarks() == []
    (tmp_path / "other").mkdir()
    other = Directory(tmp_path / "other", segments=True)
    assert other.errors() == [] and other.remarks() == [] and repair(other.path) == []
    assert repair(sound.path) == [] and not list(sound.path.glob(".backup*"))


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
def test_every_fault_is_listed_and_mended_where_that_loses_nothing(sound, fault):
    spoil, expected, mendable = FAULTS[fault]
    before = {path.name: path.read_bytes() for path in sound.path.iterdir()}
    spoil(sound)
    spoilt = {path.name: path.read_bytes() for path in sound.path.iterdir()}
    errors = sound.errors()
    assert len(errors) == len(expected) and all(e.startswith(x) for e, x in zip(errors, expected)), errors
    assert all("; " in error and "\n" not in error for error in errors)
    assert bool(sound.remarks()) == (fault in REMARKED), sound.remarks()

    done = repair(sound.path)
    left = sound.errors()
    if mendable:
        assert done and left == []
        assert {u.id for u in read_datadir(sound.path)} == set(LENGTHS)
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
        assert {name: sound[name].encode() for name in before} == before  # as it was
    for kept in sound.path.glob(".backup/*"):
        assert kept.read_bytes() == spoilt[kept.name]
    assert all(
        (sound.path / ".backup" / line.split(": ")[0].split("/")[-1]).exists()
        for line in done
        if line.split(": ")[0].split("/")[-1] in spoilt
    )
    assert repair(sound.path) == []  # what could be done is done


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
def test_faults_of_segments(cuts, old, new, expected, mendable):
    cuts.edit("segments", old, new)
    errors = cuts.errors()
    assert len(errors) == len(expected) and all(e.startswith(x) for e, x in zip(errors, expected)), errors
    repair(cuts.path)
    assert (cuts.errors() == []) == mendable
    if new.endswith("2.4") and mendable:
        assert cuts["segments"].endswith("bob-1 tape 1.1 1.8\n")


def test_a_segment_to_the_end_of_a_recording_that_cannot_be_read(cuts):
    cuts.edit("segments", "1.1 1.8", "1.1 -1")
    cuts["wav.scp"] = "tape cat tape.mp3 | play |\n"
    (error,) = cuts.errors()
    assert error.startswith('wav.scp:1: "cat tape.mp3 | play |" is a pipe')


def test_lines_are_not_lost_with_the_segments_of_an_utterance_that_has_a_file(cuts):
    """An id which segments lack and wav.scp has: there is audio, so its words stay, and it stays listed."""
    cuts.edit("wav.scp", "tape", "ann-1 " + str(cuts.path.parent / "ann-1.wav") + "\ntape")
    cuts.edit("segments", "ann-1 tape 0 0.5\n", "")
    repair(cuts.path)
    assert "ann-1 HELLO WORLD" in cuts["text"] and any('"ann-1": transcript without audio' in e for e in cuts.errors())


def test_speakers_that_do_not_begin_ids_and_files_of_two_are_remarks(sound):
    sound.edit("utt2spk", "bob-1 bob", "bob-1 robert")
    sound["spk2utt"] = "ann ann-1 ann-2\nrobert bob-1\n"
    sound.edit("wav.scp", "ann-2.wav", "ann-1.wav")
    sound.edit("utt2num_samples", "4800", "4000")
    sound["notes.txt"] = "anything"
    assert sound.errors() == []
    remarks = sound.remarks()
    assert len(remarks) == 3 and 'utt2spk:3: speaker "robert" does not begin the id "bob-1"' in remarks[0]
    assert 'wav.scp:2: "ann-2" has the file of "ann-1"' in remarks[1] and "not looked at: notes.txt" in remarks[2]


def test_pipes_that_only_decode_become_files_and_no_command_is_run(sound):
    """flac and sph2pipe as Kaldi's recipes write them, ffmpeg as lhotse does; everything else stays listed."""
    folder, victim = sound.path.parent, sound.path.parent / "owned"
    soundfile.write(folder / "ann-1.flac", noise(4000), RATE)
    soundfile.write(folder / "ann-2.flac", noise(4800), RATE)
    sound["wav.scp"] = (
        f"ann-1 flac -c -d -s {folder}/ann-1.flac |\n"
        f"ann-2 ffmpeg -threads 1 -i {folder}/ann-2.flac -ar 8000 -map_channel 0.0.0  -f wav -threads 1 pipe:1 |\n"
        f"bob-1 sox {folder}/bob-1.wav -t wav - trim 0 1; touch {victim} |\n"
    )
    assert ["commands of a data directory are never run" in error for error in sound.errors()] == [True] * 3
    repair(sound.path)
    assert sound["wav.scp"].splitlines()[:2] == [f"ann-1 {folder}/ann-1.flac", f"ann-2 {folder}/ann-2.flac"]
    (left,) = sound.errors()
    assert "is a pipe" in left and left.endswith("run it once and give the file it writes") and not victim.exists()


def test_a_stereo_file_is_not_put_for_one_of_its_channels(sound):
    soundfile.write(sound.path.parent / "two.flac", np.stack([noise(4000), -noise(4000)], axis=1), RATE)
    sound.edit("wav.scp", f"{sound.path.parent}/ann-1.wav", f"sph2pipe -f wav -p -c 1 {sound.path.parent}/two.flac |")
    before = sound["wav.scp"]
    repair(sound.path)
    assert sound["wav.scp"] == before


def test_everything_at_once(sound):
    """Many faults are all listed, with the lines they are on; one repair, and what is left is what it cannot know."""
    sound["text"] = (
        "\ufeffbob-1\tYES\r\nzoe-1 NO\r\nann-1 HELLO WORLD\r\n\r\nann-2 A\r\nann-2 B\r\nann-1 HELLO WORLD\r\n"
    )
    (sound.path / "spk2utt").unlink()
    sound["utt2num_samples"] = "ann-1 1\nann-2 4800\n"
    sound.edit("wav.scp", "bob-1.wav", "robert.wav")
    errors = sound.errors()
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
    assert len(repair(sound.path)) == 4  # text twice, spk2utt, utt2num_samples
    assert sound["text"] == "ann-1 HELLO WORLD\nann-2 A\nann-2 B\nbob-1 YES\n"
    left = sound.errors()
    assert len(left) == 3 and 'duplicate id "ann-2"' in left[0] and "robert.wav" in left[2] and "no length" in left[1]


def check(*options: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "stages.check", *map(str, options)], cwd=PROJECT, text=True, capture_output=True
    )


def test_the_stage_lists_all_exits_1_mends_and_exits_0(sound):
    sound["text"] = "bob-1 YES\nann-1 HELLO\nann-2 WORLD\n"
    sound["utt2num_samples"] = "ann-1 4000\nann-2 1\nbob-1 2\n"
    done = check(sound.path)
    assert done.returncode == 1 and done.stdout.count("error: ") == 3
    assert done.stderr == (
        f"check: {sound.path}: 3 errors, 0 remarks; mend them, or let be mended what can be: "
        f"make check DIR={sound.path} FIX=yes\n"
    )
    done = check("--fix", sound.path)
    assert done.returncode == 0, done.stderr
    assert f"mended: {sound.path}/text: sorted\n" in done.stdout and "utterances             3" in done.stdout
    assert done.stdout.endswith(f"check: {sound.path}: 0 errors, 0 remarks\n")
    assert (sound.path / ".backup/text").read_text().startswith("bob-1")


def test_a_directory_of_ours_must_have_what_our_stages_read(sound):
    for name in ("utt2num_samples", "spk2utt"):
        (sound.path / name).unlink()
    assert sound.errors() == [] and len(sound.remarks()) == 2  # Kaldi's recipes leave the first out, lhotse both
    (sound.path.parent / "splits.json").write_text('{"sample_rate": 16000}')
    assert [e.split(": ")[:2] for e in sound.errors()] == [
        ["utt2num_samples", "no such file; make it or correct the path"],
        ["spk2utt", "no such file; make it or correct the path"],
    ]
    repair(sound.path)
    assert sound.errors() == [] and sound["utt2num_samples"] == "ann-1 8000\nann-2 9600\nbob-1 11200\n"  # at 16 kHz


def test_a_folder_of_sets_is_checked_whole(sound):
    shutil.copytree(sound.path, sound.path.parent / "test")
    (sound.path.parent / "test/text").write_text("ann-1 A\n")
    done = check(sound.path.parent)
    assert done.returncode == 1 and done.stdout.count(f"error: {sound.path.parent}/test/wav.scp:") == 2
    assert "train" in done.stdout.splitlines()[2]  # the survey of the one that is sound
    assert "no data directory" in check(sound.path.parent / "nothing").stderr
