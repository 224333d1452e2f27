"""The language model of a word search that goes word by word: KenLM, which reads ARPA files and its own binary files,
or a Python object of the user's.

Such an object has the methods of torchaudio's CTCDecoderLM: ``start(start_with_nothing)`` gives a state,
``score(state, index)`` the state after the word ``index`` (its place among the sorted words, as in words.txt without
<eps>) and the word's natural log probability, ``finish(state)`` the same of the sentence end. A state may be anything.
What is callable instead, as a class, is called with the list of words and returns the object.

The user names the object on the command line and so runs code of their own; nothing in a data, lang or model directory
ever names one.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flashlight.lib.text.decoder import LM, LMState
from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

from lexicon.errors import UserError, one_line
from lexicon.lang import Lang
from lexicon.ngram import NATURAL
from lexicon.own_lm import KENLM_BINARY

METHODS = ("start", "score", "finish")


def word_lm(lang: Lang, words: Sequence[str]) -> LM:
    """The language model of a lang directory, or the user's in its place, which knows words[i] as i; in log10."""
    if lang.own_lm is not None:
        return OwnModel(lang.own_lm, words)
    binary = lang.path / KENLM_BINARY
    return load_kenlm(binary if binary.exists() else lang.path / "lm.arpa", words)


def load_kenlm(path: Path, words: Sequence[str], given: Path | None = None) -> KenLM:
    """An ARPA file or a binary in KenLM, which knows words[i] as i; ``given`` is what the user calls it. UserError when
    KenLM refuses it, as it does unigrams alone."""
    dictionary = Dictionary()
    for word in words:
        dictionary.add_entry(word)
    own = given is not None or path.name == KENLM_BINARY
    way = "give another: LM=FILE" if own else "make it again with order 2 or more: make lexicon"
    try:
        with quiet_stderr():
            return KenLM(str(path), dictionary)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].replace(str(path), str(given or path))
        raise UserError(one_line(f"{given or path}: KenLM says: {reason}; {way}")) from error


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send file descriptor 2 nowhere for a while: KenLM draws a progress bar there, terminal or not."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def import_own(name: str) -> Any:
    """The object `module:object` or `file.py:object` that a user named; the module is run. UserError for what is not
    there, what fails when it is run, and what lacks a method."""
    where, _, attribute = name.rpartition(":")
    if not where or not attribute:
        raise UserError(f"LM={name}: write module:object or file.py:object")
    try:
        module = _run_file(Path(where).expanduser()) if where.endswith(".py") else importlib.import_module(where)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # the user's code may do anything
        raise UserError(one_line(f"LM={name}: {type(error).__name__}: {error}; correct {where}")) from error
    found = getattr(module, attribute, None)
    if found is None:
        raise UserError(f'LM={name}: there is no "{attribute}" in {where}; name one that it has')
    if not callable(found):
        _check_methods(found, name)
    return found


def _run_file(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"{path}: no such file; correct the path (LM=file.py:object)")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader  # its name ends in .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _check_methods(model: Any, name: str) -> None:
    if missing := [method for method in METHODS if not callable(getattr(model, method, None))]:
        raise UserError(
            f"LM={name}: no method {missing[0]}(); it needs start(start_with_nothing), score(state, index) and"
            " finish(state)"
        )


class OwnModel(LM):
    """A user's object as flashlight asks language models, in log10 as KenLM answers."""

    def __init__(self, found: Any, words: Sequence[str]):
        super().__init__()
        self.name = getattr(found, "__name__", type(found).__name__)
        if callable(found) and not all(hasattr(found, method) for method in METHODS) or isinstance(found, type):
            found = self._call(found, list(words))
            _check_methods(found, self.name)
        self.model = found
        self.forget()

    def forget(self) -> None:
        """Of an utterance that is over; none of its states may be asked for again."""
        self.of: dict[LMState, Any] = {}  # the user's state; holds on to ours, which Python knows by identity

    def start(self, start_with_nothing: bool) -> LMState:
        state = LMState()
        self.of[state] = self._call(self.model.start, start_with_nothing)
        return state

    def score(self, state: LMState, index: int) -> tuple[LMState, float]:
        return self._answer("score", state, index)

    def finish(self, state: LMState) -> tuple[LMState, float]:
        return self._answer("finish", state)

    def _answer(self, method: str, state: LMState, *index: int) -> tuple[LMState, float]:
        """The next state, a child of this one as KenLM's are in flashlight, and log10 probability."""
        answer = self._call(getattr(self.model, method), self.of[state], *index)
        try:
            following, score = answer
            score = float(score)
        except (TypeError, ValueError) as error:
            raise UserError(
                one_line(f"LM {self.name}: {method}() returned {answer!r}; return the next state and a number")
            ) from error
        if not math.isfinite(score):
            raise UserError(
                f"LM {self.name}: {method}() scored {score}; return a natural log probability, -100 for what never is"
            )
        child = state.child(index[0] if index else -1)
        self.of[child] = following
        return child, score / NATURAL

    def _call(self, function: Any, *given: Any) -> Any:
        try:
            return function(*given)
        except Exception as error:  # the user's code may do anything
            where = getattr(function, "__name__", "it")
            raise UserError(
                one_line(f"LM {self.name}: {where}() failed: {type(error).__name__}: {error}; correct it")
            ) from error
