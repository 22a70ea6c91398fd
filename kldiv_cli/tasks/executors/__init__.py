"""Who runs the work on blocks: this thread, or several."""
