"""Two blocks of rows -> a pair of distributions per row, with what keeps its digits."""
