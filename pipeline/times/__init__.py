"""Phones and words with times: frames and seconds, intervals, CTM, TextGrid, lines for a terminal."""
