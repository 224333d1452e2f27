"""Kaldi data directories: ``wav.scp text utt2spk spk2utt``, C-sorted UTF-8, and ``utt2num_samples``; ``segments`` too.

The format is Kaldi's (https://kaldi-asr.org/doc/data_prep.html) without pipes: an entry of wav.scp is a file.
"""

from __future__ import annotations

from pipeline.datadir.read import AUDIO_SUFFIXES, DataDir, find_audio, read_datadir, refuse, sample_rate
from pipeline.datadir.tables import Problem
from pipeline.datadir.write import Utterance, refuse_unwritable, write_datadir

__all__ = [
    "AUDIO_SUFFIXES",
    "DataDir",
    "Problem",
    "Utterance",
    "find_audio",
    "read_datadir",
    "refuse",
    "refuse_unwritable",
    "sample_rate",
    "write_datadir",
]
