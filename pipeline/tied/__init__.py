"""HMMs of triphones whose states are tied, and of features that are turned to suit them: Kaldi's rungs tri, lda, sat."""
