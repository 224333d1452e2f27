"""What is heard while somebody speaks: early, and in the end as `make transcribe` hears it."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from lexicon.phones import SILENT
from pipeline.compare.listen import listen, raw_wanted
from pipeline.sound.recording import read_recording
from pipeline.stream.listener import Heard, Listener, ListenSettings, Rows, Settling, same_word
from pipeline.times.segments import Segment


def heard(listener: Listener, samples: np.ndarray, block: int = 800) -> list[tuple[float, Heard]]:
    """What it hears in sound of 8 kHz, and after how many seconds of it."""
    found = []
    for first in range(0, len(samples), block):
        end = min(first + block, len(samples))
        events = listener.add(samples[first:end], last=end == len(samples))
        found += [(end / 8000, event) for event in events if isinstance(event, Heard)]
    return found


def labels(event: Heard) -> list[str]:
    return [word.label for word in event.words]


def test_the_end_is_what_transcribe_hears(experiment):
    searches = experiment.searches("gmm", "neural")
    samples, _ = soundfile.read(experiment.one)
    recording = read_recording(experiment.one, raw_wanted(searches))
    (piece,) = recording.pieces()
    whole = listen(searches, recording, piece)
    for block in (800, 8000, len(samples)):
        finals = {e.system: e for _, e in heard(Listener(searches, 8000), samples, block) if e.final}
        for name, (words, free, *_) in whole.items():
            assert finals[name].words == words.words
            assert [p.label for p in finals[name].phones] == [p.label for p in free.phones if p.label not in SILENT]
    assert labels(finals["gmm"]) == experiment.spoken[0]


def test_without_look_ahead_to_spare_the_first_hearing_ends_there_too(experiment):
    """With fixed mean and variance and a look-ahead over all of it, what is shown before the end is the end."""
    searches = experiment.searches("gmm", "neural")
    samples, _ = soundfile.read(experiment.one)
    listener = Listener(searches, 8000, ListenSettings(look_ahead=9.0, left_context=9.0, statistics="prior"))
    events = [event for _, event in heard(listener, samples)]
    for name in searches:
        *_, before, final = [event for event in events if event.system == name]
        assert final.final and not before.final and labels(before) == labels(final)
        assert [p.label for p in before.phones] == [p.label for p in final.phones]


def test_words_are_shown_while_they_are_spoken(experiment):
    searches = experiment.searches("gmm")
    samples, _ = soundfile.read(experiment.three)
    events = heard(Listener(searches, 8000), samples)
    finals = [event for _, event in events if event.final]
    assert [labels(event)[:2] for event in finals] == [spoken[:2] for spoken in experiment.spoken]
    for final in finals:
        for word in final.words:
            end = (word.end + 0.75) / 100
            first = next(at for at, e in events if any(same_word(word, other) for other in e.words))
            assert first < end + 0.35, (word, first)
    for number, final in enumerate(finals):
        over = next(at for at, event in events if event.final and event.piece == number)
        assert over < (final.words[-1].end + 0.75) / 100 + 0.8  # after half a second of silence
    assert [e.piece for _, e in events] == sorted(e.piece for _, e in events)


def test_a_piece_that_does_not_end_is_cut(experiment):
    searches = experiment.searches("gmm")
    samples, _ = soundfile.read(experiment.one)
    samples = np.resize(samples, 26 * 8000)
    listener = Listener(searches, 8000)
    events = heard(listener, samples, 4000)
    pieces = [event.words[-1].end - event.words[0].start for _, event in events if event.final and event.words]
    assert len(pieces) > 1 and max(pieces) <= 2000
    assert listener.growing.end == 2598


@pytest.mark.parametrize("samples", [np.zeros(16_000), np.zeros(100), np.zeros(0)], ids=["silence", "12 ms", "nothing"])
def test_in_silence_there_is_nothing(experiment, samples):
    listener = Listener(experiment.searches("gmm", "neural"), 8000)
    assert heard(listener, samples) == [] and listener.add(np.zeros(0), last=True) == []


def test_scores_are_told_once_each(experiment):
    searches = experiment.searches("gmm", "neural")
    samples, _ = soundfile.read(experiment.one)
    listener, rows = Listener(searches, 8000), {name: [] for name in searches}
    for first in range(0, len(samples), 800):
        for event in listener.add(samples[first : first + 800], last=first + 800 >= len(samples)):
            if isinstance(event, Rows):
                rows[event.system].append(event)
    for name, one in searches.items():
        at = rows[name][0].start
        for event in rows[name]:
            assert event.start == at
            at += len(event.scores) * one.system.step


def words(*spans: tuple[str, int, int]) -> list[Segment]:
    return [Segment(*span) for span in spans]


def test_a_word_is_settled_when_it_has_stayed_long_enough():
    settling = Settling(0.5)
    assert settling.of(words(("A", 0, 30)), 30) == 0
    assert settling.of(words(("A", 2, 35), ("B", 35, 60)), 60) == 0
    assert settling.of(words(("A", 2, 35), ("B", 35, 60)), 80) == 1  # A is there for 0.5 s, B for 0.2
    assert settling.of(words(("A", 2, 35), ("C", 35, 70)), 110) == 1
    assert (settling.total, settling.changed) == (1, 0)
    assert settling.of(words(("D", 2, 35), ("C", 35, 70)), 120) == 0  # A was wrong after all; C waits for D
    assert (settling.total, settling.changed) == (1, 1)
    assert settling.of(words(("D", 2, 35), ("C", 35, 70)), 180) == 2
    settling.end(words(("D", 2, 35), ("E", 35, 70)))
    assert (settling.total, settling.changed) == (3, 2)
    assert settling.of(words(("D", 300, 330)), 330) == 0  # of the next piece
