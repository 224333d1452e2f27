"""What systems hear while somebody speaks: twice, so that it is early and right.

While a piece of speech is being said, features, scores and searches follow it row by row, and say what is likeliest so
far. At the pause that ends it, or when it becomes too long, the piece is heard again as a whole, as `make transcribe`
hears it: that is what counts. What differs from a recording that is there from the beginning is where it is cut, since
the future says nothing of how loud speech and silence are, and the mean and variance of the features, which are those
of the last minute and the piece itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.phones import SILENT
from lexicon.spelling import spelling_lexicon
from pipeline.base.training import setting
from pipeline.compare.listen import Searches, listen, raw_wanted
from pipeline.search.decode import Decoder, Hypothesis, SpellingDecoder
from pipeline.search.incremental import Incremental, incremental
from pipeline.search.system import System
from pipeline.sound.front_end import FrontEnd, SpeakerStats
from pipeline.sound.pauses import NOTHING_DB, Cutting, Piece, softest, spoken_part
from pipeline.sound.recording import PRIOR_FRAMES, Recording, shifted
from pipeline.stream.growing import Growing
from pipeline.stream.placed import placed
from pipeline.stream.scores import Scores
from pipeline.times.clock import FRAME_SHIFT_MS
from pipeline.times.segments import Segment

BLOCK_MS = 100  # of sound that is taken at a time, where the machine keeps up
RECENT = 100  # frames
NEAR = 20  # frames: so far may a word move and still be the same
KEPT = 6000  # frames before a piece that say how the speaker and the room sound


@dataclass(frozen=True)
class ListenSettings:
    """What is heard in the end depends on ``pause`` and ``statistics`` alone; on the others, what is shown before."""

    look_ahead: float = setting(0.5, "seconds after a frame that a network hears before its scores count", least=0.0)
    left_context: float = setting(8.0, "seconds before the newest frames that a network hears again", least=0.0)
    pause: float = setting(0.5, "seconds of silence that end a piece; after 10 s a breath is enough", least=0.15)
    settle: float = setting(0.5, "seconds after which a word that has stayed the same counts as settled", least=0.0)
    statistics: str = setting(
        "running",
        "mean and variance that features are normalised with: of training and of what has been heard (running), or of"
        " training alone (prior)",
        choices=("running", "prior"),
    )


class Heard(NamedTuple):
    """What a system hears in a piece so far, on the time axis of the whole: its words, of which the first ``settled``
    will probably stay as they are, and the phones of the search without words. With ``final`` the piece is over."""

    system: str
    piece: int
    words: list[Segment]
    settled: int
    phones: list[Segment]
    final: bool


class Rows(NamedTuple):
    """New scores (n, columns) of a system, from frame ``start`` on."""

    system: str
    start: int
    scores: np.ndarray


Event = Heard | Rows


class Listener:
    """Takes sound block by block, and tells what the systems hear."""

    def __init__(self, searches: Mapping[str, Searches], sample_rate: int, settings: ListenSettings = ListenSettings()):
        """UserError for a system that cannot follow speech."""
        for name, one in searches.items():
            if one.system.front_end.raw.encoder:
                raise UserError(
                    f"{name}: its encoder hears whole recordings; leave it out of LISTEN, or: make transcribe"
                )
        self.searches, self.settings = searches, settings
        self.growing = Growing(sample_rate, raw_wanted(searches), KEPT)
        # What systems have in common, a network or a search for phones, is done once.
        self.systems = {id(one.system): one.system for one in searches.values()}
        self.scores = {
            key: Scores(system, settings.look_ahead, settings.left_context) for key, system in self.systems.items()
        }
        self.following = {
            id(decoder): (id(one.system), search)
            for one in searches.values()
            for decoder in (one.words, one.free)
            if (search := _following(decoder))
        }
        self.lexicons = {
            name: spelling_lexicon(one.lexicon) if isinstance(one.words, SpellingDecoder) else one.lexicon
            for name, one in searches.items()
        }
        self.settling = {name: Settling(settings.settle) for name in searches}
        self.cut, self.start, self.piece = 0, -1, 0  # where the last piece ended; where speech began; which it is

    def add(self, samples: np.ndarray, last: bool = False) -> list[Event]:
        """Take the next samples (N,), about BLOCK_MS of them; with ``last`` the sound is over."""
        self.growing.add(samples, last)
        events: list[Event] = []
        while True:
            recording = self.growing.recording("sound", self._stats())
            if self.start < 0:
                self._wait_for_speech(recording)
            if self.start < 0:
                return events
            events += self._follow(recording, last)
            end = self._end_of_piece(recording) or (recording.num_frames if last else 0)
            if not end:
                return events
            events += self._finish(recording, end)

    def _stats(self) -> dict[FrontEnd, SpeakerStats]:
        """Of training alone, if they are wanted."""
        found = {}
        for system in self.systems.values() if self.settings.statistics == "prior" else ():
            if system.front_end.prior:
                found[system.front_end] = stats = SpeakerStats(system.front_end.raw.coefficients)
                stats.add_prior(system.front_end.prior, PRIOR_FRAMES)
        return found

    def _wait_for_speech(self, recording: Recording) -> None:
        cut, now = self.cut - self.growing.first, recording.num_frames
        if recording.levels[cut:].max(initial=-np.inf) < NOTHING_DB:
            return
        if any(begin <= cut and end == now for begin, end in recording.pauses):
            return
        self.start = self.growing.first + spoken_part(Piece(cut, now), recording.pauses)[0]
        for scores in self.scores.values():
            scores.begin()
        for _, search in self.following.values():
            search.begin()

    def _follow(self, recording: Recording, last: bool) -> Iterator[Event]:
        """The first hearing: what is new, and what is likeliest now."""
        new = {key: scores.more(*self._raw(recording, self.systems[key]), last) for key, scores in self.scores.items()}
        for key, search in self.following.values():
            search.step(new[key])
        for name, one in self.searches.items():
            rows = new[id(one.system)]
            if not len(rows):
                continue
            given = self.scores[id(one.system)].given - len(rows)
            yield Rows(name, self.start + given * one.system.step, rows)
            said = placed(*self._best(one.words), self.lexicons[name])
            settled = self.settling[name].of(said, self.growing.end)
            yield Heard(name, self.piece, said, settled, _without_silence(self._best(one.free)[1]), False)

    def _best(self, decoder: Decoder) -> tuple[tuple[str, ...], list[Segment]]:
        """The words and phones so far, on the time axis of the whole; none of a search that takes pieces as a whole."""
        if id(decoder) not in self.following:
            return (), []
        words, phones = self.following[id(decoder)][1].best()
        return words, shifted(phones, self.start)

    def _raw(self, recording: Recording, system: System) -> tuple[np.ndarray, SpeakerStats | None]:
        """The raw rows of the piece, and what they are normalised with."""
        front_end = system.front_end
        rows = recording.raw[front_end.raw][self.start - self.growing.first :]
        return rows, recording.stats(front_end) if front_end.by_speaker else None

    def _end_of_piece(self, recording: Recording) -> int | None:
        """Where the piece ends, if it does: in a pause, a breath if it is long already; else where it is softest.

        Only the last second counts: what was said after an earlier pause is shown as part of this piece.
        """
        now, how = recording.num_frames, Cutting()
        cut, start = self.cut - self.growing.first, self.start - self.growing.first
        least = how.breath if now - start > how.limit // 2 else round(1000 * self.settings.pause / FRAME_SHIFT_MS)
        for begin, end in recording.pauses:
            middle = (begin + end) // 2
            if end > now - RECENT and begin > start and end - begin >= least and middle - cut >= how.shortest:
                return middle
        return softest(recording.levels, now - 2 * RECENT, now) if now - start >= how.limit else None

    def _finish(self, recording: Recording, end: int) -> Iterator[Heard]:
        """The second hearing, of the piece as a whole."""
        first = self.growing.first
        piece = Piece(self.cut - first, end)
        begin, over = recording.spoken(piece)  # as is known now, there may have been nothing
        heard = listen(self.searches, recording, piece) if begin < over else {}
        for name in self.searches:
            words, free, *_ = heard.get(name, (Hypothesis([], []), Hypothesis([], [])))
            said = shifted(words.words, first)
            yield Heard(name, self.piece, said, len(said), _without_silence(shifted(free.phones, first)), True)
            self.settling[name].end(said)
        self.cut, self.start, self.piece = first + end, -1, self.piece + 1
        self.growing.forget(self.cut)


class Settling:
    """Says how many of the words so far have stayed for long enough, and counts those that went or changed after."""

    def __init__(self, seconds: float):
        self.frames = round(1000 * seconds / FRAME_SHIFT_MS)
        self.since: list[tuple[Segment, int]] = []  # the words so far, and the frame at which each was first there
        self.settled = self.total = self.changed = 0

    def of(self, words: list[Segment], now: int) -> int:
        """How many of ``words``, from the first on, are settled at frame ``now``."""
        since = [next((when for known, when in self.since if same_word(known, word)), now) for word in words]
        lasting = [now - when >= self.frames for when in since]
        settled = lasting.index(False) if False in lasting else len(words)
        kept = self._kept(words)
        self.changed += self.settled - kept
        self.total += max(0, settled - kept)
        self.since, self.settled = list(zip(words, since)), settled
        return settled

    def end(self, words: list[Segment]) -> None:
        """The piece is over: these are its words."""
        self.changed += self.settled - self._kept(words)
        self.since, self.settled = [], 0

    def _kept(self, words: list[Segment]) -> int:
        """How many of the settled words are among these."""
        return sum(any(same_word(known, word) for word in words) for known, _ in self.since[: self.settled])


def same_word(word: Segment, other: Segment) -> bool:
    """Whether they are the same word, at about the same time."""
    return word.label == other.label and word.start - NEAR < other.end and other.start < word.end + NEAR


def _following(decoder: Decoder) -> Incremental | None:
    """The search of a decoder, bit by bit; None for one whose words come when the piece is over."""
    try:
        return incremental(decoder)
    except UserError:
        return None


def _without_silence(phones: list[Segment]) -> list[Segment]:
    return [phone for phone in phones if phone.label not in SILENT]
