//! What is read is never written over.

use std::fs;
use std::path::Path;

use anyhow::bail;

/// Refuses, before any work is done, to write one of `outputs` over one of `inputs`; `instead` says what
/// the musician can choose. Links are looked through: what counts is the file on the disk.
///
/// # Errors
/// An output is an input.
pub fn spare<'a>(
    inputs: impl IntoIterator<Item = &'a Path> + Clone,
    outputs: impl IntoIterator<Item = impl AsRef<Path>>,
    instead: &str,
) -> anyhow::Result<()> {
    for output in outputs {
        let output = output.as_ref();
        if let Some(input) = inputs.clone().into_iter().find(|input| is_same(input, output)) {
            bail!(
                "{} is read, and the result would be written over it (as {}), so nothing was done and it is as it was. {instead}.",
                input.display(),
                output.display()
            );
        }
    }
    Ok(())
}

/// Whether two paths lead to one file that is there, also by a symbolic link or another name of it.
#[cfg(unix)]
fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path| fs::metadata(path).map(|about| (about.dev(), about.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether two paths lead to one file that is there, also by a symbolic link.
#[cfg(not(unix))]
fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
