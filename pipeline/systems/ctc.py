"""A network trained with connectionist temporal classification (Graves et al. 2006) over phones.

It learns without any alignment; training stops, and the best weights are chosen, by the greedy phone error rate on dev.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.fold import read_fold
from lexicon.lang import Lang, load_lang
from lexicon.phones import spoken
from lexicon.spelling import letters_of, spelled
from pipeline.base.meta import CHECKPOINT
from pipeline.base.parallel import each
from pipeline.base.spill import OnDisk
from pipeline.base.training import Material, setting
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, front_end_for, front_end_of
from pipeline.datadir.short import refuse_short
from pipeline.neural import rates
from pipeline.neural.rates import Tried
from pipeline.neural.settings import TrainSettings
from pipeline.search.decode import SearchSettings, WfstDecoder
from pipeline.search.system import System, Writer, checked
from pipeline.search.topology import ctc_topology
from pipeline.search.tuning import BEST_PATH_ONLY, count_errors
from pipeline.search.wfst import Beams
from pipeline.sound.front_end import FrontEnd, FrontEndSettings
from pipeline.sound.speed import speed_of

if TYPE_CHECKING:
    import torch

    from pipeline.neural.checkpoint import State
    from pipeline.neural.data import Part
    from pipeline.neural.model import CtcModel

# PyTorch is slow to import, and who only asks for the settings does not need it: it is imported, with all that is made
# of it, where something is computed.

ABOUT = (
    "A neural network that says for each row of frames which phone it hears, or a blank between two (connectionist"
    " temporal classification: Graves et al. 2006). It is told which phones were said, not when."
)

# Powers of the label prior that posteriors are divided by, as a hybrid's are: without it the network's own habits (the
# blank, frequent words) count twice, in its posteriors and in the language model. The best on dev is taken. More than
# all of the prior is not tried: on dev of prompts and librispeech together the free search has 836 errors of 4362
# without it, 656 with all of it, and then more again (662 with a power of 1.2, 664 with 1.4).
PRIOR_SCALES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Settings(FrontEndSettings, TrainSettings):
    """What training depends on beside its material."""

    device: str = setting("auto", "where to train", choices=("auto", "cpu", "cuda"))
    max_short: float = setting(
        2.0, "percent of utterances with fewer network frames than phones to leave out at most", least=0
    )

    def begun(self, material: Material) -> tuple[Material, Settings]:
        """What the network learns from, and how, once all that goes before is done; here that is nothing."""
        return material, self


def load(directory: Path, meta: dict[str, Any], spelling: bool = False) -> System:
    """The network in ``directory``, which finds words by their phones or by their ``spelling``; UserError if it is
    damaged."""
    from pipeline.neural.model import load_model

    model, scale = load_model(directory), meta.get("prior_scale")
    if not isinstance(scale, int | float) or isinstance(scale, bool) or not 0 <= scale <= 1:
        raise UserError(
            f"{directory}/meta.json: prior_scale {scale!r} is no number from 0 to 1; run: make {directory.name}"
        )
    if spelling and not model.encoder.spelling:
        raise UserError(f"{directory}/meta.json: no letters to spell with; run: make {directory.name}")
    return system_of(directory, front_end_of(directory), model, scale, spelling)


def system_of(
    directory: Path, front_end: FrontEnd, model: CtcModel, prior_scale: float, spelling: bool = False
) -> System:
    """A network as the searches see it, its posteriors divided by a power of the label prior: those of phones and, for
    ``spelling``, what follows."""
    dimension, phones = model.encoder.config.feature_dim, len(model.tokens)
    used = len(model.log_prior) if spelling else phones
    network = model.encoder.spelling if spelling else None
    by_graph = network is not None and network.probabilities

    def posteriors(feats: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(model.log_posteriors(feats)[:, :used])

    def scaled(feats: np.ndarray) -> np.ndarray:
        return posteriors(feats) - prior_scale * model.log_prior[:used]

    return System(
        directory.name,
        directory,
        front_end,
        checked(directory, dimension, scaled),
        ctc_topology(model.tokens, after=used - phones),
        model.subsampling * front_end.step,
        0.5,
        0.8,
        checked(directory, dimension, posteriors),
        model.tokens,
        hidden={name: partial(model.hidden, name=name) for name in model.encoder.hidden_names},
        spelling=ctc_topology(model.letters, before=phones) if by_graph else None,
        writer=Writer(network, model.letters, phones) if network and not by_graph else None,
    )


def train(material: Material, settings: Settings) -> list[str]:
    """Train the network and fit its prior scale. Returns lines to print, the last of which is the result. A run that is
    broken off goes on from the checkpoint in the model directory."""
    return train_with(material, settings, {})


def train_with(material: Material, settings: Settings, more: Mapping[str, Any]) -> list[str]:
    """As ``train``; meta.json also says ``more``."""
    from pipeline.neural.model import save_model
    from pipeline.neural.train import finish

    device, lang = device_for(settings.device), load_lang(material.lang)
    ready = prepare(material, settings, lang)
    _refuse_too_many_short(ready, material, settings)
    state = _trained(ready, material, settings, lang, device)
    model, meta = finish(state, ready.train, lang.tokens, recipe(settings), device, material.jobs, ready.letters)
    meta |= {
        **more,
        "front_end": ready.front_end.as_json(),
        "left_out_short": list(ready.short),
        "dev_not_scored": ready.unknown,
        "device": device.type,
        "prior_scale": _fit_prior_scale(model, material, ready.front_end, lang, ready.dev),
    }
    save_model(material.out, model, meta)
    (material.out / CHECKPOINT).unlink(missing_ok=True)
    return [
        f"{settings.encoder}, {model.encoder.num_parameters():,} parameters, {state.epoch} epochs"
        f" (best {state.best_epoch}), dev {settings.measure} {state.best_per:.1f} %, prior scale"
        f" {meta['prior_scale']:g},"
        f" {state.seconds:.0f} s{_named('utterances too short for their phones left out', list(ready.short))}"
        f"{_named('dev utterances with unknown words not scored', ready.unknown)}"
    ]


def trial(material: Material, settings: Settings) -> State | None:
    """The network, trained, without a search; None if more utterances than settings.max_short have fewer network frames
    than phones. Like any training it goes on from its checkpoint, which stays. ``best_per`` of the state is the error
    rate in percent of the best path on dev."""
    device, lang = device_for(settings.device), load_lang(material.lang)
    ready = prepare(material, settings, lang)
    return None if ready.too_many_short(settings) else _trained(ready, material, settings, lang, device)


def looked_at(material: Material, settings: Settings) -> str:
    """The digest of what there is to train on; UserError if there is nothing, or the settings cannot be meant."""
    from pipeline.neural.train import config_for

    lang = load_lang(material.lang)
    ready = prepare(material, settings, lang)
    config_for(ready.train, lang.tokens, recipe(settings), ready.letters)
    return ready.digest


def range_test(material: Material, settings: Settings, lowest: float, highest: float, updates: int) -> list[Tried]:
    """What comes of ever higher learning rates, from the weights that training begins with."""
    from pipeline.neural.train import Gradients, config_for, new_state

    device, lang = device_for(settings.device), load_lang(material.lang)
    ready, network = prepare(material, settings, lang), recipe(settings)
    state = new_state(config_for(ready.train, lang.tokens, network, ready.letters), ready.train, network, device)
    gradients = Gradients(state.model, ready.train, network, device)
    with gradients.crew(material.jobs if device.type == "cpu" else 1) as compute:
        return rates.range_test(state, gradients, compute, lowest, highest, updates)


def _trained(ready: Ready, material: Material, settings: Settings, lang: Lang, device: torch.device) -> State:
    from pipeline.neural.train import train as train_network

    return train_network(
        ready.train,
        ready.dev,
        lang.tokens,
        recipe(settings),
        ready.digest,
        material.out,
        device,
        material.jobs,
        ready.letters,
    )


class Ready(NamedTuple):
    """What a network is trained on: the parts with their ``digest``, utterances of train that are too ``short`` for
    their phones (and what each holds), those of dev with ``unknown`` words, which are not scored, and the ``letters``
    that words are spelled with, if they are."""

    front_end: FrontEnd
    train: Part
    dev: Part
    digest: str
    short: dict[str, str]
    unknown: list[str]
    letters: list[str]

    def too_many_short(self, settings: Settings) -> bool:
        return len(self.short) > settings.max_short / 100 * (len(self.train.targets) + len(self.short))


def recipe(settings: TrainSettings) -> TrainSettings:
    """What of the settings the training of the network depends on."""
    return TrainSettings(**{field.name: getattr(settings, field.name) for field in fields(TrainSettings)})


def prepare(material: Material, settings: Settings, lang: Lang) -> Ready:
    """Read what there is to train on once."""
    from pipeline.neural.data import split_by_length, survey

    front_end = front_end_for(material.train, settings, material.features)
    feats, dev_feats = Features(material.train, front_end), Features(material.dev, front_end)
    train_targets, unknown = targets(feats, lang)
    if unknown:
        raise UserError(
            f"{material.train}/text: utterance {unknown[0]} has words that are not in"
            f" {material.lang}/reference_lexicon.txt ({len(unknown)} such utterances); run: make lexicon"
        )
    dev_targets, unknown = targets(dev_feats, lang)
    letters = letters_of(lang.reference_lexicon) if settings.spells else []
    surveyed, train_print = survey(
        feats, train_targets, front_end.raw.coefficients, spellings(feats, train_targets, letters)
    )
    dev_part, dev_print = survey(
        dev_feats, dev_targets, front_end.raw.coefficients, spellings(dev_feats, dev_targets, letters)
    )
    speeds, speeds_print = at_speeds(feats, settings.speeds)
    train_part, short = split_by_length(replace(surveyed, speeds=speeds), settings.subsampling)
    material.out.mkdir(parents=True, exist_ok=True)
    spelled_too = {utt: f" and {len(target)} letters" for utt, target in surveyed.letters.items()}
    held = {
        utt: f"{surveyed.num_frames[utt]} frames for {len(train_targets[utt])} phones{spelled_too.get(utt, '')}"
        for utt in short
    }
    digest = train_print + dev_print + speeds_print
    return Ready(front_end, train_part, dev_part, digest, held, unknown, letters)


def at_speeds(feats: Features, speeds: Sequence[str]) -> tuple[tuple[Features, ...], str]:
    """The features at each of the ``speeds``, and a fingerprint of those that are not ``feats`` (sha256, hex); nothing
    where there are no others. UserError where they have not been made, or are of other utterances."""
    found = tuple(feats if speed_of(speed) == 1 else feats.at(speed) for speed in speeds)
    others, digest = [other for other in found if other is not feats], hashlib.sha256()
    if not others:
        return (), ""
    for other in others:
        for utterance in other.of(read_datadir(feats.datadir)):
            digest.update(other[utterance.id].data)
    return found, digest.hexdigest()


def _refuse_too_many_short(ready: Ready, material: Material, settings: Settings) -> None:
    if ready.too_many_short(settings):
        refuse_short(
            material.train / "text",
            ready.short,
            len(ready.train.targets) + len(ready.short),
            f', use a smaller {material.out.name.upper()}_ARGS="--subsampling" or a larger "--max-short"',
        )


def targets(feats: Features, lang: Lang) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Token ids of each utterance, every word in its first pronunciation, and the utterances with unknown words."""
    known, unknown, lexicon = {}, [], lang.reference_lexicon
    index = {token: i for i, token in enumerate(lang.tokens)}
    for utterance in feats.of(read_datadir(feats.datadir)):
        if all(word in lexicon for word in utterance.words):
            known[utterance.id] = tuple(index[p] for word in utterance.words for p in lexicon[word][0][1])
        else:
            unknown.append(utterance.id)
    if not known:
        raise UserError(
            f"{feats.datadir}/text: no utterance with all its words in {lang.path}/reference_lexicon.txt; run: make"
            " lexicon"
        )
    return known, unknown


def spellings(feats: Features, utterances: Collection[str], letters: list[str]) -> dict[str, tuple[int, ...]]:
    """Token ids of the ``letters`` of each of the utterances; none where there are no letters."""
    index = {letter: i for i, letter in enumerate(letters)}
    return {
        utterance.id: tuple(index[letter] for word in utterance.words for letter in spelled(word))
        for utterance in (read_datadir(feats.datadir) if letters else ())
        if utterance.id in utterances
    }


def device_for(name: str) -> torch.device:
    """The device asked for, which computes the same each time; "auto" takes the GPU where there is one."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS adds in no fixed order
    torch.use_deterministic_algorithms(True)
    # It costs a twentieth, and nothing reads such memory.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # made at run time
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch finds no GPU here; use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _fit_prior_scale(model: CtcModel, material: Material, front_end: FrontEnd, lang: Lang, dev: Part) -> float:
    """Of PRIOR_SCALES that with the fewest errors of the free search on dev; of equals the middle one."""
    fold = read_fold(material.dev.parent)
    references = {utt: spoken([lang.tokens[t] for t in target], fold) for utt, target in dev.targets.items()}
    found = each(lambda utt: model.encoder.parted(model.log_posteriors(dev.feats[utt]))[0], references, material.jobs)
    posteriors = OnDisk(material.out, zip(references, found))
    wrong = {}
    for scale in PRIOR_SCALES:
        system = system_of(material.out, front_end, model, scale)
        decoder = WfstDecoder(
            system, lang, "free", SearchSettings(system.start_scale), Beams(lattice_beam=BEST_PATH_ONLY)
        )
        scored = OnDisk(
            material.out,
            (
                (utt, (log - scale * model.log_prior[: len(model.tokens)], dev.num_frames[utt] * front_end.step))
                for utt, log in posteriors.items()
            ),
        )
        wrong[scale] = count_errors(decoder, scored, references, words=False, fold=fold, jobs=material.jobs)
    best = [scale for scale, errors in wrong.items() if errors == min(wrong.values())]
    return best[len(best) // 2]


def _named(what: str, ids: list[str]) -> str:
    """`; 2 WHAT: a, b`, or nothing for none."""
    shown = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
    return f"; {len(ids)} {what}: {shown}" if ids else ""
