"""mini_librispeech (OpenSLR 31): five hours of librispeech to train on, two to test on; 16 kHz FLAC; CC BY 4.0.

train-clean-5 and dev-clean-2, which is test, as in Kaldi's recipe. Kaldi has no set to tune on; here every tenth of the
sorted readers of train is dev.
"""

from __future__ import annotations

from pathlib import Path

from lexicon.errors import UserError
from pipeline.corpora import librispeech
from pipeline.corpora.prepared import Prepared, chosen_split, measure

URL = "https://www.openslr.org/resources/31/"
PUBLISHED = {"train-clean-5": "", "dev-clean-2": ""}  # OpenSLR names no SHA-256 of them
SPLITS = ("official",)


def get(downloads: Path | None, cache: Path) -> Path:
    """The folder LibriSpeech: unpacked in ``downloads``, or of its two archives there, or fetched."""
    return librispeech.get_parts("mini_librispeech", URL, PUBLISHED, PUBLISHED, downloads, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances READER-CHAPTER-NUMBER, speakers the readers."""
    chosen_split("mini_librispeech", split, SPLITS)
    parts = librispeech.read_parts(root)
    for part in PUBLISHED:
        if part not in parts:
            raise UserError(f"{root}: no {part}; mini_librispeech consists of {' and '.join(PUBLISHED)}")
    dev = set(sorted({u.speaker for u in parts["train-clean-5"]})[9::10])
    return measure(
        {
            "train": [u for u in parts["train-clean-5"] if u.speaker not in dev],
            "dev": [u for u in parts["train-clean-5"] if u.speaker in dev],
            "test": parts["dev-clean-2"],
        }
    )
