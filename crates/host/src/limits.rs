//! What requests may use: memory, instances, time.
//!
//! Request and response bodies have no limit: they pass through in pieces.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What requests may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Linear memory of one instance, all of its memories together. More is refused to the guest, which usually traps.
    pub instance_memory_bytes: usize,
    /// Requests with an instance of their own at once. Further ones wait. The engine's pool must have room for as many.
    pub concurrent_requests: u32,
    /// Requests that may wait. Above that the answer is 503 with `Retry-After`.
    pub waiting_requests: usize,
    /// How long a guest may run, waiting included. Then the answer is 504, if none was sent yet. Needs an engine with epoch
    /// interruption. `None`: for ever.
    pub deadline: Option<Duration>,
    /// How long a shutdown waits for requests in flight.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instance_memory_bytes: 1 << 30,
            concurrent_requests: 128,
            waiting_requests: 4096,
            deadline: None,
            drain: Duration::from_secs(10),
        }
    }
}

/// Counts one instance's memory.
#[derive(Debug)]
pub(crate) struct InstanceMemory {
    left_bytes: usize,
}

impl InstanceMemory {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { left_bytes: limits.instance_memory_bytes }
    }
}

impl ResourceLimiter for InstanceMemory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let left = self.left_bytes.checked_sub(desired.saturating_sub(current));
        self.left_bytes = left.unwrap_or(self.left_bytes);
        Ok(left.is_some())
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_over_all_memories() {
        let limits = Limits { instance_memory_bytes: 100, ..Limits::default() };
        let mut memory = InstanceMemory::new(&limits);
        let mut grow = |current, desired| memory.memory_growing(current, desired, None).unwrap();
        assert!(grow(0, 40));
        assert!(grow(0, 50));
        assert!(!grow(40, 60), "90 of 100 bytes are in use");
        assert!(grow(40, 50));
        assert!(!grow(50, 51));
    }
}
