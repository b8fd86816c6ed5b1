//! What the worker shows the window: one value, made whole and handed over without a lock.

use std::sync::Arc;

use backline_engine::{HeardCell, Place, Session, Status};
use backline_music::{ChordSpan, Estimate, Key, Metre, Plan, PlannedBar};
use serde::{Deserialize, Serialize};

use crate::capture::Capture;
use crate::params::Link;

/// Seconds of the strip of onsets and beats.
pub const STRIP_S: f64 = 8.0;
/// Heard bars that the chord lane can show.
const CELL_BARS: usize = 12;

/// The last seconds of what was heard, for the strip. Times are stream seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Strip {
    /// Momentary loudness in LUFS, ten a second.
    pub loudness: Vec<(f64, f32)>,
    /// Onsets with their strength, 0..=1.
    pub onsets: Vec<(f64, f32)>,
    /// Beats; `true` for a downbeat.
    pub beats: Vec<(f64, bool)>,
}

/// What was heard and what is planned. What has its own way between linked instances is not written with the rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts up with every picture.
    pub revision: u64,
    /// Stream time up to which the listener has heard, in seconds.
    pub heard_s: f64,
    /// What the session is doing.
    pub session: Status,
    /// Where the music stands.
    pub place: Option<Place>,
    /// Heard tempo in tactus a minute.
    pub tempo_bpm: Option<Estimate<f64>>,
    /// Heard key.
    pub key: Option<Estimate<Key>>,
    /// Heard metre.
    pub metre: Option<Estimate<Metre>>,
    /// The chord that sounds.
    pub chord: Option<ChordSpan>,
    /// Beats heard since the start, counted up to 8: how far listening has got.
    pub beats_heard: usize,
    /// Style guesses, likeliest first.
    pub styles: Vec<(String, f32)>,
    /// Heard energy and valence, 0..=1.
    pub mood: (f32, f32),
    /// Heard harmony on the beat grid, oldest first.
    pub cells: Vec<HeardCell>,
    /// The plan in force.
    #[serde(skip)]
    pub plan: Option<Arc<Plan>>,
    /// The bars that were played last, oldest first.
    #[serde(skip)]
    pub captured: Vec<Arc<PlannedBar>>,
    /// The last seconds.
    pub strip: Strip,
    /// Sentences for the musician.
    pub notices: Vec<String>,
    /// What is wrong with the models that should be there; empty when nothing is.
    pub model_notices: Vec<String>,
    /// Listening has ended for good; the audio still passes.
    pub failed: bool,
    /// What is heard is the demo.
    pub demo: bool,
    /// The band that this instance belongs to.
    #[serde(skip)]
    pub link: Option<Linked>,
    /// What the musician judged last.
    #[serde(skip)]
    pub judged: Option<Judged>,
}

/// What the musician thinks of some bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The first bar's number on the timeline, from 0.
    pub first: i64,
    /// The last bar's.
    pub last: i64,
    /// Whether they are liked.
    pub liked: bool,
}

/// An instance's place in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linked {
    /// The group.
    pub group: Link,
    /// Whether it is this instance that hears and plans.
    pub leads: bool,
    /// How many belong to the group.
    pub members: usize,
}

impl Snapshot {
    /// Reads `session`; `plan` is its plan, shared.
    pub fn read(&mut self, session: &Session, plan: &Arc<Plan>, capture: &Capture) {
        let heard = session.heard();
        self.heard_s = heard.time_s;
        self.session = session.status();
        self.place = session.place();
        self.tempo_bpm = heard.tempo_bpm;
        self.key = heard.key;
        self.metre = heard.metre;
        self.chord = heard.chords.last().copied();
        self.beats_heard = heard.beats.len().min(8);
        self.styles = heard.style.top.iter().take(3).cloned().collect();
        self.mood = (heard.style.energy, heard.style.valence);
        self.cells = session.heard_cells(CELL_BARS);
        self.plan = Some(Arc::clone(plan));
        self.captured = capture.bars();
        self.notices.extend(heard.notices.iter().cloned());
        let from_s = heard.time_s - STRIP_S;

        let first = heard.loudness.partition_point(|l| l.time_s < from_s);
        self.strip.loudness = heard.loudness[first..].iter().map(|l| (l.time_s, l.momentary_lufs)).collect();
        let first = heard.onsets.partition_point(|o| o.time_s < from_s);
        self.strip.onsets = heard.onsets[first..].iter().map(|o| (o.time_s, o.strength)).collect();
        let first = heard.beats.partition_point(|b| b.time_s < from_s);
        self.strip.beats = heard.beats[first..].iter().map(|b| (b.time_s, b.beat == 1)).collect();
    }

    /// Whether the window would look different: the clock alone, in silence, is no news.
    pub fn differs(&self, before: &Self) -> bool {
        let audible = |s: &Self| s.strip.loudness.last().is_some_and(|l| l.1 > -60.0);
        let plan = |s: &Self| s.plan.as_ref().map(|plan| plan.revision);
        audible(self)
            || audible(before)
            || self.place != before.place
            || self.session != before.session
            || plan(self) != plan(before)
            || self.captured.len() != before.captured.len()
            || self.notices != before.notices
            || (self.failed, self.demo, self.link) != (before.failed, before.demo, before.link)
            || self.judged != before.judged
            || !self.strip.onsets.is_empty()
    }

    /// Notes in the plan.
    pub fn planned_notes(&self) -> usize {
        self.plan.as_ref().map_or(0, |plan| plan.notes().count())
    }
}
