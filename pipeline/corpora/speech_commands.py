"""speech_commands (Warden 2018, version 0.02): 35 words, one a file, 2,618 speakers, 16 kHz, about a second; CC BY 4.0.

Files are WORD/SPEAKER_nohash_INDEX.wav. Sets are the publisher's: validation_list.txt is dev (9,981 utterances),
testing_list.txt test (11,005), all others train (84,843), each speaker in one alone. _background_noise_ is no speech.
"""

from __future__ import annotations

import re
from pathlib import Path

from lexicon.errors import UserError
from lexicon.text import numbered_lines
from pipeline.corpora import fetch
from pipeline.corpora.prepared import SETS, Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import below, within
from pipeline.datadir import Utterance

ARCHIVE = "speech_commands_v0.02.tar.gz"
URL = f"http://download.tensorflow.org/data/{ARCHIVE}"
# The one that torchaudio.datasets.SPEECHCOMMANDS (2.11) demands of this address.
PUBLISHED = frozenset({"af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"})
SPLITS = ("official",)
LISTS = {"dev": "validation_list.txt", "test": "testing_list.txt"}
NAME = re.compile(r"([0-9a-f]+)_nohash_[0-9]+")


def get(downloads: Path | None, cache: Path) -> Path:
    """The user's unpacked folder speech_commands_v0.02, the user's archive, or the publisher's."""
    if folder := fetch.given(downloads, [ARCHIVE.removesuffix(".tar.gz")]):
        return folder.resolve()
    archive, source = fetch.archive_of(ARCHIVE, URL, PUBLISHED, downloads, cache)
    return fetch.unpack(archive, "speech_commands", source, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances SPEAKER_nohash_INDEX_WORD: the same speaker and index occur with several words."""
    chosen_split("speech_commands", split, SPLITS)
    top = next((path.parent for path in below(root, LISTS["dev"])), None)
    if top is None:
        raise UserError(f"{root}: no {LISTS['dev']}; {ARCHIVE} should hold it, beside a folder for each word")
    listed = {file: name for name, table in LISTS.items() for file in _listed(top, top / table)}
    sets: dict[str, list[Utterance]] = {name: [] for name in SETS}
    for wav in within(top, "[!_]*/*.wav"):
        match = NAME.fullmatch(wav.stem)
        if not match:
            raise UserError(f"{wav}: the name should be like 0a7c2a8d_nohash_0.wav; rename or remove it")
        word = wav.parent.name
        utterance = unmeasured(f"{wav.stem}_{word}", match[1], wav, [word.upper()])
        sets[listed.get(f"{word}/{wav.name}", "train")].append(utterance)
    noise = [(path.relative_to(top).as_posix(), "noise, not speech") for path in within(top, "_*_/*.wav")]
    return measure(sets, noise)


def _listed(top: Path, table: Path) -> list[str]:
    """The files that a list names, all of which must be there."""
    files = []
    for number, line in numbered_lines(table):
        if not (top / line.strip()).is_file():
            raise UserError(f"{table}:{number}: {line.strip()}: no such file; restore it, or remove the line")
        files.append(line.strip())
    return files
