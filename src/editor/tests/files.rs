//! The card of a file that comes in, and every control there is, under a synthetic hand.

use super::*;
use crate::editor::scene::FileAct;
use crate::editor::selection::Selection;

#[test]
fn a_file_is_asked_for_told_of_and_used() {
    let mut bench = Bench::new(State::Idle, USUAL_SIZE);
    assert_eq!(bench.click("[Open a file]"), [Action::File(FileAct::Ask)]);
    bench.ctx.enable_accesskit();
    bench.intake = Intake::Asking;
    bench.desk.path = " '/songs/take 3.wav' ".into();
    assert_eq!(bench.click_label("Open"), [Action::File(FileAct::Open("/songs/take 3.wav".into()))]);
    assert_eq!(bench.click_label("Close"), [Action::File(FileAct::Close)]);

    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.ctx.enable_accesskit();
    let song = a_song();
    let key = song.key.unwrap();
    bench.intake = Intake::Done(song);
    assert_eq!(bench.click_label("Set its chords from bar 1"), [Action::File(FileAct::Chords(0.0, false))]);
    assert_eq!(bench.click_label("… from bar 6"), [Action::File(FileAct::Chords(20.0, false))]);
    assert_eq!(bench.click_label(&format!("Set {key}")), [Action::File(FileAct::Key)]);
    bench.intake = Intake::Failed("Why.".into());
    bench.rest();
    bench.acts.clear();
    bench.key(egui::Key::Escape);
    assert_eq!(bench.acts, [Action::File(FileAct::Close)]);
}

#[test]
fn a_files_chords_start_on_a_bar_line_of_the_clock_that_is_followed() {
    let from = |snapshot: Snapshot, button: &str| {
        let mut bench = Bench::new(State::Locked, USUAL_SIZE);
        bench.ctx.enable_accesskit();
        bench.intake = Intake::Done(a_song());
        bench.status.pos_beats = snapshot.place.unwrap().beat;
        bench.snapshot = snapshot;
        bench.click_label(button)
    };
    let place = playing().place.unwrap();
    let bare = Snapshot { plan: None, captured: Vec::new(), cells: Vec::new(), ..playing() };
    let at = |place| Snapshot { place: Some(place), ..bare.clone() };
    let chords = |beat, heard| [Action::File(FileAct::Chords(beat, heard))];
    let heard =
        Place { timeline: Timeline::Heard { anchor_s: 0.0, anchor_beat: 0.0, tempo_bpm: 96.0 }, ..place };
    assert_eq!(from(at(heard), "… from bar 6"), chords(20.0, true));
    // After a bar of two quarters.
    let odd = Place { beat: 20.5, bar_start: 18.0, ..place };
    assert_eq!(from(at(odd), "… from bar 7"), chords(22.0, false));
    let demo = crate::demo::DEMO_BEAT;
    let demo_place = Place { beat: demo + 17.0, bar_start: demo + 16.0, ..place };
    assert_eq!(from(at(demo_place), "… from bar 6"), chords(demo + 20.0, false));
}

#[test]
fn bars_of_the_demo_that_are_liked_are_counted_from_one() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    let first = (crate::demo::DEMO_BEAT / 4.0) as i64;
    bench.snapshot.judged = Some(crate::snapshot::Judged { first, last: first + 3, liked: true });
    bench.rest();
    bench.rest();
    let said = bench.place("4 bars kept · bars 1–4 liked");
    assert!(said.is_positive());
}

/// What only tells something when the pointer is over it.
const TELLS: [&str; 8] =
    ["[Input level]", "[Last seconds]", "[State]", "[Latency]", "[Load]", "[Fixed]", "[More]", "[Most]"];

#[test]
fn every_control_answers_the_hand() {
    for state in [State::Idle, State::Locked] {
        let mut bench = Bench::new(state, USUAL_SIZE);
        bench.rest();
        bench.rest();
        let names = bench.controls();
        assert!(names.len() > 50, "{state:?}: {} controls", names.len());
        for name in names.iter().filter(|name| !TELLS.contains(&name.as_str())) {
            // Each in a window of its own, so that no menu of another lies over it.
            let mut bench = Bench::new(state, USUAL_SIZE);
            bench.clips.last = Some(Ok("/clips/a.mid".into()));
            bench.desk.selection = Some(Selection { from_beat: 4.0, to_beat: 12.0, on_heard_beat: false });
            bench.rest();
            bench.rest();
            let at = bench.place(name).center();
            bench.acts.clear();
            bench.click_with(at, Modifiers::NONE);
            let clicked = !bench.acts.is_empty()
                || egui::Popup::is_any_open(&bench.ctx)
                || bench.ctx.memory(|m| m.focused().is_some())
                || bench.desk.typing.is_some()
                || bench.desk.chord.is_some()
                || bench.desk.selection.is_none();
            bench.time += 1.0;
            bench.press(at, PointerButton::Primary, true, Modifiers::NONE);
            for i in 1..=4 {
                bench.frame(vec![Event::PointerMoved(at + vec2(0.0, -6.0 * i as f32))], Modifiers::NONE);
            }
            bench.press(at - vec2(0.0, 24.0), PointerButton::Primary, false, Modifiers::NONE);
            let dragged = !bench.acts.is_empty();
            let rests = REST.iter().any(|(when, which)| *when == state && name.starts_with(which));
            assert_eq!(clicked || dragged, !rests, "{state:?}: {name}");
        }
    }
}

/// What has nothing to do yet, or does already what it says.
const REST: [(State, &str); 26] = [
    (State::Idle, "[Like]"),
    (State::Idle, "[Dislike]"),
    (State::Idle, "[Redo]"),
    (State::Idle, "[Slot A]"),
    (State::Idle, "[Send: All]"),
    (State::Idle, "[Form: Band]"),
    (State::Idle, "[Last "),
    (State::Idle, "[Selection]"),
    (State::Idle, "[Drag "),
    (State::Idle, "[Keep "),
    (State::Idle, "[Dice Drums]"),
    (State::Idle, "[Dice Chords]"),
    (State::Idle, "[Dice Bass]"),
    (State::Idle, "[Half tempo]"),
    (State::Idle, "[Double tempo]"),
    (State::Idle, "[Clip: "),
    (State::Idle, "[Chord "),
    (State::Locked, "[Redo]"),
    (State::Locked, "[Slot A]"),
    (State::Locked, "[Send: All]"),
    (State::Locked, "[Form: Band]"),
    (State::Locked, "[Clip: "),
    (State::Idle, "[Notice]"),
    (State::Locked, "[Notice]"),
    (State::Idle, "[Strip]"),
    (State::Locked, "[Strip]"),
];
