"""From scores to words and phones: decoding graphs, WFST search, flashlight, tuning, replay, rescoring."""
