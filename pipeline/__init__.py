"""The library: arrays in, arrays out. No argument parsing, no printing, no global state."""

import lexicon.one_thread  # noqa: F401, before numpy and PyTorch are loaded
