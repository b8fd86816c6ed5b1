//! Bars for tests: four quarters of rock each, laid end to end.

use backline_music::{Metre, PlannedBar, PlannedNote};

/// The `index`-th bar, with `notes` in it.
pub fn bar(index: i64, notes: Vec<PlannedNote>) -> PlannedBar {
    PlannedBar {
        index,
        start_beat: index as f64 * 4.0,
        metre: Metre::FOUR_FOUR,
        tempo_bpm: 120.0,
        style: "rock".into(),
        fill: false,
        chords: Vec::new(),
        notes,
    }
}
