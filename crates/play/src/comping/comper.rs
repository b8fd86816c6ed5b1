//! The comping net at work: it decides step by step whether the chord is struck, goes on, or is silent.

use std::path::Path;

use backline_nets::{Model, NetError, Stream, read_folder};
use serde::Deserialize;

use super::reading::{STATES, STEPS, Sheet, State};

/// Two processors may compute a logit differently in its last digits; rounded, they play the same.
const LOGIT_STEPS: f64 = 1000.0;

/// What the description of this net says beyond that of any net.
#[derive(Debug, Deserialize)]
struct About {
    /// The styles whose comping it suits.
    styles: Vec<String>,
}

/// A net that comps.
#[derive(Debug)]
pub struct Comper {
    model: Model,
    about: About,
}

impl Comper {
    /// The net of the bytes `onnx` that the card `json` describes.
    ///
    /// # Errors
    /// The card is damaged, the net is not the one it speaks of, it cannot be run, or it does not comp.
    pub fn from_bytes(json: &[u8], onnx: &[u8]) -> Result<Self, NetError> {
        Self::new(Model::from_bytes("comping", json, onnx)?, json)
    }

    /// The net in `folder`: its `net.onnx` and `net.json`.
    ///
    /// # Errors
    /// As [`Comper::from_bytes`], or a file cannot be read.
    pub fn from_folder(folder: &Path) -> Result<Self, NetError> {
        let (json, onnx) = read_folder(folder)?;
        Self::from_bytes(&json, &onnx)
    }

    fn new(model: Model, json: &[u8]) -> Result<Self, NetError> {
        let damaged = |why: String| NetError::Card { net: "comping".into(), why };
        let about: About = serde_json::from_slice(json).map_err(|e| damaged(e.to_string()))?;
        let blank = Sheet {
            before: None,
            changes: [false; STEPS],
            dense: 0.0,
            full: 0.0,
            tempo_bpm: 120.0,
            bar_in_phrase: 0,
        };
        let card = model.card();
        let fits = card.columns("state").is_some_and(|c| c.len() == STATES);
        if !fits || card.chunk != 1 || card.features != blank.features(0, &[]).len() {
            return Err(damaged("it does not comp".to_owned()));
        }
        Ok(Self { model, about })
    }

    /// Whether it suits this style.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.about.styles.iter().any(|s| s == id)
    }

    /// Plays the bar: `decide` is asked at each step with the logits of the states.
    ///
    /// # Errors
    /// The net cannot be run.
    pub(crate) fn play(
        &self,
        sheet: &Sheet,
        mut decide: impl FnMut(usize, [f64; STATES]) -> State,
    ) -> Result<Vec<State>, NetError> {
        let first = self.model.card().columns("state").map_or(0, |c| c.start);
        let mut stream = Stream::new(&self.model);
        let mut own = Vec::with_capacity(STEPS);
        for step in 0..STEPS {
            let y = stream.step(&sheet.features(step, &own))?;
            let told = |i: usize| (f64::from(y[first + i]) * LOGIT_STEPS).round() / LOGIT_STEPS;
            own.push(decide(step, std::array::from_fn(told)));
        }
        Ok(own)
    }
}
