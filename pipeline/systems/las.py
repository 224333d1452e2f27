"""Listen, Attend and Spell (Chan et al. 2016): an attention decoder that writes words letter by letter.

Little speech does not teach it where to look, so the encoder is told of phones as well, with CTC (Watanabe et al.
2017).
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.base.training import Material, otherwise
from pipeline.systems import ctc, letters

ABOUT = (
    "Listen, Attend and Spell (Chan et al. 2016): one network hears, a second writes letter by letter and chooses where"
    " to read in what the first heard. Its phones are those that the first hears."
)

load = letters.load


@dataclass(frozen=True)
class Settings(letters.Spelling):
    """As those of all networks that spell."""

    spelling: str = otherwise(ctc.Settings, "spelling", "attention")
    letter_share: float = otherwise(ctc.Settings, "letter_share", 0.7)


def train(material: Material, settings: Settings) -> list[str]:
    """Train the network and fit its prior scale. Returns lines to print, the last of which is the result."""
    return letters.train_speller(material, settings, "las")
