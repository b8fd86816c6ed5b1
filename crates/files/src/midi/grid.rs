//! How beats lie on the ticks of a MIDI file, so that the file lines up with the recording.
//!
//! Time 0 of the file is the first sample of the recording, but music seldom starts there. The time up to
//! the first bar line becomes a *lead-in*: as many sixteenths as come nearest to the song's tempo, at a
//! tempo of its own that makes the bar line fall on its second exactly, and in a metre of its own if they
//! do not fill whole bars. From that bar line on, ticks are the recording's beats, with a tempo event
//! wherever the tempo moves. Microseconds a quarter note are whole numbers; what one event rounds away,
//! the next makes good, so the error never adds up.

use backline_music::{Metre, PlannedBar, TempoMap};

use super::PPQ;

/// How far the file may run off the recording before a tempo event corrects it: one sample at 48 kHz.
const TOLERANCE_S: f64 = 20e-6;
/// A bar line this close to the first sample is the file's beginning: a lead-in would be a bar of a sixteenth at thousands of
/// beats a minute, and every bar a sixteenth off the grid of whoever opens the file. The first beat takes up the difference.
const AT_START_S: f64 = 0.03;
const SIXTEENTHS: f64 = 4.0;
/// The longest file in ticks: what a variable-length number of MIDI can hold.
const MAX_TICK: f64 = 268_435_455.0;

/// Beats to ticks.
#[derive(Debug, Clone)]
pub struct Grid<'a> {
    tempo: &'a TempoMap,
    /// The bar line that ends the lead-in: its beat, second and tick.
    line_beat: f64,
    line_s: f64,
    line_tick: f64,
}

impl<'a> Grid<'a> {
    /// The grid of `bars` on a recording's tempo map.
    pub fn new(bars: &[PlannedBar], tempo: &'a TempoMap) -> Self {
        let first = tempo.points().first().map_or(0.0, |p| p.0);
        let (mut line, bar) = bars.first().map_or((first, 4.0), |b| (b.start_beat, b.metre.bar_quarters()));
        // The earliest bar line of the recording, also where it lies before the first bar that is played.
        while line - bar >= first - 1e-6 && tempo.seconds_at(line - bar) >= 0.0 {
            line -= bar;
        }
        while tempo.seconds_at(line) < -AT_START_S {
            line += bar;
        }
        let line_s = tempo.seconds_at(line).max(0.0);
        let line_tick = if line_s <= AT_START_S {
            0.0
        } else {
            let sixteenths = ((line - tempo.beat_at(0.0)) * SIXTEENTHS).round().max(1.0);
            (sixteenths * f64::from(PPQ) / SIXTEENTHS).min(MAX_TICK)
        };
        Self { tempo, line_beat: line, line_s, line_tick }
    }

    /// Second of the recording at a beat.
    pub fn seconds(&self, beat: f64) -> f64 {
        self.tempo.seconds_at(beat)
    }

    /// The tick nearest to a beat; 0 for what lies before the recording.
    pub fn tick(&self, beat: f64) -> u32 {
        let tick = if beat >= self.line_beat || self.line_tick == 0.0 {
            self.line_tick + (beat - self.line_beat) * f64::from(PPQ)
        } else {
            self.seconds(beat) / self.line_s * self.line_tick
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
        let tick = tick.round().clamp(0.0, MAX_TICK) as u32;
        tick
    }

    /// The tempo events of the file.
    pub fn tempo_events(&self) -> Vec<(u32, u32)> {
        let mut events: Vec<(u32, u32)> = Vec::new();
        let micros = |seconds: f64, ticks: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to 24 bits
            let us = (seconds * 1e6 * f64::from(PPQ) / ticks).round().clamp(1.0, 16_777_215.0) as u32;
            us
        };
        let run = |ticks: f64, us: u32| ticks * f64::from(us) * 1e-6 / f64::from(PPQ);
        // Where a player of the file is: its tick and its second.
        let (mut at, mut at_s) = (0.0, 0.0);
        if self.line_tick > 0.0 {
            let us = micros(self.line_s, self.line_tick);
            events.push((0, us));
            at = self.line_tick;
            at_s = run(at, us);
        }
        let later = self.tempo.points().iter().filter(|p| p.0 > self.line_beat + 1e-6);
        let mut points: Vec<f64> = later.map(|p| f64::from(self.tick(p.0))).collect();
        if points.is_empty() {
            points.push(at + f64::from(PPQ));
        }
        let mut us = None;
        for tick in points {
            if tick <= at || tick >= MAX_TICK {
                continue;
            }
            let target_s = self.seconds(self.line_beat + (tick - self.line_tick) / f64::from(PPQ));
            let kept = us.filter(|&us| (at_s + run(tick - at, us) - target_s).abs() <= TOLERANCE_S);
            let now = kept.unwrap_or_else(|| micros(target_s - at_s, tick - at));
            if kept.is_none() && us != Some(now) {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                events.push((at as u32, now));
            }
            us = Some(now);
            at_s += run(tick - at, now);
            at = tick;
        }
        events
    }

    /// The metre events of the file.
    pub fn metre_events(&self, bars: &[PlannedBar]) -> Vec<(u32, Metre)> {
        let metre = bars.first().map_or(Metre::default(), |b| b.metre);
        let mut events: Vec<(u32, Metre)> = Vec::new();
        let mut push = |tick: u32, metre: Metre| {
            if events.last().is_none_or(|e| e.1 != metre) {
                events.push((tick, metre));
            }
        };
        let bar_ticks = metre.bar_quarters() * f64::from(PPQ);
        let pickup = self.line_tick % bar_ticks;
        if pickup > 0.0 {
            push(0, pickup_metre(pickup));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        push(pickup as u32, metre);
        for bar in bars.iter().filter(|b| b.start_beat >= self.line_beat - 1e-6) {
            push(self.tick(bar.start_beat), bar.metre);
        }
        events
    }
}

/// The metre of a bar of so many ticks, in the longest unit that fits.
fn pickup_metre(ticks: f64) -> Metre {
    let sixteenths = (ticks / f64::from(PPQ) * SIXTEENTHS).round();
    [(4.0, 4), (2.0, 8), (1.0, 16)]
        .into_iter()
        .filter(|(unit, _)| sixteenths % unit == 0.0)
        .find_map(|(unit, denominator)| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // saturates; out of range is None
            let numerator = (sixteenths / unit) as u8;
            Metre::new(numerator, denominator)
        })
        .unwrap_or_default()
}
