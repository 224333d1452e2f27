"""What an encoder from outside is, whoever made it: sound in, layers out, and when each frame is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lexicon.errors import UserError

if TYPE_CHECKING:
    import torch

SAMPLE_RATE = 16_000  # Hz, of all encoders here
LONGEST_S = 29  # of one window; Whisper knows 30 s, of which its padding takes one
MARGIN_S = 2  # of sound on both sides of what is kept of a window, where a recording has several


class Encoder(ABC):
    """A trained encoder. Layers have names: "conv" is what goes into the first block of the transformer, "block1" and
    so on what comes out of each, and "norm", where there is one, the normalised last.

    Frame j is centred on sample ``offset + j * shift``. An utterance longer than a window is taken in windows that
    overlap.
    """

    name = ""  # with that of a control
    sha256 = ""  # of the file of weights
    language: str | None = None  # that it shall write; None: what it hears
    layers: tuple[str, ...]
    width: int  # of a frame, in every layer
    shift: int  # samples from one frame to the next
    offset: float  # sample on which the first frame is centred
    longest: int  # frames of one window

    @abstractmethod
    def num_frames(self, num_samples: int) -> int:
        """Frames of an utterance; none if it is too short."""

    @abstractmethod
    def hear(self, samples: torch.Tensor, depth: int) -> list[torch.Tensor]:
        """The first ``depth`` layers, each (T, width), of samples (N,) of one window."""

    @abstractmethod
    def can_write(self) -> None:
        """UserError if ``words`` would be one."""

    @abstractmethod
    def words(self, samples: np.ndarray) -> str:
        """What the recogniser itself writes for samples (N,). UserError if it has only an encoder."""

    def prepare(self, samples: np.ndarray) -> np.ndarray:
        """What is done to an utterance as a whole before it is cut into windows."""
        return samples

    def centres(self, num_frames: int) -> np.ndarray:
        """When the frames are: (T,) seconds, the centre of each."""
        return (self.offset + self.shift * np.arange(num_frames)) / SAMPLE_RATE

    def encode(self, samples: np.ndarray, layers: Sequence[str] | None = None) -> list[np.ndarray]:
        """Layers of an utterance, all of them or those named, each (T, width) float32.

        samples: (N,) float, mono, 16 kHz, full scale 1. UserError for less sound than one frame needs, or a layer that
        there is not.
        """
        import torch  # slow, and not for who only asks what an encoder is

        wanted = self.numbers_of(layers)
        total = self.num_frames(len(self.long_enough(samples)))
        prepared = torch.from_numpy(np.asarray(self.prepare(samples), np.float32))
        found = [np.empty((total, self.width), np.float32) for _ in wanted]
        with torch.inference_mode():
            for first, last, begin, end in windows(total, self.longest, MARGIN_S * SAMPLE_RATE // self.shift):
                stop = len(prepared) if end == total else end * self.shift
                heard = self.hear(prepared[begin * self.shift : stop], max(wanted) + 1)
                for array, number in zip(found, wanted):
                    array[first:last] = heard[number][first - begin : last - begin].numpy()
        return found

    def long_enough(self, samples: np.ndarray) -> np.ndarray:
        """The samples; UserError where they are none, or not enough for a frame."""
        if self.num_frames(len(samples)) < 1:
            raise UserError(f"{len(samples) / SAMPLE_RATE:.3f} s of sound: too short for one frame of this encoder")
        return samples

    def encode_together(
        self, sounds: Sequence[np.ndarray], layers: Sequence[str] | None = None
    ) -> Iterator[list[np.ndarray]]:
        """As ``encode``, of utterances of one speaker one after the other, which may be heard in one window."""
        for samples in sounds:
            yield self.encode(samples, layers)

    def numbers_of(self, layers: Sequence[str] | None) -> list[int]:
        """The places of layers among all; None: of all."""
        return [self.number_of(layer) for layer in (self.layers if layers is None else layers)]

    def number_of(self, layer: str) -> int:
        if layer not in self.layers:
            raise UserError(f'layer "{layer}": the encoder has none of that name; there are: {" ".join(self.layers)}')
        return self.layers.index(layer)


def windows(total: int, longest: int, margin: int) -> Iterator[tuple[int, int, int, int]]:
    """How ``total`` frames are taken in windows of at most ``longest``: (first, last, begin, end), frames first to last
    are kept of a window from begin to end. Windows overlap, for an encoder is worse at the edge of what it hears."""
    if total <= longest:
        yield 0, total, 0, total
        return
    margin = min(margin, longest // 8)
    step = longest - 2 * margin
    for first in range(0, total, step):
        last = min(first + step, total)
        yield first, last, max(0, first - margin), min(total, last + margin)


def layer_names(blocks: int, norm: bool) -> tuple[str, ...]:
    """The layers of an encoder of so many blocks, with or without a normalisation behind the last."""
    return "conv", *(f"block{number}" for number in range(1, blocks + 1)), *(["norm"] if norm else [])


def plain_words(text: str) -> list[str]:
    """The words of what a recogniser wrote, in capitals, without punctuation: as corpora spell what is said."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.upper().replace("’", "'"))
