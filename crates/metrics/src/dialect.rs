//! The drift numbers of other tools, each reproduced under that tool's name.
