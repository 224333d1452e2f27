"""librispeech (OpenSLR 12): English audio books, 16 kHz FLAC, in parts of 5 to 500 hours; CC BY 4.0.

Panayotov et al. 2015. Any of its parts, as archives or as the unpacked folder LibriSpeech. Splits:
- clean (default): train-* is train, dev-clean is dev, test-clean is test.
- other: the same with dev-other and test-other.
Where there are only parts for training, every sixth of the sorted utterances (index % 6 == 5) is test, and every
twelfth (index % 12 == 2) is dev: then all readers are in all sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from lexicon.errors import UserError
from lexicon.text import read_text
from pipeline.corpora import fetch
from pipeline.corpora.prepared import Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import below, within
from pipeline.datadir import Utterance

URL = "https://www.openslr.org/resources/12/"
# OpenSLR names MD5 sums; these SHA-256 are those that torchaudio.datasets.LIBRISPEECH (2.11) demands of the same files.
PUBLISHED = {
    "dev-clean": "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    "dev-other": "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    "test-clean": "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    "test-other": "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
    "train-clean-100": "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    "train-clean-360": "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    "train-other-500": "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
}
FETCHED = ("train-clean-100", "dev-clean", "test-clean")  # without DOWNLOADS=: the usual hundred hours, 7 GB
SPLITS = ("clean", "other")
FOLDER = "LibriSpeech"


def get(downloads: Path | None, cache: Path) -> Path:
    """The folder LibriSpeech: unpacked in ``downloads``, or of all its archives there, or fetched."""
    return get_parts("librispeech", URL, PUBLISHED, FETCHED, downloads, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances READER-CHAPTER-NUMBER, speakers the readers."""
    split = chosen_split("librispeech", split, SPLITS)
    parts = read_parts(root)
    named = {
        "train": [part for part in parts if part.startswith("train-")],
        "dev": [f"dev-{split}"],
        "test": [f"test-{split}"],
    }
    if all(part in parts for members in named.values() for part in members) and named["train"]:
        return measure({name: [u for part in members for u in parts[part]] for name, members in named.items()})
    if not named["train"]:
        raise UserError(
            f"{root}: holds {', '.join(parts)}, but no part to train on; add one of"
            f" {', '.join(part for part in PUBLISHED if part.startswith('train-'))}"
        )
    pooled = sorted((u for part in named["train"] for u in parts[part]), key=lambda u: u.id)
    return measure(
        {
            "train": [u for i, u in enumerate(pooled) if i % 6 != 5 and i % 12 != 2],
            "dev": [u for i, u in enumerate(pooled) if i % 12 == 2],
            "test": [u for i, u in enumerate(pooled) if i % 6 == 5],
        }
    )


def get_parts(
    corpus: str, url: str, published: Mapping[str, str], fetched: Iterable[str], downloads: Path | None, cache: Path
) -> Path:
    """The folder that holds the parts of ``corpus``, whose archives are PART.tar.gz.

    published: SHA-256 of each part's archive ("" where none is known). With ``downloads``: the unpacked folder
    LibriSpeech in it, else every archive there; without: those of ``fetched``.
    """
    if downloads is not None and (downloads / FOLDER).is_dir():
        return downloads / FOLDER
    names = list(fetched)
    if downloads is not None:
        names = [part for part in published if (downloads / f"{part}.tar.gz").is_file()]
        if not names:
            raise UserError(
                f"{downloads}: neither a folder {FOLDER} nor one of {', '.join(f'{p}.tar.gz' for p in published)};"
                f" put one there, or leave DOWNLOADS out to fetch them from {url}"
            )
    archives, sources = zip(
        *(
            fetch.archive_of(
                f"{part}.tar.gz", f"{url}{part}.tar.gz", frozenset(filter(None, [published[part]])), downloads, cache
            )
            for part in names
        )
    )
    contents = hashlib.sha256("".join(map(fetch.sha256, archives)).encode()).hexdigest()
    root = cache / f"{corpus}-{contents[:12]}"
    if not (root / fetch.ORIGIN).is_file():

        def extract(folder: Path) -> None:
            for archive in archives:
                fetch.extract(archive, folder)

        fetch.fill(root, extract, "; ".join(sources))
    return root


def read_parts(root: Path) -> dict[str, list[Utterance]]:
    """The utterances of each part under ``root``: PART/READER/CHAPTER/READER-CHAPTER-NUMBER.flac with one
    READER-CHAPTER.trans.txt. UserError for audio without transcript and the reverse."""
    parts: dict[str, list[Utterance]] = {}
    for transcripts in below(root, "*.trans.txt"):
        texts = read_text(transcripts)
        audio = {path.stem: path for path in within(transcripts.parent, "*") if path.suffix in (".flac", ".wav")}
        for utterance in audio:
            if utterance not in texts:
                raise UserError(f"{audio[utterance]}: audio without transcript; add its line to {transcripts}")
        for utterance in texts:
            if utterance not in audio:
                raise UserError(f'{transcripts}: "{utterance}": transcript without audio; restore {utterance}.flac')
        part = transcripts.parents[2].name
        parts.setdefault(part, []).extend(
            unmeasured(utterance, utterance.split("-")[0], audio[utterance], words)
            for utterance, words in texts.items()
        )
    if not parts:
        raise UserError(f"{root}: no transcripts; it should hold {FOLDER}/PART/READER/CHAPTER/READER-CHAPTER.trans.txt")
    return parts
