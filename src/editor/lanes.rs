//! The hand in the lanes: notes are added, removed and weighed, bars kept and given back, takes thrown.

use backline_engine::{Edits, KeptBar, KeptNote, Line};
use backline_music::{DrumVoice, Part, PlannedBar, PlannedNote};
use egui::{PointerButton, Pos2, Rect, Sense, pos2, vec2};

use super::room::Room;
use super::scene::Action;
use super::selection;
use super::timeline::Axis;
use super::tooltips;

/// Rows of the drum grid from the top.
pub const ROWS: [DrumVoice; 9] = [
    DrumVoice::Crash,
    DrumVoice::Ride,
    DrumVoice::HighTom,
    DrumVoice::MidTom,
    DrumVoice::LowTom,
    DrumVoice::OpenHat,
    DrumVoice::ClosedHat,
    DrumVoice::Snare,
    DrumVoice::Kick,
];
/// A stroke softer than this is a ghost.
pub const GHOST: u8 = 40;
/// What the hand's notes lie on, in quarter notes, unless Alt is held.
const STEP: f64 = 0.25;
/// Velocity of a new note.
const USUAL_VELOCITY: u8 = 90;
/// Velocities that the menu gives.
const ACCENT_VELOCITY: u8 = 120;
const GHOST_VELOCITY: u8 = 28;
/// How far a flam's soft stroke comes before the other, in quarter notes: 40 ms at 96 BPM.
const FLAM: f64 = 0.0625;
/// Size of the sign of a kept bar.
const SIGN: f32 = 11.0;

/// One part of a bar as the lane shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownBar {
    /// First quarter note.
    pub start_beat: f64,
    /// Length in quarter notes.
    pub length_beats: f64,
    /// It was played, or will be played as it is.
    pub fixed: bool,
    /// The musician keeps it.
    pub kept: bool,
    /// What is played.
    pub notes: Vec<PlannedNote>,
}

impl ShownBar {
    fn end_beat(&self) -> f64 {
        self.start_beat + self.length_beats
    }

    fn to_kept(&self, part: Part, on_heard_beat: bool) -> KeptBar {
        let notes = self.notes.iter().map(|note| KeptNote {
            key: note.key,
            velocity: note.velocity,
            at_beats: note.onset_beat - self.start_beat,
            length_beats: note.length_beats,
        });
        KeptBar {
            start_beat: self.start_beat,
            length_beats: self.length_beats,
            part,
            on_heard_beat,
            notes: notes.collect(),
        }
    }
}

/// A note in hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// The bar as it would be kept.
    bar: KeptBar,
    /// The note's place among its notes.
    note: usize,
    /// It was not there before.
    new: bool,
    /// Velocity, not yet rounded.
    velocity: f32,
}

/// Where the menu of a lane was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    part: Part,
    bar: ShownBar,
    note: Option<usize>,
    voice: Option<DrumVoice>,
}

/// The bars of a part that are to be seen: the plan, what was played, and what the musician keeps.
pub fn bars(room: &Room<'_, '_>, part: Part, axis: &Axis) -> Vec<ShownBar> {
    let (from, to) = axis.range();
    let heard = room.scene.on_heard_beat();
    let shown = selection::shown(room.scene, from, to).into_iter().map(|(bar, fixed)| ShownBar {
        start_beat: bar.start_beat,
        length_beats: bar.metre.bar_quarters(),
        fixed,
        kept: false,
        notes: bar.notes.iter().filter(|note| note.part == part).copied().collect(),
    });
    let mut out: Vec<ShownBar> = shown.collect();
    let stroke = room.desk.stroke.as_ref().map(|stroke| &stroke.bar);
    for kept in room.scene.edits.kept.iter().chain(stroke) {
        if kept.part != part || kept.on_heard_beat != heard {
            continue;
        }
        let (start_beat, length_beats) = (kept.start_beat, kept.length_beats);
        let notes = kept.planned().collect();
        let end = start_beat + length_beats;
        let known = out.iter().position(|b| b.start_beat < end - 1e-6 && start_beat < b.end_beat() - 1e-6);
        if let Some(bar) = known.map(|i| &mut out[i]) {
            if (bar.start_beat - start_beat).abs() + (bar.length_beats - length_beats).abs() < 1e-6 {
                (bar.notes, bar.kept) = (notes, true);
            }
        } else if end >= from && start_beat <= to {
            out.push(ShownBar { start_beat, length_beats, fixed: false, kept: true, notes });
        }
    }
    out
}

/// Where the notes of a lane lie.
pub struct Grid<'a> {
    rect: Rect,
    part: Part,
    axis: &'a Axis,
    /// Lowest and highest key of a roll.
    pub keys: (u8, u8),
    /// Height of a row.
    pub row: f32,
}

impl<'a> Grid<'a> {
    /// The grid of a lane that shows `bars`.
    pub fn new(rect: Rect, part: Part, axis: &'a Axis, bars: &[ShownBar]) -> Self {
        if part == Part::Drums {
            let row = (rect.height() - 4.0) / ROWS.len() as f32;
            return Self { rect, part, axis, keys: (0, 127), row };
        }
        let keys = || bars.iter().flat_map(|bar| &bar.notes).map(|note| note.key);
        let (lowest, highest) = (keys().min().unwrap_or(48), keys().max().unwrap_or(60));
        // At least an octave, so that one note is not a wall.
        let spare = 12u8.saturating_sub(highest - lowest);
        // And a key above and below, so that there is room for more.
        let lowest = lowest.saturating_sub(spare / 2 + 1);
        let highest = (highest + spare.div_ceil(2) + 1).min(127);
        let row = (rect.height() - 6.0) / f32::from(highest - lowest + 1);
        Self { rect, part, axis, keys: (lowest, highest), row }
    }

    /// Top of row `i` of the drums.
    pub fn drum_top(&self, i: usize) -> f32 {
        self.rect.top() + 2.0 + self.row * i as f32
    }

    /// Top of a key's row in a roll.
    pub fn key_top(&self, key: u8) -> f32 {
        self.rect.bottom() - 3.0 - self.row * (f32::from(key) - f32::from(self.keys.0) + 1.0)
    }

    /// Where a note is painted; `None` for a stroke that has no row.
    pub fn place(&self, note: &PlannedNote) -> Option<Rect> {
        if self.part == Part::Drums {
            let voice = DrumVoice::from_gm_key(note.key)?;
            let i = ROWS.iter().position(|row| *row == voice)?;
            let whole = (self.row - 2.0).min(self.axis.quarter() * 0.22).max(2.5);
            let size = if note.velocity < GHOST { whole / 2.0 } else { whole };
            let centre = pos2(self.axis.x(note.onset_beat) + size / 2.0, self.drum_top(i) + self.row / 2.0);
            return Some(Rect::from_center_size(centre, vec2(size, size)));
        }
        let top = self.key_top(note.key);
        let left = self.axis.x(note.onset_beat);
        let right = self.axis.x(note.onset_beat + note.length_beats).max(left + 3.0);
        Some(Rect::from_min_max(pos2(left, top), pos2(right - 1.0, top + self.row.max(2.5))))
    }

    /// The key whose row is at `y`.
    fn key_at(&self, y: f32) -> u8 {
        if self.part == Part::Drums {
            let i = ((y - self.rect.top() - 2.0) / self.row).floor().clamp(0.0, ROWS.len() as f32 - 1.0);
            return ROWS[i as usize].gm_key();
        }
        let row = ((self.rect.bottom() - 3.0 - y) / self.row).floor().max(0.0);
        (f32::from(self.keys.0) + row).min(f32::from(self.keys.1)) as u8
    }

    /// Whether `note` is what the hand means at `at`.
    fn is_at(&self, note: &PlannedNote, bar: &ShownBar, at: Pos2) -> bool {
        let Some(place) = self.place(note) else { return false };
        if self.part == Part::Drums {
            // The whole step belongs to a stroke, so that none is struck twice.
            let step = |beat: f64| ((beat - bar.start_beat) / STEP).round();
            let under = ((self.axis.beat(at.x) - bar.start_beat) / STEP).floor();
            let row = DrumVoice::from_gm_key(note.key).map(DrumVoice::gm_key);
            return place.expand(2.0).contains(at)
                || (row == Some(self.key_at(at.y)) && step(note.onset_beat) == under);
        }
        place.expand2(vec2(1.0, 1.0)).contains(at)
    }
}

/// The sign of a kept bar.
pub fn sign(axis: &Axis, rect: Rect, bar: &ShownBar) -> Rect {
    let left = axis.x(bar.start_beat).max(rect.left());
    Rect::from_min_size(pos2(left + 2.0, rect.top() + 1.0), vec2(SIGN, SIGN))
}

/// What a part's lane is called.
pub fn place(part: Part) -> String {
    format!("{part} lane")
}

/// How long a note is that is pulled to `length` beats where `left` are left of its bar: no shorter than half a step, but where less
/// is left than that, as much as there is.
fn pulled(length: f64, left: f64) -> f64 {
    length.clamp((STEP / 2.0).min(left), left)
}

/// The name of what is at a key.
fn name(part: Part, key: u8) -> String {
    match DrumVoice::from_gm_key(key) {
        Some(voice) if part == Part::Drums => voice.name().to_owned(),
        _ => {
            let pitch = backline_music::PitchClass::new(i32::from(key));
            format!("{pitch}{}", i32::from(key / 12) - 1)
        }
    }
}

/// Everything that the hand can do in a lane.
pub fn hand(room: &mut Room<'_, '_>, grid: &Grid<'_>, rect: Rect, bars: &[ShownBar]) {
    let (part, axis) = (grid.part, grid.axis);
    // A tip beside the pointer would lie over the notes: the status line tells.
    let response = room.touch(&place(part), rect, Sense::click_and_drag(), "");
    let count: usize = bars.iter().map(|bar| bar.notes.len()).sum();
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Group, true, format!("{part} lane, {count} notes"))
    });
    if response.dragged_by(PointerButton::Middle) {
        room.desk.pan -= f64::from(response.drag_delta().x / axis.quarter());
    }
    let bar_at = |at: Pos2| {
        let beat = axis.beat(at.x);
        bars.iter().find(|bar| bar.start_beat <= beat && beat < bar.end_beat())
    };
    let note_at = |bar: &ShownBar, at: Pos2| bar.notes.iter().position(|note| grid.is_at(note, bar, at));

    if let Some(at) = response.hover_pos().filter(|_| room.desk.stroke.is_none()) {
        room.desk.info = match bar_at(at).map(|bar| (bar, note_at(bar, at))) {
            Some((bar, _)) if bar.kept && sign(axis, rect, bar).contains(at) => tooltips::KEPT.to_owned(),
            Some((bar, Some(i))) => {
                let note = bar.notes[i];
                format!("{} · velocity {} · {}", name(part, note.key), note.velocity, tooltips::NOTE)
            }
            Some(_) => format!("{} · {}", name(part, grid.key_at(at.y)), tooltips::LANE),
            None => "Nothing is planned here yet".to_owned(),
        };
    }
    let heard = room.scene.on_heard_beat();
    let (free, fine) = room.ui.input(|i| (i.modifiers.alt, i.modifiers.shift));
    let fresh = |bar: &ShownBar, at: Pos2| {
        let inside = axis.beat(at.x) - bar.start_beat;
        let at_beats = if free { inside } else { (inside / STEP).floor() * STEP };
        let usual = match part {
            Part::Drums | Part::Bass => 0.5,
            Part::Chords => 1.0,
        };
        let length_beats =
            if part == Part::Drums { STEP / 2.0 } else { f64::min(usual, bar.length_beats - at_beats) };
        KeptNote { key: grid.key_at(at.y), velocity: USUAL_VELOCITY, at_beats, length_beats }
    };

    let origin = room.ui.input(|i| i.pointer.press_origin());
    if response.drag_started_by(PointerButton::Primary)
        && let Some(at) = origin
        && let Some(bar) = bar_at(at)
    {
        let mut kept = bar.to_kept(part, heard);
        let (note, new) = match note_at(bar, at) {
            Some(i) => (i, false),
            None => {
                kept.notes.push(fresh(bar, at));
                (kept.notes.len() - 1, true)
            }
        };
        let velocity = f32::from(kept.notes[note].velocity);
        room.desk.stroke = Some(Stroke { bar: kept, note, new, velocity });
    }
    if response.dragged_by(PointerButton::Primary)
        && let Some(stroke) = &mut room.desk.stroke
        && stroke.bar.part == part
    {
        let delta = response.drag_delta();
        let note = &mut stroke.bar.notes[stroke.note];
        if stroke.new && part != Part::Drums {
            // Pulled to the right a new note gets longer.
            if let Some(at) = response.interact_pointer_pos() {
                let to = axis.beat(at.x) - stroke.bar.start_beat;
                let to = if free { to } else { (to / STEP).ceil() * STEP };
                note.length_beats = pulled(to - note.at_beats, stroke.bar.length_beats - note.at_beats);
            }
        } else {
            stroke.velocity = (stroke.velocity - delta.y * if fine { 0.1 } else { 1.0 }).clamp(1.0, 127.0);
            note.velocity = stroke.velocity.round() as u8;
        }
        room.desk.info = format!("{} · velocity {}", name(part, note.key), note.velocity);
    }
    let let_go = response.drag_stopped() || !room.ui.input(|i| i.pointer.any_down());
    if let_go && let Some(stroke) = room.desk.stroke.take_if(|stroke| stroke.bar.part == part) {
        let what = if stroke.new { "add a note" } else { "velocity" };
        keep(room, format!("{what} ({part})"), [stroke.bar]);
    } else if response.clicked_by(PointerButton::Primary)
        && let Some(at) = response.interact_pointer_pos()
        && let Some(bar) = bar_at(at)
    {
        if bar.kept && sign(axis, rect, bar).contains(at) {
            release(room, part, [bar.start_beat]);
        } else {
            let mut kept = bar.to_kept(part, heard);
            let what = match note_at(bar, at) {
                Some(i) => {
                    kept.notes.remove(i);
                    "remove a note"
                }
                None => {
                    kept.notes.push(fresh(bar, at));
                    "add a note"
                }
            };
            keep(room, format!("{what} ({part})"), [kept]);
        }
    }
    if response.secondary_clicked() {
        let at = response.interact_pointer_pos();
        room.desk.spot = at.and_then(|at| {
            let bar = bar_at(at)?.clone();
            let note = note_at(&bar, at);
            let voice = DrumVoice::from_gm_key(grid.key_at(at.y)).filter(|_| part == Part::Drums);
            Some(Spot { part, bar, note, voice })
        });
    }
    menu(room, part, &response);
}

fn keep(room: &mut Room<'_, '_>, name: String, bars: impl IntoIterator<Item = KeptBar>) {
    let mut edits = room.scene.edits.clone();
    bars.into_iter().for_each(|bar| edits.keep(bar));
    room.acts.push(Action::Edit(name, edits));
}

fn release(room: &mut Room<'_, '_>, part: Part, starts: impl IntoIterator<Item = f64>) {
    let heard = room.scene.on_heard_beat();
    let mut edits = room.scene.edits.clone();
    starts.into_iter().for_each(|start| edits.release(start, part, heard));
    room.acts.push(Action::Edit(format!("give back ({part})"), edits));
}

/// The menu of the place that was clicked.
fn menu(room: &mut Room<'_, '_>, part: Part, response: &egui::Response) {
    let Some(spot) = room.desk.spot.clone().filter(|spot| spot.part == part) else { return };
    let heard = room.scene.on_heard_beat();
    let scene = room.scene;
    let acts = &mut *room.acts;
    response.context_menu(|ui| {
        let mut done: Option<(String, Edits)> = None;
        let kept = spot.bar.to_kept(part, heard);
        if let Some(i) = spot.note.filter(|i| *i < kept.notes.len()) {
            for (text, velocity) in
                [("Accent", Some(ACCENT_VELOCITY)), ("Ghost", Some(GHOST_VELOCITY)), ("Remove", None)]
            {
                if ui.button(text).clicked() {
                    let mut bar = kept.clone();
                    match velocity {
                        Some(velocity) => bar.notes[i].velocity = velocity,
                        None => drop(bar.notes.remove(i)),
                    }
                    let mut edits = scene.edits.clone();
                    edits.keep(bar);
                    done = Some((format!("{} ({part})", text.to_lowercase()), edits));
                }
            }
            if part == Part::Drums && ui.button("Flam").clicked() {
                let mut bar = kept.clone();
                flam(&mut bar, i);
                let mut edits = scene.edits.clone();
                edits.keep(bar);
                done = Some((format!("flam ({part})"), edits));
            }
            ui.separator();
        }
        if spot.bar.kept {
            if ui.button(format!("Give this bar back ({part})")).clicked() {
                let mut edits = scene.edits.clone();
                edits.release(spot.bar.start_beat, part, heard);
                done = Some((format!("give back ({part})"), edits));
            }
        } else {
            if ui.button(format!("Keep this bar ({part})")).clicked() {
                let mut edits = scene.edits.clone();
                edits.keep(kept.clone());
                done = Some((format!("keep a bar ({part})"), edits));
            }
            let lines = spot.voice.map(|voice| (voice.name(), Line::Drum(voice)));
            for (text, line) in [(part.name(), Line::Part(part))].into_iter().chain(lines) {
                if ui.button(format!("Another take: {text}")).clicked() {
                    let mut edits = scene.edits.clone();
                    edits.retake(spot.bar.start_beat, line, heard);
                    done = Some((format!("another take ({text})"), edits));
                }
            }
        }
        let whole = scene.snapshot.plan.iter().flat_map(|plan| &plan.bars);
        let mut whole = whole.chain(scene.snapshot.captured.iter().rev().map(AsRef::as_ref));
        let whole = whole.find(|bar| (bar.start_beat - spot.bar.start_beat).abs() < 1e-6);
        if let Some(bar) = whole
            && ui.button("Keep this bar, all parts").clicked()
        {
            let mut edits = scene.edits.clone();
            for part in Part::ALL {
                if edits.kept_at(bar.start_beat, part, heard).is_none() {
                    edits.keep(KeptBar::of(bar, part, heard));
                }
            }
            done = Some(("keep a bar".to_owned(), edits));
        }
        if let Some((name, edits)) = done {
            acts.push(Action::Edit(name, edits));
            ui.close();
        }
    });
}

/// Puts a soft stroke just before a stroke; at a bar's very beginning the stroke itself comes a little later.
fn flam(bar: &mut KeptBar, note: usize) {
    let stroke = &mut bar.notes[note];
    stroke.at_beats = stroke.at_beats.max(FLAM);
    let soft = KeptNote {
        velocity: (stroke.velocity / 2).max(1),
        at_beats: stroke.at_beats - FLAM,
        // It has ended when the other begins: they are one key.
        length_beats: FLAM / 2.0,
        ..*stroke
    };
    bar.notes.insert(note, soft);
}

/// The bars of the plan that are not fixed yet: what dice and lock of a lane are about.
fn planned<'s>(room: &Room<'_, 's>) -> Vec<&'s PlannedBar> {
    let plan = room.scene.snapshot.plan.iter();
    plan.flat_map(|plan| plan.bars.iter().filter(|bar| bar.start_beat >= plan.committed_beat - 1e-6))
        .collect()
}

/// Whether all planned bars of a part are kept.
pub fn all_kept(room: &Room<'_, '_>, part: Part) -> bool {
    let heard = room.scene.on_heard_beat();
    let planned = planned(room);
    let edits = room.scene.edits;
    !planned.is_empty() && planned.iter().all(|bar| edits.kept_at(bar.start_beat, part, heard).is_some())
}

/// Keeps all planned bars of a part, or gives them back.
pub fn keep_all(room: &mut Room<'_, '_>, part: Part) {
    let heard = room.scene.on_heard_beat();
    let planned = planned(room);
    if all_kept(room, part) {
        release(room, part, planned.iter().map(|bar| bar.start_beat));
    } else if !planned.is_empty() {
        let edits = room.scene.edits;
        let open = planned.iter().filter(|bar| edits.kept_at(bar.start_beat, part, heard).is_none());
        let bars: Vec<KeptBar> = open.map(|bar| KeptBar::of(bar, part, heard)).collect();
        keep(room, format!("keep the lane ({part})"), bars);
    }
}

/// Another take of a part in all planned bars that are not kept.
pub fn dice(room: &mut Room<'_, '_>, part: Part) {
    retake(room, &[part], format!("another take ({part})"));
}

/// Another take of all parts.
pub fn dice_all(room: &mut Room<'_, '_>) {
    retake(room, &Part::ALL, "another take".to_owned());
}

fn retake(room: &mut Room<'_, '_>, parts: &[Part], name: String) {
    let heard = room.scene.on_heard_beat();
    let mut edits = room.scene.edits.clone();
    for bar in planned(room) {
        for part in parts {
            if edits.kept_at(bar.start_beat, *part, heard).is_none() {
                edits.retake(bar.start_beat, Line::Part(*part), heard);
            }
        }
    }
    if edits != *room.scene.edits {
        room.acts.push(Action::Edit(name, edits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_begun_at_the_end_of_its_bar_is_as_long_as_what_is_left() {
        for bar in [4.0, 3.5, 0.625, 0.125] {
            for left in [bar, STEP, STEP / 2.0, 0.05, 1e-9, 0.0] {
                for length in [-1.0, 0.0, 0.03, 0.3, 9.0] {
                    let pulled = pulled(length, left);
                    assert!((0.0..=left).contains(&pulled) && (pulled >= STEP / 2.0 || pulled == left));
                }
            }
        }
    }
}
