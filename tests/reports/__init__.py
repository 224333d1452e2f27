"""What the tests of the report share: an experiment to report on, and a browser to look with."""
