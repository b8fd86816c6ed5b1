//! Beats of the host's timeline, while its transport plays.

use backline_music::{Beat, Metre, Transport};

/// Positions this close to where the host was expected are the same place, in quarter notes.
const SAME_PLACE_BEATS: f64 = 2e-3;
/// Beats closer than this to the last one are the same beat, told twice across a jump.
const DOUBLE_BEAT_S: f64 = 0.03;

/// The host's clock tied to stream time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Stream time of the tie.
    pub at_s: f64,
    /// The transport there.
    pub transport: Transport,
}

impl Clock {
    /// Position in quarter notes at stream time `time_s`.
    pub fn position(&self, time_s: f64) -> f64 {
        self.transport.pos_beats + (time_s - self.at_s) * self.transport.tempo_bpm / 60.0
    }

    /// Whether `other` says nothing new, but for rounding.
    pub fn agrees(&self, other: &Clock) -> bool {
        let (a, b) = (&self.transport, &other.transport);
        a.playing == b.playing
            && (!a.playing
                || a.tempo_bpm == b.tempo_bpm
                    && a.metre == b.metre
                    && (self.position(other.at_s) - b.pos_beats).abs() < SAME_PLACE_BEATS)
    }

    fn is_usable(&self) -> bool {
        let t = &self.transport;
        t.playing
            && t.pos_beats.is_finite()
            && t.bar_start_beats.is_finite()
            && (5.0..=1_000.0).contains(&t.tempo_bpm)
    }
}

/// Counts beats along the host's clock.
#[derive(Debug, Default)]
pub struct HostBeats {
    clock: Option<Clock>,
    /// Index of the next beat, counted in tactus from the bar start of the clock.
    next_index: i64,
}

impl HostBeats {
    /// The clock in force, while the host plays.
    pub fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref().filter(|c| c.is_usable())
    }

    /// Takes a new tie between stream and host.
    pub fn set(&mut self, clock: Clock) {
        if self.clock.as_ref().is_some_and(|c| c.agrees(&clock)) {
            return;
        }
        self.clock = Some(clock);
        let place = (clock.transport.pos_beats - clock.transport.bar_start_beats) / tactus(&clock);
        self.next_index = libm::ceil(place - 1e-6) as i64;
    }

    /// Tactus tempo: the host's quarter notes, or dotted quarters in 6/8.
    pub fn tempo_bpm(&self) -> Option<f64> {
        self.clock().map(|c| c.transport.tempo_bpm / tactus(c))
    }

    /// The host's metre.
    pub fn metre(&self) -> Option<Metre> {
        self.clock().map(|c| c.transport.metre)
    }

    /// The beat that is still to come, after `last`.
    pub fn next(&self, last: Option<&Beat>, now_s: f64) -> Option<Beat> {
        let clock = self.clock()?;
        let t = &clock.transport;
        let quarters = t.bar_start_beats + self.next_index as f64 * tactus(clock);
        let time_s = clock.at_s + (quarters - t.pos_beats) * 60.0 / t.tempo_bpm;
        let beats = i64::from(t.metre.tactus_per_bar()).max(1);
        let beat = self.next_index.rem_euclid(beats) as u8 + 1;
        let bar_before = last.map_or(0, |b| b.bar);
        let bar = if beat == 1 { bar_before + 1 } else { bar_before };
        Some(Beat { time_s: time_s.max(0.0), bar, beat, prob: 1.0, decided_s: now_s.min(time_s.max(0.0)) })
    }

    /// The beat that falls by `now_s`, if one does.
    pub fn take(&mut self, last: Option<&Beat>, now_s: f64) -> Option<Beat> {
        loop {
            let beat = self.next(last, now_s)?;
            if beat.time_s > now_s {
                return None;
            }
            self.next_index += 1;
            if last.is_none_or(|l| beat.time_s > l.time_s + DOUBLE_BEAT_S) {
                return Some(beat);
            }
        }
    }
}

fn tactus(clock: &Clock) -> f64 {
    clock.transport.metre.tactus_quarters().max(1e-3)
}
