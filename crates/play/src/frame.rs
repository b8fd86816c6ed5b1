//! The steps of a bar: how a pattern written in one metre is laid into another, and how it swings.
//!
//! Positions inside a bar are whole ticks, so that kick, bass and chords meet exactly.

use backline_music::Metre;

use crate::style::{StyleInfo, SwingUnit};

/// Ticks in a quarter note; sixteenths, triplets and their rolls are whole.
pub(crate) const TICKS: i32 = 960;

/// A step of the bar, and the step of the written pattern that it takes its notes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// Where it lies in the bar.
    pub(crate) tick: i32,
    /// How long it is.
    pub(crate) ticks: i32,
    /// Index into the written pattern.
    pub(crate) source: usize,
    /// Only the lanes that keep time play it: it fills a beat that is longer than the written one.
    pub(crate) time_only: bool,
    /// How strong the position is: 3 downbeat, 2 beat, 1 half of a beat (also where it is swung), 0 between.
    pub(crate) weight: u8,
}

/// A beat of the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    tick: i32,
    ticks: i32,
}

/// A metre as beats, each a quarter note, or a dotted quarter in compound metres; what is left over
/// in odd metres lengthens the last beat.
fn cells(metre: Metre) -> Vec<Cell> {
    let total = bar_ticks(metre);
    let mut cells = Vec::new();
    let beat = beat_ticks(metre);
    let mut tick = 0;
    while tick < total {
        let left = total - tick;
        let ticks = if left < beat * 2 && left - beat < beat * 3 / 4 { left } else { beat.min(left) };
        cells.push(Cell { tick, ticks });
        tick += ticks;
    }
    cells
}

/// Length of a beat in ticks: a quarter note, or a dotted one in compound metres.
pub(crate) fn beat_ticks(metre: Metre) -> i32 {
    if metre.is_compound() { TICKS * 3 / 2 } else { TICKS }
}

/// Where step `i` of `count` that are written for a quarter note lies in a beat of `metre`, if every one of
/// them is to be played: of sixteenths the last two share the third eighth of a dotted quarter.
pub(crate) fn in_beat(metre: Metre, count: i32, i: i32) -> i32 {
    match count {
        _ if !metre.is_compound() => i * TICKS / count,
        2 => i * TICKS - i / 2 * (TICKS / 2),
        3 => i * TICKS / 2,
        _ => i.min(2) * TICKS / 2 + (i - 2).max(0) * TICKS / 4,
    }
}

/// Length of a bar in ticks.
pub(crate) fn bar_ticks(metre: Metre) -> i32 {
    i32::from(metre.numerator) * TICKS * 4 / i32::from(metre.denominator.max(1))
}

/// Which written beat stands for beat `k` of `n`.
fn source_cell(k: usize, n: usize, native: usize, half_time: bool) -> usize {
    if n == native {
        return k;
    }
    match native {
        4 => {
            // Whole groups of four, and a shorter group at the end that keeps the backbeat.
            let (group, rest) = (k / 4, n % 4);
            if group < n / 4 && !(n == 5 && k > 2) {
                return if n == 5 && k == 2 { 0 } else { k % 4 };
            }
            let short: &[usize] = match (n, rest, half_time) {
                (5, ..) => return k - 1,
                (_, 2, true) => &[0, 2],
                (_, 2, false) => &[0, 1],
                (_, 3, true) => &[0, 1, 2],
                (_, 3, false) => &[0, 1, 3],
                _ => &[0],
            };
            short[k % 4 % short.len()]
        }
        3 if n == 4 => [0, 1, 2, 1][k],
        3 => {
            // 5 = 3 + 2, 7 = 3 + 4: whole bars of three, then what is left.
            if !n.is_multiple_of(3) && k >= n / 3 * 3 { [0, 1][(k - n / 3 * 3) % 2] } else { k % 3 }
        }
        2 if n == 3 => [0, 1, 1][k],
        _ => k % native.max(1),
    }
}

/// The bar of `metre` filled from patterns written in `native` with `steps_per_quarter`.
pub(crate) fn steps(metre: Metre, native: Metre, steps_per_quarter: u8, half_time: bool) -> Vec<Step> {
    let unit = TICKS / i32::from(steps_per_quarter.max(1));
    let target = cells(metre);
    let written = cells(native);
    let mut steps: Vec<Step> = Vec::new();
    for (k, cell) in target.iter().enumerate() {
        let from = written[source_cell(k, target.len(), written.len(), half_time).min(written.len() - 1)];
        let count = (from.ticks / unit).max(1);
        let first = usize::try_from(from.tick / unit).unwrap_or(0);
        for (offset, local, time_only) in lay(cell.ticks, from.ticks, unit, count, metre.is_compound()) {
            let weight = if offset > 0 {
                let half =
                    offset * 2 == cell.ticks || (steps_per_quarter == 3 && offset * 3 == cell.ticks * 2);
                u8::from(half || (cell.ticks == TICKS * 3 / 2 && offset % (TICKS / 2) == 0))
            } else {
                if k == 0 { 3 } else { 2 }
            };
            let source = first + usize::try_from(local).unwrap_or(0);
            steps.push(Step { tick: cell.tick + offset, ticks: 0, source, time_only, weight });
        }
    }
    let end = bar_ticks(metre);
    for i in 0..steps.len() {
        let until = steps.get(i + 1).map_or(end, |next| next.tick);
        steps[i].ticks = until - steps[i].tick;
    }
    steps
}

/// Lays `count` written steps over a beat of `ticks`: (offset, written step, time only).
fn lay(ticks: i32, from_ticks: i32, unit: i32, count: i32, compound: bool) -> Vec<(i32, i32, bool)> {
    let dotted = TICKS * 3 / 2;
    if ticks == from_ticks {
        return (0..count).map(|i| (i * unit, i, false)).collect();
    }
    if from_ticks == TICKS && ticks == dotted && compound {
        let eighth = TICKS / 2;
        return match count {
            // Triplets become the three eighths.
            3 => (0..3).map(|i| (i * eighth, i, false)).collect(),
            // The half of the beat falls on the third eighth; the time goes through.
            2 => vec![(0, 0, false), (eighth, 1, true), (eighth * 2, 1, false)],
            _ => vec![(0, 0, false), (eighth, 2, true), (eighth * 2, 2, false), (eighth * 5 / 2, 3, false)],
        };
    }
    if from_ticks == dotted && ticks == TICKS {
        return (0..count).map(|i| (i * TICKS / count, i, false)).collect();
    }
    let whole = (0..count).map(|i| (i * unit, i, false));
    // A beat that is longer than the written one goes on with its second half.
    let more = (count..).map(|i| (i * unit, count / 2 + (i - count / 2) % (count - count / 2), true));
    whole.chain(more).take_while(|&(offset, ..)| offset < ticks).collect()
}

/// How the grid bends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Swing {
    /// 0 straight … 1 triplet.
    amount: f64,
    /// Ticks between positions that stay.
    span: i32,
    /// Where in the span the delayed note is written.
    pivot: i32,
    bar: i32,
}

impl Swing {
    /// The swing of `style` in `metre`, with the musician's `amount` added.
    pub(crate) fn new(style: &StyleInfo, metre: Metre, amount: f32) -> Self {
        let amount = (f64::from(style.swing) + f64::from(amount)).clamp(0.0, 1.0);
        let native_compound = style.metres.first().is_some_and(|m| m.is_compound());
        let (span, pivot) = match style.swing_unit {
            // In compound metres the eighths are the triplets already.
            _ if metre.is_compound() || (native_compound && style.swing_unit == SwingUnit::Eighth) => (0, 0),
            SwingUnit::Sixteenth => (TICKS / 2, TICKS / 4),
            SwingUnit::Eighth if style.steps_per_quarter == 3 => (TICKS, TICKS * 2 / 3),
            SwingUnit::Eighth => (TICKS, TICKS / 2),
        };
        Self { amount, span, pivot, bar: bar_ticks(metre) }
    }

    /// Where a written tick sounds, in quarter notes from the start of the bar.
    pub(crate) fn beats(&self, tick: i32) -> f64 {
        let straight = f64::from(tick) / f64::from(TICKS);
        if self.span == 0 {
            return straight;
        }
        let (base, within) = (tick.div_euclid(self.span) * self.span, tick.rem_euclid(self.span));
        if base + self.span > self.bar {
            return straight; // an odd end too short to swing
        }
        // The delayed note moves from the half of the span (straight) to two thirds (triplet).
        let delayed = 0.5 + self.amount / 6.0;
        let pivot = f64::from(self.pivot) / f64::from(self.span);
        let x = f64::from(within) / f64::from(self.span);
        let bent = if x <= pivot {
            x / pivot * delayed
        } else {
            delayed + (x - pivot) / (1.0 - pivot) * (1.0 - delayed)
        };
        (f64::from(base) + bent * f64::from(self.span)) / f64::from(TICKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metre(text: &str) -> Metre {
        text.parse().unwrap()
    }

    #[test]
    fn every_metre_is_covered_without_gap() {
        for numerator in 1..=32 {
            for denominator in [1, 2, 4, 8, 16, 32] {
                let target = Metre::new(numerator, denominator).unwrap();
                for native in ["4/4", "3/4", "6/8"] {
                    for spq in [2, 3, 4] {
                        let native = metre(native);
                        let written = (native.bar_quarters() * f64::from(spq)) as usize;
                        let steps = steps(target, native, spq, false);
                        assert_eq!(steps[0].tick, 0);
                        assert!(
                            steps.iter().all(|s| s.ticks > 0 && s.source < written),
                            "{target} {native} {spq}"
                        );
                        assert_eq!(steps.iter().map(|s| s.ticks).sum::<i32>(), bar_ticks(target));
                    }
                }
            }
        }
    }

    #[test]
    fn beats_keep_their_place_in_other_metres() {
        let beats = |text: &str, native: &str| -> Vec<usize> {
            let steps = steps(metre(text), metre(native), 4, false);
            steps.iter().filter(|s| s.weight >= 2).map(|s| s.source / 4).collect()
        };
        assert_eq!(beats("4/4", "4/4"), [0, 1, 2, 3]);
        assert_eq!(beats("3/4", "4/4"), [0, 1, 3]);
        assert_eq!(beats("5/4", "4/4"), [0, 1, 0, 2, 3]);
        assert_eq!(beats("7/4", "4/4"), [0, 1, 2, 3, 0, 1, 3]);
        assert_eq!(beats("7/8", "4/4"), [0, 1, 3]);
        assert_eq!(beats("6/8", "4/4"), [0, 1]);
        assert_eq!(beats("12/8", "4/4"), [0, 1, 2, 3]);
        assert_eq!(beats("4/4", "3/4"), [0, 1, 2, 1]);
        assert_eq!(beats("5/4", "3/4"), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn swing_delays_the_half_of_the_beat_and_leaves_the_beat() {
        let mut style = crate::style::styles()[0].clone();
        for (unit, spq, written) in [(SwingUnit::Eighth, 4, 480), (SwingUnit::Eighth, 3, 640)] {
            (style.swing, style.swing_unit, style.steps_per_quarter) = (0.0, unit, spq);
            for (amount, at) in [(0.0, 0.5), (0.5, 0.5 + 1.0 / 12.0), (1.0, 2.0 / 3.0)] {
                let swing = Swing::new(&style, Metre::FOUR_FOUR, amount);
                assert!((swing.beats(written) - at).abs() < 1e-12);
                assert_eq!(swing.beats(960), 1.0);
            }
        }
        (style.swing_unit, style.steps_per_quarter) = (SwingUnit::Sixteenth, 4);
        let swing = Swing::new(&style, Metre::FOUR_FOUR, 1.0);
        assert_eq!((swing.beats(240), swing.beats(480)), (1.0 / 3.0, 0.5));
    }
}
