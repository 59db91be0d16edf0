//! Bin edges and counts, as NumPy makes them.
