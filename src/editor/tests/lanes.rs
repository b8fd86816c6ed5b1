//! The lanes under a synthetic hand.

use super::*;
use backline_engine::KeptBar;
use backline_music::{DrumVoice, PlannedNote};

/// Where a beat lies in a lane: eight bars of 4/4, the playhead at 40 % and beat 17.
pub(super) fn x(lane: Rect, beat: f64) -> f32 {
    lane.left() + lane.width() * (0.4 + ((beat - 17.0) / 32.0) as f32)
}

/// A part's lane, with the names of its rows.
fn lane(bench: &Bench, part: &str) -> Rect {
    let notes = bench.place(&format!("[{part} lane]"));
    notes.with_min_x(notes.left() - crate::editor::arrangement::NAMES)
}

/// The middle of a step of the drum grid; rows count from the top.
fn step(lane: Rect, beat: f64, row: usize) -> Pos2 {
    pos2(x(lane, beat + 0.125), lane.top() + 2.0 + (lane.height() - 4.0) / 9.0 * (row as f32 + 0.5))
}

fn planned(bench: &Bench, start: f64, part: Part) -> Vec<PlannedNote> {
    let plan = bench.snapshot.plan.as_ref().unwrap();
    let bar = plan.bars.iter().find(|bar| bar.start_beat == start).unwrap();
    bar.notes.iter().filter(|n| n.part == part).copied().collect()
}

fn kept(bench: &Bench, start: f64, part: Part) -> Option<KeptBar> {
    bench.edits.kept_at(start, part, false).cloned()
}

#[test]
fn notes_are_added_weighed_and_removed() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let lane = lane(&bench, "Drums");
    let before = planned(&bench, 24.0, Part::Drums);
    let tom = DrumVoice::MidTom.gm_key();
    assert!(before.iter().all(|n| n.key != tom));

    // A click on an empty step.
    let at = step(lane, 25.5, 3);
    bench.click_with(at, Modifiers::NONE);
    let bar = kept(&bench, 24.0, Part::Drums).expect("the bar is kept now");
    assert_eq!(bar.notes.len(), before.len() + 1, "all else in it stays");
    let new: Vec<_> = bar.notes.iter().filter(|n| n.key == tom).collect();
    assert_eq!((new.len(), new[0].at_beats), (1, 1.5));
    assert_eq!(bench.edits.kept.len(), 1, "no other part, no other bar");

    // Up: louder, and one step of the history.
    let velocity = new[0].velocity;
    bench.acts.clear();
    bench.frame(vec![Event::PointerMoved(at)], Modifiers::NONE);
    bench.press(at, PointerButton::Primary, true, Modifiers::NONE);
    for i in 1..=10 {
        bench.frame(vec![Event::PointerMoved(at - vec2(0.0, 2.0 * i as f32))], Modifiers::NONE);
    }
    bench.press(at - vec2(0.0, 20.0), PointerButton::Primary, false, Modifiers::NONE);
    bench.rest();
    let edits: Vec<_> = bench.acts.iter().filter(|a| matches!(a, Action::Edit(..))).collect();
    assert_eq!(edits.len(), 1, "{edits:?}");
    let bar = kept(&bench, 24.0, Part::Drums).unwrap();
    let louder = bar.notes.iter().find(|n| n.key == tom).unwrap().velocity;
    assert!((8..=20).contains(&(louder - velocity)), "{velocity} → {louder}");

    // A click on it takes it away; the bar stays the musician's.
    bench.time += 1.0;
    bench.click_with(at, Modifiers::NONE);
    let bar = kept(&bench, 24.0, Part::Drums).unwrap();
    assert_eq!(bar.notes.len(), before.len());
    assert!(bar.notes.iter().all(|n| n.key != tom));

    // The sign at the bar's head gives it back.
    let head = pos2(x(lane, 24.0) + 7.0, lane.top() + 6.0);
    bench.click_with(head, Modifiers::NONE);
    assert!(bench.edits.is_empty());
}

#[test]
fn a_stroke_is_never_struck_twice() {
    // Wherever in the step a stroke's micro-timing has put it, a click in the step means the stroke.
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let lane = lane(&bench, "Drums");
    let kick = DrumVoice::Kick.gm_key();
    let kicks = planned(&bench, 28.0, Part::Drums).iter().filter(|n| n.key == kick).count();
    assert!(kicks > 0);
    let first = planned(&bench, 28.0, Part::Drums).into_iter().find(|n| n.key == kick).unwrap();
    let on_grid = (first.onset_beat * 4.0).round() / 4.0;
    bench.click_with(step(lane, on_grid, 8), Modifiers::NONE);
    let bar = kept(&bench, 28.0, Part::Drums).unwrap();
    assert_eq!(bar.notes.iter().filter(|n| n.key == kick).count(), kicks - 1);
}

#[test]
fn in_a_roll_a_new_note_is_as_long_as_it_is_pulled() {
    for part in [Part::Bass, Part::Chords] {
        let mut bench = Bench::new(State::Locked, USUAL_SIZE);
        bench.rest();
        let lane = lane(&bench, part.name());
        let before = planned(&bench, 24.0, part).len();
        // The lowest row is kept free.
        let at = pos2(x(lane, 26.1), lane.bottom() - 4.0);
        bench.frame(vec![Event::PointerMoved(at)], Modifiers::NONE);
        bench.press(at, PointerButton::Primary, true, Modifiers::NONE);
        for i in 1..=5 {
            let to = pos2(x(lane, 26.1 + 0.26 * f64::from(i)), at.y);
            bench.frame(vec![Event::PointerMoved(to)], Modifiers::NONE);
        }
        let to = pos2(x(lane, 27.4), at.y);
        bench.press(to, PointerButton::Primary, false, Modifiers::NONE);
        bench.rest();
        let bar = kept(&bench, 24.0, part).unwrap();
        assert_eq!(bar.notes.len(), before + 1, "{part}");
        let lowest = bar.notes.iter().min_by_key(|n| n.key).unwrap();
        assert_eq!((lowest.at_beats, lowest.length_beats), (2.0, 1.5), "{part}");
    }
}

#[test]
fn lanes_are_kept_and_thrown() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    let open: Vec<f64> = (6..12).map(|i| f64::from(i) * 4.0).filter(|s| *s <= 32.0).collect();
    bench.click("[Keep Bass]");
    for &start in &open {
        let bar = kept(&bench, start, Part::Bass).expect("planned bars are kept");
        assert_eq!(bar.planned().collect::<Vec<_>>(), planned(&bench, start, Part::Bass));
    }
    assert_eq!(bench.edits.kept.len(), open.len(), "what is fixed is left alone");
    // A take leaves what is kept.
    assert_eq!(bench.click("[Dice Bass]"), []);
    bench.click("[Keep Bass]");
    assert!(bench.edits.is_empty(), "again gives them back");
    bench.click("[Dice Drums]");
    bench.click("[Dice Drums]");
    for &start in &open {
        assert_eq!(
            bench.edits.takes_at(start, false),
            [(backline_engine::Line::Part(Part::Drums), 2)],
            "two throws"
        );
    }
    assert_eq!(bench.edits.takes.len(), open.len());
}

#[test]
fn the_menu_of_a_place_knows_its_note_and_its_bar() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.ctx.enable_accesskit();
    bench.rest();
    let lane = lane(&bench, "Drums");
    let first = planned(&bench, 24.0, Part::Drums).into_iter().find(|n| n.key == 38).unwrap();
    let at = step(lane, (first.onset_beat * 4.0).round() / 4.0, 7);
    for (entry, check) in [
        (
            "Accent",
            (&|b: &Bench| {
                kept(b, 24.0, Part::Drums).is_some_and(|k| k.notes.iter().any(|n| n.velocity == 120))
            }) as &dyn Fn(&Bench) -> bool,
        ),
        ("Flam", &|b| {
            kept(b, 24.0, Part::Drums).is_some_and(|k| {
                let strokes = k.notes.windows(2).find(|pair| pair[0].key == 38 && pair[1].key == 38);
                strokes.is_some_and(|pair| {
                    let apart = pair[1].at_beats - pair[0].at_beats;
                    pair[0].velocity == 60 && apart > pair[0].length_beats && apart < 0.1
                })
            })
        }),
        ("Give this bar back (Drums)", &|b| b.edits.is_empty()),
        ("Another take: Snare", &|b| b.edits.takes.len() == 1),
        ("Keep this bar, all parts", &|b| b.edits.kept.len() == 3),
    ] {
        bench.press(at, PointerButton::Secondary, true, Modifiers::NONE);
        bench.press(at, PointerButton::Secondary, false, Modifiers::NONE);
        bench.click_label(entry);
        assert!(check(&bench), "{entry}: {:?}", bench.edits);
    }
}

#[test]
fn the_wheel_looks_elsewhere_and_the_band_brings_it_back() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let lane = lane(&bench, "Bass");
    let cell = bench.place("[Chord 3]");
    bench.frame(vec![Event::PointerMoved(lane.center())], Modifiers::NONE);
    bench.frame(vec![wheel(-4.0)], Modifiers::NONE);
    bench.rest();
    assert_eq!(bench.desk.pan, 4.0, "a bar on");
    assert!(bench.place("[Chord 3]").right() < cell.right() || bench.place("[Chord 3]") != cell);
    bench.status.playing = false;
    bench.rest();
    assert_eq!(bench.desk.pan, 0.0);
}
