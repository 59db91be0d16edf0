//! A job's output after everything that can happen to those who make it: each chunk once, whole, and nothing else. What a chunk computes
//! is played; the stores are real, with faults put in.

#![cfg(test)]

mod crashes;
mod driving;
mod engines;
mod faulty;
mod fixture;
mod refusals;
