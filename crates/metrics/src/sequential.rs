//! Change detectors over a stream, one value at a time.
