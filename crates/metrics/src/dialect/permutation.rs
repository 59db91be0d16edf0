//! Evidently's permutation test, with the numbers that NumPy's generator draws from seed 0: nothing here is random.

use std::collections::{BTreeMap, BTreeSet};

const N_PERMUTATIONS: u32 = 1000;
const STATE_LEN: usize = 624;
const SHIFT_LEN: usize = 397;

/// The share of permutations of all rows whose total variation distance is at least that of the samples.
pub(super) fn total_variation_p_value(reference: &[&str], current: &[&str]) -> f64 {
    let names: BTreeSet<&str> = reference.iter().chain(current).copied().collect();
    let indices: BTreeMap<&str, usize> = names.into_iter().zip(0..).collect();
    let labels: Vec<usize> =
        reference.iter().chain(current).filter_map(|name| indices.get(name)).copied().collect();
    let mut order: Vec<usize> = (0..labels.len()).collect();
    let distance = |order: &[usize]| {
        let (reference, current) = order.split_at(reference.len());
        total_variation(
            &counted(reference, &labels, indices.len()),
            &counted(current, &labels, indices.len()),
        )
    };
    let observed = distance(&order);
    let mut generator = MersenneTwister::with_seed_zero();
    let n_extreme = (0..N_PERMUTATIONS).filter(|_| {
        order = generator.permutation(labels.len());
        observed <= distance(&order)
    });
    n_extreme.count() as f64 / f64::from(N_PERMUTATIONS)
}

fn counted(rows: &[usize], labels: &[usize], n_labels: usize) -> Vec<u64> {
    let mut counts = vec![0; n_labels];
    for label in rows.iter().filter_map(|&row| labels.get(row)) {
        if let Some(count) = counts.get_mut(*label) {
            *count += 1;
        }
    }
    counts
}

/// In Evidently's order of operations, since permutations tie with what was observed.
fn total_variation(reference: &[u64], current: &[u64]) -> f64 {
    let total = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
    let (n_reference, n_current) = (total(reference), total(current));
    let pairs = reference.iter().zip(current);
    let differences: Vec<f64> =
        pairs.map(|(&p, &q)| (p as f64 / n_reference - q as f64 / n_current).abs()).collect();
    0.5 * crate::histogram::pairwise_sum(&differences)
}

/// Source: M. Matsumoto and T. Nishimura, "Mersenne Twister", 1998.
struct MersenneTwister {
    state: [u32; STATE_LEN],
    next_idx: usize,
}

impl MersenneTwister {
    fn with_seed_zero() -> Self {
        let mut state = [0; STATE_LEN];
        let mut previous = 0_u32;
        for (idx, word) in (1_u32..).zip(state.iter_mut().skip(1)) {
            previous = 1_812_433_253_u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(idx);
            *word = previous;
        }
        Self { state, next_idx: STATE_LEN }
    }

    fn word(&self, idx: usize) -> u32 {
        self.state.get(idx % STATE_LEN).copied().unwrap_or_default()
    }

    fn refill(&mut self) {
        for idx in 0..STATE_LEN {
            let joined = (self.word(idx) & 0x8000_0000) | (self.word(idx + 1) & 0x7fff_ffff);
            let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            let word = self.word(idx + SHIFT_LEN) ^ (joined >> 1) ^ twist;
            if let Some(slot) = self.state.get_mut(idx) {
                *slot = word;
            }
        }
        self.next_idx = 0;
    }

    fn next_word(&mut self) -> u32 {
        if self.next_idx == STATE_LEN {
            self.refill();
        }
        let mut word = self.word(self.next_idx);
        self.next_idx += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number from 0 to `largest`: the first masked word that is not above it.
    fn at_most(&mut self, largest: usize) -> usize {
        let mask = (largest + 1).next_power_of_two() - 1;
        loop {
            let drawn = self.next_word() as usize & mask;
            if drawn <= largest {
                return drawn;
            }
        }
    }

    /// Source: `numpy.random.RandomState.permutation`.
    fn permutation(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            let other = self.at_most(last);
            order.swap(last, other);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_that_of_numpy() {
        let mut generator = MersenneTwister::with_seed_zero();
        assert_eq!(generator.next_word(), 2_357_136_044);
        let mut generator = MersenneTwister::with_seed_zero();
        assert_eq!(generator.permutation(10), [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]);
    }
}
