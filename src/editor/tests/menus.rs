//! What opens over the window: every menu's entries, the chord editor, the pad, and where the Tab key goes.

use super::*;
use crate::editor::scene::{FileAct, PresetAction};

fn ready(state: State) -> Bench {
    let bench = Bench::new(state, USUAL_SIZE);
    bench.ctx.enable_accesskit();
    bench
}

/// Opens `name` and clicks `entries` one after the other.
fn choose(bench: &mut Bench, name: &str, entries: &[&str]) -> Vec<Action> {
    let acts = bench.click(name);
    let list = Action::Preset(PresetAction::List);
    assert!(acts.iter().all(|act| *act == list), "{name} only opens: {acts:?}");
    let mut acts = Vec::new();
    for entry in entries {
        acts = bench.click_label(entry);
    }
    if egui::Popup::is_any_open(&bench.ctx) {
        bench.key(egui::Key::Escape);
    }
    bench.rest();
    acts
}

fn right_click(bench: &mut Bench, name: &str) {
    bench.rest();
    let at = bench.place(name).center();
    bench.press(at, PointerButton::Secondary, true, Modifiers::NONE);
    bench.press(at, PointerButton::Secondary, false, Modifiers::NONE);
    bench.rest();
}

#[test]
fn every_menu_does_what_its_entries_say() {
    let mut bench = ready(State::Locked);
    let gesture = |id, value| vec![Action::Begin(id), Action::Set(id, value), Action::End(id)];
    let first = Key::all().next().unwrap();
    let second = Key::new(PitchClass::A, Mode::Minor).relative();
    let runner_up = format!("{second} (runner-up)");
    let correct = |correction| vec![Action::Correct(correction)];
    for (menu, entry, expected) in [
        ("[Tempo]", "90", correct(Correction::Tempo(Some(90.0)))),
        ("[Tempo]", "As heard", correct(Correction::Tempo(None))),
        ("[Key]", runner_up.as_str(), correct(Correction::Key(Some(second)))),
        ("[Key]", &first.to_string(), correct(Correction::Key(Some(first)))),
        ("[Metre]", "6/8", correct(Correction::Metre(Some(Metre::SIX_EIGHT)))),
        ("[Metre]", "As heard", correct(Correction::Metre(None))),
        ("[Presets]", "Mine", vec![Action::Preset(PresetAction::Load(1))]),
        ("[Menu]", "Open the clips folder", vec![Action::OpenFolder]),
        ("[Menu]", "Open a recording or a MIDI file …", vec![Action::File(FileAct::Ask)]),
    ] {
        assert_eq!(choose(&mut bench, menu, &[entry]), expected, "{menu}: {entry}");
    }
    let styles = bench.params.dial(ParamId::Style).steps().unwrap();
    let second_style = 2.0 / styles as f32;
    let name = bench.params.dial(ParamId::Style).shown(second_style);
    for menu in ["[Style]", "[Style choice]"] {
        assert_eq!(choose(&mut bench, menu, &[&name]), gesture(ParamId::Style, second_style), "{menu}");
    }
    let look = bench.look;
    for (entry, expected) in [
        ("Light", Look { light: true, ..look }),
        ("150 %", Look { zoom: 1.5, ..look }),
        ("Tips", Look { tips: !look.tips, ..look }),
    ] {
        assert_eq!(choose(&mut bench, "[Menu]", &[entry]), [Action::Look(expected)], "{entry}");
    }
    for id in [
        ParamId::Send,
        ParamId::Follow,
        ParamId::Link,
        ParamId::DrumsChannel,
        ParamId::ChordsChannel,
        ParamId::BassChannel,
    ] {
        let dial = bench.params.dial(id);
        let (steps, now) = (dial.steps().unwrap(), bench.value(id));
        let value = (0..=steps).map(|i| i as f32 / steps as f32).find(|v| (v - now).abs() > 1e-3).unwrap();
        let (menu, entry) = (format!("{}: {}", dial.title(), dial.shown(now)), dial.shown(value));
        assert_eq!(choose(&mut bench, "[Menu]", &[&menu, &entry]), gesture(id, value), "{menu}");
    }
    // A preset is saved under a name.
    bench.click("[Presets]");
    bench.desk.preset_name = "Late_night".into();
    assert_eq!(bench.click_label("Save"), [Action::Preset(PresetAction::Save("Late night".into()))]);
    for (button, by) in [("[Previous preset]", -1), ("[Next preset]", 1)] {
        assert_eq!(bench.click(button), [Action::Preset(PresetAction::Step(by))]);
    }
}

/// A name in the presets' field, and Enter.
fn name_a_preset(bench: &mut Bench, name: &str) -> Vec<Action> {
    bench.desk.preset_name = name.into();
    bench.acts.clear();
    bench.key(egui::Key::Enter);
    bench.rest();
    bench.acts.clone()
}

#[test]
fn a_preset_is_saved_by_enter_and_replaced_by_a_second_press() {
    let save = |name: &str| [Action::Preset(PresetAction::Save(name.into()))];
    let mut bench = ready(State::Locked);
    let field = |bench: &mut Bench| {
        bench.click("[Presets]");
        for _ in 0..200 {
            if bench.ctx.text_edit_focused() {
                return;
            }
            bench.key(egui::Key::Tab);
        }
        panic!("Tab comes to the field");
    };
    field(&mut bench);
    assert_eq!(name_a_preset(&mut bench, ""), []);
    assert_eq!(name_a_preset(&mut bench, "As_heard"), [], "the factory's stay");
    assert_eq!(name_a_preset(&mut bench, "Mine"), [], "nothing is replaced unasked");
    assert_eq!(name_a_preset(&mut bench, "Other"), save("Other"));
    field(&mut bench);
    assert_eq!(name_a_preset(&mut bench, "Mine"), []);
    assert_eq!(name_a_preset(&mut bench, "Mine"), save("Mine"));
    field(&mut bench);
    bench.desk.preset_name = "Mine".into();
    assert_eq!(bench.click_label("Save"), []);
    assert!(egui::Popup::is_any_open(&bench.ctx), "the hand can work in the list");
    assert_eq!(bench.click_label("Replace"), save("Mine"));
}

#[test]
fn clips_of_every_length_are_exported_in_every_format() {
    let mut bench = ready(State::Locked);
    // More than the longest.
    bench.snapshot.captured = (0..70).map(|i| Arc::new(bar(i, "A:min"))).collect();
    bench.clips.bars = 70;
    for (length, bars) in [("Last 4 bars", 4), ("Last 8 bars", 8), ("Last 16 bars", 16), ("Last 64 bars", 64)]
    {
        for (name, format) in [
            ("MIDI", Format::Midi),
            ("MIDI, one file a part", Format::MidiParts),
            ("Lead sheet (MusicXML)", Format::MusicXml),
            ("Sound (WAV)", Format::Wav),
        ] {
            bench.click("[Export]");
            bench.click_label(length);
            let acts = bench.click_label(name);
            let [Action::Export(choice, written)] = &acts[..] else { panic!("{length}, {name}: {acts:?}") };
            assert_eq!((choice.bars.len(), *written), (bars, format));
            assert_eq!(choice.bars.last(), bench.snapshot.captured.last());
        }
    }
}

#[test]
fn a_knob_has_a_menu_and_a_pad() {
    let id = ParamId::Energy;
    let usual = BacklineParams::default().dial(id).usual();
    let reset = format!("Reset to {}", BacklineParams::default().dial(id).shown(usual));
    let gesture = vec![Action::Begin(id), Action::Set(id, usual), Action::End(id)];
    for (entry, expected) in [(reset.as_str(), gesture), ("Undo", vec![Action::Undo])] {
        let mut bench = ready(State::Locked);
        bench.values[id.index()] = 0.7;
        right_click(&mut bench, "[Energy]");
        assert_eq!(bench.click_label(entry), expected, "{entry}");
    }
    let mut bench = ready(State::Locked);
    right_click(&mut bench, "[Energy]");
    assert_eq!(bench.click_label("Type a value"), []);
    assert!(bench.desk.typing.is_some());
    for key in ["Clear", "-", "2", "0"] {
        assert_eq!(bench.click_label(key), [], "{key} only types");
    }
    assert_eq!(
        bench.desk.typing.as_ref().map(|(id, text)| (*id, text.as_str())),
        Some((ParamId::Energy, "-20"))
    );
    let acts = bench.click_label("OK");
    assert!(
        matches!(acts[..], [Action::Begin(_), Action::Set(ParamId::Energy, v), Action::End(_)] if (v - 0.4).abs() < 1e-3),
        "{acts:?}"
    );
    assert!(bench.desk.typing.is_none());
}

#[test]
fn the_chord_editor_sets_what_is_chosen() {
    let pin = |bench: &mut Bench, labels: &[&str]| -> Vec<Action> {
        let mut acts = bench.double_click("[Chord 1]");
        for label in labels {
            let chord = bench.desk.chord.as_ref().and_then(|edit| edit.pin.chord);
            // Each chord that is chosen is heard.
            assert!(chord.is_none() || acts == [Action::Hear(Heard::Chord(chord.unwrap()))], "{acts:?}");
            acts = bench.click_label(label);
        }
        assert_eq!(bench.desk.chord, None, "it closes");
        acts.retain(|act| !matches!(act, Action::Hear(_)));
        acts
    };
    let mut bench = ready(State::Locked);
    for (labels, expected) in [
        (&["D", "m7", "Set Dm7"][..], Some("D:min7")),
        (&["A", "E", "Set A/E"][..], Some("A:maj/5")),
        (&["Em 20 %"][..], Some("E:min")),
        (&["No chord"][..], None),
    ] {
        let acts = pin(&mut bench, labels);
        let [Action::Correct(Correction::Pin(set))] = acts[..] else { panic!("{labels:?}: {acts:?}") };
        assert_eq!(set.chord, expected.and_then(chord), "{labels:?}");
        assert_eq!((set.start_beat, set.length_beats), (8.0, 4.0));
    }
    assert_eq!(pin(&mut bench, &["As heard"]), [Action::Correct(Correction::Unpin(8.0, 12.0, false))]);
    assert_eq!(pin(&mut bench, &["Close"]), []);
}

#[test]
fn a_notice_is_read_and_taken_away() {
    let mut bench = ready(State::Locked);
    bench.notices = vec!["The preset is not kept. Choose another name.".into()];
    bench.rest();
    let said = |bench: &Bench| bench.desk.placed.iter().flatten().any(|(text, _)| *text == bench.notices[0]);
    // What the pointer is over comes first.
    bench.frame(vec![Event::PointerMoved(pos2(2.0, 2.0))], Modifiers::NONE);
    bench.rest();
    assert!(said(&bench));
    assert_eq!(bench.click("[Dismiss]"), [Action::Dismiss]);
}

#[test]
fn lanes_are_pulled_and_zoomed() {
    let mut bench = ready(State::Locked);
    bench.rest();
    let at = bench.place("[Chords lane]").center();
    bench.press(at, PointerButton::Middle, true, Modifiers::NONE);
    bench.frame(vec![Event::PointerMoved(at + vec2(60.0, 0.0))], Modifiers::NONE);
    bench.press(at + vec2(60.0, 0.0), PointerButton::Middle, false, Modifiers::NONE);
    assert!(bench.desk.pan < -1.0, "{} quarter notes back", bench.desk.pan);
    bench.frame(vec![Event::Zoom(2.0)], Modifiers::COMMAND);
    assert_eq!(bench.desk.bars_shown, 4.0);
}

#[test]
fn the_tab_key_goes_through_the_window_as_it_is_read() {
    for state in [State::Idle, State::Locked] {
        let mut bench = ready(state);
        bench.rest();
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..200 {
            bench.key(egui::Key::Tab);
            let output = bench.frame(Vec::new(), Modifiers::NONE);
            let update = output.platform_output.accesskit_update.expect("a tree");
            let focused = update.nodes.iter().find(|(id, _)| *id == update.focus).expect("it is in the tree");
            let Some(at) = focused.1.bounds() else { continue };
            let centre = pos2(((at.x0 + at.x1) / 2.0) as f32, ((at.y0 + at.y1) / 2.0) as f32);
            let placed = bench.desk.placed.iter().flatten();
            let name = placed.rev().find(|(name, rect)| name.starts_with('[') && rect.contains(centre));
            let Some((name, _)) = name else { continue };
            if seen.first() == Some(name) {
                break;
            }
            seen.push(name.clone());
        }
        let placed = bench.controls();
        let order: Vec<usize> =
            seen.iter().map(|name| placed.iter().position(|n| n == name).unwrap()).collect();
        assert!(order.windows(2).all(|two| two[0] < two[1]), "{state:?}: {seen:?}");
        assert!(seen.len() > 40, "{state:?}: {} of {} are reached: {seen:?}", seen.len(), placed.len());
        for name in ["[Presets]", "[Key]", "[Energy]", "[Export]"] {
            assert!(seen.iter().any(|n| n == name), "{name} is reached");
        }
    }
}

#[test]
fn what_went_wrong_is_copied_for_a_report() {
    let mut bench = ready(State::Error);
    assert_eq!(bench.click("[Copy details]"), [Action::CopyDetails]);
    let told = crate::editor::moment::details(&bench.snapshot, &["The preset is not kept.".into()]);
    assert!(told.contains(env!("CARGO_PKG_VERSION")) && told.contains("stopped: true"), "{told}");
    assert!(told.contains("The preset is not kept.") && told.contains("has stopped listening"), "{told}");
    let mut bench = ready(State::Locked);
    bench.rest();
    assert!(!bench.desk.placed.iter().flatten().any(|(name, _)| name == "[Copy details]"));
}

#[test]
fn a_card_shows_what_became_of_its_clip() {
    let mut bench = ready(State::Locked);
    bench.pull("[Last 4 bars]", Modifiers::NONE);
    bench.rest();
    let shapes = |bench: &mut Bench| {
        bench.frame(vec![Event::PointerMoved(pos2(2.0, 2.0))], Modifiers::NONE);
        let output = bench.frame(Vec::new(), Modifiers::NONE);
        output.shapes.iter().map(|clipped| format!("{clipped:?}")).collect::<Vec<_>>()
    };
    let plain = shapes(&mut bench);
    let theme = Theme::of(false);
    for (busy, dropped, last, colour) in [
        (true, false, None, theme.info),
        (false, true, None, theme.ok),
        (false, false, Some(Err("The disk is full.".into())), theme.error),
    ] {
        bench.clips = ClipsView { busy, dropped, last, ..bench.clips.clone() };
        let other: Vec<String> =
            shapes(&mut bench).into_iter().filter(|shape| !plain.contains(shape)).collect();
        // Text is painted in these colours as well; a line or an edge is the card's own.
        let colour = format!("{colour:?}");
        let card = other.iter().find(|shape| !shape.contains("Text(") && shape.contains(&colour));
        assert!(card.is_some(), "busy {busy}, dropped {dropped}: {other:?}");
    }
}
