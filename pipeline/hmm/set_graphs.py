"""The graphs of all utterances of a set: built once, on disk, and read one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lexicon.dictionary import Weighted
from lexicon.errors import UserError
from pipeline.base.parallel import each
from pipeline.base.spill import OnDisk
from pipeline.datadir.short import refuse_short
from pipeline.hmm.graphs import Graph, frames_needed, utterance_graph
from pipeline.hmm.topology import Transitions


def set_graphs(
    text: Path,
    words: Mapping[str, Sequence[str]],
    lengths: Mapping[str, int],
    lexicon: Weighted,
    transitions: Transitions,
    scratch: Path,
    jobs: int = 1,
) -> OnDisk[Graph]:
    """The graph of the ``words`` of each utterance, in a file in ``scratch``. ``lengths``: how many frames they have.

    UserError, which names ``text``, for words without pronunciation, and for utterances too short for theirs.
    """

    def build(utt: str) -> Graph:
        try:
            return utterance_graph(words[utt], lexicon, transitions)
        except UserError as error:
            raise UserError(f"{text}: {utt}: {error}") from error

    graphs = OnDisk(scratch, zip(words, each(build, words, jobs, spread=True)))
    needed = {utt: frames_needed(said, lexicon, transitions) for utt, said in words.items()}
    short = {utt: f"{lengths[utt]} frames of {count} at least" for utt, count in needed.items() if count > lengths[utt]}
    refuse_short(text, short, len(words))
    return graphs
