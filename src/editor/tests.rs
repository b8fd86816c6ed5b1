//! The whole window in egui's own context, without a screen: every state at every size, and every
//! control under a synthetic hand.

use std::sync::Arc;

use backline_engine::{Edits, HeardCell, Place, Status as SessionStatus};
use backline_music::{
    Chord, ChordPin, Corrections, Estimate, Key, Metre, Mode, Part, PitchClass, Plan, PlannedBar,
    PlannedChord, PlannedNote, Timeline,
};
use egui::{Event, Modifiers, PointerButton, Pos2, RawInput, Rect, Vec2, pos2, vec2};

use super::dial::{ParamId, Values};
use super::layout::{Layout, MIN_SIZE, USUAL_SIZE};
use super::moment::{State, Status};
use super::scene::{Action, ClipsView, Correction, Desk, Format, Heard, Intake, Scene};
use super::theme::Theme;
use crate::intake::Taken;
use crate::params::BacklineParams;
use crate::snapshot::Snapshot;
use crate::state::Look;

mod files;
mod help;
mod kept;
mod keys;
mod kit;
mod lanes;
mod menus;
mod paint;
mod pictures;
mod selection;

const SIZES: [Vec2; 3] = [MIN_SIZE, USUAL_SIZE, vec2(1800.0, 1100.0)];

fn chord(label: &str) -> Option<Chord> {
    label.parse().ok()
}

/// A bar of a simple groove, written out: what the player makes of a style is no matter of the window's.
fn bar(index: i64, label: &str) -> PlannedBar {
    let start_beat = index as f64 * 4.0;
    let harmony = chord(label).unwrap();
    let mut notes = Vec::new();
    let mut note = |part, key, velocity, at: f64, length_beats| {
        notes.push(PlannedNote { part, key, velocity, onset_beat: start_beat + at, length_beats });
    };
    for eighth in 0..8u8 {
        let at = f64::from(eighth) / 2.0;
        note(Part::Drums, 42, if eighth % 2 == 0 { 84 } else { 36 }, at + 0.01, 0.125);
        note(Part::Bass, 36 + harmony.root.index(), 70 + 6 * (eighth % 3), at, 0.45);
    }
    for (key, at) in [(36, 0.0), (38, 1.0), (36, 2.25), (38, 3.0)] {
        note(Part::Drums, key, 108, at, 0.125);
    }
    if index % 4 == 3 {
        (0..3u8).for_each(|i| {
            note(Part::Drums, [50, 47, 43][usize::from(i)], 96, 3.25 + 0.25 * f64::from(i), 0.125)
        });
    }
    for (at, length) in [(0.0, 1.4), (1.5, 2.2)] {
        harmony.tones().for_each(|tone| note(Part::Chords, 60 + tone.index(), 76, at, length));
    }
    notes.sort_by(|a, b| a.onset_beat.total_cmp(&b.onset_beat));
    let planned =
        PlannedChord { start_beat, length_beats: 4.0, chord: Some(harmony), prob: 0.4 + 0.06 * index as f32 };
    PlannedBar {
        index,
        start_beat,
        metre: Metre::FOUR_FOUR,
        tempo_bpm: 96.0,
        style: "rock".into(),
        fill: false,
        chords: vec![planned],
        notes,
    }
}

/// What a file tells.
fn a_song() -> Taken {
    let chords = ["A:min", "F:maj", "C:maj", "G:7", "A:min", "F:maj", "E:7", "E:7/3"];
    let chords = (0u8..).zip(chords).map(|(i, label)| PlannedChord {
        start_beat: f64::from(i) * 4.0,
        length_beats: 4.0,
        chord: chord(label),
        prob: 0.8,
    });
    Taken {
        name: "take 3.wav".into(),
        tempo_bpm: 96.02,
        key: Some(Key::new(PitchClass::A, Mode::Minor)),
        metre: Metre::FOUR_FOUR,
        chords: chords.collect(),
        notices: vec!["The file breaks off after 31.2 s; what is there was heard.".into()],
    }
}

/// A band in full swing, at the start of bar 5.
fn playing() -> Snapshot {
    let progression = ["A:min", "F:maj", "C:maj", "G:7"];
    let mut bars: Vec<PlannedBar> = (0..9).map(|i| bar(i, progression[i as usize % 4])).collect();
    let cells = (0..4u8)
        .map(|i| HeardCell {
            start_beat: f64::from(i) * 4.0,
            length_beats: 4.0,
            chord: chord(progression[usize::from(i)]),
            prob: 0.3 + 0.2 * f32::from(i),
            alternates: vec![(chord("E:min"), 0.2), (None, 0.1)],
        })
        .collect();
    let captured = bars[..4].iter().cloned().map(Arc::new).collect();
    let plan = Plan { revision: 7, timeline: Timeline::Host, committed_beat: 24.0, bars: bars.split_off(3) };
    let place = Place {
        timeline: Timeline::Host,
        beat: 17.0,
        bar_start: 16.0,
        metre: Metre::FOUR_FOUR,
        tempo_bpm: 96.0,
    };
    let a_minor = Key::new(PitchClass::A, Mode::Minor);
    let mut snapshot = Snapshot {
        heard_s: 12.0,
        session: SessionStatus::Locked,
        place: Some(place),
        tempo_bpm: Some(Estimate { value: 192.0, prob: 0.8, runner_up: None }),
        key: Some(Estimate { value: a_minor, prob: 0.71, runner_up: Some((a_minor.relative(), 0.24)) }),
        metre: Some(Estimate { value: Metre::FOUR_FOUR, prob: 0.9, runner_up: None }),
        beats_heard: 8,
        styles: vec![("rock".into(), 0.64)],
        mood: (0.7, 0.3),
        cells,
        plan: Some(Arc::new(plan)),
        captured,
        ..Snapshot::default()
    };
    snapshot.strip.loudness = (0..80).map(|i| (4.0 + f64::from(i) * 0.1, -20.0)).collect();
    snapshot.strip.onsets = (0..16).map(|i| (4.0 + f64::from(i) * 0.5, 0.7)).collect();
    snapshot.strip.beats = (0..13).map(|i| (4.0 + f64::from(i) * 0.625, i % 4 == 0)).collect();
    snapshot
}

/// What leads to a state.
fn of_state(state: State) -> (Snapshot, Status) {
    let rolling = Status {
        playing: true,
        pos_beats: 17.0,
        tempo_bpm: 96.0,
        peak: 0.4,
        listen: true,
        worker_load: 0.04,
        ..Status::default()
    };
    let idle = Status { listen: true, tempo_bpm: 120.0, ..Status::default() };
    match state {
        State::Idle => (Snapshot::default(), idle),
        State::NoInput => (Snapshot::default(), Status { playing: true, ..idle }),
        State::Listening => {
            let heard = Snapshot { plan: None, captured: Vec::new(), ..playing() };
            (heard, rolling)
        }
        State::Locked => (playing(), rolling),
        State::Generating => (playing(), Status { asked: true, ..rolling }),
        State::Holding => {
            (Snapshot { session: SessionStatus::Holding, ..playing() }, Status { peak: 0.0, ..rolling })
        }
        State::Relocating => (playing(), Status { jumped: true, ..rolling }),
        State::Degraded => (playing(), Status { behind_samples: 200_000, missed_samples: 48_000, ..rolling }),
        State::ModelMissing => {
            let why =
                "Backline hears chords and keys by its simpler rules: the net is damaged. Install it again.";
            (Snapshot { model_notices: vec![why.into()], ..Snapshot::default() }, idle)
        }
        State::Error => {
            let why = "Backline has stopped listening because of a fault in it. The audio still passes; remove and \
                       add the plug-in to start again, and please report what you were doing.";
            (Snapshot { failed: true, notices: vec![why.into()], ..playing() }, rolling)
        }
    }
}

/// A window without a screen.
struct Bench {
    ctx: egui::Context,
    params: BacklineParams,
    values: Values,
    snapshot: Snapshot,
    status: Status,
    corrections: Corrections,
    edits: Edits,
    look: Look,
    clips: ClipsView,
    intake: Intake,
    file_over: bool,
    presets: Vec<(String, bool)>,
    notices: Vec<String>,
    desk: Desk,
    size: Vec2,
    time: f64,
    pixels: f32,
    modifiers: Modifiers,
    acts: Vec<Action>,
    textures: paint::Textures,
    glyphs: backline_canvas::Glyphs,
}

/// The wheel, turned up by `lines`.
fn wheel(lines: f32) -> Event {
    Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, lines),
        modifiers: Modifiers::NONE,
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
    }
}

impl Bench {
    /// The names of all controls that were placed.
    fn controls(&self) -> Vec<String> {
        let placed = self.desk.placed.iter().flatten();
        placed.map(|(name, _)| name).filter(|name| name.starts_with('[')).cloned().collect()
    }

    fn new(state: State, size: Vec2) -> Self {
        let params = BacklineParams::default();
        let (snapshot, status) = of_state(state);
        assert_eq!(State::of(&snapshot, &status), state);
        let clips = ClipsView { bars: snapshot.captured.len(), ..ClipsView::default() };
        Self {
            ctx: egui::Context::default(),
            values: params.values(),
            params,
            snapshot,
            status,
            corrections: Corrections::default(),
            edits: Edits::default(),
            look: Look { tips: false, ..Look::default() },
            clips,
            intake: Intake::Nothing,
            file_over: false,
            presets: vec![("As heard".into(), true), ("Mine".into(), false)],
            notices: Vec::new(),
            desk: Desk { placed: Some(Vec::new()), ..Desk::default() },
            size,
            time: 0.0,
            pixels: 1.0,
            modifiers: Modifiers::NONE,
            acts: Vec::new(),
            textures: paint::Textures::default(),
            glyphs: backline_canvas::Glyphs::default(),
        }
    }

    /// One frame.
    fn frame(&mut self, mut events: Vec<Event>, modifiers: Modifiers) -> egui::FullOutput {
        if std::mem::replace(&mut self.modifiers, modifiers) != modifiers {
            events.insert(0, Event::ModifiersChanged(modifiers));
        }
        self.time += 0.04;
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.time),
            events,
            ..RawInput::default()
        };
        if let Some(info) = input.viewports.get_mut(&egui::ViewportId::ROOT) {
            info.native_pixels_per_point = Some(self.pixels);
        }
        let ctx = self.ctx.clone();
        let mut output = ctx.run_ui(input, |ui| self.paint(ui));
        self.textures.update(&output.textures_delta);
        self.glyphs.update(&output.textures_delta);
        output.textures_delta.clear();
        output
    }

    /// Paints into a frame; what is asked for is done to the values, as the host would.
    fn paint(&mut self, ui: &mut egui::Ui) {
        let mut acts = Vec::new();
        let scene = Scene {
            params: &self.params,
            values: &self.values,
            snapshot: &self.snapshot,
            status: &self.status,
            state: State::of(&self.snapshot, &self.status),
            corrections: &self.corrections,
            edits: &self.edits,
            look: self.look,
            theme: Theme::of(self.look.light),
            steps: (Some("Energy 0 % → 40 %"), None),
            slot_b: false,
            preset: ("As heard", true),
            presets: &self.presets,
            clips: &self.clips,
            intake: &self.intake,
            file_over: self.file_over,
            notices: &self.notices,
        };
        super::paint(ui, &scene, &mut self.desk, &mut acts);
        for act in &acts {
            match act {
                Action::Set(id, value) | Action::Notch(id, value) => self.values[id.index()] = *value,
                Action::Together(_, values) => {
                    values.iter().for_each(|(id, value)| self.values[id.index()] = *value);
                }
                Action::Edit(_, edits) => self.edits = edits.clone(),
                _ => {}
            }
        }
        self.acts.extend(acts);
    }

    fn rest(&mut self) {
        self.frame(Vec::new(), Modifiers::NONE);
    }

    fn place(&self, name: &str) -> Rect {
        let placed = self.desk.placed.as_ref().unwrap();
        placed.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name} is not there: {placed:?}")).1
    }

    fn press(&mut self, at: Pos2, button: PointerButton, pressed: bool, modifiers: Modifiers) {
        self.frame(
            vec![Event::PointerMoved(at), Event::PointerButton { pos: at, button, pressed, modifiers }],
            modifiers,
        );
    }

    fn click_with(&mut self, at: Pos2, modifiers: Modifiers) {
        self.frame(vec![Event::PointerMoved(at)], modifiers);
        self.press(at, PointerButton::Primary, true, modifiers);
        self.press(at, PointerButton::Primary, false, modifiers);
        // Long enough that the next click is not a double click.
        self.time += 1.0;
        self.rest();
    }

    /// Drags out of a card or by a grip.
    fn pull(&mut self, name: &str, modifiers: Modifiers) -> Vec<Action> {
        self.rest();
        let at = self.place(name).center();
        self.acts.clear();
        self.press(at, PointerButton::Primary, true, modifiers);
        self.frame(vec![Event::PointerMoved(at + vec2(30.0, -40.0))], modifiers);
        self.press(at + vec2(30.0, -40.0), PointerButton::Primary, false, modifiers);
        self.acts.clone()
    }

    fn click(&mut self, name: &str) -> Vec<Action> {
        self.rest();
        let at = self.place(name).center();
        self.acts.clear();
        self.click_with(at, Modifiers::NONE);
        self.acts.clone()
    }

    fn double_click(&mut self, name: &str) -> Vec<Action> {
        self.rest();
        let at = self.place(name).center();
        self.acts.clear();
        self.frame(vec![Event::PointerMoved(at)], Modifiers::NONE);
        for _ in 0..2 {
            self.press(at, PointerButton::Primary, true, Modifiers::NONE);
            self.press(at, PointerButton::Primary, false, Modifiers::NONE);
        }
        self.time += 1.0;
        self.rest();
        self.acts.clone()
    }

    /// Clicks what a screen reader calls `label`; of several, the lowest of what has opened over the others.
    fn click_label(&mut self, label: &str) -> Vec<Action> {
        self.rest();
        let output = self.frame(Vec::new(), Modifiers::NONE);
        let update = output.platform_output.accesskit_update.expect("a tree");
        let named = update.nodes.iter().filter(|(_, node)| node.label() == Some(label));
        let centres = named.filter_map(|(_, node)| node.bounds()).map(|bounds| {
            pos2(((bounds.x0 + bounds.x1) / 2.0) as f32, ((bounds.y0 + bounds.y1) / 2.0) as f32)
        });
        let top = centres.max_by_key(|at| (self.ctx.layer_id_at(*at).map(|layer| layer.order), at.y as i32));
        let at = top.unwrap_or_else(|| panic!("{label} is there"));
        self.acts.clear();
        self.click_with(at, Modifiers::NONE);
        self.acts.clone()
    }

    fn key(&mut self, key: egui::Key) {
        let event = |pressed| Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        self.frame(vec![event(true)], Modifiers::NONE);
        self.frame(vec![event(false)], Modifiers::NONE);
    }

    fn value(&self, id: ParamId) -> f32 {
        self.values[id.index()]
    }
}

#[test]
fn nothing_overlaps_in_any_state_at_any_size() {
    for state in State::ALL {
        for size in SIZES {
            let mut bench = Bench::new(state, size);
            bench.rest();
            bench.rest();
            let window = Rect::from_min_size(Pos2::ZERO, size);
            let placed = bench.desk.placed.clone().unwrap();
            assert!(placed.len() > 60, "{state:?}: {} things", placed.len());
            // Cells of the lanes are cut off by them; all else lies within its room, beside all else.
            let layout = Layout::of(size);
            for (name, rect) in &placed {
                assert!(window.expand(0.5).contains_rect(*rect), "{state:?} {size:?}: {name} {rect:?}");
                let rooms =
                    layout.rooms().iter().filter(|room| room.expand(1.0).contains_rect(*rect)).count();
                assert_eq!(rooms, 1, "{state:?} {size:?}: {name} at {rect:?} lies within one room");
            }
            // A sentence of the last line may be cut off, since it stands whole beside the pointer; a word may not.
            let cut = placed.iter().filter(|(name, rect)| {
                name.ends_with('…') && !name.ends_with(" …") && !layout.status.contains_rect(*rect)
            });
            let cut: Vec<_> = cut.collect();
            assert!(cut.is_empty(), "{state:?} {size:?}: {cut:?}");
            let touched: Vec<_> = placed.iter().filter(|(name, _)| name.starts_with('[')).collect();
            for (i, (a, first)) in touched.iter().enumerate() {
                for (b, second) in &touched[..i] {
                    let over = first.shrink(0.5).intersects(second.shrink(0.5));
                    assert!(!over, "{state:?} {size:?}: {a} {first:?} over {b} {second:?}");
                }
            }
            let texts: Vec<_> = placed.iter().filter(|(name, _)| !name.starts_with('[')).collect();
            for (i, (a, first)) in texts.iter().enumerate() {
                for (b, second) in &texts[..i] {
                    let over = first.shrink(1.5).intersects(second.shrink(1.5));
                    assert!(!over, "{state:?} {size:?}: \"{a}\" {first:?} over \"{b}\" {second:?}");
                }
            }
        }
    }
}

#[test]
fn every_state_says_its_word_and_paints_both_themes_at_both_densities() {
    for state in State::ALL {
        for (light, pixels) in [(false, 1.0), (true, 1.0), (false, 2.0), (true, 2.0)] {
            let mut bench = Bench::new(state, USUAL_SIZE);
            bench.look.light = light;
            bench.pixels = pixels;
            bench.rest();
            let output = bench.frame(Vec::new(), Modifiers::NONE);
            let word = state.word(&bench.snapshot, &bench.status);
            assert!(bench.desk.placed.as_ref().unwrap().iter().any(|(name, _)| *name == word), "{word}");
            assert_eq!(output.pixels_per_point, pixels);
            let meshes = bench.ctx.tessellate(output.shapes, pixels);
            let vertices: usize = meshes
                .iter()
                .map(|m| match &m.primitive {
                    egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
                    egui::epaint::Primitive::Callback(_) => 0,
                })
                .sum();
            assert!(vertices > 2_000, "{state:?}: {vertices} vertices");
        }
    }
}

#[test]
fn the_same_scene_paints_the_same_and_asks_for_no_frame() {
    for state in [State::Idle, State::Locked] {
        let mut bench = Bench::new(state, USUAL_SIZE);
        for _ in 0..30 {
            bench.rest();
        }
        let once = bench.frame(Vec::new(), Modifiers::NONE);
        let again = bench.frame(Vec::new(), Modifiers::NONE);
        let shapes = |o: &egui::FullOutput| format!("{:?}", o.shapes);
        assert_eq!(shapes(&once), shapes(&again));
        let delay = again.viewport_output[&egui::ViewportId::ROOT].repaint_delay;
        assert!(delay > std::time::Duration::from_secs(1), "{state:?}: {delay:?}");
        assert!(bench.acts.is_empty(), "{:?}", bench.acts);
    }
}

const KNOBS: [(ParamId, &str); 8] = [
    (ParamId::Energy, "[Energy]"),
    (ParamId::Brightness, "[Brightness]"),
    (ParamId::Density, "[Density]"),
    (ParamId::Swing, "[Swing]"),
    (ParamId::Humanise, "[Humanise]"),
    (ParamId::Temperature, "[Temperature]"),
    (ParamId::Seed, "[Seed]"),
    (ParamId::Preview, "[Preview level]"),
];

#[test]
fn every_knob_follows_the_hand() {
    for (id, name) in KNOBS {
        let mut bench = Bench::new(State::Locked, USUAL_SIZE);
        bench.values[id.index()] = 0.25;
        bench.rest();
        // The upper half: the value beneath is for typing.
        let at = bench.place(name).center() - vec2(20.0, 0.0);
        bench.frame(vec![Event::PointerMoved(at)], Modifiers::NONE);
        bench.press(at, PointerButton::Primary, true, Modifiers::NONE);
        for step in 1..=11 {
            let to = at - vec2(0.0, 10.0 * step as f32);
            bench.frame(vec![Event::PointerMoved(to)], Modifiers::NONE);
        }
        bench.press(at - vec2(0.0, 110.0), PointerButton::Primary, false, Modifiers::NONE);
        bench.rest();
        // The first points only tell a drag from a click.
        assert!((bench.value(id) - 0.75).abs() < 0.06, "{name}: {}", bench.value(id));
        let gestures: Vec<_> = bench.acts.iter().filter(|a| !matches!(a, Action::Set(..))).collect();
        assert_eq!(gestures, [&Action::Begin(id), &Action::End(id)], "{name}: one gesture");
        assert!(bench.acts.iter().filter(|a| matches!(a, Action::Set(..))).count() >= 5);

        // Shift: a tenth.
        let before = bench.value(id);
        bench.press(at, PointerButton::Primary, true, Modifiers::SHIFT);
        bench.frame(vec![Event::PointerMoved(at + vec2(0.0, 110.0))], Modifiers::SHIFT);
        bench.press(at + vec2(0.0, 110.0), PointerButton::Primary, false, Modifiers::SHIFT);
        bench.rest();
        let moved = before - bench.value(id);
        assert!((0.03..0.07).contains(&moved), "{name}: Shift moved {moved}");

        // The wheel: a hundredth.
        let before = bench.value(id);
        bench.frame(vec![Event::PointerMoved(at)], Modifiers::NONE);
        bench.frame(vec![wheel(1.0)], Modifiers::NONE);
        bench.rest();
        assert!((bench.value(id) - before - 0.01).abs() < 2.0e-3, "{name}: wheel");

        // A double click: the default.
        bench.time += 2.0;
        for _ in 0..2 {
            bench.press(at, PointerButton::Primary, true, Modifiers::NONE);
            bench.press(at, PointerButton::Primary, false, Modifiers::NONE);
        }
        bench.rest();
        let usual = bench.params.dial(id).usual();
        assert!((bench.value(id) - usual).abs() < 1e-6, "{name}: {} is the default", bench.value(id));
    }
}

#[test]
fn values_are_typed_and_keys_step() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let knob = bench.place("[Energy]");
    bench.click_with(pos2(knob.center().x, knob.bottom() - 5.0), Modifiers::NONE);
    assert!(matches!(bench.desk.typing, Some((ParamId::Energy, _))));
    bench.rest();
    let (_, text) = bench.desk.typing.as_mut().unwrap();
    *text = "-4".to_owned();
    bench.rest();
    bench.frame(vec![Event::Text("0".into())], Modifiers::NONE);
    bench.key(egui::Key::Enter);
    assert!(bench.desk.typing.is_none());
    assert!((bench.value(ParamId::Energy) - 0.3).abs() < 1e-3, "{}", bench.value(ParamId::Energy));

    // The focus is on the knob after a click on it: arrows step, Home resets, Space does nothing.
    bench.click_with(knob.center() - vec2(0.0, 8.0), Modifiers::NONE);
    let before = bench.value(ParamId::Energy);
    bench.key(egui::Key::ArrowUp);
    assert!((bench.value(ParamId::Energy) - before - 0.01).abs() < 1e-4);
    bench.acts.clear();
    bench.key(egui::Key::Space);
    assert_eq!(bench.acts, [], "Space is the host's");
    bench.key(egui::Key::Home);
    assert_eq!(bench.value(ParamId::Energy), 0.5);
    bench.key(egui::Key::Tab);
    bench.acts.clear();
    bench.key(egui::Key::ArrowUp);
    assert!(
        matches!(bench.acts[..], [Action::Notch(ParamId::Brightness, _)]),
        "Tab goes on: {:?}",
        bench.acts
    );
}

#[test]
fn every_button_asks_for_what_it_says() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    let gesture = |id, value| vec![Action::Begin(id), Action::Set(id, value), Action::End(id)];
    assert_eq!(bench.click("[Listen]"), gesture(ParamId::Listen, 0.0));
    assert_eq!(bench.click("[Bypass]"), gesture(ParamId::Bypass, 1.0));
    assert_eq!(bench.click("[Mute Drums]"), gesture(ParamId::Drums, 0.0));
    assert_eq!(bench.click("[Livelier]"), gesture(ParamId::Energy, 0.625));
    assert_eq!(bench.click("[Darker]"), gesture(ParamId::Brightness, 0.375));
    assert_eq!(bench.click("[Send: Chords]").len(), 3);
    let alone = |values: &[_]| [Action::Together("Bass alone".into(), values.to_vec())];
    assert_eq!(bench.click("[Solo Bass]"), alone(&[(ParamId::Chords, 0.0)]), "drums are off by now");
    assert_eq!(bench.click("[Hear it now]"), [Action::Demo(true)]);
    assert_eq!(bench.click("[Undo]"), [Action::Undo]);
    assert_eq!(bench.click("[Redo]"), [], "there is nothing to redo");
    assert_eq!(bench.click("[Slot B]"), [Action::SwapSlot]);
    assert_eq!(bench.click("[Copy slot]"), [Action::CopySlot]);
    let played = bench.snapshot.captured.clone();
    assert_eq!(bench.click("[Like]"), [Action::Judge(played.clone(), true)]);
    assert_eq!(bench.click("[Dislike]"), [Action::Judge(played, false)]);
    assert_eq!(bench.click("[Open folder]"), [Action::OpenFolder]);
    assert_eq!(bench.click("[Copy path]"), [], "nothing was written yet");
    assert_eq!(bench.click("[Half tempo]"), [Action::Correct(Correction::Tempo(Some(96.0)))]);
    assert_eq!(bench.click("[Double tempo]"), [Action::Correct(Correction::Tempo(Some(384.0)))]);
    assert!(matches!(
        bench.click("[Dice]")[..],
        [Action::Begin(ParamId::Seed), Action::Set(..), Action::End(_)]
    ));
    // Menus open, and ask for nothing by themselves.
    assert_eq!(bench.click("[Form: Break]"), gesture(ParamId::Form, 2.0 / 3.0));
    for menu in ["[Presets]", "[Menu]", "[Export]", "[Tempo]", "[Key]", "[Metre]", "[Style]"] {
        let acts = bench.click(menu);
        assert!(acts.is_empty() || menu == "[Presets]", "{menu}: {acts:?}");
        assert!(egui::Popup::is_any_open(&bench.ctx), "{menu} opens");
        bench.key(egui::Key::Escape);
        assert!(!egui::Popup::is_any_open(&bench.ctx), "{menu} closes");
    }
}

#[test]
fn clips_are_dragged_out_by_their_cards_and_grips() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    let acts = bench.pull("[Last 4 bars]", Modifiers::NONE);
    assert!(
        matches!(&acts[..], [Action::Drag(choice, Format::Midi)] if choice.bars.len() == 4 && choice.part.is_none())
    );
    let acts = bench.pull("[Last 8 bars]", Modifiers::SHIFT);
    assert!(matches!(acts[..], [Action::Drag(_, Format::MidiParts)]), "{acts:?}");
    let acts = bench.pull("[Last 4 bars]", Modifiers::ALT);
    assert!(matches!(acts[..], [Action::Drag(_, Format::Wav)]), "{acts:?}");
    let acts = bench.pull("[Drag Bass]", Modifiers::NONE);
    assert!(matches!(&acts[..], [Action::Drag(choice, Format::Midi)] if choice.part == Some(Part::Bass)));
    bench.snapshot.captured.clear();
    bench.clips.bars = 0;
    assert_eq!(bench.pull("[Last 4 bars]", Modifiers::NONE), [], "there is nothing to drag");
}

#[test]
fn a_card_is_heard_and_ended_by_its_button() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.desk.clip_part = Some(Part::Bass);
    let begins = |acts: &[Action]| match acts {
        [Action::Hear(Heard::Clip(choice))] => (choice.bars.len(), choice.part) == (4, Some(Part::Bass)),
        _ => false,
    };
    assert!(begins(&bench.click("[Hear Last 4 bars]")));
    bench.status.auditioning = true;
    assert!(begins(&bench.click("[Hear Last 8 bars]")), "another card takes over");
    assert_eq!(bench.click("[Hear Last 8 bars]"), [Action::Hear(Heard::Nothing)]);
    bench.status.auditioning = false;
    assert!(begins(&bench.click("[Hear Last 8 bars]")), "it has ended by itself");
}

#[test]
fn a_chord_is_set_by_hand() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    let acts = bench.click("[Chord 1]");
    let heard = [Action::Hear(Heard::Chord(chord("C:maj").unwrap()))];
    assert_eq!((acts.as_slice(), &bench.desk.chord), (&heard[..], &None), "a click is an audition");
    let acts = bench.double_click("[Chord 1]");
    let edit = bench.desk.chord.clone().expect("the editor opens");
    assert_eq!(acts, heard, "the first of its clicks is heard, the second opens");
    assert!(edit.ranked.len() >= 3, "the listener's guesses come first");
    // Its right edge, dragged a bar further, lengthens it.
    bench.key(egui::Key::Escape);
    assert!(bench.desk.chord.is_none());
    bench.rest();
    let cell = bench.place("[Chord 1]");
    let from = cell.right_center() - vec2(2.0, 0.0);
    let bar = bench.place("[Chord 2]").width();
    bench.acts.clear();
    bench.press(from, PointerButton::Primary, true, Modifiers::NONE);
    bench.frame(vec![Event::PointerMoved(from + vec2(bar / 2.0, 0.0))], Modifiers::NONE);
    bench.frame(vec![Event::PointerMoved(from + vec2(bar / 2.0, 0.0))], Modifiers::NONE);
    bench.press(from + vec2(bar / 2.0, 0.0), PointerButton::Primary, false, Modifiers::NONE);
    match bench.acts[..] {
        [Action::Correct(Correction::Pin(pin))] => {
            assert_eq!((pin.chord, pin.length_beats), (edit.pin.chord, edit.pin.length_beats + 2.0));
            bench.corrections.pin(pin);
        }
        ref other => panic!("{other:?}"),
    }
    bench.rest();
    assert!(bench.place("[Chord 1]").width() > cell.width() * 1.2, "the lane shows it at once");
}

#[test]
fn the_first_ten_seconds() {
    let mut bench = Bench::new(State::Idle, USUAL_SIZE);
    bench.rest();
    let placed = bench.desk.placed.clone().unwrap();
    for line in ["Put Backline on an audio track and press play.", "Drag any clip into your project.", "Am"] {
        assert!(placed.iter().any(|(name, _)| name == line), "{line}");
    }
    assert_eq!(bench.click("[Hear it now, here]"), [Action::Demo(true)]);
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let placed = bench.desk.placed.as_ref().unwrap();
    assert!(
        !placed.iter().any(|(name, _)| name == "[Hear it now, here]"),
        "a band that plays needs no welcome"
    );
}

#[test]
fn a_screen_reader_is_told_of_every_control() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.ctx.enable_accesskit();
    bench.rest();
    let output = bench.frame(Vec::new(), Modifiers::NONE);
    let update = output.platform_output.accesskit_update.expect("a tree");
    let names: Vec<String> =
        update.nodes.iter().filter_map(|(_, node)| node.label().map(str::to_owned)).collect();
    for (_, name) in KNOBS {
        let name = name.trim_matches(['[', ']']);
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
    for name in [
        "Listen",
        "Bypass",
        "Undo",
        "Mute Drums",
        "Drag Bass",
        "Keep Chords",
        "Dice Bass",
        "Ending",
        "Last 4 bars",
        "Export",
        "Like",
        "Dislike",
        "Chord F",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
}
