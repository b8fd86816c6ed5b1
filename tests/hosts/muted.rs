//! A part that is switched off is silent at once, and comes back in the middle of what it would have played.

use backline_music::Part;
use backline_testhost::At;

use crate::bundle::{Format, load};
use crate::song;

const BLOCK: usize = 480;

/// The strokes from beat 32 on, a bar long, with the drums muted from beat 16 to beat 32 or not.
fn strokes(format: Format, linked: bool, muted: bool) -> Vec<(u64, u8)> {
    let song = song::demo(48_000);
    let sample = |beat: f64| ((beat - song.beat0) * 60.0 / song.tempo * song.rate).ceil() as usize;
    let (off, on, end) = (sample(16.0), sample(32.0), sample(36.0));
    let mut host = load(format);
    if linked {
        host.set("Link", 0.25);
    }
    host.activate(song.rate, BLOCK, true);
    let mut strokes = Vec::new();
    let mut from = 0;
    while from < end {
        if muted && (from == off || from == on) {
            host.set("Drums", if from == on { 1.0 } else { 0.0 });
        }
        let next = [off, on, end].into_iter().find(|edge| *edge > from).unwrap();
        let frames = BLOCK.min(next - from);
        let input = song.round(from, frames);
        let at = At::playing(song.beat(from as f64), song.tempo);
        for note in host.process(&input, &mut input.clone(), &at) {
            let drums = note.channel == Part::Drums.default_channel() && note.velocity.is_some();
            let silent = muted && (off..on).contains(&from);
            assert!(!(drums && silent), "a stroke at {from}");
            if drums && from >= on {
                strokes.push((from as u64 + u64::from(note.offset), note.key));
            }
        }
        from += frames;
    }
    strokes
}

#[test]
fn a_part_comes_back_as_if_it_had_never_been_muted() {
    for (format, linked) in
        [(Format::Clap, false), (Format::Vst3, false), (Format::Clap, true), (Format::Vst3, true)]
    {
        let never = strokes(format, linked, false);
        assert!(never.len() > 4, "{format:?}: {} strokes", never.len());
        assert_eq!(strokes(format, linked, true), never, "{format:?}, linked: {linked}");
    }
}
