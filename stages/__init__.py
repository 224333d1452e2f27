"""One file per make target: parse options, call pipeline/ and lexicon/, write files."""
