//! Keys that act in the window, and what the last line says of what was done.

use super::*;

fn pinned(acts: &[Action]) -> Vec<ChordPin> {
    let pins = acts.iter().filter_map(|act| match act {
        Action::Correct(Correction::Pin(pin)) => Some(*pin),
        _ => None,
    });
    pins.collect()
}

#[test]
fn a_chord_takes_the_beats_of_the_next() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.ctx.enable_accesskit();
    bench.rest();
    let merged = ChordPin { start_beat: 4.0, length_beats: 8.0, chord: chord("F:maj"), on_heard_beat: false };
    let at = bench.place("[Chord 1]").center();
    bench.frame(vec![Event::PointerMoved(at)], Modifiers::NONE);
    bench.acts.clear();
    bench.key(egui::Key::Delete);
    assert_eq!(pinned(&bench.acts), [merged]);
    bench.double_click("[Chord 1]");
    assert_eq!(pinned(&bench.click_label("Merge left")), [merged]);
    // What the playhead cuts is one chord, whose left part is not the chord before.
    let at = bench.place("[Chord 3]").center();
    bench.frame(vec![Event::PointerMoved(at)], Modifiers::NONE);
    bench.acts.clear();
    bench.key(egui::Key::Delete);
    let merged = ChordPin { start_beat: 12.0, chord: chord("G:7"), ..merged };
    assert_eq!(pinned(&bench.acts), [merged]);
    // Away from the lane the key does nothing.
    bench.frame(vec![Event::PointerMoved(pos2(30.0, 30.0))], Modifiers::NONE);
    bench.acts.clear();
    bench.key(egui::Key::Delete);
    assert_eq!(pinned(&bench.acts), []);
}

#[test]
fn enter_opens_the_editor_of_the_chord_with_the_focus() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let id = egui::Id::unique(("backline", "Chord 1"));
    bench.ctx.memory_mut(|m| m.request_focus(id));
    bench.key(egui::Key::Enter);
    let edit = bench.desk.chord.clone().expect("it opens");
    assert_eq!((edit.pin.start_beat, edit.pin.chord), (8.0, chord("C:maj")));
    assert_eq!(bench.acts, [], "and nothing is heard");
}

#[test]
fn a_double_click_takes_back_what_was_said() {
    for (name, corrections, expected) in [
        (
            "[Tempo]",
            Corrections { tempo_near_bpm: Some(96.0), ..Corrections::default() },
            Correction::Tempo(None),
        ),
        (
            "[Key]",
            Corrections { key: Some(Key::new(PitchClass::C, Mode::Major)), ..Corrections::default() },
            Correction::Key(None),
        ),
        (
            "[Metre]",
            Corrections { metre: Some(Metre::SIX_EIGHT), ..Corrections::default() },
            Correction::Metre(None),
        ),
    ] {
        let mut bench = Bench::new(State::Locked, USUAL_SIZE);
        bench.corrections = corrections;
        assert_eq!(bench.double_click(name), [Action::Correct(expected)], "{name}");
        assert!(!egui::Popup::is_any_open(&bench.ctx), "{name}: no menu stays open");
    }
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.values[ParamId::Style.index()] = 1.0;
    bench.double_click("[Style]");
    assert_eq!(bench.value(ParamId::Style), 0.0);
}

#[test]
fn letters_act_where_the_focus_is_and_are_the_hosts_elsewhere() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let keys = [egui::Key::L, egui::Key::Num3, egui::Key::M, egui::Key::S, egui::Key::K, egui::Key::R];
    keys.into_iter().for_each(|key| bench.key(key));
    assert_eq!(bench.acts, [], "nothing here has the focus");
    bench.key(egui::Key::Tab);
    bench.key(egui::Key::L);
    assert_eq!(bench.value(ParamId::Listen), 0.0);
    bench.key(egui::Key::Num3);
    bench.key(egui::Key::M);
    assert_eq!(bench.value(ParamId::Drums), 0.0);
    bench.key(egui::Key::S);
    let on = [ParamId::Drums, ParamId::Chords, ParamId::Bass].map(|id| bench.value(id));
    assert_eq!(on, [1.0, 0.0, 0.0], "the drums alone");
    bench.key(egui::Key::S);
    assert_eq!(bench.value(ParamId::Bass), 1.0);
    bench.acts.clear();
    bench.key(egui::Key::K);
    bench.key(egui::Key::R);
    let names: Vec<&str> = bench
        .acts
        .iter()
        .filter_map(|act| match act {
            Action::Edit(name, _) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["keep the lane (Drums)", "another take"]);
    let kept = bench.edits.kept.len();
    assert!(kept > 0 && bench.edits.kept.iter().all(|bar| bar.part == Part::Drums));
    bench.acts.clear();
    let export = Event::Key {
        key: egui::Key::E,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::COMMAND,
    };
    bench.frame(vec![export], Modifiers::COMMAND);
    let [Action::Export(choice, Format::Midi)] = &bench.acts[..] else { panic!("{:?}", bench.acts) };
    assert_eq!(choice.bars.len(), 4);
}

#[test]
fn the_last_line_says_what_was_done_and_takes_it_back() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    bench.click("[Livelier]");
    let said = "Energy +25 % · from bar 7 on";
    let says = |bench: &Bench| bench.desk.placed.as_ref().unwrap().iter().any(|(name, _)| name == said);
    assert!(says(&bench));
    assert_eq!(bench.click("[Undo this]"), [Action::Undo]);
    bench.rest();
    assert!(!says(&bench));
    bench.click("[Darker]");
    bench.time += 5.0;
    bench.rest();
    assert!(!bench.desk.placed.as_ref().unwrap().iter().any(|(name, _)| name == "[Undo this]"));
    // At rest no bar is fixed.
    bench.snapshot.plan = Some(Arc::new(Plan::empty()));
    bench.click("[Livelier]");
    assert_eq!(bench.desk.said.as_ref().map(|(said, _)| said.as_str()), Some("Energy +25 %"));
}
