//! The arrangement: chords and bass as piano rolls, drums as a grid, on the chord lane's time axis.

use backline_music::{DrumVoice, Part, PlannedBar, PlannedNote};
use egui::{Align2, Color32, Rect, Sense, Stroke, StrokeKind, pos2, vec2};

use super::dial::ParamId;
use super::layout::HEAD_WIDTH;
use super::moment::State;
use super::room::{RADIUS, Room};
use super::scene::{Action, ClipChoice, Format};
use super::theme::{big, body, head, small};
use super::timeline::{Axis, BARS_SHOWN};
use super::tooltips;

/// Rows of the drum grid from the top.
const ROWS: [DrumVoice; 9] = [
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
const GHOST: u8 = 40;
/// Bars that a lane's grip drags out.
const GRIP_BARS: usize = 4;

/// The parameter that switches a part.
const fn switch_of(part: Part) -> ParamId {
    match part {
        Part::Drums => ParamId::Drums,
        Part::Chords => ParamId::Chords,
        Part::Bass => ParamId::Bass,
    }
}

/// Paints the room.
pub fn paint(room: &mut Room<'_, '_>, rect: Rect) {
    room.panel(rect);
    let inner = rect.shrink(1.0);
    let height = inner.height();
    let lane = |from: f32, to: f32| {
        let top = inner.top() + height * from;
        Rect::from_min_max(pos2(inner.left(), top), pos2(inner.right(), inner.top() + height * to - 2.0))
    };
    let lanes =
        [(Part::Chords, lane(0.0, 0.36)), (Part::Bass, lane(0.36, 0.58)), (Part::Drums, lane(0.58, 1.0))];
    let empty = room.scene.is_empty();
    let bars = if room.desk.bars_shown > 0.0 { room.desk.bars_shown } else { BARS_SHOWN };
    for (part, lane) in lanes {
        heading(room, part, lane);
        let body = Rect::from_min_max(pos2(lane.left() + HEAD_WIDTH, lane.top()), lane.max);
        let ground = room.theme().well;
        room.ui.painter().rect_filled(body, RADIUS, ground);
        if !empty {
            let axis = Axis::new(room.scene, body, bars);
            grid(room, body, &axis);
            match part {
                Part::Drums => drums(room, body, &axis),
                _ => roll(room, part, body, &axis),
            }
            let x = axis.x(axis.now());
            let accent = room.theme().accent;
            room.ui.painter_at(body).vline(x, body.y_range(), Stroke::new(2.0, accent));
        }
    }
    let lanes = Rect::from_min_max(pos2(inner.left() + HEAD_WIDTH, inner.top()), inner.max);
    if empty {
        welcome(room, lanes);
    } else {
        zoom(room, lanes, bars);
    }
    banner(room, lanes);
}

/// Ctrl and the wheel show more or fewer bars.
fn zoom(room: &mut Room<'_, '_>, rect: Rect, bars: f64) {
    let over = room.ui.input(|i| i.pointer.latest_pos()).is_some_and(|p| rect.contains(p));
    let factor = room.ui.input(egui::InputState::zoom_delta);
    if over && factor != 1.0 {
        room.desk.bars_shown = (bars / f64::from(factor)).clamp(2.0, 32.0);
    }
}

fn heading(room: &mut Room<'_, '_>, part: Part, lane: Rect) {
    let theme = room.theme();
    let colour = theme.parts[part.index()];
    let at = lane.min + vec2(10.0, 6.0);
    // Colour is never the only sign: square, bar and pill.
    let sign = Rect::from_min_size(at + vec2(0.0, 2.0), vec2(8.0, 8.0));
    match part {
        Part::Drums => room.ui.painter().rect_filled(sign, 0.0, colour),
        Part::Chords => room.ui.painter().rect_filled(sign.shrink2(vec2(0.0, 2.0)), 0.0, colour),
        Part::Bass => room.ui.painter().circle_filled(sign.center(), 4.0, colour),
    };
    room.text(at + vec2(12.0, -1.0), Align2::LEFT_TOP, part.name(), body(), theme.high, HEAD_WIDTH - 26.0);
    let id = switch_of(part);
    let on = room.is_on(id);
    let key =
        |i: f32| Rect::from_min_size(pos2(lane.left() + 8.0 + i * 20.0, lane.top() + 24.0), vec2(18.0, 16.0));
    let tip = tooltips::MUTE;
    if room.button(&format!("Mute {part}"), key(0.0), "M", !on, true, tip).clicked() {
        room.put(id, if on { 0.0 } else { 1.0 });
    }
    let others: Vec<ParamId> = Part::ALL.into_iter().filter(|p| *p != part).map(switch_of).collect();
    let alone = on && others.iter().all(|id| !room.is_on(*id));
    if room.button(&format!("Solo {part}"), key(1.0), "S", alone, true, tooltips::SOLO).clicked() {
        room.put(id, 1.0);
        for other in others {
            room.put(other, if alone { 1.0 } else { 0.0 });
        }
    }
    let bars = room.scene.clips.bars.min(GRIP_BARS);
    let grip = key(2.0);
    let response = room.touch(&format!("Drag {part}"), grip, Sense::click_and_drag(), tooltips::GRIP);
    let colour = if bars == 0 {
        theme.line
    } else if response.hovered() {
        theme.high
    } else {
        theme.low
    };
    for i in 0..3 {
        let y = grip.top() + 4.0 + 4.0 * i as f32;
        room.ui.painter().hline((grip.left() + 3.0)..=(grip.right() - 3.0), y, Stroke::new(1.5, colour));
    }
    if response.drag_started() && bars > 0 {
        room.acts.push(Action::Drag(ClipChoice { bars, part: Some(part) }, Format::Midi));
    }
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, bars > 0, format!("Drag {part}")));
}

fn grid(room: &mut Room<'_, '_>, rect: Rect, axis: &Axis) {
    let theme = room.theme();
    let painter = room.ui.painter_at(rect);
    for (step, least, strength) in [(0.25, 7.0, 0.2), (1.0, 4.0, 0.5)] {
        for (x, _) in axis.lines(step, least) {
            painter.vline(x, rect.y_range(), Stroke::new(1.0, theme.line.gamma_multiply(strength)));
        }
    }
    for (x, bar) in axis.lines(1.0, 0.5) {
        if bar {
            painter.vline(x, rect.y_range(), Stroke::new(1.0, theme.line));
        }
    }
}

/// The notes of a part that are to be seen, each with whether it is fixed: what was played, and the plan.
fn notes<'a>(room: &Room<'_, 'a>, part: Part, axis: &Axis) -> Vec<(&'a PlannedNote, bool)> {
    let snapshot = room.scene.snapshot;
    let (from, to) = axis.range();
    let mut out = Vec::new();
    let mut bars: Vec<(&PlannedBar, bool)> = Vec::new();
    let committed = snapshot.plan.as_ref().map_or(f64::NEG_INFINITY, |plan| plan.committed_beat);
    if let Some(plan) = &snapshot.plan {
        bars.extend(plan.bars.iter().map(|bar| (bar, bar.start_beat < committed - 1e-6)));
    }
    // The newest of what was played at a place, as far as the plan does not show it.
    for bar in snapshot.captured.iter().rev() {
        let known = bars
            .iter()
            .any(|(b, _)| b.start_beat < bar.end_beat() - 1e-6 && bar.start_beat < b.end_beat() - 1e-6);
        if !known && bar.end_beat() <= axis.now() + 1e-6 {
            bars.push((bar, true));
        }
    }
    for (bar, fixed) in bars {
        if bar.end_beat() < from || bar.start_beat > to {
            continue;
        }
        out.extend(bar.notes.iter().filter(|note| note.part == part).map(|note| (note, fixed)));
    }
    out
}

fn fill(
    room: &Room<'_, '_>,
    rect: Rect,
    note: &PlannedNote,
    colour: Color32,
    fixed: bool,
    clip: Rect,
    rounded: f32,
) {
    let painter = room.ui.painter_at(clip);
    if fixed {
        let strength = 0.35 + 0.65 * f32::from(note.velocity) / 127.0;
        painter.rect_filled(rect, rounded, colour.gamma_multiply(strength));
    } else {
        painter.rect_stroke(rect, rounded, Stroke::new(1.0, colour.gamma_multiply(0.8)), StrokeKind::Inside);
    }
}

fn roll(room: &mut Room<'_, '_>, part: Part, rect: Rect, axis: &Axis) {
    let notes = notes(room, part, axis);
    let lowest = notes.iter().map(|(n, _)| n.key).min().unwrap_or(48);
    let highest = notes.iter().map(|(n, _)| n.key).max().unwrap_or(60);
    // At least an octave, so that one note is not a wall.
    let spare = 12u8.saturating_sub(highest - lowest);
    let (lowest, highest) = (lowest.saturating_sub(spare / 2), (highest + spare.div_ceil(2)).min(127));
    let rows = f32::from(highest - lowest + 1);
    let row = (rect.height() - 6.0) / rows;
    let theme = room.theme();
    for key in lowest..=highest {
        if key % 12 == 0 {
            let y = rect.bottom() - 3.0 - row * f32::from(key - lowest);
            let painter = room.ui.painter_at(rect);
            painter.hline(rect.x_range(), y, Stroke::new(1.0, theme.line.gamma_multiply(0.6)));
            let name = format!("C{}", i32::from(key / 12) - 1);
            painter.text(
                pos2(rect.left() + 3.0, y),
                Align2::LEFT_BOTTOM,
                name,
                egui::FontId::proportional(9.0),
                theme.low,
            );
        }
    }
    let colour = theme.parts[part.index()];
    let rounded = if part == Part::Bass { (row / 2.0).min(5.0) } else { 1.5 };
    for (note, fixed) in notes {
        let top = rect.bottom() - 3.0 - row * f32::from(note.key - lowest + 1);
        let left = axis.x(note.onset_beat);
        let right = axis.x(note.onset_beat + note.length_beats).max(left + 3.0);
        let at = Rect::from_min_max(pos2(left, top), pos2(right - 0.5, top + row.max(2.5)));
        fill(room, at, note, colour, fixed, rect, rounded);
    }
}

fn drums(room: &mut Room<'_, '_>, rect: Rect, axis: &Axis) {
    let theme = room.theme();
    let row = (rect.height() - 4.0) / ROWS.len() as f32;
    let top = |i: usize| rect.top() + 2.0 + row * i as f32;
    let painter = room.ui.painter_at(rect);
    for i in 1..ROWS.len() {
        painter.hline(rect.x_range(), top(i), Stroke::new(1.0, theme.line.gamma_multiply(0.4)));
    }
    let size = (row - 2.0).min(axis.quarter() * 0.22).max(2.5);
    for (note, fixed) in notes(room, Part::Drums, axis) {
        let Some(i) = DrumVoice::from_gm_key(note.key).and_then(|v| ROWS.iter().position(|r| *r == v)) else {
            continue;
        };
        let size = if note.velocity < GHOST { size / 2.0 } else { size };
        let centre = pos2(axis.x(note.onset_beat) + size / 2.0, top(i) + row / 2.0);
        let at = Rect::from_center_size(centre, vec2(size, size));
        fill(room, at, note, theme.parts[0], fixed, rect, 0.0);
    }
    // Names stand over the strokes that have left, so that they can always be read.
    for (i, voice) in ROWS.iter().enumerate().filter(|_| row >= 10.0) {
        let at = pos2(rect.left() + 3.0, top(i) + row / 2.0);
        let font = egui::FontId::proportional(9.0);
        let galley = room.ui.painter().layout_no_wrap(voice.name().to_owned(), font, theme.low);
        let place = Align2::LEFT_CENTER.anchor_size(at, galley.size());
        room.ui.painter_at(rect).rect_filled(place.expand(1.0), 0.0, theme.well.gamma_multiply(0.85));
        room.ui.painter_at(rect).galley(place.min, galley, theme.low);
    }
}

/// The first ten seconds.
fn welcome(room: &mut Room<'_, '_>, rect: Rect) {
    let theme = room.theme();
    let card = Rect::from_center_size(rect.center() + vec2(0.0, 14.0), vec2(rect.width().min(460.0), 146.0));
    room.ui.painter().rect(card, RADIUS, theme.panel, theme.hair(), StrokeKind::Inside);
    let lines = [
        "Put Backline on an audio track and press play.",
        "After two bars it plays drums, chords and bass with you.",
        "Drag any clip into your project.",
    ];
    for (i, line) in lines.into_iter().enumerate() {
        let at = pos2(card.center().x, card.top() + 24.0 + 23.0 * i as f32);
        let (font, colour) = if i == 0 { (head(), theme.high) } else { (body(), theme.mid) };
        room.text(at, Align2::CENTER_CENTER, line, font, colour, card.width() - 16.0);
    }
    let demo = room.scene.status.demo;
    let at = Rect::from_center_size(pos2(card.center().x, card.bottom() - 32.0), vec2(180.0, 32.0));
    let text = if demo { "Waiting for the host's audio …" } else { "Hear it now" };
    if room.button("Hear it now, here", at, text, !demo, true, tooltips::HEAR).clicked() {
        room.acts.push(Action::Demo(!demo));
    }
}

/// What is wrong, across the lanes.
fn banner(room: &mut Room<'_, '_>, rect: Rect) {
    let scene = room.scene;
    let wrong = matches!(scene.state, State::Error | State::Degraded | State::ModelMissing | State::NoInput);
    let Some(text) = scene.state.advice(scene.snapshot).filter(|_| wrong) else { return };
    let theme = room.theme();
    let colour = scene.state.colour(theme);
    let at = Rect::from_min_size(rect.min + vec2(8.0, 8.0), vec2(rect.width() - 16.0, 34.0));
    let painter = room.ui.painter();
    painter.rect(at, RADIUS, theme.panel, Stroke::new(1.0, colour), StrokeKind::Inside);
    let painter = room.ui.painter_at(at.shrink(4.0));
    let galley = painter.layout(text.clone(), small(), theme.high, at.width() - 20.0);
    let top = at.center().y - galley.size().y / 2.0;
    painter.galley(pos2(at.left() + 10.0, top), galley, theme.high);
    if scene.state == State::Error {
        let centre = rect.center();
        room.text(
            centre,
            Align2::CENTER_CENTER,
            "The audio passes unchanged",
            big(),
            theme.mid,
            rect.width(),
        );
    }
}
