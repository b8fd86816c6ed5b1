//! Where in the phrase the music is, told from what comes back.

use super::{BarHarmony, similarity};

/// Bars that are looked back over.
const WINDOW_BARS: usize = 64;

/// The place of the bar that comes next: its number in the phrase, from 0, and the bars of the
/// phrase. Eight bars counted from the first chord, until the repetitions say otherwise.
pub fn phrase_position(history: &[BarHarmony]) -> (u32, u32) {
    let sounds = |bar: &BarHarmony| bar.beats.iter().any(|b| b.chord.is_some());
    let first = history.iter().position(sounds).unwrap_or(history.len());
    let n = history.len() - first;
    let period = period(&history[first..]);
    ((n % period) as u32, period as u32)
}

fn period(bars: &[BarHarmony]) -> usize {
    let n = bars.len();
    let recent = &bars[n.saturating_sub(WINDOW_BARS)..];
    let at_lag = |lag: usize| -> Option<f32> {
        let pairs = recent.len().checked_sub(lag).filter(|&p| p >= lag.min(8))?;
        let sum: f32 = (lag..recent.len()).map(|i| similarity(&recent[i], &recent[i - lag])).sum();
        Some(sum / pairs as f32)
    };
    let [four, eight, twelve, sixteen] = [4, 8, 12, 16].map(at_lag);
    let (Some(four), Some(eight)) = (four, eight) else { return 8 };
    // A twelve-bar blues is told by coming back after 12 and not after 8 or 4; sixteen bars likewise.
    let longer = |told: Option<f32>| told.is_some_and(|told| told > 0.8 && told > eight.max(four) + 0.15);
    if longer(twelve) {
        12
    } else if longer(sixteen) {
        16
    } else if four > 0.85 && four >= eight - 0.05 {
        4
    } else {
        8
    }
}
