//! Notes that sound, from a log-frequency spectrum: non-negative least squares on a dictionary of
//! harmonic tones.
//!
//! Lawson & Hanson, Solving Least Squares Problems (1974), algorithm 23.10, in the form of Bro & de
//! Jong (J. Chemometrics 11, 1997) that works on the dictionary's Gram matrix, made once.

use super::logfreq::{BINS, BINS_PER_SEMITONE, NOTES, bump};

/// Amplitude of each partial relative to the one below (Mauch & Dixon, ISMIR 2010, section 3.3).
const DECAY: f64 = 0.7;
/// Partials of a dictionary tone.
const PARTIALS: u32 = 20;
/// Beyond these many notes at once nothing is gained.
const MAX_PASSIVE: usize = 44;

/// The dictionary and the workspace of the solver.
pub(crate) struct Nnls {
    /// `NOTES` tones of `BINS` bins.
    dictionary: Vec<f32>,
    gram: Vec<f64>,
    target: [f64; NOTES],
    factor: Vec<f64>,
    trial: [f64; NOTES],
}

impl Nnls {
    pub(crate) fn new() -> Self {
        let mut dictionary = vec![0.0f32; NOTES * BINS];
        for note in 0..NOTES {
            let tone = &mut dictionary[note * BINS..(note + 1) * BINS];
            for partial in 1..=PARTIALS {
                let centre = (BINS_PER_SEMITONE * (note + 1)) as f64
                    + 12.0 * BINS_PER_SEMITONE as f64 * libm::log2(f64::from(partial));
                let amplitude = libm::pow(DECAY, f64::from(partial - 1));
                for (bin, value) in tone.iter_mut().enumerate() {
                    *value += (amplitude * bump(bin as f64 - centre, 1.5)) as f32;
                }
            }
        }
        let mut gram = vec![0.0; NOTES * NOTES];
        for a in 0..NOTES {
            for b in 0..NOTES {
                let dot =
                    |i: usize| f64::from(dictionary[a * BINS + i]) * f64::from(dictionary[b * BINS + i]);
                gram[a * NOTES + b] = (0..BINS).map(dot).sum();
            }
        }
        Self { dictionary, gram, target: [0.0; NOTES], factor: vec![0.0; NOTES * NOTES], trial: [0.0; NOTES] }
    }

    /// The non-negative amounts of the notes whose sum is nearest to `spectrum`. Only notes near
    /// whose fundamental the spectrum is above zero take part.
    pub(crate) fn solve(&mut self, spectrum: &[f32; BINS], notes: &mut [f32; NOTES]) {
        notes.fill(0.0);
        let mut candidate = [false; NOTES];
        for (note, candidate) in candidate.iter_mut().enumerate() {
            let centre = BINS_PER_SEMITONE * (note + 1);
            *candidate = spectrum[centre - 1..=centre + 1].iter().any(|&v| v > 0.0);
            let tone = &self.dictionary[note * BINS..(note + 1) * BINS];
            self.target[note] = if *candidate { dot(tone, spectrum) } else { 0.0 };
        }
        let mut passive: [usize; MAX_PASSIVE] = [0; MAX_PASSIVE];
        let mut count = 0;
        let mut amount = [0.0f64; NOTES];
        let mut is_passive = [false; NOTES];
        // Twice the dictionary's size is far more rounds than the method takes in practice; the
        // bound only keeps rounding from making it go round in circles.
        // Rows of the factor that still hold: a note that joins adds one, a note that leaves undoes all.
        let mut standing = 0;
        for _ in 0..2 * NOTES {
            if count == MAX_PASSIVE {
                break;
            }
            let mut best = (1e-6, None);
            for note in 0..NOTES {
                if candidate[note] && !is_passive[note] {
                    let row = &self.gram[note * NOTES..(note + 1) * NOTES];
                    let explained: f64 = passive[..count].iter().map(|&p| row[p] * amount[p]).sum();
                    let gradient = self.target[note] - explained;
                    if gradient > best.0 {
                        best = (gradient, Some(note));
                    }
                }
            }
            let Some(note) = best.1 else { break };
            passive[count] = note;
            count += 1;
            is_passive[note] = true;
            loop {
                if !self.least_squares(&passive[..count], standing) {
                    // The newest note is not independent of the others to rounding: leave it out.
                    count -= 1;
                    is_passive[note] = false;
                    candidate[note] = false;
                    standing = 0;
                    break;
                }
                standing = count;
                let mut step = 1.0f64;
                for (i, &p) in passive[..count].iter().enumerate() {
                    if self.trial[i] <= 0.0 {
                        step = step.min(amount[p] / (amount[p] - self.trial[i]).max(f64::MIN_POSITIVE));
                    }
                }
                for (i, &p) in passive[..count].iter().enumerate() {
                    amount[p] += step * (self.trial[i] - amount[p]);
                }
                if step >= 1.0 {
                    break;
                }
                let mut kept = 0;
                for i in 0..count {
                    let p = passive[i];
                    if amount[p] > 1e-9 {
                        passive[kept] = p;
                        kept += 1;
                    } else {
                        amount[p] = 0.0;
                        is_passive[p] = false;
                        if p == note {
                            candidate[p] = false;
                        }
                    }
                }
                count = kept;
                standing = 0;
                if count == 0 {
                    break;
                }
            }
        }
        for (out, v) in notes.iter_mut().zip(amount) {
            *out = v as f32;
        }
    }

    /// Solves the normal equations of the passive notes by Cholesky; the first `standing` rows of the
    /// factor are those of the last call. False when they are singular.
    fn least_squares(&mut self, passive: &[usize], standing: usize) -> bool {
        let n = passive.len();
        for i in standing..n {
            for j in 0..=i {
                let (head, tail) = self.factor.split_at(i * NOTES);
                let row_j = if j == i { &tail[..j] } else { &head[j * NOTES..j * NOTES + j] };
                let sum = dot_wide(&tail[..j], row_j);
                let rest = self.gram[passive[i] * NOTES + passive[j]] - sum;
                self.factor[i * NOTES + j] = if i == j {
                    if rest < 1e-9 {
                        return false;
                    }
                    rest.sqrt()
                } else {
                    rest / self.factor[j * NOTES + j]
                };
            }
        }
        for (i, &note) in passive.iter().enumerate() {
            let row = &self.factor[i * NOTES..i * NOTES + i];
            let sum: f64 = row.iter().zip(&self.trial).map(|(a, b)| a * b).sum();
            self.trial[i] = (self.target[note] - sum) / self.factor[i * NOTES + i];
        }
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|k| self.factor[k * NOTES + i] * self.trial[k]).sum();
            self.trial[i] = (self.trial[i] - sum) / self.factor[i * NOTES + i];
        }
        true
    }
}

/// Dot product in four running sums, in an order that no compiler changes.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0f64; 4];
    let (pa, pb) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail: f64 =
        pa.remainder().iter().zip(pb.remainder()).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    for (x, y) in pa.zip(pb) {
        for i in 0..4 {
            sums[i] += f64::from(x[i]) * f64::from(y[i]);
        }
    }
    sums[0] + sums[1] + sums[2] + sums[3] + tail
}

/// The same for numbers of double precision.
fn dot_wide(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0f64; 4];
    let (pa, pb) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail: f64 = pa.remainder().iter().zip(pb.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in pa.zip(pb) {
        for i in 0..4 {
            sums[i] += x[i] * y[i];
        }
    }
    sums[0] + sums[1] + sums[2] + sums[3] + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_dictionary_tones_comes_apart_again() {
        let mut nnls = Nnls::new();
        let mut spectrum = [0.0; BINS];
        let played = [(15, 1.0), (27, 0.5), (31, 0.8), (34, 0.9), (46, 0.3)];
        for (note, amount) in played {
            for (bin, value) in spectrum.iter_mut().enumerate() {
                *value += amount * nnls.dictionary[note * BINS + bin];
            }
        }
        let mut notes = [0.0; NOTES];
        nnls.solve(&spectrum, &mut notes);
        for (note, &found) in notes.iter().enumerate() {
            let expected = played.iter().find(|(n, _)| *n == note).map_or(0.0, |p| p.1);
            assert!((found - expected).abs() < 1e-3, "note {note}: {found} for {expected}");
        }
    }

    #[test]
    fn no_amount_is_negative_and_none_can_be_improved() {
        let mut nnls = Nnls::new();
        let mut seed = 1u32;
        for _ in 0..20 {
            let mut spectrum = [0.0; BINS];
            for value in &mut spectrum {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *value = ((seed >> 8) as f32 / (1 << 24) as f32 - 0.6).max(0.0) * 5.0;
            }
            let mut notes = [0.0; NOTES];
            nnls.solve(&spectrum, &mut notes);
            let residual: Vec<f32> = (0..BINS)
                .map(|i| {
                    spectrum[i] - (0..NOTES).map(|n| notes[n] * nnls.dictionary[n * BINS + i]).sum::<f32>()
                })
                .collect();
            for (note, &found) in notes.iter().enumerate() {
                assert!(found >= 0.0);
                let gradient = dot(&nnls.dictionary[note * BINS..(note + 1) * BINS], &residual);
                if found > 1e-3 {
                    assert!(gradient.abs() < 1e-2, "{note} {found} {gradient}");
                }
            }
        }
    }
}
