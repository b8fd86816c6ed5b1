//! The knobs: what a musician asks of the band.

use serde::{Deserialize, Serialize};

/// What a word (calmer, livelier, darker, brighter) adds to its knob, or takes from it: as much as is heard in the next bar.
pub const WORD_STEP: f32 = 0.25;

/// Which style the band plays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StyleChoice {
    /// Whatever the music suggests.
    #[default]
    Auto,
    /// The style with this id, for example `bossa`. Unknown ids fall back to `Auto`.
    Named(String),
}

/// Whose beat the band plays on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// The host's transport while it runs; the heard beat while it is stopped.
    #[default]
    Host,
    /// The heard beat, always.
    Heard,
}

/// Everything that a musician can turn. All values are clamped by [`Controls::sanitised`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Controls {
    /// Fixed style, or automatic.
    pub style: StyleChoice,
    /// −1 (calm) … 0 (as heard) … 1 (energetic): event density, velocity, cymbals, register,
    /// syncopation.
    pub energy: f32,
    /// −1 (dark) … 0 (as heard) … 1 (bright): mode colour, extensions, register, drum timbre.
    pub brightness: f32,
    /// −1 (sparse) … 0 (as the style has it) … 1 (busy).
    pub density: f32,
    /// −1 … 1, added to the style's own swing (0 straight, 1 triplet) and clamped there.
    pub swing: f32,
    /// 0 (on the grid) … 1 (loose): timing and velocity deviations.
    pub humanise: f32,
    /// 0 (always the likeliest choice) … 1 (adventurous).
    pub temperature: f32,
    /// Same seed, same input, same notes.
    pub seed: u32,
    /// Which parts play, by [`crate::Part::index`].
    pub parts_on: [bool; 3],
    /// Whose beat is followed.
    pub follow: Follow,
    /// Whether the listener analyses; when off, the last harmony goes on.
    pub listen: bool,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            style: StyleChoice::Auto,
            energy: 0.0,
            brightness: 0.0,
            density: 0.0,
            swing: 0.0,
            humanise: 0.3,
            temperature: 0.3,
            seed: 1,
            parts_on: [true; 3],
            follow: Follow::Host,
            listen: true,
        }
    }
}

impl Controls {
    /// The same controls with every number finite and within its range.
    #[must_use]
    pub fn sanitised(mut self) -> Self {
        let clamp = |v: f32, lo: f32| if v.is_finite() { v.clamp(lo, 1.0) } else { 0.0 };
        self.energy = clamp(self.energy, -1.0);
        self.brightness = clamp(self.brightness, -1.0);
        self.density = clamp(self.density, -1.0);
        self.swing = clamp(self.swing, -1.0);
        self.humanise = clamp(self.humanise, 0.0);
        self.temperature = clamp(self.temperature, 0.0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_becomes_usable() {
        let wild = Controls { energy: f32::NAN, brightness: 7.0, humanise: -3.0, ..Controls::default() };
        let tame = wild.sanitised();
        assert_eq!((tame.energy, tame.brightness, tame.humanise), (0.0, 1.0, 0.0));
    }
}
