"""The table: what is bad, at which stage, and what the stage says."""

from __future__ import annotations

from bad_inputs.rows_comparing import (
    BOUNDARIES,
    COMBINE,
    COMPARE,
    DIFFERENCE,
    EXPLAIN_ERRORS,
    FLAT_LANG,
    KALDI_DIR,
    KALDI_RESULTS,
    MATRIX,
    NEURAL_LM,
    OWN_LM,
    REPORT,
    RESCORE,
)
from bad_inputs.rows_data import FEATURES, LANGUAGE, PREPARE
from bad_inputs.rows_decoding import DECODING, EXPORT_ONNX, PLACE, SCORE, SWEEP, TUNE
from bad_inputs.rows_encoders import ENCODERS
from bad_inputs.rows_own_audio import ALIGN_TEXT, CHECK, LISTEN, PRON_PROBS, RECORD, SHOW_PRON_PROBS, TRANSCRIBE
from bad_inputs.rows_showing import EXPORT, LADDER, LOOK, REPLAY, SHOW
from bad_inputs.rows_training import ABLATION, ALIGN, RATES, TRAIN_CLASSIFIER, TRAIN_GMM, TRAIN_NEURAL, TRAIN_TRI
from bad_inputs.spoil import Row

ROWS: list[Row] = [
    *PREPARE,
    *LANGUAGE,
    *FEATURES,
    *TRAIN_GMM,
    *TRAIN_TRI,
    *ALIGN,
    *TRAIN_CLASSIFIER,
    *TRAIN_NEURAL,
    *ABLATION,
    *RATES,
    *ENCODERS,
    *TUNE,
    *DECODING,
    *SWEEP,
    *SCORE,
    *PLACE,
    *BOUNDARIES,
    *EXPLAIN_ERRORS,
    *MATRIX,
    *REPLAY,
    *LADDER,
    *FLAT_LANG,
    *KALDI_DIR,
    *KALDI_RESULTS,
    *OWN_LM,
    *COMBINE,
    *NEURAL_LM,
    *RESCORE,
    *COMPARE,
    *REPORT,
    *SHOW,
    *DIFFERENCE,
    *EXPORT,
    *EXPORT_ONNX,
    *LOOK,
    *CHECK,
    *TRANSCRIBE,
    *LISTEN,
    *ALIGN_TEXT,
    *PRON_PROBS,
    *SHOW_PRON_PROBS,
    *RECORD,
]
