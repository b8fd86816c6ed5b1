//! Where quarter notes fall in seconds: the tempo map of a recording.

use serde::{Deserialize, Serialize};

/// Pairs of a position in quarter notes and its time in seconds, straight lines between them. Before
/// the first and after the last pair the tempo of the nearest segment goes on; with fewer than two
/// pairs it is 120 a minute.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TempoMap {
    points: Vec<(f64, f64)>,
}

impl TempoMap {
    /// A map through `points` (quarter note, seconds). Points that are not finite, or that do not lie
    /// later than the one before in both numbers, are left out.
    pub fn new(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut kept: Vec<(f64, f64)> = Vec::new();
        for (beat, seconds) in points {
            let later = kept.last().is_none_or(|&(b, s)| beat > b && seconds > s);
            if beat.is_finite() && seconds.is_finite() && later {
                kept.push((beat, seconds));
            }
        }
        Self { points: kept }
    }

    /// One tempo, quarter note 0 at second 0.
    pub fn steady(tempo_bpm: f64) -> Self {
        Self::new([(0.0, 0.0), (1.0, 60.0 / tempo_bpm)])
    }

    /// The pairs.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The time of a position.
    pub fn seconds_at(&self, beat: f64) -> f64 {
        let at = self.points.partition_point(|&(b, _)| b <= beat);
        let ((b0, s0), slope) = self.segment(at);
        s0 + (beat - b0) * slope
    }

    /// The position of a time.
    pub fn beat_at(&self, seconds: f64) -> f64 {
        let at = self.points.partition_point(|&(_, s)| s <= seconds);
        let ((b0, s0), slope) = self.segment(at);
        b0 + (seconds - s0) / slope
    }

    /// Quarter notes a minute at a position.
    pub fn tempo_bpm_at(&self, beat: f64) -> f64 {
        let at = self.points.partition_point(|&(b, _)| b <= beat);
        60.0 / self.segment(at).1
    }

    /// The start of the segment before point `at`, and its seconds a quarter note.
    fn segment(&self, at: usize) -> ((f64, f64), f64) {
        match self.points.as_slice() {
            [] => ((0.0, 0.0), 0.5),
            [only] => (*only, 0.5),
            points => {
                let i = at.clamp(1, points.len() - 1);
                let (a, b) = (points[i - 1], points[i]);
                (a, (b.1 - a.1) / (b.0 - a.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let map = TempoMap::new([(0.0, 1.0), (4.0, 3.0), (8.0, 6.0), (7.0, 9.0), (f64::NAN, 9.0)]);
        assert_eq!(map.points().len(), 3);
        for (beat, seconds) in [(-2.0, 0.0), (0.0, 1.0), (2.0, 2.0), (4.0, 3.0), (6.0, 4.5), (12.0, 9.0)] {
            assert!((map.seconds_at(beat) - seconds).abs() < 1e-12, "{beat}");
            assert!((map.beat_at(seconds) - beat).abs() < 1e-12, "{seconds}");
        }
        assert_eq!(map.tempo_bpm_at(1.0), 120.0);
        assert_eq!(map.tempo_bpm_at(5.0), 80.0);
        assert_eq!(TempoMap::default().seconds_at(2.0), 1.0);
        assert_eq!(TempoMap::steady(60.0).seconds_at(3.0), 3.0);
    }
}
