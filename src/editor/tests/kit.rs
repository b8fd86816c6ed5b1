//! The window under `egui_kittest`: pictures of every state, and controls that are found by what a screen reader calls them.
//!
//! The painter is this crate's own ([`super::paint`]), so the pictures are the same on every machine. What is kept of
//! them is small: means of fields of five points, at both densities. `UPDATE_SNAPSHOTS=1` keeps what is painted now; look
//! at it first: with `BACKLINE_SCREENSHOT` set to a folder, `cargo xtask screenshots` does that, the whole pictures are
//! written there.

use std::path::{Path, PathBuf};

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotOptions, TestRenderer};
use image::{Rgba, RgbaImage};

use super::paint::{Picture, Textures};
use super::*;

/// Side of a field of which the mean is kept, in points.
const FIELD: f32 = 5.0;
/// How far a field may be off: the square of a distance in YIQ, where black and white are 255 apart; and of 255. Rounding.
const TOLERANCE: f32 = 1.0;
const ROUNDING: u8 = 1;

/// Paints for the harness.
struct Painter {
    textures: Textures,
    ground: egui::Color32,
    /// Where the whole picture goes, if somebody wants to look at it.
    whole: Option<PathBuf>,
}

impl TestRenderer for Painter {
    fn handle_delta(&mut self, delta: &mut egui::TexturesDelta) {
        self.textures.update(delta);
        delta.clear();
    }

    fn render(&mut self, ctx: &egui::Context, output: &egui::FullOutput) -> Result<RgbaImage, String> {
        let (scale, size) = (output.pixels_per_point, ctx.viewport_rect().size());
        let shapes = ctx.tessellate(output.shapes.clone(), scale);
        let picture = Picture::new(size, scale, self.ground, &shapes, &self.textures);
        if let Some(path) = &self.whole {
            std::fs::write(path, picture.ppm()).map_err(|e| e.to_string())?;
        }
        let (columns, rows) = ((size.x / FIELD) as u32, (size.y / FIELD) as u32);
        let fields = picture.fields(columns as usize, rows as usize);
        Ok(RgbaImage::from_fn(columns, rows, |x, y| {
            let [red, green, blue] = fields[(y * columns + x) as usize];
            Rgba([red, green, blue, 255])
        }))
    }
}

fn harness(bench: Bench, whole: Option<PathBuf>) -> Harness<'static, Bench> {
    harness_under(bench, whole, |_| ())
}

/// With something that is painted over the window.
fn harness_under(bench: Bench, whole: Option<PathBuf>, over: fn(&egui::Ui)) -> Harness<'static, Bench> {
    let theme = Theme::of(bench.look.light);
    let painter = Painter { textures: Textures::default(), ground: theme.panel, whole };
    let builder = Harness::builder().with_size(bench.size).with_pixels_per_point(bench.pixels);
    let builder = builder.with_theme(if theme.light { egui::Theme::Light } else { egui::Theme::Dark });
    builder.with_render_cursor(false).renderer(painter).build_ui_state(
        move |ui, bench: &mut Bench| {
            let window = ui.ctx().viewport_rect();
            let ground = Theme::of(bench.look.light).panel;
            // The harness has a margin and a ground of its own; the window has neither.
            let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(window));
            ui.set_clip_rect(window);
            ui.painter().rect_filled(window, 0.0, ground);
            bench.paint(&mut ui);
            over(&ui);
        },
        bench,
    )
}

/// Looks at a picture under a name; gives what is wrong with it.
fn looked_at(name: &str, bench: Bench) -> Option<String> {
    let whole = std::env::var_os("BACKLINE_SCREENSHOT").filter(|_| bench.pixels == 1.0);
    let whole = whole.map(|folder| Path::new(&folder).join(format!("state-{name}.ppm")));
    let name = format!("{name}-{}x", bench.pixels);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/editor/tests/pictures");
    let options = SnapshotOptions::new().threshold(TOLERANCE).max_failed_pixels(0).output_path(kept);
    compared(&mut harness(bench, whole), &name, &options)
}

/// Compares by the harness's own measure, and by ours: the former leaves out what it takes for a soft edge.
fn compared(harness: &mut Harness<'_, Bench>, name: &str, options: &SnapshotOptions) -> Option<String> {
    let said = harness.try_snapshot_options(name, options).err().map(|e| e.to_string());
    let path = options.output_path.join(format!("{name}.png"));
    let Ok(picture) = harness.render() else { return said };
    let known = image::open(&path).map(|known| known.to_rgba8()).unwrap_or_default();
    let off = |(a, b): (&u8, &u8)| a.abs_diff(*b);
    let off = picture.iter().zip(known.iter()).map(off).enumerate().max_by_key(|(_, off)| *off);
    let (at, off) = off.unwrap_or((0, u8::MAX));
    if said.is_none() && off > ROUNDING && std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        return picture.save(&path).err().map(|e| e.to_string());
    }
    let (x, y) = (at / 4 % picture.width() as usize, at / 4 / picture.width() as usize);
    let side = FIELD as usize;
    said.or((off > ROUNDING).then(|| format!("{name} is off by {off} at {}, {}", x * side, y * side)))
}

#[test]
fn every_state_looks_as_it_was_judged() {
    let mut wrong = Vec::new();
    for state in State::ALL {
        for (light, theme) in [(false, "dark"), (true, "light")] {
            for pixels in [1.0, 2.0] {
                let mut bench = Bench::new(state, USUAL_SIZE);
                bench.look.light = light;
                bench.pixels = pixels;
                let name = format!("{state:?}-{theme}").to_lowercase();
                wrong.extend(looked_at(&name, bench));
            }
        }
    }
    assert!(wrong.is_empty(), "these look otherwise than when they were judged: {wrong:#?}");
}

#[test]
fn the_page_of_keys_looks_as_it_was_judged() {
    let mut wrong = Vec::new();
    for (light, theme) in [(false, "dark"), (true, "light")] {
        for (size, width) in [(MIN_SIZE, "small"), (USUAL_SIZE, "usual")] {
            let mut bench = Bench::new(State::Locked, size);
            bench.look.light = light;
            bench.desk.help = Some(None);
            wrong.extend(looked_at(&format!("help-{width}-{theme}"), bench));
        }
    }
    assert!(wrong.is_empty(), "these look otherwise than when they were judged: {wrong:#?}");
}

#[test]
fn a_picture_that_is_off_by_a_hairline_is_found() {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        return;
    }
    let kept = tempfile::tempdir().unwrap();
    let options = SnapshotOptions::new().threshold(TOLERANCE).max_failed_pixels(0).output_path(kept.path());
    let bench = || Bench::new(State::Locked, USUAL_SIZE);
    harness(bench(), None).render().unwrap().save(kept.path().join("once.png")).unwrap();
    assert_eq!(compared(&mut harness(bench(), None), "once", &options), None);
    // A few points long, of the faintest colour that there is.
    let mut other = harness_under(bench(), None, |ui| {
        let theme = Theme::of(false);
        ui.painter().hline(400.0..=410.0, 5.0, egui::Stroke::new(1.0, theme.line));
    });
    let said = compared(&mut other, "once", &options).expect("it is found");
    assert!(said.contains("off by"), "{said}");
}

#[test]
fn controls_are_found_by_name_and_do_what_they_say() {
    let gesture = |id, value| vec![Action::Begin(id), Action::Set(id, value), Action::End(id)];
    let mut harness = harness(Bench::new(State::Locked, USUAL_SIZE), None);
    for (name, expected) in [
        ("Listen", gesture(ParamId::Listen, 0.0)),
        ("Bypass", gesture(ParamId::Bypass, 1.0)),
        ("Livelier", gesture(ParamId::Energy, 0.625)),
        ("Undo", vec![Action::Undo]),
        ("Copy to B", vec![Action::CopySlot]),
        ("Mute Drums", gesture(ParamId::Drums, 0.0)),
        ("Open folder", vec![Action::OpenFolder]),
        ("Half tempo", vec![Action::Correct(Correction::Tempo(Some(96.0)))]),
        ("Chord C", vec![Action::Hear(Heard::Chord(chord("C:maj").unwrap()))]),
    ] {
        harness.state_mut().acts.clear();
        // Of several chords of one name the first.
        harness.get_all_by_label(name).next().unwrap().click();
        harness.run();
        assert_eq!(harness.state().acts, expected, "{name}");
    }
    // By the actions of a screen reader too, which moves no pointer.
    harness.state_mut().acts.clear();
    harness.get_by_label("Ending").click_accesskit();
    harness.run();
    assert_eq!(harness.state().acts, gesture(ParamId::Form, 1.0));
    harness.get_by_label("Help").click();
    harness.run();
    assert!(harness.state().desk.help.is_some());
    harness.get_by_label("Close the help").click();
    harness.run();
    assert!(harness.state().desk.help.is_none());
    // Knobs are sliders with a value.
    let knob = harness.get_by_label("Energy");
    assert_eq!(knob.accesskit_node().role(), egui::accesskit::Role::Slider);
    knob.focus();
    harness.run();
    let before = harness.state().value(ParamId::Energy);
    harness.key_press(egui::Key::ArrowUp);
    harness.run();
    assert!(harness.state().value(ParamId::Energy) > before);
}

#[test]
fn every_menu_has_a_name_for_each_of_its_controls() {
    for (state, menus) in
        [(State::Locked, ["Presets", "Menu", "Export"]), (State::Idle, ["Presets", "Menu", "Export"])]
    {
        for menu in menus {
            let mut harness = harness(Bench::new(state, USUAL_SIZE), None);
            let label = if menu == "Presets" { "As heard*" } else { menu };
            harness.get_by_label(label).click();
            // Checks the names of all that can be acted on once the window has settled.
            harness.run();
            assert!(egui::Popup::is_any_open(&harness.ctx), "{menu}");
        }
    }
}
