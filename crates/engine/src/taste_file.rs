//! The musician's taste on this computer: one file, read whole and written whole, that never leaves it.
//!
//! Each judgement is added to what the file then holds, so that instances side by side do not lose each other's.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use backline_files::FileError;
use backline_files::whole::write_bytes;
use backline_play::Taste;
use backline_play::taste::{Judgement, TasteError};

use crate::folders;

/// No taste is larger; what is, is none.
const MAX_BYTES: u64 = 1 << 20;

/// One at a time in this process: adding is reading and writing.
static ADDING: Mutex<()> = Mutex::new(());

/// Why a taste cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum TasteFileError {
    /// The system names no folder for it.
    #[error("there is no folder for your taste; name a file in BACKLINE_TASTE")]
    NoFolder,
    /// The disk refuses.
    #[error(
        "your taste in {path} cannot be read ({source}), so the band plays without it; see that you may read it"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no taste of ours, or one of a later form.
    #[error(
        "your taste in {path} is not used: {cause}. It is left as it is; mend it, or begin anew with `backline taste reset`"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: TasteError,
    },
    /// It cannot be written.
    #[error("your taste is not kept: {0}")]
    Unwritable(#[from] FileError),
}

/// Where a taste is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TasteFile {
    path: PathBuf,
}

impl TasteFile {
    /// The file at `path`; it need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The musician's own, in the folder where this system keeps what programs know: `Backline/taste.json` in
    /// `$XDG_DATA_HOME` (`~/.local/share`), `%APPDATA%`, or `~/Library/Application Support`; `$BACKLINE_TASTE` names
    /// another.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn own() -> Result<Self, TasteFileError> {
        let path = folders::taste().ok_or(TasteFileError::NoFolder)?;
        Ok(Self { path })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; the neutral taste where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or it holds no taste that this build understands.
    pub fn read(&self) -> Result<Taste, TasteFileError> {
        let unreadable = |source| TasteFileError::Unreadable { path: self.path.clone(), source };
        let length = match std::fs::metadata(&self.path) {
            Ok(about) => about.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Taste::neutral()),
            Err(error) => return Err(unreadable(error)),
        };
        if length > MAX_BYTES {
            return Err(unreadable(std::io::Error::from(std::io::ErrorKind::FileTooLarge)));
        }
        let bytes = std::fs::read(&self.path).map_err(unreadable)?;
        Taste::from_json(&String::from_utf8_lossy(&bytes))
            .map_err(|cause| TasteFileError::Unusable { path: self.path.clone(), cause })
    }

    /// What it holds, ready to be added to. A damaged file is put aside, under a name of its own beside it, and a
    /// sentence says so; one of a later Backline is left alone, and nothing is learnt.
    ///
    /// # Errors
    /// It cannot be read or put aside, or a later Backline wrote it.
    pub fn read_or_put_aside(&self) -> Result<(Taste, Option<String>), TasteFileError> {
        match self.read() {
            Ok(taste) => Ok((taste, None)),
            Err(TasteFileError::Unusable { path, cause: cause @ TasteError::Damaged(_) }) => {
                let aside = self.put_aside()?;
                let (path, aside) = (path.display(), aside.display());
                Ok((
                    Taste::neutral(),
                    Some(format!(
                        "Your taste in {path} is damaged: {cause}. It is kept as {aside}, and the band learns anew."
                    )),
                ))
            }
            Err(error) => Err(error),
        }
    }

    fn put_aside(&self) -> Result<PathBuf, TasteFileError> {
        let free =
            (1..1000).map(|n| self.path.with_extension(format!("damaged-{n}.json"))).find(|p| !p.exists());
        let aside = free.unwrap_or_else(|| self.path.with_extension("damaged.json"));
        std::fs::rename(&self.path, &aside)
            .map_err(|source| FileError::Unwritable { path: aside.clone(), cause: source })?;
        Ok(aside)
    }

    /// Adds a judgement to what is kept, and returns all of it, with a sentence if a damaged file was put aside.
    ///
    /// # Errors
    /// As [`TasteFile::read_or_put_aside`], or it cannot be written; then nothing is kept.
    pub fn add(&self, judgement: Judgement) -> Result<(Taste, Option<String>), TasteFileError> {
        let _one = ADDING.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taste, notice) = self.read_or_put_aside()?;
        taste.learn(judgement);
        self.write(&taste)?;
        Ok((taste, notice))
    }

    /// Writes it whole, and makes its folder.
    ///
    /// # Errors
    /// The folder or the disk refuses.
    pub fn write(&self, taste: &Taste) -> Result<(), TasteFileError> {
        if let Some(folder) = self.path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|source| FileError::Unwritable { path: folder.to_owned(), cause: source })?;
        }
        Ok(write_bytes(&self.path, taste.to_json().as_bytes())?)
    }

    /// Forgets all. Whether there was a file.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn reset(&self) -> Result<bool, TasteFileError> {
        match std::fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(FileError::Unwritable { path: self.path.clone(), cause: source }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use backline_play::Verdict;

    use super::*;

    fn liked(toms: f32) -> Judgement {
        let figures = BTreeMap::from([("toms".to_owned(), toms)]);
        Judgement { style: "rock".into(), verdict: Verdict::Liked, figures }
    }

    #[test]
    fn judgements_of_all_instances_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = TasteFile::at(dir.path().join("new/folder/taste.json"));
        assert!(file.read().unwrap().is_neutral());
        std::thread::scope(|scope| {
            for i in 0..4_u8 {
                let file = &file;
                scope.spawn(move || (0..8).for_each(|_| drop(file.add(liked(f32::from(i))).unwrap())));
            }
        });
        assert_eq!(file.read().unwrap().judgements().len(), 32);
        assert_eq!(std::fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 1, "no leftovers");
        assert!(file.reset().unwrap() && !file.reset().unwrap());
        assert!(file.read().unwrap().is_neutral());
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_a_newer_one_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = TasteFile::at(dir.path().join("taste.json"));
        for n in 1..=2 {
            std::fs::write(file.path(), b"{\"backline_taste\":1,\"judg\xff").unwrap();
            assert!(file.read().unwrap_err().to_string().contains("is not used"));
            let (taste, notice) = file.add(liked(1.0)).unwrap();
            assert_eq!(taste.judgements().len(), 1);
            let aside = dir.path().join(format!("taste.damaged-{n}.json"));
            assert!(aside.exists() && notice.unwrap().contains(&aside.display().to_string()));
        }
        let newer = r#"{"backline_taste":2,"judgements":[]}"#;
        std::fs::write(file.path(), newer).unwrap();
        assert!(file.add(liked(1.0)).unwrap_err().to_string().contains("later Backline"));
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), newer);
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "x").unwrap();
        let error =
            TasteFile::at(dir.path().join("file/taste.json")).add(liked(1.0)).unwrap_err().to_string();
        assert!(error.starts_with("your taste"), "{error}");
        std::fs::create_dir(dir.path().join("taste.json")).unwrap();
        assert!(TasteFile::at(dir.path().join("taste.json")).add(liked(1.0)).is_err());
    }
}
