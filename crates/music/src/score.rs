//! How right an estimate is, by the definitions of mir_eval (Raffel et al., ISMIR 2014).
//!
//! Kept beside the words themselves, so that tests and evaluations of every crate score alike.

use crate::chord::{Chord, Quality};

/// F-measure of two lists of times in seconds, both ascending: hits within `window_s` of each other,
/// one to one, by maximum matching. 0 when either list is empty.
pub fn f_measure(reference: &[f64], estimated: &[f64], window_s: f64) -> f64 {
    if reference.is_empty() || estimated.is_empty() {
        return 0.0;
    }
    // On sorted points with equal windows, taking the earliest partner is a maximum matching.
    let (mut hits, mut i, mut j) = (0u32, 0, 0);
    while i < reference.len() && j < estimated.len() {
        let difference = estimated[j] - reference[i];
        if difference.abs() <= window_s {
            hits += 1;
            i += 1;
            j += 1;
        } else if difference < 0.0 {
            j += 1;
        } else {
            i += 1;
        }
    }
    #[allow(clippy::cast_precision_loss)] // counts
    let total = (reference.len() + estimated.len()) as f64;
    2.0 * f64::from(hits) / total
}

/// Beat F-measure: ±70 ms, the first five seconds left out, as in MIREX.
pub fn beat_f(reference_s: &[f64], estimated_s: &[f64]) -> f64 {
    let late = |times: &[f64]| -> Vec<f64> { times.iter().copied().filter(|t| *t >= 5.0).collect() };
    f_measure(&late(reference_s), &late(estimated_s), 0.07)
}

/// Whether a tempo is right within 4 % (Acc1), or right or off by an octave or a third (Acc2).
pub fn tempo_accuracy(reference_bpm: f64, estimated_bpm: f64) -> (bool, bool) {
    let near = |factor: f64| (estimated_bpm / (reference_bpm * factor) - 1.0).abs() <= 0.04;
    (near(1.0), [1.0, 2.0, 3.0, 0.5, 1.0 / 3.0].into_iter().any(near))
}

/// Which chords count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChordVocabulary {
    /// Roots only.
    Root,
    /// Major and minor triads and N; sevenths count as their triads, other chords are left out.
    MajMin,
    /// maj, min, maj7, 7, min7 and N; other chords are left out.
    Sevenths,
}

impl ChordVocabulary {
    /// What of a reference label is compared; `None` leaves it out of the score.
    fn reference(self, chord: Option<Chord>) -> Option<Option<(u8, u8)>> {
        let Some(chord) = chord else { return Some(None) };
        match self {
            Self::Root => {}
            Self::MajMin => {
                chord.quality.is_minor()?;
            }
            Self::Sevenths => {
                use Quality::{Dom7, Maj, Maj7, Min, Min7};
                if !matches!(chord.quality, Maj | Min | Maj7 | Dom7 | Min7) {
                    return None;
                }
            }
        }
        Some(self.of(Some(chord)))
    }

    fn of(self, chord: Option<Chord>) -> Option<(u8, u8)> {
        chord.map(|chord| {
            let quality = match self {
                Self::Root => 0,
                Self::MajMin => chord.quality.is_minor().map_or(2, u8::from),
                Self::Sevenths => chord.quality as u8,
            };
            (chord.root.index(), quality)
        })
    }
}

/// Weighted chord symbol recall: the share of the reference's time, from `from_s` on, in which the
/// estimate is equal in the vocabulary. Spans are (start, end, chord) in seconds, ascending; where the
/// estimate says nothing it counts as N. `None` when the reference has nothing that counts.
pub fn wcsr(
    reference: &[(f64, f64, Option<Chord>)],
    estimated: &[(f64, f64, Option<Chord>)],
    vocabulary: ChordVocabulary,
    from_s: f64,
) -> Option<f64> {
    let (mut right_s, mut total_s) = (0.0, 0.0);
    for &(start, end, chord) in reference {
        let Some(expected) = vocabulary.reference(chord) else { continue };
        let (start, end) = (start.max(from_s), end);
        if end <= start {
            continue;
        }
        total_s += end - start;
        let mut covered_s = 0.0;
        for &(s, e, heard) in estimated {
            let overlap = e.min(end) - s.max(start);
            if overlap > 0.0 {
                covered_s += overlap;
                if vocabulary.of(heard) == expected {
                    right_s += overlap;
                }
            }
        }
        if expected.is_none() {
            right_s += (end - start - covered_s).max(0.0);
        }
    }
    (total_s > 0.0).then(|| right_s / total_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching_is_one_to_one() {
        assert_eq!(f_measure(&[1.0, 2.0], &[1.05, 1.06, 2.0], 0.07), 0.8);
        assert_eq!(f_measure(&[1.0], &[1.08], 0.07), 0.0);
        assert_eq!(f_measure(&[], &[1.0], 0.07), 0.0);
        assert_eq!(beat_f(&[1.0, 6.0], &[3.0, 6.05]), 1.0);
    }

    #[test]
    fn tempo_octaves() {
        assert_eq!(tempo_accuracy(100.0, 103.0), (true, true));
        assert_eq!(tempo_accuracy(100.0, 50.5), (false, true));
        assert_eq!(tempo_accuracy(100.0, 75.0), (false, false));
    }

    #[test]
    fn recall_by_vocabulary() {
        let c = |label: &str| crate::chord::parse_label(label).unwrap();
        let reference = [(0.0, 2.0, c("C:7")), (2.0, 3.0, c("N")), (3.0, 4.0, c("D:sus4"))];
        let estimated = [(0.0, 1.0, c("C:maj")), (1.0, 2.0, c("C:7")), (3.0, 4.0, c("D:min"))];
        let score = |v| wcsr(&reference, &estimated, v, 0.0).unwrap();
        assert_eq!(score(ChordVocabulary::Root), 1.0);
        assert_eq!(score(ChordVocabulary::MajMin), 1.0);
        assert!((score(ChordVocabulary::Sevenths) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(wcsr(&reference[2..], &estimated, ChordVocabulary::MajMin, 0.0), None);
    }
}
