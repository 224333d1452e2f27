"""an4, the CMU census database (1991): addresses, names, numbers and words spelled aloud, 16 kHz; free for any use.

The NIST SPHERE release (big-endian): an4/etc/an4_{train,test}.{fileids,transcription} list 948 and 130 utterances of 74
and 10 speakers, an4/wav/an4_clstk/fash/an251-fash-b.sph (test: an4test_clstk); an4/etc/an4.dic is its own dictionary.
CMU cuts no dev set: here it is every tenth of the sorted training speakers (index % 10 == 4), all they said.
"""

from __future__ import annotations

import re
from pathlib import Path

from lexicon.dictionary import VARIANT
from lexicon.errors import UserError
from lexicon.text import numbered_lines
from pipeline.corpora import fetch
from pipeline.corpora.prepared import Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import below
from pipeline.datadir import Utterance

ARCHIVE = "an4_sphere.tar.gz"
URL = f"http://www.speech.cs.cmu.edu/databases/an4/{ARCHIVE}"
PUBLISHED: frozenset[str] = frozenset()  # CMU names no hash
SPLITS = ("official",)
AUDIO = (".sph", ".wav", ".flac")


def get(downloads: Path | None, cache: Path) -> Path:
    """The user's unpacked folder an4, the user's archive, or the publisher's."""
    if (folder := fetch.given(downloads, ["an4"])) and folder.is_dir():
        return folder.resolve()
    archive, source = fetch.archive_of(ARCHIVE, URL, PUBLISHED, downloads, cache)
    return fetch.unpack(archive, "an4", source, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances speaker-FILE, as in Kaldi's recipe, so that they sort by speaker."""
    chosen_split("an4", split, SPLITS)
    lists = next((path.parent for path in below(root, "an4_train.fileids")), None)
    if lists is None:
        raise UserError(f"{root}: no an4_train.fileids; {ARCHIVE} should hold an4/etc with it")
    known, test = (_utterances(lists, name) for name in ("train", "test"))
    speakers = sorted({u.speaker for u in known})
    dev = {speaker for index, speaker in enumerate(speakers) if index % 10 == 4}
    return measure(
        {
            "train": [u for u in known if u.speaker not in dev],
            "dev": [u for u in known if u.speaker in dev],
            "test": test,
        },
        lexicon=_lexicon(lists / "an4.dic"),
    )


def _utterances(lists: Path, name: str) -> list[Utterance]:
    """One for each line of an4_NAME.fileids (`an4_clstk/fash/an251-fash-b`), which must be transcribed."""
    table = lists / f"an4_{name}.fileids"
    transcripts = _transcripts(lists / f"an4_{name}.transcription")
    found = []
    for number, line in numbered_lines(table):
        file = line.strip()
        speaker, stem = Path(file).parent.name, Path(file).name
        if not speaker:
            raise UserError(f'{table}:{number}: "{line}" is not like an4_clstk/fash/an251-fash-b; restore the file')
        if stem not in transcripts:
            raise UserError(f'{table}:{number}: "{stem}": no transcript; add its line to an4_{name}.transcription')
        wavs = [lists.parent / "wav" / f"{file}{ending}" for ending in AUDIO]
        wav = next((wav for wav in wavs if wav.exists()), wavs[0])
        found.append(unmeasured(f"{speaker}-{stem}", speaker, wav, transcripts.pop(stem)))
    if transcripts:
        raise UserError(f'{table}: no line for "{next(iter(transcripts))}", which has a transcript; add it')
    return found


def _transcripts(path: Path) -> dict[str, list[str]]:
    """Lines `<s> GO </s> (an251-fash-b)`, with or without the brackets of the sentence, by file."""
    found = {}
    for number, line in numbered_lines(path):
        match = re.fullmatch(r"(?:<s>)?\s*(.*?)\s*(?:</s>)?\s*\((\S+)\)", line.strip())
        if not match or not match[1]:
            raise UserError(f'{path}:{number}: "{line}" is not `<s> WORD ... </s> (file)`; restore the file')
        found[match[2]] = match[1].upper().split()
    return found


def _lexicon(path: Path) -> str:
    """The lines of an4.dic, the numbers of variants, as in `A(2)`, taken away."""
    entries = (line.split(maxsplit=1) for _, line in numbered_lines(path))
    return "".join(f"{VARIANT.sub('', entry[0])} {entry[1].strip()}\n" for entry in entries if len(entry) == 2)
