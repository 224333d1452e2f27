"""What every corpus module returns, and the part of preparing that is the same for all."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from lexicon.errors import UserError
from pipeline.audio import AudioInfo, audio_info, resampled_length
from pipeline.datadir import Utterance

SETS = ("train", "dev", "test")


@dataclass(frozen=True)
class Prepared:
    """A corpus cut into sets: ``sets`` maps train, dev and test to utterances sorted by id.

    ``sample_rate`` (Hz) is what most files have, and what ``num_samples`` counts in; ``left_out`` lists (file, why) of
    what the corpus's rules exclude, ``unreadable`` (utterance id, error) of what should be there and is damaged;
    ``lexicon`` is the text of a pronunciation lexicon where the corpus has its own, in lines `WORD P1 P2`.
    """

    sets: dict[str, list[Utterance]]
    sample_rate: int
    left_out: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    lexicon: str | None = None


def unmeasured(utterance: str, speaker: str, wav: Path, words: Iterable[str]) -> Utterance:
    """An utterance whose audio ``measure`` has yet to open."""
    return Utterance(utterance, speaker, wav.resolve(), tuple(words), 0)


def measure(sets: dict[str, list[Utterance]], left_out: Iterable[tuple[str, str]] = (),
            lexicon: str | None = None) -> Prepared:
    """Open every audio file: fill in ``num_samples``, collect what cannot be read. UserError on a double id."""
    _refuse_duplicates(u for members in sets.values() for u in members)
    infos: dict[str, AudioInfo] = {}
    unreadable: list[tuple[str, str]] = []
    for utterance in (u for members in sets.values() for u in members):
        try:
            infos[utterance.id] = audio_info(utterance.wav)
        except UserError as error:
            unreadable.append((utterance.id, str(error)))
    rates = Counter(info.sample_rate for info in infos.values()).most_common(1)
    rate = rates[0][0] if rates else 0
    measured = {name: [replace(u, num_samples=resampled_length(infos[u.id].num_samples, infos[u.id].sample_rate, rate))
                       for u in sorted(members, key=lambda u: u.id) if u.id in infos] for name, members in sets.items()}
    return Prepared(measured, rate, list(left_out), unreadable, lexicon)


def chosen_split(corpus: str, split: str | None, splits: tuple[str, ...]) -> str:
    """``split``, or the first of ``splits`` for None; UserError that lists those there are."""
    if split is not None and split not in splits:
        raise UserError(f'SPLIT={split}: {corpus} has no such split; use one of: {", ".join(splits)}')
    return split or splits[0]


def _refuse_duplicates(utterances: Iterable[Utterance]) -> None:
    seen: dict[str, Path] = {}
    for utterance in utterances:
        if utterance.id in seen:
            raise UserError(f'{utterance.wav}: duplicate utterance id "{utterance.id}", also of {seen[utterance.id]}; '
                            f"rename or remove one")
        seen[utterance.id] = utterance.wav
