//! What the musician has written into the lanes: bars that are kept as they are, and other takes.

use backline_music::{Part, PlannedBar, PlannedNote};
use backline_play::Line;
use serde::{Deserialize, Serialize};

use crate::memory::place;

/// Kept bars and takes at most, so that a project cannot grow without bound; the oldest go first.
const MAX_KEPT: usize = 4_096;
/// Notes that a kept bar of one part holds at most.
const MAX_NOTES: usize = 512;
/// Takes are counted up to here.
const MAX_TAKE: u32 = 9_999;
/// How far a note may lean out of its bar, in quarter notes.
const LEAN_BEATS: f64 = 1.0;

/// A note of a kept bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u8, u8, f64, f64)", into = "(u8, u8, f64, f64)")]
pub struct KeptNote {
    /// MIDI key; for drums a General MIDI percussion key.
    pub key: u8,
    /// MIDI velocity, 1..=127.
    pub velocity: u8,
    /// Quarter notes from the bar's start; what leans out before it is negative.
    pub at_beats: f64,
    /// Quarter notes that it sounds, greater than 0.
    pub length_beats: f64,
}

impl From<(u8, u8, f64, f64)> for KeptNote {
    fn from((key, velocity, at_beats, length_beats): (u8, u8, f64, f64)) -> Self {
        Self { key, velocity, at_beats, length_beats }
    }
}

impl From<KeptNote> for (u8, u8, f64, f64) {
    fn from(note: KeptNote) -> Self {
        (note.key, note.velocity, note.at_beats, note.length_beats)
    }
}

/// One part of one bar as the musician wants it. The planner never overwrites it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptBar {
    /// The bar's first quarter note.
    pub start_beat: f64,
    /// Its length in quarter notes: in another metre it is another bar, and is not touched.
    pub length_beats: f64,
    /// Who plays it.
    pub part: Part,
    /// Whether the beats are those of the heard beat rather than the host's. Such bars mean nothing
    /// after the session and are not saved.
    #[serde(default)]
    pub on_heard_beat: bool,
    /// What is played; may be nothing.
    pub notes: Vec<KeptNote>,
}

impl KeptBar {
    /// What `part` plays in `bar`, kept as it is.
    pub fn of(bar: &PlannedBar, part: Part, on_heard_beat: bool) -> Self {
        let notes = bar.notes.iter().filter(|note| note.part == part).map(|note| KeptNote {
            key: note.key,
            velocity: note.velocity,
            at_beats: note.onset_beat - bar.start_beat,
            length_beats: note.length_beats,
        });
        Self {
            start_beat: bar.start_beat,
            length_beats: bar.metre.bar_quarters(),
            part,
            on_heard_beat,
            notes: notes.collect(),
        }
    }

    /// The notes on the timeline, in order.
    pub fn planned(&self) -> impl Iterator<Item = PlannedNote> + '_ {
        self.notes.iter().map(|note| PlannedNote {
            part: self.part,
            key: note.key,
            velocity: note.velocity,
            onset_beat: self.start_beat + note.at_beats,
            length_beats: note.length_beats,
        })
    }

    fn is_of(&self, start_beat: f64, part: Part, on_heard_beat: bool) -> bool {
        self.part == part
            && self.on_heard_beat == on_heard_beat
            && place(self.start_beat) == place(start_beat)
    }

    /// Whether music can mean it; its notes are put in order and into their ranges.
    fn make_sound(&mut self) -> bool {
        let bar = self.length_beats;
        self.notes.retain(|note| {
            (-LEAN_BEATS..bar + LEAN_BEATS).contains(&note.at_beats)
                && note.length_beats.is_finite()
                && note.length_beats > 0.0
                && note.key < 128
        });
        for note in &mut self.notes {
            note.velocity = note.velocity.clamp(1, 127);
            note.length_beats = note.length_beats.min(4.0 * bar);
        }
        self.notes.sort_by(|a, b| a.at_beats.total_cmp(&b.at_beats).then(a.key.cmp(&b.key)));
        self.notes.truncate(MAX_NOTES);
        self.start_beat.abs() <= 1.0e9 && (0.25..=64.0).contains(&bar)
    }
}

/// Another take of one line of one bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Take {
    /// The bar's first quarter note.
    pub start_beat: f64,
    /// See [`KeptBar::on_heard_beat`].
    #[serde(default)]
    pub on_heard_beat: bool,
    /// What is taken again.
    pub line: Line,
    /// Which take; 0 is the first and is not listed.
    pub take: u32,
}

/// Everything that the musician has written into the lanes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Edits {
    /// The kept bars, one for each place, clock and part.
    pub kept: Vec<KeptBar>,
    /// The takes, one for each place, clock and line.
    pub takes: Vec<Take>,
}

impl Edits {
    /// Whether nothing is edited.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.takes.is_empty()
    }

    /// What is kept of `part` in the bar that starts at `start_beat`.
    pub fn kept_at(&self, start_beat: f64, part: Part, on_heard_beat: bool) -> Option<&KeptBar> {
        self.kept.iter().find(|kept| kept.is_of(start_beat, part, on_heard_beat))
    }

    /// Keeps `bar`, in place of what was kept there before. Nonsense is ignored.
    pub fn keep(&mut self, mut bar: KeptBar) {
        if !bar.make_sound() {
            return;
        }
        self.release(bar.start_beat, bar.part, bar.on_heard_beat);
        self.kept.push(bar);
        let excess = self.kept.len().saturating_sub(MAX_KEPT);
        self.kept.drain(..excess);
    }

    /// Gives the bar that starts at `start_beat` back to the band, for one part.
    pub fn release(&mut self, start_beat: f64, part: Part, on_heard_beat: bool) {
        self.kept.retain(|kept| !kept.is_of(start_beat, part, on_heard_beat));
    }

    /// Asks for the next take of one line of the bar that starts at `start_beat`.
    pub fn retake(&mut self, start_beat: f64, line: Line, on_heard_beat: bool) {
        let there = |t: &&mut Take| {
            t.line == line && t.on_heard_beat == on_heard_beat && place(t.start_beat) == place(start_beat)
        };
        match self.takes.iter_mut().find(there) {
            Some(known) => known.take = known.take % MAX_TAKE + 1,
            None if start_beat.abs() <= 1.0e9 => {
                self.takes.push(Take { start_beat, on_heard_beat, line, take: 1 });
                let excess = self.takes.len().saturating_sub(MAX_KEPT);
                self.takes.drain(..excess);
            }
            None => {}
        }
    }

    /// The takes of the bar that starts at `start_beat`, in the order of their lines.
    pub fn takes_at(&self, start_beat: f64, on_heard_beat: bool) -> Vec<(Line, u32)> {
        let here = place(start_beat);
        let there = |t: &&Take| t.on_heard_beat == on_heard_beat && place(t.start_beat) == here;
        let mut takes: Vec<_> = self.takes.iter().filter(there).map(|t| (t.line, t.take)).collect();
        takes.sort_unstable();
        takes
    }

    /// Lays what is kept over `bar`. Parts that are switched off stay silent.
    pub fn lay_over(&self, bar: &mut PlannedBar, on_heard_beat: bool, parts_on: [bool; 3]) {
        let length = bar.metre.bar_quarters();
        let mut changed = false;
        for part in Part::ALL.into_iter().filter(|part| parts_on[part.index()]) {
            let Some(kept) = self.kept_at(bar.start_beat, part, on_heard_beat) else { continue };
            if (kept.length_beats - length).abs() < 1.0e-6 {
                bar.notes.retain(|note| note.part != part);
                bar.notes.extend(kept.planned());
                changed = true;
            }
        }
        if changed {
            bar.notes.sort_by(|a, b| {
                a.onset_beat.total_cmp(&b.onset_beat).then(a.part.cmp(&b.part)).then(a.key.cmp(&b.key))
            });
        }
    }

    /// Whether `bar` is another bar under `other` than under these edits.
    pub(crate) fn differ_at(&self, other: &Self, start_beat: f64, on_heard_beat: bool) -> bool {
        let kept = |edits: &Self, part| edits.kept_at(start_beat, part, on_heard_beat).cloned();
        Part::ALL.into_iter().any(|part| kept(self, part) != kept(other, part))
            || self.takes_at(start_beat, on_heard_beat) != other.takes_at(start_beat, on_heard_beat)
    }

    /// Lays `over` on top: what it keeps and takes counts where both do.
    pub fn lay_under(&mut self, over: &Self) {
        over.kept.iter().for_each(|bar| self.keep(bar.clone()));
        for take in &over.takes {
            let same = |t: &Take| {
                t.line == take.line
                    && t.on_heard_beat == take.on_heard_beat
                    && place(t.start_beat) == place(take.start_beat)
            };
            self.takes.retain(|t| !same(t));
            self.takes.push(*take);
        }
    }

    /// What a project keeps: edits on the heard beat mean nothing in another session.
    #[must_use]
    pub fn for_project(&self) -> Self {
        let mut saved = self.clone();
        saved.kept.retain(|kept| !kept.on_heard_beat);
        saved.takes.retain(|take| !take.on_heard_beat);
        saved
    }

    /// The same edits without what no music can mean.
    #[must_use]
    pub fn sanitised(mut self) -> Self {
        std::mem::take(&mut self.kept).into_iter().for_each(|bar| self.keep(bar));
        self.takes.retain(|t| t.start_beat.abs() <= 1.0e9 && (1..=MAX_TAKE).contains(&t.take));
        self.takes.truncate(MAX_KEPT);
        self
    }
}

#[cfg(test)]
mod tests {
    use backline_music::Metre;

    use super::*;

    fn bar(start_beat: f64) -> PlannedBar {
        let note = |part, key, at: f64| PlannedNote {
            part,
            key,
            velocity: 90,
            onset_beat: start_beat + at,
            length_beats: 0.5,
        };
        PlannedBar {
            index: 0,
            start_beat,
            metre: Metre::FOUR_FOUR,
            tempo_bpm: 120.0,
            style: "rock".into(),
            fill: false,
            chords: Vec::new(),
            notes: vec![note(Part::Drums, 36, -0.02), note(Part::Bass, 33, 0.0), note(Part::Drums, 38, 1.0)],
        }
    }

    fn of(bar: &PlannedBar, part: Part) -> Vec<PlannedNote> {
        bar.notes.iter().filter(|n| n.part == part).copied().collect()
    }

    #[test]
    fn what_is_kept_lies_over_its_own_bar_and_part_only() {
        let mut edits = Edits::default();
        let mut kept = KeptBar::of(&bar(8.0), Part::Drums, false);
        kept.notes.remove(1);
        kept.notes[0].velocity = 11;
        edits.keep(kept.clone());
        let mut here = bar(8.0);
        edits.lay_over(&mut here, false, [true; 3]);
        assert_eq!(
            of(&here, Part::Drums).iter().map(|n| (n.key, n.velocity)).collect::<Vec<_>>(),
            [(36, 11)]
        );
        assert_eq!(of(&here, Part::Bass), of(&bar(8.0), Part::Bass));
        for (start, heard, metre) in
            [(12.0, false, Metre::FOUR_FOUR), (8.0, true, Metre::FOUR_FOUR), (8.0, false, Metre::THREE_FOUR)]
        {
            let mut other = PlannedBar { metre, ..bar(start) };
            let before = other.clone();
            edits.lay_over(&mut other, heard, [true; 3]);
            assert_eq!(other, before, "{start} {heard} {metre:?}");
        }
        let mut muted = bar(8.0);
        muted.notes.retain(|n| n.part != Part::Drums);
        edits.lay_over(&mut muted, false, [false, true, true]);
        assert!(of(&muted, Part::Drums).is_empty(), "a part that is off stays off");
        edits.release(8.0, Part::Drums, false);
        assert!(edits.is_empty());
    }

    #[test]
    fn takes_count_up_and_a_project_keeps_the_hosts_beats() {
        let mut edits = Edits::default();
        let line = Line::Part(Part::Bass);
        edits.retake(4.0, line, false);
        edits.retake(4.0, line, false);
        edits.retake(4.0, line, true);
        assert_eq!(edits.takes_at(4.0, false), [(line, 2)]);
        assert!(
            edits.differ_at(&Edits::default(), 4.0, false) && !edits.differ_at(&Edits::default(), 8.0, false)
        );
        edits.keep(KeptBar::of(&bar(8.0), Part::Bass, true));
        let saved = edits.for_project();
        assert_eq!((saved.kept.len(), saved.takes.len()), (0, 1));
    }

    #[test]
    fn nonsense_is_left_out() {
        let mut wild = Edits::default();
        let good = KeptBar::of(&bar(8.0), Part::Drums, false);
        wild.kept.push(KeptBar { start_beat: f64::NAN, ..good.clone() });
        wild.kept.push(KeptBar { length_beats: 0.0, ..good.clone() });
        let mut odd = good.clone();
        odd.notes.push(KeptNote { key: 200, velocity: 0, at_beats: 0.0, length_beats: 1.0 });
        odd.notes.push(KeptNote { key: 42, velocity: 0, at_beats: f64::INFINITY, length_beats: 1.0 });
        odd.notes.push(KeptNote { key: 42, velocity: 0, at_beats: 0.5, length_beats: -1.0 });
        wild.kept.push(odd);
        wild.takes.push(Take {
            start_beat: 0.0,
            on_heard_beat: false,
            line: Line::Part(Part::Bass),
            take: 0,
        });
        let tame = wild.sanitised();
        assert_eq!(tame, Edits { kept: vec![good], takes: Vec::new() });
    }
}
