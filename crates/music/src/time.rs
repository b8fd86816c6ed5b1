//! Where in the music a sample lies: the host's transport and the timeline that a plan refers to.

use serde::{Deserialize, Serialize};

use crate::Metre;

/// The host's transport at the first sample of a block of audio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Transport {
    /// Whether the host's timeline moves.
    pub playing: bool,
    /// Position in quarter notes of the host's timeline; may be negative in a pre-roll.
    pub pos_beats: f64,
    /// Quarter notes a minute.
    pub tempo_bpm: f64,
    /// Time signature in force.
    pub metre: Metre,
    /// Position in quarter notes of the start of the bar in force.
    pub bar_start_beats: f64,
    /// Start and end of the active loop in quarter notes.
    pub loop_beats: Option<(f64, f64)>,
}

impl Transport {
    /// A transport that stands still: nothing is known of the host's time.
    pub const STOPPED: Self = Self {
        playing: false,
        pos_beats: 0.0,
        tempo_bpm: 120.0,
        metre: Metre::FOUR_FOUR,
        bar_start_beats: 0.0,
        loop_beats: None,
    };

    /// Position `samples` later at `sample_rate` Hz, the tempo unchanged and no loop taken.
    pub fn beats_after(&self, samples: f64, sample_rate: f64) -> f64 {
        self.pos_beats + samples / sample_rate * self.tempo_bpm / 60.0
    }
}

/// The clock that a plan's beats are counted on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timeline {
    /// The host's timeline, in quarter notes.
    Host,
    /// The heard beat: quarter note `anchor_beat` falls on stream second `anchor_s`, and the tempo
    /// is `tempo_bpm` around it. Stream seconds count from the first sample that was fed.
    Heard {
        /// Stream time of the anchor, in seconds.
        anchor_s: f64,
        /// The anchor's position in quarter notes.
        anchor_beat: f64,
        /// Quarter notes a minute.
        tempo_bpm: f64,
    },
}
