//! What makes the genres that machines play, and reggae's one drop, stays when the net plays them: at several seeds, energies
//! and temperatures. Fills are free.

mod common;

use backline_music::{Controls, Metre, Part, PlannedBar};
use backline_play::{Models, plan_bar_with};
use common::{PROGRESSION, context};

const SEEDS: u32 = 4;
const KICK: &[u8] = &[36];
const BACKBEAT: &[u8] = &[37, 38, 39];
const OPEN: &[u8] = &[46];
const HATS: &[u8] = &[42, 46, 51];

/// Two phrases of eight bars.
fn sixteen(models: &Models, style: &str, controls: &Controls, heard_energy: f32) -> Vec<PlannedBar> {
    let mut bars: Vec<PlannedBar> = Vec::new();
    for index in 0..16 {
        let next = PROGRESSION[(index + 1) % 8][0];
        let mut ctx = context(style, index as i64, Metre::FOUR_FOUR, PROGRESSION[index % 8], next);
        ctx.heard_energy = heard_energy;
        bars.push(plan_bar_with(models, &ctx, controls, bars.last()));
    }
    bars
}

/// The same without their fills and without the bars after one.
fn grooves(models: &Models, style: &str, controls: &Controls, heard_energy: f32) -> Vec<PlannedBar> {
    let bars = sixteen(models, style, controls, heard_energy);
    let after_fill = |i: usize| i == 0 || bars[i - 1].fill;
    let kept = bars.iter().enumerate().filter(|(i, bar)| !bar.fill && !after_fill(*i));
    kept.map(|(_, bar)| bar.clone()).collect()
}

/// Velocity of the strongest of `keys` at sixteenth `step`, 0 where there is none; swing allowed for.
fn struck(bar: &PlannedBar, keys: &[u8], step: u32) -> u8 {
    let at = bar.start_beat + f64::from(step) / 4.0;
    let late = if step.is_multiple_of(2) { 0.02 } else { 0.1 };
    let near = |n: &&backline_music::PlannedNote| n.onset_beat > at - 0.02 && n.onset_beat < at + late;
    let drums = bar.notes.iter().filter(|n| n.part == Part::Drums && keys.contains(&n.key));
    drums.filter(near).map(|n| n.velocity).max().unwrap_or(0)
}

/// Whether `keys` sound at every one of `steps`.
fn all(bar: &PlannedBar, keys: &[u8], steps: &[u32]) -> bool {
    steps.iter().all(|&s| struck(bar, keys, s) > 20)
}

/// Whether none of `keys` is accented at any of `steps`.
fn none(bar: &PlannedBar, keys: &[u8], steps: &[u32]) -> bool {
    steps.iter().all(|&s| struck(bar, keys, s) < 75)
}

/// Bars at several seeds, temperatures and heard energies.
fn many(style: &str, energies: &[f32]) -> Vec<PlannedBar> {
    let mut out = Vec::new();
    for seed in 0..SEEDS {
        for &energy in energies {
            for temperature in [0.3, 1.0] {
                let controls = Controls { seed, temperature, humanise: 0.0, ..Controls::default() };
                out.extend(grooves(Models::built_in(), style, &controls, energy));
            }
        }
    }
    out
}

const ANY: [f32; 3] = [0.2, 0.55, 0.9];
/// Energies at which the genre has its whole groove.
const FULL: [f32; 2] = [0.5, 0.85];

/// At least the share `least` of `bars` is as the genre has it.
fn mostly(bars: &[PlannedBar], what: &str, least: f64, is: impl Fn(&PlannedBar) -> bool) {
    let share = bars.iter().filter(|b| is(b)).count() as f64 / bars.len() as f64;
    println!("{}: {what} in {share:.3} of {} bars", bars[0].style, bars.len());
    assert!(share >= least, "{}: {what} in {share}", bars[0].style);
}

fn always(bars: &[PlannedBar], what: &str, is: impl Fn(&PlannedBar) -> bool) {
    mostly(bars, what, 1.0, is);
}

#[test]
fn four_on_the_floor_and_the_hat_between() {
    for style in ["house", "techno", "hardstyle", "disco"] {
        let bars = many(style, &ANY);
        always(&bars, "a kick on every beat", |b| all(b, KICK, &[0, 4, 8, 12]));
        mostly(&bars, "hats between all the beats", 0.9, |b| all(b, HATS, &[2, 6, 10, 14]));
        let bars = many(style, &FULL);
        if style != "disco" {
            mostly(&bars, "the open hat between the beats", 0.75, |b| all(b, OPEN, &[2, 6, 10, 14]));
        }
        if matches!(style, "house" | "disco") {
            always(&bars, "clap or snare on 2 and 4", |b| all(b, BACKBEAT, &[4, 12]));
        }
    }
}

#[test]
fn trap_is_in_half_time_and_its_hats_roll() {
    let bars = many("trap", &ANY);
    always(&bars, "the snare on 3", |b| all(b, BACKBEAT, &[8]));
    always(&bars, "the kick on 1", |b| all(b, KICK, &[0]));
    mostly(&bars, "no snare on 2 and 4", 0.97, |b| none(b, BACKBEAT, &[4, 12]));
    // Thirty-seconds or triplets of them, in some bars and not in all, and not always in the same place.
    let rolls = |bar: &PlannedBar| -> Vec<i64> {
        let hats = bar.notes.iter().filter(|n| n.key == 42).map(|n| (n.onset_beat - bar.start_beat) * 4.0);
        hats.filter(|at| (at - at.round()).abs() > 0.2).map(|at| at as i64).collect()
    };
    let controls = Controls { temperature: 0.7, humanise: 0.0, ..Controls::default() };
    let bars = grooves(Models::built_in(), "trap", &controls, 0.7);
    let mut places: Vec<Vec<i64>> = bars.iter().map(rolls).filter(|r| !r.is_empty()).collect();
    assert!(places.len() * 4 > bars.len(), "{places:?}");
    places.sort();
    places.dedup();
    assert!(places.len() > 2, "{places:?}");
}

#[test]
fn drum_and_bass_steps_in_two() {
    let bars = many("dnb", &FULL);
    always(&bars, "the snare on 2 and 4", |b| all(b, BACKBEAT, &[4, 12]));
    always(&bars, "the kick on 1", |b| all(b, KICK, &[0]));
    mostly(&bars, "the kick before the second snare", 0.97, |b| all(b, KICK, &[10]) && !all(b, KICK, &[8]));
    let ghosts = |b: &PlannedBar| (0..16).any(|s| (1..60).contains(&struck(b, &[38], s)));
    mostly(&bars, "ghost notes", 0.5, ghosts);
}

#[test]
fn reggae_drops_the_one() {
    // Full reggae is played in fours, as steppers; a crash takes the kick along.
    let bars = many("reggae", &[0.1, 0.3]);
    always(&bars, "kick and rim on 3", |b| all(b, KICK, &[8]) && all(b, BACKBEAT, &[8]));
    mostly(&bars, "no kick on 1", 0.9, |b| !all(b, KICK, &[0]));
}

/// The cross-stick plays the clave, and nothing beside it, whatever the net would add.
#[test]
fn the_son_clave_stays_itself() {
    for seed in 0..8 {
        for temperature in [0.3, 1.0] {
            let controls = Controls { seed, temperature, humanise: 0.0, ..Controls::default() };
            let bars = sixteen(Models::built_in(), "latin", &controls, 0.5);
            for (i, bar) in bars.iter().enumerate().filter(|(_, bar)| !bar.fill) {
                let rims: Vec<u32> = (0..16).filter(|&step| struck(bar, &[37], step) > 0).collect();
                let clave: &[u32] = if i % 2 == 0 { &[0, 6, 12] } else { &[4, 8] };
                assert_eq!(rims, clave, "bar {i}, seed {seed}, temperature {temperature}");
            }
        }
    }
}

/// Machines repeat themselves, but not for ever: bars differ from the bar two before, most of all at the turn of a phrase.
#[test]
fn machines_breathe() {
    for style in ["house", "techno", "hardstyle", "trap", "dnb", "reggae"] {
        let mut changed = [(0, 0); 2];
        for seed in 0..SEEDS * 2 {
            let controls = Controls { seed, humanise: 0.0, ..Controls::default() };
            let bars = sixteen(Models::built_in(), style, &controls, 0.6);
            let places = |bar: &PlannedBar| -> Vec<(u8, i64)> {
                let drums = bar.notes.iter().filter(|n| n.part == Part::Drums && n.key != 49);
                drums.map(|n| (n.key, ((n.onset_beat - bar.start_beat) * 48.0).round() as i64)).collect()
            };
            for (i, three) in bars.windows(3).enumerate().filter(|(_, w)| !w[0].fill && !w[2].fill) {
                let half = &mut changed[(i + 2) / 2 % 2];
                *half = (half.0 + u32::from(places(&three[0]) != places(&three[2])), half.1 + 1);
            }
        }
        println!("{style}: changed in the first and the second two bars of four: {changed:?}");
        let share = |(differ, of): (u32, u32)| f64::from(differ) / f64::from(of);
        let [first, second] = changed.map(share);
        assert!(second > 0.2 && first < 1.0 && second < 1.0, "{style}: {first} {second}");
    }
}
