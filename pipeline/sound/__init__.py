"""Audio files of every kind, their pauses, and the features made of them."""
