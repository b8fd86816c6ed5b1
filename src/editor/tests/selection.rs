//! Bars that are selected on the ruler, and the clips that come of them.

use super::lanes::x;
use super::*;
use crate::clips::Clip;
use crate::editor::scene::ClipChoice;
use crate::editor::selection::Selection;
use backline_engine::KeptBar;
use backline_files::MidiSong;

fn selection(from_beat: f64, to_beat: f64) -> Option<Selection> {
    Some(Selection { from_beat, to_beat, on_heard_beat: false })
}

/// Drags along the ruler from one position to another.
fn mark(bench: &mut Bench, from: f64, to: f64) {
    bench.rest();
    let ruler = bench.place("[Ruler]");
    let at = |beat| pos2(x(ruler, beat), ruler.center().y);
    bench.frame(vec![Event::PointerMoved(at(from))], Modifiers::NONE);
    bench.press(at(from), PointerButton::Primary, true, Modifiers::NONE);
    for i in 1..=6 {
        let beat = from + (to - from) * f64::from(i) / 6.0;
        bench.frame(vec![Event::PointerMoved(at(beat))], Modifiers::NONE);
    }
    bench.press(at(to), PointerButton::Primary, false, Modifiers::NONE);
    bench.time += 1.0;
    bench.rest();
}

/// What is dragged out of a card or by a grip.
fn pull(bench: &mut Bench, name: &str, modifiers: Modifiers) -> Option<(ClipChoice, Format)> {
    let acts = bench.pull(name, modifiers);
    bench.time += 1.0;
    match &acts[..] {
        [] => None,
        [Action::Drag(choice, format)] => Some((choice.clone(), *format)),
        other => panic!("{other:?}"),
    }
}

/// The file that a clip becomes, as any program reads it.
fn file(choice: &ClipChoice) -> (String, MidiSong) {
    let clip = Clip::of(choice, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let written = clip.write(folder.path(), Format::Midi).unwrap();
    (clip.name, MidiSong::parse(&std::fs::read(&written[0]).unwrap()).unwrap())
}

fn ticks(song: &MidiSong, part: Part) -> Vec<u32> {
    let track = song.tracks.iter().find(|track| track.name == part.name()).unwrap();
    track.notes.iter().map(|note| note.tick).collect()
}

#[test]
fn bars_are_selected_by_dragging_and_dragged_out() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    assert_eq!(pull(&mut bench, "[Selection]", Modifiers::NONE), None, "nothing is selected");
    // From the middle of bar 6 into bar 7, and the other way round.
    for (from, to) in [(21.5, 25.0), (25.0, 21.5)] {
        mark(&mut bench, from, to);
        assert_eq!(bench.desk.selection, selection(20.0, 28.0), "whole bars");
    }
    assert!(bench.desk.placed.iter().flatten().any(|(name, _)| name == "Bars 6–7"), "the card says which");
    let (choice, format) = pull(&mut bench, "[Selection]", Modifiers::NONE).unwrap();
    assert_eq!((format, choice.part), (Format::Midi, None));
    let (name, song) = file(&choice);
    assert!(name.contains(" 6-7 ") && name.contains("96 bpm"), "{name}");
    assert_eq!((song.tempo.clone(), song.metres.clone()), (vec![(0, 625_000)], vec![(0, Metre::FOUR_FOUR)]));
    let eighths: Vec<u32> = (0..16).map(|i| i * u32::from(song.ppq) / 2).collect();
    assert_eq!(ticks(&song, Part::Bass), eighths, "the first tick is bar 6");
    assert_eq!(song.markers.iter().map(|m| m.1.as_str()).collect::<Vec<_>>(), ["F", "C"], "and its harmony");

    // What was played long ago, a part of it, as sound.
    mark(&mut bench, 4.5, 11.5);
    assert_eq!(bench.desk.selection, selection(4.0, 12.0));
    bench.click("[Clip: Bass]");
    let (choice, format) = pull(&mut bench, "[Selection]", Modifiers::ALT).unwrap();
    assert_eq!((format, choice.part), (Format::Wav, Some(Part::Bass)));
    assert_eq!(choice.bars[..], bench.snapshot.captured[1..3]);
    // The grip of a lane is about the same bars; the other cards are not.
    let (choice, _) = pull(&mut bench, "[Drag Drums]", Modifiers::NONE).unwrap();
    assert_eq!((choice.bars.len(), choice.part), (2, Some(Part::Drums)));
    let (choice, _) = pull(&mut bench, "[Last 4 bars]", Modifiers::SHIFT).unwrap();
    assert_eq!(choice.bars, bench.snapshot.captured);
    // So are the thumbs: of what was played.
    assert_eq!(bench.click("[Like]"), [Action::Judge(bench.snapshot.captured[1..3].to_vec(), true)]);
    mark(&mut bench, 24.5, 27.0);
    assert_eq!(bench.click("[Like]"), [], "nobody has heard these yet");
}

#[test]
fn a_selection_is_exported_by_the_menu() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.ctx.enable_accesskit();
    mark(&mut bench, 21.0, 30.0);
    bench.click("[Export]");
    assert_eq!(bench.click_label("Bars 6–8"), []);
    match &bench.click_label("Lead sheet (MusicXML)")[..] {
        [Action::Export(choice, Format::MusicXml)] => {
            assert_eq!(choice.bars.iter().map(|bar| bar.index).collect::<Vec<_>>(), [5, 6, 7]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn escape_or_a_click_selects_nothing() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    mark(&mut bench, 21.0, 22.0);
    assert_eq!(bench.desk.selection, selection(20.0, 24.0), "one bar");
    // An open menu takes the key first.
    bench.click("[Export]");
    bench.key(egui::Key::Escape);
    assert!(bench.desk.selection.is_some() && !egui::Popup::is_any_open(&bench.ctx));
    bench.key(egui::Key::Escape);
    assert_eq!(bench.desk.selection, None);
    mark(&mut bench, 21.0, 22.0);
    let ruler = bench.place("[Ruler]");
    bench.click_with(ruler.center(), Modifiers::NONE);
    assert_eq!(bench.desk.selection, None);
    // A note that is written does not take it away.
    mark(&mut bench, 21.0, 22.0);
    bench.click("[Bass lane]");
    assert!(bench.desk.selection.is_some() && !bench.edits.is_empty());
    // On another clock it means nothing, and nothing is written.
    bench.snapshot.place = bench.snapshot.place.map(|place| Place {
        timeline: Timeline::Heard { anchor_s: 0.0, anchor_beat: 0.0, tempo_bpm: 96.0 },
        ..place
    });
    assert_eq!(pull(&mut bench, "[Selection]", Modifiers::NONE), None);
}

#[test]
fn keys_select_too() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    mark(&mut bench, 21.0, 22.0);
    bench.key(egui::Key::ArrowRight);
    assert_eq!(bench.desk.selection, selection(24.0, 28.0));
    bench.key(egui::Key::ArrowLeft);
    bench.key(egui::Key::ArrowLeft);
    assert_eq!(bench.desk.selection, selection(16.0, 20.0));
    let shift = |bench: &mut Bench, key| {
        let event =
            Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::SHIFT };
        bench.frame(vec![event], Modifiers::SHIFT);
    };
    shift(&mut bench, egui::Key::ArrowRight);
    assert_eq!(bench.desk.selection, selection(16.0, 24.0));
    shift(&mut bench, egui::Key::ArrowLeft);
    shift(&mut bench, egui::Key::ArrowLeft);
    assert_eq!(bench.desk.selection, selection(16.0, 20.0), "a bar is the least");
}

#[test]
fn every_bar_of_a_clip_is_where_it_was() {
    // Bar 6 is in 3/4 at another tempo, bar 7 is not known, bar 8 is the musician's.
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    let plan = bench.snapshot.plan.clone().unwrap();
    let mut plan = Plan::clone(&plan);
    plan.bars.retain(|bar| bar.index < 8);
    let shift = |bar: &mut PlannedBar, by: f64| {
        bar.start_beat += by;
        bar.notes.iter_mut().for_each(|note| note.onset_beat += by);
        bar.chords.iter_mut().for_each(|chord| chord.start_beat += by);
    };
    for bar in &mut plan.bars {
        match bar.index {
            5 => {
                (bar.metre, bar.tempo_bpm) = (Metre { numerator: 3, denominator: 4 }, 120.0);
                let end = bar.end_beat();
                bar.notes.retain(|note| note.onset_beat < end - 0.1);
            }
            6.. => shift(bar, -1.0),
            _ => {}
        }
    }
    plan.bars.retain(|bar| bar.index != 6);
    let last = plan.bars.last().unwrap().clone();
    assert_eq!((last.index, last.start_beat), (7, 27.0));
    bench.snapshot.plan = Some(Arc::new(plan));
    let mut kept = KeptBar::of(&last, Part::Bass, false);
    kept.notes.truncate(1);
    kept.notes[0].key = 30;
    bench.edits.keep(kept);
    mark(&mut bench, 21.0, 28.0);
    assert_eq!(bench.desk.selection, selection(20.0, 31.0));
    let (choice, _) = pull(&mut bench, "[Selection]", Modifiers::NONE).unwrap();
    assert_eq!(choice.bars.iter().map(|bar| bar.start_beat).collect::<Vec<_>>(), [20.0, 23.0, 26.0, 27.0]);
    let (_, song) = file(&choice);
    let quarter = u32::from(song.ppq);
    let bass = ticks(&song, Part::Bass);
    assert_eq!((bass[0], bass.len()), (0, 6 + 1), "{bass:?}");
    assert_eq!(bass.last(), Some(&(7 * quarter)), "what follows the gap has not moved");
    assert_eq!(song.metres[0], (0, Metre { numerator: 3, denominator: 4 }));
    assert_eq!(song.metres.last(), Some(&(7 * quarter, Metre::FOUR_FOUR)));
    assert_eq!(song.tempo[0], (0, 500_000));
    assert_eq!(song.tempo.last(), Some(&(7 * quarter, 625_000)), "{:?}", song.tempo);
    // Where nothing is known at all there is no clip.
    mark(&mut bench, 33.0, 35.0);
    assert!(bench.desk.selection.is_some());
    assert_eq!(pull(&mut bench, "[Selection]", Modifiers::NONE), None);
}
