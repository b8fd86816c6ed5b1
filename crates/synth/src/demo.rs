//! Songs whose truth is known exactly: tempo, beats, metre, key, chords, drums and melody.
//!
//! Each is written as a [`Spec`] of a few lines and rendered by this crate's own voices, so that a test
//! can compare what was heard with what was played, and nobody's recording has to be shipped.
//!
//! ```
//! let song = backline_synth::demo::demo_song();
//! assert_eq!(song.tempo_bpm, 100.0);
//! assert_eq!(song.key.to_string(), "A minor");
//! assert_eq!(song.chords[0].chord, None); // the silence before the first beat
//! assert_eq!(song.chords[1].chord.map(|c| c.symbol()).as_deref(), Some("Am"));
//! ```

mod arrange;
mod specs;

use backline_music::{Chord, DrumVoice, Key, Metre, TempoMap};

use crate::Stereo;

pub use specs::{DEMO, SPECS};

/// The sample rate of the songs, unless asked for otherwise, in Hz.
pub const SAMPLE_RATE: u32 = 44_100;

/// Which voice plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// The electric piano.
    Piano,
    /// The plucked string.
    Guitar,
}

/// The accompaniment of a song. One character of `rhythm` is a sixteenth note, and the pattern starts
/// again with every bar: `X` the chord with an accent, `x` the chord, `o` the chord softly, `b` its bass
/// note, `1`–`9` its first to ninth note above the bass, `,` damps, anything else nothing.
#[derive(Debug, Clone, Copy)]
pub struct Comp {
    /// Who plays it.
    pub voice: Voice,
    /// What is struck when.
    pub rhythm: &'static str,
    /// Lowest MIDI key of the bass note.
    pub low_key: u8,
    /// Lowest MIDI key of the chord above it.
    pub chord_key: u8,
    /// Whether notes are cut off after a sixteenth.
    pub short: bool,
}

/// Drums, one character a sixteenth: `X` an accent, `x` a stroke, `o` a soft one.
#[derive(Debug, Clone, Copy)]
pub struct Groove {
    /// Voices with their rhythms; each starts again with every bar.
    pub rhythms: &'static [(DrumVoice, &'static str)],
}

/// A song to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// A short name, for files and messages.
    pub name: &'static str,
    /// Felt beats a minute: quarters, or dotted quarters in 6/8.
    pub tempo_bpm: f64,
    /// Metre.
    pub metre: Metre,
    /// Key.
    pub key: Key,
    /// Sections: how often, and the chords in Harte's syntax, bars between `|`; chords within a bar
    /// share its beats evenly.
    pub form: &'static [(u32, &'static str)],
    /// Accompaniment.
    pub comp: Comp,
    /// Tune, in rhythms of sixteenths that alternate bar by bar: `X` and `x` start a note, `,` ends it.
    pub melody: Option<(Voice, &'static [&'static str])>,
    /// Bass: `1`, `3`, `5`, `7` the notes of the chord, `8` the octave.
    pub bass: Option<&'static str>,
    /// Drums.
    pub drums: Option<Groove>,
    /// Share of the way from straight eighths (0) to triplets (1).
    pub swing: f64,
    /// Largest deviation of the tempo from its mean, as a share of it; slow and periodic.
    pub drift: f64,
    /// Largest deviation of a stroke from its place, in milliseconds.
    pub loose_ms: f64,
    /// Silence before the first beat, in seconds.
    pub lead_in_s: f64,
    /// Chooses the tune and the deviations.
    pub seed: u32,
}

/// A chord that was played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrueChord {
    /// Start, in seconds.
    pub start_s: f64,
    /// End, in seconds.
    pub end_s: f64,
    /// The chord; `None` in the silence before and after the music.
    pub chord: Option<Chord>,
}

/// A drum stroke that was played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrueHit {
    /// When, in seconds.
    pub time_s: f64,
    /// What was struck.
    pub voice: DrumVoice,
    /// MIDI velocity.
    pub velocity: u8,
}

/// A note of the tune.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrueNote {
    /// Start, in seconds.
    pub start_s: f64,
    /// End, in seconds.
    pub end_s: f64,
    /// MIDI key.
    pub key: u8,
}

/// A recording and all that is true of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Song {
    /// A short name.
    pub name: &'static str,
    /// Samples a second.
    pub sample_rate: u32,
    /// The sound.
    pub audio: Stereo,
    /// Felt beats a minute (the mean, where the tempo drifts).
    pub tempo_bpm: f64,
    /// Metre.
    pub metre: Metre,
    /// Key.
    pub key: Key,
    /// Quarter notes to seconds.
    pub tempo: TempoMap,
    /// Felt beats, in seconds.
    pub beats: Vec<f64>,
    /// First beats of the bars, in seconds.
    pub downbeats: Vec<f64>,
    /// Chords, contiguous from 0 to the end.
    pub chords: Vec<TrueChord>,
    /// Drum strokes in order of time.
    pub drums: Vec<TrueHit>,
    /// The tune.
    pub melody: Vec<TrueNote>,
}

impl Song {
    /// The mean of the two channels: what the listener is fed.
    pub fn mono(&self) -> Vec<f32> {
        self.audio.mono()
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.audio.frames() as f64 / f64::from(self.sample_rate)
    }
}

impl Spec {
    /// Plays the song. The same spec and rate give the same samples on every platform.
    pub fn render(&self, sample_rate: u32) -> Song {
        arrange::song(self, sample_rate)
    }
}

/// The demo that Backline ships: a guitar and a tune, no drums, 32 bars in A minor at 100 a minute.
pub fn demo_song() -> Song {
    DEMO.render(SAMPLE_RATE)
}

/// All songs but the demo, for tests: 70 to 174 a minute, 4/4, 3/4 and 6/8, triads, sevenths and
/// inversions, with and without drums and bass.
pub fn songs() -> impl Iterator<Item = Song> {
    SPECS.iter().map(|spec| spec.render(SAMPLE_RATE))
}
