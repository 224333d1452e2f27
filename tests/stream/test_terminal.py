"""Words and phones at a terminal, and where there is none."""

from __future__ import annotations

import io
import os

import pytest

from pipeline.stream.listener import Heard
from pipeline.stream.terminal import Terminal
from pipeline.times.segments import Segment


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def hear(words: str, settled: int, phones: str = "", final: bool = False) -> Heard:
    spans = [[Segment(label, 10 + i, 11 + i) for i, label in enumerate(text.split())] for text in (words, phones)]
    return Heard("gmm", 0, spans[0], settled, spans[1], final)


def test_without_a_terminal_each_change_is_a_line(experiment):
    stream = io.StringIO()
    terminal = Terminal(experiment.searches("gmm"), stream)
    for heard in (hear("A", 0), hear("A", 0), hear("A B", 1), hear("A C", 2, "EY S", final=True)):
        terminal.show(heard)
    terminal.end()
    assert stream.getvalue().splitlines() == [
        "    0.11 s  gmm  (A)",
        "    0.11 s  gmm  A (B)",
        "    0.11 s  gmm  A C",
        "                 eɪ s",
    ]


def test_a_terminal_is_redrawn_and_keeps_what_is_over(experiment):
    stream = Screen()
    terminal = Terminal(experiment.searches("gmm"), stream)
    terminal.show(hear("A B", 1, "EY"))
    terminal.show(hear("A C", 2, "EY S", final=True))
    first, second = "    0.11 s  gmm  A \x1b[2mB\x1b[0m\n" + " " * 17 + "\x1b[2meɪ\x1b[0m\n", "    0.11 s  gmm  A C\n"
    erased = "\x1b[2A\x1b[2K\n\x1b[2K\n\x1b[2A"
    assert stream.getvalue() == first + erased + second + " " * 17 + "eɪ s\n"
    terminal.end()
    assert stream.getvalue().endswith("eɪ s\n")


@pytest.mark.parametrize(("columns", "shown"), [(60, "ONE TWO THREE"), (30, "TWO THREE"), (20, "")])
def test_the_newest_words_fit_into_a_line(experiment, monkeypatch, columns, shown):
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((columns, 20)))
    stream = Screen()
    Terminal(experiment.searches("gmm"), stream).show(hear("ONE TWO THREE", 3))
    assert stream.getvalue().splitlines()[0] == f"    0.11 s  gmm  {shown}"
