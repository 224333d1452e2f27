"""A replayed search in words: one sentence, the prefixes that the grammar overruled, and what the beam held and
when."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.lattice import LARGEST
from pipeline.search.replay import Overruled, Prefix, Replay, Words, changes, overruled
from pipeline.times.clock import frame_to_seconds

TOP = 3  # prefixes that are shown
RIVALS = 8  # that were overruled
FATES = {"pruned": "was pruned", "met": "met a better one", "gone": "left the beam", "lost": "lost at the end"}
Language = Callable[[Words], float]  # natural log of what the grammar alone gives to the beginning of a sentence


def seconds(row: int, step: int) -> float:
    """Where a row of scores begins, which stands for ``step`` frames around frame row x step."""
    return float(frame_to_seconds(max(0, row * step - step // 2)))


def sentence(replay: Replay, found: Sequence[Overruled], language: Language, step: int, reference: Words = ()) -> str:
    """Where the language model alone (or else the whole grammar) overruled the sound by most, in one sentence."""
    if not replay.said:
        return "the search found no words"
    if not found:
        return (
            f'sound and grammar agreed: nothing in the beam sounded better than "{_end(replay.said)}" and scored worse'
        )
    one, by_language = next(
        ((one, True) for one in found if one.cost - _gain(replay, one, language) < one.lead), (found[0], False)
    )
    size, gain = len(one.rival), _gain(replay, one, language)
    instead = f'"{replay.said[size - 1]}"' if size <= len(replay.said) else "the end"
    who = "language model" if by_language else "lexicon"
    right = ", which was right," if one.rival == reference[:size] and one.rival != replay.said[:size] else ""
    return (
        f'at {seconds(one.row, step):.2f} s the {who} preferred {instead} to "{one.rival[-1]}", although that'
        f"{right} sounded better by {one.lead:.1f} nats: all but the sound speaks against it by {one.cost:.1f}, the"
        f" language model alone {'for' if gain < 0 else 'against'} it by {abs(gain):.1f}; it {_how(one)}"
        + ("" if one.fate == "lost" else f" at {seconds(one.last + 1, step):.2f} s")
    )


def _gain(replay: Replay, one: Overruled, language: Language) -> float:
    """By how much the language model alone prefers what was said, up to the word in which the rival differs."""
    return language(replay.said[: len(one.rival)]) - language(one.rival)


def _how(one: Overruled) -> str:
    if not one.behind < LARGEST:
        return "was in the midst of a word at the end"
    return f"{FATES[one.fate]}, {one.behind:.1f} behind"


def text(
    replay: Replay, title: str, language: Language, step: int, reference: Words = (), columns: int = 100
) -> list[str]:
    """The whole replay for a terminal."""
    found = overruled(replay)
    lines = [*_wrap(f"{title}: {sentence(replay, found, language, step, reference)}", columns), ""]
    lines += _wrap(f"said:      {' '.join(replay.said)}", columns) + _wrap(f"reference: {' '.join(reference)}", columns)
    if found:
        lines += [
            "",
            "Sounded better than what was said, and was overruled:",
            f"{'at':>8} {'sound':>7} {'the rest':>8} {'LM alone':>8}  {'until':>6}  rival",
        ]
        for one in found[:RIVALS]:
            gain = _gain(replay, one, language)
            row = (
                f"{seconds(one.row, step):7.2f}s {one.lead:+7.1f} {-one.cost:+8.1f} {-gain:+8.1f}  "
                f"{seconds(one.last + 1, step):6.2f}s  {_end(one.rival, 30)}: {_how(one)}"
            )
            lines.append(row[:columns])
    lines += [
        "",
        f"The {TOP} best prefixes whenever they changed, against the best of them; sound + the rest = all:",
        f"{'at':>8} {'all':>9} {'sound':>9} {'rest':>9}  so far (* what was said in the end, - no word yet)",
    ]
    for place, prefixes in changes(replay, TOP):
        so_far = replay.so_far[place] if replay.so_far else ()
        lines += [
            _prefix(
                f"{seconds(place, step):7.2f}s" if n == 0 else "",
                prefix,
                prefixes[0] if n else None,
                "*" if prefix.words == so_far else " ",
                columns,
            )
            for n, prefix in enumerate(prefixes)
        ]
    return lines


def _prefix(at: str, prefix: Prefix, best: Prefix | None, mark: str, columns: int) -> str:
    scores = [(getattr(prefix, name) - (getattr(best, name) if best else 0)) for name in ("total", "acoustic", "graph")]
    cells = " ".join(f"{score:+9.1f}" if best else f"{score:9.1f}" for score in scores)
    head = f"{at:>8} {cells} {mark}"
    return f"{head}{_end(prefix.words, columns - len(head))}".rstrip()


def _end(words: Words, columns: int = 60) -> str:
    """As many of the last words as there is room for."""
    line = " ".join(words) or "-"
    return line if len(line) <= columns else f"…{line[1 - columns :]}"


def _wrap(line: str, columns: int) -> list[str]:
    return textwrap.wrap(line, columns, subsequent_indent="  ") or [""]


def as_json(
    replay: Replay, title: dict[str, str], language: Language, step: int, reference: Words = ()
) -> dict[str, Any]:
    """Everything, as plain values; of each row the best TOP prefixes."""
    found = overruled(replay)
    rows = [
        {
            "seconds": round(seconds(row, step), 4),
            "so_far": so_far,
            "in_beam": len(prefixes),
            "prefixes": [
                {"words": p.words, "acoustic": round(p.acoustic, 3), "graph": round(p.graph, 3)} for p in prefixes[:TOP]
            ],
        }
        for row, (prefixes, so_far) in enumerate(zip(replay.rows, replay.so_far or [()] * len(replay.rows)))
    ]
    rivals = [
        asdict(one)
        | {"seconds": round(seconds(one.row, step), 4), "behind": one.behind if one.behind < LARGEST else None}
        for one in found
    ]
    return title | {
        "sentence": sentence(replay, found, language, step, reference),
        "said": replay.said,
        "reference": reference,
        "overruled": rivals,
        "rows": rows,
    }
