//! The clips: the last bars, ready to be dragged out or written to files.

use std::sync::Arc;

use backline_music::{Part, PlannedBar};
use egui::{Align2, Rect, Sense, Stroke, StrokeKind, pos2, vec2};

use super::room::{RADIUS, Room};
use super::ruler::selected;
use super::scene::{Action, ClipChoice, Format, Heard, Scene};
use super::selection;
use super::theme::{body, small};
use super::tooltips;

/// Lengths of the cards, in bars.
const CARDS: [usize; 2] = [4, 8];
/// Bars that a thumb is about, where none are selected.
const JUDGED_BARS: usize = 4;
/// Width of a card's right edge, where its button stands.
const LISTEN: f32 = 25.0;
/// Width of what stands beside the cards.
const CONTROLS: f32 = 289.0;

/// The bars that were played last.
pub fn last_bars(scene: &Scene<'_>, bars: usize) -> Vec<Arc<PlannedBar>> {
    let captured = &scene.snapshot.captured;
    captured[captured.len().saturating_sub(bars)..].to_vec()
}

/// Writes the selected bars, or the last four, as MIDI.
pub fn export(room: &mut Room<'_, '_>) {
    let bars = match selected(room) {
        Some(selection) => selection::bars(room.scene, &selection),
        None => last_bars(room.scene, CARDS[0]),
    };
    if !bars.is_empty() {
        room.acts.push(Action::Export(ClipChoice { bars, part: room.desk.clip_part }, Format::Midi));
    }
}

/// Paints the room.
pub fn paint(room: &mut Room<'_, '_>, rect: Rect) {
    room.panel(rect);
    let theme = room.theme();
    let inner = rect.shrink2(vec2(10.0, 8.0));
    let width = ((inner.width() - CONTROLS) / 3.0 - 8.0).min(150.0);
    let mut x = inner.left();
    let mut next = || {
        let at = Rect::from_min_size(pos2(x, inner.top()), vec2(width, inner.height()));
        x += width + 8.0;
        at
    };
    for bars in CARDS {
        let last = last_bars(room.scene, bars);
        let text = format!("Last {} bars", if last.is_empty() { bars } else { last.len() });
        card(room, next(), &format!("Last {bars} bars"), &text, last, ["records", "as it plays"]);
    }
    let selection = selected(room);
    let chosen = selection.map(|selection| selection::bars(room.scene, &selection)).unwrap_or_default();
    let text = match selection.map(|selection| selection.numbers(room.scene)) {
        Some((first, last)) if first == last => format!("Bar {first}"),
        Some((first, last)) => format!("Bars {first}–{last}"),
        None => "Selection".to_owned(),
    };
    let hint =
        if selection.is_some() { ["nothing is", "known there"] } else { ["drag along", "the bar ruler"] };
    card(room, next(), "Selection", &text, chosen.clone(), hint);
    let right = Rect::from_min_max(pos2(x + 4.0, inner.top()), inner.max);
    let height = (inner.height() - 20.0) / 2.0;
    let button = |column: f32, width: f32, row: f32| {
        let min = pos2(right.left() + column, right.top() + row * (height + 3.0));
        Rect::from_min_size(min, vec2(width, height - 1.0))
    };
    let parts = [("All", None)].into_iter().chain(Part::ALL.map(|p| (p.name(), Some(p))));
    for (i, (name, part)) in parts.enumerate() {
        let on = room.desk.clip_part == part;
        let at = button(i as f32 * 58.0, 55.0, 0.0);
        if room.button(&format!("Clip: {name}"), at, name, on, true, tooltips::CARD_PART).clicked() {
            room.desk.clip_part = part;
        }
    }
    let scene = room.scene;
    let thumbs = [("Like", true, tooltips::LIKE), ("Dislike", false, tooltips::DISLIKE)];
    let captured = &scene.snapshot.captured;
    let played = |bar: &Arc<PlannedBar>| captured.iter().any(|other| other.start_beat == bar.start_beat);
    let judged = match selection {
        Some(_) => chosen.iter().filter(|bar| played(bar)).cloned().collect(),
        None => last_bars(scene, JUDGED_BARS),
    };
    for (i, (name, liked, tip)) in thumbs.into_iter().enumerate() {
        let at = button(233.0 + 27.0 * i as f32, 25.0, 0.0);
        let can = !judged.is_empty();
        if room.button(name, at, "", false, can, tip).clicked() {
            room.acts.push(Action::Judge(judged.clone(), liked));
        }
        let colour = if can { theme.mid } else { theme.low.gamma_multiply(0.6) };
        thumb(room.ui.painter(), at, liked, colour);
    }
    let part = room.desk.clip_part;
    let bars = scene.clips.bars;
    room.menu("Export", button(0.0, 76.0, 1.0), "Export", tooltips::EXPORT, |ui, _, acts| {
        if bars == 0 && chosen.is_empty() {
            ui.label("There is nothing to write yet: the band has not played a whole bar.");
            return;
        }
        if !chosen.is_empty() {
            formats(ui, &text, &ClipChoice { bars: chosen, part }, acts);
        }
        for length in [4, 8, 16, 64] {
            let last = last_bars(scene, length);
            if last.is_empty() {
                break;
            }
            let text = format!("Last {} bars", last.len());
            formats(ui, &text, &ClipChoice { bars: last, part }, acts);
            if bars <= length {
                break;
            }
        }
    });
    if room
        .button("Open folder", button(79.0, 84.0, 1.0), "Open folder", false, true, tooltips::FOLDER)
        .clicked()
    {
        room.acts.push(Action::OpenFolder);
    }
    let written = matches!(scene.clips.last, Some(Ok(_)));
    if room
        .button("Copy path", button(166.0, 74.0, 1.0), "Copy path", false, written, tooltips::PATH)
        .clicked()
    {
        room.acts.push(Action::CopyPath);
    }
    let (text, colour) = match (&scene.clips.last, scene.clips.busy) {
        (_, true) => ("Writing …".to_owned(), theme.info),
        (Some(Ok(path)), _) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (format!("Written: {name}"), theme.ok)
        }
        (Some(Err(error)), _) => (error.clone(), theme.error),
        (None, _) if bars == 0 => ("The last 64 bars are always kept".to_owned(), theme.low),
        (None, _) => {
            let judged = scene.snapshot.judged.map_or_else(String::new, |judged| {
                let thumb = if judged.liked { "liked" } else { "not liked" };
                let [first, last] = [judged.first, judged.last].map(crate::clips::number_of);
                format!(" · bars {first}–{last} {thumb}")
            });
            (format!("{bars} bars kept{judged}"), theme.low)
        }
    };
    let at = pos2(right.left(), inner.bottom());
    let said = room.text(at, Align2::LEFT_BOTTOM, &text, small(), colour, right.width());
    if let Some(Err(error)) = &scene.clips.last {
        room.touch("Clip error", said, Sense::hover(), error);
    }
}

/// A hand with its thumb up or down.
fn thumb(painter: &egui::Painter, rect: Rect, up: bool, colour: egui::Color32) {
    let centre = rect.center();
    let at = |x: f32, y: f32| centre + vec2(x, if up { y } else { -y });
    let fist = Rect::from_two_pos(at(-2.5, -1.5), at(5.0, 4.5));
    painter.rect_filled(fist, 1.5, colour);
    painter.rect_filled(Rect::from_two_pos(at(-5.5, -0.5), at(-3.5, 4.5)), 0.5, colour);
    painter.line(vec![at(-1.2, -1.0), at(0.8, -3.0), at(1.2, -5.5)], Stroke::new(2.4, colour));
}

/// The ways in which a clip can be written.
fn formats(ui: &mut egui::Ui, text: &str, choice: &ClipChoice, acts: &mut Vec<Action>) {
    ui.menu_button(text, |ui| {
        let formats = [
            ("MIDI", Format::Midi),
            ("MIDI, one file a part", Format::MidiParts),
            ("Lead sheet (MusicXML)", Format::MusicXml),
            ("Sound (WAV)", Format::Wav),
        ];
        for (name, format) in formats {
            if ui.button(name).clicked() {
                acts.push(Action::Export(choice.clone(), format));
                ui.close();
            }
        }
    });
}

/// A card that is dragged out as a file of `bars`; `hint` says what it waits for while there are none.
fn card(
    room: &mut Room<'_, '_>,
    rect: Rect,
    name: &str,
    text: &str,
    bars: Vec<Arc<PlannedBar>>,
    hint: [&str; 2],
) {
    let theme = room.theme();
    // The button that lets it be heard stands at its right edge.
    let held = Rect::from_min_max(rect.min, rect.max - vec2(LISTEN, 0.0));
    let response = room.touch(name, held, Sense::click_and_drag(), tooltips::CARD);
    let ready = !bars.is_empty();
    let clips = room.scene.clips;
    let mine = room.desk.dragged_card == name;
    let failed = matches!(clips.last, Some(Err(_))) && !clips.busy;
    let edge = match (ready, response.hovered()) {
        (true, _) if mine && clips.busy => Stroke::new(1.5, theme.info),
        (true, _) if mine && failed => Stroke::new(1.5, theme.error),
        (false, _) => theme.hair(),
        (true, false) => Stroke::new(1.0, theme.low),
        (true, true) => Stroke::new(1.5, theme.accent),
    };
    room.ui.painter().rect(rect, RADIUS, theme.well, edge, StrokeKind::Inside);
    let colour = if ready { theme.high } else { theme.low };
    room.text(rect.min + vec2(8.0, 5.0), Align2::LEFT_TOP, text, body(), colour, held.width() - 9.0);
    let picture = Rect::from_min_max(rect.min + vec2(8.0, 25.0), rect.max - vec2(8.0, 6.0));
    if ready {
        miniature(room, name, picture, &bars);
    } else {
        for (i, line) in hint.into_iter().enumerate() {
            let at = picture.left_top() + vec2(0.0, 2.0 + 13.0 * i as f32);
            room.text(at, Align2::LEFT_TOP, line, small(), theme.low, picture.width());
        }
    }
    if ready {
        listen(room, rect, name, &bars);
    }
    if ready && mine && clips.dropped {
        tick(room.ui.painter(), picture, theme.ok);
    }
    if response.drag_started_by(egui::PointerButton::Primary) && ready {
        let (alt, shift) = room.ui.input(|i| (i.modifiers.alt, i.modifiers.shift));
        let format = if alt {
            Format::Wav
        } else if shift {
            Format::MidiParts
        } else {
            Format::Midi
        };
        name.clone_into(&mut room.desk.dragged_card);
        room.acts.push(Action::Drag(ClipChoice { bars, part: room.desk.clip_part }, format));
    }
    if response.hovered() && ready {
        room.ui.ctx().set_cursor_icon(egui::CursorIcon::Grab);
    }
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, ready, text));
}

/// The sign that another program took the clip.
fn tick(painter: &egui::Painter, rect: Rect, colour: egui::Color32) {
    let at = |x: f32, y: f32| rect.center() + vec2(x, y);
    painter.line(vec![at(-9.0, 0.0), at(-2.0, 7.0), at(11.0, -8.0)], Stroke::new(3.0, colour));
}

/// The button in a card's corner that lets it be heard.
fn listen(room: &mut Room<'_, '_>, card: Rect, name: &str, bars: &[Arc<PlannedBar>]) {
    let theme = room.theme();
    let at = Rect::from_min_size(card.right_top() + vec2(-LISTEN, 5.0), vec2(LISTEN - 5.0, 17.0));
    let sounds = room.scene.status.auditioning && room.desk.heard_card == name;
    if room.button(&format!("Hear {name}"), at, "", sounds, true, tooltips::LISTEN).clicked() {
        let choice = ClipChoice { bars: bars.to_vec(), part: room.desk.clip_part };
        room.acts.push(Action::Hear(if sounds { Heard::Nothing } else { Heard::Clip(choice) }));
        name.clone_into(&mut room.desk.heard_card);
    }
    let centre = at.center();
    let painter = room.ui.painter();
    if sounds {
        painter.rect_filled(Rect::from_center_size(centre, vec2(7.0, 7.0)), 1.0, theme.high);
    } else {
        let corners = [(-3.0, -4.0), (4.5, 0.0), (-3.0, 4.0)].map(|(x, y)| centre + vec2(x, y));
        painter.add(egui::Shape::convex_polygon(corners.to_vec(), theme.mid, Stroke::NONE));
    }
}

/// A card's notes as they are painted, and what they were made of: a card rarely changes, and has more notes than the rest of
/// the window has shapes.
#[derive(Debug, Clone)]
pub struct Miniature {
    bars: Vec<Arc<PlannedBar>>,
    part: Option<Part>,
    rect: Rect,
    light: bool,
    scale: f32,
    mesh: Arc<egui::Mesh>,
}

impl Miniature {
    fn of(room: &Room<'_, '_>, rect: Rect, bars: &[Arc<PlannedBar>]) -> Self {
        let (theme, part, scale) = (room.theme(), room.desk.clip_part, room.ui.ctx().pixels_per_point());
        let mut mesh = egui::Mesh::default();
        let total: f64 = bars.iter().map(|bar| bar.metre.bar_quarters()).sum();
        let whole = |points: f32| (points * scale).round() / scale;
        // Whole pixels high, so that no edge is soft.
        let thick = (1.5 * scale).round().max(1.0) / scale;
        let mut offset = 0.0;
        for bar in bars {
            for note in bar.notes.iter().filter(|n| part.is_none_or(|p| p == n.part)) {
                let x = |beat: f64| {
                    rect.left() + rect.width() * ((offset + beat - bar.start_beat) / total) as f32
                };
                let height = (f32::from(note.key.clamp(28, 84)) - 28.0) / 56.0;
                let y = rect.bottom() - 1.0 - height * (rect.height() - 2.0);
                let to = x(note.onset_beat + note.length_beats).max(x(note.onset_beat) + 1.5);
                let top = whole(y - thick / 2.0);
                let (left, right) = (x(note.onset_beat).max(rect.left()), to.min(rect.right()));
                let at = Rect::from_min_max(pos2(left, top), pos2(right, top + thick));
                mesh.add_colored_rect(at, theme.parts[note.part.index()]);
            }
            offset += bar.metre.bar_quarters();
        }
        Self { bars: bars.to_vec(), part, rect, light: theme.light, scale, mesh: Arc::new(mesh) }
    }

    fn is_of(&self, room: &Room<'_, '_>, rect: Rect, bars: &[Arc<PlannedBar>]) -> bool {
        let same = |(a, b): (&Arc<PlannedBar>, &Arc<PlannedBar>)| Arc::ptr_eq(a, b) || a == b;
        self.rect == rect
            && self.part == room.desk.clip_part
            && self.light == room.theme().light
            && self.scale == room.ui.ctx().pixels_per_point()
            && self.bars.len() == bars.len()
            && self.bars.iter().zip(bars).all(same)
    }
}

fn miniature(room: &mut Room<'_, '_>, name: &str, rect: Rect, bars: &[Arc<PlannedBar>]) {
    let known = room.desk.miniatures.iter().position(|(known, _)| known == name);
    let fresh = known.is_none_or(|i| !room.desk.miniatures[i].1.is_of(room, rect, bars));
    if fresh {
        let made = (name.to_owned(), Miniature::of(room, rect, bars));
        match known {
            Some(i) => room.desk.miniatures[i] = made,
            None => room.desk.miniatures.push(made),
        }
    }
    let mesh = known.unwrap_or(room.desk.miniatures.len() - 1);
    let mesh = Arc::clone(&room.desk.miniatures[mesh].1.mesh);
    room.ui.painter().add(egui::Shape::Mesh(mesh));
}
