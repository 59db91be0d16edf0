//! Performance estimated from calibrated probabilities, without labels.
