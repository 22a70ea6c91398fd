"""What is said of a result in every format."""
