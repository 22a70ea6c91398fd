"""Tables with named columns: which are classes, and their cells as numbers."""
