//! Plays what is asked for, a line each: material for the listener to learn from.
//!
//! Standard input: lines of JSON as [`Wish`] has it. Standard output: a line each, `[beat, length, part, key, velocity]` of every
//! note, in quarter notes.

use std::io::{BufRead, Write};

use backline_music::{Controls, Metre, PlannedBar, PlannedChord};
use backline_play::{BarContext, Form, plan_bar};
use serde::Deserialize;

/// What is to be played.
#[derive(Deserialize)]
struct Wish {
    style: String,
    metre: String,
    tempo_bpm: f64,
    bars: usize,
    phrase_bars: u32,
    /// One a bar, again from the front at the end.
    chords: Vec<String>,
    seed: u32,
    /// As heard, 0..=1, both.
    energy: f32,
    brightness: f32,
    /// As the knobs have it.
    density: f32,
    temperature: f32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let notes = play(&serde_json::from_str(&line?)?)?;
        writeln!(out, "{}", serde_json::to_string(&notes)?)?;
        out.flush()?;
    }
    Ok(())
}

type Note = (f64, f64, &'static str, u8, u8);

fn play(wish: &Wish) -> Result<Vec<Note>, Box<dyn std::error::Error>> {
    let metre: Metre = wish.metre.parse().map_err(|_| format!("\"{}\" is no metre", wish.metre))?;
    let quarters = metre.bar_quarters();
    let controls = Controls {
        seed: wish.seed,
        density: wish.density,
        temperature: wish.temperature,
        ..Controls::default()
    };
    let chord = |k: usize| PlannedChord {
        start_beat: k as f64 * quarters,
        length_beats: quarters,
        chord: wish.chords[k % wish.chords.len()].parse().ok(),
        prob: 0.9,
    };
    let (mut notes, mut last): (Vec<Note>, Option<PlannedBar>) = (Vec::new(), None);
    for index in 0..wish.bars {
        let ctx = BarContext {
            index: index as i64,
            start_beat: index as f64 * quarters,
            metre,
            tempo_bpm: wish.tempo_bpm,
            chords: vec![chord(index)],
            next_chord: Some(chord(index + 1)),
            key: None,
            accents: Vec::new(),
            heard_energy: wish.energy,
            heard_valence: wish.brightness,
            style: wish.style.clone(),
            bar_in_phrase: index as u32 % wish.phrase_bars,
            phrase_bars: wish.phrase_bars,
            form: Form::Groove,
            section_start: false,
            lift: 0.0,
        };
        let bar = plan_bar(&ctx, &controls, last.as_ref());
        let part = |n: &backline_music::PlannedNote| ["drums", "chords", "bass"][n.part.index()];
        notes.extend(bar.notes.iter().map(|n| (n.onset_beat, n.length_beats, part(n), n.key, n.velocity)));
        last = Some(bar);
    }
    Ok(notes)
}
