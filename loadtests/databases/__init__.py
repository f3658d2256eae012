"""Where the sides' rows are: a fresh database for each side and block, and the way back to the rows it began with."""
