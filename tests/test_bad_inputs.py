"""Bad inputs at every stage: one line that names the file and the way out, exit status 1, and nothing valid harmed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bad_inputs.place import COMMANDS, PROJECT, Done, Place, Runner, build, program
from bad_inputs.spoil import Row
from bad_inputs.table import ROWS

from lexicon.text import width_of


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where every stage has done its work; only to be copied."""
    folder = tmp_path_factory.mktemp("sound")
    runner = Runner()
    place = Place(folder / "place", runner)
    place.root.mkdir()
    build(place)
    yield place
    runner.close()


# What says how many seconds something took; its other numbers stand in other files too.
TIMED = {"meta.json", "decode.json", "choice.txt", "compare.tsv", "compare.txt", "index.html"}


def test_any_number_of_jobs_makes_the_same_files(sound: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "place", sound.runner)
    other.root.mkdir()
    build(other, jobs=2)
    one, two = (
        {
            name: content.replace(bytes(place.root), b"") if isinstance(content, bytes) else content
            for name, content in place.snapshot().items()
        }
        for place in (sound, other)
    )
    assert list(one) == list(two)
    differing = {name.rpartition("/")[2] for name in one if one[name] != two[name] and not name.endswith(".made")}
    assert differing <= TIMED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.stage}: {row.bad}")
def test_a_bad_input_ends_in_one_line_and_harms_nothing(sound: Place, tmp_path: Path, row: Row) -> None:
    place = sound.copy(tmp_path / "place")
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
        - {"__init__", "common", "lock", "made"}
        - OF_THE_MAKEFILE
    )
    assert {program(row.stage) for row in ROWS} == stages
    assert len(ROWS) >= 60 and len({(row.stage, row.bad) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("stage", ["make_lang", "make_mfcc"])
def test_a_transcript_of_a_million_words_is_no_trouble(sound: Place, tmp_path: Path, stage: str) -> None:
    place = sound.copy(tmp_path / "place")
    text = place / "data/toy/dev/text"
    text.write_text(text.read_text().replace("ZERO", "ZERO " * 1_000_000, 1))
    done = place.stage(stage)
    assert done.returncode == 0 and not done.stderr, done


SHOWN = {
    "data": (r"out +samples \(4[0-9]{3},\) float32", r"utt2spk +ann-test0 ann"),
    "lexicon": (r"ZERO +1\.00  Z IH R OW  /zɪɹoʊ/ +said", r"lexicon: 2 words, 3 pronunciations, 8 phones"),
    "mfcc": (r"out +feats \((\d\d), 39\) float32: \1 frames",),
    "gmm": (r"ZERO +Z +\d\+\d\+\d", r"1 of 1 +1\.00"),
    "classifier": (r"3 on either side|1 on either side", r"ZERO +Z +\d\+\d\+\d"),
    "neural": (r"one row every 3 frames", r"% of the rows are blank"),
    "align": (r"ZERO +Z +0\.\d\d +\d+ ", r"classifier +4 of 4"),
    "decode": (r"REF: ZERO", r"the whole path: "),
    "lattice": (r"Was the right one there\?",),
    "score": (r"WER +gmm +\d +1 ", r"free PER +neural "),
}


@pytest.mark.parametrize("stage", SHOWN)
def test_each_stage_can_be_looked_at_in_100_columns(sound: Place, tmp_path: Path, stage: str) -> None:
    place = sound.copy(tmp_path / "place")
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


def test_train_can_be_looked_at_as_far_as_it_goes(sound: Place, tmp_path: Path) -> None:
    place = sound.copy(tmp_path / "place")
    for stage in ("data", "gmm", "align"):
        assert place.stage("show", "--stage", stage, "--utt", "bob-train1").stdout.startswith(
            f"bob-train1 (train): {stage}: "
        )
    listed = place.stage("show", "--stage=").stdout
    assert re.findall(r"^  (\w+) ", listed, re.M) == list(SHOWN)


# ---- disks

WRITERS = [
    "prepare_data",
    "make_lang",
    "make_mfcc",
    "train_gmm",
    "align",
    "train_classifier",
    "train_ctc",
    "tune",
    "decode",
    "score",
    "compare",
    "report",
    "show_lattice",
    "show",
]


def one_line(stage: str, done: Done) -> str:
    assert done.returncode == 1 and done.stderr.startswith(f"{program(stage)}: ") and done.stderr.count("\n") == 1, done
    return done.stderr


@pytest.mark.parametrize("stage", WRITERS)
def test_a_file_that_may_not_grow_is_one_line_and_what_was_there_stays(
    sound: Place, tmp_path: Path, stage: str
) -> None:
    """RLIMIT_FSIZE: every write beyond 8 bytes fails in the middle, as on a full disk."""
    place = sound.copy(tmp_path / "place")
    before = place.snapshot()
    done = place.stage(stage, file_size=8)
    assert "File too large; free some space there" in one_line(stage, done)
    after = place.snapshot()
    changed = {
        name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
        # The record goes first of all; which utterances are too short, and of what recording, is written early.
        and not name.endswith((".made", "/short.txt", "/recording.txt"))
    }
    # What says that a stage is finished goes before what it stands for is touched; logs are begun anew.
    assert changed <= {
        "data/toy/splits.json",
        "data/toy/lang/lang.json",
        "exp/toy/gmm/train.log",
        "exp/toy/classifier/train.log",
        "exp/toy/gmm/ali_dev/phones.txt",
        "exp/toy/gmm/decode_test/wer.txt",
    }


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A disk of 12 MB, where one may be mounted; None elsewhere, where RLIMIT_FSIZE above has to do."""
    disk = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(disk)], capture_output=True)
    yield disk if mounted.returncode == 0 else None
    if mounted.returncode == 0:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("stage", ["prepare_data", "make_lang", "make_mfcc", "align", "decode", "report"])
def test_a_full_disk_and_the_same_command_again(sound: Place, small_disk: Path | None, stage: str) -> None:
    root = (small_disk or sound.root.parent) / stage
    place = sound.copy(root)
    ballast = root / "ballast"
    if small_disk:
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as stream:
            while stream.write(b"\0" * 4096):
                pass
    before = place.snapshot()
    done = place.stage(stage) if small_disk else place.stage(stage, file_size=8)
    line = one_line(stage, done)
    assert "free some space there" in line and str(Path(line.split(": ")[1])) in line
    after = place.snapshot()
    lost = {name for name, content in before.items() if after.get(name) != content and not name.endswith(".made")}
    assert lost <= {"data/toy/splits.json", "data/toy/lang/lang.json"}
    ballast.unlink(missing_ok=True)
    assert place.stage(stage).returncode == 0
    assert not list(root.rglob("*phonoscope-tmp")) and not list(root.rglob("*phonoscope-lock*"))
    shutil.rmtree(root)


@pytest.mark.parametrize("stage", ["make_lang", "train_gmm", "align", "decode", "compare"])
def test_an_unwritable_place_is_named(sound: Place, tmp_path: Path, stage: str) -> None:
    """/proc is a folder in which nobody may make files, root neither."""
    place = sound.copy(tmp_path / "place")
    before = place.snapshot()
    assert "/proc" in one_line(stage, place.stage(stage, "--out", "/proc/phonoscope"))
    assert place.snapshot() == before


# ---- two at a time, and killed


@contextlib.contextmanager
def started(place: Place, stage: str, *options: str) -> Iterator[subprocess.Popen]:
    """The stage in a process of its own, as make starts it; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"stages.{program(stage)}", *COMMANDS[stage].split(), *options],
        cwd=place.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell starts what runs in the background with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], object], process: subprocess.Popen) -> None:
    until = time.monotonic() + 120
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            pytest.fail(f"waited in vain for {process.args}: {process.communicate()}")
        time.sleep(0.01)


def test_the_second_of_two_is_told_who_is_at_work_and_a_killed_one_leaves_no_lock(sound: Place, tmp_path: Path) -> None:
    place = sound.copy(tmp_path / "place")
    lock, log = "*/toy/.phonoscope-lock.*", place / "exp/toy/gmm/train.log"
    before = (place / "exp/toy/gmm/model.safetensors").read_bytes()
    log.unlink()
    with started(place, "train_gmm", "--warm-up", "100000") as first:
        wait_for(log.exists, first)
        for stage, where in (("train_gmm", "exp/toy"), ("align", "exp/toy"), ("make_lang", "data/toy")):
            assert one_line(stage, place.stage(stage)) == (
                f"{program(stage)}: {place / where}: train (process {first.pid}) is at work there; wait until it is"
                f" done, or stop it, and run the same command again\n"
            )
        assert place.stage("train_gmm", "--out", "exp/other/gmm").returncode == 0  # data that both only read
    assert len(list(place.root.glob(lock))) == 2 and (place / "exp/toy/gmm/model.safetensors").read_bytes() == before
    assert place.stage("train_gmm").returncode == 0 and not list(place.root.glob(lock))


def test_stages_of_one_run_of_make_work_side_by_side(sound: Place, tmp_path: Path, monkeypatch) -> None:
    place = sound.copy(tmp_path / "place")
    (place / "exp/toy/gmm/train.log").unlink()
    monkeypatch.setenv("PHONOSCOPE_RUN", "1.2")
    with started(place, "train_gmm", "--warm-up", "100000") as first:
        wait_for((place / "exp/toy/gmm/train.log").exists, first)
        done = subprocess.run(
            [sys.executable, "-m", "stages.align", *COMMANDS["align"].split()],
            cwd=place.root,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_harms_nothing_and_goes_on(sound: Place, tmp_path: Path, number: signal.Signals) -> None:
    place = sound.copy(tmp_path / "place")
    before = place.snapshot()
    with started(place, "decode", "--model", "exp/toy/neural", "--out", "exp/toy/neural/decode_test") as decode:
        wait_for(
            lambda: list((place / "exp/toy/neural").glob(".decode_test.*-tmp/lattices/words/.lattices.*-tmp")), decode
        )
        decode.send_signal(number)
        out, err = decode.communicate()
    assert decode.returncode != 0 and not out
    if number == signal.SIGINT:
        assert err == "decode: interrupted; the same command goes on from here\n"
    litter = {name for name in place.snapshot() if name not in before}
    assert all("-tmp/" in name or "/.phonoscope-lock." in name for name in litter)
    assert (litter == set()) == (number == signal.SIGINT)
    del before["exp/toy/neural/decode_test/hyp.txt.made"]  # so make runs it again
    assert {name: content for name, content in place.snapshot().items() if name not in litter} == before
    done = place.stage("decode", "--model", "exp/toy/neural", "--out", "exp/toy/neural/decode_test")
    scores = {name for name in before if "neural/decode_test/" in name and ("er.txt" in name)}  # of the decode before
    made = {"exp/toy/neural/decode_test/hyp.txt.made"}
    assert done.returncode == 0 and place.snapshot().keys() == before.keys() - scores | made


def test_many_at_once_on_one_output_all_end_well(sound: Place, tmp_path: Path) -> None:
    """However their locks interleave, each ends with its result or with the line, and no lock is left."""
    place = sound.copy(tmp_path / "place")
    script = (
        f"import sys, time, pathlib; sys.path.insert(0, {str(PROJECT)!r}); sys.argv = ['stage.py']\n"
        "from lexicon.errors import UserError; from stages.lock import alone\n"
        "held = pathlib.Path('held')\n"
        "for turn in range(30):\n"
        "    try:\n"
        "        with alone([pathlib.Path('out/put')], [], 'one'):\n"
        "            held.mkdir(); held.rmdir()\n"  # fails if somebody else is within
        "    except UserError as error:\n"
        "        assert ' is at work there; ' in str(error), error\n"
    )
    crowd = [subprocess.Popen([sys.executable, "-c", script], cwd=place.root, stderr=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate()[1] for process in crowd] == [b""] * 3
    assert list((place / "out").iterdir()) == []


def test_a_reader_that_hangs_up_is_one_line(sound: Place, tmp_path: Path) -> None:
    place = sound.copy(tmp_path / "place")
    with started(place, "show_lattice") as process:
        process.stdout.close()
        assert process.stderr.read() == (
            "show_lattice: nobody reads the output any more (a pipe was closed); run the same command again\n"
        )
        assert process.wait() == 1


# ---- moved, interrupted, and with utterances that may miss


def renamed(options: str) -> list[str]:
    return options.replace("data/toy", "d/c").replace("exp/toy", "e/x").split()


def test_folders_that_are_moved_or_copied_need_nothing_of_where_they_were(sound: Place, tmp_path: Path) -> None:
    """The project goes elsewhere, and in it data/ and exp/ to other names."""
    place = sound.copy(tmp_path / "place")
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
    paths = str(sound.root).encode()
    assert not [
        name
        for name, content in place.snapshot().items()
        if isinstance(content, bytes) and paths in content and not name.startswith("corpus")
    ]
    rates = [
        [line.split("\t")[:10] for line in (root / name / "compare.tsv").read_text().splitlines()]
        for root, name in ((sound.root, "exp/toy"), (place.root, "e/x"))
    ]
    assert rates[0] == rates[1]


def test_features_that_were_interrupted_are_no_target(sound: Place, tmp_path: Path) -> None:
    """On a disk that is full in the second pass, which writes three times as much as the first."""
    place = sound.copy(tmp_path / "place")
    feats, before = place / "data/toy/dev", place.snapshot()
    size = (feats / "feats.ark").stat().st_size // 2
    done = place.stage("make_mfcc", "--norm-vars", "no", file_size=size)
    assert done.returncode == 1 and "feats.ark: File too large" in done.stderr, done
    del before["data/toy/dev/feats.scp.made"]  # so make runs it again
    assert place.snapshot() == before
    (feats / "feats.crc").unlink()  # and where it fails behind the archive: the index is gone, so make makes it again
    (feats / "feats.crc").mkdir()
    done = place.stage("make_mfcc", "--norm-vars", "no")
    assert done.returncode == 1 and not (feats / "feats.scp").exists(), done
    (feats / "feats.crc").rmdir()
    assert place.stage("make_mfcc", "--norm-vars", "no").returncode == 0
    assert "variance not normalised; the model" in place.stage("tune").stderr


def test_utterances_that_mfcc_was_told_to_miss_miss_everywhere(sound: Place, tmp_path: Path) -> None:
    place = sound.copy(tmp_path / "place")
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
    done = place.stage("place", "--model", "exp/toy/classifier", "--out", "exp/toy/classifier/ali_test")
    assert done.returncode == place.stage("boundaries", "--systems", "gmm").returncode == 0
    assert (
        "1 systems on 5 utterances"
        in place.runner.run(
            place.root, "compare", "--exp exp/toy --data data/toy --systems gmm --out exp/toy/compare.tsv".split()
        ).stdout
    )
