//! Prints the first eight bars of a style as a musician reads them: drum grid, voicings, bass.
//!
//! `cargo run -p backline-play --example dump -- jazz "D:min7 G:7 C:maj7 A:min7" [energy] [density] [metre] [json]`;
//! with `json` the bars as they are, for `backline_training.rolls` to draw.

use backline_music::{Controls, Key, Metre, Mode, Part, PitchClass, PlannedBar, PlannedChord};
use backline_play::{BarContext, plan_bar, style};

fn name(key: u8) -> String {
    format!("{}{}", PitchClass::of_key(key), i32::from(key) / 12 - 1)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let id = args.first().map_or("rock", String::as_str);
    let text = args.get(1).map_or("C A:min F G", String::as_str);
    let number = |i: usize| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(0.0);
    let Some(info) = style(id) else {
        eprintln!("There is no style \"{id}\"; the ids are those of `backline styles`.");
        std::process::exit(2);
    };
    let labels: Vec<&str> = text.split(' ').collect();
    let metre = args
        .get(4)
        .and_then(|m| m.parse().ok())
        .unwrap_or(info.metres.first().copied().unwrap_or(Metre::FOUR_FOUR));
    let quarters = metre.bar_quarters();
    let controls = Controls { energy: number(2), density: number(3), humanise: 0.0, ..Controls::default() };
    let json = args.iter().any(|a| a == "json");
    let controls =
        if json { Controls { humanise: Controls::default().humanise, ..controls } } else { controls };
    let mut bars: Vec<PlannedBar> = Vec::new();
    for index in 0..8 {
        let planned = |k: usize| PlannedChord {
            start_beat: k as f64 * quarters,
            length_beats: quarters,
            chord: labels[k % labels.len()].parse().ok(),
            prob: 0.9,
        };
        let ctx = BarContext {
            index: index as i64,
            start_beat: index as f64 * quarters,
            metre,
            tempo_bpm: (info.tempo_bpm[0] + info.tempo_bpm[1]) / 2.0,
            chords: vec![planned(index)],
            next_chord: Some(planned(index + 1)),
            key: Some(Key::new(PitchClass::C, Mode::Major)),
            accents: Vec::new(),
            heard_energy: 0.5,
            heard_valence: 0.5,
            style: id.into(),
            bar_in_phrase: index as u32,
            phrase_bars: 8,
            form: backline_play::Form::Groove,
            section_start: false,
            lift: 0.0,
        };
        let bar = plan_bar(&ctx, &controls, bars.last());
        if !json {
            print(&bar, labels[index % labels.len()], info.steps_per_quarter);
        }
        bars.push(bar);
    }
    if json {
        println!("{}", serde_json::to_string(&bars).unwrap_or_default());
    }
}

fn print(bar: &PlannedBar, label: &str, steps_per_quarter: u8) {
    let steps = (bar.metre.bar_quarters() * f64::from(steps_per_quarter)) as usize;
    let at = |onset: f64| {
        (((onset - bar.start_beat) * f64::from(steps_per_quarter)).round() as usize).min(steps - 1)
    };
    println!("bar {} {label}{}", bar.index + 1, if bar.fill { " (fill)" } else { "" });
    for key in [49, 51, 46, 42, 44, 50, 47, 43, 39, 37, 38, 36] {
        let mut row = vec!['.'; steps];
        for note in bar.notes.iter().filter(|n| n.part == Part::Drums && n.key == key) {
            row[at(note.onset_beat)] =
                char::from_digit(u32::from(note.velocity) * 10 / 128, 10).unwrap_or('?');
        }
        if row.iter().any(|&c| c != '.') {
            let grouped: Vec<String> =
                row.chunks(usize::from(steps_per_quarter)).map(|c| c.iter().collect()).collect();
            println!("  {key:3}  {}", grouped.join(" "));
        }
    }
    for part in [Part::Chords, Part::Bass] {
        let mut lines: Vec<(usize, f64, Vec<String>)> = Vec::new();
        for note in bar.notes.iter().filter(|n| n.part == part) {
            let step = at(note.onset_beat);
            match lines.last_mut().filter(|l| l.0 == step) {
                Some(line) => line.2.push(name(note.key)),
                None => lines.push((step, note.length_beats, vec![name(note.key)])),
            }
        }
        let text: Vec<String> = lines
            .iter()
            .map(|(step, length, keys)| {
                format!(
                    "{:.2}:{}({length:.2})",
                    *step as f64 / f64::from(steps_per_quarter) + 1.0,
                    keys.join(" ")
                )
            })
            .collect();
        println!("  {part:6} {}", text.join("  "));
    }
}
