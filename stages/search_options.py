"""The options of the searches, which decoding and the sweep have in common."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from lexicon.lang import Lang, load_lang
from pipeline.search.decode import as_flashlight
from pipeline.search.flashlight import FlashlightSettings
from pipeline.search.letter_grammar import LetterBeamSettings
from pipeline.search.tuning import Tuned
from pipeline.search.wfst import Beams
from pipeline.search.word_lm import import_own
from stages.common import lm_option, settings_from, settings_options

TUNED = ("lm_weight", "word_score")


def lang_option(options: ArgumentParser) -> None:
    """The lang directory of a search."""
    options.add_argument("--lang", type=Path, required=True, help="lang directory")
    lm_option(options)


def searched_lang(arguments: Namespace) -> Lang:
    """The lang directory, with the user's own language model if one is named."""
    lang = load_lang(arguments.lang)
    return replace(lang, own_lm=import_own(str(arguments.lm))) if arguments.lm else lang


def search_options(options: ArgumentParser) -> None:
    """An option for each setting of the searches; a search ignores those of the others."""
    settings_options(options, Beams)
    settings_options(options, LetterBeamSettings)
    settings_options(options, FlashlightSettings, TUNED)


def searched_with(arguments: Namespace, tuned: Tuned) -> tuple[Beams, FlashlightSettings, LetterBeamSettings]:
    """What the command line gives, and where it gives nothing, what was tuned."""
    return (
        settings_from(arguments, Beams),
        settings_from(arguments, FlashlightSettings, as_flashlight(tuned.words)),
        settings_from(arguments, LetterBeamSettings),
    )
