"""How a network spells words: three ways from the rows of its top layer to letters.

ctc         a letter or the blank for each row (Graves et al. 2006)
attention   a letter at a time, each looking where in the rows to read: the speller of Listen, Attend and Spell (Chan et
            al. 2016), with the location-aware attention of Chorowski et al. (2015)
transducer  for each row the letters that it adds to those before (Graves 2012)

Token BLANK is the blank; with attention, the beginning and the end of a text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torchaudio.functional import rnnt_loss

from pipeline.neural import BLANK
from pipeline.neural.masks import mean_of_rows, time_mask

Targets = list[tuple[int, ...]]


def ctc_loss(log_probs: Tensor, lengths: Tensor, targets: Targets) -> Tensor:
    """(B,) negative natural log probability of each target under CTC (Graves et al. 2006, eq. 8).

    log_probs (B, T, V), lengths (B,), targets: token ids without blanks. Computed on the CPU on purpose: PyTorch's
    CUDA version adds in no fixed order, so two runs would differ.
    """
    flat = torch.tensor([token for target in targets for token in target], dtype=torch.int64)
    sizes = torch.tensor([len(target) for target in targets], dtype=torch.int64)
    return functional.ctc_loss(log_probs.cpu().transpose(0, 1), flat, lengths.cpu(), sizes, BLANK, reduction="none")


class Spelling(nn.Module):
    """What reads the top layer (B, T', C) and writes letters.

    ``width``: the columns of what a search reads of each row; ``probabilities``: whether these are log posteriors;
    ``guided``: whether training has to say where each letter is heard.
    """

    width: int
    probabilities = False
    guided = False

    def columns(self, top: Tensor) -> Tensor:
        """(B, T', C) -> (B, T', width)."""
        raise NotImplementedError

    def log_loss(self, columns: Tensor, lengths: Tensor, targets: Targets) -> Tensor:
        """(B,) negative natural log probability of each target."""
        raise NotImplementedError

    def loss(self, columns: Tensor, lengths: Tensor, targets: Targets, heard: Sequence[np.ndarray] = ()) -> Tensor:
        """``log_loss`` and what training adds to it. Where it is ``guided``, ``heard`` has for each target the rows
        (U + 1,) in which its letters and its end are heard."""
        return self.log_loss(columns, lengths, targets)

    def greedy(self, columns: Tensor) -> list[int]:
        """The letters of one utterance (T', width), the best at each step."""
        raise NotImplementedError


class CtcSpelling(Spelling):
    """A linear layer, trained with CTC."""

    probabilities = True

    def __init__(self, channels: int, num_letters: int, dropout: float):
        super().__init__()
        self.width = num_letters
        self.output = nn.Linear(channels, num_letters)

    def columns(self, top: Tensor) -> Tensor:
        return self.output(top).log_softmax(dim=-1)

    def log_loss(self, columns: Tensor, lengths: Tensor, targets: Targets) -> Tensor:
        return ctc_loss(columns, lengths, targets)

    def greedy(self, columns: Tensor) -> list[int]:
        best = columns.argmax(dim=-1).unique_consecutive()
        return [token for token in best.tolist() if token != BLANK]


class Reading(NamedTuple):
    """Of utterances (B): what attention reads (B, S, C), its keys (B, K, S), and which of its rows there are (B, S)."""

    rows: Tensor
    keys: Tensor
    inside: Tensor


class Written(NamedTuple):
    """Where a speller stands in each of B texts: its LSTM's output and state (B, W), what it read last (B, C), and
    where in the rows it looked last, and in all (B, S)."""

    hidden: Tensor
    cell: Tensor
    read: Tensor
    looked: Tensor
    covered: Tensor

    def of(self, chosen: Tensor) -> Written:
        """Those with these numbers."""
        return Written(*(value[chosen] for value in self))


class AttentionSpelling(Spelling):
    """An LSTM that writes a letter at a time."""

    POOLED = 2  # rows that are read as one: fewer places to look at
    KERNEL = 15  # places before and after the last one that its bias sees: about a second
    SMOOTHING = 0.1  # of the probabilities that it is taught, against being too sure
    # Little speech does not teach where to look: elsewhere than where the network itself hears a letter costs up to
    # 1 nat, within about OFF places as good as nothing (after Tachibana et al. 2018, who expect it on the diagonal).
    guided = True
    OFF = 6
    BACK, AHEAD = 5, 25  # places from the last one where it may look next
    DIMENSION = 64  # of keys and queries

    def __init__(self, channels: int, num_letters: int, dropout: float):
        super().__init__()
        self.width = channels
        self.letters = nn.Embedding(num_letters, channels // 2)
        self.writer = nn.LSTMCell(channels + channels // 2, channels)
        self.norm = nn.LayerNorm(channels)
        self.key, self.query = nn.Linear(channels, self.DIMENSION), nn.Linear(channels, self.DIMENSION, bias=False)
        self.near = nn.Conv1d(2, 1, 2 * self.KERNEL + 1, padding=self.KERNEL)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(2 * channels, num_letters)

    def columns(self, top: Tensor) -> Tensor:
        return top

    def begin(self, columns: Tensor, lengths: Tensor) -> tuple[Reading, Written]:
        """What there is to read, and nothing written yet."""
        rows, lengths = mean_of_rows(self.norm(columns), lengths, self.POOLED)
        inside = time_mask(lengths, rows.shape[1])[:, :, 0]
        nothing = rows.new_zeros(len(rows), self.width)
        nowhere = rows.new_zeros(rows.shape[:2])
        keys = self.key(rows).transpose(1, 2) / math.sqrt(self.DIMENSION)
        return Reading(rows, keys, inside), Written(nothing, nothing, nothing, nowhere, nowhere)

    def step(self, reading: Reading, before: Written, letters: Tensor) -> tuple[Tensor, Written]:
        """The log probabilities (B, V) of what follows ``letters`` (B,), the last of each text, and the state then."""
        inputs = torch.cat([self.letters(letters), before.read], dim=-1)
        hidden, cell = self.writer(inputs, (before.hidden, before.cell))
        energy = torch.bmm(self.query(hidden)[:, None], reading.keys)[:, 0]
        energy = energy + self.near(torch.stack([before.looked, before.covered], dim=1))[:, 0]
        inside = reading.inside > 0
        if not self.training:  # once it is trained, it does not jump
            place = torch.arange(energy.shape[1], device=energy.device)[None] - before.looked.argmax(dim=1)[:, None]
            inside = inside & (place >= -self.BACK) & (place <= self.AHEAD)
        looked = energy.masked_fill(~inside, -1e9).softmax(dim=-1)
        read = torch.bmm(looked[:, None], reading.rows)[:, 0]
        log_probs = self.output(self.dropout(torch.cat([hidden, read], dim=-1))).log_softmax(dim=-1)
        return log_probs, Written(hidden, cell, read, looked, before.covered + looked)

    def loss(self, columns: Tensor, lengths: Tensor, targets: Targets, heard: Sequence[np.ndarray] = ()) -> Tensor:
        log_probs, looked, letters, _ = self._taught(columns, lengths, targets)
        right = log_probs.gather(2, letters[:, :, None])[:, :, 0]
        rows = pad_sequence([torch.from_numpy(rows).to(looked) for rows in heard], batch_first=True)
        away = torch.arange(looked.shape[2], device=looked.device) - rows[:, :, None] / self.POOLED
        off = 1 - torch.exp(-((away / self.OFF) ** 2) / 2)
        smooth = (1 - self.SMOOTHING) * right + self.SMOOTHING * log_probs.mean(dim=2)
        return (((looked * off).sum(dim=2) - smooth) * letters_there(targets, letters)).sum(dim=1)

    def log_loss(self, columns: Tensor, lengths: Tensor, targets: Targets) -> Tensor:
        log_probs, _, letters, _ = self._taught(columns, lengths, targets)
        right = log_probs.gather(2, letters[:, :, None])[:, :, 0]
        return -(right * letters_there(targets, letters)).sum(dim=1)

    def looked(self, columns: Tensor, letters: tuple[int, ...]) -> Tensor:
        """Of an utterance (T', width): how much each letter of a text was read from each POOLED rows, (U, S)."""
        lengths = torch.tensor([len(columns)], device=columns.device)
        return self._taught(columns[None], lengths, [letters])[1][0, :-1]

    def _taught(self, columns: Tensor, lengths: Tensor, targets: Targets) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """With the right letters before each: log probabilities (B, U, V), where it looked (B, U, S), the letters with
        the end of the text (B, U), and which rows there are (B, S)."""
        reading, written = self.begin(columns, lengths)
        texts = [torch.tensor([BLANK, *target], device=columns.device) for target in targets]
        before = pad_sequence(texts, batch_first=True, padding_value=BLANK)
        log_probs, looked = [], []
        for last in before.unbind(dim=1):
            found, written = self.step(reading, written, last)
            log_probs.append(found)
            looked.append(written.looked)
        letters = functional.pad(before[:, 1:], (0, 1), value=BLANK)
        return torch.stack(log_probs, dim=1), torch.stack(looked, dim=1), letters, reading.inside

    def greedy(self, columns: Tensor) -> list[int]:
        reading, written = self.begin(columns[None], torch.tensor([len(columns)], device=columns.device))
        found, last = [], BLANK
        for _ in range(len(columns)):
            log_probs, written = self.step(reading, written, torch.tensor([last], device=columns.device))
            if (last := int(log_probs[0].argmax())) == BLANK:
                break
            found.append(last)
        return found


def letters_there(targets: Targets, letters: Tensor) -> Tensor:
    """(B, U) float32: 1 on the letters of each text and its end, 0 on what follows."""
    return time_mask(torch.tensor([len(target) + 1 for target in targets], device=letters.device), letters.shape[1])[
        :, :, 0
    ]


class TransducerSpelling(Spelling):
    """A predictor that has read the letters so far, and a joiner of its state with a row of the encoder.

    The predictor sees the last CONTEXT letters alone (Ghodsi et al. 2020): little speech teaches no more.
    """

    CONTEXT = 4
    BEFORE = (BLANK,) * CONTEXT  # the first letter
    MOST = 12  # letters that a search lets it write in a row: it may wait for a word's end, and then write all of it
    JOINED = 64  # units in which rows and letters meet

    def __init__(self, channels: int, num_letters: int, dropout: float):
        super().__init__()
        self.width = self.JOINED
        self.row = nn.Linear(channels, self.JOINED)
        self.letters = nn.Embedding(num_letters, self.JOINED)
        self.recent = nn.Conv1d(self.JOINED, self.JOINED, self.CONTEXT)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.JOINED, num_letters)

    def columns(self, top: Tensor) -> Tensor:
        return self.row(top)

    def predicted(self, letters: Tensor) -> Tensor:
        """Texts (B, CONTEXT + U), which begin with what came before them, -> (B, 1 + U, JOINED)."""
        return self.dropout(self.recent(self.letters(letters).transpose(1, 2)).transpose(1, 2))

    def joined(self, rows: Tensor, predicted: Tensor) -> Tensor:
        """Logits over blank and letters, of rows and predictions whose shapes broadcast."""
        return self.output(torch.tanh(rows + predicted))

    def log_loss(self, columns: Tensor, lengths: Tensor, targets: Targets) -> Tensor:
        texts = [torch.tensor([*self.BEFORE, *target]) for target in targets]
        letters = pad_sequence(texts, batch_first=True, padding_value=BLANK).to(columns.device)
        logits = self.joined(columns[:, :, None], self.predicted(letters)[:, None])
        sizes = torch.tensor([len(target) for target in targets], dtype=torch.int32)
        return rnnt_loss(
            logits.cpu(), letters[:, self.CONTEXT :].int().cpu().contiguous(), lengths.int().cpu(), sizes, BLANK, -1.0,
            "none",
        )  # fmt: skip

    def greedy(self, columns: Tensor) -> list[int]:
        found = list(self.BEFORE)
        recent = self.predicted(torch.tensor([found], device=columns.device))[0]
        for row in columns:
            for _ in range(self.MOST):
                if (token := int(self.joined(row, recent[0]).argmax())) == BLANK:
                    break
                found.append(token)
                recent = self.predicted(torch.tensor([found[-self.CONTEXT :]], device=columns.device))[0]
        return found[self.CONTEXT :]


SPELLERS: dict[str, type[CtcSpelling] | type[AttentionSpelling] | type[TransducerSpelling]] = {
    "ctc": CtcSpelling,
    "attention": AttentionSpelling,
    "transducer": TransducerSpelling,
}
