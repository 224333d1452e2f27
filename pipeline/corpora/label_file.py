"""Label files: a line for each label, with the times where it begins and ends.

`.lab` of HTK (in 100 ns: `0 2300000 sil`), `.phn` and `.wrd` of TIMIT (in samples: `0 3050 h#`), label tracks of
Audacity (in seconds, with tabs), `.lab` of ESPS and Festival (`#`, then lines `end colour label`). None of them names
its format, and a line of text may begin with two numbers as well, so `read_labels` decides by the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lexicon import timit
from lexicon.errors import UserError
from lexicon.nonspeech import is_pause
from lexicon.phone_sets import arpabet, ipa, without_stress
from lexicon.text import numbered_lines
from lexicon.written import BRACKETED
from pipeline.datadir.check import GOLD_OVERSHOOT_S
from pipeline.sound.audio import AudioInfo
from pipeline.times.intervals import Interval

LINE = re.compile(r"(?P<start>-?\d+(?:[.,]\d+)?)(?P<gap>\s+)(?P<end>-?\d+(?:[.,]\d+)?)(?:\s+(?P<label>\S.*))?")
ESPS_LINE = re.compile(r"(?P<end>\d+\.\d+)\s+-?\d+(?:\s+(?P<label>\S.*))?")
SUBTITLE = re.compile(r"[\d:.,]+ --> [\d:.,]+")
FORMS = {  # beginnings of first lines that are no plain text, whatever the file is called
    r'File type = "oo|"?ooTextFile': "a file of Praat's, which is read if it is a TextGrid and called .TextGrid",
    r"\{\\rtf": "RTF",
    r"(?i:<\?xml|<!doctype|<html|<sami)": "XML or HTML",
    r'[\[{]\s*("|$)': "JSON",
    r"@(Begin|UTF8)\b": "a CHAT transcript",
    r"#!MLF!#": "a master label file of HTK",
    r"WEBVTT|\[Script Info": "subtitles",
}
PARTS = re.compile(r"[\w.:]+")
TIME = re.compile(r"\d+\.\d+|\d+(:\d\d)+(\.\d+)?")
CTM = re.compile(r"(\S+\s+){2,3}\d+\.\d+\s+\d+\.\d+\s+\S.*")  # or STM, which names the speaker too
SPEAKER = re.compile(r"\W?[^\W\d_][\w .'-]{0,30}:\s+\S.*")
FREQUENCIES = "\\"  # begins Audacity's second line of a label, which selects frequencies
HTK_PER_S = 10_000_000  # HTK counts in 100 ns
USUAL_RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000)
LATE = 0.85  # of the sound, where the last word ends
COVERED = 0.25  # of the sound, by labels that fit it
AS_TIME = 1000  # no text begins with 0 and such a number, and no times of samples or 100 ns end before it
AS_TIMES = 100_000  # nor with two numbers up to this one
MOST = 0.5  # of the lines, or labels
TRIPHONE = re.compile(r"[^-+]*-([^-+]+)\+\S*")  # HTK's l-c+r, and what its synthesis adds
SCORE = re.compile(r"(\S+)\s+-?\d+\.\d+(e[-+]?\d+)?(\s.*)?", re.IGNORECASE)  # HVite's, behind the label


class Row(NamedTuple):
    """A line as it stands, its numbers in an unknown unit."""

    line: int
    start: float
    end: float
    label: str
    decimal: bool
    tabs: bool


def read_labels(path: Path, sound: AudioInfo) -> list[Interval] | None:
    """The labels of a file in seconds; None for what is text.

    They are labels if every line is `number number label`, the times grow and do not overlap, and they fit the sound in
    some unit: they end within the sound and cover a quarter of it, and they begin with it, end with it, or follow upon
    one another. Whole numbers are samples or 100 ns; they are seconds only where two or more lines follow upon one
    another from 0 to the end. Lines with tabs and decimals are Audacity's, whose labels may be few. Small whole numbers
    alone are text.

    UserError if the file is neither labels nor clearly text: its times do not fit the sound in any unit (in two lines
    or more, or with numbers that no text has), only most of its lines are labels, it is a table of times in another
    form, or another kind of file. "12 34 people" alone is text.
    """
    lines = [
        (number, line.strip())
        for number, line in numbered_lines(path)
        if line.strip() and not line.startswith(FREQUENCIES)
    ]
    if subtitle := next((number for number, line in lines if SUBTITLE.match(line)), None):
        raise UserError(f"{path}:{subtitle}: subtitles; save their text alone, or as a TextGrid")
    found = _labels(path, lines, sound)
    if found is None:
        _refuse_other_forms(path, lines)
    return found


def _labels(path: Path, lines: Sequence[tuple[int, str]], sound: AudioInfo) -> list[Interval] | None:
    """As read_labels, of lines that are not empty; None for whatever has another form."""
    if (header := next((at for at, (_, line) in enumerate(lines) if line == "#"), None)) is not None:
        rows = _esps(lines[header + 1 :])
    else:
        rows = [_row(number, found) for number, line in lines if (found := LINE.fullmatch(line))]
    counting = not any(row.decimal or row.end >= AS_TIME or any(map(str.isalpha, row.label)) for row in rows)
    if counting or not any(row.label for row in rows):
        return None
    if header is None and len(rows) < len(lines):
        if len(rows) == 1 or len(rows) <= MOST * len(lines) or not _grow(rows):
            return None
        number, line = next((number, line) for number, line in lines if not LINE.fullmatch(line))
        raise UserError(f'{path}:{number}: "{line[:80]}" is not `start end label` as the other lines are; correct it')
    return _in_seconds(path, rows, sound)


def _refuse_other_forms(path: Path, lines: Sequence[tuple[int, str]]) -> None:
    """UserError for what would be taken for spoken text: the markup of another kind of file, a table of times (CTM,
    CSV, a list of clock times), or the names of speakers in a dialogue."""
    for number, line in lines[:1]:
        if form := next((form for begin, form in FORMS.items() if re.match(begin, line)), None):
            raise UserError(f"{path}:{number}: {form}; save its text alone, as plain text in UTF-8")
    lines = [(number, BRACKETED.sub(" ", line).strip()) for number, line in lines]  # brackets are not said
    timed = [number for number, line in lines if _has_times(line)]
    if len(timed) > 1 and len(timed) >= MOST * len(lines) or lines and all(CTM.fullmatch(line) for _, line in lines):
        raise UserError(
            f"{path}:{timed[0]}: times, but not lines of `start end label`; write them so, or the text "
            f"alone (such numbers that are said, in words)"
        )
    if len(lines) > 1 and all(SPEAKER.fullmatch(line) for _, line in lines):
        name = lines[0][1].partition(":")[0]
        raise UserError(
            f'{path}:{lines[0][0]}: "{name}:" as in a dialogue; nobody says the names of speakers, so take '
            f"them away or put them in [brackets] (what is said, write without the colon)"
        )


def _has_times(line: str) -> bool:
    """Whether a line begins with a time, or has two."""
    times = [bool(TIME.fullmatch(part)) for part in PARTS.findall(line)]
    return times[:1] == [True] or sum(times) > 1


def _row(number: int, found: re.Match[str]) -> Row:
    start, end = found["start"], found["end"]
    return Row(
        number,
        float(start.replace(",", ".")),
        float(end.replace(",", ".")),
        found["label"] or "",
        any(mark in start + end for mark in ".,"),
        "\t" in found["gap"],
    )


def _esps(lines: Sequence[tuple[int, str]]) -> list[Row]:
    """Lines `end colour label`, as those of the other form; none if one is not."""
    found = [(number, match) for number, line in lines if (match := ESPS_LINE.fullmatch(line.rstrip("; ")))]
    if len(found) < len(lines):
        return []
    ends = [float(match["end"]) for _, match in found]
    return [
        Row(number, start, end, match["label"] or "", True, True)
        for (number, match), start, end in zip(found, [0.0, *ends], ends)
    ]


def _grow(rows: Sequence[Row]) -> bool:
    return all(row.start <= row.end for row in rows) and all(
        before.end <= after.start for before, after in zip(rows, rows[1:])
    )


def _in_seconds(path: Path, rows: list[Row], sound: AudioInfo) -> list[Interval] | None:
    seconds = sound.num_samples / sound.sample_rate
    surely = all(row.tabs and row.decimal for row in rows)
    units = [1] if any(row.decimal for row in rows) else [sound.sample_rate, HTK_PER_S, 1]
    unit = next((unit for unit in units if _grow(rows) and _fits(rows, unit, seconds, surely)), None)
    point = next((row for row in rows if row.start == row.end and not is_pause(row.label)), None)
    if unit == 1 and point:
        raise UserError(
            f'{path}:{point.line}: "{point.label}" at a point of time; let it last as long as what it labels'
        )
    if unit == sound.sample_rate and (other := _lower_rate(rows[-1].end, sound)):
        last = rows[-1]
        raise UserError(
            f"{path}:{last.line}: sample {last.end:.10g} is at {last.end / unit:.2f} of {seconds:.2f} s, "
            f"but at {other} Hz the labels would end with the sound; were they made before it was resampled? "
            f"Write them in seconds (if they are right, add one of silence, `sil`, up to the end)"
        )
    if unit is not None:
        return [
            Interval(
                row.start / unit, min(row.end / unit, seconds), _bare(row.label) if unit == HTK_PER_S else row.label
            )
            for row in rows
        ]
    if surely or len(rows) > 1 and _grow(rows) or any(map(_no_text, rows)):
        ends = [0.0, *(row.end for row in rows)]
        odd = next((row for row, before in zip(rows, ends) if row.start < before), rows[-1])
        raise UserError(
            f"{path}:{odd.line}: lines of times and labels, but {odd.start:.10g} to {odd.end:.10g} does "
            f"not fit the sound of {seconds:.2f} s{'' if _grow(rows) else ', or the line before'}, in seconds, "
            f"samples or 100 ns; correct the times (of a text, write such numbers in words)"
        )
    return None


def _lower_rate(end: float, sound: AudioInfo) -> int | None:
    """A usual sample rate below that of the sound at which labels up to sample ``end`` would end with the sound, or, at
    half its rate or less, late in it; None where they do so at its own rate, or at none."""
    seconds = sound.num_samples / sound.sample_rate
    if end / sound.sample_rate >= seconds - GOLD_OVERSHOOT_S:
        return None
    return next(
        (
            rate
            for rate in USUAL_RATES
            if rate < sound.sample_rate
            and (
                abs(end / rate - seconds) <= GOLD_OVERSHOOT_S
                or 2 * rate <= sound.sample_rate
                and LATE * seconds <= end / rate <= seconds
            )
        ),
        None,
    )


def _no_text(row: Row) -> bool:
    return row.end >= AS_TIMES or row.start == 0 and row.end >= AS_TIME or row.decimal and row.start < 0


def _fits(rows: list[Row], unit: float, seconds: float, surely: bool) -> bool:
    """Whether times that grow are, in this unit (a second has so many), those of the sound."""
    first, last = rows[0].start / unit, rows[-1].end / unit
    if first < 0 or last > seconds + GOLD_OVERSHOOT_S or rows[-1].start / unit >= seconds:
        return False
    joined = sum(before.end == after.start for before, after in zip(rows, rows[1:]))
    from_end_to_end = first == 0 and last >= seconds - GOLD_OVERSHOOT_S
    if unit == 1 and not any(row.decimal for row in rows):
        return len(rows) > 1 and from_end_to_end and joined == len(rows) - 1
    covered = sum(row.end - row.start for row in rows) / unit
    in_place = first == 0 or last >= seconds - GOLD_OVERSHOOT_S or joined > MOST * (len(rows) - 1)
    return surely or covered >= COVERED * seconds and in_place


def _bare(label: str) -> str:
    """HTK's label without score, and a triphone's phone."""
    if scored := SCORE.fullmatch(label):
        label = scored[1]
    return found[1] if (found := TRIPHONE.fullmatch(label)) else label


def are_phones(labels: Sequence[str]) -> bool:
    """Whether most of the labels, pauses aside, are phones: the dictionary's, ARPAbet, IPA or TIMIT's."""
    said = [label for label in labels if not is_pause(label)]
    return sum(_is_phone(label) for label in said) > MOST * len(said)


def _is_phone(label: str) -> bool:
    name = without_stress(label)
    return bool(arpabet(name) or label in timit.LABELS or ipa(name))
