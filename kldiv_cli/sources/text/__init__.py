"""Text, line by line: delimited, or JSON."""
