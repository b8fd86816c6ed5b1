//! What the musician writes into the lanes is what the plug-in sends, and nothing else in those bars.

use backline_engine::{Edits, KeptBar, KeptNote};
use backline_music::{DrumVoice, Part};
use backline_testhost::{Host, Run};

use crate::saved::with_field;
use crate::{bundle, song};

#[test]
fn an_edited_bar_is_sent_note_for_note() {
    let song = song::demo(48_000);
    let samples = (24.0 * song.rate) as usize;
    let key = DrumVoice::HighTom.gm_key();
    let steps = [0.0, 0.75, 1.5, 3.25];
    let notes = steps.map(|at_beats| KeptNote { key, velocity: 100, at_beats, length_beats: 0.125 });
    let mut edits = Edits::default();
    let bar = KeptBar {
        start_beat: 16.0,
        length_beats: 4.0,
        part: Part::Drums,
        on_heard_beat: false,
        notes: notes.to_vec(),
    };
    edits.keep(bar.clone());
    // And a bar in which the bass rests.
    edits.keep(KeptBar { start_beat: 20.0, part: Part::Bass, notes: Vec::new(), ..bar });

    let play = |edits: &Edits| {
        let mut host = bundle::load_clap();
        let state = host.save();
        let field = format!("\"edits\":{}", serde_json::to_string(edits).unwrap());
        assert!(host.load(&with_field(&state, &field)));
        host.activate(song.rate, 512, true);
        let mut run = Run::new(&mut host);
        run.straight(&song.audio, 0..samples, song.rate, song.beat0, song.tempo, || 512);
        let ons = run.ons();
        run.stop(2);
        let saved = String::from_utf8_lossy(&host.save()).into_owned();
        assert_eq!(saved.contains("kept"), !edits.is_empty(), "the project keeps them");
        ons
    };
    let sample = |beat: f64| (beat - song.beat0) * 60.0 / song.tempo * song.rate;
    let within = |ons: &[(u64, u8, u8)], part: Part, from: f64, to: f64| -> Vec<(u64, u8)> {
        let channel = part.default_channel();
        let there = |n: &&(u64, u8, u8)| n.1 == channel && (sample(from)..sample(to)).contains(&(n.0 as f64));
        ons.iter().filter(there).map(|n| (n.0, n.2)).collect()
    };
    let edited = play(&edits);
    // Its neighbours' strokes may lean a few milliseconds over the bar lines.
    let drums = within(&edited, Part::Drums, 15.9, 19.9);
    let drums: Vec<_> =
        drums.into_iter().filter(|n| n.1 == key || n.0 as f64 > sample(16.0) + 480.0).collect();
    assert_eq!(drums.len(), steps.len(), "{drums:?}");
    for (note, step) in drums.iter().zip(steps) {
        assert!((note.0 as f64 - sample(16.0 + step)).abs() <= 0.502, "{note:?} for {step}");
        assert_eq!(note.1, key);
    }
    let plain = play(&Edits::default());
    assert!(!within(&plain, Part::Bass, 20.1, 23.9).is_empty(), "the bass would play");
    assert_eq!(within(&edited, Part::Bass, 20.1, 23.9), [], "and rests where it is told to");
    assert_eq!(within(&edited, Part::Chords, 16.0, 19.9), within(&plain, Part::Chords, 16.0, 19.9));
}
