//! The header: presets, A and B, undo and redo, listening, and the menu.

use egui::{Align2, Rect, Ui, pos2, vec2};

use super::dial::ParamId;
use super::room::Room;
use super::scene::{Action, Desk, FileAct, PresetAction, Scene};
use super::theme::head;
use super::tooltips;
use crate::state::Look;

/// Sizes that the window can be shown at.
const ZOOMS: [f32; 6] = [0.75, 1.0, 1.25, 1.5, 1.75, 2.0];

/// Paints the header.
pub fn paint(room: &mut Room<'_, '_>, rect: Rect) {
    room.panel(rect);
    let theme = room.theme();
    let middle = rect.center().y;
    let mut x = rect.left() + 12.0;
    let mut next = |width: f32, gap: f32| {
        let place = Rect::from_min_size(pos2(x, middle - 12.0), vec2(width, 24.0));
        x += width + gap;
        place
    };
    let title = next(84.0, 10.0);
    room.text(title.left_center(), Align2::LEFT_CENTER, "BACKLINE", head(), theme.accent, 84.0);

    let scene = room.scene;
    let (name, changed) = scene.preset;
    let shown =
        format!("{}{}", if name.is_empty() { "Presets" } else { name }, if changed { "*" } else { "" });
    let previous = next(22.0, 2.0);
    if room.button("Previous preset", previous, "<", false, true, tooltips::STEP_BACK).clicked() {
        room.acts.push(Action::Preset(PresetAction::Step(-1)));
    }
    // The smallest window leaves a name less room.
    let place = next((rect.width() - 738.0).clamp(146.0, 176.0), 2.0);
    let list = room.button("Presets", place, &shown, false, true, tooltips::PRESETS);
    room.form_of(&list, |ui, desk, acts| presets(ui, scene, desk, acts));
    if list.clicked() {
        room.desk.replaced_preset = None;
        room.acts.push(Action::Preset(PresetAction::List));
    }
    let following = next(22.0, 14.0);
    if room.button("Next preset", following, ">", false, true, tooltips::STEP_ON).clicked() {
        room.acts.push(Action::Preset(PresetAction::Step(1)));
    }

    for (letter, b) in [("A", false), ("B", true)] {
        let place = next(26.0, 2.0);
        let on = scene.slot_b == b;
        if room.button(&format!("Slot {letter}"), place, letter, on, true, tooltips::SLOT).clicked() && !on {
            room.acts.push(Action::SwapSlot);
        }
    }
    let copy = next(56.0, 14.0);
    let text = if scene.slot_b { "Copy to A" } else { "Copy to B" };
    let copy = Rect::from_min_max(copy.min, copy.max + vec2(12.0, 0.0));
    if room.button("Copy slot", copy, text, false, true, tooltips::COPY_SLOT).clicked() {
        room.acts.push(Action::CopySlot);
    }
    let _ = next(12.0, 0.0);
    let (undo, redo) = scene.steps;
    let steps = [
        ("Undo", undo, Action::Undo, tooltips::UNDO_KEYS),
        ("Redo", redo, Action::Redo, tooltips::REDO_KEYS),
    ];
    for (name, step, action, keys) in steps {
        let place = next(48.0, 2.0);
        let tip = step.map_or_else(|| format!("{name} | {keys}"), |step| format!("{name}: {step} | {keys}"));
        if room.button(name, place, name, false, step.is_some(), &tip).clicked() {
            room.acts.push(action);
        }
    }

    let mut x = rect.right() - 10.0;
    let mut last = |width: f32, gap: f32| {
        x -= width;
        let place = Rect::from_min_size(pos2(x, middle - 12.0), vec2(width, 24.0));
        x -= gap;
        place
    };
    let place = last(54.0, 6.0);
    room.menu("Menu", place, "Menu", tooltips::MENU, |ui, _, acts| menu(ui, scene, acts));
    let place = last(24.0, 6.0);
    if room.button("Help", place, "?", room.desk.help.is_some(), true, tooltips::HELP_KEY).clicked() {
        super::help::turn(room);
    }
    let place = last(60.0, 6.0);
    room.switch(ParamId::Bypass, place, "Bypass");
    let place = last(60.0, 6.0);
    room.switch(ParamId::Listen, place, "Listen");
    let place = last(92.0, 6.0);
    let (demo, text) = (scene.status.demo, if scene.status.demo { "Stop demo" } else { "Hear it now" });
    if room.button("Hear it now", place, text, demo, true, tooltips::HEAR).clicked() {
        room.acts.push(Action::Demo(!demo));
    }
}

fn presets(ui: &mut Ui, scene: &Scene<'_>, desk: &mut Desk, acts: &mut Vec<Action>) {
    ui.set_min_width(210.0);
    save_preset(ui, scene, desk, acts);
    let mut factory = None;
    for (i, (name, of_factory)) in scene.presets.iter().enumerate() {
        if factory != Some(*of_factory) {
            ui.separator();
            ui.weak(if *of_factory { "Factory" } else { "Mine" });
            factory = Some(*of_factory);
        }
        if ui.selectable_label(name == scene.preset.0, name).clicked() {
            acts.push(Action::Preset(PresetAction::Load(i)));
            ui.close();
        }
    }
}

/// The field for a name, and its button. The factory's names are its own, and what the musician has under a name is replaced only
/// by a second press.
fn save_preset(ui: &mut Ui, scene: &Scene<'_>, desk: &mut Desk, acts: &mut Vec<Action>) {
    let (mut pressed, mut entered) = (false, false);
    let known = |text: &str| {
        let name = text.replace('_', " ").trim().to_owned();
        let factory = scene.presets.iter().find(|(known, _)| *known == name).map(|(_, factory)| *factory);
        (name, factory)
    };
    ui.horizontal(|ui| {
        let field =
            egui::TextEdit::singleline(&mut desk.preset_name).hint_text("New_name").desired_width(130.0);
        let field = ui.add(field).on_hover_text("The Space key stays the host's: _ becomes a space");
        entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let (name, factory) = known(&desk.preset_name);
        let replaces = desk.replaced_preset.as_ref() == Some(&name);
        let button = egui::Button::new(if replaces { "Replace" } else { "Save" });
        pressed = ui.add_enabled(!name.is_empty() && factory != Some(true), button).clicked();
        if entered {
            // The next press of Enter is for the same field.
            field.request_focus();
        }
    });
    let (name, factory) = known(&desk.preset_name);
    let asked = desk.replaced_preset.as_ref() == Some(&name);
    match factory {
        Some(true) => {
            ui.weak("The factory has this name: take another.");
        }
        Some(false) if asked => {
            ui.weak(format!("There is a “{name}” already. Replace it?"));
        }
        _ => desk.replaced_preset = None,
    }
    if !(pressed || entered) || name.is_empty() || factory == Some(true) {
        return;
    }
    if factory == Some(false) && !asked {
        desk.replaced_preset = Some(name);
        return;
    }
    acts.push(Action::Preset(PresetAction::Save(name)));
    desk.preset_name.clear();
    desk.replaced_preset = None;
    ui.close();
}

fn menu(ui: &mut Ui, scene: &Scene<'_>, acts: &mut Vec<Action>) {
    ui.set_min_width(230.0);
    let look = scene.look;
    ui.weak("Look");
    ui.horizontal(|ui| {
        for (name, light) in [("Dark", false), ("Light", true)] {
            if ui.selectable_label(look.light == light, name).clicked() {
                acts.push(Action::Look(Look { light, ..look }));
            }
        }
        let mut tips = look.tips;
        if ui.checkbox(&mut tips, "Tips").on_hover_text(tooltips::TIPS).changed() {
            acts.push(Action::Look(Look { tips, ..look }));
        }
        let mut calm = look.calm;
        if ui.checkbox(&mut calm, "Less motion").on_hover_text(tooltips::CALM).changed() {
            acts.push(Action::Look(Look { calm, ..look }));
        }
    });
    ui.horizontal(|ui| {
        for zoom in ZOOMS {
            if ui.selectable_label(look.zoom == zoom, format!("{:.0} %", zoom * 100.0)).clicked() {
                acts.push(Action::Look(Look { zoom, ..look }));
                ui.close();
            }
        }
    });
    ui.separator();
    ui.weak("MIDI and beat");
    for id in [
        ParamId::Send,
        ParamId::Follow,
        ParamId::Link,
        ParamId::DrumsChannel,
        ParamId::ChordsChannel,
        ParamId::BassChannel,
    ] {
        let dial = scene.params.dial(id);
        let (now, steps) = (scene.values[id.index()], dial.steps().unwrap_or(1));
        let response = ui.menu_button(format!("{}: {}", dial.title(), dial.shown(now)), |ui| {
            for i in 0..=steps {
                let value = i as f32 / steps as f32;
                if ui.selectable_label((value - now).abs() < 0.5 / steps as f32, dial.shown(value)).clicked()
                {
                    acts.extend([Action::Begin(id), Action::Set(id, value), Action::End(id)]);
                    ui.close();
                }
            }
        });
        response.response.on_hover_text(tooltips::param(id));
    }
    ui.separator();
    if ui.button("Open a recording or a MIDI file …").on_hover_text(tooltips::OPEN).clicked() {
        acts.push(Action::File(FileAct::Ask));
        ui.close();
    }
    if ui.button("Open the clips folder").clicked() {
        acts.push(Action::OpenFolder);
        ui.close();
    }
    ui.separator();
    ui.weak(concat!("Backline ", env!("CARGO_PKG_VERSION"), " · MIT or Apache-2.0"));
    ui.weak("Everything runs on this computer.");
}
