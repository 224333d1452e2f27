"""Corpora: one module each, with the same two functions.

``get(downloads, cache) -> Path``: the folder of the unpacked corpus, found in the user's folder ``downloads`` (a Path
or None), in ``cache``, or fetched from the publisher.
``prepare(root, split) -> Prepared``: its utterances cut into train, dev and test; split None is the corpus's default.
``SPLITS``: the splits there are, the default first; None where they depend on the unpacked corpus.
"""

from __future__ import annotations

from pipeline.corpora import (
    an4,
    commonvoice,
    fsdd,
    librispeech,
    mini_librispeech,
    prompts,
    speech_commands,
    speechocean762,
    timit,
    timit_sample,
    yesno,
)

CORPORA = {
    "an4": an4,
    "commonvoice": commonvoice,
    "fsdd": fsdd,
    "librispeech": librispeech,
    "mini_librispeech": mini_librispeech,
    "prompts": prompts,
    "speech_commands": speech_commands,
    "speechocean762": speechocean762,
    "timit": timit,
    "timit_sample": timit_sample,
    "yesno": yesno,
}
