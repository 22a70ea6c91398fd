"""A bench of faults: what goes wrong around kldiv, thrown at it: ``python -m tests.attack``."""
