"""Utterances, and writing them as a data directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_dir, write_lines
from lexicon.text import unfit, unfit_for_a_file, unwritable
from pipeline.datadir.tables import ARCHIVED, is_pipe
from pipeline.sound.audio import Cut
from pipeline.times.intervals import Interval, write_intervals


@dataclass(frozen=True)
class Utterance:
    """One utterance: its speaker, words and file; ``num_samples`` at the sample rate of the corpus.

    ``cut`` is the stretch of the file that holds it; None: the file is the utterance.
    """

    id: str
    speaker: str
    wav: Path
    words: tuple[str, ...]
    num_samples: int
    cut: Cut | None = None


def write_datadir(
    path: Path | str,
    utterances: Iterable[Utterance],
    gold: Mapping[str, Mapping[str, Sequence[Interval]]] | None = None,
    name_of: Callable[[Path], str] | None = None,
) -> None:
    """Write a data directory, replacing the one that was there (features included) when all is written.

    gold: "phones" and "words" of all or some of the utterances, which become phones.ctm and words.ctm. name_of: how
    wav.scp names a file; None: as `entry` does.
    """
    name_of = name_of or entry
    ordered = sorted(utterances, key=lambda utterance: utterance.id)
    refuse_unwritable(path, ordered)
    by_speaker: dict[str, list[str]] = {}
    for utterance in ordered:
        by_speaker.setdefault(utterance.speaker, []).append(utterance.id)
    with atomic_dir(path) as temporary:
        cuts = {u.id: u.cut for u in ordered if u.cut}
        if cuts:  # then every utterance has one
            recordings = {wav: f"{number:06d}" for number, wav in enumerate(sorted({name_of(u.wav) for u in ordered}))}
            write_lines(temporary / "wav.scp", [f"{name} {wav}" for wav, name in recordings.items()])
            write_lines(
                temporary / "segments",
                [f"{u.id} {recordings[name_of(u.wav)]} {cuts[u.id].start!r} {cuts[u.id].end!r}" for u in ordered],
            )
        else:
            write_lines(temporary / "wav.scp", [f"{u.id} {name_of(u.wav)}" for u in ordered])
        write_lines(temporary / "text", [f"{u.id} {' '.join(u.words)}" for u in ordered])
        write_lines(temporary / "utt2spk", [f"{u.id} {u.speaker}" for u in ordered])
        write_lines(temporary / "spk2utt", [f"{s} {' '.join(by_speaker[s])}" for s in sorted(by_speaker)])
        write_lines(temporary / "utt2num_samples", [f"{u.id} {u.num_samples}" for u in ordered])
        for tier, placed in (gold or {}).items():
            if here := {u.id: placed[u.id] for u in ordered if placed.get(u.id)}:
                _refuse_labels(path, here)
                write_intervals(temporary / f"{tier}.ctm", here)


def refuse_unwritable(path: Path | str, utterances: Iterable[Utterance]) -> None:
    """UserError for what could not be read back."""
    ordered = sorted(utterances, key=lambda utterance: utterance.id)
    if not ordered:
        raise UserError(f"{path}: no utterances to write; is the corpus complete?")
    for before, utterance in zip([None, *ordered], ordered):
        if before is not None and before.id == utterance.id:
            raise UserError(
                f'{utterance.wav}: duplicate utterance id "{utterance.id}", also of {before.wav}; rename or remove one'
            )
        if not utterance.words:
            raise UserError(f'{utterance.wav}: utterance "{utterance.id}" has no words; give them, or remove it')
        for what, name, why in (
            ("id", utterance.id, unfit_for_a_file(utterance.id)),
            ("speaker", utterance.speaker, unfit(utterance.speaker)),
            ("path", entry(utterance.wav), unfit_entry(entry(utterance.wav))),
            *(("word", word, unfit(word)) for word in utterance.words),
        ):
            if why:
                raise UserError(
                    f'{utterance.wav}: {what} "{name}" {why}; '
                    f"{'correct the transcript' if what == 'word' else 'rename the file or folder'}"
                )


def entry(wav: Path) -> str:
    """How wav.scp names a file: relative to the current folder where it lies below it, so that a project can be
    moved."""
    return str(Path(wav).relative_to(Path.cwd()) if Path(wav).is_relative_to(Path.cwd()) else wav)


def unfit_entry(path: str) -> str:
    """Why a line of wav.scp cannot hold a path; "" if it can."""
    if path != path.strip():
        return "begins or ends with white space"
    if is_pipe(path) or ARCHIVED.fullmatch(path):
        return "looks like a command, or like a place in an archive"
    return unwritable(path)


def _refuse_labels(path: Path | str, placed: Mapping[str, Iterable[Interval]]) -> None:
    for utt, intervals in placed.items():
        for interval in intervals:
            if why := unfit(interval.label):
                raise UserError(
                    f'{path}: {utt}: gold label "{interval.label}" at {interval.start:g} s {why}; correct'
                    " the label in the corpus"
                )
