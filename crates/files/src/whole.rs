//! Writing so that a file appears whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::FileError;

/// Writes `path` through a temporary file in the same folder, which takes its name only when all is on
/// the disk. What stood there before stays as it was if anything fails.
///
/// # Errors
/// The folder or the disk refuses; or `fill` does.
pub fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), FileError> {
    let unwritable = |source| FileError::Unwritable { path: path.to_owned(), cause: source };
    let Some(name) = path.file_name() else {
        return Err(unwritable(std::io::Error::from(std::io::ErrorKind::InvalidInput)));
    };
    // A rename cannot replace a folder: say so before minutes of work are lost.
    if path.is_dir() {
        return Err(unwritable(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    let mut unfinished = OsString::from(".");
    unfinished.push(name);
    unfinished.push(format!(".{}.unfinished", std::process::id()));
    let unfinished = path.with_file_name(unfinished);
    let written = File::create(&unfinished).and_then(|file| {
        let mut out = BufWriter::new(file);
        fill(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()
    });
    written.and_then(|()| fs::rename(&unfinished, path)).map_err(|source| {
        // Nothing is lost if this fails too; the first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
        unwritable(source)
    })
}

/// Writes `bytes` as [`write_whole`] does.
///
/// # Errors
/// The folder or the disk refuses.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_whole(path, |out| out.write_all(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("song.mid");
        write_bytes(&path, b"first").unwrap();
        let failed = write_whole(&path, |out| {
            out.write_all(b"half")?;
            Err(std::io::Error::other("the disk is full"))
        });
        assert!(failed.unwrap_err().to_string().contains("the disk is full"));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no leftovers");
        write_bytes(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert!(write_bytes(dir.path(), b"x").is_err());
    }
}
