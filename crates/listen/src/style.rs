//! A guess at the kind of music, from tempo, metre, and how drums and onsets fall.
//!
//! Learnt from the band, from drummers and from grooves by genre as the listener heard them
//! (`models/style_net/MODEL_CARD.md`). Without a beat little is known, and all styles are as likely.

mod figures;
mod judge;

use backline_music::heard::StyleGuess;
use backline_music::{Heard, Mode};

use judge::Judge;

/// What is looked at, in seconds back from the present.
const WINDOW_S: f64 = 16.0;
/// Onsets a second that are as many as count.
const FULL_ONSET_RATE: f64 = 8.0;

/// Guesses from the last seconds of `heard`.
pub fn guess(heard: &Heard) -> StyleGuess {
    guess_last(heard, WINDOW_S)
}

/// Guesses from all of `heard`.
pub fn guess_whole(heard: &Heard) -> StyleGuess {
    guess_last(heard, heard.time_s.max(1.0))
}

/// What the guess goes by, over all of `heard`: for its training.
pub fn training_figures(heard: &Heard) -> Option<Vec<f32>> {
    figures::figures(heard, heard.time_s.max(1.0))
}

fn guess_last(heard: &Heard, window_s: f64) -> StyleGuess {
    let judge = Judge::built_in();
    let judged = figures::figures(heard, window_s).map(|figures| judge.judge(&figures));
    let onsets = heard.onsets.len() - heard.onsets.partition_point(|o| o.time_s < heard.time_s - window_s);
    let is_silent = onsets == 0;
    let onset_rate = onsets as f64 / heard.time_s.clamp(1.0, window_s);
    // How fast it moves: the tempo may be heard an octave off, how much is struck may not.
    let pace = (onset_rate / FULL_ONSET_RATE).min(1.0);
    let bright = (centroid_hz(heard, window_s) / 5_000.0).min(1.0);
    let (prob, energy) = judged.unwrap_or_else(|| {
        let alike = vec![1.0 / judge.styles.len() as f64; judge.styles.len()];
        (alike, 0.6 * pace + 0.4 * bright)
    });
    let mut top: Vec<(String, f32)> =
        judge.styles.iter().cloned().zip(prob.into_iter().map(|p| p as f32)).collect();
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    // Mode and pace are what listeners judge happiness by first (Hunter, Schellenberg & Schimmack 2010).
    let mode = heard.key.map_or(0.5, |k| {
        let lean = 0.5 * f64::from(k.prob);
        if k.value.mode == Mode::Major { 0.5 + lean } else { 0.5 - lean }
    });
    StyleGuess {
        top,
        energy: if is_silent { 0.0 } else { energy as f32 },
        valence: if is_silent { 0.5 } else { (0.6 * mode + 0.25 * pace + 0.15 * bright) as f32 },
    }
}

/// The mean spectral centroid of the last `window_s` seconds of `heard` in which there was sound; 0 where there was none.
fn centroid_hz(heard: &Heard, window_s: f64) -> f64 {
    let from = heard.timbre.partition_point(|t| t.time_s < heard.time_s - window_s);
    let heard = heard.timbre[from..].iter().map(|t| f64::from(t.centroid_hz)).filter(|hz| *hz > 0.0);
    let (sum, seconds) = heard.fold((0.0, 0), |(sum, seconds), hz| (sum + hz, seconds + 1));
    sum / f64::from(seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use backline_music::heard::Timbre;
    use backline_music::{Beat, DrumHit, DrumVoice, Estimate, Metre};

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
    fn silence_after_the_music_changes_nothing_of_its_mood() {
        let second = |i: i32, centroid_hz| Timbre {
            time_s: f64::from(i),
            centroid_hz,
            rolloff_hz: 0.0,
            mfcc: [0.0; 13],
        };
        let mut heard = four_on_the_floor(124.0);
        let onset = |time_s| backline_music::Onset { time_s, strength: 1.0 };
        heard.onsets = heard.beats.iter().map(|beat| onset(beat.time_s)).collect();
        heard.timbre = (1..=15).map(|i| second(i, 3_000.0)).collect();
        let before = guess_whole(&heard).valence;
        heard.timbre.push(second(16, 0.0));
        assert_eq!(guess_whole(&heard).valence, before);
        heard.timbre.iter_mut().for_each(|t| t.centroid_hz = 500.0);
        assert!(guess_whole(&heard).valence < before, "what is darker is less bright");
    }

    #[test]
    fn nothing_heard_is_no_opinion() {
        let guess = guess(&Heard::default());
        let alike = 1.0 / guess.top.len() as f32;
        assert!(guess.top.iter().all(|(_, p)| (*p - alike).abs() < 1e-6));
        assert_eq!(guess.energy, 0.0);
    }
}
