//! A temporary directory to measure in, on a disk.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::{context::Context, exit::Failure};

/// File systems that keep nothing: an `fsync` costs nothing there.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// Where to measure.
#[derive(Debug, clap::Args)]
pub(super) struct ScratchArgs {
    /// Where temporary directories are made, on a disk; else where the system has them.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl ScratchArgs {
    /// Where temporary directories go; says on standard error what file system that is on.
    pub(super) fn place(self, context: &mut Context<'_>) -> anyhow::Result<Place> {
        let directory = self.dir.unwrap_or_else(env::temp_dir);
        let shown = directory.display();
        let whole = directory.canonicalize().with_context(|| format!("there is no `{shown}`"))?;
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let file_system = file_system(&mounts, &whole).unwrap_or("unknown").to_owned();
        if IN_MEMORY.contains(&file_system.as_str()) {
            let message =
                format!("`{shown}` is in memory ({file_system}): nothing is durable there");
            return Err(Failure::usage(message)
                .note("name a directory on a disk with --dir")
                .into());
        }
        context.say(format!("measuring in {shown}, on {file_system}"))?;
        Ok(Place { directory: whole, file_system })
    }
}

/// Where temporary directories go.
pub(super) struct Place {
    directory: PathBuf,
    /// What it is on: `ext4`.
    pub(super) file_system: String,
}

impl Place {
    /// A new directory, which goes when it is dropped.
    pub(super) fn scratch(&self) -> anyhow::Result<TempDir> {
        tempfile::Builder::new()
            .prefix("shiplog-bench-")
            .tempdir_in(&self.directory)
            .context("cannot make a temporary directory")
    }
}

/// What kind of file system a path is on, by the kernel's list of mounts.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let above = mounts.filter(|(point, _)| path.starts_with(point));
    // Of two at the same point, the later one hides the earlier.
    above.max_by_key(|(point, _)| point.len()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_and_latest_mount_counts() {
        let mounts = "/dev/vda / ext4 rw 0 0\nnone /run tmpfs rw 0 0\n/dev/vdb /data xfs rw 0 0\n\
                      none /data tmpfs rw 0 0\n";
        for (path, expected) in
            [("/", "ext4"), ("/run/x", "tmpfs"), ("/runx", "ext4"), ("/data", "tmpfs")]
        {
            assert_eq!(file_system(mounts, Path::new(path)), Some(expected), "{path}");
        }
        assert_eq!(file_system("", Path::new("/")), None);
    }
}
