"""What a task returns, frozen, and what it is made of."""
