//! The arrangement: chords and bass as piano rolls, drums as a grid, on the chord lane's time axis.

use backline_music::{Part, PlannedNote};
use egui::{Align2, Color32, Key, Rect, Sense, Stroke, StrokeKind, pos2, vec2};

use super::clips;
use super::dial::ParamId;
use super::lanes::{self, Grid, ROWS, ShownBar};
use super::layout::HEAD_WIDTH;
use super::moment::State;
use super::room::{INSET, RADIUS, Room, wheel_notches};
use super::ruler;
use super::scene::{Action, ClipChoice, FileAct, Format};
use super::selection;
use super::theme::{big, body, head, small};
use super::timeline::{Axis, shown_bars};
use super::tooltips;

/// Bars that a lane's grip drags out, where none are selected.
const GRIP_BARS: usize = 4;

/// Size of the rows' names.
const ROW_NAME: f32 = 9.0;
/// Width of the strip where they stand.
pub const NAMES: f32 = 54.0;

/// How far the wheel goes from the playhead, in bars.
const PAN_BARS: f64 = 64.0;

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
    let whole = rect.shrink(1.0);
    let inner = Rect::from_min_max(whole.min + vec2(0.0, ruler::HEIGHT), whole.max);
    let height = inner.height();
    let lane = |from: f32, to: f32| {
        let top = inner.top() + height * from;
        Rect::from_min_max(pos2(inner.left(), top), pos2(inner.right(), inner.top() + height * to - 2.0))
    };
    let lanes =
        [(Part::Chords, lane(0.0, 0.33)), (Part::Bass, lane(0.33, 0.6)), (Part::Drums, lane(0.6, 1.0))];
    let empty = room.scene.is_empty();
    if !empty {
        ruler::heading(room, whole.min, HEAD_WIDTH);
        let at = Rect::from_min_max(
            pos2(whole.left() + HEAD_WIDTH, whole.top()),
            pos2(whole.right(), inner.top()),
        );
        let axis = Axis::new(room, at);
        let from = pos2(at.left() + NAMES - INSET, at.top());
        let moving = room.moves(Rect::from_min_max(from, whole.max), axis.moved());
        ruler::paint(room, at, &axis, at.intersect(moving));
    }
    for (part, lane) in lanes {
        heading(room, part, lane);
        let body = Rect::from_min_max(pos2(lane.left() + HEAD_WIDTH, lane.top()), lane.max);
        let ground = room.theme().well;
        room.ui.painter().rect_filled(body, RADIUS, ground);
        if !empty {
            let axis = Axis::new(room, body);
            let whole = room.ui.clip_rect();
            let moving = room.desk.scrolls.last().map_or(whole, |scroll| scroll.rect);
            room.ui.set_clip_rect(moving);
            lines(room, body, &axis);
            ruler::mark(room, body, &axis);
            let bars = lanes::bars(room, part, &axis);
            let grid = Grid::new(body, part, &axis, &bars);
            match part {
                Part::Drums => drums(room, body, &grid, &bars),
                _ => roll(room, part, body, &grid, &bars),
            }
            signs(room, body.with_min_x(moving.left()), &axis, &bars);
            let x = axis.x(axis.now());
            let accent = room.theme().accent;
            playhead(room.ui.painter(), x, body.y_range(), accent);
            room.ui.set_clip_rect(whole);
            names(room, part, body, &grid);
            lanes::hand(room, &grid, body.with_min_x(moving.left()), &bars);
        }
    }
    let lanes = Rect::from_min_max(pos2(whole.left() + HEAD_WIDTH, whole.top()), whole.max);
    if empty {
        welcome(room, lanes);
    } else {
        wheel(room, lanes);
    }
    banner(room, lanes);
}

/// The wheel moves through the song; with Ctrl it shows more or fewer bars.
fn wheel(room: &mut Room<'_, '_>, rect: Rect) {
    let over = room.ui.input(|i| i.pointer.latest_pos()).is_some_and(|p| rect.contains(p));
    if !over || room.desk.help.is_some() || egui::Popup::is_any_open(room.ui.ctx()) {
        return;
    }
    let (factor, command) = room.ui.input(|i| (i.zoom_delta(), i.modifiers.command));
    if factor != 1.0 {
        let bars = shown_bars(room.desk);
        room.desk.bars_shown = (bars / f64::from(factor)).clamp(2.0, 32.0);
    } else if !command {
        let notches: f32 = room.ui.input(|i| i.events.iter().map(wheel_notches).sum());
        let bar = room.scene.bar_quarters();
        room.desk.pan =
            (room.desk.pan - f64::from(notches) * bar / 4.0).clamp(-PAN_BARS * bar, PAN_BARS * bar);
    }
}

/// Switches a part off, or on again.
fn mute(room: &mut Room<'_, '_>, part: Part) {
    let id = switch_of(part);
    room.put(id, if room.is_on(id) { 0.0 } else { 1.0 });
}

fn is_alone(room: &Room<'_, '_>, part: Part) -> bool {
    Part::ALL.into_iter().all(|other| room.is_on(switch_of(other)) == (other == part))
}

/// Switches all other parts off, or on again.
fn solo(room: &mut Room<'_, '_>, part: Part) {
    let (name, others) = match is_alone(room, part) {
        true => ("all parts".to_owned(), 1.0),
        false => (format!("{part} alone"), 0.0),
    };
    let value = |other| (switch_of(other), if other == part { 1.0 } else { others });
    let mut values = Part::ALL.map(value).to_vec();
    values.retain(|(id, value)| room.value(*id) != *value);
    room.acts.push(Action::Together(name, values));
}

/// Keys of the lanes, from the top: 1 to 3 give one the focus; M, S and K mute, solo and keep the one that has it, and R throws
/// another take of all.
pub fn keys(room: &mut Room<'_, '_>) {
    let lanes = [(Part::Chords, Key::Num1), (Part::Bass, Key::Num2), (Part::Drums, Key::Num3)];
    let pressed = |room: &Room<'_, '_>, key| room.pressed(key).is_some_and(|held| held.is_none());
    for (part, number) in lanes {
        let id = room.id(&lanes::place(part));
        if pressed(room, number) {
            room.ui.memory_mut(|m| m.request_focus(id));
        }
        if room.ui.memory(|m| m.has_focus(id)) {
            if pressed(room, Key::M) {
                mute(room, part);
            }
            if pressed(room, Key::S) {
                solo(room, part);
            }
            if pressed(room, Key::K) {
                lanes::keep_all(room, part);
            }
        }
    }
    if pressed(room, Key::R) {
        lanes::dice_all(room);
    }
}

fn heading(room: &mut Room<'_, '_>, part: Part, lane: Rect) {
    let theme = room.theme();
    let colour = theme.parts[part.index()];
    // The smallest window leaves two rows of keys just room.
    let tall = lane.height() > 62.0;
    let at = lane.min + vec2(10.0, if tall { 6.0 } else { 2.0 });
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
    let first = lane.top() + if tall { 24.0 } else { 18.0 };
    let key = |i: f32, row: f32| {
        Rect::from_min_size(pos2(lane.left() + 8.0 + i * 20.0, first + 19.0 * row), vec2(18.0, 16.0))
    };
    let tip = tooltips::MUTE;
    if room.button(&format!("Mute {part}"), key(0.0, 0.0), "M", !on, true, tip).clicked() {
        mute(room, part);
    }
    let alone = is_alone(room, part);
    if room.button(&format!("Solo {part}"), key(1.0, 0.0), "S", alone, true, tooltips::SOLO).clicked() {
        solo(room, part);
    }
    let bars = match ruler::selected(room) {
        Some(selection) => selection::bars(room.scene, &selection),
        None => clips::last_bars(room.scene, GRIP_BARS),
    };
    let some = !bars.is_empty();
    let grip = key(2.0, 0.0);
    let response = room.touch(&format!("Drag {part}"), grip, Sense::click_and_drag(), tooltips::GRIP);
    let colour = if !some {
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
    if response.drag_started() && some {
        room.acts.push(Action::Drag(ClipChoice { bars, part: Some(part) }, Format::Midi));
    }
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, some, format!("Drag {part}")));

    let kept = lanes::all_kept(room, part);
    let plans = room.scene.snapshot.planned_notes() > 0;
    let ink = if plans { theme.mid } else { theme.low.gamma_multiply(0.6) };
    let at = key(0.0, 1.0);
    if room.button(&format!("Keep {part}"), at, "", kept, plans, tooltips::KEEP).clicked() {
        lanes::keep_all(room, part);
    }
    lock(room.ui.painter(), at.shrink2(vec2(3.5, 2.5)), if kept { theme.high } else { ink });
    let at = key(1.0, 1.0);
    if room.button(&format!("Dice {part}"), at, "", false, plans, tooltips::TAKE).clicked() {
        lanes::dice(room, part);
    }
    die(room.ui.painter(), at, ink);
}

// What moves is cut off at the part that moves and not at its lane, beyond which nothing reaches: where all have one edge,
// all is painted by one call.
fn lines(room: &mut Room<'_, '_>, rect: Rect, axis: &Axis) {
    let theme = room.theme();
    let painter = room.ui.painter();
    for (step, least, strength) in [(0.25, 7.0, 0.2), (1.0, 4.0, 0.5)] {
        let stroke = Stroke::new(1.0, theme.line.gamma_multiply(strength));
        let between = axis.lines(step, least).into_iter().filter(|(_, bar)| !bar);
        painter.extend(between.map(|(x, _)| egui::Shape::vline(x, rect.y_range(), stroke)));
    }
    let bars = axis.lines(1.0, 0.5).into_iter().filter(|(_, bar)| *bar);
    let stroke = Stroke::new(1.0, theme.line);
    painter.extend(bars.map(|(x, _)| egui::Shape::vline(x, rect.y_range(), stroke)));
}

/// A note: solid where it is fixed.
fn note(rect: Rect, note: &PlannedNote, colour: Color32, fixed: bool, rounded: f32) -> egui::Shape {
    if fixed {
        let strength = 0.35 + 0.65 * f32::from(note.velocity) / 127.0;
        egui::Shape::rect_filled(rect, rounded, colour.gamma_multiply(strength))
    } else {
        let edge = Stroke::new(1.0, colour.gamma_multiply(0.8));
        egui::Shape::rect_stroke(rect, rounded, edge, StrokeKind::Inside)
    }
}

fn roll(room: &mut Room<'_, '_>, part: Part, rect: Rect, grid: &Grid<'_>, bars: &[ShownBar]) {
    let theme = room.theme();
    for key in grid.keys.0..=grid.keys.1 {
        if key % 12 == 0 {
            let y = grid.key_top(key) + grid.row;
            let line = Stroke::new(1.0, theme.line.gamma_multiply(0.6));
            room.ui.painter().hline(rect.x_range(), y, line);
        }
    }
    let rounded = if part == Part::Bass { (grid.row / 2.0).min(5.0) } else { 1.5 };
    notes(room, part, grid, bars, rounded);
}

fn drums(room: &mut Room<'_, '_>, rect: Rect, grid: &Grid<'_>, bars: &[ShownBar]) {
    let theme = room.theme();
    let painter = room.ui.painter();
    for i in 1..ROWS.len() {
        painter.hline(rect.x_range(), grid.drum_top(i), Stroke::new(1.0, theme.line.gamma_multiply(0.4)));
    }
    notes(room, Part::Drums, grid, bars, 0.0);
}

/// What the rows are called, beside what moves.
fn names(room: &Room<'_, '_>, part: Part, rect: Rect, grid: &Grid<'_>) {
    let theme = room.theme();
    let painter = room.ui.painter_at(rect);
    let font = egui::FontId::proportional(ROW_NAME);
    let left = rect.left() + 3.0;
    // Its soft edge too stays clear of what moves.
    painter.vline(rect.left() + NAMES - 3.5, rect.y_range(), theme.hair());
    if part == Part::Drums {
        for (i, voice) in ROWS.iter().enumerate().filter(|_| grid.row >= 10.0) {
            let at = pos2(left, grid.drum_top(i) + grid.row / 2.0);
            painter.text(at, Align2::LEFT_CENTER, voice.name(), font.clone(), theme.low);
        }
        return;
    }
    for key in (grid.keys.0..=grid.keys.1).filter(|key| key % 12 == 0) {
        let y = grid.key_top(key) + grid.row;
        if y - ROW_NAME >= rect.top() {
            let name = format!("C{}", i32::from(key / 12) - 1);
            painter.text(pos2(left, y), Align2::LEFT_BOTTOM, name, font.clone(), theme.low);
        }
    }
}

fn notes(room: &Room<'_, '_>, part: Part, grid: &Grid<'_>, bars: &[ShownBar], rounded: f32) {
    let colour = room.theme().parts[part.index()];
    // What is off is planned, and not heard.
    let colour = if room.is_on(switch_of(part)) { colour } else { colour.gamma_multiply(0.35) };
    // All at once: for each that is added alone egui takes a lock.
    room.ui.painter().extend(bars.iter().flat_map(|bar| {
        let shape = |known: &PlannedNote| {
            Some(note(grid.place(known)?, known, colour, bar.fixed || bar.kept, rounded))
        };
        bar.notes.iter().filter_map(shape)
    }));
}

/// A lock over each bar that is kept.
fn signs(room: &Room<'_, '_>, rect: Rect, axis: &Axis, bars: &[ShownBar]) {
    let accent = room.theme().accent;
    for bar in bars.iter().filter(|bar| bar.kept) {
        lock(room.ui.painter(), lanes::sign(axis, rect, bar), accent);
    }
}

/// The playhead: two points wide, on whole pixels, so that it has no soft edge that would have to be painted again where the
/// music moves beneath it.
pub fn playhead(painter: &egui::Painter, x: f32, rows: egui::Rangef, colour: Color32) {
    let scale = painter.pixels_per_point();
    let whole = |points: f32| (points * scale).round() / scale;
    let mut mesh = egui::Mesh::default();
    let left = whole(x - 1.0);
    let (top, bottom) = (whole(rows.min), whole(rows.max));
    mesh.add_colored_rect(Rect::from_min_max(pos2(left, top), pos2(left + whole(2.0), bottom)), colour);
    painter.add(mesh);
}

/// A padlock.
fn lock(painter: &egui::Painter, rect: Rect, colour: Color32) {
    let body = Rect::from_min_max(pos2(rect.left() + 2.0, rect.center().y - 0.5), rect.max - vec2(2.0, 1.5));
    painter.rect_filled(body, 1.0, colour);
    let (left, right, top) = (body.left() + 1.5, body.right() - 1.5, rect.top() + 1.5);
    let bow = vec![
        pos2(left, body.top()),
        pos2(left, top + 1.5),
        pos2(left + 1.0, top + 0.5),
        pos2(right - 1.0, top + 0.5),
        pos2(right, top + 1.5),
        pos2(right, body.top()),
    ];
    painter.line(bow, Stroke::new(1.2, colour));
}

/// A die.
fn die(painter: &egui::Painter, rect: Rect, colour: Color32) {
    let face = Rect::from_center_size(rect.center(), vec2(11.0, 11.0));
    painter.rect_stroke(face, 2.0, Stroke::new(1.2, colour), StrokeKind::Inside);
    for at in [vec2(-2.6, -2.6), vec2(0.0, 0.0), vec2(2.6, 2.6)] {
        painter.circle_filled(face.center() + at, 1.1, colour);
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
    let key =
        |x: f32| Rect::from_center_size(pos2(card.center().x + x, card.bottom() - 32.0), vec2(180.0, 32.0));
    let at = key(-96.0);
    let text = if demo { "Waiting for the host's audio …" } else { "Hear it now" };
    if room.button("Hear it now, here", at, text, !demo, true, tooltips::HEAR).clicked() {
        room.acts.push(Action::Demo(!demo));
    }
    let text = "Open or drop a file";
    if room.button("Open a file", key(96.0), text, false, true, tooltips::OPEN).clicked() {
        room.acts.push(Action::File(FileAct::Ask));
    }
}

/// What is wrong, where no lanes are to be seen or nothing goes on in them any more; else the last line says it.
fn banner(room: &mut Room<'_, '_>, rect: Rect) {
    let scene = room.scene;
    let Some(text) = scene.banner() else { return };
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
        let ground = Rect::from_center_size(centre, vec2(rect.width().min(300.0), 40.0));
        room.ui.painter().rect(ground, RADIUS, theme.panel, theme.hair(), StrokeKind::Inside);
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
