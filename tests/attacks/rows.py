"""The attacks that are one command each."""

from __future__ import annotations

from attacks.deletion import checking, cleaning, environment, writing
from attacks.foreign import named, received

ATTACKS = [*environment(), *cleaning(), *writing(), *checking(), *named(), *received()]
