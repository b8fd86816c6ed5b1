//! The form of a song on command: intro, break and ending, and what they leave of a bar.

use backline_music::{DrumVoice, Part};
use serde::{Deserialize, Serialize};

use crate::bar::Bar;
use crate::frame::TICKS;
use crate::render::Stroke;

/// What the musician wants of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The whole band plays.
    #[default]
    Groove,
    /// Time and chords only: kick, snare and bass wait.
    Intro,
    /// A stop: one stroke together, then the chords ring alone.
    Break,
    /// One last stroke together that rings out its bar; then silence.
    Ending,
}

/// Share of the energy that an intro keeps.
const INTRO_ENERGY: f64 = 0.6;

impl Form {
    /// Whether the band strikes once, together, and then waits.
    pub(crate) fn stops(self) -> bool {
        matches!(self, Self::Break | Self::Ending)
    }

    /// The energy that this form leaves of `energy`, both 0..=1.
    pub(crate) fn energy(self, energy: f64) -> f64 {
        if self == Self::Intro { INTRO_ENERGY * energy } else { energy }
    }
}

/// Leaves of the strokes what the form wants, and adds what it needs.
pub(crate) fn shape(bar: &Bar, strokes: &mut Vec<Stroke>) {
    match bar.form {
        Form::Groove => {}
        Form::Intro => strokes.retain(|s| match s.part {
            Part::Drums => !is_loud_drum(s.key),
            Part::Chords => true,
            Part::Bass => false,
        }),
        Form::Break | Form::Ending => stop(bar, strokes),
    }
}

/// All drums but hats and ride.
fn is_loud_drum(key: u8) -> bool {
    let time = [DrumVoice::ClosedHat, DrumVoice::OpenHat, DrumVoice::Ride].map(DrumVoice::gm_key);
    !time.contains(&key) && key != crate::style::Lane::PedalHat.gm_key()
}

/// One stroke together on the downbeat where the form begins; the chords ring through a break, and nothing
/// sounds after the bar of the ending.
fn stop(bar: &Bar, strokes: &mut Vec<Stroke>) {
    let rings = bar.section_start || bar.form == Form::Break;
    // Chords and bass have played their one stroke by themselves.
    strokes.retain(|s| match s.part {
        Part::Drums => false,
        Part::Chords => rings,
        Part::Bass => bar.section_start,
    });
    for s in strokes.iter_mut() {
        (s.tick, s.end_tick, s.level) = (0, bar.ticks, s.level.max(0.75));
    }
    if bar.section_start {
        let strike = |voice: DrumVoice, level| Stroke {
            part: Part::Drums,
            key: voice.gm_key(),
            tick: 0,
            end_tick: TICKS / 8,
            level,
            late_ms: 0.0,
            group: 0,
        };
        strokes.extend([strike(DrumVoice::Kick, 0.95), strike(DrumVoice::Crash, 0.9)]);
    }
}
