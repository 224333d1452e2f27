"""A survey as one screen of text: at most 20 lines of 100 columns."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pipeline.datadir.survey import SetSurvey, Survey

COLUMNS = 100
BARS = " ▁▂▃▄▅▆▇█"
HEIGHT = 3  # lines of the histogram
BINS = 60  # columns of it at most


def picture(survey: Survey) -> list[str]:
    """The lines: counts by set, words without pronunciation, sound, warnings, and a histogram of durations."""
    lines = _table(survey)
    lines.append(_pronunciations(survey))
    if survey.durations:
        lines += _sound(survey)
    lines += [
        fitted(f"  ! {what}: {len(found)}: ", found)
        for what, found in sorted(survey.warnings.items(), key=lambda item: -len(item[1]))
    ]
    if survey.durations:
        lines += histogram(list(survey.durations.values()))
    return [line if len(line) <= COLUMNS else f"{line[: COLUMNS - 4]} ..." for line in lines]


def _table(survey: Survey) -> list[str]:
    columns = {**survey.sets, "all": survey.whole} if len(survey.sets) > 1 else survey.sets
    hours = survey.whole.seconds >= 2 * 3600
    rows = {
        "": list(columns),
        "utterances": [f"{c.utterances:,}" for c in columns.values()],
        "hours" if hours else "minutes": [f"{c.seconds / (3600 if hours else 60):.1f}" for c in columns.values()],
        "speakers": [f"{len(c.speakers):,}" for c in columns.values()],
        "words": [f"{c.words.total():,}" for c in columns.values()],
        "vocabulary": [f"{len(c.words):,}" for c in columns.values()],
    }
    if "train" in survey.sets:
        rows["not in train"] = [_unseen(c, survey.sets["train"]) for c in columns.values()]
    return [f"  {name:12}" + "".join(f"{value:>12}" for value in values) for name, values in rows.items()]


def _unseen(part: SetSurvey, train: SetSurvey) -> str:
    """The share of the running words that train does not have."""
    unseen = sum(n for word, n in part.words.items() if word not in train.words)
    return f"{100 * unseen / part.words.total():.1f} %" if part.words else ""


def _pronunciations(survey: Survey) -> str:
    if not survey.unknown:
        return f"  every word is in {survey.lexicon}"
    share = 100 * survey.unknown.total() / survey.whole.words.total()
    words = [word for word, _ in survey.unknown.most_common()]
    return fitted(f"  {len(words):,} words are not in {survey.lexicon}, {share:.1f} % of the running words: ", words)


def _sound(survey: Survey) -> list[str]:
    """Sample rates and channels, and loudness."""
    total = sum(survey.formats.values())
    formats = ", ".join(
        f"{rate} Hz {_channels(channels)}" + (f" ({n:,})" if n < total else "")
        for (rate, channels), n in survey.formats.most_common()
    )
    order = sorted(survey.loudness, key=survey.loudness.__getitem__)
    median, low, high = order[len(order) // 2], order[0], order[-1]
    return [
        f"  {formats}",
        f"  loudness {survey.loudness[median]:.1f} dBFS, from {survey.loudness[low]:.1f} ({low}) "
        f"to {survey.loudness[high]:.1f} ({high})",
    ]


def _channels(count: int) -> str:
    return {1: "mono", 2: "stereo"}.get(count, f"{count} channels")


def histogram(durations: list[float]) -> list[str]:
    """Durations in seconds as block characters, HEIGHT lines, and the axis below."""
    width = _bin_width(max(durations), min(BINS, 10 + len(durations) // 10))
    counts = [0] * (int(max(durations) / width) + 1)
    for duration in durations:
        counts[int(duration / width)] += 1
    top = max(counts)
    # No bin that holds something looks empty.
    eighths = [max(round(8 * HEIGHT * count / top), min(count, 1)) for count in counts]
    lines = [
        f"  {'│' if row else '┤'}" + "".join(BARS[min(8, max(0, e - 8 * row))] for e in eighths)
        for row in reversed(range(HEIGHT))
    ]
    lines[0] = lines[0].replace("│", "┤", 1) + f"  {top:,} at the top"
    middle = sorted(durations)[len(durations) // 2]
    return [
        *[line.rstrip() for line in lines],
        _axis(len(counts), width) + f"  median {middle:.1f} s, {min(durations):.1f} to {max(durations):.1f}",
    ]


def _bin_width(longest: float, bins: int) -> float:
    """A round width of which at most so many are needed: 1, 2 or 5 times a power of ten, in seconds."""
    exponent = math.floor(math.log10(longest / bins))
    return next(w for w in (m * 10.0**e for e in (exponent, exponent + 1) for m in (1, 2, 5)) if longest / w < bins)


def _axis(bins: int, width: float) -> str:
    """Every tenth bin has its time."""
    axis = ""
    for index in range(0, bins, 10):
        axis = axis.ljust(index) + f"{index * width:g}"
    return f"   {axis} s"


def fitted(start: str, names: Iterable[str]) -> str:
    """``start`` and as many names as fit on the line."""
    names = list(names)
    line = start
    for index, name in enumerate(names):
        if index and len(line) + len(name) + 4 > COLUMNS:
            return f"{line}..."
        line += f"{name} "
    return line.rstrip()
