//! Bars to plan in tests: a progression, a style, and the numbers that a knob should move.
#![allow(dead_code)]

use backline_music::{
    Chord, Controls, Key, Metre, Mode, Part, PitchClass, PlannedBar, PlannedChord, PlannedNote,
};
use backline_play::{BarContext, plan_bar};

pub fn chord(label: &str) -> Chord {
    label.parse().unwrap()
}

pub fn context(style: &str, index: i64, metre: Metre, harmony: &[&str], next: &str) -> BarContext {
    let start_beat = index as f64 * metre.bar_quarters();
    let length_beats = metre.bar_quarters() / harmony.len() as f64;
    let planned = |k: usize, label: &str| PlannedChord {
        start_beat: start_beat + k as f64 * length_beats,
        length_beats,
        chord: label.parse().ok(),
        prob: 0.9,
    };
    let info = backline_play::style(style).unwrap();
    BarContext {
        index,
        start_beat,
        metre,
        tempo_bpm: (info.tempo_bpm[0] + info.tempo_bpm[1]) / 2.0,
        chords: harmony.iter().enumerate().map(|(k, l)| planned(k, l)).collect(),
        next_chord: Some(PlannedChord { start_beat: start_beat + metre.bar_quarters(), ..planned(0, next) }),
        key: Some(Key::new(PitchClass::C, Mode::Major)),
        accents: Vec::new(),
        heard_energy: 0.5,
        heard_valence: 0.5,
        style: style.into(),
        bar_in_phrase: (index.rem_euclid(8)) as u32,
        phrase_bars: 8,
        form: backline_play::Form::Groove,
        section_start: false,
        lift: 0.0,
    }
}

pub const PROGRESSION: [&[&str]; 8] =
    [&["C"], &["A:min"], &["F"], &["G", "G:7"], &["C", "E:min7"], &["A:min7"], &["D:min7", "G:7"], &["C/3"]];

/// Eight bars, each led from the one before.
pub fn eight(style: &str, metre: Metre, controls: &Controls) -> Vec<PlannedBar> {
    eight_with(style, metre, controls, |_| {})
}

pub fn eight_with(
    style: &str,
    metre: Metre,
    controls: &Controls,
    adjust: impl Fn(&mut BarContext),
) -> Vec<PlannedBar> {
    let mut bars: Vec<PlannedBar> = Vec::new();
    for index in 0..8 {
        let next = PROGRESSION[(index + 1) % 8][0];
        let mut ctx = context(style, index as i64, metre, PROGRESSION[index], next);
        adjust(&mut ctx);
        let bar = plan_bar(&ctx, controls, bars.last());
        bars.push(bar);
    }
    bars
}

pub fn native(style: &str) -> Metre {
    backline_play::style(style).unwrap().metres[0]
}

pub fn of(bars: &[PlannedBar], part: Part) -> Vec<PlannedNote> {
    bars.iter().flat_map(|b| &b.notes).filter(|n| n.part == part).copied().collect()
}

pub fn ids() -> Vec<&'static str> {
    backline_play::styles().iter().map(|s| s.id.as_str()).collect()
}

/// Spearman's rank correlation, ties by mean rank.
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    let rank = |v: &[f64]| -> Vec<f64> {
        v.iter()
            .map(|a| {
                let below = v.iter().filter(|b| *b < a).count() as f64;
                let equal = v.iter().filter(|b| *b == a).count() as f64;
                below + (equal - 1.0) / 2.0
            })
            .collect()
    };
    let (rx, ry) = (rank(x), rank(y));
    let mean = (x.len() as f64 - 1.0) / 2.0;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(p, q)| (p - mean) * (q - mean)).sum::<f64>();
    dot(&rx, &ry) / (dot(&rx, &rx) * dot(&ry, &ry)).sqrt()
}
