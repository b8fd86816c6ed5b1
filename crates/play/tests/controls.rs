//! Every knob moves what it names, the more the further it is turned.

mod common;

use std::collections::BTreeSet;

use backline_music::controls::WORD_STEP;
use backline_music::{Controls, Part, PlannedBar};
use backline_play::plan_bar;
use common::{PROGRESSION, context, eight, ids, native, of, spearman};

const SETTINGS: usize = 11;
const SEEDS: u32 = 8;

type Measure = fn(&[PlannedBar]) -> f64;

/// Each measure at each of eleven settings, averaged over styles and seeds; all must rise with it.
fn sweep(low: f32, set: impl Fn(&mut Controls, f32), measures: &[(&str, Measure)]) -> Vec<Vec<f64>> {
    let settings: Vec<f64> =
        (0..SETTINGS).map(|i| f64::from(low) + f64::from(1.0 - low) * i as f64 / 10.0).collect();
    let mut values = vec![vec![0.0; SETTINGS]; measures.len()];
    for (i, &setting) in settings.iter().enumerate() {
        for style in ids() {
            for seed in 0..SEEDS {
                let mut controls = Controls { seed, ..Controls::default() };
                set(&mut controls, setting as f32);
                let bars = eight(style, native(style), &controls);
                for (row, (_, measure)) in values.iter_mut().zip(measures) {
                    row[i] += measure(&bars) / (ids().len() as f64 * f64::from(SEEDS));
                }
            }
        }
    }
    for (row, (name, _)) in values.iter().zip(measures) {
        let rho = spearman(&settings, row);
        println!("{name}: rho {rho:.3}, {row:.2?}");
        assert!(rho >= 0.9, "{name}: rho {rho}, {row:?}");
    }
    values
}

fn velocity_times_events(bars: &[PlannedBar]) -> f64 {
    bars.iter().flat_map(|b| &b.notes).map(|n| f64::from(n.velocity)).sum::<f64>() / bars.len() as f64
}

fn notes_a_bar(bars: &[PlannedBar]) -> f64 {
    bars.iter().map(|b| b.notes.len()).sum::<usize>() as f64 / bars.len() as f64
}

fn loudness_of(bars: &[PlannedBar], part: Part) -> f64 {
    of(bars, part).iter().map(|n| f64::from(n.velocity)).sum()
}

#[test]
fn energy() {
    let all = sweep(
        -1.0,
        |c, v| c.energy = v,
        &[
            ("energy: velocity x events", velocity_times_events),
            ("energy of the drums", |bars| loudness_of(bars, Part::Drums)),
            ("energy of the chords", |bars| loudness_of(bars, Part::Chords)),
            ("energy of the bass", |bars| loudness_of(bars, Part::Bass)),
        ],
    );
    assert!(all[0][10] > 1.7 * all[0][0], "audible: {all:?}");
}

#[test]
fn density() {
    let all = sweep(
        -1.0,
        |c, v| c.density = v,
        &[
            ("density: notes a bar", notes_a_bar),
            ("density of the drums", |bars| of(bars, Part::Drums).len() as f64),
            ("density of the chords", |bars| of(bars, Part::Chords).len() as f64),
            ("density of the bass", |bars| of(bars, Part::Bass).len() as f64),
        ],
    );
    assert!(all[0][10] > 1.5 * all[0][0], "audible: {all:?}");
}

/// Density adds and thins in each part of each style: the rhythms of the lively need not be the busy ones.
#[test]
fn density_of_each_part_of_each_style() {
    let settings: Vec<f64> = (0..7).map(|i| f64::from(i) / 3.0 - 1.0).collect();
    let mut wrong = Vec::new();
    for style in ids() {
        let mut onsets = [const { Vec::new() }; 3];
        for &setting in &settings {
            let mut sums = [0.0; 3];
            for seed in 0..6 {
                let controls = Controls { seed, density: setting as f32, ..straight() };
                let bars = eight(style, native(style), &controls);
                for (sum, part) in sums.iter_mut().zip(Part::ALL) {
                    let places: BTreeSet<(i64, u8)> = of(&bars, part)
                        .iter()
                        .map(|n| {
                            (
                                (n.onset_beat * 48.0).round() as i64,
                                if part == Part::Drums { n.key } else { 0 },
                            )
                        })
                        .collect();
                    *sum += places.len() as f64 / 48.0;
                }
            }
            onsets.iter_mut().zip(sums).for_each(|(all, sum)| all.push(sum));
        }
        for (part, values) in Part::ALL.into_iter().zip(&onsets) {
            let rho = spearman(&settings, values);
            println!("{style}: density of {part:?}: rho {rho:.3}, {values:.1?}");
            if rho < 0.9 {
                wrong.push((style, part, rho));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn straight() -> Controls {
    Controls { humanise: 0.0, ..Controls::default() }
}

/// The swung eighth is the half of its beat: hats open there, and density thins it less than a stray triplet.
#[test]
fn a_shuffle_has_its_off_beats() {
    let bars = |style: &str, controls: &Controls| -> Vec<PlannedBar> {
        (0..SEEDS)
            .flat_map(|seed| eight(style, native(style), &Controls { seed, ..controls.clone() }))
            .collect()
    };
    for style in ["blues_shuffle", "country"] {
        let open = |brightness: f32| {
            let bars = bars(style, &Controls { brightness, ..straight() });
            of(&bars, Part::Drums).iter().filter(|n| n.key == 46).count()
        };
        let [dark, even, bright] = [-1.0, 0.0, 1.0].map(open);
        assert!(
            dark <= even && even < bright && bright > bars(style, &straight()).len() / 4,
            "{style}: {dark} {even} {bright}"
        );
        let thin = bars(style, &Controls { density: -0.5, ..straight() });
        let shuffles = |bar: &&PlannedBar| {
            let off = |n: &&backline_music::PlannedNote| {
                matches!(n.key, 42 | 46 | 51) && (n.onset_beat.rem_euclid(1.0) - 2.0 / 3.0).abs() < 0.02
            };
            of(std::slice::from_ref(bar), Part::Drums).iter().filter(off).count() >= 2
        };
        let kept = thin.iter().filter(|b| !b.fill).filter(shuffles).count();
        assert!(kept * 3 > thin.iter().filter(|b| !b.fill).count() * 2, "{style}: {kept} of {}", thin.len());
    }
}

/// A loud band is no machine gun: its strokes are not all as loud as can be.
#[test]
fn the_loudest_strokes_differ() {
    for style in ids() {
        let mut by_key: std::collections::BTreeMap<u8, Vec<f64>> = std::collections::BTreeMap::new();
        for seed in 0..4 {
            let controls = Controls { seed, energy: 1.0, humanise: 0.3, ..Controls::default() };
            for n in of(&eight(style, native(style), &controls), Part::Drums) {
                by_key.entry(n.key).or_default().push(f64::from(n.velocity));
            }
        }
        for (key, velocities) in by_key {
            let n = velocities.len() as f64;
            let full = velocities.iter().filter(|v| **v > 126.0).count() as f64;
            let mean = velocities.iter().sum::<f64>() / n;
            let spread = (velocities.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
            println!("{style} {key}: {n} strokes, {full} full, {mean:.0} ± {spread:.1}");
            assert!(n < 20.0 || full < 0.1 * n, "{style}: {full} of {n} strokes of {key} at 127");
            assert!(key != 36 || spread > 2.0, "{style}: kicks {spread}");
        }
    }
}

fn mean_pitch(bars: &[PlannedBar]) -> f64 {
    let chords = of(bars, Part::Chords);
    chords.iter().map(|n| f64::from(n.key)).sum::<f64>() / chords.len() as f64
}

fn open_cymbals(bars: &[PlannedBar]) -> f64 {
    of(bars, Part::Drums).iter().filter(|n| matches!(n.key, 46 | 49)).map(|n| f64::from(n.velocity)).sum()
}

/// Distinct pitch classes in the first chord of each bar.
fn colours(bars: &[PlannedBar]) -> f64 {
    let classes = |bar: &PlannedBar| {
        let end = bar.chords[0].start_beat + bar.chords[0].length_beats - 0.3;
        let chords = of(std::slice::from_ref(bar), Part::Chords);
        let pcs: BTreeSet<u8> = chords.iter().filter(|n| n.onset_beat < end).map(|n| n.key % 12).collect();
        pcs.len() as f64
    };
    bars.iter().map(classes).sum()
}

#[test]
fn brightness() {
    let all = sweep(
        -1.0,
        |c, v| c.brightness = v,
        &[
            ("brightness: mean chord pitch", mean_pitch),
            ("brightness: open cymbals", open_cymbals),
            ("brightness: colours", colours),
        ],
    );
    assert!(all[0][10] > all[0][0] + 6.0, "audible: {all:?}");
}

/// Deviation from the same bars played without it, in ms.
#[test]
fn humanise() {
    fn deviation(bars: &[PlannedBar]) -> f64 {
        // Chords and bass lie on sixteenths or triplets here; the distance to the nearest is the deviation.
        let mut sum = 0.0;
        let notes: Vec<_> =
            bars.iter().flat_map(|b| b.notes.iter().map(move |n| (n.onset_beat, b.tempo_bpm))).collect();
        for (onset, tempo_bpm) in &notes {
            let nearest = |grid: f64| (onset * grid).round() / grid - onset;
            let off = nearest(4.0).abs().min(nearest(3.0).abs());
            sum += off * 60_000.0 / tempo_bpm;
        }
        sum / notes.len() as f64
    }
    let straight = |c: &mut Controls, v: f32| {
        c.humanise = v;
        c.swing = -1.0;
        c.density = 0.0;
    };
    let all = sweep(0.0, straight, &[("humanise: deviation in ms", deviation)]);
    assert!(all[0][10] > all[0][0] + 3.0, "audible: {all:?}");
}

#[test]
fn swing() {
    fn off_beat(bars: &[PlannedBar]) -> f64 {
        // Where the notes between the beats lie, in the second half of the beat or of the half-beat.
        let style = backline_play::style(&bars[0].style).unwrap();
        let span = match style.swing_unit {
            backline_play::style::SwingUnit::Eighth => 1.0,
            backline_play::style::SwingUnit::Sixteenth => 0.5,
        };
        let within: Vec<f64> = bars
            .iter()
            .flat_map(|b| &b.notes)
            .map(|n| (n.onset_beat / span).rem_euclid(1.0))
            .filter(|x| (0.49..0.68).contains(x))
            .collect();
        within.iter().sum::<f64>() / within.len().max(1) as f64
    }
    let set = |c: &mut Controls, v: f32| {
        c.swing = v;
        c.humanise = 0.0;
    };
    sweep(-1.0, set, &[("swing: place between the beats", off_beat)]);
}

#[test]
fn temperature() {
    // What differs between two seeds, as a share of all notes.
    let settings: Vec<f64> = (0..SETTINGS).map(|i| i as f64 / 10.0).collect();
    let values: Vec<f64> = settings
        .iter()
        .map(|&t| {
            let mut sum = 0.0;
            for style in ids() {
                let grid = |seed: u32| -> BTreeSet<(usize, u8, i64)> {
                    let controls =
                        Controls { seed, temperature: t as f32, humanise: 0.0, ..Controls::default() };
                    eight(style, native(style), &controls)
                        .iter()
                        .flat_map(|b| &b.notes)
                        .map(|n| (n.part.index(), n.key, (n.onset_beat * 960.0).round() as i64))
                        .collect()
                };
                for seed in 0..SEEDS {
                    let (a, b) = (grid(2 * seed), grid(2 * seed + 1));
                    let both = a.intersection(&b).count() as f64;
                    sum += 1.0 - 2.0 * both / (a.len() + b.len()) as f64;
                }
            }
            sum / (ids().len() as f64 * f64::from(SEEDS))
        })
        .collect();
    let rho = spearman(&settings, &values);
    println!("temperature: rho {rho:.3}, {values:.3?}");
    assert!(rho >= 0.9, "{values:?}");
}

/// Calmer, livelier, darker and brighter are steps of two knobs: one is heard in the bar that follows, in every style.
#[test]
fn a_word_is_heard_in_the_next_bar() {
    type Set = fn(&mut Controls, f32);
    // Where the weight of the chords lies: in which register, and on which of their notes.
    let weight: Measure = |bars| {
        let chords = of(bars, Part::Chords);
        let force: f64 = chords.iter().map(|n| f64::from(n.velocity)).sum();
        chords.iter().map(|n| f64::from(n.key) * f64::from(n.velocity)).sum::<f64>() / force
    };
    let cymbals: Measure = |bars| {
        let drums = of(bars, Part::Drums);
        drums.iter().filter(|n| matches!(n.key, 42 | 46 | 49 | 51)).map(|n| f64::from(n.velocity)).sum()
    };
    let cases: [(&str, Set, Measure, f64); 3] = [
        // A tenth more or less is about a decibel.
        ("energy", |c, v| c.energy = v, velocity_times_events, 0.1),
        ("brightness of the cymbals", |c, v| c.brightness = v, cymbals, 0.05),
        ("brightness of the chords", |c, v| c.brightness = v, weight, 0.7),
    ];
    for (name, set, measure, least) in cases {
        let (mut down, mut up) = (0.0, 0.0);
        for style in ids() {
            let mut sums = [0.0; 3];
            for seed in 0..SEEDS {
                let usual = Controls { seed, ..Controls::default() };
                let bar = |index: usize, controls: &Controls, before: Option<&PlannedBar>| {
                    let next = PROGRESSION[index + 1][0];
                    plan_bar(
                        &context(style, index as i64, native(style), PROGRESSION[index], next),
                        controls,
                        before,
                    )
                };
                let first = bar(0, &usual, None);
                let second = bar(1, &usual, Some(&first));
                for (sum, step) in sums.iter_mut().zip([-WORD_STEP, 0.0, WORD_STEP]) {
                    let mut turned = usual.clone();
                    set(&mut turned, step);
                    *sum += measure(&[bar(2, &turned, Some(&second))]) / f64::from(SEEDS);
                }
            }
            let [less, as_heard, more] = sums;
            println!("{style}: {name} a step down {less:.2}, as heard {as_heard:.2}, up {more:.2}");
            let (scale, slack) = if name.ends_with("chords") {
                // Semitones; a colour that comes in may lie below the rest.
                (1.0, 0.5)
            } else {
                (as_heard, 0.0)
            };
            assert!(less < as_heard + slack && as_heard < more + slack, "{style}: {name} {sums:?}");
            down += (as_heard - less) / scale / ids().len() as f64;
            up += (more - as_heard) / scale / ids().len() as f64;
        }
        println!("{name}: a step down moves by {down:.2}, up by {up:.2}");
        assert!(down >= least && up >= least, "{name}: {down} {up}");
    }
}
