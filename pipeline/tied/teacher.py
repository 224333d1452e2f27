"""What a system learns from another one: its alignment of train, state by state."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.files import folder_from
from lexicon.phones import SILENCE
from lexicon.text import same_ids
from pipeline.base.archive import Archive
from pipeline.base.meta import MODEL
from pipeline.base.spill import OnDisk
from pipeline.datadir.feats import front_end_of
from pipeline.datadir.sets import align_again, aligned_ctm
from pipeline.hmm.gmm import GmmHmm, load_gmm
from pipeline.hmm.topology import Transitions
from pipeline.hmm.viterbi import Alignment
from pipeline.sound.front_end import FrontEnd
from pipeline.tied.tree import triphone_states
from pipeline.times.clock import seconds_to_frame
from pipeline.times.segments import Segment


@dataclass(frozen=True)
class Teacher:
    """What the teacher knows of train: its ``hmms``, and its alignment of each utterance."""

    hmms: GmmHmm
    alignments: Mapping[str, Alignment]

    @property
    def transitions(self) -> Transitions:
        return self.hmms.transitions

    def number_of(self, frames: float) -> int:
        """How many times so many frames of speech there are."""
        phones = (phone for one in self.alignments.values() for phone in one.phones if phone.label != SILENCE)
        return max(1, round(sum(phone.end - phone.start for phone in phones) / frames))


def read_teacher(teacher: Path | None, lengths: Mapping[str, int], scratch: Path) -> Teacher:
    """The teacher's alignment of train, utterances of so many frames. UserError where there is none, or another's."""
    if teacher is None:
        raise UserError("--teacher: no model directory given, whose alignment of train is the first; give one")
    hmms = load_gmm(teacher / MODEL)
    folder = teacher / "ali_train"
    pdfs, phones = Archive(folder / "ali.scp"), aligned_ctm(folder, "phones")
    same_ids(pdfs.path, pdfs, lengths, align_again(folder))

    def read() -> Iterator[tuple[str, Alignment]]:
        for utt, length in lengths.items():
            own = pdfs[utt]
            edges = [0, *(seconds_to_frame(phone.start) for phone in phones[utt][1:]), len(own)]
            placed = [Segment(phone.label, a, b) for phone, a, b in zip(phones[utt], edges, edges[1:])]
            try:
                if own.shape != (length,):
                    raise ValueError(own.shape)
                triphone_states(placed, own, hmms.transitions.decisions)
            except (KeyError, ValueError, IndexError) as error:
                raise UserError(
                    f"{pdfs.path}: {utt}: not a density of its phones in {folder / 'phones.ctm'} for each of"
                    f" {length} frames; {align_again(folder)}"
                ) from error
            yield utt, Alignment(own, placed, 0.0)

    return Teacher(hmms, OnDisk(scratch, read()))


def adapted_by(teacher: Path, model: Path) -> FrontEnd:
    """The teacher's front end, as the model in the folder ``model`` sees it: the maps of its speakers are the
    teacher's."""
    front_end = front_end_of(teacher)
    if front_end.adaptation is None:
        return front_end
    where = os.path.relpath(folder_from(teacher, front_end.adaptation.model), model)
    return replace(front_end, adaptation=front_end.adaptation._replace(model=where))


def tied_labels(alignment: Alignment, before: Transitions, after: Transitions) -> np.ndarray:
    """The densities (T,) that the states of an alignment read by other decisions."""
    states = triphone_states(alignment.phones, alignment.pdfs, before.decisions)
    found = np.empty(len(states), np.int32)
    labels = ["", *(phone.label for phone in alignment.phones), ""]
    for left, phone, right in zip(labels, alignment.phones, labels[2:]):
        own = np.array(after.decisions.pdfs(phone.label, left, right), np.int32)
        found[phone.start : phone.end] = own[states[phone.start : phone.end, 1]]
    return found
