//! How much memory the system gives at once.

/// Has the system give this process memory in pages of 4 KiB.
///
/// The allocator asks for pages of 2 MiB where it can, and each thread has memory of its own: a server
/// with few events then takes three times the memory that it uses.
pub(super) fn disable() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "memory comes in huge pages");
    }
}
