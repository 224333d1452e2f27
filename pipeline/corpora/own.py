"""A user's own corpora, CORPUS_DIR=folder: Kaldi data directories, lhotse manifests, known layouts, or recordings
beside transcripts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError
from lexicon.fold import fold_of, read_fold
from lexicon.given import phones_in, written_with
from lexicon.text import numbered_lines
from lexicon.written import Written
from pipeline.corpora import folder as plain_folder
from pipeline.corpora import kaldi_dir, layouts, lhotse_export
from pipeline.corpora.cutting import SPLITS, Found, cut
from pipeline.corpora.prepared import Gold, Prepared, chosen_split, measure
from pipeline.corpora.tree import below
from pipeline.datadir import Utterance
from pipeline.datadir.check import GOLD_OVERSHOOT_S, SHORTEST_S

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

EXPECTED = (
    "wav.scp (a Kaldi data directory), recordings.jsonl.gz and supervisions.jsonl.gz (lhotse), name.wav with "
    "name.txt, .lab or .TextGrid beside it, or the layout of LibriSpeech (*.trans.txt), LJSpeech (metadata.csv "
    "and wavs) or VCTK (wav48 and txt)"
)


class Own(NamedTuple):
    """What was found and how it was cut: ``split`` is given, speaker or utterance, ``origin`` one line."""

    prepared: Prepared
    split: str
    origin: str


def prepare(folder: Path, split: str | None = None, lexicon: Path | None = None) -> Own:
    """Read a folder of any of the kinds and cut it into sets, as ``split`` says or (None) as suits it best.

    Words are spelled as ``lexicon`` has them, or the corpus's own, or else the English dictionary.
    """
    if split:
        chosen_split("CORPUS_DIR", split, SPLITS)
    own = next(filter(Path.is_file, [folder / plain_folder.LEXICON]), None)
    chosen = lexicon or own
    found = read(folder, written_with(chosen))
    sets, rule, how = cut(found, split)
    labels = {phone.label for gold in found.gold.values() for phone in gold.phones}
    phones = phones_in(chosen) if labels and chosen else ()
    prepared = without_unfit(
        measure(
            sets, found.left_out, _lines(own) if own else None, found.gold, fold_of(labels, phones) | read_fold(folder)
        )
    )
    prepared.unreadable.extend(found.unreadable)
    return Own(prepared, rule, f"{folder}: {found.kind}; {how}")


def without_unfit(prepared: Prepared) -> Prepared:
    """Moves utterances that `make check` would refuse to the unreadable ones: those shorter than a frame, and those
    with gold labels beyond their end."""
    kept = {}
    for name, utterances in prepared.sets.items():
        odd = {u.id: why for u in utterances if (why := _unfit(u, prepared))}
        prepared.unreadable.extend(odd.items())
        kept[name] = [u for u in utterances if u.id not in odd]
    return replace(prepared, sets=kept)


def _unfit(utterance: Utterance, prepared: Prepared) -> str:
    seconds = utterance.num_samples / prepared.sample_rate
    if seconds < SHORTEST_S:
        return f'{utterance.wav}: "{utterance.id}" lasts {seconds:.3f} s, less than one frame; remove the utterance'
    gold = prepared.gold.get(utterance.id, Gold())
    late = next((i for i in (*gold.phones, *gold.words) if i.end > seconds + GOLD_OVERSHOOT_S), None)
    return (
        (
            f'{utterance.wav}: gold label "{late.label}" ends at {late.end:g} s, "{utterance.id}" at '
            f"{seconds:g} s; correct the times"
        )
        if late
        else ""
    )


def _lines(path: Path) -> str:
    """A text file as it is, but for Windows' line ends; UserError names the line that is not UTF-8."""
    return "".join(f"{line}\n" for _, line in numbered_lines(path))


def read(folder: Path, written: Written = Written()) -> Found:
    """What the folder holds, its words as ``written`` spells them; UserError if it is nothing that can be read."""
    found = _read(folder, written)
    for name, members in found.sets.items():
        found.left_out += [(utterance.id, "no words, or noise alone") for utterance in members if not utterance.words]
        found.sets[name] = [utterance for utterance in members if utterance.words]
    return found


def _read(folder: Path, written: Written) -> Found:
    if not folder.is_dir():
        raise UserError(f"CORPUS_DIR={folder}: no such folder; give the folder that holds the corpus")
    if (folder / "wav.scp").is_file() or kaldi_dir.sets_in(folder):
        return kaldi_dir.read(folder, written)
    if lhotse_export.manifests(folder):
        return lhotse_export.read(folder, written)
    if found := layouts.read(folder, written):
        return found
    found = plain_folder.read(folder, written) if plain_folder.holds_audio(folder) else None
    if found is None or not any(found.sets.values()):
        first = f"; the first of {len(found.unreadable)} faults: {found.unreadable[0][1]}" if found else ""
        raise UserError(f"CORPUS_DIR={folder}: no corpus; expected {EXPECTED}; found {_contents(folder)}{first}")
    return found


def _contents(folder: Path, most: int = 5) -> str:
    """What kinds of files are in a folder, the most frequent first."""
    kinds: dict[str, list[str]] = {}
    for path in below(folder):
        if path.is_file():
            kinds.setdefault(path.suffix.lower() or "no ending", []).append(path.relative_to(folder).as_posix())
    ordered = sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
    named = [f"{len(names)} {kind} ({names[0]}{', ...' if len(names) > 1 else ''})" for kind, names in ordered[:most]]
    more = f" and {len(ordered) - most} other kinds" if len(ordered) > most else ""
    return ", ".join(named) + more if named else "no files"


def refuse_output(folder: Path, out: Path) -> None:
    """UserError if the output would replace the corpus, or the folder around it."""
    if out.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise UserError(
            f"CORPUS_DIR={folder}: lies in {out}, which would be overwritten; give the corpus another name: "
            f"make CORPUS=my-{out.name} CORPUS_DIR={folder}"
        )


def refuse_name(name: str, builtin: list[str], folder: Path) -> None:
    """UserError for the name of a built-in corpus, or one that make and the shell would not take."""
    if name in builtin:
        raise UserError(
            f"CORPUS={name}: the name of a corpus that comes built in; give yours another: "
            f"make CORPUS=my-{name} CORPUS_DIR={folder}"
        )
    if not NAME.fullmatch(name):
        raise UserError(
            f'CORPUS={name}: a corpus is named with letters, digits, "-", "_" and "."; give one: '
            f"make CORPUS=name CORPUS_DIR={folder}"
        )
