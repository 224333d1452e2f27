"""Words of a search that is not over yet, on their phones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lexicon.phones import SILENT
from pipeline.search.graph import Lexicon
from pipeline.times.segments import Segment, word_segments


def placed(words: Sequence[str], phones: Sequence[Segment], lexicon: Lexicon) -> list[Segment]:
    """The words with their times. A search says a word where no other is possible any more: before its last phone, so
    that of the last word a part may be there, or nothing, or after it. ValueError if the phones do not spell them."""
    said = [phone for phone in phones if phone.label not in SILENT]
    labels = tuple(phone.label for phone in said)

    def lengths(at: int, number: int) -> list[int] | None:
        """Of words ``number`` and on, how many phones each has, if they are spelled from phone ``at`` on."""
        if number == len(words):
            return []
        for _, spelling in lexicon[words[number]]:
            heard = labels[at : at + len(spelling)]
            begun = number == len(words) - 1 and heard == spelling[: len(heard)]
            if (heard == spelling or begun) and (rest := lengths(at + len(heard), number + 1)) is not None:
                return [len(heard), *rest]
        return None

    found = lengths(0, 0)
    if found is None:
        raise ValueError(f"no way to spell {words} in {labels}")
    owners = [index for index, length in enumerate(found) for _ in range(length)]
    return word_segments([replace(phone, word=word) for phone, word in zip(said, owners)], words)
