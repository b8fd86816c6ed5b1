//! What the listener knows of the music so far.
//!
//! All times are stream seconds: 0 is the first sample that was fed. `decided_s` is the stream time
//! up to which the listener had heard when it first said so; a later revision of the same item
//! keeps the time of the revision.

use serde::{Deserialize, Serialize};

use crate::{Chord, DrumVoice, Key, Metre};

/// A value with its probability and the strongest alternative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate<T> {
    /// The likeliest value.
    pub value: T,
    /// Its probability, 0..=1.
    pub prob: f32,
    /// The second likeliest value and its probability.
    pub runner_up: Option<(T, f32)>,
}

impl<T> Estimate<T> {
    /// A value that is certain.
    pub const fn certain(value: T) -> Self {
        Self { value, prob: 1.0, runner_up: None }
    }
}

/// A beat (tactus) of the music.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// When it falls.
    pub time_s: f64,
    /// Bar number, counted from 1 at the first known downbeat; a pickup is bar 0.
    pub bar: i32,
    /// Beat in the bar, from 1 (the downbeat).
    pub beat: u8,
    /// How sure the tracker is, 0..=1.
    pub prob: f32,
    /// Stream time of the decision; may lie before `time_s`, since beats are predicted.
    pub decided_s: f64,
}

/// A stretch of one chord.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChordSpan {
    /// Start.
    pub start_s: f64,
    /// End; the span that still sounds ends at the stream's present.
    pub end_s: f64,
    /// The chord, or `None` for no chord.
    pub chord: Option<Chord>,
    /// Probability of the chord, 0..=1.
    pub prob: f32,
    /// The next likeliest label and its probability.
    pub runner_up: Option<(Option<Chord>, f32)>,
    /// Stream time of the decision.
    pub decided_s: f64,
}

/// A stretch of one key.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KeySpan {
    /// Start.
    pub start_s: f64,
    /// End.
    pub end_s: f64,
    /// The key.
    pub key: Key,
    /// Its probability, 0..=1.
    pub prob: f32,
    /// The next likeliest key and its probability.
    pub runner_up: Option<(Key, f32)>,
    /// Stream time of the decision.
    pub decided_s: f64,
}

/// A drum stroke.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DrumHit {
    /// When it sounds.
    pub time_s: f64,
    /// What was struck. The first listener tells kick, snare and closed hat.
    pub voice: DrumVoice,
    /// Strength, 0..=1.
    pub velocity: f32,
    /// Probability, 0..=1.
    pub prob: f32,
    /// Stream time of the decision.
    pub decided_s: f64,
}

/// The start of any sound, drum or not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Onset {
    /// When it starts.
    pub time_s: f64,
    /// Strength relative to the loudest onsets of the last seconds, 0..=1.
    pub strength: f32,
}

/// The lead's pitch at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MelodyPoint {
    /// When.
    pub time_s: f64,
    /// Fundamental frequency in Hz; the best guess also where `voiced` is false, 0 if none.
    pub hz: f32,
    /// Whether a pitched lead sounds.
    pub voiced: bool,
    /// Probability of the pitch, 0..=1.
    pub prob: f32,
}

/// Loudness after EBU R 128.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    /// End of the window.
    pub time_s: f64,
    /// Over 0.4 s, in LUFS; −70 for silence.
    pub momentary_lufs: f32,
    /// Over 3 s, in LUFS; −70 for silence.
    pub short_term_lufs: f32,
}

/// Timbre over the last second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timbre {
    /// End of the window.
    pub time_s: f64,
    /// Spectral centroid in Hz.
    pub centroid_hz: f32,
    /// Frequency below which 85 % of the energy lies, in Hz.
    pub rolloff_hz: f32,
    /// Mel-frequency cepstral coefficients 0–12.
    pub mfcc: [f32; 13],
}

/// What kind of music it seems to be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StyleGuess {
    /// Style ids with probabilities, likeliest first.
    pub top: Vec<(String, f32)>,
    /// 0 (calm) … 1 (energetic).
    pub energy: f32,
    /// 0 (dark) … 1 (bright).
    pub valence: f32,
}

/// Everything heard. Histories are bounded while streaming (the listener says how far back) and
/// complete after a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Heard {
    /// Stream time up to which the listener has heard.
    pub time_s: f64,
    /// Tempo in quarter-note-like beats (tactus) a minute.
    pub tempo_bpm: Option<Estimate<f64>>,
    /// Tempo hypotheses with probabilities, likeliest first.
    pub tempo_candidates: Vec<(f64, f32)>,
    /// Metre.
    pub metre: Option<Estimate<Metre>>,
    /// The key of the recent music.
    pub key: Option<Estimate<Key>>,
    /// The next predicted beat, with the tempo in force: what a follower plays to.
    pub next_beat: Option<Beat>,
    /// Beats so far.
    pub beats: Vec<Beat>,
    /// Keys over time.
    pub keys: Vec<KeySpan>,
    /// Chords over time; contiguous from the first to the present.
    pub chords: Vec<ChordSpan>,
    /// Drum strokes.
    pub drums: Vec<DrumHit>,
    /// Onsets of any sound.
    pub onsets: Vec<Onset>,
    /// The lead's pitch.
    pub melody: Vec<MelodyPoint>,
    /// Loudness over time, ten a second.
    pub loudness: Vec<Loudness>,
    /// Timbre over time, one a second.
    pub timbre: Vec<Timbre>,
    /// Style and mood.
    pub style: StyleGuess,
    /// Sentences for the musician: what is missing or odd, and what it means.
    pub notices: Vec<String>,
}

impl Heard {
    /// The key at a time; that of the recent music where none is told.
    pub fn key_at(&self, seconds: f64) -> Option<Key> {
        let span = self.keys.iter().find(|span| span.start_s <= seconds && seconds < span.end_s);
        span.map(|span| span.key).or(self.key.map(|key| key.value))
    }
}
