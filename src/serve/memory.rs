//! How much memory there is for this process.

use std::{fs, path::Path};

/// What is kept folded, at least and at most.
const LEAST_BYTES: u64 = 16 << 20;
const MOST_BYTES: u64 = 256 << 20;

/// Which part of all memory that is.
const PART: u64 = 16;

/// Where a control group says how much memory its processes have: version 2, and version 1.
const LIMITS: [&str; 2] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// How many bytes of streams are kept folded, if nothing else is said.
pub(super) fn cache_bytes() -> usize {
    let limits = LIMITS.iter().filter_map(|path| number(Path::new(path)));
    let memory = fs::read_to_string("/proc/meminfo").ok();
    let least = limits.chain(memory.as_deref().and_then(total)).min();
    usize::try_from(share(least)).unwrap_or(usize::MAX)
}

/// The part of so much memory; the least where nobody knows how much there is.
fn share(memory: Option<u64>) -> u64 {
    (memory.unwrap_or_default() / PART).clamp(LEAST_BYTES, MOST_BYTES)
}

/// The number that a file has; `max` is none.
fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// How many bytes the machine has, by `/proc/meminfo`.
fn total(memory: &str) -> Option<u64> {
    let line = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_keeps_little() {
        let found = [None, Some(64 << 20), Some(512 << 20), Some(64 << 30)].map(share);
        assert_eq!(found, [16 << 20, 16 << 20, 32 << 20, 256 << 20]);
    }

    #[test]
    fn the_memory_of_the_machine_is_read() {
        assert_eq!(total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }
}
