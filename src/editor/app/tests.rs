//! What the window asks for is carried out, without a window.

use backline_engine::KeptBar;
use backline_music::{Key, Mode, Part, PitchClass, PlannedChord};

use super::*;
use crate::bridge::bridge;
use crate::intake::Taken;

fn app() -> App {
    App::new(Arc::new(BacklineParams::default()), bridge().2, Threads::default())
}

fn act(app: &mut App, act: Action) {
    app.apply(&egui::Context::default(), vec![act]);
}

fn kept(velocity: u8) -> Edits {
    let mut edits = Edits::default();
    edits.keep(KeptBar {
        start_beat: 8.0,
        length_beats: 4.0,
        part: Part::Drums,
        on_heard_beat: false,
        notes: vec![(36, velocity, 0.0, 0.25).into()],
    });
    edits
}

#[test]
fn edits_go_into_the_project_and_can_be_undone() {
    let mut app = app();
    let saved = |app: &App| app.params.state.read().unwrap().edits.clone();
    act(&mut app, Action::Edit("add a note (Drums)".into(), kept(90)));
    act(&mut app, Action::Edit("velocity (Drums)".into(), kept(120)));
    act(&mut app, Action::Edit("nothing".into(), kept(120)));
    assert_eq!(app.history.names(), (Some("velocity (Drums)"), None), "what changes nothing is no step");
    act(&mut app, Action::Undo);
    assert_eq!(saved(&app), kept(90));
    act(&mut app, Action::Undo);
    assert_eq!(saved(&app), Edits::default());
    act(&mut app, Action::Redo);
    act(&mut app, Action::Redo);
    assert_eq!(saved(&app), kept(120));
    // Slot B starts as a copy; what is written there stays there.
    act(&mut app, Action::SwapSlot);
    act(&mut app, Action::Edit("clear".into(), Edits::default()));
    act(&mut app, Action::SwapSlot);
    assert_eq!(saved(&app), kept(120));
}

#[test]
fn a_gesture_within_one_frame_is_a_step_though_the_host_takes_it_over_later() {
    let mut app = app();
    let id = ParamId::Energy;
    let now = app.params.dial(id).now();
    for value in [0.7, now] {
        app.apply(
            &egui::Context::default(),
            vec![Action::Begin(id), Action::Set(id, value), Action::End(id)],
        );
    }
    assert_eq!(app.history.names(), (Some("Energy 0.0 % → +40.0 %"), None));
    act(&mut app, Action::Begin(ParamId::Seed));
    act(&mut app, Action::End(ParamId::Seed));
    assert_eq!(app.history.names().0, Some("Energy 0.0 % → +40.0 %"), "what sets nothing is no step");
}

#[test]
fn what_a_file_tells_is_set_in_one_step() {
    let mut app = app();
    let planned = |start_beat, label: &str| PlannedChord {
        start_beat,
        length_beats: 4.0,
        chord: label.parse().ok(),
        prob: 0.6,
    };
    let key = Some(Key::new(PitchClass::D, Mode::Minor));
    app.intake = Intake::Done(Taken {
        name: "a.mid".into(),
        tempo_bpm: 100.0,
        key,
        metre: backline_music::Metre::FOUR_FOUR,
        chords: vec![planned(0.0, "D:min"), planned(4.0, "G:7")],
        notices: Vec::new(),
    });
    act(&mut app, Action::File(FileAct::Key));
    act(&mut app, Action::File(FileAct::Chords(16.0, false)));
    let set = app.params.state.read().unwrap().corrections.clone();
    assert_eq!(set.key, key);
    let pins: Vec<_> = set.chords.iter().map(|pin| (pin.start_beat, pin.chord)).collect();
    assert_eq!(pins, [(16.0, "D:min".parse().ok()), (20.0, "G:7".parse().ok())]);
    assert_eq!((app.history.names().0, &app.intake), (Some("chords of a.mid"), &Intake::Nothing));
    act(&mut app, Action::Undo);
    assert_eq!(app.params.state.read().unwrap().corrections, Corrections { key, ..Corrections::default() });
}

#[test]
fn a_file_is_heard_beside_the_window() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("letter.wav");
    std::fs::write(&path, "this is a letter").unwrap();
    let mut app = app();
    act(&mut app, Action::File(FileAct::Ask));
    assert_eq!(app.intake, Intake::Asking);
    act(&mut app, Action::File(FileAct::Open(path.display().to_string())));
    assert!(matches!(app.intake, Intake::Working { .. }), "the window does not wait");
    let begun = Instant::now();
    while matches!(app.intake, Intake::Working { .. }) && begun.elapsed() < Duration::from_secs(30) {
        app.hear_of_files(&egui::Context::default());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(matches!(&app.intake, Intake::Failed(why) if why.contains("not audio")), "{:?}", app.intake);
}

#[test]
fn what_shall_be_heard_is_rendered_beside_the_window() {
    let (mut audio, _worker, editor) = crate::bridge::bridge();
    let mut app = App::new(Arc::default(), editor, Threads::default());
    let hear = |app: &mut App, label: &str| act(app, Action::Hear(Heard::Chord(label.parse().unwrap())));
    hear(&mut app, "C:maj");
    assert_eq!((app.notices.len(), app.rendering.is_none()), (1, true), "no audio runs: {:?}", app.notices);
    app.notices.clear();
    app.end.meters.sample_rate.store(44_100.0, Ordering::Relaxed);
    let rendered = |app: &mut App| {
        let begun = Instant::now();
        while (app.rendering.is_some() || app.rendered.is_some()) && begun.elapsed() < Duration::from_secs(30)
        {
            app.hear_of_auditions();
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    hear(&mut app, "C:maj");
    hear(&mut app, "F:maj7");
    rendered(&mut app);
    let mut held = None;
    assert!(audio.auditions.swap(&mut held));
    assert_eq!(
        held.as_deref(),
        Some(&Audition::of_chord("F:maj7".parse().unwrap(), 44_100.0)),
        "the last counts"
    );
    assert!(app.notices.is_empty());
    // The audio has stopped: the second one finds the first still waiting.
    for chord in ["G:7", "A:min"] {
        hear(&mut app, chord);
        rendered(&mut app);
    }
    assert_eq!(app.notices, [NO_AUDIO]);
}

#[test]
fn what_was_asked_for_is_on_its_way_only_while_the_band_plays() {
    let (_audio, mut worker, editor) = bridge();
    let mut app = App::new(Arc::default(), editor, Threads::default());
    let mut plan = |app: &mut App, committed_beat| {
        let plan = backline_music::Plan { committed_beat, ..backline_music::Plan::empty() };
        worker.snapshot.write(Snapshot { plan: Some(Arc::new(plan)), ..Snapshot::default() });
        app.end.snapshot.update();
    };
    plan(&mut app, f64::NEG_INFINITY);
    act(&mut app, Action::Set(ParamId::Energy, 0.9));
    assert!(!app.status().asked, "at rest no bar is planned");
    app.end.meters.playing.store(true, Ordering::Relaxed);
    assert!(!app.status().asked, "what was turned at rest is not asked for when it plays");
    plan(&mut app, 8.0);
    act(&mut app, Action::Set(ParamId::Energy, 0.8));
    assert!(app.status().asked);
    plan(&mut app, 12.0);
    assert!(!app.status().asked, "the bar is planned");
}

#[test]
fn a_step_takes_back_what_it_changed_and_no_more() {
    let mut app = app();
    let pin =
        ChordPin { start_beat: 8.0, length_beats: 4.0, chord: "F:maj7".parse().ok(), on_heard_beat: false };
    act(&mut app, Action::Correct(Correction::Pin(pin)));
    let back = app.history.clone().undo().unwrap();
    assert_eq!((back.values, back.edits), (Vec::new(), None), "the host may have moved them since");
    act(&mut app, Action::Edit("add a note (Drums)".into(), kept(90)));
    act(&mut app, Action::Undo);
    let state = app.params.state.read().unwrap().clone();
    assert_eq!((state.corrections.chords, state.edits), (vec![pin], Edits::default()));
}

#[test]
fn what_belongs_together_is_one_step() {
    let mut app = app();
    let parts = vec![(ParamId::Drums, 0.0), (ParamId::Chords, 0.0), (ParamId::Bass, 1.0)];
    act(&mut app, Action::Together("Bass alone".into(), parts));
    for value in [0.51, 0.52, 0.53] {
        act(&mut app, Action::Notch(ParamId::Energy, value));
    }
    let undone = [app.history.undo(), app.history.undo(), app.history.undo()];
    let values = undone.map(|change| change.map(|change| change.values));
    let parts = vec![(ParamId::Drums, 0.0, 1.0), (ParamId::Chords, 0.0, 1.0)];
    assert_eq!(values, [Some(vec![(ParamId::Energy, 0.53, 0.5)]), Some(parts), None]);
}

#[test]
fn a_presets_name_goes_and_comes_with_it() {
    let mut app = app();
    app.library = Library::in_folder(None);
    let saved = |app: &App| app.params.state.read().unwrap().preset.clone();
    let names: Vec<String> = app.library.names().into_iter().map(|(name, _)| name).take(3).collect();
    act(&mut app, Action::Preset(PresetAction::Load(1)));
    act(&mut app, Action::Preset(PresetAction::Load(2)));
    act(&mut app, Action::Undo);
    assert_eq!(saved(&app), names[1]);
    act(&mut app, Action::SwapSlot);
    assert_eq!((saved(&app), app.history.names()), (names[1].clone(), (None, None)));
    act(&mut app, Action::Preset(PresetAction::Load(0)));
    act(&mut app, Action::SwapSlot);
    assert_eq!(saved(&app), names[1], "each slot has its own");
    act(&mut app, Action::Redo);
    assert_eq!(saved(&app), names[2]);
    act(&mut app, Action::SwapSlot);
    assert_eq!(saved(&app), names[0]);
    act(&mut app, Action::Undo);
    assert_eq!(saved(&app), names[1]);
}

#[test]
fn presets_of_another_track_are_in_the_list_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let mut apps = [app(), app()];
    for app in &mut apps {
        app.library = Library::in_folder(Some(dir.path().to_owned()));
        app.read_presets();
    }
    act(&mut apps[0], Action::Preset(PresetAction::Save("Mine".into())));
    std::fs::write(dir.path().join("broken.json"), "{").unwrap();
    let mine = |app: &App| app.names.contains(&("Mine".to_owned(), false));
    assert!(mine(&apps[0]) && !mine(&apps[1]));
    for _ in 0..2 {
        act(&mut apps[1], Action::Preset(PresetAction::List));
    }
    assert!(mine(&apps[1]));
    assert_eq!(apps[1].notices.len(), 1, "what is broken is told once: {:?}", apps[1].notices);
    let place = apps[1].names.len() - 1;
    act(&mut apps[1], Action::Preset(PresetAction::Load(place)));
    assert_eq!(apps[1].params.state.read().unwrap().preset, "Mine");
}

#[test]
fn a_clip_is_liked_once_it_is_kept() {
    let (_audio, mut worker, editor) = bridge();
    let mut app = App::new(Arc::default(), editor, Threads::default());
    let files = || Written::Files(Ok(vec!["/clips/a.mid".into()]));
    let dropped = Written::Dragged(Ok(Outcome::Dropped));
    let cancelled = Written::Dragged(Ok(Outcome::Cancelled));
    let refused = Written::Files(Err("The disk is full.".into()));
    for (drag, news, kept) in [
        (false, vec![files()], true),
        (false, vec![refused], false),
        (true, vec![files()], false),
        (true, vec![files(), cancelled], false),
        (true, vec![files(), dropped], true),
    ] {
        let (sender, receiver) = channel();
        app.written = Some(Writing { news: receiver, bars: Vec::new(), drag });
        news.into_iter().for_each(|news| sender.send(news).unwrap());
        app.hear_of_clips();
        let verdict = worker.judgements.pop().ok().map(|judgement| judgement.verdict);
        assert_eq!(verdict, kept.then_some(Verdict::Kept), "dragged: {drag}");
    }
}

#[test]
fn what_a_project_was_loaded_with_is_told_whenever_one_is_loaded() {
    let mut app = app();
    app.read_state();
    app.notices.push("Another matter.".to_owned());
    assert_eq!(app.notices.len(), 1);
    let load = |app: &mut App, dropped| {
        *app.params.state.write().unwrap() = state::StateV1 { dropped, ..Default::default() };
        app.read_state();
        app.read_state();
    };
    for _ in 0..2 {
        load(&mut app, true);
        assert!(app.notices.len() == 2 && app.notices[0].contains("Do not save over"), "{:?}", app.notices);
        load(&mut app, false);
        assert_eq!(app.notices, ["Another matter."], "it is of the project before");
    }
}

#[test]
fn choices_are_typed_as_they_come() {
    let app = app();
    let style = app.params.dial(ParamId::Style);
    for (typed, shown) in
        [("rock", "Rock"), ("hiphop", "Hip-hop"), ("hip-hop", "Hip-hop"), ("BOSSA NOVA ", "Bossa nova")]
    {
        assert_eq!(style.typed(typed).map(|v| style.shown(v)).as_deref(), Some(shown));
    }
    assert_eq!(style.typed("polka"), None);
    assert_eq!(app.params.dial(ParamId::Seed).typed("xyz"), None);
}
