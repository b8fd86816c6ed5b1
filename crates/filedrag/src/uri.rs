//! File paths as the `text/uri-list` that a drop target asks for (RFC 2483, RFC 8089).

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::file_path;

/// The list of `files`, one a line.
pub fn uri_list(files: &[&Path]) -> String {
    let mut list = String::new();
    for file in files {
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        list.push_str("file://");
        for &byte in whole.as_os_str().as_bytes() {
            // RFC 3986: what is unreserved stands for itself.
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
                list.push(char::from(byte));
            } else {
                // Writing into a String cannot fail.
                let _ = write!(list, "%{byte:02X}");
            }
        }
        list.push_str("\r\n");
    }
    list
}

/// The files of this computer that a list names; other lines are left out.
pub fn paths(list: &[u8]) -> Vec<PathBuf> {
    let lines = list.split(|byte| matches!(byte, b'\r' | b'\n' | 0));
    lines
        .filter_map(|line| {
            let bytes = file_path(line.strip_prefix(b"file:")?)?;
            (bytes.first() == Some(&b'/') && !bytes.contains(&0))
                .then(|| PathBuf::from(OsString::from_vec(bytes)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_other_programs_are_read() {
        let list = "# a comment\r\nfile:///a%20b/x.wav\r\nfile://studio/c.mid\nhttps://example.invalid/d.wav\nfile:/e%\nfile:f";
        let read: Vec<String> = paths(list.as_bytes()).iter().map(|p| p.display().to_string()).collect();
        assert_eq!(read, ["/a b/x.wav", "/c.mid", "/e%"]);
        let files = [Path::new("/ü/F#m 100%.mid"), Path::new("/b")];
        assert_eq!(paths(uri_list(&files).as_bytes()), files);
    }

    #[test]
    fn every_byte_survives() {
        let list = uri_list(&[Path::new("/a b/F#m 100%.mid"), Path::new("/ü")]);
        assert_eq!(list, "file:///a%20b/F%23m%20100%25.mid\r\nfile:///%C3%BC\r\n");
    }
}
