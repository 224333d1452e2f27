"""One file per make target: parse options, call pipeline/ and lexicon/, write files."""

import lexicon.one_thread  # noqa: F401, before numpy and PyTorch are loaded
