//! What a net says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::NetError;

/// The largest net, chunk, state or output that is accepted: far above ours, and low enough that a
/// damaged card cannot take all memory.
const MOST_ELEMENTS: usize = 1 << 22;

/// One head of a net: some neighbouring columns of `y`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// What it tells.
    pub name: String,
    /// Number of columns.
    pub width: usize,
}

/// The net's description, `net.json`. Fields that are not known are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The net's name.
    pub name: String,
    /// SHA-256 of `net.onnx`, in hexadecimal.
    pub sha256: String,
    /// Frames in one step.
    pub chunk: usize,
    /// Values in a frame of input.
    pub features: usize,
    /// Frames of input a second.
    pub frame_rate_hz: f64,
    /// Frames by which `y` lags behind `x`: row i of `y` speaks of frame i - lookahead.
    pub lookahead_frames: usize,
    /// Shapes of the states.
    pub states: Vec<Vec<usize>>,
    /// The heads, in the order of y's columns.
    pub outputs: Vec<Output>,
    /// What a head's logits are divided by to mean probabilities; 1 where none is given.
    #[serde(default)]
    pub temperature: BTreeMap<String, f32>,
}

impl Card {
    /// Reads a card; `net` names it in errors.
    ///
    /// # Errors
    /// It is no card, or its numbers make no sense.
    pub fn parse(net: &str, json: &[u8]) -> Result<Self, NetError> {
        let damaged = |why: String| NetError::Card { net: net.to_owned(), why };
        let card: Self = serde_json::from_slice(json).map_err(|e| damaged(e.to_string()))?;
        let elements = |shape: &[usize]| shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        let fits = |n: Option<usize>| n.is_some_and(|n| (1..=MOST_ELEMENTS).contains(&n));
        let shapes_fit = fits(card.chunk.checked_mul(card.features))
            && fits(card.width().and_then(|w| w.checked_mul(card.chunk)))
            && card.states.len() <= 64
            && card.states.iter().all(|s| fits(elements(s)));
        let temperatures_fit = card.temperature.values().all(|t| t.is_finite() && *t > 0.0);
        let rate_fits = card.frame_rate_hz.is_finite() && card.frame_rate_hz > 0.0;
        if !shapes_fit || !temperatures_fit || !rate_fits || card.lookahead_frames > 1_000 {
            return Err(damaged("its numbers make no sense".to_owned()));
        }
        Ok(card)
    }

    /// Columns of `y`.
    pub(crate) fn width(&self) -> Option<usize> {
        self.outputs.iter().try_fold(0usize, |n, o| n.checked_add(o.width))
    }

    /// The columns of the head `name`.
    pub fn columns(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let mut first = 0;
        for output in &self.outputs {
            if output.name == name {
                return Some(first..first + output.width);
            }
            first += output.width;
        }
        None
    }
}
