"""A recording of one's own, adapted to its speaker for the systems that want that."""

from __future__ import annotations

import numpy as np

from lexicon.dictionary import Weighted
from lexicon.files import folder_from
from lexicon.lang import Lang
from lexicon.phones import SILENT
from pipeline.search.decode import SearchSettings, WfstDecoder
from pipeline.search.system import System
from pipeline.search.tuning import read_tuning
from pipeline.sound.recording import Recording
from pipeline.systems import load_system
from pipeline.tied.adapt import load_adapter, teacher_of


def adapt(recording: Recording, system: System, lang: Lang) -> None:
    """Let ``recording.feats`` of a system that adapts to speakers be adapted, by the phones that the model of its first
    pass hears without words; nothing for other systems."""
    if system.front_end.adaptation is None:
        return
    directory = folder_from(system.directory, system.front_end.adaptation.model)
    adapter, first = load_adapter(directory), load_system(teacher_of(directory))
    tuning = first.directory / "tuning.json"
    settings = read_tuning(tuning).free if tuning.is_file() else SearchSettings(first.start_scale)
    decoder = WfstDecoder(first, lang, "free", settings)
    said: dict[str, list[str]] = {}
    feats: dict[str, np.ndarray] = {}
    for number, piece in enumerate(recording.pieces()):
        if piece.speech:
            heard = feats[str(number)] = recording.feats(first.front_end, *recording.spoken(piece))
            said[str(number)] = [phone for phone in decoder.best(first.scores(heard))[1] if phone not in SILENT]
    alone: Weighted = {phone: [(1.0, (phone,))] for phone in lang.phones}
    recording.stats(system.front_end).affine = adapter.map_of(feats.__getitem__, said, alone)
