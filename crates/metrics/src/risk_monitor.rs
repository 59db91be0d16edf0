//! Whether a bounded loss has risen above what was promised, looked at as often as one likes.
