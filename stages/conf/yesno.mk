# A grammar of two words: with so little text a longer history only learns how the 26 sentences happen to begin.
LANG_ARGS ?= --order 2
