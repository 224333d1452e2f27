"""Corpora: one module each, with the same two functions.

``get(downloads, cache) -> Path``: the folder of the unpacked corpus, found in the user's folder ``downloads`` (a Path
or None), in ``cache``, or fetched from the publisher.
``prepare(root, split) -> Prepared``: its utterances cut into train, dev and test; split None is the corpus's default.
"""
from __future__ import annotations

from pipeline.corpora import fsdd, librispeech, mini_librispeech, prompts, speechocean762, timit, timit_sample, yesno

CORPORA = {"fsdd": fsdd, "librispeech": librispeech, "mini_librispeech": mini_librispeech, "prompts": prompts,
           "speechocean762": speechocean762, "timit": timit, "timit_sample": timit_sample, "yesno": yesno}
