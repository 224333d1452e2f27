"""Bad inputs for every stage: a small finished experiment, and tables of what can be wrong with its files."""
