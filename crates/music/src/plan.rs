//! What the band will play.

use serde::{Deserialize, Serialize};

use crate::{Chord, Metre, Part, Timeline};

/// A chord in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlannedChord {
    /// Start, in quarter notes of the plan's timeline.
    pub start_beat: f64,
    /// Length in quarter notes.
    pub length_beats: f64,
    /// The chord, or `None` where nothing harmonic should sound.
    pub chord: Option<Chord>,
    /// How sure the anticipation is, 0..=1.
    pub prob: f32,
}

/// A note in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlannedNote {
    /// Who plays it.
    pub part: Part,
    /// MIDI key; for drums a General MIDI percussion key.
    pub key: u8,
    /// MIDI velocity, 1..=127.
    pub velocity: u8,
    /// Where it sounds, in quarter notes of the plan's timeline, micro-timing included.
    pub onset_beat: f64,
    /// How long it sounds, in quarter notes; greater than 0.
    pub length_beats: f64,
}

/// One bar of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedBar {
    /// Bar number on the timeline; the bar that holds beat 0 of a 4/4 song is 0.
    pub index: i64,
    /// Its first quarter note.
    pub start_beat: f64,
    /// Its metre.
    pub metre: Metre,
    /// The tempo it was planned for; micro-timing in ms was converted with it.
    pub tempo_bpm: f64,
    /// The id of the style it is played in.
    pub style: String,
    /// Whether it ends in a fill.
    pub fill: bool,
    /// Its harmony, contiguous over the bar.
    pub chords: Vec<PlannedChord>,
    /// Its notes, sorted by onset, then part, then key.
    pub notes: Vec<PlannedNote>,
}

impl PlannedBar {
    /// One past its last quarter note.
    pub fn end_beat(&self) -> f64 {
        self.start_beat + self.metre.bar_quarters()
    }
}

/// The plan that the scheduler plays from: a window of bars around the playhead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Counts up with every change.
    pub revision: u64,
    /// What the beats are counted on.
    pub timeline: Timeline,
    /// Beats before this are committed: they will not change any more.
    pub committed_beat: f64,
    /// Bars in order of `start_beat`, without overlap; gaps are allowed (around loops and jumps).
    pub bars: Vec<PlannedBar>,
}

impl Plan {
    /// An empty plan: nothing is played.
    pub const fn empty() -> Self {
        Self { revision: 0, timeline: Timeline::Host, committed_beat: f64::NEG_INFINITY, bars: Vec::new() }
    }

    /// All notes in order of bars.
    pub fn notes(&self) -> impl Iterator<Item = &PlannedNote> {
        self.bars.iter().flat_map(|bar| &bar.notes)
    }
}
