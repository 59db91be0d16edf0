//! New keys, for requests that ask for them: UUIDs of version 7, which begin with the time.

use uuid::Builder;
use wasi::clocks::wall_clock;
use wasi::random::random::get_random_bytes;

/// Random bytes of a key, beside its time.
const RANDOM_BYTES: usize = 10;

/// So many keys, each a UUID of version 7 in its usual form.
///
/// Source: RFC 9562, section 5.7.
pub(crate) fn new_keys(n_keys: usize) -> Vec<String> {
    let now = wall_clock::now();
    let milliseconds = now.seconds.saturating_mul(1000) + u64::from(now.nanoseconds / 1_000_000);
    let random = get_random_bytes((n_keys * RANDOM_BYTES) as u64);
    let (chunks, _) = random.as_chunks::<RANDOM_BYTES>();
    let key = |random| Builder::from_unix_timestamp_millis(milliseconds, random).into_uuid().to_string();
    chunks.iter().map(key).collect()
}
