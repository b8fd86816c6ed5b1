//! A page: a small file with one message, written by one library and read by others.
//!
//! It is written over in place, since a new file for each message would cost a disk more. A reader that comes while
//! it is being written sees it by the checksum, keeps what it had, and looks again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::folder::FORM;

/// No message is longer; what says it is, is none.
const MAX_BYTES: u64 = 1 << 24;
/// What a page begins with, before the form's number.
const MAGIC: &[u8; 7] = b"BACKLNK";
/// Magic and form, number of the message, its length, its checksum.
const HEADER_BYTES: usize = 32;
/// How often a patient reader looks again at a page that is being written.
const LOOKS: usize = 200;

/// A page as its writer has it.
#[derive(Debug)]
pub struct Page {
    file: File,
    number: u64,
}

impl Page {
    /// Makes an empty page at `path`, which only this user may read.
    ///
    /// # Errors
    /// The folder or the disk refuses, or there is such a page already.
    pub fn new(path: &std::path::Path) -> io::Result<Self> {
        Ok(Self { file: create(path)?, number: 0 })
    }

    /// Replaces what is written.
    ///
    /// # Errors
    /// The disk refuses, or the message is too long; readers then find nothing that can be read.
    pub fn write(&mut self, message: &[u8]) -> io::Result<()> {
        if message.len() as u64 > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.number += 1;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + message.len());
        bytes.extend_from_slice(MAGIC);
        bytes.push(FORM);
        for number in [self.number, message.len() as u64, checksum(self.number, message)] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(message);
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&bytes)
    }
}

/// A new file that only this user may read.
pub fn create(path: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A page as a reader has it; it need not be there yet.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: Option<File>,
    number: u64,
}

impl Reader {
    /// The page at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, number: 0 }
    }

    /// The message, if it is another one than at the last call and can be read. A `patient` reader waits a moment
    /// while it is being written.
    pub fn news(&mut self, patient: bool) -> Option<Vec<u8>> {
        for _ in 0..if patient { LOOKS } else { 1 } {
            match self.look() {
                Ok(Some((number, message))) => {
                    self.number = number;
                    return Some(message);
                }
                Ok(None) => return None,
                Err(_) => std::thread::yield_now(),
            }
        }
        None
    }

    /// The message and its number, if it is a new one.
    fn look(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        if self.file.is_none() {
            // Whatever else may lie there: some things make who opens them wait.
            match std::fs::symlink_metadata(&self.path) {
                Ok(about) if about.is_file() => self.file = Some(File::open(&self.path)?),
                _ => return Ok(None),
            }
        }
        let Some(mut file) = self.file.as_ref() else { return Ok(None) };
        let mut header = [0; HEADER_BYTES];
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut header)?;
        let at = |i: usize| header[8 * i..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let (number, length, sum) = (at(1), at(2), at(3));
        if header[..7] != *MAGIC || header[7] != FORM || length > MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if number == self.number {
            return Ok(None);
        }
        let mut message = Vec::new();
        file.take(length).read_to_end(&mut message)?;
        if message.len() as u64 != length || checksum(number, &message) != sum {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Some((number, message)))
    }
}

/// FNV-1a over eight bytes at a time; it need only tell what is whole from what is being written.
fn checksum(number: u64, message: &[u8]) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325 ^ number;
    let mut mix = |word: u64| sum = (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    let (words, rest) = message.as_chunks::<8>();
    words.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
    rest.iter().for_each(|byte| mix(u64::from(*byte)));
    mix(message.len() as u64);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        let mut reader = Reader::new(path.clone());
        assert_eq!(reader.news(false), None, "it is not there yet");
        let mut page = Page::new(&path).unwrap();
        assert_eq!(reader.news(true), None, "it is empty");
        for text in ["first, and the longest", "second", "", "third"] {
            page.write(text.as_bytes()).unwrap();
            assert_eq!(reader.news(false).as_deref(), Some(text.as_bytes()));
            assert_eq!(reader.news(false), None);
        }
        assert!(Page::new(&path).is_err(), "nobody else writes there");
        assert!(page.write(&vec![0; MAX_BYTES as usize + 1]).is_err());
    }

    #[test]
    fn what_is_not_a_page_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Reader::new(folder.path().to_owned()).news(true), None, "a folder");
        let path = folder.path().join("page");
        Page::new(&path).unwrap().write(b"message").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for i in 0..whole.len() {
            let mut broken = whole.clone();
            broken[i] ^= 0x10;
            std::fs::write(&path, &broken).unwrap();
            assert_eq!(Reader::new(path.clone()).news(false), None, "byte {i}");
            std::fs::write(&path, &whole[..i]).unwrap();
            assert_eq!(Reader::new(path.clone()).news(false), None, "{i} bytes");
        }
    }

    #[test]
    fn a_reader_never_sees_half_a_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        let mut page = Page::new(&path).unwrap();
        let writer = std::thread::spawn(move || {
            for i in 0..2_000u32 {
                page.write(&vec![i as u8; 1 + (i as usize * 7_919) % 60_000]).unwrap();
            }
        });
        let (mut reader, mut read) = (Reader::new(path), 0);
        loop {
            let ended = writer.is_finished();
            if let Some(message) = reader.news(false) {
                assert!(message.iter().all(|byte| *byte == message[0]));
                read += 1;
            } else if ended {
                break;
            }
        }
        assert!(read > 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn random_bytes_are_read_without_harm(tail in proptest::collection::vec(any::<u8>(), 0..200), ours: bool) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("page");
            let mut bytes = if ours { [&MAGIC[..], &[FORM]].concat() } else { Vec::new() };
            bytes.extend(tail);
            std::fs::write(&path, &bytes).unwrap();
            prop_assert_eq!(Reader::new(path).news(false), None);
        }
    }
}
