//! What the net's activations say of the pointer's states.

use backline_music::Metre;

use super::net::{Activations, METRES, logistic, number_of};

/// Powers that the likelihoods are raised to: of beats; of downbeats and metre, whose errors last longer than
/// a frame.
const BEAT_POWER: f32 = 0.8;
const DOWNBEAT_POWER: f32 = 1.4;
const METRE_POWER: f32 = 0.03;
/// Log odds of a beat at which a frame speaks neither for nor against one.
const BEAT_PRIOR: f32 = -2.8;
/// Share of downbeats among beats in the training music.
const DOWNBEAT_SHARE: f32 = 0.28;
/// Beat probability below which the downbeat is not asked for.
const FAINT_BEAT: f32 = 0.05;
/// Largest log odds that are believed.
const MOST_LOGIT: f32 = 5.0;
/// Share of each metre in the training music, in the order of [`METRES`].
const TRAINED_METRES: [f32; METRES.len()] = [0.026, 0.169, 0.652, 0.026, 0.021, 0.091, 0.014];

/// A state on or next to a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// On a beat that is no downbeat.
    Beat,
    /// One frame off it.
    BesideBeat,
    /// On a downbeat.
    Downbeat,
    /// One frame off it.
    BesideDownbeat,
}

/// How much likelier one frame makes states and metres.
pub struct Gains {
    /// Of each [`Mark`], over a state far from any beat.
    pub marks: [f32; 4],
    metres: [f32; METRES.len()],
}

impl Gains {
    /// The net was trained with cross-entropy towards w = 1 on a beat and 0.5 in the frames beside it, so
    /// log P(heard | state) = w·log a + (1 − w)·log(1 − a), which is w·logit(a) more than without a beat.
    pub fn of(heard: &Activations) -> Self {
        let beat = BEAT_POWER * (heard.beat.clamp(-MOST_LOGIT, MOST_LOGIT) - BEAT_PRIOR);
        let (p_beat, p_down) = (logistic(heard.beat), logistic(heard.downbeat));
        // Whether this is a downbeat, given that it is a beat.
        let down = ((p_down + FAINT_BEAT * DOWNBEAT_SHARE) / (p_beat + FAINT_BEAT)).clamp(0.01, 0.99);
        let power = DOWNBEAT_POWER;
        let is_down = beat + power * libm::logf(down / DOWNBEAT_SHARE);
        let is_other = beat + power * libm::logf((1.0 - down) / (1.0 - DOWNBEAT_SHARE));
        let power = METRE_POWER;
        Self {
            marks: [is_other, 0.5 * is_other, is_down, 0.5 * is_down].map(libm::expf),
            metres: std::array::from_fn(|m| libm::powf(heard.metres[m].max(0.01) / TRAINED_METRES[m], power)),
        }
    }

    /// Of bars in `metre`.
    pub fn metre(&self, metre: Metre) -> f32 {
        number_of(metre).map_or(1.0, |m| self.metres[m])
    }
}

/// The marked states of a bar of `len` states with `beats` beats.
pub fn marks(beats: usize, len: usize) -> Vec<(usize, Mark)> {
    (0..beats)
        .flat_map(|beat| {
            let at = (beat * len).div_ceil(beats);
            let (on, beside) = match beat {
                0 => (Mark::Downbeat, Mark::BesideDownbeat),
                _ => (Mark::Beat, Mark::BesideBeat),
            };
            [((at + len - 1) % len, beside), (at, on), ((at + 1) % len, beside)]
        })
        .collect()
}
