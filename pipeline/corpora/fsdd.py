"""fsdd, the Free Spoken Digit Dataset: English digits, 6 speakers, 50 of each digit per speaker, 8 kHz; CC BY-SA 4.0.

Files are recordings/{digit}_{speaker}_{index}.wav. Splits:
- official (default; the publisher's): indices 0 to 4 are test; indices 5 to 9 dev, the rest train.
- speaker: all of theo and yweweler are test, so no speaker of test is in train; indices 5 to 9 of the other four are
  dev. Keeping a fifth speaker for dev would cost a quarter of the training data. The speakers of dev are in train, so
  its scores are better than those of test; it serves to choose settings only.
"""

from __future__ import annotations

import re
from pathlib import Path

from lexicon.errors import UserError
from pipeline.corpora import fetch
from pipeline.corpora.prepared import SETS, Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import below
from pipeline.datadir import Utterance

ARCHIVE = "fsdd.tar.gz"
# The first release with six speakers. GitHub packs this archive on demand and names no hash of it.
URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz"
PUBLISHED: frozenset[str] = frozenset()
SPLITS = ("official", "speaker")
TEST_SPEAKERS = ("theo", "yweweler")
WORDS = "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE".split()


def get(downloads: Path | None, cache: Path) -> Path:
    """The unpacked archive: from ``downloads`` as it is, else from the publisher."""
    archive, source = fetch.archive_of(ARCHIVE, URL, PUBLISHED, downloads, cache)
    return fetch.unpack(archive, "fsdd", source, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances `SPEAKER-DIGIT-INDEX`, index in two digits; a wav with another kind of name is an error."""
    split = chosen_split("fsdd", split, SPLITS)
    sets: dict[str, list[Utterance]] = {name: [] for name in SETS}
    for wav in below(root, "*.wav"):
        name = re.fullmatch(r"([0-9])_([a-z]+)_([0-9]+)", wav.stem)
        if not name:
            raise UserError(f"{wav}: audio without transcript; the name should be like 7_jackson_32.wav")
        digit, speaker, index = int(name[1]), name[2], int(name[3])
        utterance = unmeasured(f"{speaker}-{digit}-{index:02}", speaker, wav, [WORDS[digit]])
        sets[_set_of(speaker, index, split)].append(utterance)
    if not any(sets.values()):
        raise UserError(f"{root}: no wavs; {ARCHIVE} should hold recordings/0_george_0.wav and so on")
    return measure(sets)


def _set_of(speaker: str, index: int, split: str) -> str:
    if split == "speaker":
        return "test" if speaker in TEST_SPEAKERS else "dev" if 5 <= index < 10 else "train"
    return "test" if index < 5 else "dev" if index < 10 else "train"
