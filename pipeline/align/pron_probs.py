"""Pronunciation and pause probabilities, counted in an alignment.

After Chen et al. 2015 (Pronunciation and silence probability modeling for ASR): variants relative to the commonest,
pauses smoothed towards their rate over all words. `lexicon.pauses` says what is modelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from lexicon.dictionary import Pronunciation, Weighted
from lexicon.errors import UserError
from lexicon.pauses import Pauses
from lexicon.phones import SILENCE
from pipeline.datadir.sets import align_again, aligned_ctm

PSEUDO_COUNT = 2.0  # added to the counts of every pronunciation, with a pause as often as over all words

Said = tuple[str, Pronunciation]  # a word and how it was said
PAUSE = None


def said_in(folder: Path | str) -> dict[str, list[Said | None]]:
    """By utterance its words with their phones, and PAUSE where there is silence, from words.ctm and phones.ctm.

    Raises UserError if a phone lies in no word.
    """
    folder = Path(folder)
    words = aligned_ctm(folder, "words")
    found: dict[str, list[Said | None]] = {}
    shared: dict[Said | None, Said | None] = {}  # what was said more than once is kept once
    for utterance, phones in aligned_ctm(folder, "phones").items():
        ahead = iter(words.get(utterance, []))
        word = None
        said: list[Said | None] = []
        for phone in phones:
            if phone.label == SILENCE:
                said.append(PAUSE)
                word = None
                continue
            middle = (phone.start + phone.end) / 2
            if word is None or middle > word.end:
                word = next(ahead, None)
                said.append((word.label if word else "", ()))
            if word is None or not word.start < middle < word.end:
                raise UserError(
                    f"{folder / 'phones.ctm'}: {utterance}: {phone.label} at {phone.start:.2f} s is in no word "
                    f"of words.ctm; {align_again(folder)}"
                )
            last = said[-1]
            assert last is not PAUSE  # after one a word begins
            said[-1] = (word.label, (*last[1], phone.label))
        found[utterance] = [shared.setdefault(one, one) for one in said]
    return found


def variant_probabilities(utterances: Iterable[Sequence[Said | None]], lexicon: Weighted) -> Weighted:
    """The lexicon with each word's variants as often as they were said, relative to the commonest, which comes first.

    The probability given so far is added to the count, so that a variant that was never said stays possible.
    """
    counts = Counter(said for utterance in utterances for said in utterance if said is not PAUSE)
    found: Weighted = {}
    for word, variants in lexicon.items():
        totals = [(counts[word, phones] + prob, phones) for prob, phones in variants]
        largest = max(total for total, _ in totals)
        found[word] = sorted(((total / largest, phones) for total, phones in totals), key=lambda variant: -variant[0])
    return found


def pause_probabilities(utterances: Iterable[Sequence[Said | None]], lexicon: Weighted) -> Pauses:
    """P(pause) before the first word, after the last one, and after every pronunciation of the lexicon within.

    With C(x) times x was followed by another word, C(x, s) of them after a pause, and P(s) the share over all words
    ((C(s) + 1) / (C + 2), so that it is neither 0 nor 1): (C(x, s) + 2 P(s)) / (C(x) + 2).
    """
    number = begins = ends = 0
    followed: Counter[Said] = Counter()
    paused: Counter[Said] = Counter()
    for utterance in utterances:
        spoken = [(place, said) for place, said in enumerate(utterance) if said is not PAUSE]
        if not spoken:
            continue
        number += 1
        begins += spoken[0][0] > 0
        ends += spoken[-1][0] < len(utterance) - 1
        for (place, said), (following, _) in zip(spoken, spoken[1:]):
            followed[said] += 1
            paused[said] += following > place + 1
    rate = (paused.total() + 1) / (followed.total() + 2)
    after = {
        (word, phones): (paused[word, phones] + PSEUDO_COUNT * rate) / (followed[word, phones] + PSEUDO_COUNT)
        for word, variants in lexicon.items()
        for _, phones in variants
    }
    return Pauses((begins + 1) / (number + 2), (ends + 1) / (number + 2), after)


def refuse_unknown(folder: Path | str, utterances: dict[str, list[Said | None]], lexicon: Weighted) -> None:
    """UserError if a word was said as the lexicon does not have it: the alignment was made with another one."""
    known = {(word, phones) for word, variants in lexicon.items() for _, phones in variants}
    for utterance, said in utterances.items():
        for spoken in said:
            if spoken is not PAUSE and spoken not in known:
                raise UserError(
                    f'{folder}: {utterance}: word "{spoken[0]}" was said {" ".join(spoken[1])}, which the '
                    f"lexicon lacks; the alignment is of another lexicon: {align_again(Path(folder))}"
                )
