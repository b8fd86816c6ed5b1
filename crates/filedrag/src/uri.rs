//! File paths as the `text/uri-list` that a drop target asks for (RFC 2483, RFC 8089).

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        let list = uri_list(&[Path::new("/a b/F#m 100%.mid"), Path::new("/ü")]);
        assert_eq!(list, "file:///a%20b/F%23m%20100%25.mid\r\nfile:///%C3%BC\r\n");
    }
}
