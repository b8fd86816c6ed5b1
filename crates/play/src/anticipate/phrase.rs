//! How long the phrases of the music are, and where the first begins, told from what sounds and what comes
//! back.

use super::{BarHarmony, similarity};

/// The bar that phrases are counted from: the first with a chord, or the first of all where no chord sounds.
pub fn phrase_start(history: &[BarHarmony]) -> usize {
    history.iter().position(|bar| bar.beats.iter().any(|b| b.chord.is_some())).unwrap_or(0)
}

/// The bars of a phrase: as `usual` in the style, until what comes back in `history` says otherwise.
pub fn phrase_bars(history: &[BarHarmony], usual: u32) -> u32 {
    let bars = &history[phrase_start(history)..];
    let at_lag = |lag: usize| -> Option<f32> {
        let pairs = bars.len().checked_sub(lag).filter(|&p| p >= lag.min(8))?;
        let sum: f32 = (lag..bars.len()).map(|i| similarity(&bars[i], &bars[i - lag])).sum();
        Some(sum / pairs as f32)
    };
    let [four, eight, twelve, sixteen] = [4, 8, 12, 16].map(at_lag);
    let (Some(four), Some(eight)) = (four, eight) else { return usual };
    // A twelve-bar blues is told by coming back after 12 and not after 8 or 4; eight and sixteen bars
    // likewise.
    let longer = |told: Option<f32>| told.is_some_and(|told| told > 0.8 && told > eight.max(four) + 0.15);
    if longer(twelve) {
        12
    } else if longer(sixteen) {
        16
    } else if four > 0.85 && four >= eight - 0.05 {
        4
    } else if eight > 0.8 && eight > four + 0.15 {
        8
    } else {
        usual
    }
}
