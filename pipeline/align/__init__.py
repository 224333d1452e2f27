"""Forced alignment: where a known text is in the sound, confidence, goodness of pronunciation, boundaries,
correction."""
