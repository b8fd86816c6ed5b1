//! Prints what the band plays as figures, with its nets and without: `cargo xtask evaluate play`.
//!
//! All styles, eight bars, eight seeds. Voice-leading: mean semitones that a voice of the chords moves from one chord to
//! the next. Violations: bass off its neck (E1…G3), chords outside C2…C7, seconds or thirds below E3, more than two sticks
//! at once. Strong beats: share of pitched notes on the tactus that belong to the chord. Riff: mean accent under
//! the kicks, for the riff that was heard and for others (chance). Changes: drum strokes, and places of chords, that a bar has and the
//! bar two before has not, or the other way round (fills are left out); drummers of the Groove MIDI Dataset change 9 on the mean.

use std::collections::{BTreeMap, BTreeSet};

use backline_music::{Controls, Metre, Part, PitchClass, PlannedBar, PlannedNote};
use backline_play::{BarContext, Models, plan_bar_with, style};

#[path = "../tests/common/mod.rs"]
#[allow(unused_imports)]
mod common;
use common::{PROGRESSION, context, ids, native};

const SEEDS: u32 = 8;
const RIFFS: u32 = 16;

/// Eight bars; the time of each goes to `times`, in seconds.
fn eight(
    models: &Models,
    id: &str,
    seed: u32,
    adjust: impl Fn(&mut BarContext),
    times: &mut Vec<f64>,
) -> Vec<PlannedBar> {
    let controls = Controls { seed, humanise: 0.0, ..Controls::default() };
    let mut bars: Vec<PlannedBar> = Vec::new();
    for index in 0..8 {
        let next = PROGRESSION[(index + 1) % 8][0];
        let mut ctx = context(id, index as i64, native(id), PROGRESSION[index], next);
        adjust(&mut ctx);
        let from = std::time::Instant::now();
        let bar = plan_bar_with(models, &ctx, &controls, bars.last());
        times.push(from.elapsed().as_secs_f64());
        bars.push(bar);
    }
    bars
}

/// The chords of a bar as they were struck together: keys by onset.
fn struck(bar: &PlannedBar) -> Vec<Vec<u8>> {
    let mut by_onset: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    for n in bar.notes.iter().filter(|n| n.part == Part::Chords) {
        by_onset.entry((n.onset_beat * 480.0).round() as i64).or_default().push(n.key);
    }
    by_onset.into_values().filter(|keys| keys.len() >= 3).collect()
}

fn movement(bars: &[PlannedBar]) -> (f64, f64) {
    let chords: Vec<Vec<u8>> = bars.iter().flat_map(struck).collect();
    let (mut sum, mut count) = (0.0, 0.0);
    for pair in chords.windows(2).filter(|p| p[0].len() == p[1].len() && p[0] != p[1]) {
        sum += pair[0].iter().zip(&pair[1]).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
        count += pair[0].len() as f64;
    }
    (sum, count)
}

fn violations(bar: &PlannedBar) -> usize {
    let off = |n: &PlannedNote| match n.part {
        Part::Bass => !(28..=55).contains(&n.key),
        Part::Chords => !(36..=96).contains(&n.key),
        Part::Drums => false,
    };
    let muddy =
        struck(bar).iter().flat_map(|k| k.windows(2)).filter(|p| p[0] < 52 && p[1] - p[0] < 5).count();
    let sticks = |at: f64| {
        let stick =
            |n: &&PlannedNote| n.part == Part::Drums && n.onset_beat == at && !matches!(n.key, 36 | 44);
        bar.notes.iter().filter(stick).count()
    };
    let hands = bar.notes.iter().filter(|n| n.part == Part::Drums && sticks(n.onset_beat) > 2).count();
    bar.notes.iter().filter(|n| off(n)).count() + muddy + hands
}

/// (in the chord, all) of the pitched notes on the beats.
fn strong(bar: &PlannedBar) -> (f64, f64) {
    let (mut inside, mut all) = (0.0, 0.0);
    for n in bar.notes.iter().filter(|n| n.part != Part::Drums) {
        let at = n.onset_beat - bar.start_beat;
        let here =
            bar.chords.iter().rev().find(|c| c.start_beat <= n.onset_beat + 0.01).and_then(|c| c.chord);
        if let Some(chord) = here.filter(|_| (at - at.round()).abs() < 0.01) {
            all += 1.0;
            inside += f64::from(u8::from(chord.contains(PitchClass::of_key(n.key))));
        }
    }
    (inside, all)
}

/// Of a part: (places that differ from the bar two before, pairs of bars).
fn changes(bars: &[PlannedBar], part: Part) -> (f64, f64) {
    let places = |bar: &PlannedBar| -> BTreeSet<(u8, i64)> {
        let notes = bar.notes.iter().filter(|n| n.part == part);
        let key = |n: &PlannedNote| if part == Part::Drums { n.key } else { 0 };
        notes.map(|n| (key(n), ((n.onset_beat - bar.start_beat) * 12.0).round() as i64)).collect()
    };
    let pairs = bars.windows(3).filter(|w| !w[0].fill && !w[2].fill);
    let differ = pairs.clone().map(|w| places(&w[0]).symmetric_difference(&places(&w[2])).count() as f64);
    (differ.sum(), pairs.count() as f64)
}

/// (heard, by chance): mean accent under the kicks.
fn agreement(models: &Models, id: &str) -> (f64, f64) {
    let riff = |r: u32| -> Vec<f32> {
        (0..16_u32).map(|i| if (i * 7 + r * 11 + i * i * (r + 3)) % 5 < 2 { 1.0 } else { 0.1 }).collect()
    };
    let (mut heard, mut chance) = (0.0, 0.0);
    for r in 0..RIFFS {
        let bars = eight(models, id, r, |c| c.accents = riff(r), &mut Vec::new());
        let under = |accents: &[f32]| -> f64 {
            let kicks: Vec<f64> = bars
                .iter()
                .flat_map(|b| {
                    b.notes.iter().filter(|n| n.key == 36).map(|n| (n.onset_beat - b.start_beat) * 4.0)
                })
                .map(|step| f64::from(accents[(step.round() as usize).min(15)]))
                .collect();
            kicks.iter().sum::<f64>() / kicks.len().max(1) as f64
        };
        heard += under(&riff(r)) / f64::from(RIFFS);
        let others = (0..RIFFS).filter(|&o| o != r);
        chance += others.map(|o| under(&riff(o))).sum::<f64>() / f64::from((RIFFS - 1) * RIFFS);
    }
    (heard, chance)
}

fn main() {
    let (none, built_in) = (Models::none(), Models::built_in());
    println!(
        "| | voice-leading | violations | chord tones on strong beats | riff / chance | changes: drums, chords | bars a second | slowest bar |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, models) in [("as written", &none), ("with nets", built_in)] {
        let (mut moved, mut voices, mut wrong, mut inside, mut all) = (0.0, 0.0, 0, 0.0, 0.0);
        let mut times: Vec<f64> = Vec::new();
        let mut changed = [(0.0, 0.0); 2];
        for id in ids() {
            for seed in 0..SEEDS {
                let bars = eight(models, id, seed, |_| {}, &mut times);
                let (m, v) = movement(&bars);
                (moved, voices) = (moved + m, voices + v);
                for (sum, part) in changed.iter_mut().zip([Part::Drums, Part::Chords]) {
                    let (differ, pairs) = changes(&bars, part);
                    *sum = (sum.0 + differ, sum.1 + pairs);
                }
                wrong += bars.iter().map(violations).sum::<usize>();
                for (i, a) in bars.iter().map(strong) {
                    (inside, all) = (inside + i, all + a);
                }
            }
        }
        let follows =
            |id: &&str| style(id).is_some_and(|s| s.kick_follow >= 0.5 && s.metres[0] == Metre::FOUR_FOUR);
        let riffs: Vec<(f64, f64)> =
            ids().into_iter().filter(follows).map(|id| agreement(models, id)).collect();
        let mean = |k: fn(&(f64, f64)) -> f64| riffs.iter().map(k).sum::<f64>() / riffs.len() as f64;
        let slowest = times.iter().copied().fold(0.0, f64::max);
        println!(
            "| {name} | {:.2} | {wrong} | {:.3} | {:.2} / {:.2} | {:.1}, {:.1} | {:.0} | {:.2} ms |",
            moved / voices,
            inside / all,
            mean(|r| r.0),
            mean(|r| r.1),
            changed[0].0 / changed[0].1,
            changed[1].0 / changed[1].1,
            times.len() as f64 / times.iter().sum::<f64>(),
            1e3 * slowest
        );
    }
}
