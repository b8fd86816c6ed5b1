//! What a `file:` address names (RFC 8089).

/// The bytes of the path in what follows `file:`, which may be `///path`, `//host/path` or `/path`: all are in use. `None` where
/// there is no path behind the host.
pub fn file_path(address: &[u8]) -> Option<Vec<u8>> {
    let path = match address.strip_prefix(b"//") {
        Some(rest) => &rest[rest.iter().position(|byte| *byte == b'/')?..],
        None => address,
    };
    let mut bytes = Vec::with_capacity(path.len());
    let mut at = 0;
    while at < path.len() {
        let escaped = path.get(at + 1..at + 3).filter(|_| path[at] == b'%');
        let byte = escaped
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(path[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    Some(bytes)
}
