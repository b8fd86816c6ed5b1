//! The chords: voicings led from chord to chord, struck in the style's rhythm or as the comping net has it.

use backline_music::{Part, PlannedBar};

use crate::bar::{Bar, Harmony, leads_here};
use crate::dice::Purpose;
use crate::frame::{Step, TICKS};
use crate::render::Stroke;
use crate::style::{CompStep, Comping, Pick};
use crate::voicing::{self, Voicing, Wish};

mod comper;
mod improvise;
mod reading;

pub use comper::Comper;

/// The stream of random numbers.
const CHORDS: u64 = 2;
/// Chords sit under the soloist: their written strength is scaled by this.
const LEVEL: f64 = 0.82;
/// How much louder than the middle the top of a chord is at full brightness, and the bottom at full darkness: the hand's weight
/// moves at once, where the voices are led to another register bar by bar.
const TILT: f64 = 0.8;
/// Over a phrase the chords grow by this share, as players lean towards its end.
const SWELL: f64 = 0.16;

/// A stroke of the rhythm, on the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Strike {
    tick: i32,
    end: i32,
    level: f64,
    pick: Pick,
}

/// The strokes of the bar, and the ticks of those that anticipate the chord that comes next.
pub(crate) fn play(
    bar: &Bar,
    comper: Option<&Comper>,
    previous: Option<&PlannedBar>,
) -> (Vec<Stroke>, Vec<i32>) {
    let wish =
        Wish { rules: bar.style.voicing, brightness: bar.brightness, density: bar.density, key: bar.key };
    let sounding: Vec<&Harmony> = bar.harmony.iter().filter(|h| h.chord.is_some()).collect();
    if sounding.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let chords: Vec<_> = sounding.iter().filter_map(|h| h.chord).collect();
    let follows = sounding.last().and_then(|h| h.next);
    let dice = bar.dice(CHORDS);
    let noise = |item| dice.at(Purpose::Voicing, item) * 2.5 * bar.temperature;
    let mut path = chords;
    path.extend(follows);
    let voicings = voicing::lead(&path, last_voicing(previous), &wish, noise);
    if bar.form.stops() {
        return (stop(bar, sounding[0], &voicings, &wish), Vec::new());
    }
    let improvised = comper.and_then(|c| improvise::strikes(c, bar, previous));
    let rhythm = improvised.unwrap_or_else(|| strikes(bar));
    let swell = 1.0 + SWELL * bar.place_in_phrase();
    let (mut out, mut ahead) = (Vec::new(), Vec::new());
    for (i, harmony) in sounding.iter().enumerate() {
        let (Some(chord), Some(voicing)) = (harmony.chord, voicings.get(i)) else { continue };
        if harmony.is_unsure() {
            let held = Strike { tick: harmony.start, end: harmony.end, level: 0.55, pick: Pick::All };
            sound(bar, &held, &voicing::hint(chord, &wish), &mut out);
            continue;
        }
        let next = voicings.get(i + 1).filter(|_| harmony.next.is_some());
        for strike in within(bar, &rhythm, harmony) {
            let mut strike = strike_in(&strike, next.is_some());
            strike.level *= swell;
            let anticipates = strike.pick == Pick::Next;
            ahead.extend(anticipates.then_some(strike.tick));
            let chosen = if anticipates { next.unwrap_or(voicing) } else { voicing };
            sound(bar, &strike, chosen, &mut out);
        }
    }
    (out, ahead)
}

/// One stroke of the whole chord over the bar: what a groove plays first may be one note of it.
fn stop(bar: &Bar, harmony: &Harmony, voicings: &[Voicing], wish: &Wish) -> Vec<Stroke> {
    let strike = Strike { tick: 0, end: bar.ticks, level: 0.9, pick: Pick::All };
    let mut out = Vec::new();
    match (harmony.chord, voicings.first()) {
        (Some(chord), _) if harmony.is_unsure() => sound(bar, &strike, &voicing::hint(chord, wish), &mut out),
        (_, Some(voicing)) => sound(bar, &strike, voicing, &mut out),
        _ => {}
    }
    out
}

/// An anticipation needs to know what comes.
fn strike_in(strike: &Strike, next_known: bool) -> Strike {
    let pick = if strike.pick == Pick::Next && !next_known { Pick::All } else { strike.pick };
    Strike { pick, ..*strike }
}

/// The keys that sounded under the last chord of the bar before.
fn last_voicing(previous: Option<&PlannedBar>) -> Option<Voicing> {
    let bar = leads_here(previous)?;
    let from = bar.chords.iter().rev().find(|c| c.chord.is_some())?.start_beat;
    let chords = || bar.notes.iter().filter(|n| n.part == Part::Chords);
    let keys = |after: f64| Voicing::of(chords().filter(|n| n.onset_beat >= after).map(|n| n.key));
    let voicing = keys(from - 0.1);
    // A chord that was not struck again is led from what sounded before it.
    let voicing = if voicing.keys().is_empty() { keys(f64::NEG_INFINITY) } else { voicing };
    Some(voicing).filter(|v| !v.keys().is_empty())
}

/// The rhythm of the phrase, and the one that lends it a beat or two where it breathes.
fn choose<'a>(bar: &Bar<'a>) -> (&'a Comping, &'a Comping) {
    let all = &bar.style.comping;
    let own = all.iter().any(|c| c.metre == bar.metre);
    let metre = if own { bar.metre } else { bar.style.metres[0] };
    let pool: Vec<&Comping> = all.iter().filter(|c| c.metre == metre).collect();
    let pool = if pool.is_empty() { all.iter().collect() } else { pool };
    // Density has no say: what is livelier need not be busier.
    let aim = (0.85 * bar.energy + 0.1).clamp(0.0, 1.0);
    let chosen = bar.choose(CHORDS, 0, aim, pool.iter().map(|c| c.energy));
    // As often a calmer neighbour as a livelier one, so that the knobs keep their word.
    let livelier = bar.draw(CHORDS, 5 << 32) < 0.5;
    let neighbour = if livelier { chosen + 1 } else { chosen.saturating_sub(1) };
    let neighbour = if neighbour == chosen { chosen + 1 } else { neighbour };
    let other = if neighbour < pool.len() { neighbour } else { chosen.saturating_sub(1) };
    (pool[chosen], pool[other])
}

/// From which tick on the bar borrows from the neighbouring rhythm: the third bar of four answers in its second half, the
/// fourth leads on in its last beat. The second four of eight say the first again, so the one after their first answers, too.
fn borrows_from(bar: &Bar) -> i32 {
    let (half, last) = (bar.ticks / 2, bar.ticks - TICKS.min(bar.ticks / 2));
    let (from, prob) = match bar.bar_in_phrase % 8 {
        2 | 6 => (half, 0.4 + 0.4 * bar.temperature),
        3 | 7 => (last, 0.5 + 0.4 * bar.temperature),
        5 => (half, 0.3 + 0.5 * bar.temperature),
        _ => return bar.ticks,
    };
    if bar.happens(CHORDS, 6 << 32 | u64::from(bar.bar_in_phrase % 8), prob) { from } else { bar.ticks }
}

/// The rhythm of the bar.
fn strikes(bar: &Bar) -> Vec<Strike> {
    let (comping, neighbour) = choose(bar);
    let borrows_from = borrows_from(bar);
    let steps = bar.steps(comping.metre);
    let mut out: Vec<Strike> = Vec::new();
    let mut open = false;
    for step in &steps {
        let read = if step.tick < borrows_from { comping } else { neighbour };
        let written = read.rhythm.bar(bar.bar_in_phrase).get(step.source).copied().unwrap_or(CompStep::Rest);
        let pick = read.pick.bar(bar.bar_in_phrase).get(step.source).copied().unwrap_or(Pick::All);
        let end = step.tick + step.ticks;
        match written {
            // A beat longer than the written one goes on without a new stroke, unless it is broken up.
            CompStep::Strike(_) if step.time_only && !matches!(pick, Pick::One(_)) => {
                extend(&mut out, end, open);
            }
            CompStep::Strike(strength) if stays(bar, step, strength) => {
                out.push(Strike { tick: step.tick, end, level: f64::from(strength) / 9.0, pick });
                open = true;
            }
            // A stroke that is left out lets the one before ring.
            CompStep::Strike(_) | CompStep::Hold => {
                if let Some(level) = added(bar, step, written, &out) {
                    out.push(Strike { tick: step.tick, end, level, pick: Pick::All });
                } else {
                    extend(&mut out, end, open);
                }
            }
            CompStep::Rest => {
                if let Some(level) = added(bar, step, written, &out) {
                    out.push(Strike { tick: step.tick, end, level, pick: Pick::All });
                }
                open = false;
            }
        }
    }
    out
}

fn extend(out: &mut [Strike], end: i32, open: bool) {
    if let Some(last) = out.last_mut().filter(|_| open) {
        last.end = end;
    }
}

/// Sparse playing leaves the weaker strokes out.
fn stays(bar: &Bar, step: &Step, strength: u8) -> bool {
    if bar.density >= 0.0 {
        return true;
    }
    let worth = match step.weight {
        3 => 1.0,
        2 => 0.55,
        1 => 0.35,
        _ => 0.2,
    } + if strength >= 8 { 0.25 } else { 0.0 };
    bar.happens(CHORDS, u64::from(step.tick.unsigned_abs()), 1.0 + bar.density * (1.0 - f64::min(worth, 1.0)))
}

/// Busy playing strikes again where the chord would have gone on.
fn added(bar: &Bar, step: &Step, written: CompStep, so_far: &[Strike]) -> Option<f64> {
    let after = so_far.last()?;
    if bar.density <= 0.0 || step.time_only || step.tick - after.tick < TICKS / 2 {
        return None;
    }
    let prob = match (written, step.weight) {
        (CompStep::Strike(_), _) => 0.0,
        (CompStep::Hold, 2) => 0.75,
        (CompStep::Hold, 1) => 0.6,
        (CompStep::Rest, 1) => 0.35,
        (CompStep::Rest, 2) => 0.3,
        _ => 0.15,
    };
    let item = 1 << 32 | u64::from(step.tick.unsigned_abs());
    bar.happens(CHORDS, item, prob * bar.density).then_some(0.5)
}

/// The strokes of a rhythm that fall on one chord. Where the harmony changes under a sounding
/// chord, it is struck anew; a chord that lasts a beat and got no stroke is struck once.
fn within(bar: &Bar, rhythm: &[Strike], harmony: &Harmony) -> Vec<Strike> {
    let (from, to) = (harmony.start, harmony.end);
    let last = rhythm.iter().map(|s| s.tick).rfind(|tick| (from..to).contains(tick));
    let mut out: Vec<Strike> = Vec::new();
    for strike in rhythm {
        // What the chord itself is struck after does not anticipate the next.
        let too_early = strike.pick == Pick::Next && Some(strike.tick) != last;
        let pick = if too_early { Pick::All } else { strike.pick };
        if strike.tick < from && strike.end > from && from > 0 && !matches!(strike.pick, Pick::Next) {
            out.push(Strike { tick: from, end: strike.end.min(to), pick: Pick::All, ..*strike });
        } else if (from..to).contains(&strike.tick) {
            out.push(Strike { end: strike.end.min(to), pick, ..*strike });
        }
    }
    if out.is_empty() && to - from >= TICKS.min(bar.ticks / 2) {
        let level = rhythm.iter().map(|s| s.level).fold(0.5, f64::max);
        let length = rhythm.first().map_or(TICKS, |s| (s.end - s.tick).max(TICKS / 4));
        out.push(Strike { tick: from, end: (from + length).min(to), level, pick: Pick::All });
    }
    debug_assert!(out.iter().all(|s| s.tick < bar.ticks));
    out
}

fn sound(bar: &Bar, strike: &Strike, voicing: &Voicing, out: &mut Vec<Stroke>) {
    let keys = voicing.keys();
    let half = keys.len().div_ceil(2);
    let mut one = [0];
    let chosen: &[u8] = match strike.pick {
        Pick::All | Pick::Next => keys,
        Pick::Lower => &keys[..half],
        Pick::Upper => &keys[keys.len() - half..],
        Pick::One(k) => {
            if keys.is_empty() {
                return;
            }
            let (octave, k) = (usize::from(k) / keys.len(), usize::from(k) % keys.len());
            one[0] = keys[k].saturating_add(u8::try_from(12 * octave.min(2)).unwrap_or(0)).min(96);
            &one
        }
    };
    let length = f64::from(strike.end - strike.tick);
    // Long chords ring out; short ones are as short as the style strikes them.
    let gate = if strike.end - strike.tick > TICKS / 2 { 0.98 } else { f64::from(bar.style.gate) };
    #[allow(clippy::cast_possible_truncation)] // within a bar
    let end_tick = strike.tick + ((length * gate) as i32).max(TICKS / 16);
    for (i, &key) in chosen.iter().enumerate() {
        // The top note leads, the bottom note carries, the middle stays back.
        let inner = i > 0 && i + 1 < chosen.len();
        let height = if chosen.len() > 1 { 2.0 * i as f64 / (chosen.len() - 1) as f64 - 1.0 } else { 0.0 };
        let tilt = 1.0 + TILT * (bar.brightness - 0.5) * height;
        out.push(Stroke {
            part: Part::Chords,
            key,
            tick: strike.tick,
            end_tick,
            level: LEVEL * strike.level * tilt * if inner { 0.93 } else { 1.0 },
            late_ms: f64::from(bar.style.feel_ms.chords),
            group: 1,
        });
    }
}
