//! Files of a musician: audio in; MIDI, WAV and the analysis in JSON out.
//!
//! Nothing here panics on any file. What is written appears whole or not at all.
//!
//! ```no_run
//! # fn main() -> Result<(), backline_files::FileError> {
//! let audio = backline_files::read_audio("take 3.flac".as_ref())?;
//! println!("{:.1} s at {} Hz", audio.seconds(), audio.sample_rate);
//! let mono = audio.mono(); // what the listener hears
//! # let _ = mono;
//! # Ok(())
//! # }
//! ```
//!
//! - [`audio`]: WAV, AIFF, FLAC, MP3 and Ogg Vorbis, any rate, depth and number of channels.
//! - [`midi`]: songs with a tempo map that follows a recording.
//! - [`musicxml`]: lead sheets.
//! - [`wav`]: samples out.
//! - [`analysis`]: what was heard, as `docs/analysis.md` describes it.
//! - [`whole`]: files that appear whole or not at all.

pub mod analysis;
pub mod audio;
mod error;
mod keys;
pub mod midi;
pub mod musicxml;
pub mod wav;
pub mod whole;

pub use analysis::Analysis;
pub use audio::{Audio, read_audio};
pub use error::FileError;
pub use keys::Keys;
pub use midi::MidiSong;
pub use musicxml::LeadSheet;
