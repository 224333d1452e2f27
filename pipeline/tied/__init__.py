"""HMMs of triphones whose states are tied, on features that are turned to suit them: Kaldi's tri, lda and sat."""
