"""Whatever bytes come, a reader gives a valid value or a UserError, soon, and in little memory.

In `make test` a few examples, always the same; bench/fuzz.sh tries other ones for as long as it is told.
"""
