"""Training of the CTC network: batches, augmentation, AdamW with a weight average, early stopping, exact resume.

Everything random in epoch e is drawn from generators seeded with (seed, e), so a run that goes on from the checkpoint
of epoch e - 1 computes the same numbers, bit by bit, as one that was never stopped. The gradient of a batch is that
of its parts, each with generators of its own, added up in order; so the number of processes that compute them changes
nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import mmap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import kaldialign
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from lexicon.errors import UserError
from pipeline.base.meta import CHECKPOINT
from pipeline.base.parallel import Crew, each
from pipeline.neural import exchange, ranks
from pipeline.neural.checkpoint import State, copy_weights, load_checkpoint, save_checkpoint
from pipeline.neural.config import EncoderConfig
from pipeline.neural.data import Part, augment, batches, ceil_div, collate
from pipeline.neural.history import MEASURED, Epoch, as_json, write_history
from pipeline.neural.model import CtcModel, Encoder
from pipeline.neural.paths import greedy, rows_of_letters
from pipeline.neural.settings import TrainSettings, check_settings
from pipeline.neural.spelling import ctc_loss
from pipeline.neural.start import begin_with, checksum_of

BLANKS_ALONE = 100.0  # dev PER (%) of a network that says nothing yet


def learning_rate(step: int, steps_per_epoch: int, settings: TrainSettings) -> float:
    """Linear warm-up, then half a cosine down to a hundredth of the peak at the last epoch."""
    warmup, last = settings.warmup_epochs * steps_per_epoch, settings.epochs * steps_per_epoch
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    share = min(1.0, (step - warmup) / max(1, last - warmup))
    return settings.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


@dataclass(frozen=True)
class Share:
    """Part ``number`` of batch ``batch`` of ``epoch``: utterances, of which a process computes the gradient."""

    epoch: int
    batch: int
    number: int
    utterances: list[str]


Compute = Callable[[Iterable[Share]], Iterable[float]]


class Gradients:
    """The gradient of the loss (the sum of CTC losses) for each part of a batch, where all processes see it.

    So are the weights of ``model``, which is moved there; a worker of `Crew` has them as they are at any time.
    """

    def __init__(self, model: Encoder, part: Part, settings: TrainSettings, device: torch.device):
        self.model, self.part, self.settings, self.device = model, part, settings, device
        self.parameters = list(model.parameters())
        for parameter, place in zip(self.parameters, shared_like(self.parameters)):
            parameter.data = place.copy_(parameter.data)
        self.of_parts = [shared_like(self.parameters) for _ in range(settings.parts)]

    def compute(self, share: Share) -> float:
        """Put the gradient of one part in its place; returns its loss (nats)."""
        source = np.random.SeedSequence([self.settings.seed, share.epoch, share.batch, share.number])
        for_torch, for_numpy = source.spawn(2)
        torch.manual_seed(int(for_torch.generate_state(1, np.uint64)[0]))
        generator = np.random.default_rng(for_numpy)
        feats = [self.drawn(utterance, generator) for utterance in share.utterances]
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"):
            columns, lengths = self.model(*collate(feats, self.device))
        loss = self._loss(columns.float(), lengths, share.utterances)
        for place, value in zip(self.of_parts[share.number], torch.autograd.grad(loss, self.parameters)):
            place.copy_(value)
        return loss.item()

    def drawn(self, utterance: str, generator: np.random.Generator) -> np.ndarray:
        """The utterance as the network sees it this time: (T, D)."""
        shortest = self.part.rows_needed(utterance) * self.settings.subsampling
        return augment(self.part.drawn(utterance, generator, shortest), self.part, self.settings, generator, shortest)

    def _loss(self, columns: Tensor, lengths: Tensor, utterances: list[str]) -> Tensor:
        """The sum over utterances, phones and letters by their shares. Phones that are only read have the weight 1:
        what it is makes no difference to the network."""
        phones, further = self.model.parted(columns)
        targets, spelling = [self.part.targets[u] for u in utterances], self.model.spelling
        of_phones = ctc_loss(phones, lengths, targets).sum()
        if spelling is None:
            return of_phones
        letters, heard = [self.part.letters[u] for u in utterances], []
        if spelling.guided:
            sizes, rows = lengths.tolist(), phones.detach().cpu().numpy()
            heard = [
                rows_of_letters(matrix[:size], list(target), len(text))
                for matrix, size, target, text in zip(rows, sizes, targets, letters)
            ]
        of_letters = spelling.loss(further, lengths, letters, heard).sum()
        return self.settings.letter_share * of_letters + (1 - self.settings.letter_share or 1.0) * of_phones

    def add_up(self, parts: int, count: int) -> None:
        """Give the parameters the gradient of the first ``parts`` parts together, by phone (``count`` of them)."""
        for parameter, *places in zip(self.parameters, *self.of_parts[:parts]):
            total = places[0].clone()
            for place in places[1:]:
                total += place
            parameter.grad = total.div_(count)

    @contextlib.contextmanager
    def crew(self, jobs: int) -> Iterator[Compute]:
        """What computes several parts, in ``jobs`` processes, or in those of torchrun."""
        if ranks.several():
            yield partial(exchange.compute, self)
            return
        if jobs == 1:
            yield lambda shares: map(self.compute, shares)
            return
        with Crew(self.compute, min(jobs, self.settings.parts), jobs) as crew:
            yield crew.map


def shared_like(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors of these shapes, float32, that are the same memory in this process and those forked from it; those of a
    GPU are this process's alone."""
    if tensors[0].device.type != "cpu":
        return [torch.empty_like(value) for value in tensors]
    flat = torch.frombuffer(mmap.mmap(-1, 4 * sum(value.numel() for value in tensors)), dtype=torch.float32)
    return [piece.view(value.shape) for piece, value in zip(flat.split([value.numel() for value in tensors]), tensors)]


def train_epoch(state: State, gradients: Gradients, compute: Compute) -> float:
    """One pass over the training part (several, when it is small); returns the mean loss per phone (nats)."""
    part, settings = gradients.part, gradients.settings
    generator = np.random.default_rng([settings.seed, state.epoch])
    passes = ceil_div(settings.min_updates * settings.batch_size, len(part.targets))
    groups = [group for _ in range(passes) for group in batches(part, settings.batch_size, generator)]
    total, phones = 0.0, 0
    for number, group in enumerate(tqdm(groups, f"epoch {state.epoch + 1}", leave=False, disable=None)):
        loss, count = update(state, gradients, compute, number, group, learning_rate(state.step, len(groups), settings))
        update_average(state, settings.average_decay)
        total, phones = total + loss, phones + count
    if not math.isfinite(total):
        raise UserError(f"epoch {state.epoch + 1}: the loss is {total}; use a smaller --learning-rate")
    return total / phones


def update(
    state: State, gradients: Gradients, compute: Compute, number: int, group: list[str], rate: float
) -> tuple[float, int]:
    """Move the weights by the gradient of batch ``number`` of an epoch, of the utterances ``group``; returns its loss
    (nats) and its phones."""
    parts = gradients.settings.parts
    shares = [Share(state.epoch, number, i, group[i::parts]) for i in range(min(parts, len(group)))]
    loss, count = sum(compute(shares)), sum(len(gradients.part.targets[u]) for u in group)
    gradients.add_up(len(shares), count)
    for options in state.optimizer.param_groups:
        options["lr"] = rate * options["share"]
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
    state.optimizer.step()
    state.step += 1
    return loss, count


def update_average(state: State, decay: float) -> None:
    """Exponential moving average of the weights (Polyak averaging), with a short memory in the first steps."""
    decay = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, value in zip(state.average.parameters(), state.model.parameters()):
            mean.lerp_(value, 1 - decay)


def outputs(encoder: Encoder, part: Part, group: list[str], device: torch.device) -> list[np.ndarray]:
    """Columns (T', V + L) of each utterance of a batch, without augmentation."""
    encoder.eval()
    with torch.inference_mode():
        columns, lengths = encoder(*collate([part.feats[u] for u in group], device))
    return [matrix[:length] for matrix, length in zip(columns.cpu().numpy(), lengths.tolist())]


def error_rate(
    encoder: Encoder, part: Part, size: int, device: torch.device, jobs: int = 1, letters: bool = False
) -> float:
    """Greedy error rate of phones, or of ``letters``, in percent: the best token of each frame, repeats and blanks
    removed."""
    references = part.letters if letters else part.targets

    def heard(columns: np.ndarray) -> list[int]:
        phones, further = encoder.parted(columns)
        if letters and encoder.spelling:
            with torch.inference_mode():
                return encoder.spelling.greedy(torch.from_numpy(further).to(device))
        return [token for token, _, _ in greedy(phones)]

    def errors(group: list[str]) -> int:
        found = map(heard, outputs(encoder, part, group, device))
        return sum(kaldialign.edit_distance(list(references[u]), tokens)["total"] for u, tokens in zip(group, found))

    return 100.0 * sum(each(errors, batches(part, size, None), jobs)) / sum(len(references[u]) for u in part.targets)


def mean_posterior(encoder: Encoder, part: Part, size: int, device: torch.device, jobs: int = 1) -> np.ndarray:
    """(V + L,) float64 mean posterior over all frames of the part; 1 in columns that are no posteriors."""

    def added_up(group: list[str]) -> tuple[np.ndarray, int]:
        found = np.concatenate(outputs(encoder, part, group, device)).astype(np.float64)
        phones, further = encoder.parted(found)
        sure = encoder.spelling is None or encoder.spelling.probabilities
        shares = np.exp(further) if sure else np.ones_like(further)
        return np.concatenate([np.exp(phones), shares], axis=1).sum(axis=0), len(found)

    totals, frames = zip(*each(added_up, batches(part, size, None), jobs))
    return np.sum(totals, axis=0) / sum(frames)


@dataclass(frozen=True)
class Task:
    """What a network learns: its ``gradients``, the ``error_rate`` on dev in percent and how it is called, whether
    it has posteriors ``by_frame``, and the file that a run goes on from."""

    gradients: Callable[[Encoder, Part, TrainSettings, torch.device], Gradients]
    error_rate: Callable[[Encoder, Part, int, torch.device, int], float]
    measure: str
    by_frame: bool = False
    checkpoint: str = CHECKPOINT


def config_for(
    part: Part, tokens: list[str], settings: TrainSettings, letters: Sequence[str] = (), by_frame: bool = False
) -> EncoderConfig:
    """The shape of the network that these settings ask for; UserError for numbers that cannot be meant."""
    dimension = part.feats[next(iter(part.targets))].shape[1]
    config = EncoderConfig(
        settings.encoder,
        dimension,
        len(tokens),
        settings.width,
        settings.layers,
        settings.conv_layers,
        settings.subsampling,
        settings.dropout,
        settings.spelling if settings.spells else "",
        len(letters),
        settings.letter_share < 1,
        settings.heads,
        settings.subsampling if by_frame else 1,
    )
    check_settings(config, settings)
    return config


def new_state(config: EncoderConfig, part: Part, settings: TrainSettings, device: torch.device) -> State:
    """Weights drawn with the seed, and an optimiser that has not moved yet."""
    torch.manual_seed(settings.seed)
    model = Encoder(config).to(device)
    model.mean.copy_(torch.from_numpy(part.mean))
    model.deviation.copy_(torch.from_numpy(part.deviation))
    average = Encoder(config).to(device).requires_grad_(False)
    average.load_state_dict(model.state_dict())
    stack = list(model.stack.parameters()) if model.stack is not None else []
    others = [value for name, value in model.named_parameters() if not name.startswith("stack.")]
    groups = [{"params": others, "share": 1.0}, {"params": stack, "share": settings.stack_rate}]
    optimizer = torch.optim.AdamW(
        groups[: 1 + bool(stack)], settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    return State(model, average, optimizer, copy_weights(average))


def begin_after(state: State, before: State) -> None:
    """Begin with the best weights of another run, after its last epoch."""
    for network in (state.model, state.average):
        network.load_state_dict(before.best)
    state.best = copy_weights(state.average)
    state.epoch, state.seconds, state.history = before.epoch, before.seconds, list(before.history)


def keep_best(state: State, per: float) -> None:
    """Keep the average as it is after ``state.epoch`` if its dev PER (%) is the least so far. It begins with blanks
    alone, and of those the last is kept."""
    if per < state.best_per or per == state.best_per >= BLANKS_ALONE:
        state.best_per, state.best_epoch, state.best = per, state.epoch, copy_weights(state.average)


def goes_on(state: State, settings: TrainSettings) -> bool:
    """Whether there is another epoch: patience begins once the network says more than blanks."""
    patient = state.epoch - state.best_epoch < settings.patience or state.best_per >= BLANKS_ALONE
    return state.epoch < settings.epochs and patient


def train(
    train_part: Part,
    dev_part: Part,
    tokens: list[str],
    settings: TrainSettings,
    data_fingerprint: str,
    out: Path,
    device: torch.device,
    jobs: int = 1,
    letters: Sequence[str] = (),
    task: Task | None = None,
    before: State | None = None,
) -> State:
    """Train until dev PER (or the letter error rate, if letters decide) has not improved for settings.patience epochs;
    goes on from out/checkpoint.safetensors.

    After every epoch out/train.log is rewritten, the event file in out/tensorboard grows, and the checkpoint is
    replaced. Returns the state with the best weights. A GPU is one process's; else ``jobs`` processes compute at once.
    ``task``: what is learned, if it is not CTC. ``before``: a run, of another task, with whose best weights this one
    begins, and whose epochs and seconds it counts on from.
    """
    task = task or Task(Gradients, partial(error_rate, letters=settings.letters_decide), settings.measure)
    state = new_state(config_for(train_part, tokens, settings, letters, task.by_frame), train_part, settings, device)
    if settings.init:
        for network in (state.model, state.average):
            begin_with(network, tokens, letters, settings.init)
    if before:
        begin_after(state, before)
    told = [asdict(settings), checksum_of(settings.init), tokens, list(letters), data_fingerprint, device.type]
    told += [torch.__version__, MEASURED]
    plan = json.dumps(told, sort_keys=True)
    fingerprint = hashlib.sha256(plan.encode()).hexdigest()
    checkpoint = out / task.checkpoint
    exchange.share_file(checkpoint)
    load_checkpoint(checkpoint, state, fingerprint)
    bar = tqdm(total=settings.epochs, initial=state.epoch, desc="train", unit="epoch", disable=None)
    jobs, gradients = jobs if device.type == "cpu" else 1, task.gradients(state.model, train_part, settings, device)
    with gradients.crew(jobs) as compute:
        while goes_on(state, settings):
            began = time.monotonic()
            loss = train_epoch(state, gradients, compute)
            per = task.error_rate(state.average, dev_part, settings.batch_size, device, jobs)
            state.epoch += 1
            keep_best(state, per)
            state.seconds += time.monotonic() - began
            state.history.append(Epoch(loss, per, state.optimizer.param_groups[0]["lr"], time.time()))
            write_history(out, state.history, task.measure)
            save_checkpoint(checkpoint, state, fingerprint)
            bar.update()
            bar.set_postfix_str(f"loss {loss:.3f}, dev {task.measure} {per:.2f} % (best {state.best_per:.2f} %)")
    bar.close()
    state.average.load_state_dict(state.best)
    return state


def finish(
    state: State,
    train_part: Part,
    tokens: list[str],
    settings: TrainSettings,
    device: torch.device,
    jobs: int = 1,
    letters: Sequence[str] = (),
) -> tuple[CtcModel, dict[str, Any]]:
    """The best weights with the label prior, and what meta.json says of their training."""
    began = time.monotonic()
    prior = mean_posterior(state.average, train_part, settings.batch_size, device, jobs if device.type == "cpu" else 1)
    log_prior = np.log(np.maximum(prior, 1e-10)).astype(np.float32)
    model = CtcModel(state.average.cpu().eval(), tokens, log_prior, list(letters))
    return model, {
        "train_seconds": round(state.seconds + time.monotonic() - began, 1),
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "dev_per": round(state.best_per, 4),
        "history": as_json(state.history),
        "measure": settings.measure,
        "settings": asdict(settings),
    }
