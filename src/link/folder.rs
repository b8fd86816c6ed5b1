//! The folder in which the libraries of one process meet, and the marks by which they know of each other.
//!
//! A mark is a file that its library holds a lock on. The system takes the lock away with the process, so a mark
//! without one was left behind by a process that died, even where a later process has its number.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::page::create;

/// The form of all that is written; libraries of different forms do not see each other. It counts up whenever a
/// message means something else or has other fields than before: a test holds the fields.
pub const FORM: u8 = 1;
const PREFIX: &str = "backline-link-";
const MARK: &str = "here";
/// A folder that was changed more lately than this may be about to get its first mark.
const YOUNG: Duration = Duration::from_secs(60);
/// Two libraries may come and go at the same time, one making what the other removes.
const TRIES: usize = 8;

/// Counts the marks of this library, so that each is another one.
static MARKS: AtomicU64 = AtomicU64::new(0);

/// Where the libraries of this process meet: in the user's folder for what ends with the session, else in the one for
/// temporary files. The name tells the process, and where the system says so, when it started: the numbers of
/// processes come again, and sandboxes that share a folder count each for itself.
pub fn folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = runtime.filter(|path| path.is_dir()).unwrap_or_else(std::env::temp_dir);
    let process = std::process::id();
    base.join(match started() {
        Some(ticks) => format!("{PREFIX}{FORM}-{process}-{ticks}"),
        None => format!("{PREFIX}{FORM}-{process}"),
    })
}

/// When this process started, as Linux tells it (proc(5): the 22nd field of stat; the second, the program's name, may
/// hold anything and ends with the last bracket).
fn started() -> Option<u64> {
    let stat = fs::read("/proc/self/stat").ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    std::str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// This library's mark; it and all that is named after it is removed when it is dropped.
#[derive(Debug)]
pub struct Mark {
    folder: PathBuf,
    name: String,
    lock: Option<File>,
}

impl Mark {
    /// Sets a mark of `library` in `folder`, which is made.
    ///
    /// # Errors
    /// The disk refuses, or the folder is not this user's alone.
    pub fn set(folder: &Path, library: u64) -> io::Result<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::try_set(folder, library) {
                Err(error) if tries < TRIES && error.kind() == io::ErrorKind::NotFound => {}
                other => return other,
            }
        }
    }

    fn try_set(folder: &Path, library: u64) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(false);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let name = format!("{library:016x}-{}", MARKS.fetch_add(1, Ordering::Relaxed));
        let new = folder.join(format!("{name}.new"));
        let lock = create(&new)?;
        let mut mark = Self { folder: folder.to_owned(), name, lock: None };
        mark.check(&lock)?;
        lock.lock()?;
        mark.lock = Some(lock);
        // It appears with its lock on, so that nobody takes it for one that was left behind.
        fs::rename(&new, mark.path(MARK))?;
        Ok(mark)
    }

    /// Whether nobody else can get at the folder; `own` is a file that was just made in there.
    fn check(&self, own: &File) -> io::Result<()> {
        let own = own.metadata()?;
        let private = is_private(&fs::symlink_metadata(&self.folder)?, &own);
        if private { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of what this library calls `what`.
    pub fn path(&self, what: &str) -> PathBuf {
        path(&self.folder, &self.name, what)
    }

    /// The path of what the library with the mark `other` calls `what`.
    pub fn path_of(&self, other: &str, what: &str) -> PathBuf {
        path(&self.folder, other, what)
    }

    /// The other libraries' marks, in order. Those in `known` are not looked at again: a library of this process
    /// cannot die alone. What a dead process left here is removed.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn others(&self, known: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
        let mut others = marks(&self.folder)?;
        others.retain(|name| *name != self.name);
        others.retain(|name| {
            let lives = known(name) || lives(&path(&self.folder, name, MARK));
            if !lives {
                remove(&self.folder, name);
            }
            lives
        });
        others.sort();
        Ok(others)
    }

    /// Removes the folders of dead processes that lie beside this one. Only this user's own: in a folder that all
    /// users share, another could otherwise put something else in the place of what was just looked at.
    pub fn sweep(&self) {
        let (Some(base), Ok(own)) = (self.folder.parent(), fs::symlink_metadata(&self.folder)) else {
            return;
        };
        for name in names(base).into_iter().flatten().filter(|name| name.starts_with(PREFIX)) {
            let other = base.join(name);
            let old = |about: &fs::Metadata| {
                is_private(about, &own)
                    && about.modified().is_ok_and(|m| m.elapsed().is_ok_and(|age| age > YOUNG))
            };
            if other == self.folder || !fs::symlink_metadata(&other).as_ref().is_ok_and(old) {
                continue;
            }
            let Ok(marks) = marks(&other) else { continue };
            if marks.iter().any(|mark| lives(&path(&other, mark, MARK))) {
                continue;
            }
            for file in names(&other).into_iter().flatten() {
                let _ = fs::remove_file(other.join(file));
            }
            let _ = fs::remove_dir(&other);
        }
    }
}

/// Whether `folder` is one that only the user can enter to whom `own` belongs.
fn is_private(folder: &fs::Metadata, own: &fs::Metadata) -> bool {
    #[cfg(unix)]
    let closed = {
        use std::os::unix::fs::MetadataExt as _;
        folder.uid() == own.uid() && folder.mode() & 0o077 == 0
    };
    // Elsewhere each user's folder for temporary files is the user's own.
    #[cfg(not(unix))]
    let closed = {
        let _ = own;
        true
    };
    folder.is_dir() && closed
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path(MARK));
        remove(&self.folder, &self.name);
        self.lock = None;
        // The last one closes the door; while others are there, it stays open.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn path(folder: &Path, name: &str, what: &str) -> PathBuf {
    folder.join(format!("{name}.{what}"))
}

fn names(folder: &Path) -> io::Result<impl Iterator<Item = String>> {
    Ok(fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()))
}

/// The names of the marks in `folder`.
fn marks(folder: &Path) -> io::Result<Vec<String>> {
    let mark = |name: String| Some(name.strip_suffix(MARK)?.strip_suffix('.')?.to_owned());
    Ok(names(folder)?.filter_map(mark).collect())
}

/// Whether a library holds the mark at `path`.
fn lives(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
        && File::open(path).is_ok_and(|mark| matches!(mark.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Removes everything that is named after a mark.
fn remove(folder: &Path, name: &str) {
    for file in names(folder).into_iter().flatten() {
        if file.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')) {
            let _ = fs::remove_file(folder.join(file));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> bool {
        false
    }

    /// Lets only its user in, where the system knows of that.
    fn close(folder: &Path) {
        #[cfg(unix)]
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        #[cfg(not(unix))]
        assert!(folder.is_dir());
    }

    #[test]
    fn marks_are_seen_while_they_are_held() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("backline-link-1-77");
        let first = Mark::set(&folder, 1).unwrap();
        assert_eq!(first.others(none).unwrap(), Vec::<String>::new());
        let second = Mark::set(&folder, 2).unwrap();
        assert_eq!(first.others(none).unwrap(), std::slice::from_ref(&second.name));
        assert_eq!(second.others(none).unwrap(), std::slice::from_ref(&first.name));
        fs::write(second.path("band"), "x").unwrap();
        drop(second);
        assert_eq!(first.others(none).unwrap(), Vec::<String>::new());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "its pages went with it");
        drop(first);
        assert!(!folder.exists(), "the last one removes the folder");
    }

    #[test]
    fn what_a_dead_process_left_is_removed() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("backline-link-1-77");
        // In the same place: a process before had the same number.
        fs::create_dir(&folder).unwrap();
        close(&folder);
        for what in ["here", "band", "a.plan"] {
            fs::write(folder.join(format!("00000000000000ff-0.{what}")), "x").unwrap();
        }
        let mark = Mark::set(&folder, 1).unwrap();
        assert_eq!(mark.others(none).unwrap(), Vec::<String>::new());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        // Beside it: one long dead, one that has just come, one that lives.
        let beside = |number: u32| base.path().join(format!("backline-link-1-{number}"));
        for number in [78, 79] {
            fs::create_dir(beside(number)).unwrap();
            close(&beside(number));
            fs::write(beside(number).join("ff-0.here"), "").unwrap();
        }
        let _alive = Mark::set(&beside(80), 3).unwrap();
        let open = beside(81);
        fs::create_dir(&open).unwrap();
        fs::write(open.join("ff-0.here"), "").unwrap();
        let long_ago = std::time::SystemTime::now() - 2 * YOUNG;
        for number in if cfg!(unix) { vec![78, 80, 81] } else { Vec::new() } {
            File::open(beside(number)).unwrap().set_modified(long_ago).unwrap();
        }
        mark.sweep();
        assert_eq!(beside(78).exists(), !cfg!(unix), "where a folder's time can be set");
        assert!(beside(79).exists() && beside(80).exists() && folder.exists());
        assert!(open.exists() || !cfg!(unix), "what others can enter is not touched");
    }

    #[test]
    fn a_folder_that_others_can_enter_is_not_used() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("backline-link-1-77");
        fs::write(&folder, "a file").unwrap();
        assert!(Mark::set(&folder, 1).is_err());
        fs::remove_file(&folder).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
            assert_eq!(Mark::set(&folder, 1).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        }
        assert!(Mark::set(&base.path().join("no/such/folder"), 1).is_err());
    }

    #[test]
    fn a_process_meets_in_one_place() {
        assert_eq!(folder(), folder());
        assert_eq!(started().is_some(), cfg!(target_os = "linux"));
    }
}
