"""Hypotheses against references: error rates, tests, causes of errors, disputes, what each knowledge brings."""
