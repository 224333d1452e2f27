"""Splitting a user's own corpus into train, dev and test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lexicon.errors import UserError
from pipeline.corpora.prepared import SETS, Gold
from pipeline.datadir import Utterance

SPLITS = ("given", "speaker", "utterance")
SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}
FEWEST_SPEAKERS = 4  # two for train, one for dev and one for test
FEWEST_UTTERANCES = 10


@dataclass
class Found:
    """The corpus in a folder: ``sets`` as the folder has them, under "" utterances that are in none; the rest as in
    `Prepared`.

    ``speakers_known``: whether the speakers are persons, and not a placeholder.
    """

    kind: str
    sets: dict[str, list[Utterance]]
    gold: dict[str, Gold] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    speakers_known: bool = True


def cut(found: Found, split: str | None) -> tuple[dict[str, list[Utterance]], str, str]:
    """(train, dev and test; the name of the rule; one line on how they were cut).

    ``split`` None: the sets that the folder has, and those it lacks cut out of its train, by speaker if four are known,
    else by utterance. Otherwise all utterances are cut as ``split`` says.
    """
    given = {name: found.sets[name] for name in SETS if found.sets.get(name)}
    if split == "given" and not given:
        raise UserError(f"SPLIT=given: the folder has no {', '.join(SETS)}; use one of: {', '.join(SPLITS[1:])}")
    if given and split in (None, "given"):
        if "train" not in given:
            raise UserError(f"only {' and '.join(given)} in the folder; add train, or cut anew: SPLIT=utterance")
        if found.sets.get(""):
            raise UserError(
                f"{len(found.sets[''])} utterances outside of {', '.join(given)} (the first: "
                f"{found.sets[''][0].wav}); move them into one, or cut anew: SPLIT=utterance"
            )
        lacking = [name for name in ("dev", "test") if name not in given]
        if not lacking:
            return {name: given[name] for name in SETS}, "given", "train, dev and test as the folder has them"
        parts, _, how = _cut(found, given["train"], None, lacking)
        return {**given, **parts}, "given", f"{' and '.join(given)} as the folder has them; {how}"
    everything = [utterance for members in found.sets.values() for utterance in members]
    return _cut(found, everything, split, ["dev", "test"])


def _too_few(found: Found, number: int) -> UserError:
    """The error for too few utterances, which says why there are no more."""
    others = [error for _, error in found.unreadable]
    reasons = f" ({len(others)} more are not whole: {'; '.join(others[:3])}{'; ...' if others[3:] else ''})"
    return UserError(
        f"{found.kind}, {number} utterances{reasons if others else ''}; at least {FEWEST_UTTERANCES} are "
        f"needed for train, dev and test"
    )


def _cut(
    found: Found, utterances: list[Utterance], split: str | None, lacking: list[str]
) -> tuple[dict[str, list[Utterance]], str, str]:
    """As ``cut``: train, and the sets that are lacking, out of ``utterances``."""
    if len(utterances) < FEWEST_UTTERANCES:
        raise _too_few(found, len(utterances))
    count = len({utterance.speaker for utterance in utterances}) if found.speakers_known else 0
    if split == "speaker" and count < len(lacking) + 1:
        raise UserError(
            f"SPLIT=speaker: {count or 'no'} speakers known; at least {len(lacking) + 1} are needed, "
            f"so use SPLIT=utterance"
        )
    if split == "speaker" or (split is None and count >= FEWEST_SPEAKERS):
        wanted = {name: share for name, share in SHARES.items() if name == "train" or name in lacking}
        sets = by_speaker(utterances, wanted)
        named = "; ".join(f"{name}: {_some(sorted({u.speaker for u in sets[name]}))}" for name in lacking)
        return sets, "speaker", f"cut by speaker ({named})"
    sets = by_utterance(utterances, lacking)
    return (
        sets,
        "utterance",
        (
            f"cut by utterance (of ten sorted, {'the 8th dev' if 'dev' in lacking else ''}"
            f"{', ' if len(lacking) > 1 else ''}{'the 5th and 10th test' if 'test' in lacking else ''}"
            "), so the speakers of test are known from train"
        ),
    )


def by_speaker(utterances: list[Utterance], shares: dict[str, float]) -> dict[str, list[Utterance]]:
    """Whole speakers to each set, so that the sets have about these shares of the utterances, none of them empty.

    The speaker with the most utterances first, to the set that lacks most; equal ones in the order of their names.
    """
    counts = Counter(utterance.speaker for utterance in utterances)
    lacks = {name: share * len(utterances) / sum(shares.values()) for name, share in shares.items()}
    members: dict[str, set[str]] = {name: set() for name in shares}
    order = sorted(counts, key=lambda speaker: (-counts[speaker], speaker))
    for index, speaker in enumerate(order):
        empty = [name for name in shares if not members[name]]
        among = empty if len(order) - index <= len(empty) else list(shares)
        name = max(among, key=lacks.__getitem__)
        members[name].add(speaker)
        lacks[name] -= counts[speaker]
    return {name: [u for u in utterances if u.speaker in members[name]] for name in shares}


def by_utterance(utterances: list[Utterance], lacking: list[str]) -> dict[str, list[Utterance]]:
    """Of the sorted utterances, index % 10 in {4, 9} is test, 7 is dev, the rest train: the rule of `prompts`."""
    sets: dict[str, list[Utterance]] = {name: [] for name in ("train", *lacking)}
    for index, utterance in enumerate(sorted(utterances, key=lambda u: u.id)):
        name = "test" if index % 10 in (4, 9) else "dev" if index % 10 == 7 else "train"
        sets[name if name in sets else "train"].append(utterance)
    return sets


def _some(names: list[str], most: int = 5) -> str:
    return " ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
