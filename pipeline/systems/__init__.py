"""The trained systems: how each is loaded, and what all of them hear in a recording."""
