"""The library: arrays in, arrays out. No argument parsing, no printing, no global state."""
