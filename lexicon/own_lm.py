"""A language model that a user brings for the words of a lexicon: an ARPA file, or one of KenLM's binary files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lexicon.errors import UserError
from lexicon.ngram import BEGIN, END, NEVER, UNKNOWN, NGram, read_arpa, with_bigram

KENLM_BINARY = "lm.binary"  # in a lang directory, beside lm.arpa, where KenLM reads it instead
_MAGIC = b"mmap lm http://kheafield.com/code"  # every binary of KenLM begins so


def is_kenlm_binary(path: Path) -> bool:
    """Whether a file begins as KenLM's binary files do. UserError for no file, and for an empty one."""
    if not path.is_file():
        raise UserError(f"{path}: {'not a file' if path.exists() else 'no such file'}; correct the path (LM=)")
    with open(path, "rb") as stream:
        begin = stream.read(len(_MAGIC))
    if not begin:
        raise UserError(f"{path}: an empty file; give an ARPA file, or a binary of KenLM (LM=)")
    return begin == _MAGIC


def read_own_arpa(path: Path, words: Sequence[str]) -> NGram:
    """The ARPA file of a user, for these ``words``: n-grams with other words are left out, since nothing can say them,
    and a word that the file lacks is scored as its <unk>, as KenLM does.

    UserError, with file and line, for what is no ARPA file; and for one that lacks words and has no <unk>.
    """
    model, known = read_arpa(path), {*words, BEGIN, END}
    missing = [word for word in words if (word,) not in model.logprob]
    if missing and (UNKNOWN,) not in model.logprob:
        raise UserError(
            f"{path}: lacks {len(missing)} of the {len(words)} words of the lexicon (first: {missing[0]}) and has no"
            " <unk>; estimate it with these words, or with <unk>"
        )
    if (END,) not in model.logprob:
        raise UserError(f"{path}: no unigram </s>, so no sentence can end; estimate it with ends of sentences")
    kept = {ngram: log10 for ngram, log10 in model.logprob.items() if known.issuperset(ngram) or ngram == (UNKNOWN,)}
    backoff = {ngram: log10 for ngram, log10 in model.backoff.items() if ngram in kept}
    kept |= {(word,): model.logprob[UNKNOWN,] for word in missing}
    if (UNKNOWN,) in backoff:
        backoff |= {(word,): backoff[UNKNOWN,] for word in missing}
    kept.setdefault((BEGIN,), NEVER)
    closed = NGram(max(map(len, kept)), kept, backoff)
    return closed if closed.order > 1 else with_bigram(closed)
