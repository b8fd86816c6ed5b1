//! Scores anticipation and phrase counting on the McGill Billboard annotations.
//!
//! `cargo run --release -p backline-play --example anticipate_billboard -- FOLDER [rules] [LIST] [csv]`, where
//! FOLDER holds a folder a song with `salami_chords.txt` in it. `rules` leaves the net out; LIST is a file that
//! names the songs that count (those kept apart in training: `test.txt` of `evaluate progression`). With `csv`,
//! prints what the calibration was fitted to: the stated probability and whether the bar began as predicted.

use std::path::Path;

use backline_music::Chord;
use backline_play::{Anticipator, BarHarmony, Models, phrase_bars, phrase_start};

#[path = "common/songs.rs"]
mod songs;

fn first(bar: &BarHarmony) -> Option<Chord> {
    bar.beats.first().and_then(|b| b.chord)
}

fn majmin(chord: Option<Chord>) -> Option<(u8, Option<bool>)> {
    chord.map(|c| (c.root.index(), c.quality.is_minor()))
}

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap_or_default();
    let (mut rules, mut csv, mut list) = (false, false, None);
    for arg in args {
        match arg.as_str() {
            "rules" => rules = true,
            "csv" => csv = true,
            file => list = std::fs::read_to_string(file).ok(),
        }
    }
    let Ok(mut songs) = songs::songs(Path::new(&folder)) else {
        eprintln!("The folder \"{folder}\" cannot be read; name the folder of the Billboard annotations.");
        std::process::exit(2);
    };
    songs.retain(|s| list.as_ref().is_none_or(|l| l.lines().any(|name| name == s.name)));
    let anticipator = if rules { Anticipator::new() } else { Anticipator::with(Models::built_in()) };
    let (mut n, mut exact, mut class, mut hold, mut whole) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut bins = [(0.0_f64, 0.0_f64, 0.0_f64); 10];
    let mut far = [(0.0_f64, 0.0_f64, 0.0_f64); 8];
    let (mut lines, mut hits, mut claims, mut chance) = (0.0, 0.0, 0.0, 0.0);
    for (song, songs::Song { bars, starts, .. }) in songs.iter().enumerate() {
        for i in 1..bars.len() {
            let ahead = if i % 4 == 0 { 8 } else { 1 };
            let told = anticipator.predict(&bars[..i], ahead);
            let right = first(&told[0]) == first(&bars[i]);
            let prob = f64::from(told[0].beats[0].prob);
            n += 1.0;
            exact += f64::from(right);
            class += f64::from(majmin(first(&told[0])) == majmin(first(&bars[i])));
            hold += f64::from(bars[i - 1].beats.last().map(|b| b.chord) == Some(first(&bars[i])));
            whole +=
                f64::from(told[0].beats.iter().map(|b| b.chord).eq(bars[i].beats.iter().map(|b| b.chord)));
            let bin = &mut bins[((prob * 10.0) as usize).min(9)];
            *bin = (bin.0 + 1.0, bin.1 + prob, bin.2 + f64::from(right));
            for (k, bar) in told.iter().enumerate().filter(|(k, _)| ahead == 8 && i + k < bars.len()) {
                let right = first(bar) == first(&bars[i + k]);
                far[k] =
                    (far[k].0 + 1.0, far[k].1 + f64::from(bar.beats[0].prob), far[k].2 + f64::from(right));
            }
            if csv {
                println!("{song},{i},{prob:.5},{}", u8::from(right));
            }
            let (place, period) =
                (i - phrase_start(&bars[..i]), phrase_bars(&bars[i.saturating_sub(64)..i], 8));
            let (starts_here, said) = (starts[i], place % 4 == 0 && period % 4 == 0);
            lines += f64::from(starts_here);
            claims += f64::from(said);
            hits += f64::from(starts_here && said);
            chance += f64::from(starts_here && i % 4 == 0);
        }
    }
    if csv {
        return;
    }
    let ece: f64 = bins.iter().filter(|b| b.0 > 0.0).map(|b| (b.1 - b.2).abs() / n).sum();
    println!(
        "{n} bars: first chord right {:.3}, root and mode {:.3}, whole bar {:.3}; holding the last chord {:.3}",
        exact / n,
        class / n,
        whole / n,
        hold / n
    );
    println!("expected calibration error {ece:.4} (10 bins)");
    for (count, prob, right) in bins.iter().filter(|b| b.0 > 0.0) {
        println!("  said {:.2}  was {:.2}  ({count} bars)", prob / count, right / count);
    }
    for (k, (count, prob, right)) in far.iter().enumerate() {
        println!("  {} ahead: said {:.2}, was {:.2}", k + 1, prob / count, right / count);
    }
    println!(
        "phrase starts: recall {:.3} (counting bars from the start {:.3}), precision {:.3}",
        hits / lines,
        chance / lines,
        hits / claims
    );
}
