# Two words, spoken in every order: as in Kaldi's recipe no history is counted, which with 26 sentences would only learn
# that each of them happens to begin with NO.
LANG_ARGS := --order 1
