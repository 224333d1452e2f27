"""commonvoice (Mozilla Common Voice): sentences read by volunteers into their own microphones, MP3, mostly 48 kHz; CC0.

One language: cv-corpus-VERSION/LANG/{train,dev,test}.tsv, the publisher's sets (each speaker in one alone), and
LANG/clips/*.mp3. Which, the folder says; where there are several, SPLIT=LANG names one. Mozilla asks for consent before
a download, so there is nothing to fetch: DOWNLOADS= holds the archive, or the folder it unpacks to.

The dictionary is English; another language needs a lexicon of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lexicon.errors import UserError
from lexicon.given import written_with
from lexicon.text import numbered_lines
from lexicon.written import Written
from pipeline.corpora import fetch
from pipeline.corpora.prepared import SETS, Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import within
from pipeline.datadir import Utterance

SPLITS = None  # the languages that are there
ARCHIVES = ("cv-corpus-*.tar.gz", "cv-corpus-*.tar")
SPEAKER_DIGITS = 8  # of a client_id's 128, or as many more as it takes to tell all speakers apart


def get(downloads: Path | None, cache: Path) -> Path:
    """The user's unpacked folder as it is, or the user's archive unpacked."""
    if downloads and _languages(downloads):
        return downloads.resolve()
    archive = fetch.given(downloads, ARCHIVES)
    if downloads is None or archive is None:
        raise UserError(
            "commonvoice: Mozilla asks for consent, so it cannot be fetched; get cv-corpus-VERSION-LANG"
            ".tar.gz from https://commonvoice.mozilla.org/datasets, and give its folder with DOWNLOADS="
        )
    if others := [path.name for pattern in ARCHIVES for path in within(downloads, pattern) if path != archive]:
        raise UserError(f"{downloads}: {archive.name} and also {' '.join(sorted(others))}; give a folder with one")
    source = f"{archive.name} from {downloads}: taken as it is; its publisher names no hash to compare with"
    return fetch.unpack(archive, "commonvoice", source, cache)


def prepare(root: Path, split: str | None = None, lexicon: Path | None = None) -> Prepared:
    """Utterances SPEAKER-CLIP, speakers the first digits of client_id; clips without words are left out."""
    languages = _languages(root)
    if not languages:
        raise UserError(f"{root}: no train.tsv; Common Voice has cv-corpus-VERSION/LANG/train.tsv and LANG/clips")
    if split is None and len(languages) > 1:
        raise UserError(f"{root}: {len(languages)} languages; name one: SPLIT={' or '.join(sorted(languages))}")
    folder = languages[chosen_split("commonvoice", split, tuple(sorted(languages)))]
    written = written_with(lexicon) if lexicon else Written(english=folder.name == "en")
    rows = {name: list(_rows(folder / f"{name}.tsv")) for name in SETS}
    speakers = _short({client for members in rows.values() for _, client, _, _ in members})
    sets: dict[str, list[Utterance]] = {name: [] for name in SETS}
    left_out: list[tuple[str, str]] = []
    for name, members in rows.items():
        for number, client, clip, sentence in members:
            try:
                words = written.words(sentence)
            except UserError as error:
                what, _, why = str(error).partition(": ")
                left_out.append((f"{clip} ({folder.name}/{name}.tsv:{number}: {what})", why))
                continue
            if not words:
                left_out.append((clip, "a sentence without words"))
            else:
                wav = folder / "clips" / clip
                sets[name].append(unmeasured(f"{speakers[client]}-{wav.stem}", speakers[client], wav, words))
    return measure(sets, left_out)


def _languages(root: Path) -> dict[str, Path]:
    """{language: its folder}, at most two levels below ``root``."""
    return {
        table.parent.name: table.parent
        for pattern in ("train.tsv", "*/train.tsv", "*/*/train.tsv")
        for table in within(root, pattern)
        if (table.parent / "clips").is_dir()
    }


def _rows(table: Path) -> Iterator[tuple[int, str, str, str]]:
    """(number, client_id, name of the clip, sentence) of each line; the columns are found by their names."""
    columns: list[str] = []
    for number, line in numbered_lines(table):
        fields = line.split("\t")  # quotes are part of a sentence
        if not columns:
            columns = fields
            if lacking := [name for name in ("client_id", "path", "sentence") if name not in columns]:
                raise UserError(f"{table}:1: no column {lacking[0]}; restore the file")
            continue
        if len(fields) != len(columns):
            raise UserError(f"{table}:{number}: {len(fields)} columns of {len(columns)}; restore the file")
        row = dict(zip(columns, fields))
        if not row["client_id"] or Path(row["path"]).name != row["path"] or not row["path"]:
            raise UserError(f'{table}:{number}: "{row["path"][:80]}" is no clip of a speaker; restore the line')
        yield number, row["client_id"], row["path"], row["sentence"]


def _short(clients: set[str]) -> dict[str, str]:
    """{client_id: its first digits, enough of them to differ from all others}."""
    length = SPEAKER_DIGITS
    while len({client[:length] for client in clients}) < len(clients):
        length += 1
    return {client: client[:length] for client in clients}
