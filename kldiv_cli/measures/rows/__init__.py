"""What a row is: absent, invalid, its top class, what it leaves out."""
