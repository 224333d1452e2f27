"""What goes in and out of each stage for one utterance: text for a terminal of 100 columns and, where they say more,
pictures."""
