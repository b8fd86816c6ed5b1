//! WAV files whose header does not tell their length: RF64 and BW64, and takes that were never finished.
//!
//! RF64 (EBU Tech 3306, "RF64: An Extended File Format for Audio", 2009; as BW64 in ITU-R BS.2088) holds
//! sizes of 64 bits in a chunk of its own, `ds64`, and all ones where a WAV has its sizes. A recorder that
//! loses its power leaves zeros, or all ones, there. The decoder knows neither, so it is given the file with
//! the few bytes of the two sizes mended.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Chunks that are looked through for the samples.
const MAX_CHUNKS: usize = 64;
/// The size that says "not known", or "see `ds64`".
const UNKNOWN: u32 = u32::MAX;
/// A chunk's name and its size.
const HEAD: usize = 8;

/// A file with its sizes mended where they had to be.
pub(super) struct Wave {
    file: File,
    /// Where heads of chunks are that read otherwise than they lie on the disk.
    mended: Vec<(u64, [u8; HEAD])>,
    pos: u64,
    /// Bytes that are to be read: to the end of the samples where they were found.
    len: u64,
    /// The header does not say how long the recording truly is.
    pub unfinished: bool,
    /// There are more bytes of samples than the decoder can count: it will not stop by itself.
    pub endless: bool,
}

/// What the header says of the samples.
struct Found {
    big: bool,
    riff: u32,
    /// Where the samples begin, and the size that their chunk and `ds64` give.
    start: u64,
    size: u32,
    big_size: Option<u64>,
}

impl Wave {
    /// The file as the decoder is to see it; any other file as it is.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn new(mut file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let found = find(&mut file, len);
        file.rewind()?;
        let whole = Self { file, mended: Vec::new(), pos: 0, len, unfinished: false, endless: false };
        Ok(match found {
            Some(found) => whole.with(&found),
            None => whole,
        })
    }

    fn with(mut self, found: &Found) -> Self {
        let (riff_end, here) = (u64::from(found.riff) + HEAD as u64, self.len.saturating_sub(found.start));
        let told = match found.size {
            UNKNOWN => found.big_size.unwrap_or(0),
            size => u64::from(size),
        };
        // A WAV that agrees with itself is left alone: one that is cut short is told of elsewhere, and one
        // may well be empty.
        let agrees = match found.size {
            0 => riff_end > found.start,
            size => size != UNKNOWN && riff_end >= found.start + told,
        };
        if here == 0 || (agrees && !found.big && found.riff != UNKNOWN) {
            return self;
        }
        self.unfinished = told == 0 || told > here;
        let size = if self.unfinished { here } else { told };
        self.len = found.start + size;
        let counted = u32::try_from(size).unwrap_or(UNKNOWN);
        self.endless = counted == UNKNOWN;
        self.mended.push((0, head(*b"RIFF", UNKNOWN)));
        self.mended.push((found.start - HEAD as u64, head(*b"data", counted)));
        self
    }
}

fn head(name: [u8; 4], size: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&name);
    head[4..].copy_from_slice(&size.to_le_bytes());
    head
}

/// Looks for the samples. `None` if this is no WAV file, or one without samples.
fn find(file: &mut File, len: u64) -> Option<Found> {
    let mut first = [0u8; 12];
    file.read_exact(&mut first).ok()?;
    let big = matches!(&first[..4], b"RF64" | b"BW64");
    if (!big && &first[..4] != b"RIFF") || &first[8..] != b"WAVE" {
        return None;
    }
    let size_of = |head: &[u8]| u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let riff = size_of(&first);
    let (mut at, mut big_size) = (first.len() as u64, None);
    for _ in 0..MAX_CHUNKS {
        let mut chunk = [0u8; HEAD];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut chunk).ok()?;
        let size = size_of(&chunk);
        let start = at + HEAD as u64;
        if &chunk[..4] == b"data" {
            return Some(Found { big, riff, start, size, big_size });
        }
        if &chunk[..4] == b"ds64" {
            // The sizes of the file and of the samples.
            let mut sizes = [0u8; 16];
            file.read_exact(&mut sizes).ok()?;
            let samples: [u8; 8] = sizes[8..].try_into().ok()?;
            big_size = Some(u64::from_le_bytes(samples));
        }
        at = start + u64::from(size) + u64::from(size % 2);
        if at >= len {
            return None;
        }
    }
    None
}

impl Read for Wave {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(self.pos)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read(&mut buffer[..wanted])?;
        for (at, bytes) in &self.mended {
            for (place, byte) in (*at..).zip(bytes) {
                if let Some(i) = place.checked_sub(self.pos).and_then(|i| usize::try_from(i).ok())
                    && i < read
                {
                    buffer[i] = *byte;
                }
            }
        }
        self.pos += read as u64;
        Ok(read)
    }
}

impl Seek for Wave {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::End(back) => {
                SeekFrom::Start(self.len.checked_add_signed(back).ok_or(io::ErrorKind::InvalidInput)?)
            }
            other => other,
        };
        self.pos = self.file.seek(to)?;
        Ok(self.pos)
    }
}

impl MediaSource for Wave {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}
