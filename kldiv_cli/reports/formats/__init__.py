"""What a comparison is written as, one file per format."""
