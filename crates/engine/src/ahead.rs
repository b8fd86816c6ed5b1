//! The harmony of bars that have not sounded yet: what was heard at the same place of the project
//! before, else what the progression so far makes likely.

use backline_music::{Metre, PlannedChord};
use backline_play::{Anticipator, BarHarmony, Models, phrase_bars};

use crate::clock::Position;
use crate::memory::{HeardBar, Memory};

/// Trust in a place of the project: songs are edited, so it is not complete.
const PLACE_TRUST: f32 = 0.95;
/// Bars that are looked back over for the length of a phrase.
const PHRASE_WINDOW_BARS: usize = 64;

/// The harmony of the coming bars.
#[derive(Debug)]
pub(crate) struct Ahead {
    metre: Metre,
    /// The bar that sounds now, if any of it was heard, followed to its end.
    now: Option<Vec<PlannedChord>>,
    /// Chord and probability at each tactus of the bars that follow `now` (or that begin with the
    /// present bar, when none of it was heard).
    coming: Vec<BarHarmony>,
    /// The bar that sounds now, counted from the first, and the bars of a phrase.
    phrase: (i64, u32),
}

impl Ahead {
    /// Looks `bars` bars ahead of `position`, to which loops have come back by `lap_beats`; phrases are as
    /// `usual` in the style.
    pub fn of(memory: &Memory, position: &Position, bars: usize, lap_beats: f64, usual: u32) -> Self {
        let metre = position.metre;
        let heard: Vec<&HeardBar> =
            memory.bars().iter().filter(|bar| bar.metre == metre && !bar.harmony.is_empty()).collect();
        let now = heard
            .last()
            .filter(|bar| memory.bars().back().is_some_and(|newest| std::ptr::eq::<HeardBar>(**bar, newest)))
            .map(|bar| bar.planned_chords());
        let history: Vec<BarHarmony> = heard.iter().map(|bar| bar.bar_harmony()).collect();
        let coming = Anticipator::with(Models::built_in()).predict(&history, bars);
        let first = memory.phrase_start(position).unwrap_or(position.bar_start + lap_beats);
        #[allow(clippy::cast_possible_truncation)] // positions are bounded by the clock
        let bar = ((position.bar_start + lap_beats - first) / metre.bar_quarters()).round() as i64;
        let recent = &history[history.len().saturating_sub(PHRASE_WINDOW_BARS)..];
        Self { metre, now, coming, phrase: (bar, phrase_bars(recent, usual)) }
    }

    /// The harmony of the bar that starts at `start`, `bars_ahead` bars after the one that sounds now.
    /// Contiguous over the bar, or empty when nothing is known.
    pub fn chords(&self, memory: &Memory, bars_ahead: usize, start: f64) -> Vec<PlannedChord> {
        if bars_ahead == 0
            && let Some(now) = &self.now
        {
            return now.clone();
        }
        if let Some(bar) = memory.at_place(start, self.metre)
            && bar.harmony.len() == usize::from(self.metre.tactus_per_bar())
        {
            let mut chords = bar.planned_chords();
            chords.iter_mut().for_each(|chord| chord.prob *= PLACE_TRUST);
            return chords;
        }
        let i = bars_ahead - usize::from(self.now.is_some());
        let Some(harmony) = self.coming.get(i) else { return Vec::new() };
        let mut bar = HeardBar::starting(start, self.metre, 120.0, (start, 0.0));
        bar.harmony = harmony.beats.iter().map(|beat| (beat.chord, beat.prob)).collect();
        bar.planned_chords()
    }

    /// Bar in the phrase and bars in the phrase, `bars_ahead` bars after the one that sounds now.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)] // a handful
    pub fn phrase(&self, bars_ahead: usize) -> (u32, u32) {
        let (bar, bars) = self.phrase;
        ((bar + bars_ahead as i64).rem_euclid(i64::from(bars.max(1))) as u32, bars)
    }
}
