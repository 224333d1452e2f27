"""Pictures and drawings in characters that the report and `make show` share."""
