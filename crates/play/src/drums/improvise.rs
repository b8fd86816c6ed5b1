//! How the net's answers become strokes: the chart it reads from, the dice, and what the knobs add.

use backline_music::Metre;

use super::drummer::{Drummer, Touch};
use super::reading::{Levels, Score, VOICES};
use super::{DRUMS, Hit, answer, backbeats, roll_strokes, too_fast, with_brightness, worth};
use crate::bar::{Bar, sharpness};
use crate::dice::Purpose;
use crate::frame::Step;
use crate::style::{Groove, Lane};

/// What is written with less than this probability is no part of the chart.
const CHART_PROB: f32 = 0.5;
/// Below this a style's kick keeps its pattern, whatever is heard.
const LEAST_FOLLOW: f32 = 0.3;
/// Logarithm of the odds that the whole density knob adds to a stroke, or takes from one of no worth.
const DENSITY_LOGIT: f64 = 1.4;
/// What logits are multiplied with at the lowest temperature, and what is left of that at the highest: at the usual setting
/// a drummer's own probabilities stay as they are, so that bars differ as a drummer's do.
const SURE: f64 = 2.2;
const LOOSE: f64 = 0.8;
/// In styles whose kick answers less than this, the groove is the genre: its pillars stand.
const GENRE_FOLLOW: f32 = 0.5;
/// From this level on, a stroke that is certain is such a pillar.
const PILLAR: f32 = 0.6;
/// How likely a written roll is rolled, how likely another stroke of the lane is at the turn of two bars, and elsewhere.
const ROLLED: [f64; 3] = [0.75, 0.3, 0.06];
/// The level of the net's full strokes: it tells how strokes relate, the energy how loud the band is.
const FULL: f64 = 0.98;

/// The lane that plays each voice at each step of the chart, as far as it is written.
type Lanes = Vec<[Option<Lane>; VOICES]>;

/// The hits of the bar, or `None` where the net does not know the style or cannot read the groove.
pub(super) fn play(
    drummer: &Drummer,
    bar: &Bar,
    groove: &Groove,
    fill_from: i32,
    after_fill: bool,
) -> Option<Vec<Hit>> {
    let triplets = bar.style.steps_per_quarter == 3;
    let four = bar.metre == Metre::FOUR_FOUR && groove.metre == Metre::FOUR_FOUR;
    if !four || bar.style.steps_per_quarter < 3 || !drummer.knows(&bar.style.id) {
        return None;
    }
    let steps = bar.steps(groove.metre);
    let (chart, lanes) = chart(groove, &steps, bar.bar_in_phrase);
    let follows = bar.style.kick_follow >= LEAST_FOLLOW;
    #[allow(clippy::cast_possible_truncation)] // within 0..=1
    let score = Score {
        triplets,
        chart,
        // A bar before that is the chart itself would tell of a drummer who never leaves it: there are none.
        before: Vec::new(),
        style: drummer.style(&bar.style.id),
        styles: drummer.styles(),
        energy: bar.energy as f32,
        density: (0.5 + 0.42 * bar.density + 0.2 * (bar.energy - 0.5)).clamp(0.02, 0.98) as f32,
        tempo_bpm: bar.tempo_bpm.clamp(40.0, 300.0),
        bar_in_phrase: bar.bar_in_phrase,
        after_fill,
        fill_from: steps.iter().position(|s| s.tick >= fill_from).unwrap_or(steps.len()),
        accents: if follows { accents(bar, &steps) } else { Vec::new() },
    };
    let (usual, backbeats) = (usual(&lanes), backbeats(groove, &steps, bar.bar_in_phrase));
    // What is decided by chance is sharpened for what is written; that is taken back here.
    let sureness =
        (LOOSE + (SURE - LOOSE) * libm::pow(1.0 - bar.temperature, 5.0)) / sharpness(bar.temperature);
    let mut hits = Vec::new();
    let played = drummer.play(&score, |i, voice, logit, touch| {
        let step = &steps[i];
        let in_fill = step.tick >= fill_from;
        let written = if in_fill { None } else { lanes[i][voice] };
        let lane = written.unwrap_or_else(|| lane_of(voice, touch.level, usual[voice]));
        let logit = logit + with_density(bar, lane, step, touch.level, in_fill);
        let prob = 1.0 / (1.0 + libm::exp(-logit * sureness));
        let prob = prob.max(written.map_or(0.0, |lane| pillar(bar, groove, lane, step)));
        // The riffs that the net learnt from went along with their grooves; others do not.
        let prob =
            if lane == Lane::Kick { answer(bar, step, prob, written.is_some(), &backbeats) } else { prob };
        let item = (voice as u64) << 32 | u64::from(step.tick.unsigned_abs());
        // The hand stays on the cymbal that the chart has it on, and off the toms.
        let elsewhere =
            matches!(lane, Lane::Ride | Lane::Crash | Lane::LowTom | Lane::MidTom | Lane::HighTom);
        let strays = elsewhere && written.is_none() && usual[voice].is_none();
        // A one that the genre leaves open stays open.
        let opens = written.is_none() && lane == Lane::Kick && step.weight >= 2 && !follows;
        // A clave is its own strokes and no others.
        let beside = written.is_none() && lane == Lane::Rim && bar.style.kick_follow < GENRE_FOLLOW;
        if ((strays || opens || beside) && !in_fill)
            || too_fast(bar, lane, step)
            || !bar.happens(DRUMS, 5 << 40 | item, prob)
        {
            return None;
        }
        let (lane, _) = with_brightness(bar, lane, step, 1.0);
        let hit = hit(bar, lane, step.tick, item, touch);
        hits.push(hit);
        if !in_fill {
            roll(groove, bar, lane, step, &hit, &mut hits);
        }
        Some(hit.level / FULL)
    });
    played.ok().map(|()| hits)
}

/// The levels that are written for bar `number`, and who plays them.
fn chart(groove: &Groove, steps: &[Step], number: u32) -> (Vec<Levels>, Lanes) {
    let mut levels = vec![Levels::default(); steps.len()];
    let mut lanes: Lanes = vec![[None; VOICES]; steps.len()];
    for (&lane, pattern) in &groove.lanes {
        let written = pattern.bar(number);
        let voice = lane.voice() as usize;
        for (i, step) in steps.iter().enumerate() {
            let Some(drum) = written.get(step.source).filter(|d| d.level > 0.0 && d.prob >= CHART_PROB)
            else {
                continue;
            };
            if drum.level > levels[i][voice] {
                (levels[i][voice], lanes[i][voice]) = (drum.level, Some(lane));
            }
        }
    }
    (levels, lanes)
}

/// The lane that plays most of each voice.
fn usual(lanes: &Lanes) -> [Option<Lane>; VOICES] {
    std::array::from_fn(|voice| {
        let written: Vec<Lane> = lanes.iter().filter_map(|step| step[voice]).collect();
        let count = |lane: Lane| written.iter().filter(|&&l| l == lane).count();
        // The first of equals, so that only the chart decides.
        written.iter().copied().rev().max_by_key(|&lane| count(lane))
    })
}

/// Who plays a stroke that is not in the chart: what plays the voice there, but a soft stroke next to a
/// cross-stick or a clap is the snare itself.
fn lane_of(voice: usize, level: f64, usual: Option<Lane>) -> Lane {
    const PLAIN: [Lane; VOICES] = [
        Lane::Kick,
        Lane::Snare,
        Lane::ClosedHat,
        Lane::OpenHat,
        Lane::LowTom,
        Lane::MidTom,
        Lane::HighTom,
        Lane::Crash,
        Lane::Ride,
    ];
    match usual {
        Some(Lane::Rim | Lane::Clap) if level < 0.5 => Lane::Snare,
        Some(lane) => lane,
        None => PLAIN[voice],
    }
}

/// The accents at the steps, 0..=1; empty when nothing is known.
fn accents(bar: &Bar, steps: &[Step]) -> Vec<f32> {
    #[allow(clippy::cast_possible_truncation)] // within 0..=1
    steps.iter().map_while(|s| bar.accent_at(s.tick).map(|a| a as f32)).collect()
}

/// What the density knob adds to the logit of a stroke.
fn with_density(bar: &Bar, lane: Lane, step: &Step, level: f64, in_fill: bool) -> f64 {
    #[allow(clippy::cast_possible_truncation)] // within 0..=1
    let worth = worth(lane, step.weight, level as f32);
    if bar.density < 0.0 {
        return 2.0 * DENSITY_LOGIT * bar.density * (1.0 - worth);
    }
    let joins = lane.keeps_time() || matches!(lane, Lane::Kick | Lane::Snare);
    if joins && !in_fill { DENSITY_LOGIT * bar.density } else { 0.0 }
}

fn hit(bar: &Bar, lane: Lane, tick: i32, item: u64, touch: Touch) -> Hit {
    let dice = bar.dice(DRUMS);
    // `bell` deviates by a third.
    let looseness = 3.0 * bar.humanise;
    let level = touch.level + looseness * touch.level_spread * dice.bell(Purpose::Velocity, item);
    let late_ms = touch.late_ms + looseness * touch.late_spread_ms * dice.bell(Purpose::Timing, item);
    Hit { lane, tick, level: FULL * level.clamp(0.08, 1.0), late_ms }
}

/// How likely a written stroke is at the least: the kicks and backbeats that the groove is sure of make the genre, and are not
/// left to chance.
fn pillar(bar: &Bar, groove: &Groove, lane: Lane, step: &Step) -> f64 {
    let holds = matches!(lane, Lane::Kick | Lane::Snare | Lane::Clap | Lane::Rim);
    let written = groove.lanes.get(&lane).and_then(|p| p.bar(bar.bar_in_phrase).get(step.source));
    let Some(drum) = written.filter(|d| d.level >= PILLAR && d.prob >= 1.0 && holds) else { return 0.0 };
    if bar.style.kick_follow >= GENRE_FOLLOW {
        return 0.0;
    }
    1.0 + bar.density.min(0.0) * (1.0 - worth(lane, step.weight, drum.level))
}

/// Quick strokes, where the lane rolls: the rest of a roll, swelling up to `last`. Mostly they are where the chart has
/// them, and now and then somewhere else.
fn roll(groove: &Groove, bar: &Bar, lane: Lane, step: &Step, last: &Hit, hits: &mut Vec<Hit>) {
    let Some(pattern) = groove.lanes.get(&lane).filter(|p| p.steps().iter().any(|s| s.strokes > 1)) else {
        return;
    };
    let written = pattern.bar(bar.bar_in_phrase).get(step.source).map_or(1, |d| d.strokes);
    let turn = bar.bar_in_phrase % 2 == 1 && step.tick >= bar.ticks * 3 / 4;
    let prob = ROLLED[if written > 1 {
        0
    } else if turn {
        1
    } else {
        2
    }];
    let item = u64::from(step.tick.unsigned_abs());
    if !bar.happens(DRUMS, 8 << 40 | item, prob) {
        return;
    }
    let wanted = if written > 1 { written } else { 2 + u8::from(bar.draw(DRUMS, 9 << 40 | item) < 0.4) };
    let strokes = roll_strokes(bar, step.ticks, wanted);
    for k in 1..strokes {
        hits.push(Hit { tick: step.tick + step.ticks * k / strokes, ..*last });
    }
}
