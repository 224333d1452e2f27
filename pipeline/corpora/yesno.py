"""yesno (OpenSLR 1): one man says "ken" and "lo" (Hebrew yes and no), eight words a file, 8 kHz; free for any use.

The file name is the transcript (1 = YES, 0 = NO). Split as in Kaldi's recipe (egs/yesno,
create_yesno_waves_test_train.pl): of the sorted names the first 31 train, the other 29 test. Kaldi has no dev set; here
every sixth of the 31 (index % 6 == 5) is dev, five files to tune on. With one speaker it cannot be cut by speaker.
"""

from __future__ import annotations

import re
from pathlib import Path

from lexicon.errors import UserError
from pipeline.corpora import fetch
from pipeline.corpora.prepared import Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import below
from pipeline.datadir import Utterance

ARCHIVE = "waves_yesno.tar.gz"
URL = f"https://www.openslr.org/resources/1/{ARCHIVE}"
# OpenSLR publishes no hash; this is the one torchaudio.datasets.YESNO (2.11) demands of this address.
PUBLISHED = frozenset({"c3f49e0cca421f96b75b41640749167b52118f232498667ca7a5f9416aef8e73"})
SPEAKER = "global"  # Kaldi's name for the one speaker
SPLITS = ("official",)
WORDS = {"1": "YES", "0": "NO"}
LEXICON = "YES Y\nNO N\n"  # Kaldi's recipe gives each word one phone of its own


def get(downloads: Path | None, cache: Path) -> Path:
    """The unpacked archive: from ``downloads`` as it is, else from the publisher and verified."""
    archive, source = fetch.archive_of(ARCHIVE, URL, PUBLISHED, downloads, cache)
    return fetch.unpack(archive, "yesno", source, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances named as their files; a wav whose name is no transcript is an error."""
    chosen_split("yesno", split, SPLITS)
    utterances = [_utterance(wav) for wav in sorted(below(root, "*.wav"), key=lambda wav: wav.stem)]
    if not utterances:
        raise UserError(f"{root}: no wavs; {ARCHIVE} should hold waves_yesno/0_0_0_0_1_1_1_1.wav and so on")
    first = (len(utterances) * 31 + 30) // 60  # 31 of the 60, and in proportion of fewer
    sets = {
        "train": [u for i, u in enumerate(utterances[:first]) if i % 6 != 5],
        "dev": [u for i, u in enumerate(utterances[:first]) if i % 6 == 5],
        "test": utterances[first:],
    }
    return measure(sets, lexicon=LEXICON)


def _utterance(wav: Path) -> Utterance:
    if not re.fullmatch("[01](_[01])*", wav.stem):
        raise UserError(f"{wav}: audio without transcript; the name should be like 0_0_1_1_0_1_0_1.wav")
    return unmeasured(wav.stem, SPEAKER, wav, (WORDS[digit] for digit in wav.stem.split("_")))
