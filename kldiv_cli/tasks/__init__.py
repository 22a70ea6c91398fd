"""What a caller asks -> a result, one file per task."""
