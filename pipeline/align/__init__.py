"""A known text placed in sound: times, confidence, goodness, boundaries against hand-placed ones, correction."""
