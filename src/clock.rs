//! Clocks: a position in quarter notes that runs on from block to block without a seam.
//!
//! Hosts report where a block starts, but some of them in steps (Ardour: 1/1920 quarter note), so
//! that a beat on the edge of two blocks would double or vanish. A [`Tracker`] runs on by itself, with
//! the tempo, and is only drawn towards what is reported; a large difference is a jump.

/// Tempo that stands in for nonsense.
const FALLBACK_BPM: f64 = 120.0;

/// A straight stretch of a clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Track {
    /// Position at the first sample.
    pub start: f64,
    /// Quarter notes a sample.
    pub rate: f64,
    /// Start and end of the loop, if one is taken.
    pub looping: Option<(f64, f64)>,
    /// Whether it does not go on from the stretch before.
    pub fresh: bool,
}

impl Track {
    /// The same clock `samples` later.
    pub fn after(self, samples: usize) -> Self {
        Self {
            start: walk(self.start, self.rate, samples, self.looping),
            fresh: self.fresh && samples == 0,
            ..self
        }
    }
}

/// How closely a clock is followed.
#[derive(Debug, Clone, Copy)]
pub struct Tightness {
    /// Differences up to this many seconds are drawn in …
    pub tolerance_s: f64,
    /// … and up to this many quarter notes, whichever is more.
    pub tolerance_beats: f64,
    /// Time constant of the drawing in.
    pub settle_s: f64,
}

impl Tightness {
    /// The host's transport: its reports are exact but for rounding.
    pub const HOST: Self = Self { tolerance_s: 0.002, tolerance_beats: 0.01, settle_s: 0.2 };
    /// The heard beat: its anchor is corrected as the listener learns.
    pub const HEARD: Self = Self { tolerance_s: 0.06, tolerance_beats: 0.2, settle_s: 0.25 };
}

/// Follows one clock.
#[derive(Debug, Clone)]
pub struct Tracker {
    tightness: Tightness,
    expected: Option<f64>,
    /// Quarter notes of the stretch before.
    passed: f64,
}

impl Tracker {
    /// A tracker that has seen nothing yet.
    pub const fn new(tightness: Tightness) -> Self {
        Self { tightness, expected: None, passed: 0.0 }
    }

    /// The clock stands still or is not known.
    pub fn stop(&mut self) {
        self.expected = None;
    }

    /// The stretch of the next `frames` samples, at whose start `reported` was reported.
    ///
    /// # Realtime safety
    /// Bounded arithmetic only.
    pub fn follow(
        &mut self,
        reported: f64,
        tempo_bpm: f64,
        frames: usize,
        sample_rate: f64,
        looping: Option<(f64, f64)>,
    ) -> Track {
        let reported =
            if reported.is_finite() { reported.clamp(-1.0e9, 1.0e9) } else { self.expected.unwrap_or(0.0) };
        let base = beats_per_sample(tempo_bpm, sample_rate);
        // A loop shorter than a few samples cannot be meant.
        let looping = looping.filter(|(a, b)| a.is_finite() && b.is_finite() && b - a > 16.0 * base);
        let tolerance = (self.tightness.tolerance_s * base * sample_rate).max(self.tightness.tolerance_beats);

        let mut track = Track { start: reported, rate: base, looping, fresh: true };
        if let Some(expected) = self.expected {
            let mut error = reported - expected;
            if let Some((a, b)) = looping {
                // On the seam of a loop, its end and its start are the same place; anywhere else, going back or on by
                // the loop's length is a jump.
                let length = b - a;
                let past = self.passed + tolerance;
                let on_seam = (a - tolerance..a + past).contains(&expected)
                    || (b - tolerance..b + past).contains(&expected);
                if on_seam && (error - length).abs() < tolerance {
                    error -= length;
                } else if on_seam && (error + length).abs() < tolerance {
                    error += length;
                }
            }
            if error.abs() <= tolerance {
                track.start = expected;
                track.fresh = false;
                let span = frames.max(1) as f64;
                let share = (span / (self.tightness.settle_s * sample_rate)).min(1.0);
                // Never backwards, never at a leap.
                track.rate += (error * share / span).clamp(-0.5 * base, base);
            }
        }
        self.expected = Some(walk(track.start, track.rate, frames, looping));
        self.passed = frames as f64 * track.rate;
        track
    }
}

/// Quarter notes that pass in a sample; nonsense is taken as 120 BPM.
pub fn beats_per_sample(tempo_bpm: f64, sample_rate: f64) -> f64 {
    sane_tempo(tempo_bpm) / 60.0 / sample_rate
}

/// A tempo between 5 and 1,000 BPM; 120 for nonsense.
pub fn sane_tempo(tempo_bpm: f64) -> f64 {
    if tempo_bpm.is_finite() && tempo_bpm > 0.0 { tempo_bpm.clamp(5.0, 1_000.0) } else { FALLBACK_BPM }
}

/// Samples from `beat` to the first one at or after the loop's end, if the loop is taken.
pub fn samples_to_wrap(beat: f64, rate: f64, looping: Option<(f64, f64)>) -> Option<usize> {
    let (_, end) = looping.filter(|(_, end)| beat < *end)?;
    // A millionth of a sample of rounding must not cost a sample.
    let samples = ((end - beat) / rate - 1.0e-6).ceil().max(0.0);
    Some(if samples < 1.0e15 { samples as usize } else { usize::MAX })
}

/// Where a clock that stands at `beat` is `samples` later.
pub fn walk(mut beat: f64, rate: f64, samples: usize, looping: Option<(f64, f64)>) -> f64 {
    let mut left = samples;
    while let (Some(n), Some((start, end))) = (samples_to_wrap(beat, rate, looping), looping) {
        if n > left {
            break;
        }
        beat = wrapped(beat + n as f64 * rate, start, end);
        left -= n;
        if left == 0 {
            break;
        }
    }
    beat + left as f64 * rate
}

/// The place in the loop of a position at or just behind its end.
pub fn wrapped(beat: f64, start: f64, end: f64) -> f64 {
    start + (beat - end).max(0.0) % (end - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantised_reports_leave_no_seam() {
        // Ardour's grid, 48 kHz, 64-sample blocks, 133 BPM, ten minutes.
        let (rate, tempo) = (48_000.0, 133.0);
        let mut tracker = Tracker::new(Tightness::HOST);
        let mut end = None;
        let mut worst: f64 = 0.0;
        for block in 0..450_000u32 {
            let exact = f64::from(block) * 64.0 * tempo / 60.0 / rate;
            let reported = (exact * 1_920.0).floor() / 1_920.0;
            let track = tracker.follow(reported, tempo, 64, rate, None);
            assert_eq!(track.fresh, block == 0);
            if let Some(end) = end {
                assert_eq!(track.start, end, "seam");
            }
            end = Some(walk(track.start, track.rate, 64, None));
            if block > 2_000 {
                worst = worst.max((track.start - exact).abs());
            }
        }
        // The mean of the rounding remains (half a step of the host's), and little of its jitter.
        assert!(worst < 0.75 / 1_920.0, "{worst}");
    }

    #[test]
    fn a_jump_is_a_jump() {
        let mut tracker = Tracker::new(Tightness::HOST);
        tracker.follow(0.0, 120.0, 480, 48_000.0, None);
        assert!(!tracker.follow(0.02, 120.0, 480, 48_000.0, None).fresh);
        let back = tracker.follow(0.0, 120.0, 480, 48_000.0, None);
        assert!(back.fresh);
        assert_eq!(back.start, 0.0);
    }

    #[test]
    fn loops_wrap_at_the_sample() {
        // 120 BPM, 48 kHz: 24,000 samples a quarter note.
        let rate = beats_per_sample(120.0, 48_000.0);
        let looping = Some((4.0, 8.0));
        assert_eq!(samples_to_wrap(7.0, rate, looping), Some(24_000));
        assert!((walk(7.0, rate, 24_000, looping) - 4.0).abs() < 1e-9);
        assert!((walk(7.0, rate, 24_001, looping) - 4.0 - rate).abs() < 1e-9);
        assert!((walk(7.0, rate, 24_000 * 9, looping) - 4.0).abs() < 1e-9);
        // Behind the loop nothing wraps.
        assert!((walk(9.0, rate, 24_000, looping) - 10.0).abs() < 1e-9);
        // A host that reports the end where the start is meant.
        let mut tracker = Tracker::new(Tightness::HOST);
        tracker.follow(7.0, 120.0, 24_000, 48_000.0, looping);
        assert!(!tracker.follow(8.0, 120.0, 240, 48_000.0, looping).fresh);
    }

    #[test]
    fn the_length_of_the_loop_is_a_jump_but_for_its_seam() {
        let looping = Some((0.0, 16.0));
        let at = |before: f64, reported: f64| {
            let mut tracker = Tracker::new(Tightness::HOST);
            tracker.follow(before, 120.0, 240, 48_000.0, looping);
            tracker.follow(reported, 120.0, 240, 48_000.0, looping)
        };
        let block = 240.0 / 24_000.0;
        // On by the loop's length from the middle of it, and back.
        let on = at(4.0, 20.0 + block);
        assert!(on.fresh && (on.start - 20.0 - block).abs() < 1e-9);
        assert!(at(20.0, 4.0 + block).fresh);
        // Over the seam, whoever is the first to see it.
        assert!(!at(16.0 - block / 2.0, block / 2.0).fresh);
        assert!(!at(16.0 - block / 2.0, 16.0 + block / 2.0).fresh);
        // A host that plays on past the end is believed a few blocks later.
        let mut tracker = Tracker::new(Tightness::HOST);
        let reports = (0..6).map(|i| 16.0 + (f64::from(i) - 1.5) * block);
        let fresh: Vec<bool> =
            reports.map(|beat| tracker.follow(beat, 120.0, 240, 48_000.0, looping).fresh).collect();
        assert!(fresh[1..].contains(&true), "{fresh:?}");
    }

    #[test]
    fn nonsense_does_no_harm() {
        let mut tracker = Tracker::new(Tightness::HOST);
        for (pos, tempo, looping) in [
            (f64::NAN, 120.0, None),
            (f64::INFINITY, f64::NAN, Some((f64::NAN, 1.0))),
            (0.0, -5.0, Some((4.0, 4.0))),
            (1.0e300, 1.0e300, Some((0.0, 1.0e-12))),
            (-1.0e300, 0.0, Some((8.0, 4.0))),
        ] {
            let track = tracker.follow(pos, tempo, 8_192, 48_000.0, looping);
            assert!(track.start.is_finite() && track.rate > 0.0 && track.rate.is_finite());
            assert!(walk(track.start, track.rate, 8_192, track.looping).is_finite());
        }
    }
}
