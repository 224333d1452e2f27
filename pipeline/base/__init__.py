"""Files, archives, arrays, processes: what knows nothing of speech."""
