"""The page of a recording of one's own, in the look of the report: what every system heard in it, and where its text is
if it is known.

    index.html        the page, written anew by `make transcribe` and by `make align`
    web/              the scripts and the style of the report, likewise
    page/             what it loads: pieces.json says of what; replaced as a whole by what hears the recording again
      001/*.js        of a piece the sound, and what systems, models and pairs of systems say of it

A recording is cut at its pauses, and each piece has a panel of its own, as an utterance of the test set has, but nobody
knows what was said: no segment has a verdict. Where the words of a text are comes from the CTM files of the alignments
beside the page, so it does not matter whether the recording was transcribed or aligned first.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from lexicon.files import atomic_dir, atomic_write, read_json, write_json
from lexicon.phones import PhoneSet
from pipeline.compare.listen import Heard, later
from pipeline.compare.transcript import TIERS, span, system_lines, tiers_of
from pipeline.lattice import Lattice
from pipeline.report.as_text import lattice_texts
from pipeline.report.lattices import lattice_drawings
from pipeline.report.page import ipa_signs, page, write_part, write_web
from pipeline.report.panel import index_of, pair_of, panel_script, posteriors_of, row, sound_of, times_of
from pipeline.report.render import Named
from pipeline.search.decode import Hypothesis
from pipeline.search.system import System
from pipeline.sound.audio import Cut
from pipeline.sound.pauses import Piece
from pipeline.sound.recording import Recording
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS, frame_to_seconds
from pipeline.times.ctm import read_confident
from pipeline.times.intervals import Interval
from pipeline.times.segments import Segment

INDEX, PAGE, PIECES = "index.html", "page", "pieces.json"
TRANSCRIPT = "transcript.txt"  # all that was heard, for people
LONGEST_S = 1800  # of a longer recording the page shows the beginning: four systems take 3 MB a minute
FEW = 2  # pieces; of more the lattices are folded at first, that one can read on
OVERHANG = (FRAME_LENGTH_MS - FRAME_SHIFT_MS) / 1000  # seconds that the last frame of a piece is longer than the others


class OwnPage:
    """What the page loads, written piece by piece to a ``folder``. ``searched``: whether the ``systems`` search for
    words and phones, or only say what they make of each frame."""

    def __init__(
        self,
        folder: Path,
        wav: Path,
        recording: Recording,
        systems: Mapping[str, System],
        phone_set: PhoneSet,
        searched: bool,
    ) -> None:
        self.searched = searched
        self.folder, self.wav, self.recording, self.systems, self.phone_set = folder, wav, recording, systems, phone_set
        self.models = list({id(system): system for system in systems.values()}.values())
        self.rate = max(model.front_end.raw.sample_rate for model in self.models)  # more is not heard
        self.pieces: list[dict[str, Any]] = []

    def add(self, piece: Piece, heard: Mapping[str, Heard]) -> None:
        """The next piece; silence without anything that was ``heard`` in it."""
        begin = piece.start * FRAME_SHIFT_MS / 1000
        if begin >= LONGEST_S:
            return
        last = piece.end >= self.recording.num_frames
        end = (
            self.recording.seconds
            if last
            else min(piece.end * FRAME_SHIFT_MS / 1000 + OVERHANG, self.recording.seconds)
        )
        said = {name: " ".join(word.label for word in one.words.words) for name, one in heard.items()}
        folder = f"{len(self.pieces) + 1:03d}" if heard else ""
        self.pieces.append({"begin": begin, "end": end, "span": span(piece), "folder": folder, "said": said})
        if heard:
            (self.folder / folder).mkdir()
            for name, part in self._parts(piece, Cut(begin, end), heard):
                write_part(self.folder / folder / f"{name}.js", panel_script(part))

    def _parts(self, piece: Piece, cut: Cut, heard: Mapping[str, Heard]) -> Iterator[tuple[str, dict[str, Any] | str]]:
        """What the page loads of a piece, as `Panels.parts` has it of an utterance."""
        mine = [self._from(piece, one) for one in heard.values()]
        parts = [_system(one) for one in mine]
        number_of = {id(model): number for number, model in enumerate(self.models)}
        systems = [(name, number_of[id(self.systems[name])]) for name in heard]
        first = [0, len(parts) - 1]
        yield (
            "sound",
            {
                **sound_of(f"{self.recording.name}, {span(piece)}", self.wav, cut, self.rate),
                **index_of(systems, parts, [True] * len(self.models), first),
                "begin": cut.start,
                "heard": self.searched,
                "hmm": self._behind(heard, parts),
                "fold": {},
            },
        )
        for number, (name, part) in enumerate(zip(heard, parts, strict=True)):
            yield f"system-{number}", part
            lines = [f"{name}, {span(piece)}", *system_lines(heard[name], self.phone_set), ""]
            yield f"text-{number}", "\n".join([*lines, *lattice_texts(_lattices(mine[number]))])
        for number, model in enumerate(self.models):
            one = next(one for name, one in zip(heard, mine) if self.systems[name] is model)
            words = [word.label for word in one.words.words]
            yield f"model-{number}", posteriors_of(model, one.feats, words, self.phone_set, one.first)
        for pair in itertools.combinations(range(len(mine)), 2):
            both = [mine[number] for number in pair]
            phones = [_intervals(side.words.phones) for side in both]
            yield f"pair-{pair[0]}-{pair[1]}", pair_of(phones, [(), ()], [_lattices(side) for side in both])

    def _from(self, piece: Piece, heard: Heard) -> Heard:
        """On the time axis of the piece."""
        words, free = (later(found, -piece.start) for found in (heard.words, heard.free))
        return heard._replace(words=words, free=free, first=heard.first - piece.start)

    def _behind(self, heard: Mapping[str, Heard], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The phones that stand behind the spikes of a network: those that the first system of HMMs heard."""
        for name, part in zip(heard, parts, strict=True):
            if self.systems[name].hmms:
                return {"name": name, "segments": part["phones"]["segments"]}
        return {"name": "", "segments": []}

    def close(self) -> None:
        """Say what there is."""
        about = {
            "title": self.recording.name,
            "seconds": round(self.recording.seconds, 2),
            "systems": list(self.systems),
            "searched": self.searched,
            "ipa": ipa_signs(self.phone_set),
            "pieces": self.pieces,
        }
        write_json(self.folder / PIECES, about)


def _system(heard: Heard) -> dict[str, Any]:
    rows = (row(None, _intervals(segments), sure=sure) for segments, sure in tiers_of(heard))
    return {
        **dict(zip(TIERS, rows, strict=True)),
        "why": {},
        "placed": None,
        "lattices": lattice_drawings(_lattices(heard)),
    }


def _lattices(heard: Heard) -> dict[str, Lattice | None]:
    return {"free": heard.free.lattice, "words": heard.words.lattice}


def _intervals(segments: Sequence[Segment]) -> list[Interval]:
    return [Interval(frame_to_seconds(s.start), frame_to_seconds(s.end), s.label) for s in segments]


@contextlib.contextmanager
def replaced_page(
    out: Path,
    wav: Path,
    recording: Recording,
    systems: Mapping[str, System],
    phone_set: PhoneSet,
    searched: bool = True,
) -> Iterator[OwnPage]:
    """Within the block, add the pieces of a recording to a page that then takes the place of one in ``out``."""
    with atomic_dir(out / PAGE) as folder:
        own = OwnPage(folder, wav, recording, systems, phone_set, searched)
        yield own
        own.close()
        (out / INDEX).unlink(missing_ok=True)  # it fits what was there
    write_index(out)


def write_page_of_text(out: Path, wav: Path, recording: Recording, system: System, phone_set: PhoneSet) -> None:
    """Write the page anew once ``system`` has placed a text. Where the recording has not been transcribed, what is
    loaded is its sound, and what the system makes of each frame."""
    if write_index(out):
        return
    nothing = Hypothesis([], [])
    with replaced_page(out, wav, recording, {system.name: system}, phone_set, searched=False) as own:
        for piece in recording.pieces():
            first = piece.start - piece.start % system.front_end.step
            feats = recording.feats(system.front_end, first, piece.end)
            own.add(piece, {system.name: Heard(nothing, nothing, feats, first)} if piece.speech else {})


def write_index(out: Path) -> bool:
    """Write the page anew of what is there: the pieces, and the alignments beside; False if there are no pieces."""
    try:
        about = read_json(out / PAGE / PIECES)
        texts = alignments(out)
        searched = bool(about["searched"])
        names = [Named(name, number) for number, name in enumerate(about["systems"])]
        pieces = [_piece(piece, texts, names) for piece in about["pieces"]]
        seconds, ipa = float(about["seconds"]), dict(about["ipa"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    shown = sum(bool(piece["folder"]) for piece in pieces)
    with atomic_dir(out / "web") as web:
        write_web(web, len(names))
    text = page(
        "own.html",
        ipa,
        "",
        title=about["title"],
        seconds=seconds,
        systems=names if searched else [],
        texts=list(texts),
        files=_files(out, list(texts)),
        pieces=pieces,
        shown=shown,
        folded="lattices difference" if shown > FEW or not searched else "",
        minutes=LONGEST_S // 60 if seconds > LONGEST_S else 0,
    )
    with atomic_write(out / INDEX) as stream:
        stream.write(f"{text}\n")
    return True


def _files(out: Path, texts: Sequence[str]) -> list[tuple[str, str]]:
    """All that the page shows as text files: what they hold, and their names."""
    every = [(TRANSCRIPT, "all as text"), *((aligned_text(name), f"the text by {name}") for name in texts)]
    return [(what, name) for name, what in every if (out / name).is_file()]


def aligned_text(system: str) -> str:
    """The file with the alignment by a system, for people."""
    return f"{system}.aligned.txt"


Confident = list[tuple[Interval, float]]


def alignments(out: Path) -> dict[str, tuple[Confident, Confident]]:
    """Words and phones, each with its confidence, of every alignment that is beside the page, by the system's name."""
    ending = ".aligned.words.ctm"
    found = {}
    for path in sorted(out.glob(f"*{ending}")):
        phones = path.with_name(path.name.replace(".words.", ".phones."))
        with contextlib.suppress(UserError):  # damaged, or one of two is gone
            found[path.name.removesuffix(ending)] = read_confident(path), read_confident(phones)
    return found


def _piece(
    piece: dict[str, Any], texts: Mapping[str, tuple[Confident, Confident]], systems: Sequence[Named]
) -> dict[str, Any]:
    """What the page says of a piece around its picture, and the words of the text that are in it."""
    begin, end = float(piece["begin"]), float(piece["end"])
    number_of = {one.name: one.number for one in systems}
    placed: list[dict[str, Any]] = [
        {
            "name": name,
            "system": number_of.get(name),
            "words": _within(words, begin, end),
            "phones": _within(phones, begin, end),
        }
        for name, (words, phones) in texts.items()
    ]
    return {
        "span": piece["span"],
        "folder": piece["folder"],
        "said": [(one, piece["said"][one.name]) for one in systems if piece["said"].get(one.name) is not None],
        "placed": [(one["name"], " ".join(word[2] for word in one["words"])) for one in placed],
        "text": json.dumps({"texts": placed}, ensure_ascii=False, separators=(",", ":")) if placed else "",
    }


def _within(found: Confident, begin: float, end: float) -> list[list[Any]]:
    """[start, end, label, confidence, no goodness] of what is in a piece, on its time axis."""
    inside = [(one, sure) for one, sure in found if begin <= (one.start + one.end) / 2 < end]
    cut = [Interval(max(one.start - begin, 0.0), min(one.end, end) - begin, one.label) for one, _ in inside]
    return [[*times, sure, None] for times, (_, sure) in zip(times_of(cut), inside, strict=True)]
