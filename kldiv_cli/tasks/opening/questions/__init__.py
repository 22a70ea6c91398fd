"""Questions: what of a file has two plausible readings. One file for each."""
