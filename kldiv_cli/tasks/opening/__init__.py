"""What was asked -> everything that a task reads, opened and laid beside one another."""
