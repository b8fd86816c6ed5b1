//! From what is heard and the controls to what is played: drums, chords and bass.
//!
//! [`plan_bar`] fills one bar; [`anticipate`] says which harmony to expect in the bars to come;
//! [`style`] holds what a band plays in each genre. Everything is a pure function: the same
//! arguments give the same notes, on every platform.
//!
//! ```
//! use backline_music::{Controls, Metre, PlannedChord};
//! use backline_play::{BarContext, plan_bar};
//!
//! let chord = PlannedChord { start_beat: 0.0, length_beats: 4.0, chord: "A:min".parse().ok(), prob: 0.9 };
//! let context = BarContext {
//!     index: 0,
//!     start_beat: 0.0,
//!     metre: Metre::FOUR_FOUR,
//!     tempo_bpm: 120.0,
//!     chords: vec![chord],
//!     next_chord: None,
//!     key: None,
//!     accents: Vec::new(),
//!     heard_energy: 0.6,
//!     heard_valence: 0.5,
//!     style: "rock".into(),
//!     bar_in_phrase: 0,
//!     phrase_bars: 4,
//!     form: backline_play::Form::Groove,
//!     section_start: false,
//!     lift: 0.0,
//! };
//! let bar = plan_bar(&context, &Controls::default(), None);
//! assert!(bar.notes.iter().all(|n| (0.0..4.0).contains(&n.onset_beat)));
//! ```

pub mod anticipate;
mod bar;
mod bass;
mod comping;
mod dice;
mod drums;
pub mod form;
mod frame;
mod models;
mod render;
mod resolve;
mod retake;
pub mod style;
pub mod taste;
mod voicing;

use backline_music::{Controls, Key, Metre, PlannedBar, PlannedChord};

pub use anticipate::{Anticipator, BarHarmony, BeatChord, phrase_bars, phrase_start};
pub use comping::Comper;
pub use drums::Drummer;
pub use form::Form;
pub use models::Models;
pub use resolve::resolve_style;
pub use retake::{Line, retake};
pub use style::{StyleError, StyleInfo, style, styles, usual_phrase_bars};
pub use taste::{Taste, Verdict, plan_by_taste};

/// What the player knows about the bar that it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct BarContext {
    /// Bar number on the timeline.
    pub index: i64,
    /// First quarter note of the bar.
    pub start_beat: f64,
    /// Metre of the bar.
    pub metre: Metre,
    /// Quarter notes a minute.
    pub tempo_bpm: f64,
    /// Harmony of the bar, contiguous over it; empty when nothing harmonic is known.
    pub chords: Vec<PlannedChord>,
    /// Root of the harmony that follows this bar (for approach notes and anticipations), if known.
    pub next_chord: Option<PlannedChord>,
    /// Key, if known.
    pub key: Option<Key>,
    /// Onset strength heard at each sixteenth of a bar (averaged over the last bars), 0..=1; length
    /// `4 × bar_quarters`, or empty when nothing is known.
    pub accents: Vec<f32>,
    /// Heard energy, 0..=1, which `Controls::energy` = 0 follows.
    pub heard_energy: f32,
    /// Heard valence (dark 0 … bright 1).
    pub heard_valence: f32,
    /// Id of the style to play in (already resolved from the choice and what is heard).
    pub style: String,
    /// Bar in the phrase, from 0.
    pub bar_in_phrase: u32,
    /// Bars in the phrase: 4, 8, …
    pub phrase_bars: u32,
    /// What the musician wants of the form.
    pub form: Form,
    /// Whether something begins here: the form has just changed.
    pub section_start: bool,
    /// How the input has lately moved: −1 (much softer than before) … 0 … 1 (much louder).
    pub lift: f32,
}

/// Plans one bar. Pure: the same arguments give the same bar, on every platform. `previous` is the
/// bar that sounds before this one, for voice-leading.
///
/// Parts that are switched off are planned and left out, so that the others play the same. A bar
/// that cannot be placed (a metre out of range, a position beyond 10⁹ beats) stays empty; an unknown
/// style is played as the first of [`styles`].
pub fn plan_bar(ctx: &BarContext, controls: &Controls, previous: Option<&PlannedBar>) -> PlannedBar {
    plan_bar_with(Models::built_in(), ctx, controls, previous)
}

/// As [`plan_bar`], played with `models`.
pub fn plan_bar_with(
    models: &Models,
    ctx: &BarContext,
    controls: &Controls,
    previous: Option<&PlannedBar>,
) -> PlannedBar {
    plan(models, ctx, controls, previous, [controls.seed; 3])
}

/// As [`plan_bar_with`], with a seed for each part.
fn plan(
    models: &Models,
    ctx: &BarContext,
    controls: &Controls,
    previous: Option<&PlannedBar>,
    seeds: [u32; 3],
) -> PlannedBar {
    let mut planned = PlannedBar {
        index: ctx.index,
        start_beat: ctx.start_beat,
        metre: ctx.metre,
        tempo_bpm: bar::sane_tempo(ctx.tempo_bpm),
        style: ctx.style.clone(),
        fill: false,
        chords: Vec::new(),
        notes: Vec::new(),
    };
    if !bar::is_playable(ctx) {
        return planned;
    }
    planned.chords = bar::contiguous(ctx);
    let Some(style) = style(&ctx.style).or_else(|| styles().first()) else { return planned };
    planned.style.clone_from(&style.id);
    let bar = bar::Bar::new(ctx, controls, style, &planned.chords, seeds);
    let (mut strokes, fill) = drums::play(&bar, models.drums.as_deref(), previous.is_some_and(|p| p.fill));
    planned.fill = fill && bar.form == Form::Groove;
    let kicks: Vec<i32> = strokes.iter().filter(|s| s.key == KICK_KEY).map(|s| s.tick).collect();
    let (chords, ahead) = comping::play(&bar, models.comping.as_deref(), previous);
    strokes.extend(chords);
    strokes.extend(bass::play(&bar, &kicks, &ahead, previous));
    form::shape(&bar, &mut strokes);
    strokes.retain(|s| controls.parts_on[s.part.index()]);
    planned.notes = render::notes(&bar, ctx.start_beat, &strokes);
    planned
}

/// The General MIDI key of the bass drum.
const KICK_KEY: u8 = backline_music::DrumVoice::Kick.gm_key();
