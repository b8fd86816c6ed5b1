//! From audio to what is heard: tempo, beats, metre, key, chords, drums, loudness, timbre, melody.
//!
//! ```
//! use backline_listen::Listener;
//!
//! let mut listener = Listener::new(48_000.0)?;
//! listener.feed(&[0.0; 48_000], None); // as audio comes, in pieces of any size
//! while listener.step() {}             // 10 ms each
//! assert!(listener.heard().beats.is_empty());
//! # Ok::<(), backline_listen::ListenError>(())
//! ```

mod calibration;
pub mod chroma;
pub mod drums;
pub mod harmony;
mod lanes;
mod listener;
pub mod logbands;
mod loudness;
pub mod melody;
mod models;
mod offline;
mod onset;
mod resample;
pub mod rhythm;
mod spectrum;
mod strokes;
pub mod style;
mod timbre;
mod tones;

pub use listener::Listener;
pub use models::Models;
pub use offline::listen_offline;

/// Why a listener could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The sample rate is out of range.
    #[error("a sample rate of {0} Hz cannot be analysed: use one between 4,000 and 768,000 Hz")]
    SampleRate(f64),
}
