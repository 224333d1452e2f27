"""What make learns of the files that stages made: missing, damaged, edited, copied; and what clean leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lexicon.files import mark
from stages.made import faults, fingerprint, read_made, records, write_made

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def made(tmp_path: Path, monkeypatch) -> Path:
    """exp/c with a model of two files, the decode that came of it, and a lexicon of the user's."""
    monkeypatch.chdir(tmp_path)
    root = Path("exp/c")
    (root / "gmm/decode").mkdir(parents=True)
    mark(root)
    Path("lexicon.txt").write_text("YES Y EH S\n")
    for number, (target, other) in enumerate(
        (("gmm/model.safetensors", "gmm/meta.json"), ("gmm/decode/hyp.txt", "gmm/decode/a.json"))
    ):
        (root / target).write_text("the model" * 20)
        (root / other).write_text("{}")
        write_made(
            root / target,
            "train",
            "--x 1",
            10**18 + number,
            [(root / target).resolve(), (root / other).resolve()],
            [Path("lexicon.txt")],
        )
    return root


def found(root: Path) -> list[tuple[str, str, str]]:
    return [(str(f.target.relative_to(root)), f.file.name, f.what) for f in faults(root)]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_nothing_is_wrong_and_targets_are_as_old_as_their_stages_beginning(made):
    assert found(made) == []
    assert [(made / name).stat().st_mtime_ns for name in ("gmm/model.safetensors", "gmm/decode/hyp.txt")] == [
        10**18,
        10**18 + 1,
    ]


@pytest.mark.parametrize(
    "damage,what",
    [
        (Path.unlink, "gone"),
        (lambda path: os.truncate(path, path.stat().st_size // 2), "changed"),
        (flip, "changed"),
        (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), "changed"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "changed"),
    ],
)
@pytest.mark.parametrize("name", ["gmm/model.safetensors", "gmm/meta.json", "gmm/decode/a.json"])
def test_every_file_that_is_gone_or_changed_is_noticed(made, name, damage, what):
    damage(made / name)
    target = "gmm/decode/hyp.txt" if "decode" in name else "gmm/model.safetensors"
    assert found(made) == [(target, Path(name).name, what)]


def test_a_flipped_bit_with_the_old_time_is_noticed(made):
    before = (made / "gmm/meta.json").stat()
    flip(made / "gmm/meta.json")
    os.utime(made / "gmm/meta.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [what for *_, what in found(made)] == ["changed"]


def test_a_lexicon_counts_by_what_it_says(made):
    os.utime("lexicon.txt")
    assert found(made) == []
    Path("lexicon.txt").write_text("YES Y EH S\nNO N OW\n")
    assert {what for *_, what in found(made)} == {"another"}
    Path("lexicon.txt").unlink()
    assert found(made) == []  # it has moved away; a stage that reads it will say so


def test_a_copy_without_times_is_as_the_original(made, tmp_path):
    copy = tmp_path / "other/exp/c"
    for path in sorted(made.rglob("*"), reverse=True):  # the decode first, its model last
        if path.is_file():
            (copy / path.relative_to(made)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy / path.relative_to(made))
    assert found(copy) == [] and (copy / "gmm/model.safetensors").stat().st_mtime_ns == 10**18
    flip(copy / "gmm/meta.json")
    assert [what for *_, what in found(copy)] == ["changed"]


def test_the_one_who_wrote_a_file_last_answers_for_it(made):
    (made / "gmm/meta.json").write_text("another stage's")
    write_made(made / "gmm/meta.json", "later", "", 10**18 + 5, [(made / "gmm/meta.json").resolve()], [])
    assert found(made) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "--x 1",
        "--x 1\n{}",
        "--x 1\n[]",
        "--x 1\n" + "[" * 100_000,
        "\0\n\0",
        "$(touch x)\n`touch x`",
        '--x 1\n{"stage": "a", "began_ns": "1", "wrote": {}, "read": {}}',
        '--x 1\n{"stage": "a", "began_ns": 1, "wrote": {"m": 1}, "read": {}}',
        '--x 1\n{"stage": "a", "began_ns": 1, "wrote": {"\\u0000": [1, "x"]}, "read": {}}',
    ],
)
def test_a_damaged_record_means_that_the_target_is_made_again(made, text):
    (made / "gmm/model.safetensors.made").write_text(text)
    assert found(made) == [("gmm/model.safetensors", "model.safetensors.made", "changed")]


def test_a_record_from_elsewhere_looks_at_nothing_out_there(made, tmp_path):
    record = made / "gmm/model.safetensors.made"
    settings, rest = record.read_text().splitlines()
    said = json.loads(rest) | {"wrote": {"../../../lexicon.txt": [11, "0"]}}
    record.write_text(f"{settings}\n{json.dumps(said)}\n")
    before = Path("lexicon.txt").stat()
    assert (
        found(made) == [("gmm/model.safetensors", "model.safetensors.made", "changed")]
        and Path("lexicon.txt").stat() == before
    )


def test_what_a_person_has_changed_is_kept(made):
    (made / "gmm/meta.json").write_text('{"by": "hand"}')
    run = [sys.executable, "-m", "stages.intact"]
    looked = subprocess.run(
        [*run, "--look", str(made)], env={**os.environ, "PYTHONPATH": str(PROJECT)}, text=True, capture_output=True
    )
    assert looked.stdout == "exp/c/gmm/model.safetensors\n" and not (made / "changed").exists()
    told = subprocess.run(
        [*run, str(made)], env={**os.environ, "PYTHONPATH": str(PROJECT)}, text=True, capture_output=True
    )
    assert told.stdout == looked.stdout
    assert told.stderr == (
        "make: exp/c/gmm/meta.json is not as it was written; what was there is in "
        "exp/c/changed/gmm/meta.json; it is made again\n"
    )
    assert (made / "changed/gmm/meta.json").read_text() == '{"by": "hand"}'


def test_clean_deletes_what_is_phonoscopes_alone(made):
    def clean(*folders: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stages.clean", *folders],
            text=True,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )

    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    (made / "own").mkdir()
    (made / "own/voice.wav").write_bytes(b"RIFF")
    (made / "gmm/out").symlink_to(Path("mine").resolve())
    Path("link").symlink_to("mine")
    for folders in (("mine",), (str(made), "mine"), ("link",), (".",)):
        done = clean(*folders)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and "not phonoscope's" in done.stderr
        assert Path("mine/thesis.txt").exists() and (made / "gmm/model.safetensors").exists()
    assert clean(str(made), "data/none").returncode == 0
    assert [str(path.relative_to(made)) for path in sorted(made.rglob("*"))] == [".phonoscope", "own", "own/voice.wav"]
    assert Path("mine/thesis.txt").exists()


def test_a_record_says_what_was_written(made):
    record = read_made(made / "gmm/model.safetensors.made")
    assert record.settings == "--x 1" and record.wrote.keys() == {"model.safetensors", "meta.json"}
    assert (
        tuple(record.wrote["meta.json"])
        == fingerprint(made / "gmm/meta.json")
        == (2, fingerprint(made / "gmm/meta.json")[1])
    )
    assert record.read.keys() == {"lexicon.txt"} and len(list(records(made))) == 2
