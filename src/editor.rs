//! The window: what it hears, what it will play, and every knob. One snapshot a frame, no waiting.
//!
//! [`paint`] is a function from a [`scene::Scene`] and egui's input to [`scene::Action`]s; [`App`] carries
//! those out. So everything that is shown and touched can be tested without a window.

mod app;
mod arrangement;
mod chords;
mod clips;
mod closing;
pub mod dial;
mod drag;
mod header;
mod heard;
mod help;
mod history;
mod intake;
mod knob;
mod lanes;
pub mod layout;
pub mod moment;
mod room;
mod ruler;
pub mod scene;
pub mod selection;
mod shape;
mod status;
pub mod theme;
mod timeline;
pub mod tooltips;
mod zoom;

use std::sync::Arc;

use nice_plug::editor::dpi::LogicalSize;
use nice_plug::editor::{ResizeHint, SizeConstraints};
use nice_plug_egui::{EguiNiceSettings, GraphicsConfig, RepaintNotifier};

use crate::bridge::EditorEnd;
use crate::params::BacklineParams;

pub use app::App;
pub use closing::Window;
use layout::{Layout, MIN_SIZE};
use room::Room;
use scene::{Action, Desk, Scene};

/// Makes the editor. No window opens here; `news` is rung when there is something new to see.
pub fn create(params: Arc<BacklineParams>, end: EditorEnd, news: RepaintNotifier) -> Option<Window> {
    Some(Window::new(params, end, news, settings))
}

/// How the framework is to make a window.
fn settings() -> EguiNiceSettings {
    let constraints = SizeConstraints::Logical {
        min_size: Some(LogicalSize::new(MIN_SIZE.x * 0.75, MIN_SIZE.y * 0.75)),
        max_size: None,
    };
    let hint = ResizeHint { size_constraints: constraints, ..ResizeHint::RESIZABLE };
    // Nothing here fades from colour to colour, and where graphics are software dithering costs with every pixel.
    let graphics = GraphicsConfig { dithering: false, ..GraphicsConfig::default() };
    EguiNiceSettings::new().with_tile("Backline").with_resize_hint(hint).with_graphics_config(graphics)
}

/// Paints the window, on a ground that is filled already: with the theme's colour behind a room, since rooms fill most
/// of it, and where graphics are software every pixel that is painted twice is paid for.
pub fn paint(ui: &mut egui::Ui, scene: &Scene<'_>, desk: &mut Desk, acts: &mut Vec<Action>) {
    if let Some(placed) = &mut desk.placed {
        placed.clear();
    }
    desk.info.clear();
    desk.scrolls.clear();
    if std::mem::replace(&mut desk.played, scene.status.playing) != scene.status.playing {
        desk.pan = 0.0;
    }
    // The Space key is the host's, and Enter shall type, not press: what egui would take for a press of
    // the focused widget is taken out before any widget sees it.
    ui.input_mut(|i| {
        i.events.retain(|event| match event {
            egui::Event::Key { key: egui::Key::Space, .. } => false,
            egui::Event::Text(text) => text != " ",
            _ => true,
        });
    });
    let over_all = egui::Popup::is_any_open(ui.ctx())
        || desk.typing.is_some()
        || desk.chord.is_some()
        || desk.help.is_some()
        || *scene.intake != scene::Intake::Nothing;
    if !over_all && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
        desk.selection = None;
    }
    let window = ui.max_rect();
    let layout = Layout::of(window.size());
    for gap in layout.gaps(window) {
        ui.painter().rect_filled(gap, 0.0, scene.theme.window);
    }
    let mut room = Room { ui, scene, desk, acts };
    // In reading order, which is the order of the Tab key.
    header::paint(&mut room, layout.header);
    heard::paint(&mut room, layout.heard);
    chords::paint(&mut room, layout.chords);
    arrangement::paint(&mut room, layout.arrangement);
    shape::paint(&mut room, layout.shape);
    clips::paint(&mut room, layout.clips);
    status::paint(&mut room, layout.status);
    intake::paint(&mut room, window);
    help::paint(&mut room, window);
    shortcuts(&mut room);
}

/// Keys that work wherever the focus is, while nothing is being typed.
fn shortcuts(room: &mut Room<'_, '_>) {
    let typing = room.desk.typing.is_some()
        || room.ui.memory(|m| m.focused().is_some()) && room.ui.text_edit_focused();
    if typing {
        return;
    }
    if room.desk.help.is_some() {
        if help::asked(room.ui) {
            help::turn(room);
        }
        return;
    }
    match room.pressed(egui::Key::Z).filter(|held| held.command) {
        Some(held) if held.shift => room.acts.push(Action::Redo),
        Some(_) => room.acts.push(Action::Undo),
        // Not every system's window tells of Z while Shift is held.
        None if room.pressed(egui::Key::Y).is_some_and(|held| held.command) => room.acts.push(Action::Redo),
        None => {}
    }
    // Letters are the host's, until Tab or the hand has given something here the focus.
    let focused = room.ui.memory(|m| m.focused().is_some());
    if !focused || egui::Popup::is_any_open(room.ui.ctx()) {
        return;
    }
    arrangement::keys(room);
    if room.pressed(egui::Key::L).is_some_and(|held| !held.command && !held.alt) {
        let id = dial::ParamId::Listen;
        room.put(id, if room.is_on(id) { 0.0 } else { 1.0 });
    }
    if room.pressed(egui::Key::E).is_some_and(|held| held.command) {
        clips::export(room);
    }
    if help::asked(room.ui) {
        help::turn(room);
    }
}

#[cfg(test)]
mod tests;
