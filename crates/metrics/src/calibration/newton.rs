//! Newton's method for a function that rises.

const MAX_STEPS: usize = 200;

/// Where a rising function crosses 0 between two bounds, or the bound nearest to that. The function gives its value and its slope;
/// a step beyond what is known of the crossing is replaced by bisection.
pub(super) fn bracketed_root(function: impl Fn(f64) -> (f64, f64), start: f64, bounds: (f64, f64)) -> f64 {
    let (mut low, mut high) = bounds;
    if function(low).0 >= 0.0 {
        return low;
    }
    if function(high).0 <= 0.0 {
        return high;
    }
    let mut at = start;
    for _ in 0..MAX_STEPS {
        let (value, slope) = function(at);
        if value > 0.0 {
            high = at
        } else {
            low = at
        }
        let step = at - value / slope;
        let next = if step > low && step < high { step } else { low.midpoint(high) };
        let moved = (next - at).abs();
        at = next;
        if moved <= f64::EPSILON * at.abs() {
            break;
        }
    }
    at
}
