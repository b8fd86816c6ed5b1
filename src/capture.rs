//! The always-on capture: the last bars that were played, ready to be kept as a clip.

use std::collections::VecDeque;
use std::sync::Arc;

use backline_engine::Place;
use backline_music::{Plan, PlannedBar, PlannedNote, Timeline};

/// Bars that are kept.
pub const BARS_KEPT: usize = 64;

/// Watches the playhead and keeps every bar that it has left, in the order of playing.
#[derive(Debug, Default)]
pub struct Capture {
    bars: VecDeque<Arc<PlannedBar>>,
    /// The bar that sounds now, whether it is on the host's timeline, and where the playhead stood.
    now: Option<(Arc<PlannedBar>, bool, f64)>,
    /// Which parts have been heard since.
    on: [bool; 3],
}

impl Capture {
    /// Forgets the bar that sounds now: the stream ends, or begins anew. Those that are kept depend on no stream.
    pub fn forget_now(&mut self) {
        self.now = None;
    }

    /// Notes that the playhead stands at `place` while `plan` is in force and the parts in `on` are heard, by
    /// [`Part::index`](backline_music::Part::index): what was not heard is not kept.
    pub fn watch(&mut self, place: Option<Place>, plan: &Plan, on: [bool; 3]) {
        let before = std::mem::replace(&mut self.on, on);
        let Some(place) = place else {
            self.leave(on);
            return;
        };
        let host = matches!(place.timeline, Timeline::Host);
        let sounds = plan.bars.iter().find(|b| b.start_beat <= place.beat && place.beat < b.end_beat());
        let same = |(now, on_host, at): &(Arc<PlannedBar>, bool, f64)| {
            *on_host == host
                && *at <= place.beat + 1.0e-6
                && sounds.is_some_and(|bar| (bar.start_beat - now.start_beat).abs() < 1.0e-6)
        };
        let goes_on = self.now.as_ref().is_some_and(same);
        let Some((bar, _, at)) = self.now.as_mut().filter(|_| goes_on) else {
            self.leave(before);
            self.now = sounds.map(|bar| (Arc::new(bar.clone()), host, place.beat));
            return;
        };
        silence(bar, *at, place.beat, before);
        *at = place.beat;
    }

    /// Keeps the bar that sounded until now with the parts in `on`, if the playhead went through most of it.
    fn leave(&mut self, on: [bool; 3]) {
        if let Some((mut bar, _, at)) = self.now.take()
            && at - bar.start_beat >= 0.75 * bar.metre.bar_quarters()
        {
            silence(&mut bar, at, f64::INFINITY, on);
            self.bars.push_back(bar);
            if self.bars.len() > BARS_KEPT {
                self.bars.pop_front();
            }
        }
    }

    /// The kept bars, oldest first.
    pub fn bars(&self) -> Vec<Arc<PlannedBar>> {
        self.bars.iter().map(Arc::clone).collect()
    }
}

/// Takes the notes between two positions of the playhead out of `bar` whose parts are not `on`. What is played a little
/// before the bar belongs to its start.
fn silence(bar: &mut Arc<PlannedBar>, from: f64, to: f64, on: [bool; 3]) {
    let start = bar.start_beat;
    let heard =
        |note: &PlannedNote| on[note.part.index()] || !(from..to).contains(&note.onset_beat.max(start));
    if !bar.notes.iter().all(heard) {
        Arc::make_mut(bar).notes.retain(heard);
    }
}

#[cfg(test)]
mod tests {
    use backline_music::{Metre, Part};

    use super::*;
    use crate::test_bars::bar;

    fn plan(bars: i64) -> Plan {
        Plan { bars: (0..bars).map(|index| bar(index, Vec::new())).collect(), ..Plan::empty() }
    }

    fn at(beat: f64) -> Option<Place> {
        Some(Place {
            timeline: Timeline::Host,
            beat,
            bar_start: (beat / 4.0).floor() * 4.0,
            metre: Metre::FOUR_FOUR,
            tempo_bpm: 120.0,
        })
    }

    fn run(capture: &mut Capture, plan: &Plan, from: f64, to: f64) {
        let mut beat = from;
        while beat < to {
            capture.watch(at(beat), plan, [true; 3]);
            beat += 0.125;
        }
    }

    fn kept(capture: &Capture) -> Vec<i64> {
        capture.bars().iter().map(|bar| bar.index).collect()
    }

    #[test]
    fn bars_are_kept_as_they_were_played() {
        let (mut capture, plan) = (Capture::default(), plan(8));
        run(&mut capture, &plan, 0.0, 9.0);
        assert_eq!(kept(&capture), [0, 1]);
        // Back to bar 1 in the middle of bar 2, which is therefore not whole; round the loop once more.
        run(&mut capture, &plan, 4.0, 8.0);
        run(&mut capture, &plan, 4.0, 8.0);
        capture.watch(None, &plan, [true; 3]);
        assert_eq!(kept(&capture), [0, 1, 1, 1]);
    }

    #[test]
    fn a_one_bar_loop_counts_every_round() {
        let (mut capture, plan) = (Capture::default(), plan(1));
        (0..5).for_each(|_| run(&mut capture, &plan, 0.0, 4.0));
        assert_eq!(kept(&capture).len(), 4, "the fifth still sounds");
    }

    #[test]
    fn only_the_last_bars_are_kept() {
        let (mut capture, plan) = (Capture::default(), plan(100));
        run(&mut capture, &plan, 0.0, 400.0);
        let kept = kept(&capture);
        assert_eq!((kept.len(), kept[0], kept[63]), (64, 35, 98));
    }

    #[test]
    fn what_is_muted_is_not_kept() {
        let note =
            |part, onset_beat| PlannedNote { part, key: 40, velocity: 90, onset_beat, length_beats: 0.2 };
        let steps = |start: f64| [start - 0.02, start + 1.0, start + 2.0, start + 3.9];
        let of = |start: f64| {
            let both = |at| [note(Part::Drums, at), note(Part::Bass, at)];
            steps(start).into_iter().flat_map(both).collect()
        };
        let mut plan = plan(2);
        plan.bars.iter_mut().for_each(|bar| bar.notes = of(bar.start_beat));
        let mut capture = Capture::default();
        let mut beat = 0.0;
        while beat < 8.125 {
            // The drums are off from 1.5 to 5.5.
            capture.watch(at(beat), &plan, [!(1.5..5.5).contains(&beat), true, true]);
            beat += 0.125;
        }
        let drums: Vec<f64> = capture
            .bars()
            .iter()
            .flat_map(|bar| bar.notes.clone())
            .filter(|note| note.part == Part::Drums)
            .map(|note| note.onset_beat)
            .collect();
        assert_eq!(drums, [-0.02, 1.0, 6.0, 7.9]);
        assert_eq!(capture.bars().iter().map(|bar| bar.notes.len()).sum::<usize>(), 4 + 8);
    }
}
