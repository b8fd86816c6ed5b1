//! Songs with known chords, bar by bar: the Billboard annotations and POP909.

use std::path::{Path, PathBuf};

use backline_music::{Chord, chord::parse_label};
use backline_play::{BarHarmony, BeatChord};

/// A song: its folder's name, its bars, and which of them begin a line of the annotation (a phrase).
pub struct Song {
    pub name: String,
    pub bars: Vec<BarHarmony>,
    #[allow(dead_code)] // not every program asks
    pub starts: Vec<bool>,
}

/// The songs in `folder`, by name: folders with `salami_chords.txt` (Billboard) or `chord_midi.txt` and
/// `beat_midi.txt` (POP909) in them.
pub fn songs(folder: &Path) -> std::io::Result<Vec<Song>> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)?.flatten().map(|e| e.path()).collect();
    folders.sort();
    let read = |f: &PathBuf| {
        let (bars, starts) = billboard(&f.join("salami_chords.txt")).or_else(|| pop909(f))?;
        Some(Song { name: f.file_name()?.to_string_lossy().into_owned(), bars, starts })
    };
    Ok(folders.iter().filter_map(read).filter(|s| s.bars.len() >= 8).collect())
}

fn billboard(path: &Path) -> Option<(Vec<BarHarmony>, Vec<bool>)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (mut bars, mut starts) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|l| !l.starts_with('#') && l.contains('|')) {
        let parts: Vec<&str> = line.split('|').collect();
        let times = parts.last()?.trim().trim_start_matches(['x', 'X']).split([',', ' ']).next()?;
        let times = if parts.last()?.trim().starts_with('x') { times.parse().unwrap_or(1) } else { 1 };
        let mut phrase = Vec::new();
        for bar in &parts[1..parts.len() - 1] {
            let mut last: Option<Chord> = None;
            let chords: Vec<Option<Chord>> = bar
                .split_whitespace()
                .filter(|t| !t.starts_with('(') && !t.starts_with('&') && *t != "->" && *t != "*")
                .map(|t| {
                    if t != "." {
                        last = parse_label(t).unwrap_or(None);
                    }
                    last
                })
                .collect();
            if !chords.is_empty() {
                let n = chords.len().max(4);
                let beat = |i: usize| BeatChord { chord: chords[i * chords.len() / n], prob: 1.0 };
                phrase.push(BarHarmony { beats: (0..n).map(beat).collect() });
            }
        }
        for _ in 0..times {
            starts.extend((0..phrase.len()).map(|i| i == 0));
            bars.extend(phrase.iter().cloned());
        }
    }
    Some((bars, starts))
}

fn pop909(folder: &Path) -> Option<(Vec<BarHarmony>, Vec<bool>)> {
    let rows = |name: &str| -> Option<Vec<Vec<String>>> {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        Some(text.lines().map(|l| l.split_whitespace().map(str::to_owned).collect()).collect())
    };
    let (chords, beats) = (rows("chord_midi.txt")?, rows("beat_midi.txt")?);
    let mut bars: Vec<BarHarmony> = Vec::new();
    for row in &beats {
        let time_s: f64 = row.first()?.parse().ok()?;
        if row.get(2).is_some_and(|c| c.starts_with('1')) {
            bars.push(BarHarmony::default());
        }
        let sounds =
            chords.iter().find(|c| c.len() > 2 && c[1].parse::<f64>().is_ok_and(|end| end > time_s + 0.05));
        let chord = sounds.and_then(|c| parse_label(&c[2]).unwrap_or(None));
        if let Some(bar) = bars.last_mut() {
            bar.beats.push(BeatChord { chord, prob: 1.0 });
        }
    }
    let starts = vec![false; bars.len()];
    Some((bars, starts))
}
