"""What there is one of per row: labels, groups, tokens."""
