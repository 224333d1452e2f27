"""What recognisers from outside wrote themselves of the test set: a row each beside the systems, of words alone.

`make encode` writes it with ``--words`` to DATA/test/ENCODER.txt, beside ENCODER.json, which says whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.lang import reference_lexicon_of, written_with
from lexicon.text import read_text
from lexicon.written import Written
from pipeline.base.edits import pair_up
from pipeline.compare.score import count
from pipeline.compare.significance import Rate, error_rate


def own_words(
    data: Path, lang: Mapping[str, Any], words: Mapping[str, Sequence[str]], units: np.ndarray
) -> dict[str, Rate]:
    """{recogniser: WER} against the reference ``words`` of each utterance, resampled in ``units``. ``lang`` is
    what lang.json says.

    What was written is read as any text of this corpus is, figures and spelling too. An utterance of which the
    recogniser has nothing counts as left out.
    """
    found: dict[str, Rate] = {}
    texts = [path for path in sorted((data / "test").glob("*.txt")) if path.with_suffix(".json").is_file()]
    if not texts:
        return found
    written = written_with(reference_lexicon_of(data / "lang"), lang)
    lengths = np.array([len(said) for said in words.values()])
    for path in texts:
        try:
            name = str(read_json(path.with_suffix(".json"))["encoder"])
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path.with_suffix('.json')}: does not say of which encoder; remove it and run make again")
        heard = read_text(path)
        spelled = {utt: _words(written, heard.get(utt, ())) for utt in words}
        errors = np.array([count(pair_up(said, spelled[utt])).errors for utt, said in words.items()])
        found[name] = error_rate(errors, lengths, units)
    return found


def _words(written: Written, text: Sequence[str]) -> list[str]:
    """As the corpus spells them; figures in another language than English stay as they are."""
    try:
        return written.words(" ".join(text))
    except UserError:
        return written.tokens(text)
