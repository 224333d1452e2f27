"""The frame classifier of scikit-learn: its labels, its training data, the choice among several on dev."""
