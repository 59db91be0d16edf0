//! ADWIN: a window that grows while the mean stays and is cut where it changed. Not a test of any other property than the mean.
//!
//! Source: A. Bifet, R. Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", SDM 2007, in the variant and the order of
//! arithmetic of River 0.26.1, with which it agrees by index of detection.

use serde::{Deserialize, Serialize};

use super::SettingError;

/// How readily ADWIN cuts its window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdwinSettings {
    /// Confidence of a single cut: smaller means fewer alarms. Between 0 and 1.
    pub delta: f64,
    /// Cuts are looked for at every so many values, at least 1.
    pub clock: u64,
    /// Buckets of one size before two are joined, at least 2.
    pub max_buckets: usize,
    /// The shortest part, in values, on either side of a cut, at least 1.
    pub min_window_length: u64,
    /// No cut is looked for in a window of so many values or fewer.
    pub grace_period: u64,
}

impl Default for AdwinSettings {
    fn default() -> Self {
        Self { delta: 0.002, clock: 32, max_buckets: 5, min_window_length: 5, grace_period: 10 }
    }
}

impl AdwinSettings {
    fn check(&self) -> Result<(), SettingError> {
        SettingError::check_level("delta", self.delta)?;
        let at_least = |holds, setting, expected, found: u64| {
            SettingError::check(holds, SettingError { setting, expected, found: found as f64 })
        };
        at_least(self.clock >= 1, "clock", "at least 1", self.clock)?;
        at_least(self.max_buckets >= 2, "max_buckets", "at least 2", self.max_buckets as u64)?;
        at_least(self.min_window_length >= 1, "min_window_length", "at least 1", self.min_window_length)
    }
}

/// The detector: a window of memory that is logarithmic in the number of its values.
///
/// As in River, a detection forgets the whole window at the next value. Values that are not finite are counted and left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adwin {
    settings: AdwinSettings,
    window: Window,
    /// Values since the window was forgotten.
    tick: u64,
    is_drift: bool,
    n_not_finite: u64,
}

impl Adwin {
    /// A detector with an empty window.
    ///
    /// # Errors
    /// [`SettingError`] if a setting is out of its range.
    pub fn new(settings: AdwinSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings, window: Window::default(), tick: 0, is_drift: false, n_not_finite: 0 })
    }

    /// Adds a value, and says whether the mean has changed.
    pub fn update(&mut self, value: f64) -> bool {
        if !value.is_finite() {
            self.n_not_finite += 1;
            return false;
        }
        if self.is_drift {
            self.window = Window::default();
            self.tick = 0;
        }
        self.window.add(value, self.settings.max_buckets);
        self.tick += 1;
        let is_due = self.tick.is_multiple_of(self.settings.clock);
        self.is_drift = is_due && self.window.width > self.settings.grace_period && self.cut();
        self.is_drift
    }

    /// Drops the oldest buckets while the window holds a change; whether it dropped any.
    fn cut(&mut self) -> bool {
        let width_before = self.window.width;
        while self.window.has_change(&self.settings) {
            self.window.drop_oldest();
        }
        self.window.width < width_before
    }

    /// The number of values in the window: after a detection, those since the change.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.window.width
    }

    /// The sum of the window's values.
    #[must_use]
    pub const fn total(&self) -> f64 {
        self.window.total
    }

    /// The mean of the window's values; 0 if it is empty.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.window.width == 0 { 0.0 } else { self.window.total / self.window.width as f64 }
    }

    /// The variance of the window's values (divisor n); 0 if it is empty.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.window.width == 0 { 0.0 } else { self.window.squares / self.window.width as f64 }
    }

    /// How many values were left out because they are infinite or none.
    #[must_use]
    pub const fn n_not_finite(&self) -> u64 {
        self.n_not_finite
    }
}

/// Values in buckets of 1, 2, 4 … of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Window {
    width: u64,
    total: f64,
    /// The sum of squared distances from the mean.
    squares: f64,
    /// The row at index `i` holds buckets of `2^i` values, the oldest first.
    rows: Vec<Vec<Bucket>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    total: f64,
    squares: f64,
}

/// How many values a bucket of a row holds.
fn bucket_size(row: usize) -> u64 {
    u32::try_from(row).ok().and_then(|row| 1_u64.checked_shl(row)).unwrap_or(u64::MAX)
}

impl Window {
    fn add(&mut self, value: f64, max_buckets: usize) {
        self.width += 1;
        if self.width > 1 {
            let n_before = (self.width - 1) as f64;
            let distance = value - self.total / n_before;
            self.squares += n_before * distance * distance / self.width as f64;
        }
        self.total += value;
        self.put(0, Bucket { total: value, squares: 0.0 });
        self.join_full_rows(max_buckets);
    }

    fn put(&mut self, row: usize, bucket: Bucket) {
        match self.rows.get_mut(row) {
            Some(buckets) => buckets.push(bucket),
            None => self.rows.push(vec![bucket]),
        }
    }

    fn join_full_rows(&mut self, max_buckets: usize) {
        let mut row = 0;
        while let Some(joined) = self.take_joined(row, max_buckets) {
            row += 1;
            self.put(row, joined);
        }
    }

    /// The two oldest buckets of a row in one, if the row has more than it may.
    fn take_joined(&mut self, row: usize, max_buckets: usize) -> Option<Bucket> {
        let buckets = self.rows.get_mut(row).filter(|buckets| buckets.len() > max_buckets)?;
        let [first, second] = *buckets.first_chunk::<2>()?;
        buckets.drain(..2);
        let size = bucket_size(row) as f64;
        let distance = first.total / size - second.total / size;
        let between = size * 0.5 * distance * distance;
        Some(Bucket { total: first.total + second.total, squares: first.squares + second.squares + between })
    }

    fn drop_oldest(&mut self) {
        let Some(row) = self.rows.len().checked_sub(1) else { return };
        let Some(buckets) = self.rows.get_mut(row).filter(|buckets| !buckets.is_empty()) else { return };
        let oldest = buckets.remove(0);
        if buckets.is_empty() {
            self.rows.pop();
        }
        let size = bucket_size(row);
        self.width = self.width.saturating_sub(size);
        self.total -= oldest.total;
        let (n_dropped, n_kept) = (size as f64, self.width as f64);
        let distance = oldest.total / n_dropped - self.total / n_kept;
        let between = n_dropped * n_kept * distance * distance / (n_dropped + n_kept);
        self.squares -= oldest.squares + between;
    }

    /// Whether the means on both sides of any border of buckets, but the newest, differ by more than chance allows.
    fn has_change(&self, settings: &AdwinSettings) -> bool {
        let (mut n_old, mut n_new) = (0.0, self.width as f64);
        let (mut total_old, mut total_new) = (0.0, self.total);
        let min_length = settings.min_window_length as f64;
        let spread = Spread::new(self, settings);
        for (size, bucket) in self.oldest_first().take(self.n_buckets().saturating_sub(1)) {
            n_old += size;
            n_new -= size;
            total_old += bucket.total;
            total_new -= bucket.total;
            let distance = total_old / n_old - total_new / n_new;
            if n_new >= min_length && n_old >= min_length && distance.abs() > spread.of(n_old, n_new) {
                return true;
            }
        }
        false
    }

    fn oldest_first(&self) -> impl Iterator<Item = (f64, &Bucket)> {
        let rows = self.rows.iter().enumerate().rev();
        rows.flat_map(|(row, buckets)| buckets.iter().map(move |bucket| (bucket_size(row) as f64, bucket)))
    }

    fn n_buckets(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }
}

/// What the distance of two means may be by chance.
struct Spread {
    variance: f64,
    log_confidence: f64,
    min_length: f64,
}

impl Spread {
    fn new(window: &Window, settings: &AdwinSettings) -> Self {
        let width = window.width as f64;
        Self {
            variance: window.squares / width,
            log_confidence: libm::log(2.0 * libm::log(width) / settings.delta),
            min_length: settings.min_window_length as f64,
        }
    }

    /// The bound for parts of `n_old` and `n_new` values.
    fn of(&self, n_old: f64, n_new: f64) -> f64 {
        let rate = 1.0 / (n_old - self.min_length + 1.0) + 1.0 / (n_new - self.min_length + 1.0);
        let gaussian = (2.0 * rate * self.variance * self.log_confidence).sqrt();
        gaussian + 2.0 / 3.0 * self.log_confidence * rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |settings| Adwin::new(settings).unwrap_err().setting;
        let default = AdwinSettings::default();
        assert_eq!(refused(AdwinSettings { delta: f64::NAN, ..default }), "delta");
        assert_eq!(refused(AdwinSettings { clock: 0, ..default }), "clock");
        assert_eq!(refused(AdwinSettings { max_buckets: 1, ..default }), "max_buckets");
        assert_eq!(refused(AdwinSettings { min_window_length: 0, ..default }), "min_window_length");
    }

    #[test]
    fn memory_is_logarithmic() {
        let mut adwin = Adwin::new(AdwinSettings::default()).unwrap();
        (0..100_000).for_each(|value| assert!(!adwin.update(f64::from(value % 2))));
        assert_eq!(adwin.width(), 100_000);
        assert!(adwin.window.n_buckets() <= 6 * 17, "{}", adwin.window.n_buckets());
    }

    #[test]
    fn what_is_not_finite_is_counted() {
        let mut adwin = Adwin::new(AdwinSettings::default()).unwrap();
        for value in [1.0, f64::NAN, f64::INFINITY] {
            assert!(!adwin.update(value));
        }
        assert_eq!((adwin.width(), adwin.n_not_finite()), (1, 2));
    }
}
