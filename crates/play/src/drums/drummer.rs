//! The drummer's net at work: it reads the chart, the fill and the accents, and plays a step at a time.

use std::path::Path;

use backline_nets::{Model, NetError, Stream, read_folder};
use serde::Deserialize;

use super::reading::{Levels, Score, VOICES};

/// Two processors may compute a logit differently in its last digits; rounded, they draw the same strokes.
const LOGIT_STEPS: f64 = 1000.0;
/// The least spread that training allows.
const LEAST_SPREAD: f64 = 0.05;
/// Lateness is told in units of this many ms.
const LATE_MS: f64 = 20.0;

/// What the description of this net says beyond that of any net.
#[derive(Debug, Deserialize)]
struct About {
    /// Style ids in the order of the net's input; the first stands for any other.
    styles: Vec<String>,
    /// The styles in which it beats the written grooves on drummers, or on kinds of grooves, that it never heard.
    plays: Vec<String>,
}

/// A net that drums.
#[derive(Debug)]
pub struct Drummer {
    model: Model,
    about: About,
}

/// A stroke as the net means it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Touch {
    pub(crate) level: f64,
    pub(crate) level_spread: f64,
    pub(crate) late_ms: f64,
    pub(crate) late_spread_ms: f64,
}

impl Drummer {
    /// The net of the bytes `onnx` that the card `json` describes.
    ///
    /// # Errors
    /// The card is damaged, the net is not the one it speaks of, it cannot be run, or it is no drummer.
    pub fn from_bytes(json: &[u8], onnx: &[u8]) -> Result<Self, NetError> {
        Self::new(Model::from_bytes("drums", json, onnx)?, json)
    }

    /// The net in `folder`: its `net.onnx` and `net.json`.
    ///
    /// # Errors
    /// As [`Drummer::from_bytes`], or a file cannot be read.
    pub fn from_folder(folder: &Path) -> Result<Self, NetError> {
        let (json, onnx) = read_folder(folder)?;
        Self::from_bytes(&json, &onnx)
    }

    fn new(model: Model, json: &[u8]) -> Result<Self, NetError> {
        let damaged = |why: String| NetError::Card { net: "drums".into(), why };
        let about: About = serde_json::from_slice(json).map_err(|e| damaged(e.to_string()))?;
        let card = model.card();
        let heads = [("strike", VOICES), ("coupling", VOICES * (VOICES - 1) / 2)];
        let touch = ["level", "level_log_spread", "late", "late_log_spread"].map(|n| (n, VOICES));
        let fits = heads.iter().chain(&touch).all(|&(n, w)| card.columns(n).is_some_and(|c| c.len() == w));
        let blank = Score {
            triplets: false,
            chart: Vec::new(),
            before: Vec::new(),
            style: 0,
            styles: about.styles.len(),
            energy: 0.0,
            density: 0.0,
            tempo_bpm: 120.0,
            bar_in_phrase: 0,
            after_fill: false,
            fill_from: 0,
            accents: Vec::new(),
        };
        if !fits || card.chunk != 1 || card.features != blank.features(0, &Levels::default()).len() {
            return Err(damaged("it is no drummer".to_owned()));
        }
        Ok(Self { model, about })
    }

    /// Number of styles that it knows by name.
    pub(crate) fn styles(&self) -> usize {
        self.about.styles.len()
    }

    /// The index of a style.
    pub(crate) fn style(&self, id: &str) -> usize {
        self.about.styles.iter().position(|s| s == id).unwrap_or(0)
    }

    /// Whether it plays this style better than the written grooves do.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.about.plays.iter().any(|s| s == id)
    }

    /// Plays the bar. `decide` is asked step by step and voice by voice with the logit of a stroke and how it
    /// is meant; it answers with the level that is struck, or `None` for no stroke.
    ///
    /// # Errors
    /// The net cannot be run.
    pub(crate) fn play(
        &self,
        score: &Score,
        mut decide: impl FnMut(usize, usize, f64, Touch) -> Option<f64>,
    ) -> Result<(), NetError> {
        let card = self.model.card();
        let head = |name: &str| card.columns(name).map_or(0, |c| c.start);
        let (strike, coupling) = (head("strike"), head("coupling"));
        let (level, level_spread) = (head("level"), head("level_log_spread"));
        let (late, late_spread) = (head("late"), head("late_log_spread"));
        let mut stream = Stream::new(&self.model);
        let mut own = Levels::default();
        for step in 0..score.steps() {
            let y = stream.step(&score.features(step, &own))?;
            let told = |i: usize| (f64::from(y[i]) * LOGIT_STEPS).round() / LOGIT_STEPS;
            let mut struck = Levels::default();
            let mut tie = coupling;
            for voice in 0..VOICES {
                let mut logit = told(strike + voice);
                for &earlier in &struck[..voice] {
                    if earlier > 0.0 {
                        logit += told(tie);
                    }
                    tie += 1;
                }
                let spread = |i: usize| libm::exp(told(i)) + LEAST_SPREAD;
                let touch = Touch {
                    level: told(level + voice),
                    level_spread: spread(level_spread + voice),
                    late_ms: LATE_MS * told(late + voice),
                    late_spread_ms: LATE_MS * spread(late_spread + voice),
                };
                #[allow(clippy::cast_possible_truncation)] // the net's own precision
                if let Some(level) = decide(step, voice, logit, touch) {
                    struck[voice] = (level as f32).clamp(0.05, 1.0);
                }
            }
            own = struck;
        }
        Ok(())
    }
}
