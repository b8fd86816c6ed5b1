//! One bar made ready to be filled: numbers made sane, harmony on the grid, knobs turned into levels.

use backline_music::{Chord, Controls, Key, Metre, PlannedBar, PlannedChord};

use crate::BarContext;
use crate::dice::{Dice, Purpose};
use crate::form::Form;
use crate::frame::{self, Step, Swing, TICKS};
use crate::render::HANDS;
use crate::style::StyleInfo;

/// Below this probability a chord is only hinted at: root and fifth, held. Probabilities say how often such a chord is
/// right, and seven wrong in ten are too many to spell out.
pub(crate) const UNSURE_PROB: f32 = 0.29;
/// More chords than this in a bar are noise: the rest are dropped.
const MAX_CHORDS: usize = 32;
/// How much of what is new falls to each bar of four: they say it, say it again, turn it and lead on.
const BREATH: [f64; 4] = [0.6, 0.8, 1.4, 1.6];
/// Energy that a full lift adds, or a full sinking takes.
const LIFT_ENERGY: f64 = 0.25;
/// Beyond this a position has no room left for the fraction of a beat.
const MAX_BEAT: f64 = 1e9;

/// A stretch of one chord, in ticks of the bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Harmony {
    pub(crate) start: i32,
    pub(crate) end: i32,
    pub(crate) chord: Option<Chord>,
    pub(crate) prob: f32,
    /// The chord that follows, as far as it is known.
    pub(crate) next: Option<Chord>,
}

impl Harmony {
    /// Whether only a hint of the chord should sound.
    pub(crate) fn is_unsure(&self) -> bool {
        self.prob < UNSURE_PROB
    }
}

/// What all players read.
#[derive(Debug)]
pub(crate) struct Bar<'a> {
    pub(crate) style: &'a StyleInfo,
    pub(crate) metre: Metre,
    pub(crate) ticks: i32,
    pub(crate) tempo_bpm: f64,
    pub(crate) key: Option<Key>,
    pub(crate) swing: Swing,
    pub(crate) harmony: Vec<Harmony>,
    /// Accents as heard, relative to the strongest; one each sixteenth, or empty.
    pub(crate) accents: Vec<f32>,
    pub(crate) bar_in_phrase: u32,
    pub(crate) phrase_bars: u32,
    pub(crate) form: Form,
    pub(crate) section_start: bool,
    /// How the input has moved, −1..=1.
    pub(crate) lift: f64,
    /// 0..=1, heard and asked for together; likewise the next.
    pub(crate) energy: f64,
    pub(crate) brightness: f64,
    /// −1..=1
    pub(crate) density: f64,
    /// 0..=1
    pub(crate) temperature: f64,
    /// 0..=1
    pub(crate) humanise: f64,
    /// By part.
    seeds: [u32; 3],
    index: i64,
}

/// Follows what is heard at 0, and reaches calm or full at the ends.
fn steer(heard: f32, asked: f32) -> f64 {
    let heard = if heard.is_finite() { f64::from(heard.clamp(0.0, 1.0)) } else { 0.5 };
    let asked = f64::from(asked);
    if asked >= 0.0 { heard + asked * (1.0 - heard) } else { heard * (1.0 + asked) }
}

/// A tempo that a band can play at; 120 where none is known.
pub(crate) fn sane_tempo(tempo_bpm: f64) -> f64 {
    if tempo_bpm.is_finite() && tempo_bpm > 0.0 { tempo_bpm.clamp(10.0, 1000.0) } else { 120.0 }
}

/// Whether notes can be placed in this bar at all.
pub(crate) fn is_playable(ctx: &BarContext) -> bool {
    ctx.start_beat.is_finite()
        && ctx.start_beat.abs() < MAX_BEAT
        && Metre::new(ctx.metre.numerator, ctx.metre.denominator).is_some()
}

/// The harmony in order, contiguous over the bar: gaps become "no chord", overlaps go to the later.
pub(crate) fn contiguous(ctx: &BarContext) -> Vec<PlannedChord> {
    let (from, to) = (ctx.start_beat, ctx.start_beat + ctx.metre.bar_quarters());
    let mut chords: Vec<PlannedChord> = ctx
        .chords
        .iter()
        .filter(|c| c.start_beat.is_finite() && c.length_beats.is_finite() && c.length_beats > 0.0)
        .filter(|c| c.start_beat < to && c.start_beat + c.length_beats > from)
        .copied()
        .collect();
    chords.sort_by(|a, b| a.start_beat.total_cmp(&b.start_beat));
    chords.truncate(MAX_CHORDS);
    let mut out: Vec<PlannedChord> = Vec::new();
    let mut at = from;
    let none = |start_beat: f64, end: f64| PlannedChord {
        start_beat,
        length_beats: end - start_beat,
        chord: None,
        prob: 1.0,
    };
    for (i, chord) in chords.iter().enumerate() {
        let start = chord.start_beat.max(from);
        let next = chords.get(i + 1).map_or(to, |n| n.start_beat.max(from));
        let end = (chord.start_beat + chord.length_beats).min(to).min(next);
        if end - start < 1e-6 {
            continue;
        }
        if start - at > 1e-6 {
            out.push(none(at, start));
        }
        let prob = if chord.prob.is_finite() { chord.prob.clamp(0.0, 1.0) } else { 0.0 };
        out.push(PlannedChord { start_beat: start, length_beats: end - start, prob, ..*chord });
        at = end;
    }
    if !chords.is_empty() && to - at > 1e-6 {
        out.push(none(at, to));
    }
    out
}

impl<'a> Bar<'a> {
    /// The bar of `ctx` in `style`; `chords` are those of [`contiguous`].
    pub(crate) fn new(
        ctx: &BarContext,
        controls: &Controls,
        style: &'a StyleInfo,
        chords: &[PlannedChord],
        seeds: [u32; 3],
    ) -> Self {
        let controls = controls.clone().sanitised();
        let ticks = frame::bar_ticks(ctx.metre);
        let phrase_bars = ctx.phrase_bars.clamp(1, 64);
        let lift = if ctx.lift.is_finite() { f64::from(ctx.lift.clamp(-1.0, 1.0)) } else { 0.0 };
        // A soft input asks for a light band, a growing one is carried along.
        let energy = (steer(ctx.heard_energy, controls.energy) + LIFT_ENERGY * lift).clamp(0.0, 1.0);
        let mut bar = Self {
            style,
            metre: ctx.metre,
            ticks,
            tempo_bpm: sane_tempo(ctx.tempo_bpm),
            key: ctx.key,
            swing: Swing::new(style, ctx.metre, controls.swing),
            harmony: Vec::new(),
            accents: relative_accents(&ctx.accents),
            bar_in_phrase: ctx.bar_in_phrase % phrase_bars,
            phrase_bars,
            form: ctx.form,
            section_start: ctx.section_start,
            lift,
            energy: ctx.form.energy(energy),
            brightness: steer(ctx.heard_valence, controls.brightness),
            density: f64::from(controls.density),
            temperature: f64::from(controls.temperature),
            humanise: f64::from(controls.humanise),
            seeds,
            index: ctx.index,
        };
        bar.harmony = bar.on_grid(ctx, chords);
        bar
    }

    fn on_grid(&self, ctx: &BarContext, chords: &[PlannedChord]) -> Vec<Harmony> {
        let grid: Vec<i32> =
            self.steps(self.style.metres[0]).iter().map(|s| s.tick).chain([self.ticks]).collect();
        let snap = |beat: f64| {
            let tick = (beat - ctx.start_beat) * f64::from(TICKS);
            let nearest = grid
                .iter()
                .min_by(|a, b| (f64::from(**a) - tick).abs().total_cmp(&(f64::from(**b) - tick).abs()));
            nearest.copied().unwrap_or(0)
        };
        let mut out: Vec<Harmony> = Vec::new();
        for chord in chords {
            let (start, end) = (snap(chord.start_beat), snap(chord.start_beat + chord.length_beats));
            match out.last_mut() {
                _ if start >= end => {}
                // The same chord twice is one chord.
                Some(last) if last.chord == chord.chord && last.end == start => {
                    last.end = end;
                    last.prob = last.prob.min(chord.prob);
                }
                _ => out.push(Harmony { start, end, chord: chord.chord, prob: chord.prob, next: None }),
            }
        }
        let after = ctx.next_chord.and_then(|c| c.chord);
        for i in 0..out.len() {
            out[i].next = out.get(i + 1).map_or(after, |n| n.chord);
        }
        out
    }

    /// The bar's steps for patterns written in `native`.
    pub(crate) fn steps(&self, native: Metre) -> Vec<Step> {
        frame::steps(self.metre, native, self.style.steps_per_quarter, self.style.half_time)
    }

    /// How strongly the input was accented around `tick`, 0..=1, if anything is known.
    pub(crate) fn accent_at(&self, tick: i32) -> Option<f64> {
        let sixteenth = usize::try_from((tick + TICKS / 8) * 4 / TICKS).ok()?;
        self.accents.get(sixteenth).map(|&a| f64::from(a))
    }

    /// Whether this is the last bar of the phrase.
    pub(crate) fn ends_phrase(&self) -> bool {
        self.phrase_bars > 1 && self.bar_in_phrase + 1 == self.phrase_bars
    }

    /// How far the phrase has come: −0.5 in its first bar … 0.5 in its last.
    pub(crate) fn place_in_phrase(&self) -> f64 {
        if self.phrase_bars > 1 {
            f64::from(self.bar_in_phrase) / f64::from(self.phrase_bars - 1) - 0.5
        } else {
            0.0
        }
    }

    /// The seed of a stream of random numbers: the parts decide by the streams 1, 2, 3, and their hands
    /// move by those from [`HANDS`] on.
    fn seed(&self, stream: u64) -> u32 {
        let part = if stream >= HANDS { stream - HANDS } else { stream.saturating_sub(1) };
        self.seeds[usize::try_from(part).unwrap_or(0).min(2)]
    }

    /// The random numbers of `part` in this bar.
    pub(crate) fn dice(&self, part: u64) -> Dice {
        Dice::new(self.seed(part), self.index, part)
    }

    /// The random numbers of `part` that come back every second bar of the song.
    fn habits(&self, part: u64) -> Dice {
        Dice::new(self.seed(part), i64::from(self.bar_in_phrase % 2), part.wrapping_add(1 << 32))
    }

    /// Whether something that happens with `prob` happens here. Players repeat themselves: most
    /// answers come back every second bar, more of them are new as the temperature rises, and a low
    /// temperature draws probabilities towards never and always.
    pub(crate) fn happens(&self, part: u64, item: u64, prob: f64) -> bool {
        self.draw(part, item) < sharpen(prob, self.temperature)
    }

    /// The number in `0.0..1.0` that decides [`Bar::happens`].
    pub(crate) fn draw(&self, part: u64, item: u64) -> f64 {
        let dice = self.dice(part);
        let place = BREATH[self.bar_in_phrase as usize % BREATH.len()];
        let fresh = dice.at(Purpose::Fresh, item) < place * (0.15 + 0.6 * self.temperature);
        if fresh { dice.at(Purpose::Whim, item) } else { self.habits(part).at(Purpose::Habit, item) }
    }

    /// The choice among `energies` that suits `aim`: a soft maximum, wider as the temperature rises,
    /// that stays for the phrase and mostly for the song.
    pub(crate) fn choose(
        &self,
        part: u64,
        item: u64,
        aim: f64,
        energies: impl Iterator<Item = f32>,
    ) -> usize {
        let phrase = Dice::new(self.seed(part), self.index.wrapping_sub(i64::from(self.bar_in_phrase)), part);
        let song = Dice::new(self.seed(part), 0, part.wrapping_add(2 << 32));
        let dice = if phrase.at(Purpose::Fresh, item) < 0.7 * self.temperature { phrase } else { song };
        let reach = 0.05 + 0.12 * self.temperature;
        let mut best = (f64::NEG_INFINITY, 0);
        for (i, energy) in energies.enumerate() {
            let u = dice
                .at(Purpose::Choice, item.wrapping_mul(64).wrapping_add(i as u64))
                .clamp(1e-9, 1.0 - 1e-9);
            // Gumbel noise makes the maximum a draw from the softmax (Gumbel 1954).
            let score = -(f64::from(energy) - aim).abs() / reach - libm::log(-libm::log(u)) * 0.6;
            if score > best.0 {
                best = (score, i);
            }
        }
        best.1
    }
}

/// What the temperature multiplies the logarithm of odds with.
pub(crate) fn sharpness(temperature: f64) -> f64 {
    1.0 / (0.25 + 0.75 * temperature)
}

/// Draws a probability towards 0 and 1 as the temperature falls.
fn sharpen(prob: f64, temperature: f64) -> f64 {
    let prob = prob.clamp(0.0, 1.0);
    let power = sharpness(temperature);
    let (yes, no) = (libm::pow(prob, power), libm::pow(1.0 - prob, power));
    yes / (yes + no)
}

fn relative_accents(accents: &[f32]) -> Vec<f32> {
    let clean = |a: f32| if a.is_finite() { a.clamp(0.0, 1.0) } else { 0.0 };
    let max = accents.iter().copied().map(clean).fold(0.0, f32::max);
    if max < 0.05 {
        return Vec::new();
    }
    accents.iter().map(|&a| clean(a) / max).collect()
}

/// The bar before this one, if it leads here: the notes to lead voices from.
pub(crate) fn leads_here(previous: Option<&PlannedBar>) -> Option<&PlannedBar> {
    previous.filter(|bar| !bar.notes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knobs_start_from_what_is_heard_and_reach_the_ends() {
        assert_eq!(steer(0.3, 0.0), f64::from(0.3_f32));
        assert_eq!((steer(0.3, 1.0), steer(0.3, -1.0)), (1.0, 0.0));
        assert_eq!(steer(f32::NAN, 0.0), 0.5);
    }

    #[test]
    fn temperature_softens() {
        assert!(sharpen(0.3, 0.0) < 0.05 && (sharpen(0.3, 1.0) - 0.3).abs() < 1e-9);
        assert_eq!((sharpen(0.0, 0.5), sharpen(1.0, 0.5), sharpen(0.5, 0.2)), (0.0, 1.0, 0.5));
    }
}
