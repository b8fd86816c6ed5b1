//! What is heard: the level, tempo, key, metre and style with how sure they are, and the last seconds.

use backline_music::{Corrections, Key, Metre};
use egui::{Align2, Color32, Rect, Stroke, pos2, vec2};

use super::dial::ParamId;
use super::room::{RADIUS, Room};
use super::scene::{Action, Correction};
use super::theme::{big, small, sure};
use super::tooltips;
use crate::snapshot::STRIP_S;

/// Metres that the musician can choose from.
const METRES: [(u8, u8); 6] = [(4, 4), (3, 4), (6, 8), (2, 4), (5, 4), (7, 8)];

/// How far the strip is moved at a time where little shall move, in seconds.
const PAGE_S: f64 = 2.0;

/// A read-out: what it says, how sure it is, and what else it could be.
struct Readout {
    value: String,
    prob: Option<f32>,
    note: String,
    pinned: bool,
    /// The note says that something does not fit.
    off: bool,
}

/// Paints the room.
pub fn paint(room: &mut Room<'_, '_>, rect: Rect) {
    room.panel(rect);
    let inner = rect.shrink2(vec2(12.0, 8.0));
    let meter = Rect::from_min_size(inner.min, vec2(12.0, inner.height()));
    level(room, meter);
    let strip_width = (inner.width() * 0.3).clamp(220.0, 420.0);
    let strip_at = Rect::from_min_max(pos2(inner.right() - strip_width, inner.top()), inner.max);
    strip(room, strip_at);
    let left = meter.right() + 14.0;
    let width = (strip_at.left() - 14.0 - left) / 4.0;
    let cell = |i: usize| {
        Rect::from_min_size(pos2(left + i as f32 * width, inner.top()), vec2(width - 8.0, inner.height()))
    };
    tempo(room, cell(0));
    key(room, cell(1));
    metre(room, cell(2));
    style(room, cell(3));
}

/// How high a level stands in the meter.
fn in_meter(decibels: f32) -> f32 {
    ((decibels + 60.0) / 60.0).clamp(0.0, 1.0)
}

/// Two bars: the peak, with its highest of the last second, and the loudness.
fn level(room: &mut Room<'_, '_>, rect: Rect) {
    let theme = room.theme();
    let share = |linear: f32| if linear > 0.0 { in_meter(20.0 * linear.log10()) } else { 0.0 };
    let status = room.scene.status;
    let (peak, held) = (share(status.peak), share(status.held));
    // The listener hears a moment later; a quiet input has no loudness at all.
    let strip = &room.scene.snapshot.strip.loudness;
    let loudness = strip.last().filter(|_| peak > 0.0).map_or(0.0, |(_, lufs)| in_meter(*lufs));
    let response = room.touch("Input level", rect, egui::Sense::hover(), tooltips::METER);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Meter, true, "Input level"));
    let scale = room.ui.ctx().pixels_per_point();
    let painter = room.ui.painter();
    painter.rect_filled(rect, RADIUS, theme.well);
    let inner = rect.shrink(2.0);
    let colour = |share: f32| match share {
        share if share > 0.99 => theme.error,
        share if share > 0.9 => theme.warn,
        _ => theme.ok,
    };
    // On whole pixels: what does not move by one need not be painted.
    let top = |share: f32| ((inner.bottom() - inner.height() * share) * scale).round() / scale;
    let bars = [(inner.left(), peak, colour(peak)), (inner.center().x + 0.5, loudness, theme.low)];
    for (left, share, colour) in bars {
        let size = vec2(inner.width() / 2.0 - 0.5, inner.bottom() - top(share));
        painter.rect_filled(Rect::from_min_size(pos2(left, top(share)), size), 0.0, colour);
    }
    if held > 0.0 {
        let mark = Rect::from_min_size(pos2(inner.left(), top(held)), vec2(inner.width() / 2.0 - 0.5, 1.5));
        painter.rect_filled(mark, 0.0, colour(held));
    }
    for tick in 1..5 {
        let y = rect.top() + rect.height() * tick as f32 / 5.0;
        painter.hline(rect.x_range(), y, Stroke::new(1.0, theme.panel));
    }
}

/// One read-out with its name above and, beneath, a bar for how sure it is. Returns what was touched.
fn readout(room: &mut Room<'_, '_>, name: &str, rect: Rect, read: &Readout, tip: &str) -> egui::Response {
    let theme = room.theme();
    let response = room.touch(name, rect, egui::Sense::click(), tip);
    if response.hovered() {
        room.ui.painter().rect_filled(rect, RADIUS, theme.line.gamma_multiply(0.5));
    }
    let at = rect.min + vec2(6.0, 2.0);
    let room_left = rect.width() - 12.0;
    let label =
        if read.pinned { format!("{} · set by you", name.to_uppercase()) } else { name.to_uppercase() };
    let colour = if read.pinned { theme.accent } else { theme.low };
    room.text(at, Align2::LEFT_TOP, &label, small(), colour, room_left);
    room.text(at + vec2(0.0, 16.0), Align2::LEFT_TOP, &read.value, big(), theme.high, room_left);
    if let Some(prob) = read.prob {
        let bar = Rect::from_min_size(at + vec2(0.0, 43.0), vec2(room_left.min(110.0), 3.0));
        room.ui.painter().rect_filled(bar, RADIUS, theme.line);
        // As it is told beneath: in hundredths.
        let prob = (prob.clamp(0.0, 1.0) * 100.0).round() / 100.0;
        let fill = Rect::from_min_size(bar.min, vec2(bar.width() * prob, bar.height()));
        room.ui.painter().rect_filled(fill, RADIUS, sure(theme.accent, prob));
    }
    let colour = if read.off { theme.warn } else { theme.low };
    room.text(at + vec2(0.0, 50.0), Align2::LEFT_TOP, &read.note, small(), colour, room_left);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{name}: {}", read.value))
    });
    response
}

/// A double click takes back what the musician had said, and the menu that its first click opened.
fn as_heard(room: &mut Room<'_, '_>, response: &egui::Response, act: Option<Action>) {
    if response.double_clicked() {
        room.acts.extend(act);
        egui::Popup::close_all(room.ui.ctx());
    }
}

fn percent(prob: f32) -> String {
    format!("{:.0} %", prob * 100.0)
}

fn tempo(room: &mut Room<'_, '_>, rect: Rect) {
    let scene = room.scene;
    let status = scene.status;
    // Quarter notes a minute, counted as the musician wants.
    let tactus = scene.snapshot.metre.map_or(1.0, |m| m.value.tactus_quarters());
    let heard = scene.snapshot.tempo_bpm.map(|t| {
        let bpm = t.value * tactus;
        (bpm * scene.corrections.tempo_octave(bpm), t.prob)
    });
    let host = status.playing && !scene.on_heard_beat();
    let pinned = scene.corrections.tempo_near_bpm.is_some();
    let off = heard.filter(|(bpm, _)| (bpm / status.tempo_bpm.max(1.0) - 1.0).abs() > 0.02);
    let read = match (host, heard) {
        (true, _) => Readout {
            value: format!("{:.1}", status.tempo_bpm),
            prob: None,
            note: match off {
                Some((bpm, _)) => format!("host · heard {bpm:.0}"),
                None => "host".to_owned(),
            },
            pinned,
            off: off.is_some(),
        },
        (false, Some((bpm, prob))) => Readout {
            value: format!("{bpm:.1}"),
            prob: Some(prob),
            note: format!("heard {}", percent(prob)),
            pinned,
            off: false,
        },
        (false, None) => {
            Readout { value: "–".into(), prob: None, note: "not heard yet".into(), pinned, off: false }
        }
    };
    let chips = heard.is_some();
    let body = if chips { Rect::from_min_max(rect.min, rect.max - vec2(34.0, 0.0)) } else { rect };
    let response = readout(room, "Tempo", body, &read, tooltips::TEMPO);
    room.menu_of(&response, |ui, _, acts| {
        ui.weak("The heard beat is counted near");
        for bpm in [60.0, 75.0, 90.0, 105.0, 120.0, 140.0, 160.0, 180.0] {
            let near = scene.corrections.tempo_near_bpm.is_some_and(|b| (b - bpm).abs() < 0.5);
            if ui.selectable_label(near, format!("{bpm:.0}")).clicked() {
                acts.push(Action::Correct(Correction::Tempo(Some(bpm))));
                ui.close();
            }
        }
        if ui.selectable_label(scene.corrections.tempo_near_bpm.is_none(), "As heard").clicked() {
            acts.push(Action::Correct(Correction::Tempo(None)));
            ui.close();
        }
    });
    as_heard(room, &response, pinned.then_some(Action::Correct(Correction::Tempo(None))));
    if let Some((bpm, _)) = heard {
        let chip =
            |top: f32| Rect::from_min_size(pos2(rect.right() - 32.0, rect.top() + top), vec2(30.0, 18.0));
        let half = Corrections::allows_tempo(bpm / 2.0);
        if room.button("Half tempo", chip(18.0), "÷2", false, half, tooltips::HALF).clicked() {
            room.acts.push(Action::Correct(Correction::Tempo(Some(bpm / 2.0))));
        }
        let double = Corrections::allows_tempo(bpm * 2.0);
        if room.button("Double tempo", chip(40.0), "×2", false, double, tooltips::DOUBLE).clicked() {
            room.acts.push(Action::Correct(Correction::Tempo(Some(bpm * 2.0))));
        }
    }
}

fn key(room: &mut Room<'_, '_>, rect: Rect) {
    let scene = room.scene;
    let pinned = scene.corrections.key;
    let read = match (pinned, &scene.snapshot.key) {
        (Some(key), heard) => Readout {
            value: key.to_string(),
            prob: None,
            note: heard.map_or(String::new(), |h| format!("heard {} {}", h.value, percent(h.prob))),
            pinned: true,
            off: false,
        },
        (None, Some(heard)) => Readout {
            value: heard.value.to_string(),
            prob: Some(heard.prob),
            note: match heard.runner_up {
                Some((key, prob)) => format!("{} · or {key} {}", percent(heard.prob), percent(prob)),
                None => percent(heard.prob),
            },
            pinned: false,
            off: false,
        },
        (None, None) => {
            Readout {
                value: "–".into(), prob: None, note: "not heard yet".into(), pinned: false, off: false
            }
        }
    };
    let response = readout(room, "Key", rect, &read, tooltips::KEY);
    room.menu_of(&response, |ui, _, acts| {
        let mut choose = |ui: &mut egui::Ui, key: Option<Key>, text: String| {
            if ui.selectable_label(pinned == key, text).clicked() {
                acts.push(Action::Correct(Correction::Key(key)));
                ui.close();
            }
        };
        choose(ui, None, "As heard".to_owned());
        if let Some((second, _)) = scene.snapshot.key.and_then(|k| k.runner_up) {
            choose(ui, Some(second), format!("{second} (runner-up)"));
        }
        ui.separator();
        for key in Key::all() {
            choose(ui, Some(key), key.to_string());
        }
    });
    as_heard(room, &response, pinned.map(|_| Action::Correct(Correction::Key(None))));
}

fn metre(room: &mut Room<'_, '_>, rect: Rect) {
    let scene = room.scene;
    let pinned = scene.corrections.metre;
    let host = scene.status.playing && !scene.on_heard_beat();
    let mood = mood(scene.snapshot.mood);
    let read = match (host, scene.snapshot.place, pinned, &scene.snapshot.metre) {
        (true, Some(place), _, _) => {
            let bar =
                ((place.bar_start - demo_origin(scene.snapshot.demo)) / place.metre.bar_quarters()).round();
            let beat = (place.beat - place.bar_start) / place.metre.tactus_quarters();
            Readout {
                value: place.metre.to_string(),
                prob: None,
                note: format!("host · bar {:.0}.{:.0}", bar + 1.0, beat.floor() + 1.0),
                pinned: pinned.is_some(),
                off: false,
            }
        }
        (_, _, Some(metre), _) => {
            Readout { value: metre.to_string(), prob: None, note: mood.clone(), pinned: true, off: false }
        }
        (_, _, None, Some(heard)) => Readout {
            value: heard.value.to_string(),
            prob: Some(heard.prob),
            note: format!("heard {}", percent(heard.prob)),
            pinned: false,
            off: false,
        },
        _ => {
            Readout {
                value: "–".into(), prob: None, note: "not heard yet".into(), pinned: false, off: false
            }
        }
    };
    let response = readout(room, "Metre", rect, &read, tooltips::METRE);
    room.menu_of(&response, |ui, _, acts| {
        let choices = METRES.into_iter().filter_map(|(n, d)| Metre::new(n, d)).map(Some);
        for metre in [None].into_iter().chain(choices) {
            let text = metre.map_or("As heard".to_owned(), |m| m.to_string());
            if ui.selectable_label(pinned == metre, text).clicked() {
                acts.push(Action::Correct(Correction::Metre(metre)));
                ui.close();
            }
        }
    });
    as_heard(room, &response, pinned.map(|_| Action::Correct(Correction::Metre(None))));
}

/// Where bar 1 lies.
fn demo_origin(demo: bool) -> f64 {
    if demo { crate::demo::DEMO_BEAT } else { 0.0 }
}

fn mood((energy, valence): (f32, f32)) -> String {
    let energy = if energy < 0.35 {
        "calm"
    } else if energy > 0.65 {
        "energetic"
    } else {
        "moderate"
    };
    let valence = if valence < 0.4 {
        ", dark"
    } else if valence > 0.6 {
        ", bright"
    } else {
        ""
    };
    format!("{energy}{valence}")
}

fn style(room: &mut Room<'_, '_>, rect: Rect) {
    let scene = room.scene;
    let dial = scene.params.dial(ParamId::Style);
    let now = scene.values[ParamId::Style.index()];
    let chosen = now > 0.0;
    let plays = played_style(scene.snapshot);
    let heard = scene.snapshot.planned_notes() > 0 || !scene.snapshot.captured.is_empty();
    let read = Readout {
        value: match (chosen, &plays) {
            (true, _) => dial.shown(now),
            (false, Some((id, _))) if heard => style_name(room, id),
            _ => "Auto".to_owned(),
        },
        prob: plays.filter(|_| !chosen && heard).and_then(|(_, prob)| prob),
        note: if heard { mood(scene.snapshot.mood) } else { String::new() },
        pinned: chosen,
        off: false,
    };
    let response = readout(room, "Style", rect, &read, tooltips::param(ParamId::Style));
    style_menu(room, &response);
    if response.double_clicked() {
        if chosen {
            room.put(ParamId::Style, 0.0);
        }
        egui::Popup::close_all(room.ui.ctx());
    }
}

/// The style that the band plays, and how likely the listener thinks it: at a phrase's start it follows what is heard.
pub fn played_style(snapshot: &crate::snapshot::Snapshot) -> Option<(&str, Option<f32>)> {
    let plays = snapshot.plan.as_ref()?.bars.last()?.style.as_str();
    let prob = snapshot.styles.iter().find(|(id, _)| id == plays).map(|(_, prob)| *prob);
    Some((plays, prob))
}

/// What a style is called.
pub fn style_name(room: &Room<'_, '_>, id: &str) -> String {
    let dial = room.scene.params.dial(ParamId::Style);
    let steps = dial.steps().unwrap_or(1);
    (0..=steps)
        .map(|i| i as f32 / steps as f32)
        .find(|v| crate::params::style_ids().get((v * steps as f32).round() as usize) == Some(&id))
        .map_or_else(|| id.to_owned(), |v| dial.shown(v))
}

/// The list of styles.
pub fn style_menu(room: &mut Room<'_, '_>, response: &egui::Response) {
    let scene = room.scene;
    let dial = scene.params.dial(ParamId::Style);
    let steps = dial.steps().unwrap_or(1);
    let now = (scene.values[ParamId::Style.index()] * steps as f32).round() as usize;
    room.menu_of(response, |ui, _, acts| {
        for i in 0..=steps {
            let value = i as f32 / steps as f32;
            if ui.selectable_label(i == now, dial.shown(value)).clicked() {
                let id = ParamId::Style;
                acts.extend([Action::Begin(id), Action::Set(id, value), Action::End(id)]);
                ui.close();
            }
        }
    });
}

fn strip(room: &mut Room<'_, '_>, rect: Rect) {
    let theme = room.theme();
    let snapshot = room.scene.snapshot;
    let response = room.touch("Last seconds", rect, egui::Sense::hover(), tooltips::STRIP);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "The last eight seconds"));
    room.ui.painter().rect_filled(rect, RADIUS, theme.well);
    let pixels = f64::from(rect.width() * room.ui.ctx().pixels_per_point()) / STRIP_S;
    // Where little shall move the strip is filled, and then moved on.
    let shown_s =
        if room.scene.look.calm { (snapshot.heard_s / PAGE_S).ceil() * PAGE_S } else { snapshot.heard_s };
    let moved = (shown_s * pixels).round();
    let moving = room.moves(rect, moved as i64);
    let painter = room.ui.painter_at(moving);
    // Whole pixels here too, reckoned without where the strip has moved to.
    let scale = f64::from(room.ui.ctx().pixels_per_point());
    let x = |time_s: f64| rect.right() - ((moved - (time_s * pixels).round()) / scale) as f32;
    let middle = rect.center().y;
    for &(time_s, lufs) in &snapshot.strip.loudness {
        let height = rect.height() * 0.46 * ((lufs + 60.0) / 54.0).clamp(0.0, 1.0);
        let bar = Rect::from_center_size(pos2(x(time_s), middle), vec2(rect.width() / 100.0, height * 2.0));
        painter.rect_filled(bar, 0.0, theme.low.gamma_multiply(0.55));
    }
    let tick = |time_s: f64, share: f32, colour: Color32, width: f32| {
        let half = rect.height() * 0.5 * share;
        painter.vline(x(time_s), (middle - half)..=(middle + half), Stroke::new(width, colour));
    };
    for &(time_s, strength) in &snapshot.strip.onsets {
        tick(time_s, 0.15 + 0.35 * strength, theme.mid, 1.0);
    }
    for &(time_s, down) in &snapshot.strip.beats {
        tick(
            time_s,
            if down { 0.95 } else { 0.6 },
            theme.accent.gamma_multiply(if down { 1.0 } else { 0.6 }),
            1.0,
        );
    }
}
