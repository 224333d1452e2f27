"""timit_sample: the part of TIMIT that NLTK distributes, a woman and a man of each dialect; CC BY-NC-SA, (c) 1993 LDC.

Files as timit/dr1-fvmh0/sa1.{wav,phn,wrd,txt}; read as TIMIT itself. All of it is 16 speakers of eight dialects; a part
with fewer dialects will do. Too little for one test set to say much, so SPLIT=1, 2, 3 or 4 leaves out one dialect of
four in turn: its speakers are test; of the next one the woman or the man is dev, by turns; all others are train. The SA
sentences, the same for all, are in train alone.
"""

from __future__ import annotations

from pathlib import Path

from lexicon import timit as phone_set
from lexicon.errors import UserError
from pipeline.corpora import fetch, timit
from pipeline.corpora.prepared import SETS, Prepared, chosen_split, measure
from pipeline.datadir import Utterance

ARCHIVE = "timit.zip"
NAMES = ("timit_sample.tar.gz", "timit_sample_dr1-4.tar.gz", ARCHIVE)
URL = f"https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/{ARCHIVE}"
PUBLISHED: frozenset[str] = frozenset()
SPLITS = ("1", "2", "3", "4")


def get(downloads: Path | None, cache: Path) -> Path:
    """The unpacked archive: from ``downloads`` as it is, else from NLTK."""
    name = getattr(fetch.given(downloads, NAMES), "name", ARCHIVE)
    archive, source = fetch.archive_of(name, URL, PUBLISHED, downloads, cache)
    return fetch.unpack(archive, "timit_sample", source, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances speaker_sentence; dialects are those of the folders' names."""
    fold = int(chosen_split("timit_sample", split, SPLITS)) - 1
    sentences = list(timit.sentences(root))
    if not sentences:
        raise UserError(f"{root}: no sentences; {ARCHIVE} should hold timit/dr1-fvmh0/sa1.phn and so on")
    sets: dict[str, list[Utterance]] = {name: [] for name in SETS}
    left_out: list[tuple[str, str]] = []
    set_of = assign(sorted({sentence.folder for sentence in sentences}), fold)
    for sentence in sentences:
        name = set_of[sentence.folder]
        if sentence.same_for_all and name != "train":
            left_out.append((sentence.utterance.id, "SA sentences of dev and test speakers, which train has as well"))
        else:
            sets[name].append(sentence.utterance)
    gold = {sentence.utterance.id: sentence.gold for sentence in sentences}
    return measure(sets, left_out, gold=gold, fold=phone_set.fold())


def assign(folders: list[str], fold: int) -> dict[str, str]:
    """{folder: its set} of speakers' folders like dr1-fvmh0, for the fold 0 to 3."""
    dialects: dict[str, list[str]] = {}
    for folder in folders:
        dialects.setdefault(folder.partition("-")[0], []).append(folder)
    members = list(dialects.values())
    chosen = {folder: "train" for folder in folders}
    tested = range(fold, len(members), len(SPLITS))
    for turn, index in enumerate(tested, fold):
        following = members[(index + 1) % len(members)]
        chosen[following[turn % len(following)]] = "dev"
    return chosen | {folder: "test" for index in tested for folder in members[index]}
