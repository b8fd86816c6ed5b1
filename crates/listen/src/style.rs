//! A guess at the kind of music, from tempo, metre, swing and how the drums fall.
//!
//! Rules, not learning: each style says what it expects of a few figures, and the guess is the
//! posterior under a uniform prior, flattened because the figures are neither independent nor
//! exact. With no beat or no drums little is known, and the probabilities stay near uniform.

use backline_music::heard::StyleGuess;
use backline_music::{DrumVoice, Heard, Mode};

/// What is looked at, in seconds back from the present.
const WINDOW_S: f64 = 16.0;
/// Beats in the window from which a guess is made.
const LEAST_BEATS: usize = 8;
/// Two events this close are on the same spot, in beats.
const SAME_SPOT_BEATS: f64 = 0.12;
/// Power of the flattening.
const FLATTEN: f64 = 0.5;

/// What a style expects: `(mean, spread)` each.
struct Expectation {
    id: &'static str,
    bpm: (f64, f64),
    /// Share of beats with a kick.
    kick_on_beat: (f64, f64),
    /// How much oftener the snare falls on even beats than on odd ones, −1..=1.
    backbeat: (f64, f64),
    hats_per_beat: (f64, f64),
    /// Share of off-beat onsets that come late, 0 (straight) to 1 (swung).
    swing: (f64, f64),
    /// Drum strokes per beat.
    strokes: (f64, f64),
    three: bool,
}

const fn style(
    id: &'static str,
    bpm: (f64, f64),
    kick_on_beat: (f64, f64),
    backbeat: (f64, f64),
    hats_per_beat: (f64, f64),
    swing: (f64, f64),
    strokes: (f64, f64),
) -> Expectation {
    Expectation { id, bpm, kick_on_beat, backbeat, hats_per_beat, swing, strokes, three: false }
}

/// Spread of tempo is in natural logarithms.
const STYLES: [Expectation; 17] = [
    style("rock", (122.0, 0.2), (0.5, 0.2), (0.8, 0.3), (1.8, 0.6), (0.05, 0.2), (3.0, 0.9)),
    style("pop", (112.0, 0.18), (0.55, 0.25), (0.7, 0.4), (1.6, 0.7), (0.05, 0.2), (2.6, 0.9)),
    style("ballad", (72.0, 0.14), (0.4, 0.25), (0.5, 0.5), (1.2, 0.9), (0.1, 0.25), (1.6, 1.0)),
    style("punk", (180.0, 0.14), (0.6, 0.25), (0.8, 0.3), (1.6, 0.6), (0.02, 0.15), (3.0, 0.8)),
    style("hiphop", (90.0, 0.1), (0.45, 0.2), (0.8, 0.3), (1.8, 0.7), (0.3, 0.3), (3.0, 0.9)),
    style("trap", (140.0, 0.1), (0.25, 0.15), (0.2, 0.4), (2.2, 0.9), (0.05, 0.2), (2.8, 0.9)),
    style("house", (124.0, 0.05), (0.97, 0.1), (0.5, 0.4), (1.4, 0.7), (0.05, 0.15), (2.9, 0.9)),
    style("techno", (132.0, 0.06), (0.97, 0.1), (0.2, 0.4), (1.6, 0.9), (0.0, 0.12), (2.9, 1.0)),
    style("hardstyle", (150.0, 0.05), (0.97, 0.1), (0.2, 0.4), (0.9, 0.6), (0.0, 0.12), (2.2, 0.8)),
    style("dnb", (174.0, 0.05), (0.35, 0.15), (0.7, 0.4), (1.7, 0.7), (0.03, 0.15), (2.8, 0.9)),
    style("funk", (104.0, 0.14), (0.5, 0.2), (0.6, 0.4), (2.6, 0.9), (0.1, 0.2), (4.6, 1.2)),
    style("soul", (92.0, 0.18), (0.5, 0.2), (0.7, 0.3), (1.8, 0.7), (0.2, 0.3), (3.2, 0.9)),
    style("jazz", (150.0, 0.35), (0.3, 0.3), (0.1, 0.5), (0.9, 0.6), (0.9, 0.25), (2.2, 1.0)),
    style("bossa", (132.0, 0.16), (0.8, 0.25), (0.0, 0.4), (1.9, 0.5), (0.03, 0.15), (4.2, 1.0)),
    style("reggae", (78.0, 0.12), (0.3, 0.2), (0.3, 0.5), (1.8, 0.7), (0.4, 0.35), (2.6, 0.9)),
    style("country", (110.0, 0.22), (0.5, 0.2), (0.8, 0.3), (1.7, 0.8), (0.6, 0.4), (2.8, 0.9)),
    Expectation {
        three: true,
        ..style("waltz", (130.0, 0.35), (0.35, 0.15), (0.0, 1.0), (0.8, 0.6), (0.2, 0.4), (1.9, 0.9))
    },
];

/// Guesses from the last seconds of `heard`.
pub fn guess(heard: &Heard) -> StyleGuess {
    guess_last(heard, WINDOW_S)
}

/// Guesses from all of `heard`.
pub fn guess_whole(heard: &Heard) -> StyleGuess {
    guess_last(heard, heard.time_s.max(1.0))
}

fn guess_last(heard: &Heard, window_s: f64) -> StyleGuess {
    let from_s = heard.time_s - window_s;
    let beats = &heard.beats[heard.beats.partition_point(|b| b.time_s < from_s)..];
    let drums = &heard.drums[heard.drums.partition_point(|d| d.time_s < from_s)..];
    let onsets = &heard.onsets[heard.onsets.partition_point(|o| o.time_s < from_s)..];
    let seconds = heard.time_s.clamp(1.0, window_s);
    let bpm = heard.tempo_bpm.map(|t| t.value);
    let mut top = vec![1.0 / STYLES.len() as f64; STYLES.len()];
    let mut strokes_per_s = drums.len() as f64 / seconds;
    if let (Some(bpm), true) = (bpm, beats.len() >= LEAST_BEATS) {
        let figures = Figures::of(beats, drums, onsets);
        let three = heard.metre.is_some_and(|m| m.value.numerator == 3);
        strokes_per_s = figures.strokes * bpm / 60.0;
        let mut logs: Vec<f64> = STYLES.iter().map(|s| figures.log_likelihood(s, bpm, three)).collect();
        let best = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        logs.iter_mut().for_each(|l| *l = libm::exp(FLATTEN * (*l - best)));
        let sum: f64 = logs.iter().sum();
        top = logs.iter().map(|l| l / sum).collect();
    }
    let mut top: Vec<(String, f32)> =
        STYLES.iter().zip(top).map(|(s, p)| (s.id.to_owned(), p as f32)).collect();
    top.sort_by(|a, b| b.1.total_cmp(&a.1));

    let onset_rate = onsets.len() as f64 / seconds;
    let centroid_hz = heard.timbre.last().map_or(0.0, |t| f64::from(t.centroid_hz));
    let rate = bpm.map_or(0.5, |b| ((b - 60.0) / 120.0).clamp(0.0, 1.0));
    let energy = 0.35 * (onset_rate / 8.0).min(1.0)
        + 0.25 * (strokes_per_s / 8.0).min(1.0)
        + 0.2 * (centroid_hz / 5_000.0).min(1.0)
        + 0.2 * rate;
    // Mode and tempo are what listeners judge happiness by first (Hunter, Schellenberg & Schimmack 2010).
    let mode = heard.key.map_or(0.5, |k| {
        let lean = 0.5 * f64::from(k.prob);
        if k.value.mode == Mode::Major { 0.5 + lean } else { 0.5 - lean }
    });
    let is_silent = onsets.is_empty();
    StyleGuess {
        top,
        energy: if is_silent { 0.0 } else { energy as f32 },
        valence: if is_silent {
            0.5
        } else {
            (0.6 * mode + 0.25 * rate + 0.15 * (centroid_hz / 5_000.0).min(1.0)) as f32
        },
    }
}

/// What the styles are told apart by.
struct Figures {
    kick_on_beat: f64,
    backbeat: f64,
    hats_per_beat: f64,
    swing: Option<f64>,
    strokes: f64,
}

impl Figures {
    fn of(
        beats: &[backline_music::Beat],
        drums: &[backline_music::DrumHit],
        onsets: &[backline_music::Onset],
    ) -> Self {
        let n = beats.len() as f64;
        // Index of the beat before a time, and the place after it in beats.
        let place = |time_s: f64| {
            let after = beats.partition_point(|b| b.time_s <= time_s);
            let (a, b) = (beats.get(after.wrapping_sub(1))?, beats.get(after)?);
            Some((after - 1, (time_s - a.time_s) / (b.time_s - a.time_s)))
        };
        let mut kicked = vec![false; beats.len() + 1];
        let (mut hats, mut even, mut odd) = (0.0, 0.0, 0.0);
        for hit in drums {
            let Some((index, at)) = place(hit.time_s) else { continue };
            let nearest = if at < 0.5 { index } else { index + 1 };
            let on_beat = at.min(1.0 - at) < SAME_SPOT_BEATS;
            match hit.voice {
                DrumVoice::Kick if on_beat => kicked[nearest] = true,
                DrumVoice::Snare if on_beat => {
                    if beats[nearest].beat.is_multiple_of(2) {
                        even += 1.0;
                    } else {
                        odd += 1.0;
                    }
                }
                DrumVoice::ClosedHat => hats += 1.0,
                _ => {}
            }
        }
        let (mut straight, mut late) = (0.0, 0.0);
        for (_, at) in onsets.iter().filter_map(|o| place(o.time_s)) {
            if (0.44..0.56).contains(&at) {
                straight += 1.0;
            } else if (0.59..0.73).contains(&at) {
                late += 1.0;
            }
        }
        Self {
            kick_on_beat: kicked.iter().filter(|k| **k).count() as f64 / n,
            backbeat: (even - odd) / (n / 2.0),
            hats_per_beat: hats / n,
            swing: (straight + late > 3.0).then(|| late / (straight + late)),
            strokes: drums.len() as f64 / n,
        }
    }

    fn log_likelihood(&self, style: &Expectation, bpm: f64, three: bool) -> f64 {
        let z = |value: f64, (mean, spread): (f64, f64)| {
            let z = ((value - mean) / spread).clamp(-3.0, 3.0);
            -0.5 * z * z - libm::log(spread)
        };
        let mut log = z(libm::log(bpm / style.bpm.0), (0.0, style.bpm.1));
        log += if style.three == three { 0.0 } else { -4.0 };
        if let Some(swing) = self.swing {
            log += z(swing, style.swing);
        }
        // Without drums their absence says nothing: the track may be a lone guitar.
        if self.strokes > 0.3 {
            log += z(self.kick_on_beat, style.kick_on_beat)
                + z(self.backbeat, style.backbeat)
                + z(self.hats_per_beat, style.hats_per_beat)
                + z(self.strokes, style.strokes);
        }
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backline_music::{Beat, DrumHit, Estimate, Metre};

    fn four_on_the_floor(bpm: f64) -> Heard {
        let beat_s = 60.0 / bpm;
        let mut heard = Heard { time_s: 32.0 * beat_s, ..Heard::default() };
        heard.tempo_bpm = Some(Estimate::certain(bpm));
        heard.metre = Some(Estimate::certain(Metre::FOUR_FOUR));
        for i in 0..32 {
            let time_s = f64::from(i) * beat_s;
            heard.beats.push(Beat {
                time_s,
                bar: i / 4 + 1,
                beat: (i % 4) as u8 + 1,
                prob: 1.0,
                decided_s: time_s,
            });
            let mut hit = |voice, time_s| {
                heard.drums.push(DrumHit { time_s, voice, velocity: 0.8, prob: 0.9, decided_s: time_s });
            };
            hit(DrumVoice::Kick, time_s);
            if i % 2 == 1 {
                hit(DrumVoice::Snare, time_s);
            }
            hit(DrumVoice::ClosedHat, time_s + beat_s / 2.0);
        }
        heard
    }

    #[test]
    fn a_kick_on_every_beat_at_124_is_house() {
        let guess = guess(&four_on_the_floor(124.0));
        assert_eq!(guess.top[0].0, "house", "{:?}", guess.top);
        let sum: f32 = guess.top.iter().map(|t| t.1).sum();
        assert!((sum - 1.0).abs() < 1e-4);
    }

    #[test]
    fn nothing_heard_is_no_opinion() {
        let guess = guess(&Heard::default());
        assert!(guess.top.iter().all(|(_, p)| (*p - 1.0 / 17.0).abs() < 1e-6));
        assert_eq!(guess.energy, 0.0);
    }
}
