//! The drummer: groove, accents that are answered, ghost notes, fills and crashes, by two hands and
//! two feet. Where the net knows the style it plays from the written groove as from a chart; elsewhere the
//! groove is played as it is written.

mod drummer;
mod improvise;
mod reading;

use crate::bar::Bar;
use crate::dice::Purpose;
use crate::form::Form;
use crate::frame::{self, Step, TICKS};
use crate::render::Stroke;
use crate::style::{DrumStep, Fill, Groove, Lane};
use backline_music::Part;

pub use drummer::Drummer;

/// The drummer's stream of random numbers.
const DRUMS: u64 = 1;
/// Items of [`Bar::choose`].
const GROOVE: u64 = 0;
const FILL: u64 = 1;
/// From this level on a stroke is an accent that density and ghosts leave alone.
const ACCENT: f32 = 0.7;
/// Fills below this energy are soft.
const SOFT_FILL: f32 = 0.3;
/// Strokes of one hand cannot follow faster than this; sixteenths on one cymbal are thinned beyond.
const ONE_HAND_S: f64 = 0.085;
/// The strokes of a roll do not follow faster than this.
const ROLL_S: f64 = 0.03;

/// A hit on the grid, before hands are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Hit {
    lane: Lane,
    tick: i32,
    level: f64,
    /// How late beyond the style's feel, in ms.
    late_ms: f64,
}

impl Hit {
    fn on_grid(lane: Lane, tick: i32, level: f64) -> Self {
        Self { lane, tick, level, late_ms: 0.0 }
    }
}

/// The strokes of the bar, and whether it ends in a fill.
pub(crate) fn play(bar: &Bar, drummer: Option<&Drummer>, after_fill: bool) -> (Vec<Stroke>, bool) {
    let groove = choose_groove(bar);
    let fill = choose_fill(bar);
    let fill_from = bar.ticks - fill.map_or(0, |f| fill_ticks(bar, f));
    let improvised = drummer.and_then(|d| improvise::play(d, bar, groove, fill_from, after_fill));
    let mut hits = improvised.unwrap_or_else(|| as_written(bar, groove, fill, fill_from));
    crash(bar, after_fill, &mut hits);
    let hits = by_two_hands(hits);
    let strokes = hits.iter().map(|h| stroke(bar, h)).collect();
    (strokes, fill.is_some())
}

fn as_written(bar: &Bar, groove: &Groove, fill: Option<&Fill>, fill_from: i32) -> Vec<Hit> {
    let mut hits = groove_hits(bar, groove);
    if let Some(fill) = fill {
        // One soft beat is played into the groove: alone it would be a hole.
        let goes_on = fill.quarters == 1 && fill.energy < SOFT_FILL;
        let kick_goes_on = !fill.lanes.contains_key(&Lane::Kick);
        hits.retain(|h| {
            let by_foot = h.lane == Lane::PedalHat || (kick_goes_on && h.lane == Lane::Kick);
            h.tick < fill_from || goes_on || by_foot
        });
        hits.extend(fill_hits(bar, fill, fill_from));
    }
    hits
}

fn choose_groove<'a>(bar: &Bar<'a>) -> &'a Groove {
    let all = &bar.style.grooves;
    let own = all.iter().any(|g| g.metre == bar.metre);
    let metre = if own { bar.metre } else { bar.style.metres[0] };
    let pool: Vec<&Groove> = all.iter().filter(|g| g.metre == metre).collect();
    let pool = if pool.is_empty() { all.iter().collect() } else { pool };
    pool[bar.choose(DRUMS, GROOVE, bar.energy, pool.iter().map(|g| g.energy))]
}

/// Long phrases breathe in the middle, with a smaller fill.
fn choose_fill<'a>(bar: &Bar<'a>) -> Option<&'a Fill> {
    let middle = bar.phrase_bars >= 8 && bar.bar_in_phrase + 1 == bar.phrase_bars / 2;
    let prob = if bar.ends_phrase() {
        0.75 + 0.25 * bar.energy.max(bar.lift)
    } else if middle {
        0.15 + 0.5 * bar.energy
    } else {
        return None;
    };
    if bar.style.fills.is_empty() || !bar.happens(DRUMS, 7 << 40, prob) {
        return None;
    }
    let longest = bar.ticks - frame::beat_ticks(bar.metre);
    let fits: Vec<&Fill> = bar.style.fills.iter().filter(|f| fill_ticks(bar, f) <= longest).collect();
    if fits.is_empty() {
        return None;
    }
    let aim = if middle { bar.energy * 0.6 } else { (bar.energy + 0.15 * bar.density).clamp(0.0, 1.0) };
    // Each fill of the song is a choice of its own.
    let item = FILL + 2 * u64::from(bar.dice(DRUMS).at(Purpose::Choice, FILL) > 0.5);
    Some(fits[bar.choose(DRUMS, item, aim, fits.iter().map(|f| f.energy))])
}

/// Length of a fill: its written beats are the bar's.
fn fill_ticks(bar: &Bar, fill: &Fill) -> i32 {
    i32::from(fill.quarters) * frame::beat_ticks(bar.metre)
}

fn fill_hits(bar: &Bar, fill: &Fill, from: i32) -> Vec<Hit> {
    let per_beat = i32::from(bar.style.steps_per_quarter);
    let place = |i: i32| {
        from + i / per_beat * frame::beat_ticks(bar.metre) + frame::in_beat(bar.metre, per_beat, i % per_beat)
    };
    let mut hits = Vec::new();
    for (&lane, pattern) in &fill.lanes {
        for (i, step) in (0..).zip(pattern.bar(0)) {
            let (tick, unit) = (place(i), place(i + 1) - place(i));
            let p = f64::from(step.prob) * (1.0 + 0.4 * bar.density.min(0.0));
            if step.level > 0.0 && bar.happens(DRUMS, item(lane, tick) | 3 << 40, p) {
                push(bar, &mut hits, lane, tick, unit, step);
            }
        }
    }
    hits
}

fn item(lane: Lane, tick: i32) -> u64 {
    (lane as u64) << 32 | u64::from(tick.unsigned_abs())
}

/// How many of the strokes of a roll in a step of `ticks` can be told apart at this tempo.
fn roll_strokes(bar: &Bar, ticks: i32, strokes: u8) -> i32 {
    let step_s = f64::from(ticks) / f64::from(TICKS) * 60.0 / bar.tempo_bpm;
    let told = (1..=i32::from(strokes)).take_while(|&n| step_s / f64::from(n) >= ROLL_S).count();
    i32::try_from(told).unwrap_or(1).max(1)
}

fn push(bar: &Bar, hits: &mut Vec<Hit>, lane: Lane, tick: i32, ticks: i32, step: &DrumStep) {
    let strokes = roll_strokes(bar, ticks, step.strokes);
    for k in 0..strokes {
        // A roll swells.
        let level = f64::from(step.level) * (1.0 - 0.12 * f64::from(strokes - 1 - k));
        hits.push(Hit::on_grid(lane, tick + ticks * k / strokes, level));
    }
}

fn groove_hits(bar: &Bar, groove: &Groove) -> Vec<Hit> {
    let steps = bar.steps(groove.metre);
    let mut hits = Vec::new();
    let backbeats = backbeats(groove, &steps, bar.bar_in_phrase);
    for (&lane, pattern) in &groove.lanes {
        let written = pattern.bar(bar.bar_in_phrase);
        for step in &steps {
            let Some(&drum) = written.get(step.source) else { continue };
            if step.time_only && !lane.keeps_time() {
                continue;
            }
            let prob = if drum.level > 0.0 {
                let p = with_density(bar, lane, step, &drum);
                if lane == Lane::Kick { answer(bar, step, p, true, &backbeats) } else { p }
            } else if lane == Lane::Kick {
                answer(bar, step, 0.0, false, &backbeats)
            } else {
                0.0
            };
            let (lane, prob) = with_brightness(bar, lane, step, prob);
            if prob > 0.0 && !too_fast(bar, lane, step) && bar.happens(DRUMS, item(lane, step.tick), prob) {
                let drum = if drum.level > 0.0 {
                    drum
                } else {
                    DrumStep { level: 0.72, prob: prob as f32, strokes: 1 }
                };
                push(bar, &mut hits, lane, step.tick, step.ticks, &drum);
            }
        }
    }
    if bar.density > 0.0 {
        busier(bar, groove, &steps, &mut hits);
    }
    hits
}

/// Ticks of the strong snare (or clap, or rim) strokes: no answered kick may fall on them.
fn backbeats(groove: &Groove, steps: &[Step], bar_number: u32) -> Vec<i32> {
    let mut ticks = Vec::new();
    for lane in [Lane::Snare, Lane::Clap, Lane::Rim] {
        let Some(pattern) = groove.lanes.get(&lane) else { continue };
        let written = pattern.bar(bar_number);
        let strong = |s: &&Step| written.get(s.source).is_some_and(|d| d.level >= ACCENT);
        ticks.extend(steps.iter().filter(strong).map(|s| s.tick));
    }
    ticks
}

/// What holds the groove together stays; the rest thins out, or comes in.
fn with_density(bar: &Bar, lane: Lane, step: &Step, drum: &DrumStep) -> f64 {
    let prob = f64::from(drum.prob);
    if bar.density >= 0.0 {
        return prob + if prob < 1.0 { (1.0 - prob) * 0.7 * bar.density } else { 0.0 };
    }
    prob * (1.0 + bar.density * (1.0 - worth(lane, step.weight, drum.level)))
}

/// How much a stroke holds the groove together, 0..=1.
fn worth(lane: Lane, weight: u8, level: f32) -> f64 {
    match (lane, weight) {
        (Lane::Kick, 3) => 1.0,
        (Lane::Kick, 2) => 0.85,
        (Lane::Snare | Lane::Clap | Lane::Rim, _) if level >= ACCENT => 0.95,
        (Lane::Kick | Lane::Crash, _) => 0.4,
        (_, 2 | 3) => 0.6,
        (_, 1) => 0.3,
        _ => 0.05,
    }
}

/// The kick moves towards what was heard: strong accents draw it, silent places let it go. The
/// downbeat and the backbeat stay.
fn answer(bar: &Bar, step: &Step, prob: f64, written: bool, backbeats: &[i32]) -> f64 {
    let Some(accent) = bar.accent_at(step.tick) else { return prob };
    let follow = f64::from(bar.style.kick_follow);
    if step.weight == 3 && written {
        return prob;
    }
    let on_sixteenth = step.tick % (TICKS / 4) == 0 || bar.style.steps_per_quarter == 3;
    if accent >= 0.55 && on_sixteenth && !backbeats.contains(&step.tick) {
        prob + (1.0 - prob) * follow * (0.4 + 0.6 * accent)
    } else if written && accent < 0.3 {
        prob * (1.0 - follow * (1.0 - accent / 0.3) * if step.weight == 2 { 0.6 } else { 0.9 })
    } else {
        prob
    }
}

/// Bright opens the hats between the beats; dark closes them.
fn with_brightness(bar: &Bar, lane: Lane, step: &Step, prob: f64) -> (Lane, f64) {
    let roll = || bar.dice(DRUMS).at(Purpose::Cymbal, item(lane, step.tick));
    let tilt = bar.brightness * 2.0 - 1.0;
    match lane {
        Lane::OpenHat if roll() < -tilt * 0.9 => (Lane::ClosedHat, prob),
        Lane::ClosedHat if step.weight == 1 && roll() < tilt * 0.35 => (Lane::OpenHat, prob),
        other => (other, prob),
    }
}

/// One hand cannot keep such sixteenths up, so they thin to eighths.
fn too_fast(bar: &Bar, lane: Lane, step: &Step) -> bool {
    let step_s = f64::from(step.ticks) / f64::from(TICKS) * 60.0 / bar.tempo_bpm;
    lane.keeps_time() && step.weight == 0 && step_s < ONE_HAND_S
}

/// Strokes that no pattern holds: ghost notes, hats between, pick-up kicks.
fn busier(bar: &Bar, groove: &Groove, steps: &[Step], hits: &mut Vec<Hit>) {
    let ghosts = f64::from(bar.style.ghosts);
    let time = [Lane::ClosedHat, Lane::Ride].into_iter().find(|l| groove.lanes.contains_key(l));
    for step in steps {
        let taken = |lanes: &[Lane]| hits.iter().any(|h| h.tick == step.tick && lanes.contains(&h.lane));
        let (snares, hats) = (
            taken(&[Lane::Snare, Lane::Rim, Lane::Clap]),
            taken(&[Lane::ClosedHat, Lane::OpenHat, Lane::Ride]),
        );
        let kicks = taken(&[Lane::Kick]);
        let extra =
            |k: u64, prob: f64| bar.happens(DRUMS, (20 + k) << 32 | step.tick.unsigned_abs() as u64, prob);
        let mut add = |lane, level| hits.push(Hit::on_grid(lane, step.tick, level));
        if step.weight == 0 && !snares && !kicks && extra(0, 0.55 * ghosts * bar.density) {
            add(Lane::Snare, 0.24);
        }
        if let Some(lane) = time.filter(|_| !hats && step.weight < 2) {
            let prob = if step.weight == 1 { 0.8 } else { 0.5 };
            if !too_fast(bar, lane, step) && extra(1, prob * bar.density) {
                add(lane, 0.4);
            }
        }
        if step.weight == 1
            && !kicks
            && !snares
            && extra(2, 0.35 * bar.density * f64::from(bar.style.kick_follow))
        {
            add(Lane::Kick, 0.6);
        }
    }
}

/// A crash with the kick where a phrase starts, or after a fill.
fn crash(bar: &Bar, after_fill: bool, hits: &mut Vec<Hit>) {
    if bar.bar_in_phrase != 0 && !after_fill && !bar.section_start {
        return;
    }
    let prob = f64::from(bar.style.crash)
        * (0.1 + 0.9 * bar.energy)
        * (0.6 + 0.8 * bar.brightness)
        * if bar.bar_in_phrase == 0 { 1.3 } else { 0.7 };
    let prob = if bar.section_start && bar.form == Form::Groove { 1.0 } else { prob };
    if !bar.happens(DRUMS, item(Lane::Crash, 0), prob) {
        return;
    }
    hits.retain(|h| h.tick != 0 || !(h.lane.keeps_time() || h.lane == Lane::Crash));
    hits.push(Hit::on_grid(Lane::Crash, 0, 0.95));
    if !hits.iter().any(|h| h.tick == 0 && h.lane == Lane::Kick) {
        hits.push(Hit::on_grid(Lane::Kick, 0, 0.9));
    }
}

/// Keeps what two sticks and two feet can strike at once, the most important first; a hat is never
/// open and closed together, and no voice sounds twice.
fn by_two_hands(mut hits: Vec<Hit>) -> Vec<Hit> {
    let rank = |h: &Hit| match h.lane {
        Lane::Kick | Lane::PedalHat => 0,
        Lane::Crash => 1,
        Lane::Snare | Lane::Rim | Lane::Clap if h.level >= f64::from(ACCENT) => 2,
        Lane::LowTom | Lane::MidTom | Lane::HighTom => 3,
        Lane::Snare | Lane::Rim | Lane::Clap => 4,
        Lane::Ride => 5,
        Lane::OpenHat => 6,
        Lane::ClosedHat => 7,
    };
    hits.sort_by(|a, b| a.tick.cmp(&b.tick).then(rank(a).cmp(&rank(b))).then(b.level.total_cmp(&a.level)));
    let mut out: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        let together = || out.iter().rev().take_while(|h| h.tick == hit.tick);
        let hands = together().filter(|h| !h.lane.by_foot()).count();
        let hat = |l: Lane| matches!(l, Lane::ClosedHat | Lane::PedalHat | Lane::OpenHat);
        let clash =
            together().any(|h| h.lane.gm_key() == hit.lane.gm_key() || (hat(h.lane) && hat(hit.lane)));
        if !clash && (hit.lane.by_foot() || hands < 2) {
            out.push(hit);
        }
    }
    out
}

fn stroke(bar: &Bar, hit: &Hit) -> Stroke {
    let feel = bar.style.feel_ms;
    let late_ms = match hit.lane {
        Lane::Kick => feel.kick,
        Lane::Snare | Lane::Rim | Lane::Clap => feel.snare,
        lane if lane.keeps_time() => feel.cymbals,
        _ => 0.0,
    };
    // Bright cymbals ring out; dark ones stay back.
    let colour = match hit.lane {
        Lane::ClosedHat | Lane::OpenHat | Lane::Ride | Lane::Crash => 0.65 + 0.65 * bar.brightness,
        _ => 1.0,
    };
    Stroke {
        part: Part::Drums,
        key: hit.lane.gm_key(),
        tick: hit.tick,
        end_tick: hit.tick + TICKS / 8,
        level: hit.level * colour,
        late_ms: f64::from(late_ms) + hit.late_ms,
        group: hit.lane as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hands_keep_what_matters() {
        let hit = |lane, level| Hit::on_grid(lane, 0, level);
        let kept = by_two_hands(vec![
            hit(Lane::ClosedHat, 0.5),
            hit(Lane::Kick, 0.9),
            hit(Lane::Snare, 0.9),
            hit(Lane::OpenHat, 0.5),
            hit(Lane::Crash, 0.9),
            hit(Lane::PedalHat, 0.5),
        ]);
        let lanes: Vec<Lane> = kept.iter().map(|h| h.lane).collect();
        assert_eq!(lanes, [Lane::Kick, Lane::PedalHat, Lane::Crash, Lane::Snare]);
        let hats = by_two_hands(vec![hit(Lane::ClosedHat, 0.9), hit(Lane::OpenHat, 0.4)]);
        assert_eq!(hats.len(), 1);
    }
}
