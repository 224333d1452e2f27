"""CTC beam search without a lexicon: phones, with the bigram of phones as their language model (flashlight-text)."""

from __future__ import annotations

import itertools

import numpy as np
from flashlight.lib.text.decoder import CriterionType, LexiconFreeDecoder, LexiconFreeDecoderOptions

from lexicon.lang import Lang
from lexicon.ngram import NATURAL
from pipeline.neural import BLANK
from pipeline.search.flashlight import MOST, FlashlightSettings, check_tokens
from pipeline.search.word_lm import load_kenlm


class PhoneDecoder:
    """Beam search over CTC posteriors for phones. Of the settings, word_score and nbest do not matter here."""

    def __init__(self, lang: Lang, tokens: list[str], settings: FlashlightSettings = FlashlightSettings()):
        check_tokens(lang, tokens)
        self.tokens = tokens
        self.lm = load_kenlm(lang.path / "phone_lm.arpa", tokens)
        options = LexiconFreeDecoderOptions(
            min(settings.beam_size, MOST),
            min(settings.beam_size_token, len(tokens)),
            settings.beam_threshold,
            settings.lm_weight * NATURAL,
            settings.sil_score,
            settings.log_add,
            CriterionType.CTC,
        )
        self.decoder = LexiconFreeDecoder(options, self.lm, BLANK, BLANK, [])

    def decode(self, log_posteriors: np.ndarray) -> tuple[str, ...]:
        """(T, V) natural log -> the phones of the best hypothesis."""
        matrix = np.ascontiguousarray(log_posteriors, np.float32)
        assert matrix.ndim == 2 and matrix.shape[1] == len(self.tokens)  # decode_step gets its bare address
        if not len(matrix):
            return ()
        self.decoder.decode_begin()
        self.decoder.decode_step(matrix.ctypes.data, *matrix.shape)
        self.decoder.decode_end()
        found = self.decoder.get_all_final_hypothesis()
        path = found[0].tokens if found else []
        return tuple(self.tokens[token] for token, _ in itertools.groupby(path) if token != BLANK)
