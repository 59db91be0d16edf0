//! Tests of whether two samples have one distribution, and what many tests together mean.
