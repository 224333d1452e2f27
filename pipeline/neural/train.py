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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import kaldialign
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import atomic_write, write_lines
from pipeline.base.parallel import Crew, each
from pipeline.base.training import setting
from pipeline.datadir.feats import check_dimension
from pipeline.neural.model import ENCODERS, CtcModel, Encoder, EncoderConfig, check_config, ctc_loss, frames_needed
from pipeline.neural.paths import greedy

Target = tuple[int, ...]
CHECKPOINT = "checkpoint.safetensors"
BLANKS_ALONE = 100.0  # dev PER (%) of a network that says nothing yet


@dataclass(frozen=True)
class TrainSettings:
    """What a training run depends on besides its data; a change in any of them starts a run afresh."""

    encoder: str = setting("conv-bilstm", "kind of network", choices=ENCODERS)
    width: int = setting(128, "units per direction of a recurrent layer, or channels of a tdnn or conformer")
    layers: int = setting(1, "recurrent or conformer layers")
    conv_layers: int = setting(3, "residual convolutions before them")
    subsampling: int = setting(3, "feature frames per network frame")
    dropout: float = setting(0.3, "share of activations dropped")
    epochs: int = setting(50, "passes over the training data at most; the learning rate falls until the last")
    min_updates: int = setting(20, "updates in an epoch at least; a small corpus is passed over several times")
    patience: int = setting(12, "stop after so many epochs without a better dev PER")
    batch_size: int = setting(8, "utterances in a batch")
    parts: int = setting(
        2, "parts of a batch, which as many processes may compute at once; two cost a tenth more than one, four a sixth"
    )
    learning_rate: float = setting(2e-3, "highest learning rate of AdamW")
    warmup_epochs: int = setting(3, "epochs in which the learning rate rises")
    weight_decay: float = setting(0.01, "weight decay of AdamW")
    average_decay: float = setting(0.99, "decay per step of the moving average of the weights, which is the model")
    speed_change: float = setting(0.1, "utterances are made faster or slower by up to this share")
    time_masks: float = setting(1.0, "masks of 1 to 10 frames per second of speech, on average")
    feature_mask: int = setting(3, "cepstral coefficients masked at most, with their deltas")
    noise: float = setting(0.1, "Gaussian noise, in standard deviations of each coefficient")
    seed: int = setting(1, "seed of everything random")


@dataclass(frozen=True)
class Part:
    """A set of utterances: feats maps an id to (T, D) float32 and reads it when asked; targets are token ids."""

    feats: Mapping[str, np.ndarray]
    targets: dict[str, Target]
    num_frames: dict[str, int]
    mean: np.ndarray
    deviation: np.ndarray


@dataclass
class State:
    """Where a run stands after its last whole epoch; all that a checkpoint holds."""

    model: Encoder
    average: Encoder
    optimizer: torch.optim.Optimizer
    best: dict[str, Tensor]
    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_per: float = math.inf
    seconds: float = 0.0
    history: list[str] = field(default_factory=list)


def survey(feats: Mapping[str, np.ndarray], targets: dict[str, Target]) -> tuple[Part, str]:
    """Read every utterance once: its length, and a fingerprint of all features and targets (sha256, hex).

    Raises UserError when an utterance has no features or no phones, or values that are not finite.
    """
    digest, num_frames, sums, squares, dimension = hashlib.sha256(), {}, 0.0, 0.0, 0
    for utterance in sorted(targets):
        if utterance not in feats:
            raise UserError(f"feats.scp: no features for utterance {utterance}; run make mfcc again")
        matrix = np.ascontiguousarray(feats[utterance], np.float32)
        check_dimension(matrix, dimension := dimension or matrix.shape[-1], f"utterance {utterance}")
        if not targets[utterance] or not np.isfinite(matrix).all():
            raise UserError(f"utterance {utterance}: no phones, or features that are not finite; leave it out")
        num_frames[utterance] = len(matrix)
        digest.update(f"{utterance} {targets[utterance]} {matrix.shape}".encode())
        digest.update(matrix.data)
        sums = sums + matrix.sum(axis=0, dtype=np.float64)
        squares = squares + np.square(matrix, dtype=np.float64).sum(axis=0)
    frames = sum(num_frames.values())
    mean = np.asarray(sums / frames)
    deviation = np.sqrt(np.maximum(squares / frames - mean**2, 1e-8))
    return Part(feats, targets, num_frames, mean.astype(np.float32), deviation.astype(np.float32)), digest.hexdigest()


def split_by_length(part: Part, subsampling: int) -> tuple[Part, list[str]]:
    """The part whose utterances are long enough to be spelled by CTC, and the ids of those that are not."""
    short = [u for u in part.targets if ceil_div(part.num_frames[u], subsampling) < frames_needed(part.targets[u])]
    kept = {u: target for u, target in part.targets.items() if u not in set(short)}
    return replace(part, targets=kept), short


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def batches(part: Part, size: int, generator: np.random.Generator | None) -> list[list[str]]:
    """Utterances of like length together, `size` in a batch; with a generator, lengths jittered and order shuffled."""
    ids = sorted(part.targets)
    jitter = generator.uniform(0.9, 1.1, len(ids)) if generator else np.ones(len(ids))
    order = np.argsort([part.num_frames[u] * j for u, j in zip(ids, jitter)], kind="stable")
    groups = [[ids[i] for i in order[start : start + size]] for start in range(0, len(order), size)]
    if generator:
        generator.shuffle(groups)
    return groups


def augment(
    feats: np.ndarray, part: Part, settings: TrainSettings, generator: np.random.Generator, shortest: int
) -> np.ndarray:
    """A copy of feats (T, D) at another speed, with noise, and with stretches of time and coefficients set to the mean.

    The masks are those of SpecAugment (Park et al. 2019). A coefficient is masked with
    its deltas (D is three blocks). The new length is at least `shortest` frames, otherwise the speed stays.
    """
    x = feats
    if settings.speed_change:
        length = round(len(x) * generator.uniform(1 - settings.speed_change, 1 + settings.speed_change))
        if length >= shortest:
            x = resample(x, length)
    x = x + settings.noise * part.deviation * generator.standard_normal(x.shape, dtype=np.float32)
    for _ in range(generator.poisson(settings.time_masks * len(x) / 100)):
        width = int(generator.integers(1, 11))
        start = generator.integers(0, max(1, len(x) - width))
        x[start : start + width] = part.mean
    if settings.feature_mask:
        width = int(generator.integers(0, settings.feature_mask + 1))
        start = generator.integers(0, max(1, x.shape[1] // 3 - width))
        for first in range(start, x.shape[1], x.shape[1] // 3):
            x[:, first : first + width] = part.mean[first : first + width]
    return x


def resample(feats: np.ndarray, length: int) -> np.ndarray:
    """feats (T, D) stretched or squeezed to (length, D) by linear interpolation in time."""
    position = np.linspace(0, len(feats) - 1, length)
    left = np.minimum(position.astype(np.int64), max(0, len(feats) - 2))
    right = np.minimum(left + 1, len(feats) - 1)
    share = (position - left)[:, None].astype(np.float32)
    return (1 - share) * feats[left] + share * feats[right]


def collate(arrays: list[np.ndarray], device: torch.device) -> tuple[Tensor, Tensor]:
    """Arrays (T_b, D) to one padded (B, max T, D) and lengths (B,)."""
    lengths = [len(x) for x in arrays]
    padded = np.zeros((len(arrays), max(lengths), arrays[0].shape[1]), np.float32)
    for row, x in zip(padded, arrays):
        row[: len(x)] = x
    return torch.from_numpy(padded).to(device), torch.tensor(lengths, device=device)


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
        targets = [self.part.targets[u] for u in share.utterances]
        feats = [
            augment(
                self.part.feats[u], self.part, self.settings, generator, frames_needed(t) * self.settings.subsampling
            )
            for u, t in zip(share.utterances, targets)
        ]
        self.model.train()
        log_probs, lengths = self.model(*collate(feats, self.device))
        loss = ctc_loss(log_probs, lengths, targets).sum()
        for place, value in zip(self.of_parts[share.number], torch.autograd.grad(loss, self.parameters)):
            place.copy_(value)
        return loss.item()

    def add_up(self, parts: int, count: int) -> None:
        """Give the parameters the gradient of the first ``parts`` parts together, by phone (``count`` of them)."""
        for parameter, *places in zip(self.parameters, *self.of_parts[:parts]):
            total = places[0].clone()
            for place in places[1:]:
                total += place
            parameter.grad = total.div_(count)

    @contextlib.contextmanager
    def crew(self, jobs: int) -> Iterator[Compute]:
        """What computes several parts, in ``jobs`` processes."""
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
        shares = [
            Share(state.epoch, number, i, group[i :: settings.parts]) for i in range(min(settings.parts, len(group)))
        ]
        loss, count = sum(compute(shares)), sum(len(part.targets[u]) for u in group)
        gradients.add_up(len(shares), count)
        for options in state.optimizer.param_groups:
            options["lr"] = learning_rate(state.step, len(groups), settings)
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
        state.optimizer.step()
        state.step += 1
        update_average(state, settings.average_decay)
        total, phones = total + loss, phones + count
    if not math.isfinite(total):
        raise UserError(f"epoch {state.epoch + 1}: the loss is {total}; use a smaller --learning-rate")
    return total / phones


def update_average(state: State, decay: float) -> None:
    """Exponential moving average of the weights (Polyak averaging), with a short memory in the first steps."""
    decay = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, value in zip(state.average.parameters(), state.model.parameters()):
            mean.lerp_(value, 1 - decay)


def posteriors(encoder: Encoder, part: Part, group: list[str], device: torch.device) -> list[np.ndarray]:
    """Natural log (T', V) of each utterance of a batch, without augmentation."""
    encoder.eval()
    with torch.inference_mode():
        log_probs, lengths = encoder(*collate([part.feats[u] for u in group], device))
    return [matrix[:length] for matrix, length in zip(log_probs.cpu().numpy(), lengths.tolist())]


def phone_error_rate(encoder: Encoder, part: Part, size: int, device: torch.device, jobs: int = 1) -> float:
    """Greedy phone error rate in percent: the best token of each frame, repeats and blanks removed."""

    def errors(group: list[str]) -> int:
        found = ([token for token, _, _ in greedy(x)] for x in posteriors(encoder, part, group, device))
        return sum(kaldialign.edit_distance(list(part.targets[u]), tokens)["total"] for u, tokens in zip(group, found))

    return 100.0 * sum(each(errors, batches(part, size, None), jobs)) / sum(map(len, part.targets.values()))


def mean_posterior(encoder: Encoder, part: Part, size: int, device: torch.device, jobs: int = 1) -> np.ndarray:
    """(V,) float64 mean posterior over all frames of the part."""

    def added_up(group: list[str]) -> tuple[np.ndarray, int]:
        found = np.concatenate(posteriors(encoder, part, group, device)).astype(np.float64)
        return np.exp(found).sum(axis=0), len(found)

    totals, frames = zip(*each(added_up, batches(part, size, None), jobs))
    return np.sum(totals, axis=0) / sum(frames)


def check_settings(config: EncoderConfig, settings: TrainSettings) -> None:
    """UserError, with the name of the option, for numbers that cannot be meant."""
    try:
        check_config(config, config.num_tokens)
        for name in ("epochs", "patience", "batch_size", "parts", "min_updates"):
            if getattr(settings, name) < 1:
                raise ValueError(f"{name} {getattr(settings, name)}, less than 1")
        for name in ("warmup_epochs", "time_masks", "feature_mask", "noise", "weight_decay", "seed"):
            if not getattr(settings, name) >= 0:
                raise ValueError(f"{name} {getattr(settings, name)}, less than 0")
        for name in ("speed_change", "average_decay"):
            if not 0 <= getattr(settings, name) < 1:
                raise ValueError(f"{name} {getattr(settings, name)}, not in 0..1")
        if not 0 < settings.learning_rate < 1:
            raise ValueError(f"learning_rate {settings.learning_rate}, not in 0..1")
    except ValueError as error:
        raise UserError(f"setting {error}; see: python -m stages.train --system ctc --help") from error


def new_state(config: EncoderConfig, part: Part, settings: TrainSettings, device: torch.device) -> State:
    """Weights drawn with the seed, and an optimiser that has not moved yet."""
    torch.manual_seed(settings.seed)
    model = Encoder(config).to(device)
    model.mean.copy_(torch.from_numpy(part.mean))
    model.deviation.copy_(torch.from_numpy(part.deviation))
    average = Encoder(config).to(device).requires_grad_(False)
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    return State(model, average, optimizer, copy_weights(average))


def copy_weights(model: Encoder) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


COUNTERS = ("epoch", "step", "best_epoch", "best_per", "seconds", "history")


def save_checkpoint(path: Path, state: State, fingerprint: str) -> None:
    """Weights, average, best and Adam's moments as one safetensors file with the counters in its header."""
    tensors = {f"model.{name}": value for name, value in copy_weights(state.model).items()}
    tensors |= {f"average.{name}": value for name, value in copy_weights(state.average).items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    for i, moments in state.optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{name}": value.detach().cpu().clone() for name, value in moments.items()}
    header = {"fingerprint": fingerprint, **{name: json.dumps(getattr(state, name)) for name in COUNTERS}}
    with atomic_write(path, "wb") as stream:
        stream.write(save(tensors, header))


def load_checkpoint(path: Path, state: State, fingerprint: str) -> bool:
    """Fill state from path; False, and state untouched, when there is none, it is damaged, or it is of another run."""
    try:
        with safe_open(path, "pt") as stream:
            header = stream.metadata() or {}
            if header.get("fingerprint") != fingerprint:
                return False
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}
    except (OSError, SafetensorError):
        return False
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "best": {}, "adam": {}}
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        parts[kind][rest] = value
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in parts["adam"].items():
        i, _, moment = name.partition(".")
        moments.setdefault(int(i), {})[moment] = value
    state.model.load_state_dict(parts["model"])
    state.average.load_state_dict(parts["average"])
    state.best = parts["best"]
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": moments})
    for name in COUNTERS:
        setattr(state, name, json.loads(header[name]))
    return True


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
) -> State:
    """Train until dev PER has not improved for settings.patience epochs; goes on from out/checkpoint.safetensors.

    After every epoch the checkpoint is replaced and out/train.log rewritten. Returns the state with the best weights.
    A GPU is one process's; else ``jobs`` processes compute at once.
    """
    dimension = train_part.feats[next(iter(train_part.targets))].shape[1]
    config = EncoderConfig(
        settings.encoder,
        dimension,
        len(tokens),
        settings.width,
        settings.layers,
        settings.conv_layers,
        settings.subsampling,
        settings.dropout,
    )
    check_settings(config, settings)
    state = new_state(config, train_part, settings, device)
    plan = json.dumps([asdict(settings), tokens, data_fingerprint, device.type, torch.__version__], sort_keys=True)
    fingerprint = hashlib.sha256(plan.encode()).hexdigest()
    checkpoint = out / CHECKPOINT
    load_checkpoint(checkpoint, state, fingerprint)
    bar = tqdm(total=settings.epochs, initial=state.epoch, desc="train", unit="epoch", disable=None)
    jobs, gradients = jobs if device.type == "cpu" else 1, Gradients(state.model, train_part, settings, device)
    with gradients.crew(jobs) as compute:
        while goes_on(state, settings):
            began = time.monotonic()
            loss = train_epoch(state, gradients, compute)
            per = phone_error_rate(state.average, dev_part, settings.batch_size, device, jobs)
            state.epoch += 1
            keep_best(state, per)
            state.seconds += time.monotonic() - began
            state.history.append(f"epoch {state.epoch:3d}  loss per phone {loss:.4f}  dev PER {per:.2f} %")
            write_lines(out / "train.log", state.history)
            save_checkpoint(checkpoint, state, fingerprint)
            bar.update()
            bar.set_postfix_str(f"loss {loss:.3f}, dev PER {per:.2f} % (best {state.best_per:.2f} %)")
    bar.close()
    state.average.load_state_dict(state.best)
    return state


def finish(
    state: State, train_part: Part, tokens: list[str], settings: TrainSettings, device: torch.device, jobs: int = 1
) -> tuple[CtcModel, dict[str, Any]]:
    """The best weights with the label prior, and what meta.json says of their training."""
    began = time.monotonic()
    prior = mean_posterior(state.average, train_part, settings.batch_size, device, jobs if device.type == "cpu" else 1)
    model = CtcModel(state.average.cpu().eval(), tokens, np.log(np.maximum(prior, 1e-10)).astype(np.float32))
    return model, {
        "train_seconds": round(state.seconds + time.monotonic() - began, 1),
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "dev_per": round(state.best_per, 4),
        "settings": asdict(settings),
    }
