//! How the net's answers become strokes: the dice, the knobs, and who strikes what.

use backline_music::{Metre, Part, PlannedBar};

use super::comper::Comper;
use super::reading::{STATES, STEPS, Sheet, State, states};
use super::{CHORDS, Strike};
use crate::bar::{Bar, leads_here};
use crate::frame::TICKS;
use crate::style::Pick;

/// Ticks of a step.
const STEP: i32 = TICKS / 4;
/// Rests up to a beat are bridged.
const BRIDGED_STEPS: usize = 4;
/// Logarithm of the odds that the whole density knob adds to a stroke between the beats, or takes from it.
const DENSITY_LOGIT: f64 = 1.6;
/// How much busier and fuller, as a rank, the last bar of a phrase is to be than the first.
const GROWTH: f64 = 0.24;
/// The temperature draws probabilities towards never and always, for what is written. A pianist's own are as they
/// should be at its usual setting: this takes back some of that.
const DOUBT: f64 = 0.7;

/// The strokes of the bar, or `None` where the net does not suit the style or the metre.
pub(super) fn strikes(comper: &Comper, bar: &Bar, previous: Option<&PlannedBar>) -> Option<Vec<Strike>> {
    if bar.metre != Metre::FOUR_FOUR || bar.style.steps_per_quarter != 4 || !comper.knows(&bar.style.id) {
        return None;
    }
    let leads = leads_here(previous).filter(|p| p.metre == Metre::FOUR_FOUR);
    let chord_before = leads.and_then(|p| p.chords.last()).and_then(|c| c.chord);
    let mut changes = [false; STEPS];
    for (i, harmony) in bar.harmony.iter().enumerate() {
        let step = usize::try_from(harmony.start / STEP).unwrap_or(0).min(STEPS - 1);
        changes[step] |= i > 0 || harmony.chord != chord_before;
    }
    let growth = GROWTH * bar.place_in_phrase();
    #[allow(clippy::cast_possible_truncation)] // within 0..=1
    let sheet = Sheet {
        before: leads.map(|p| states(p.notes.iter().filter(|n| n.part == Part::Chords), p.start_beat)),
        changes,
        dense: (0.1 + 0.7 * bar.energy + 0.3 * bar.density + growth).clamp(0.02, 0.98) as f32,
        full: (0.25 + 0.6 * bar.energy + growth).clamp(0.02, 0.98) as f32,
        tempo_bpm: bar.tempo_bpm.clamp(40.0, 300.0),
        bar_in_phrase: bar.bar_in_phrase,
    };
    let mut played = comper.play(&sheet, |step, logits| decide(bar, &changes, step, logits)).ok()?;
    bridge(&mut played);
    let mut strokes = strokes(bar, &played);
    pedal(&mut strokes, &played, &changes);
    Some(strokes)
}

/// Draws the state of a step.
fn decide(bar: &Bar, changes: &[bool; STEPS], step: usize, logits: [f64; STATES]) -> State {
    let on_beat = step.is_multiple_of(4);
    // What holds the harmony together is not the density's.
    let worth = if changes[step] || step == 0 {
        0.0
    } else if on_beat {
        0.6
    } else {
        1.0
    };
    let power = DOUBT / (0.25 + 0.75 * bar.temperature);
    let mut odds = [0.0; STATES];
    for (i, (odds, logit)) in odds.iter_mut().zip(logits).enumerate() {
        let knob = if State::ALL[i].is_stroke() { DENSITY_LOGIT * bar.density * worth } else { 0.0 };
        *odds = libm::exp(power * (logit + knob));
    }
    let mut left = bar.draw(CHORDS, 7 << 40 | step as u64) * odds.iter().sum::<f64>();
    for (state, odds) in State::ALL.into_iter().zip(odds) {
        left -= odds;
        if left < 0.0 {
            return state;
        }
    }
    State::Hold
}

/// Lets what was struck sound through short rests: in the songs that the net learnt from the pedal or the left hand
/// filled them, and neither could be read.
fn bridge(played: &mut [State]) {
    let mut from = 0;
    for run in played.chunk_by_mut(|a, b| (*a == State::Rest) == (*b == State::Rest)) {
        if from > 0 && run[0] == State::Rest && run.len() <= BRIDGED_STEPS {
            run.fill(State::Hold);
        }
        from += run.len();
    }
}

/// A chord that is broken up rings together: until it is struck whole, damped, another, or half a bar is over.
fn pedal(strokes: &mut [Strike], played: &[State], changes: &[bool; STEPS]) {
    for stroke in strokes.iter_mut().filter(|s| s.pick != Pick::All) {
        let from = usize::try_from(stroke.tick / STEP).unwrap_or(0);
        let lifts = |&step: &usize| {
            step.is_multiple_of(STEPS / 2)
                || changes[step]
                || matches!(played[step], State::All | State::Rest)
        };
        let until = (from + 1..played.len()).find(lifts).unwrap_or(STEPS);
        stroke.end = stroke.end.max(STEP * i32::try_from(until).unwrap_or(0));
    }
}

fn strokes(bar: &Bar, played: &[State]) -> Vec<Strike> {
    let mut out: Vec<Strike> = Vec::new();
    let mut open = false;
    for (step, &state) in played.iter().enumerate() {
        let tick = STEP * i32::try_from(step).unwrap_or(0);
        let pick = match state {
            State::Rest => {
                open = false;
                continue;
            }
            State::Hold => {
                if let Some(last) = out.last_mut().filter(|_| open) {
                    last.end = tick + STEP;
                }
                continue;
            }
            State::All => Pick::All,
            State::Two if step.is_multiple_of(8) => Pick::Lower,
            State::Two => Pick::Upper,
            State::Low => Pick::One(0),
            State::Middle => Pick::One(1 + u8::from(step % 4 >= 2)),
            State::High => Pick::One(3),
        };
        let weight = match step {
            0 => 0.8,
            s if s.is_multiple_of(4) => 0.72,
            s if s.is_multiple_of(2) => 0.64,
            _ => 0.56,
        };
        out.push(Strike { tick, end: tick + STEP, level: weight + 0.3 * (bar.energy - 0.5), pick });
        open = true;
    }
    out
}
