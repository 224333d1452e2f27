"""Whisper, tiny to large, multilingual and English: layers of its encoder, and the words its decoder writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from lexicon.errors import UserError
from pipeline.encoders.encoder import SAMPLE_RATE, Encoder, layer_names
from pipeline.encoders.log_mel import HOP, log_mel
from pipeline.encoders.tokens import END, NO_TIMES, START, TRANSCRIBE, Tokens, read_tokens
from pipeline.encoders.weights import Weights
from pipeline.encoders.whisper_model import Sizes, WhisperModel
from pipeline.encoders.whisper_names import State, from_ctranslate2, from_hugging_face

SILENCE_S = 1.0  # behind an utterance that is heard by itself


class Whisper(Encoder):
    """Frame j is centred on 20 j ms: its mel window and both convolutions are symmetric about sample 320 j.

    It was trained on windows of 30 s. Utterances of a speaker fill one together, or an utterance by itself is followed
    by ``SILENCE_S``. Measured on TIMIT's sample (8 speakers, 4 folds, linear probe on whisper-base, no SA sentences):

        in a window                        block 4   block 6    x real time, one core
        an utterance                        74.7 %    70.0 %    31
        an utterance, 1 s of silence        75.1      70.8      22
        an utterance, silence up to 30 s    76.2      72.5       2
        several, nothing between            77.5      73.2      26
        several, 0.2 s between              77.3      72.4      24
        several, 1 s between                76.7      72.1      19
        several, 0.2 s, speakers mixed      76.2      72.0      21
        an utterance twice                  74.7      70.4      16
    """

    shift, offset = 2 * HOP, 0.0

    def __init__(self, model: WhisperModel, weights: Weights):
        sizes = model.sizes
        self.model, self.weights = model, weights
        self.width, self.layers = sizes.width, layer_names(sizes.blocks, norm=True)
        silence = round(SILENCE_S * SAMPLE_RATE / self.shift)
        self.silence = min(silence, sizes.positions // 4)  # frames; small networks of tests have few
        self.longest = sizes.positions - self.silence

    def num_frames(self, num_samples: int) -> int:
        return -(-num_samples // self.shift)

    def hear(self, samples: torch.Tensor, depth: int) -> list[torch.Tensor]:
        frames = self.num_frames(len(samples))
        return [layer[0, :frames] for layer in self._encoded(samples, frames + self.silence, depth)]

    def encode_together(
        self, sounds: Sequence[np.ndarray], layers: Sequence[str] | None = None
    ) -> Iterator[list[np.ndarray]]:
        wanted = self.numbers_of(layers)
        lengths = [self.num_frames(len(samples)) for samples in sounds]
        for first, last in packed(lengths, self.model.sizes.positions):
            if last == first + 1:
                yield self.encode(sounds[first], layers)
                continue
            with torch.inference_mode():
                mel = torch.cat([self._mel(sounds[one], lengths[one]) for one in range(first, last)], 1)
                heard = self.model.encoder(mel, max(wanted) + 1)
            at = 0
            for length in lengths[first:last]:
                yield [heard[number][0, at : at + length].numpy() for number in wanted]
                at += length

    def _mel(self, samples: np.ndarray | torch.Tensor, frames: int) -> torch.Tensor:
        """(bins, 2 frames) of samples that silence follows."""
        sound = torch.from_numpy(np.asarray(samples, np.float32)) if isinstance(samples, np.ndarray) else samples
        return log_mel(F.pad(sound, (0, frames * self.shift - len(sound))), self.model.sizes.bins)

    def _encoded(self, samples: torch.Tensor, frames: int, depth: int) -> list[torch.Tensor]:
        """Layers (1, frames, width) of samples that silence follows."""
        return self.model.encoder(self._mel(samples, max(frames, 2)), depth)

    @cached_property
    def tokens(self) -> Tokens:
        if not self.model.decoder:
            raise UserError(f"{self.weights.path}: only the encoder; its words need the decoder, fetch the whole model")
        return read_tokens(self.weights.folder, self.model.sizes.tokens)

    def can_write(self) -> None:
        self._checked_language()

    def words(self, samples: np.ndarray) -> str:
        """Greedy: the likeliest token after the other, without times, of each window of 30 s filled up with silence;
        what nobody says (OpenAI's list) is left out."""
        sizes, window = self.model.sizes, self.model.sizes.positions * self.shift
        written = []
        with torch.inference_mode():
            for first in range(0, max(len(samples), 1), window):
                piece = torch.from_numpy(np.asarray(samples[first : first + window], np.float32))
                written.append(self._greedy(self._encoded(piece, sizes.positions, len(self.layers))[-1]))
        return " ".join(filter(None, written))

    def _greedy(self, sound: torch.Tensor) -> str:
        tokens, decoder, sizes = self.tokens, self.model.decoder, self.model.sizes
        assert decoder is not None  # or there would be no tokens
        memory, past = decoder.remember(sound), [None] * sizes.text_blocks
        never, not_first = torch.tensor(tokens.never()), torch.tensor(tokens.not_first())

        logits = decoder(tokens.signs[START], 0, past, memory)
        prompt = [tokens.signs[NO_TIMES]]
        if tokens.multilingual:
            prompt = [self._language(logits), tokens.signs[TRANSCRIBE], *prompt]
        written: list[int] = []
        for position in range(1, sizes.text_positions):
            given = prompt[position - 1] if position <= len(prompt) else written[-1]
            logits = decoder(given, position, past, memory)
            if position < len(prompt):
                continue
            logits[never] = -torch.inf
            if not written:
                logits[not_first] = -torch.inf
            token = int(logits.argmax())
            if token == tokens.signs[END] or len(written) >= sizes.text_positions // 2:  # it may run in circles
                break
            written.append(token)
        return tokens.text(written)

    def _language(self, logits: torch.Tensor) -> int:
        """The language that is given, or else the likeliest."""
        given = self._checked_language()
        return given or max(self.tokens.languages.values(), key=lambda token: float(logits[token]))

    def _checked_language(self) -> int | None:
        languages = self.tokens.languages
        if languages and self.language and self.language not in languages:
            raise UserError(f'language "{self.language}": this Whisper knows {" ".join(sorted(languages))}')
        return languages.get(self.language or "")


def packed(lengths: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """(first, last): which items fit into a window of ``size`` together, in their order."""
    first, held = 0, 0
    for number, length in enumerate(lengths):
        if number > first and held + length > size:
            yield first, number
            first, held = number, 0
        held += length
    if lengths:
        yield first, len(lengths)


def whisper_state(weights: Weights) -> tuple[State, int | None]:
    """Parameters with OpenAI's names, and the number of heads where the file says it."""
    if weights.kind == "ctranslate2":
        heads = weights.arrays.get("encoder/num_heads")
        return from_ctranslate2(weights.arrays), None if heads is None or heads.numel() != 1 else int(heads)
    if weights.kind == "pt":
        return weights.arrays, weights.number("n_audio_head", 1, 1000)
    return from_hugging_face(weights.arrays), weights.number("encoder_attention_heads", 1, 1000)


def whisper_plan(weights: Weights) -> tuple[Callable[[], WhisperModel], State]:
    """How to build the network that a file of weights is of, and its parameters; UserError if it is no Whisper's."""
    state, heads = whisper_state(weights)
    try:
        sizes = Sizes.of({name: tuple(array.shape) for name, array in state.items()}, heads)
    except (KeyError, ValueError, IndexError) as error:
        raise UserError(f"{weights.path}: not the weights of a Whisper ({error}); fetch the model again") from error
    return lambda: WhisperModel(sizes), state
