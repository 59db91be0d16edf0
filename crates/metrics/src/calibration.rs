//! Calibration errors in the definitions of several tools.
