"""Files -> blocks of rows. `formats.opening.open_source` opens an input, whatever it is."""
