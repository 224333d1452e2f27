"""Encoders from outside: Whisper, wav2vec 2.0 and their like; sound in, layers out, and when each frame is."""
