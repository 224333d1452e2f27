"""What needs text but no audio: phone set, pronunciations, G2P and the language models."""
