"""speechocean762 (OpenSLR 101): English read by Mandarin speakers, half of them children, 16 kHz; free for any use.

Zhang et al. 2021. The publisher's Kaldi directories train and test; as there is no set to tune on, every eighth of the
sorted speakers of train is dev. Its lexicon (ARPAbet, every word) comes with it; stress is dropped.
"""

from __future__ import annotations

import re
from pathlib import Path

from lexicon.errors import UserError
from lexicon.text import numbered_lines, read_text
from pipeline.corpora import fetch
from pipeline.corpora.prepared import Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import below
from pipeline.datadir import Utterance

ARCHIVE = "speechocean762.tar.gz"
URL = f"https://www.openslr.org/resources/101/{ARCHIVE}"
PUBLISHED: frozenset[str] = frozenset()  # OpenSLR names no hash of it
SPLITS = ("official",)
STRESS = re.compile(r"(?<=[A-Z])[012]\b")


def get(downloads: Path | None, cache: Path) -> Path:
    """The unpacked archive: from ``downloads`` as it is, else from the publisher."""
    archive, source = fetch.archive_of(ARCHIVE, URL, PUBLISHED, downloads, cache)
    return fetch.unpack(archive, "speechocean762", source, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances and speakers as the publisher numbers them."""
    chosen_split("speechocean762", split, SPLITS)
    found = list(below(root, "resource/lexicon.txt"))
    if not found:
        raise UserError(f"{root}: no resource/lexicon.txt; {ARCHIVE} should hold speechocean762/resource/lexicon.txt")
    top = found[0].parents[1]
    train, test = _read(top, "train"), _read(top, "test")
    dev = set(sorted({u.speaker for u in train})[7::8])
    lexicon = "".join(f"{' '.join(STRESS.sub('', line).split())}\n" for _, line in numbered_lines(found[0]))
    return measure(
        {
            "train": [u for u in train if u.speaker not in dev],
            "dev": [u for u in train if u.speaker in dev],
            "test": test,
        },
        lexicon=lexicon,
    )


def _read(top: Path, name: str) -> list[Utterance]:
    """One of the publisher's sets; files are named from the corpus's top folder."""
    tables = {table: read_text(top / name / table) for table in ("wav.scp", "text", "utt2spk")}
    for table, other in (("wav.scp", "text"), ("text", "wav.scp"), ("wav.scp", "utt2spk")):
        for utterance in tables[table]:
            if utterance not in tables[other]:
                raise UserError(f'{top / name / table}: "{utterance}" is not in {other}; fetch the archive again')
    return [
        unmeasured(utterance, tables["utt2spk"][utterance][0], top / wav[0], tables["text"][utterance])
        for utterance, wav in tables["wav.scp"].items()
    ]
