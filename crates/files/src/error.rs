//! What can go wrong with a file, in a musician's words.

use std::io;
use std::path::PathBuf;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file.
    #[error("{path}: there is no such file, so there is nothing to hear. Check the name and the folder.", path = .0.display())]
    Missing(PathBuf),
    /// The path leads to a folder or a device.
    #[error("{path}: this is not a file, so it cannot be played. Give the path of one recording.", path = .0.display())]
    NotAFile(PathBuf),
    /// The system refused to read the file.
    #[error("{path}: the file cannot be read ({cause}). Check its permissions and the disk.", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file has no bytes.
    #[error("{path}: the file is empty, so there is nothing to hear. Export or download it again.", path = .0.display())]
    Empty(PathBuf),
    /// The content is no audio, whatever the name says.
    #[error(
        "{path}: the content is not audio that Backline can read, whatever the file's name says. Export it as WAV, AIFF, FLAC, MP3 or Ogg Vorbis.",
        path = .0.display()
    )]
    NotAudio(PathBuf),
    /// It is audio, in a coding that is not supported.
    #[error(
        "{path}: the audio is stored in a coding that Backline cannot read ({what}). Export it as WAV, AIFF, FLAC, MP3 or Ogg Vorbis.",
        path = .path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported.
        what: String,
    },
    /// The file is audio without a single sample.
    #[error("{path}: the recording has no sound in it (0 seconds). Export it again, and check the range that is exported.", path = .0.display())]
    NoSound(PathBuf),
    /// The file is damaged from its first sample on.
    #[error("{path}: the recording is damaged and nothing of it could be decoded ({what}). Export or download it again.", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        what: String,
    },
    /// The system refused to write the file.
    #[error("{path}: the file cannot be written ({cause}). Choose a folder that you may write to, on a disk with space.", path = .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The bytes are no MIDI file.
    #[error("this is not a MIDI file that can be read ({0}). Export it again as a standard MIDI file.")]
    NotMidi(String),
    /// The recording is longer than a WAV file can hold.
    #[error("{frames} samples are more than a WAV file can hold (4 GB). Render fewer bars.")]
    TooLong {
        /// Samples a channel.
        frames: usize,
    },
}
