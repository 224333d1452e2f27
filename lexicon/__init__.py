"""What needs text but no audio: phone set, pronunciations, G2P and the language models."""

import lexicon.one_thread  # noqa: F401, before numpy and PyTorch are loaded
