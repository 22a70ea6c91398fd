"""What is kept of consecutive rows: parts that join, in order, to the bit."""
