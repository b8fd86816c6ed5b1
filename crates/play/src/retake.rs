//! Another take of one line of a bar, everything else kept.

use backline_music::{Controls, DrumVoice, Part, PlannedBar, PlannedNote};
use serde::{Deserialize, Serialize};

use crate::style::Lane;
use crate::{BarContext, Models};

/// What a musician takes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// One voice of the kit.
    Drum(DrumVoice),
    /// A whole part.
    Part(Part),
}

/// Strokes closer than this are struck together, in quarter notes.
const TOGETHER_BEATS: f64 = 0.04;
/// Sticks that a drummer has.
const STICKS: usize = 2;

impl Line {
    fn part(self) -> Part {
        match self {
            Self::Drum(_) => Part::Drums,
            Self::Part(part) => part,
        }
    }

    fn holds(self, note: &PlannedNote) -> bool {
        match self {
            Self::Drum(voice) => note.part == Part::Drums && voice_of(note.key) == Some(voice),
            Self::Part(part) => note.part == part,
        }
    }
}

fn voice_of(key: u8) -> Option<DrumVoice> {
    match key {
        k if k == Lane::Rim.gm_key() || k == Lane::Clap.gm_key() => Some(DrumVoice::Snare),
        k if k == Lane::PedalHat.gm_key() => Some(DrumVoice::ClosedHat),
        k => DrumVoice::ALL.into_iter().find(|v| v.gm_key() == k),
    }
}

/// `bar` with take number `take` of one line; take 0 is the one of [`crate::plan_bar`]. `ctx`, `controls` and
/// `previous` are those that `bar` was planned with. All other notes stay, so a bass keeps to the kick that it
/// was played with.
pub fn retake(
    bar: &PlannedBar,
    ctx: &BarContext,
    controls: &Controls,
    previous: Option<&PlannedBar>,
    line: Line,
    take: u32,
) -> PlannedBar {
    let mut seeds = [controls.seed; 3];
    // The golden ratio's odd multiple lies far from every seed that is counted up.
    let seed = &mut seeds[line.part().index()];
    *seed = seed.wrapping_add(take.wrapping_mul(0x9E37_79B9));
    let new = crate::plan(Models::built_in(), ctx, controls, previous, seeds);
    let mut notes: Vec<PlannedNote> = bar.notes.iter().filter(|n| !line.holds(n)).copied().collect();
    let kept: Vec<PlannedNote> = notes.iter().filter(|n| by_stick(n)).copied().collect();
    let fits = |n: &&PlannedNote| {
        let hands = kept.iter().filter(|k| (k.onset_beat - n.onset_beat).abs() < TOGETHER_BEATS).count();
        line.part() != Part::Drums || !by_stick(n) || hands < STICKS
    };
    notes.extend(new.notes.iter().filter(|n| line.holds(n)).filter(fits));
    notes.sort_by(|a, b| {
        a.onset_beat.total_cmp(&b.onset_beat).then(a.part.cmp(&b.part)).then(a.key.cmp(&b.key))
    });
    PlannedBar { notes, ..bar.clone() }
}

fn by_stick(note: &PlannedNote) -> bool {
    let foot = [Lane::Kick, Lane::PedalHat].map(Lane::gm_key);
    note.part == Part::Drums && !foot.contains(&note.key)
}
