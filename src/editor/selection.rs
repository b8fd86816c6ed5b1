//! The bars that the lanes show, and those of them that were selected on the ruler.

use std::sync::Arc;

use backline_music::{Metre, Part, PlannedBar};

use super::scene::Scene;

/// Two positions nearer than this are one, in quarter notes.
const NEAR: f64 = 1e-6;

/// Some bars of the lanes, from one bar line to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Selection {
    /// The first quarter note.
    pub from_beat: f64,
    /// One past the last.
    pub to_beat: f64,
    /// Whether the beats are those of the heard beat rather than the host's.
    pub on_heard_beat: bool,
}

impl Selection {
    /// Its first and its last bar, as the musician counts.
    pub fn numbers(&self, scene: &Scene<'_>) -> (i64, i64) {
        let last = bar_around(scene, self.to_beat - NEAR).0;
        let number = |beat| crate::clips::number(beat, bar_around(scene, beat + NEAR).1 - beat);
        (number(self.from_beat), number(last))
    }
}

/// The bars that the lanes show between two positions, with whether each is fixed: to the left of the playhead the
/// newest of what was played there, and the plan. In no order.
pub fn shown<'s>(scene: &Scene<'s>, from: f64, to: f64) -> Vec<(&'s PlannedBar, bool)> {
    let snapshot = scene.snapshot;
    let now = scene.playhead();
    let mut out: Vec<(&PlannedBar, bool)> = Vec::new();
    let mut show = |bar: &'s PlannedBar, fixed: bool| {
        let meets = |(other, _): &(&PlannedBar, bool)| {
            other.start_beat < bar.end_beat() - NEAR && bar.start_beat < other.end_beat() - NEAR
        };
        if bar.end_beat() >= from && bar.start_beat <= to && !out.iter().any(meets) {
            out.push((bar, fixed));
        }
    };
    for bar in snapshot.captured.iter().rev().filter(|bar| bar.end_beat() <= now + NEAR) {
        show(bar, true);
    }
    if let Some(plan) = &snapshot.plan {
        plan.bars.iter().for_each(|bar| show(bar, bar.start_beat < plan.committed_beat - NEAR));
    }
    out
}

/// The bar at a position: its first quarter note and one past its last. Where none is shown, the grid's.
pub fn bar_around(scene: &Scene<'_>, beat: f64) -> (f64, f64) {
    let known = shown(scene, beat, beat).into_iter().map(|(bar, _)| (bar.start_beat, bar.end_beat()));
    let bar = scene.bar_quarters();
    let origin = scene.snapshot.place.map_or(scene.playhead(), |place| place.bar_start);
    let start = origin + ((beat - origin) / bar).floor() * bar;
    let mut known = known.filter(|(from, to)| *from <= beat && beat < *to);
    known.next().unwrap_or((start, start + bar))
}

/// The selected bars in order, as the lanes show them, with what the musician has written into them; where nothing
/// is known a bar rests, so that all that follows starts on its own bar; so do parts that are off. Empty when none of them is known.
pub fn bars(scene: &Scene<'_>, selection: &Selection) -> Vec<Arc<PlannedBar>> {
    let Selection { from_beat, to_beat, on_heard_beat } = *selection;
    if on_heard_beat != scene.on_heard_beat() {
        return Vec::new();
    }
    let mut known = shown(scene, from_beat, to_beat);
    known.retain(|(bar, _)| (from_beat - NEAR..to_beat - NEAR).contains(&bar.start_beat));
    known.sort_by(|a, b| a.0.start_beat.total_cmp(&b.0.start_beat));
    let Some((first, _)) = known.first() else { return Vec::new() };
    let (now, heard) = (scene.playhead(), scene.params.knobs().parts_heard());
    let mut out = Vec::new();
    let (mut beat, mut like) = (from_beat, *first);
    for (bar, _) in known {
        out.extend(rests(beat, bar.start_beat, like));
        (beat, like) = (bar.end_beat(), bar);
        let mut bar = bar.clone();
        for part in Part::ALL {
            let kept = scene.edits.kept_at(bar.start_beat, part, on_heard_beat);
            if let Some(kept) = kept.filter(|k| (k.length_beats - bar.metre.bar_quarters()).abs() < NEAR) {
                bar.notes.retain(|note| note.part != part);
                bar.notes.extend(kept.planned());
            }
        }
        // What was played holds what was heard.
        let played = bar.end_beat() <= now + NEAR;
        bar.notes.retain(|note| played || heard[note.part.index()]);
        bar.notes.sort_by(|a, b| a.onset_beat.total_cmp(&b.onset_beat));
        out.push(bar);
    }
    out.extend(rests(beat, to_beat, like));
    out.into_iter().map(Arc::new).collect()
}

/// Bars without notes from one position to another, in tempo and metre like `like`; where the last of them is no
/// whole bar, since the metre has changed, it gets a metre of its own.
fn rests(from: f64, to: f64, like: &PlannedBar) -> Vec<PlannedBar> {
    let whole = like.metre.bar_quarters();
    let bars = ((to - from) / whole - NEAR).ceil().clamp(0.0, 1_000.0) as usize;
    let one = |i: usize| {
        let start_beat = from + i as f64 * whole;
        let left = f64::min(to - start_beat, whole);
        let piece = [4u8, 8, 16, 32].into_iter().find_map(|denominator| {
            let units = left * f64::from(denominator) / 4.0;
            let exact = (units - units.round()).abs() < NEAR;
            Metre::new(units.round() as u8, denominator).filter(|_| exact)
        });
        let metre = if left < whole - NEAR { piece.unwrap_or(like.metre) } else { like.metre };
        let (chords, notes) = (Vec::new(), Vec::new());
        PlannedBar { start_beat, metre, chords, notes, fill: false, ..like.clone() }
    };
    (0..bars).map(one).collect()
}
