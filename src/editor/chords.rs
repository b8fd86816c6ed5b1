//! The chord lane: what was heard to the left of the playhead, what is expected to the right; every cell
//! can be set by hand.

use backline_music::{Chord, ChordPin, Key, PitchClass, PlannedChord, Quality};
use egui::{Align2, Rect, Sense, Stroke, StrokeKind, pos2, vec2};

use super::layout::HEAD_WIDTH;
use super::room::{RADIUS, Room};
use super::scene::{Action, ChordEdit, Correction, Heard};
use super::theme::{big, body, head, small, sure};
use super::timeline::{Axis, BESIDE};
use super::tooltips;

/// How near to a cell's right edge the hand takes the edge, in points.
const EDGE: f32 = 5.0;

/// How far the lines of what is planned stand apart, in points.
const HATCH: f32 = 8.0;

/// Steps of confidence that can be told apart.
const SURE_STEPS: f32 = 20.0;
/// Steps of the room that a name is given, in points.
const WIDTH_STEP: f32 = 4.0;

/// A cell as it is shown.
struct Cell {
    chord: PlannedChord,
    heard: bool,
    pinned: bool,
    ranked: Vec<(Option<Chord>, f32)>,
}

/// A chord's name in a key; a dash for none.
pub fn symbol(chord: Option<Chord>, key: Option<Key>) -> String {
    chord.map_or_else(|| "–".to_owned(), |chord| chord.symbol_in(key))
}

/// The cells that are shown: heard as far as the playhead, then planned, and the musician's over both.
fn cells(room: &Room<'_, '_>, axis: &Axis) -> Vec<Cell> {
    let snapshot = room.scene.snapshot;
    let (from, to) = axis.range();
    let on_heard_beat = room.scene.on_heard_beat();
    let now = axis.now();
    let mut heard: Vec<PlannedChord> = Vec::new();
    // After a jump older bars may lie beyond the playhead, or twice at one place: the newest counts.
    for cell in snapshot.cells.iter().rev() {
        let start = cell.start_beat;
        let end = (start + cell.length_beats).min(now);
        let first = heard.last().map_or(f64::INFINITY, |c: &PlannedChord| c.start_beat);
        if end > start && end <= first + 1e-6 {
            let chord = PlannedChord {
                start_beat: start,
                length_beats: end - start,
                chord: cell.chord,
                prob: cell.prob,
            };
            heard.push(chord);
        }
    }
    heard.reverse();
    let planned: Vec<PlannedChord> = snapshot
        .plan
        .iter()
        .flat_map(|plan| plan.bars.iter().flat_map(|bar| bar.chords.iter().copied()))
        .filter(|c| c.start_beat + c.length_beats > now)
        .map(|c| {
            let start = c.start_beat.max(now);
            PlannedChord { start_beat: start, length_beats: c.start_beat + c.length_beats - start, ..c }
        })
        .collect();
    let mut pins = room.scene.corrections.clone();
    if let Some(edge) = room.desk.edge {
        pins.pin(edge);
    }
    let mut out = Vec::new();
    for (chords, heard, from, to) in [(heard, true, from, now), (planned, false, now, to)] {
        for chord in pins.overlay(chords, from, to, on_heard_beat) {
            let middle = chord.start_beat + chord.length_beats / 2.0;
            let ranked = snapshot
                .cells
                .iter()
                .rev()
                .find(|c| heard && c.start_beat <= middle && middle < c.start_beat + c.length_beats)
                .map_or_else(Vec::new, |c| {
                    std::iter::once((c.chord, c.prob)).chain(c.alternates.iter().copied()).collect()
                });
            let pinned = pins.pin_at(middle, on_heard_beat).is_some();
            out.push(Cell { chord, heard, pinned, ranked });
        }
    }
    out.retain(|cell| {
        let chord = &cell.chord;
        chord.start_beat + chord.length_beats > from && chord.start_beat < to
    });
    out
}

/// Paints the lane.
pub fn paint(room: &mut Room<'_, '_>, rect: Rect) {
    room.panel(rect);
    let theme = room.theme();
    let label = rect.left_center() + vec2(10.0, 0.0);
    room.text(label, Align2::LEFT_CENTER, "Harmony", body(), theme.mid, HEAD_WIDTH - 12.0);
    let lane =
        Rect::from_min_max(pos2(rect.left() + HEAD_WIDTH, rect.top() + 1.0), rect.max - vec2(1.0, 1.0));
    room.ui.painter().rect_filled(lane, RADIUS, theme.well);
    if room.scene.is_empty() {
        ghost(room, lane);
        return;
    }
    let axis = Axis::new(room, lane);
    let whole = room.ui.clip_rect();
    let moving = room.moves(lane, axis.moved());
    room.ui.set_clip_rect(moving);
    let painter = room.ui.painter().clone();
    for (x, bar) in axis.lines(1.0, 4.0) {
        let colour = if bar { theme.line } else { theme.line.gamma_multiply(0.5) };
        painter.vline(x, lane.y_range(), Stroke::new(1.0, colour));
    }
    let cells = cells(room, &axis);
    let hidden = cells
        .iter()
        .take_while(|cell| axis.x(cell.chord.start_beat + cell.chord.length_beats) < moving.left() + 2.0);
    let hidden = hidden.count();
    for (i, cell) in cells.iter().enumerate() {
        one(room, lane, &axis, i.saturating_sub(hidden), cell, &cells[..i]);
    }
    let x = axis.x(axis.now());
    super::arrangement::playhead(room.ui.painter(), x, lane.y_range(), theme.accent);
    room.ui.set_clip_rect(whole);
    editor(room);
}

fn ghost(room: &mut Room<'_, '_>, lane: Rect) {
    let theme = room.theme();
    for (i, name) in ["Am", "F", "C", "G"].into_iter().enumerate() {
        let width = lane.width() / 4.0;
        let at = pos2(lane.left() + width * (i as f32 + 0.5), lane.center().y);
        room.text(at, Align2::CENTER_CENTER, name, big(), theme.low.gamma_multiply(0.45), width);
    }
}

fn one(room: &mut Room<'_, '_>, lane: Rect, axis: &Axis, i: usize, cell: &Cell, earlier: &[Cell]) {
    let theme = room.theme();
    let chord = cell.chord;
    let (left, right) = (axis.x(chord.start_beat), axis.x(chord.start_beat + chord.length_beats));
    let whole = Rect::from_min_max(pos2(left, lane.top() + 3.0), pos2(right - 1.0, lane.bottom() - 3.0));
    // In steps, so that not every breath of the listener's confidence paints the cell anew.
    let colour = sure(theme.parts[1], (chord.prob * SURE_STEPS).round() / SURE_STEPS);
    let painter = room.ui.painter();
    if cell.heard {
        painter.rect_filled(whole, RADIUS, colour.gamma_multiply(0.35));
    } else {
        painter.rect_filled(whole, RADIUS, colour.gamma_multiply(0.12));
        // The lines stand on the music and move with it, however much of the cell is to be seen.
        let near = whole.intersect(lane.expand2(vec2(BESIDE, 0.0)));
        let mut x = axis.standing(near.left() - near.height(), HATCH);
        let hatch = painter.with_clip_rect(whole.intersect(painter.clip_rect()));
        let rect = near;
        while x < rect.right() {
            let line = [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())];
            hatch.line_segment(line, Stroke::new(1.0, colour.gamma_multiply(0.3)));
            x += HATCH;
        }
    }
    painter.rect_stroke(whole, RADIUS, Stroke::new(1.0, colour), StrokeKind::Inside);
    // What of it can be read and touched.
    let rect = whole.intersect(room.ui.clip_rect());
    if rect.width() < 1.0 {
        return;
    }
    let doubt = if chord.prob < 0.5 { "?" } else { "" };
    let text = format!("{}{doubt}", symbol(chord.chord, room.scene.key()));
    let font = if rect.width() > 54.0 { big() } else { head() };
    if rect.width() > 16.0 {
        let at = rect.left_center() + vec2(5.0, 0.0);
        // In steps too: at every width the text would be laid out anew.
        let width = ((rect.width() - 7.0) / WIDTH_STEP).floor() * WIDTH_STEP;
        room.text(at, Align2::LEFT_CENTER, &text, font, theme.high, width);
    }
    if cell.pinned {
        room.ui.painter().circle_filled(rect.right_top() + vec2(-6.0, 6.0), 3.0, theme.accent);
    }
    let response = room.touch(&format!("Chord {i}"), rect, Sense::click_and_drag(), tooltips::CHORD);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Chord {text}")));
    let pin = ChordPin {
        start_beat: chord.start_beat,
        length_beats: chord.length_beats,
        chord: chord.chord,
        on_heard_beat: room.scene.on_heard_beat(),
    };
    let pin = snapped(pin, axis, room);
    let merged = merged(pin, earlier, room);
    let keyed = response.has_focus() || (response.hovered() && room.desk.chord.is_none());
    if keyed && room.ui.input(|i| i.key_pressed(egui::Key::Delete)) {
        room.acts.extend(merged.map(|pin| Action::Correct(Correction::Pin(pin))));
    }
    // egui takes Enter for a click; here it opens, as a double click does.
    let entered = response.has_focus() && room.ui.input(|i| i.key_pressed(egui::Key::Enter));
    let entered = entered && room.desk.chord.is_none();
    if response.double_clicked() || response.secondary_clicked() || entered {
        let at = pos2(rect.center().x, rect.bottom() + 6.0);
        room.desk.chord = Some(ChordEdit { pin, merged, ranked: cell.ranked.clone(), at, fresh: true });
    } else if response.clicked() {
        room.acts.extend(chord.chord.map(|chord| Action::Hear(Heard::Chord(chord))));
    }
    let near_edge = response.hover_pos().is_some_and(|p| p.x > rect.right() - EDGE);
    if near_edge {
        room.ui.ctx().set_cursor_icon(egui::CursorIcon::ResizeHorizontal);
    }
    let origin = room.ui.input(|i| i.pointer.press_origin());
    if response.drag_started() && origin.is_some_and(|p| p.x > rect.right() - 2.0 * EDGE) {
        room.desk.edge = Some(pin);
    }
    if let (Some(edge), Some(at)) = (room.desk.edge, room.ui.input(|i| i.pointer.latest_pos()))
        && response.dragged()
    {
        let free = room.ui.input(|i| i.modifiers.alt);
        let to = axis.beat(at.x);
        let to = if free { to } else { to.round() };
        room.desk.edge = Some(ChordPin { length_beats: (to - edge.start_beat).max(0.5), ..edge });
    }
    if response.drag_stopped()
        && let Some(edge) = room.desk.edge.take()
    {
        room.acts.push(Action::Correct(Correction::Pin(edge)));
    }
}

/// The chord before, over its own beats and those of `pin`.
fn merged(pin: ChordPin, earlier: &[Cell], room: &Room<'_, '_>) -> Option<ChordPin> {
    let before = &earlier.iter().rev().find(|c| c.chord.start_beat < pin.start_beat - 1e-6)?.chord;
    let middle = before.start_beat + before.length_beats / 2.0;
    // A pin may begin before what is to be seen.
    let known = room.scene.corrections.pin_at(middle, pin.on_heard_beat);
    let start_beat = known.map_or(before.start_beat, |known| known.start_beat);
    Some(ChordPin { start_beat, length_beats: pin.end_beat() - start_beat, chord: before.chord, ..pin })
}

/// What is cut off at the playhead begins and ends on beats all the same.
fn snapped(pin: ChordPin, axis: &Axis, room: &Room<'_, '_>) -> ChordPin {
    let snapshot = room.scene.snapshot;
    let planned = snapshot.plan.iter().flat_map(|p| p.bars.iter().flat_map(|b| b.chords.iter()));
    let heard = snapshot.cells.iter().map(|c| (c.start_beat, c.length_beats));
    let whole = planned.map(|c| (c.start_beat, c.length_beats)).chain(heard).find(|&(start, length)| {
        let middle = pin.start_beat + pin.length_beats / 2.0;
        start <= middle && middle < start + length && (pin.start_beat - axis.now()).abs() < 1e-6
    });
    match whole {
        Some((start_beat, length_beats)) => ChordPin { start_beat, length_beats, ..pin },
        None => pin,
    }
}

/// The editor of one chord: what the listener thought, then root, kind and bass.
fn editor(room: &mut Room<'_, '_>) {
    let Some(mut edit) = room.desk.chord.clone() else { return };
    let before = edit.pin.chord;
    let key = room.scene.key();
    let theme = room.theme();
    let (mut open, mut done) = (true, None);
    let area = egui::Area::new(egui::Id::unique("backline chord")).order(egui::Order::Foreground);
    let area = area.fixed_pos(edit.at - vec2(190.0, 0.0)).constrain(true).show(room.ui.ctx(), |ui| {
        egui::Frame::popup(ui.style()).show(ui, |ui| {
            ui.set_width(380.0);
            if !edit.ranked.is_empty() {
                ui.horizontal_wrapped(|ui| {
                    ui.weak("Heard");
                    for &(chord, prob) in edit.ranked.iter().take(5) {
                        if ui.button(format!("{} {:.0} %", symbol(chord, key), prob * 100.0)).clicked() {
                            edit.pin.chord = chord;
                            done = Some(true);
                        }
                    }
                });
            }
            let now = edit.pin.chord.unwrap_or(Chord::new(PitchClass::C, Quality::Maj));
            ui.horizontal_wrapped(|ui| {
                ui.weak("Root");
                for pc in (0..12).map(PitchClass::new) {
                    let on = edit.pin.chord.is_some() && now.root == pc;
                    let name = Chord::new(pc, now.quality).names_in(key).0;
                    if ui.selectable_label(on, name.to_string()).clicked() {
                        edit.pin.chord = Some(Chord::new(pc, now.quality));
                    }
                }
            });
            ui.horizontal_wrapped(|ui| {
                ui.weak("Kind");
                for quality in Quality::ALL {
                    let name = if quality.suffix().is_empty() { "major" } else { quality.suffix() };
                    let on = edit.pin.chord.is_some() && now.quality == quality;
                    if ui.selectable_label(on, name).clicked() {
                        edit.pin.chord = Some(Chord { quality, ..now });
                    }
                }
            });
            ui.horizontal_wrapped(|ui| {
                ui.weak("Bass");
                for pc in now.tones() {
                    let on = edit.pin.chord.is_some() && now.bass == pc;
                    let name = now.over(pc).names_in(key).1;
                    if ui.selectable_label(on, name.to_string()).clicked() {
                        edit.pin.chord = Some(now.over(pc));
                    }
                }
            });
            ui.separator();
            ui.horizontal(|ui| {
                if ui.button(format!("Set {}", symbol(edit.pin.chord, key))).clicked() {
                    done = Some(true);
                }
                if ui.button("No chord").clicked() {
                    edit.pin.chord = None;
                    done = Some(true);
                }
                if ui.button("As heard").clicked() {
                    done = Some(false);
                }
                if let Some(merged) = edit.merged
                    && ui.button("Merge left").on_hover_text(tooltips::MERGE).clicked()
                {
                    edit.pin = merged;
                    done = Some(true);
                }
                if ui.button("Close").clicked() {
                    open = false;
                }
                ui.label(
                    egui::RichText::new(format!("{:.0} beats", edit.pin.length_beats))
                        .font(small())
                        .color(theme.low),
                );
            });
        });
    });
    let escape = room.ui.input(|i| i.key_pressed(egui::Key::Escape));
    if edit.pin.chord != before && edit.merged != Some(edit.pin) {
        // One hears what one chooses.
        room.acts.push(Action::Hear(edit.pin.chord.map_or(Heard::Nothing, Heard::Chord)));
    }
    match done {
        Some(true) => room.acts.push(Action::Correct(Correction::Pin(edit.pin))),
        Some(false) => {
            let pin = edit.pin;
            let act = Correction::Unpin(pin.start_beat, pin.end_beat(), pin.on_heard_beat);
            room.acts.push(Action::Correct(act));
        }
        None => {}
    }
    // A click elsewhere closes; the click that opened it lies outside too, and is over by then.
    let elsewhere = area.response.clicked_elsewhere();
    let fresh = std::mem::take(&mut edit.fresh);
    if done.is_some() || escape || !open || (elsewhere && !fresh) {
        room.desk.chord = None;
    } else {
        room.desk.chord = Some(edit);
    }
}
