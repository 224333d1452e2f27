"""What all systems got, as numbers, as a readable table and as HTML pages that work from disk without a network."""
