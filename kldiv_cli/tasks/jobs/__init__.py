"""What each task does with a block of rows, and what all of them come to."""
