//! What a window asks of a session: where the music stands, and its harmony bar by bar.

use backline_music::{Chord, ChordSpan, Metre, Timeline};
use serde::{Deserialize, Serialize};

use crate::clock::Position;
use crate::memory::HeardBar;

/// Where on the timeline the session stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// What the beats are counted on.
    pub timeline: Timeline,
    /// Quarter notes on that timeline.
    pub beat: f64,
    /// First quarter note of the bar in force.
    pub bar_start: f64,
    /// Metre in force.
    pub metre: Metre,
    /// Quarter notes a minute.
    pub tempo_bpm: f64,
}

impl From<Position> for Place {
    fn from(p: Position) -> Self {
        Self {
            timeline: p.timeline,
            beat: p.beat,
            bar_start: p.bar_start,
            metre: p.metre,
            tempo_bpm: p.tempo_bpm,
        }
    }
}

/// A stretch of one chord on the beat grid, as it was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardCell {
    /// Start, in quarter notes of the timeline.
    pub start_beat: f64,
    /// Length in quarter notes.
    pub length_beats: f64,
    /// The chord, or `None` for no chord.
    pub chord: Option<Chord>,
    /// Its probability, 0..=1; 1 for what the musician has set.
    pub prob: f32,
    /// Other chords that were likely here, likeliest first.
    pub alternates: Vec<(Option<Chord>, f32)>,
}

/// The cells of the bars from the first of `bars` on, with the alternates that `spans` tell of.
pub(crate) fn heard_cells<'a>(
    bars: impl Iterator<Item = &'a HeardBar>,
    spans: &[ChordSpan],
) -> Vec<HeardCell> {
    let mut cells = Vec::new();
    for bar in bars {
        for planned in bar.planned_chords() {
            let (start, end) = (planned.start_beat, planned.start_beat + planned.length_beats);
            let (from_s, to_s) = (bar.time_at(start), bar.time_at(end));
            let mut alternates: Vec<(Option<Chord>, f32)> = Vec::new();
            let first = spans.partition_point(|s| s.end_s <= from_s);
            for span in spans[first..].iter().take_while(|s| s.start_s < to_s) {
                for (chord, prob) in [Some((span.chord, span.prob)), span.runner_up].into_iter().flatten() {
                    if chord != planned.chord && !alternates.iter().any(|(known, _)| *known == chord) {
                        alternates.push((chord, prob));
                    }
                }
            }
            alternates.sort_by(|a, b| b.1.total_cmp(&a.1));
            cells.push(HeardCell {
                start_beat: start,
                length_beats: planned.length_beats,
                chord: planned.chord,
                prob: planned.prob,
                alternates,
            });
        }
    }
    cells
}
