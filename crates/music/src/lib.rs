//! Backline's words: pitch, chord, key, metre, what is heard and what is planned.
//!
//! This crate knows nobody: no I/O, no threads, no signal processing. What passes between the
//! listener ([`heard::Heard`]) and the player ([`plan::Plan`]) is defined here, so that neither has
//! to know the other.
//!
//! ```
//! use backline_music::{Chord, Quality, PitchClass};
//!
//! let chord: Chord = "A:min7/b3".parse().unwrap();
//! assert_eq!(chord.root, PitchClass::A);
//! assert_eq!(chord.quality, Quality::Min7);
//! assert_eq!(chord.bass, PitchClass::C);
//! assert_eq!(chord.to_string(), "A:min7/b3"); // Harte's syntax, for files
//! assert_eq!(chord.symbol(), "Am7/C");        // what a musician reads; `symbol_in` where the key is known
//! ```
#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]

pub mod chord;
pub mod controls;
pub mod corrections;
pub mod downmix;
pub mod heard;
pub mod key;
pub mod metre;
pub mod part;
pub mod pitch;
pub mod plan;
pub mod score;
pub mod spelling;
pub mod tempo_map;
pub mod time;

pub use chord::{Chord, Quality};
pub use controls::{Controls, Follow, StyleChoice};
pub use corrections::{ChordPin, Corrections};
pub use downmix::Downmix;
pub use heard::{Beat, ChordSpan, DrumHit, Estimate, Heard, KeySpan, MelodyPoint, Onset};
pub use key::{Key, Mode};
pub use metre::Metre;
pub use part::{DrumVoice, Part};
pub use pitch::PitchClass;
pub use plan::{Plan, PlannedBar, PlannedChord, PlannedNote};
pub use spelling::NoteName;
pub use tempo_map::TempoMap;
pub use time::{Timeline, Transport};

/// Text that could not be read as one of this crate's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a {what}")]
pub struct ParseError {
    /// What was expected, for example "chord".
    pub what: &'static str,
    /// The text that was given.
    pub text: String,
}
