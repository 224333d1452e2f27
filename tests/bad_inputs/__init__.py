"""Bad inputs for every stage: a small sound experiment, and tables of what can be wrong with its files."""
