"""Hidden Markov models: topologies, utterance graphs, forward-backward, Viterbi, Gaussian mixtures, EM."""
