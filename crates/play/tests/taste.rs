//! Taste is learnt from a listener whose own is hidden, and leaves everything alone until it is asked for.

mod common;

use backline_music::{Controls, Part, PlannedBar};
use backline_play::taste::{Figure, Played, Take, judge};
use backline_play::{BarContext, Models, Taste, Verdict, plan_bar, plan_by_taste};
use common::{PROGRESSION, context, ids, native, of};

/// Bars that are judged together.
const PHRASE: usize = 4;
/// What a musician judges before the band should know better.
const JUDGEMENTS: u32 = 30;
/// Phrases by which chance and success are counted.
const PHRASES: u32 = 32;
/// Who errs is human: this share of the verdicts is the other way round.
const ERRS: f64 = 0.1;

/// Numbers hashed from a seed.
fn draw(seed: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
}

fn ctx(style: &str, song: u32, bar: usize) -> BarContext {
    let at = bar + song as usize * 3;
    let mut ctx =
        context(style, bar as i64, native(style), PROGRESSION[at % 8], PROGRESSION[(at + 1) % 8][0]);
    ctx.accents = (0..16).map(|i| draw(u64::from(song) << 8 | i) as f32).collect();
    ctx.heard_energy = 0.3 + 0.4 * draw(u64::from(song) + 977) as f32;
    ctx
}

/// Four bars as the band plays them by its taste.
fn phrase(taste: &Taste, style: &str, song: u32) -> Vec<Played> {
    let controls = Controls { seed: song, ..Controls::default() };
    let (mut out, mut take): (Vec<Played>, Option<Take>) = (Vec::new(), None);
    for bar in 0..PHRASE {
        let ctx = ctx(style, song, bar);
        let previous = out.last().map(|p| p.bar.clone());
        let (bar, chosen) =
            plan_by_taste(Models::built_in(), taste, &ctx, &controls, previous.as_ref(), take);
        take = Some(chosen);
        out.push(Played { bar, ctx, controls: controls.clone(), previous });
    }
    out
}

type Ear = fn(&[PlannedBar]) -> f64;

fn count(bars: &[PlannedBar], part: Part) -> f64 {
    of(bars, part).len() as f64
}

fn off_beat(bars: &[PlannedBar]) -> f64 {
    let notes: Vec<f64> = bars.iter().flat_map(|b| &b.notes).map(|n| n.onset_beat).collect();
    notes.iter().filter(|at| (*at - at.round()).abs() > 0.2).count() as f64 / notes.len() as f64
}

fn loudness(bars: &[PlannedBar]) -> f64 {
    bars.iter().flat_map(|b| &b.notes).map(|n| f64::from(n.velocity)).sum()
}

fn height(bars: &[PlannedBar]) -> f64 {
    let chords = of(bars, Part::Chords);
    chords.iter().map(|n| f64::from(n.key)).sum::<f64>() / chords.len().max(1) as f64
}

fn held(bars: &[PlannedBar]) -> f64 {
    let chords = of(bars, Part::Chords);
    chords.iter().map(|n| n.length_beats).sum::<f64>() / chords.len().max(1) as f64
}

fn snares(bars: &[PlannedBar]) -> f64 {
    of(bars, Part::Drums).iter().filter(|n| matches!(n.key, 37..=39)).count() as f64
}

fn kicks(bars: &[PlannedBar]) -> f64 {
    of(bars, Part::Drums).iter().filter(|n| n.key == 36).count() as f64
}

/// What listeners listen for, by measures that are not the model's own figures.
const EARS: [(&str, Ear); 9] = [
    ("drums", |b| count(b, Part::Drums)),
    ("chords", |b| count(b, Part::Chords)),
    ("bass", |b| count(b, Part::Bass)),
    ("off the beat", off_beat),
    ("loudness", loudness),
    ("height", height),
    ("held chords", held),
    ("snares", snares),
    ("kicks", kicks),
];

/// What the plain band plays in a style: what chance is counted by.
fn plain(style: &str) -> Vec<Vec<PlannedBar>> {
    (5000..5000 + PHRASES).map(|song| bars(&phrase(&Taste::neutral(), style, song))).collect()
}

/// A listener: how much of each they want, in deviations of what the plain band plays in that style.
struct Listener {
    wants: [f64; EARS.len()],
    style: &'static str,
    usual: Vec<(f64, f64)>,
    middle: f64,
    /// Share of the plain band's phrases that they keep.
    chance: f64,
}

impl Listener {
    fn new(wants: [f64; EARS.len()], style: &'static str, plain: &[Vec<PlannedBar>]) -> Self {
        let usual = EARS
            .iter()
            .map(|(_, ear)| {
                let values: Vec<f64> = plain.iter().map(|b| ear(b)).collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let spread = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
                (mean, spread.sqrt().max(1e-6))
            })
            .collect();
        let mut listener = Self { wants, style, usual, middle: 0.0, chance: 0.0 };
        let mut joys: Vec<f64> = plain.iter().map(|b| listener.joy(b)).collect();
        joys.sort_by(f64::total_cmp);
        listener.middle = (joys[joys.len() / 2 - 1] + joys[joys.len() / 2]) / 2.0;
        listener.chance = plain.iter().filter(|b| listener.keeps(b)).count() as f64 / plain.len() as f64;
        listener
    }

    fn joy(&self, bars: &[PlannedBar]) -> f64 {
        let ears = EARS.iter().zip(&self.usual).zip(&self.wants);
        let joy: f64 =
            ears.map(|(((_, ear), (mean, spread)), want)| want * (ear(bars) - mean) / spread).sum();
        // What is all the same to them, a whim decides.
        let onsets = bars.iter().flat_map(|b| &b.notes).map(|n| n.onset_beat);
        joy + 1e-3 * draw(onsets.fold(0, |hash, at| u64::rotate_left(hash, 5) ^ at.to_bits()))
    }

    /// Whether they keep it, as they keep half of what the plain band plays.
    fn keeps(&self, bars: &[PlannedBar]) -> bool {
        self.joy(bars) > self.middle
    }
}

fn bars(played: &[Played]) -> Vec<PlannedBar> {
    played.iter().map(|p| p.bar.clone()).collect()
}

fn kept_rate(taste: &Taste, listener: &Listener) -> f64 {
    let songs = 5000..5000 + PHRASES;
    let kept = songs.filter(|&song| listener.keeps(&bars(&phrase(taste, listener.style, song)))).count();
    kept as f64 / f64::from(PHRASES)
}

fn taught(listener: &Listener, seed: u32) -> Taste {
    let mut taste = Taste::neutral();
    for i in 0..JUDGEMENTS {
        let song = 100_000 + seed * 1000 + i;
        let played = phrase(&taste, listener.style, song);
        let errs = draw(u64::from(song) << 20) < ERRS;
        let verdict = if listener.keeps(&bars(&played)) == errs { Verdict::Disliked } else { Verdict::Liked };
        taste.learn(judge(Models::built_in(), &played, verdict).unwrap());
    }
    taste
}

/// Eighteen listeners that want more or less of one thing, and six that want a mixture; in six styles by turns.
fn listeners() -> Vec<(String, Listener)> {
    let styles = ["rock", "house", "jazz", "ballad", "funk", "bossa"];
    let plain = styles.map(plain);
    let mut out: Vec<(String, Listener)> = Vec::new();
    for (i, (name, _)) in EARS.iter().enumerate() {
        for (word, sign) in [("more", 1.0), ("less", -1.0)] {
            let mut wants = [0.0; EARS.len()];
            wants[i] = sign;
            let k = out.len() % styles.len();
            out.push((format!("{word} {name} in {}", styles[k]), Listener::new(wants, styles[k], &plain[k])));
        }
    }
    for k in 0..6_u64 {
        let wants = std::array::from_fn(|i| draw(k * 100 + i as u64) * 2.0 - 1.0);
        let at = out.len() % styles.len();
        out.push((format!("mixture {k} in {}", styles[at]), Listener::new(wants, styles[at], &plain[at])));
    }
    out
}

#[test]
fn thirty_judgements_teach_a_hidden_taste() {
    let (mut before, mut after, mut n) = (0.0, 0.0, 0.0);
    for (seed, (name, listener)) in listeners().into_iter().enumerate() {
        let chance = listener.chance;
        let rate = kept_rate(&taught(&listener, seed as u32), &listener);
        println!("{name}: kept {chance:.2} before, {rate:.2} after {JUDGEMENTS} judgements");
        assert!((0.45..=0.55).contains(&chance), "{name}: by chance {chance}");
        (before, after, n) = (before + chance, after + rate, n + 1.0);
    }
    println!("mean: kept {:.3} before, {:.3} after", before / n, after / n);
    assert!(after / n >= 0.7, "{} {}", before / n, after / n);
}

#[test]
fn the_neutral_taste_changes_no_byte() {
    for style in ids() {
        for (bar, played) in phrase(&Taste::neutral(), style, 3).iter().enumerate() {
            let plain = plan_bar(&ctx(style, 3, bar), &played.controls, played.previous.as_ref());
            assert_eq!(plain, played.bar, "{style}");
        }
    }
}

#[test]
fn a_taste_gives_the_same_notes_every_time_and_a_take_lasts_four_bars() {
    let wants = std::array::from_fn(|i| if i == 0 { -1.0 } else { 0.0 });
    let listener = Listener::new(wants, "rock", &plain("rock"));
    let taste = taught(&listener, 9);
    let again = Taste::from_json(&taste.to_json()).unwrap();
    assert_eq!(phrase(&taste, "rock", 4), phrase(&again, "rock", 4));
    let controls = Controls::default();
    let plan = |bar, before| {
        plan_by_taste(Models::built_in(), &taste, &ctx("rock", 4, bar), &controls, None, before).1
    };
    for take in Take::ALL {
        assert_eq!(plan(1, Some(take)), take, "kept within the four bars");
    }
    assert_eq!(plan(0, Some(Take::ALL[3])), plan(0, Some(Take::ALL[5])), "chosen anew where they begin");
}

/// The spreads by which the figures are measured: how far the takes of a bar lie apart, over all styles.
#[test]
fn spreads() {
    let mut sums = vec![0.0; Figure::ALL.len()];
    let mut count = 0.0;
    for style in ids() {
        for song in 0..6 {
            let controls = Controls { seed: song, ..Controls::default() };
            let all: Vec<Vec<f64>> = Take::ALL
                .iter()
                .map(|take| {
                    let ctx = ctx(style, song, 1);
                    let bar = plan_bar(&ctx, &take.controls(&controls), None);
                    let played = Played { bar, ctx, controls: controls.clone(), previous: None };
                    let judged = judge(Models::built_in(), &[played], Verdict::Liked).unwrap();
                    Figure::ALL.iter().map(|f| f64::from(judged.figures[f.name()])).collect()
                })
                .collect();
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum += all.iter().map(|f| f[i].powi(2)).sum::<f64>() / all.len() as f64;
            }
            count += 1.0;
        }
    }
    let mut odd = Vec::new();
    for (figure, sum) in Figure::ALL.iter().zip(sums) {
        let deviation = f64::sqrt(sum / count);
        println!("{}: {deviation:.2} usual deviations", figure.name());
        odd.extend((!(0.5..2.0).contains(&deviation)).then(|| figure.name()));
    }
    assert!(odd.is_empty(), "{odd:?}");
}
