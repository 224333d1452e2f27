"""What the training of a network depends on besides its data."""

from __future__ import annotations

from dataclasses import dataclass

from lexicon.errors import UserError
from pipeline.base.training import setting
from pipeline.neural.config import ENCODERS, SPELLINGS, EncoderConfig, check_config


@dataclass(frozen=True)
class TrainSettings:
    """What a training run depends on besides its data; a change in any of them starts a run afresh."""

    # Dev PER of the best path and CPU seconds of a schedule of 15 epochs on prompts: one recurrent layer after three
    # convolutions, batches of 8, rate 2e-3: 21.4 %, 73 s; two layers after one: 20.4 %, 60 s; batches of 4: 18.5 %,
    # 87 s; both: 19.0 %, 68 s, and 18.9 %, 69 s with a rate of 3e-3. Log-mel energies in place of MFCC and their
    # derivatives, the first of these: 24.3 %, 70 s; CTC from the lower layers too (Lee & Watanabe 2021), the second:
    # 23.3 % after 12 epochs, where it had 21.3 % without.
    encoder: str = setting("conv-bilstm", "kind of network", choices=ENCODERS)
    width: int = setting(128, "units per direction of a recurrent layer, or channels of a tdnn, conformer or emformer")
    layers: int = setting(2, "recurrent, conformer, emformer or transformer layers")
    heads: int = setting(4, "heads of attention of a conformer, emformer or transformer")
    conv_layers: int = setting(1, "residual convolutions before them")
    subsampling: int = setting(3, "feature frames per network frame")
    dropout: float = setting(0.3, "share of activations dropped")
    epochs: int = setting(80, "passes over the training data at most; the learning rate falls until the last")
    min_updates: int = setting(20, "updates in an epoch at least; a small corpus is passed over several times")
    patience: int = setting(20, "stop after so many epochs without a better dev PER")
    batch_size: int = setting(4, "utterances in a batch")
    parts: int = setting(
        2, "parts of a batch, which as many processes may compute at once; two cost a tenth more than one, four a sixth"
    )
    learning_rate: float = setting(3e-3, "highest learning rate of AdamW")
    stack_rate: float = setting(
        1.0, "times the learning rate: that of the layers above the convolutions, as pretrained ones want less"
    )
    warmup_epochs: int = setting(3, "epochs in which the learning rate rises")
    weight_decay: float = setting(0.01, "weight decay of AdamW")
    average_decay: float = setting(0.99, "decay per step of the moving average of the weights, which is the model")
    speed_change: float = setting(0.1, "utterances are made faster or slower by up to this share")
    speeds: tuple[str, ...] = setting(
        ("1.0",), "speeds that the sound of train is played at, pitch and all; one is drawn for an utterance each time"
    )
    time_masks: float = setting(1.0, "masks of 1 to 10 frames per second of speech, on average")
    feature_mask: int = setting(3, "coefficients masked at most, with their deltas")
    noise: float = setting(0.1, "Gaussian noise, in standard deviations of each coefficient")
    letter_share: float = setting(
        0.0,
        "share of the loss that spelling words has, the rest being that of phones; with 1 the network is not told of"
        " phones, and a linear map reads them from it",
        least=0.0,
    )
    spelling: str = setting("ctc", "how words are spelled, if they are", choices=SPELLINGS)
    init: str = setting("", "model directory of a network whose weights are taken to begin with, where they fit")
    precision: str = setting(
        "float32",
        "numbers that the network is computed with in training; weights, loss and their averages stay float32",
        choices=("float32", "bfloat16"),
    )
    seed: int = setting(1, "seed of everything random")

    @property
    def spells(self) -> bool:
        return self.letter_share > 0

    @property
    def letters_decide(self) -> bool:
        """Whether the letter error rate on dev says when to stop, and not that of phones: what has the larger share."""
        return self.letter_share > 0.5

    @property
    def measure(self) -> str:
        """What is measured on dev after each epoch: the error rate of phones, or of letters (characters)."""
        return "CER" if self.letters_decide else "PER"


@dataclass(frozen=True)
class LmSettings:
    """What the training of the LSTM language model depends on besides the text."""

    width: int = setting(128, "units of a word and of a layer", least=1)
    layers: int = setting(1, "recurrent layers", least=1)
    dropout: float = setting(0.5, "share of activations dropped", least=0.0)
    word_dropout: float = setting(0.2, "share of words read as <unk> (Xie et al. 2017)", least=0.0)
    epochs: int = setting(60, "passes over the text at most", least=1)
    patience: int = setting(6, "stop after so many epochs without a lower perplexity on dev", least=1)
    batch_size: int = setting(8, "sentences in a batch", least=1)
    learning_rate: float = setting(8e-3, "of AdamW", least=0.0)
    weight_decay: float = setting(0.1, "of AdamW", least=0.0)
    seed: int = setting(1, "seed of everything random", least=0)


def check_settings(config: EncoderConfig, settings: TrainSettings) -> None:
    """UserError, with the name of the option, for numbers that cannot be meant."""
    try:
        check_config(config, config.num_tokens, config.num_letters)
        for name in ("epochs", "patience", "batch_size", "parts", "min_updates"):
            if getattr(settings, name) < 1:
                raise ValueError(f"{name} {getattr(settings, name)}, less than 1")
        for name in ("warmup_epochs", "time_masks", "feature_mask", "noise", "weight_decay", "seed"):
            if not getattr(settings, name) >= 0:
                raise ValueError(f"{name} {getattr(settings, name)}, less than 0")
        for name in ("speed_change", "average_decay"):
            if not 0 <= getattr(settings, name) < 1:
                raise ValueError(f"{name} {getattr(settings, name)}, not in 0..1")
        if not 0 <= settings.letter_share <= 1:
            raise ValueError(f"letter_share {settings.letter_share}, not in 0..1")
        if not 0 <= settings.stack_rate <= 1:
            raise ValueError(f"stack_rate {settings.stack_rate}, not in 0..1")
        if not 0 < settings.learning_rate < 1:
            raise ValueError(f"learning_rate {settings.learning_rate}, not in 0..1")
    except ValueError as error:
        raise UserError(f"setting {error}; see: python -m stages.train --system ctc --help") from error
