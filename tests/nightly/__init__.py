"""What takes longer than CI may, and needs packages that the suite does without; see nightly.sh."""
