"""What Whisper's tokens mean: the pieces of text, in bytes, and the signs with a meaning of their own.

Only writing needs them, so no merges are read. The vocabulary is taken from whatever file the model's folder has.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from lexicon.files import parse_json

FILES = ("tokenizer.json", "vocab.json", "vocabulary.json", "vocabulary.txt")
MULTILINGUAL = 51_865  # tokens, or more; the English models have one less and are not told a language
END, START, TRANSCRIBE, NO_TIMES = "<|endoftext|>", "<|startoftranscript|>", "<|transcribe|>", "<|notimestamps|>"
# What annotators wrote and nobody said, as OpenAI lists it (whisper/tokenizer.py, non_speech_tokens).
UNSAID = set('"#()*+/:;<=>@[\\]^_`{|}~「」『』♩♪♫♬♭♮♯') | set(
    "<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪".split()
)
NOTE = "♪".encode()[:2]  # two bytes that begin the musical signs


def _byte_of() -> dict[str, int]:
    """The sign that stands for each byte in a vocabulary of GPT-2's kind: itself if it can be printed, else the next
    one after U+00FF (openai/gpt-2, src/encoder.py)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{chr(byte): byte for byte in printable}, **{chr(256 + n): byte for n, byte in enumerate(others)}}


BYTE_OF = _byte_of()


@dataclass(frozen=True)
class Tokens:
    """``pieces`` by token: the bytes it stands for; ``signs`` by name, such as "<|endoftext|>"."""

    pieces: dict[int, bytes]
    signs: dict[str, int]
    count: int  # of the decoder

    @property
    def multilingual(self) -> bool:
        return self.count >= MULTILINGUAL

    @property
    def languages(self) -> dict[str, int]:
        """Token by language, such as "en"; they follow the start sign."""
        if not self.multilingual:
            return {}
        between = range(self.signs[START] + 1, self.signs[START] + 1 + self.count - MULTILINGUAL + 99)
        return {name[2:-2]: token for name, token in self.signs.items() if token in between}

    def text(self, tokens: list[int]) -> str:
        """What they say; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self.pieces.get(token, b"") for token in tokens).decode("utf-8", "replace").strip()

    def never(self) -> list[int]:
        """What is never written: signs but for the end, and what nobody says."""
        unsaid = {text.encode() for text in UNSAID}
        unsaid |= {b" " + piece for piece in unsaid} | {NOTE, b" " + NOTE, b" -", b" '"}
        return sorted(
            [token for token, piece in self.pieces.items() if piece in unsaid]
            + [token for token in range(self.signs[END] + 1, self.count)]
        )

    def not_first(self) -> list[int]:
        """What does not begin an utterance: its end, and a space alone."""
        return [self.signs[END], *(token for token, piece in self.pieces.items() if piece == b" ")]


def read_tokens(folder: Path, count: int) -> Tokens:
    """The vocabulary of a model with so many tokens. UserError if there is none, or it is another's."""
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None:
        raise UserError(
            f"{folder}: has a decoder but no vocabulary ({', '.join(FILES)}); fetch tokenizer.json of the same model"
        )
    try:
        found = _read(path)
        signs = {text: token for text, token in found.items() if text.startswith("<|") and text.endswith("|>")}
        pieces = {
            token: bytes(BYTE_OF[sign] for sign in text)
            for text, token in found.items()
            if text not in signs and all(sign in BYTE_OF for sign in text)
        }
        if missing := {END, START, TRANSCRIBE, NO_TIMES} - set(signs):
            raise ValueError(f"{min(missing)} is missing")
        if not all(type(token) is int and 0 <= token < count for token in found.values()):
            raise ValueError(f"more tokens than the decoder's {count}")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path}: not the vocabulary of this Whisper ({error}); fetch it again") from error
    return Tokens(pieces, signs, count)


def _read(path: Path) -> dict[str, int]:
    """Token by text."""
    if path.suffix == ".txt":
        lines = path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")  # other line ends are tokens
        return {text: token for token, text in enumerate(lines)}
    value: Any = parse_json(path.read_bytes())
    if isinstance(value, list):
        return {text: token for token, text in enumerate(value)}
    if path.name == "tokenizer.json":
        return {**value["model"]["vocab"], **{one["content"]: one["id"] for one in value["added_tokens"]}}
    added = path.with_name("added_tokens.json")
    return {**value, **(parse_json(added.read_bytes()) if added.is_file() else {})}
