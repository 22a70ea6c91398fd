"""Masks: their axes laid along the inputs', read beside the pairs of blocks."""
