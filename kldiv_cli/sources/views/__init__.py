"""Sources made of other sources: some rows, several files, blocks read ahead."""
