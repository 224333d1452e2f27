"""What several tests share."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from helpers.directories import Directory
from helpers.speech import Speech

from lexicon.dictionary import look_up
from pipeline.corpora import prompts
from pipeline.sound.audio import read_audio
from pipeline.sound.front_end import SpeakerStats, add_deltas
from pipeline.sound.mfcc import NUM_CEPS, mfcc

PROJECT = Path(__file__).resolve().parents[1]

# A test is no part of the make that runs the tests: its stages are a run of their own, with cores of their own.
for _name in [name for name in os.environ if name.startswith(("PHONOSCOPE_", "MAKE", "MFLAGS"))]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def prompts_root() -> Path:
    """The real speech of the default corpus, in the project's own cache (fetched there if it is the first time)."""
    (PROJECT / "downloads").mkdir(exist_ok=True)
    with open(PROJECT / "downloads/.tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests run in several processes: one fetches, the others wait
        return prompts.get(None, Path(os.path.relpath(PROJECT / "downloads"))).resolve()  # relative, as make gives it


@pytest.fixture(scope="session")
def speech(prompts_root: Path) -> Speech:
    """The first 25 training prompts shorter than 2.2 s: 40 s of speech."""
    chosen = [u for u in prompts.prepare(prompts_root).sets["train"] if u.num_samples < 2.2 * 8000][:25]
    samples = {u.id: read_audio(u.wav, 8000) for u in chosen}
    static = {utt: mfcc(x, 8000) for utt, x in samples.items()}
    stats = SpeakerStats(NUM_CEPS)
    for x in static.values():
        stats.add(x)
    found = look_up({word for u in chosen for word in u.words})
    return Speech(
        {u.id: u.wav for u in chosen},
        samples,
        {u.id: u.words for u in chosen},
        {utt: add_deltas(stats.normalise(x, variance=False)) for utt, x in static.items()},
        {word: [(1.0, phones) for phones in found[word]] for word in sorted(found)},
    )


@pytest.fixture
def intact(tmp_path) -> Directory:
    """A data directory without faults, to be changed."""
    return Directory(tmp_path)


@pytest.fixture
def segmented(tmp_path) -> Directory:
    """The same utterances as segments of one recording."""
    return Directory(tmp_path, segments=True)
