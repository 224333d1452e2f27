"""What every corpus module returns, and the part of preparing that is the same for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lexicon.errors import UserError
from pipeline.datadir import Utterance
from pipeline.sound.audio import AudioInfo, Cut, audio_info, refuse_endless, resampled_length
from pipeline.times.intervals import Interval

SETS = ("train", "dev", "test")


@dataclass(frozen=True)
class Gold:
    """The gold phones and words of an utterance; either may be empty."""

    phones: tuple[Interval, ...] = ()
    words: tuple[Interval, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """A corpus cut into sets: ``sets`` maps train, dev and test to utterances sorted by id.

    ``sample_rate`` (Hz) is what most files have, and what ``num_samples`` counts in; ``left_out`` lists (file, why) of
    what the corpus's rules exclude, ``unreadable`` (utterance id, error) of what should be there and is damaged;
    ``lexicon`` is the text of a pronunciation lexicon where the corpus has its own, in lines `WORD P1 P2`; ``gold``
    maps utterance ids to gold phones and words; ``fold`` maps their labels, and the lexicon's phones, to the classes in
    which phones are compared (a label it lacks stands for itself; SIL is never counted).
    """

    sets: dict[str, list[Utterance]]
    sample_rate: int
    left_out: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    lexicon: str | None = None
    gold: dict[str, Gold] = field(default_factory=dict)
    fold: dict[str, str] = field(default_factory=dict)


def unmeasured(utterance: str, speaker: str, wav: Path, words: Iterable[str], cut: Cut | None = None) -> Utterance:
    """An utterance whose audio ``measure`` has yet to open."""
    return Utterance(utterance, speaker, wav.resolve(), tuple(words), 0, cut)


def measure(
    sets: dict[str, list[Utterance]],
    left_out: Iterable[tuple[str, str]] = (),
    lexicon: str | None = None,
    gold: Mapping[str, Gold] | None = None,
    fold: Mapping[str, str] | None = None,
) -> Prepared:
    """Open every audio file: fill in ``num_samples``, collect what cannot be read. UserError on a double id.

    Where one utterance is a stretch of a recording, all are, as Kaldi's segments have it.
    """
    _refuse_duplicates(u for members in sets.values() for u in members)
    infos: dict[str, AudioInfo] = {}
    unreadable: list[tuple[str, str]] = []
    for utterance in (u for members in sets.values() for u in members):
        try:
            infos[utterance.id] = _info(utterance)
        except UserError as error:
            unreadable.append((utterance.id, str(error)))
    cuts = {
        u.id: u.cut or Cut(0.0, infos[u.id].num_samples / infos[u.id].sample_rate)
        for members in sets.values()
        for u in members
        if u.id in infos
    }
    if not any(u.cut for members in sets.values() for u in members):
        cuts = {}
    rates = Counter(info.sample_rate for info in infos.values()).most_common(1)
    rate = rates[0][0] if rates else 0
    measured = {
        name: [
            replace(
                u,
                cut=cuts.get(u.id),
                num_samples=resampled_length(infos[u.id].num_samples, infos[u.id].sample_rate, rate),
            )
            for u in sorted(members, key=lambda u: u.id)
            if u.id in infos
        ]
        for name, members in sets.items()
    }
    return Prepared(measured, rate, list(left_out), unreadable, lexicon, dict(gold or {}), dict(fold or {}))


def _info(utterance: Utterance) -> AudioInfo:
    """What the file's header says, the samples being those of the utterance alone."""
    info = audio_info(utterance.wav)
    if utterance.cut is None:
        refuse_endless(utterance.wav, info.num_samples / info.sample_rate)
        return info
    first, last = utterance.cut.samples(info)
    if last <= first:
        raise UserError(
            f"{utterance.wav}: {info.num_samples / info.sample_rate:.2f} s long, but utterance "
            f'"{utterance.id}" is said to last from {utterance.cut.start:g} to {utterance.cut.end:g} s; '
            f"correct its line in segments, or remove it"
        )
    refuse_endless(utterance.wav, (last - first) / info.sample_rate)
    return info._replace(num_samples=last - first)


def chosen_split(corpus: str, split: str | None, splits: tuple[str, ...]) -> str:
    """``split``, or the first of ``splits`` for None; UserError that lists those there are."""
    if split is not None and split not in splits:
        raise UserError(f"SPLIT={split}: {corpus} has no such split; use one of: {', '.join(splits)}")
    return split or splits[0]


def _refuse_duplicates(utterances: Iterable[Utterance]) -> None:
    seen: dict[str, Path] = {}
    for utterance in utterances:
        if utterance.id in seen:
            raise UserError(
                f'{utterance.wav}: duplicate utterance id "{utterance.id}", also of {seen[utterance.id]}; '
                f"rename or remove one"
            )
        seen[utterance.id] = utterance.wav
