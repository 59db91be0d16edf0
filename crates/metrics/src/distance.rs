//! Distances between two distributions.
