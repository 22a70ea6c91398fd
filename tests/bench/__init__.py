"""How fast kldiv is, against its peers in the same run: ``python -m tests.bench``."""
