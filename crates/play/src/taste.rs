//! What a musician likes, learnt from thumbs and kept clips, and the choice among takes of a bar that follows
//! from it.
//!
//! A bar can be played in a few [`Take`]s: other seeds, some of them with knobs leaned a little. A judgement says how
//! what was judged differs from the other takes of the same bars, and whether it was liked; so what a style or a song asks
//! for anyway is not mistaken for taste. Nothing judged, nothing changed: the neutral taste gives the notes of
//! [`crate::plan_bar`], to the byte.

use std::collections::{BTreeMap, BTreeSet};

use backline_music::{Controls, PlannedBar};
use serde::{Deserialize, Serialize};

use crate::{BarContext, Models, plan_bar_with};

mod figures;
mod leaning;

pub use figures::Figure;
use figures::Figures;
use leaning::Leaning;

/// The version of the form that this build writes.
const VERSION: u32 = 1;
/// Judgements that are kept: the newest. Tastes change.
const KEPT: usize = 256;
/// What a judgement in another style weighs.
const ELSEWHERE: f64 = 0.4;
/// A take is kept for so many bars: a band that changes its mind every bar has no groove.
const TAKE_BARS: u32 = 4;
/// How far the knobs lean in a take.
const LEAN: f32 = 0.25;

/// What a musician says of some bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Thumbs up.
    Liked,
    /// Thumbs down.
    Disliked,
    /// Dragged or exported as a clip.
    Kept,
}

/// A judgement: how the bars differed from their other takes, and what was said of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Id of the style of the bars.
    pub style: String,
    /// What was said.
    pub verdict: Verdict,
    /// By name of the figure: how far above the mean of the takes, in usual deviations.
    pub figures: BTreeMap<String, f32>,
}

/// Why a stored taste cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TasteError {
    /// It is damaged.
    #[error("it cannot be read ({0})")]
    Damaged(#[from] serde_json::Error),
    /// A later Backline wrote it.
    #[error("it was written by a later Backline (form {0}; this one knows form {VERSION})")]
    Newer(u32),
}

#[derive(Serialize, Deserialize)]
struct Stored {
    backline_taste: u32,
    judgements: Vec<Judgement>,
}

/// A musician's taste.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taste {
    judgements: Vec<Judgement>,
    /// By style that was judged; the empty name stands for all others.
    leanings: BTreeMap<String, Leaning>,
}

impl Taste {
    /// No taste yet.
    pub fn neutral() -> Self {
        Self::default()
    }

    /// Whether nothing was judged yet.
    pub fn is_neutral(&self) -> bool {
        self.judgements.is_empty()
    }

    /// What was judged, oldest first.
    pub fn judgements(&self) -> &[Judgement] {
        &self.judgements
    }

    /// Takes a judgement in.
    pub fn learn(&mut self, judgement: Judgement) {
        self.judgements.push(judgement);
        self.settle();
    }

    fn settle(&mut self) {
        let surplus = self.judgements.len().saturating_sub(KEPT);
        self.judgements.drain(..surplus);
        self.leanings.clear();
        if self.is_neutral() {
            return;
        }
        let seen: Vec<(Figures, bool)> = self
            .judgements
            .iter()
            .map(|j| (Figures::named(&j.figures), j.verdict != Verdict::Disliked))
            .collect();
        let fit = |style: &str| {
            let weight = |j: &Judgement| if j.style == style { 1.0 } else { ELSEWHERE };
            Leaning::fit(seen.iter().zip(&self.judgements).map(|((x, liked), j)| (*x, *liked, weight(j))))
        };
        let styles: BTreeSet<&str> = self.judgements.iter().map(|j| j.style.as_str()).chain([""]).collect();
        self.leanings = styles.into_iter().map(|s| (s.to_owned(), fit(s))).collect();
    }

    fn leaning(&self, style: &str) -> Option<&Leaning> {
        self.leanings.get(style).or_else(|| self.leanings.get(""))
    }

    /// What it leans to in a style (any other name: in general), strongest first: below 0 less is liked, above 0 more.
    pub fn leans(&self, style: &str) -> Vec<(Figure, f64)> {
        let Some(leaning) = self.leaning(style) else { return Vec::new() };
        let mut leans: Vec<(Figure, f64)> = Figure::ALL.into_iter().map(|f| (f, leaning.toward(f))).collect();
        leans.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        leans
    }

    /// As it is stored: JSON.
    pub fn to_json(&self) -> String {
        let stored = Stored { backline_taste: VERSION, judgements: self.judgements.clone() };
        // Names and numbers always are JSON.
        serde_json::to_string_pretty(&stored).unwrap_or_default() + "\n"
    }

    /// Reads what [`Taste::to_json`] wrote. Figures that this build does not know count nothing.
    ///
    /// # Errors
    /// It is damaged, or of a later form.
    pub fn from_json(text: &str) -> Result<Self, TasteError> {
        #[derive(Deserialize)]
        struct Head {
            backline_taste: u32,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.backline_taste > VERSION {
            return Err(TasteError::Newer(head.backline_taste));
        }
        let stored: Stored = serde_json::from_str(text)?;
        let mut taste = Self { judgements: stored.judgements, leanings: BTreeMap::new() };
        taste.settle();
        Ok(taste)
    }
}

/// One of the ways to play the same bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Take(u8);

impl Take {
    /// As [`crate::plan_bar`] plays.
    pub const PLAIN: Self = Self(0);
    /// All of them.
    pub const ALL: [Self; 8] = [Self(0), Self(1), Self(2), Self(3), Self(4), Self(5), Self(6), Self(7)];

    /// The controls that this take is planned with.
    #[must_use]
    pub fn controls(self, controls: &Controls) -> Controls {
        // Half of a cube's corners in energy, density and brightness: every two knobs lean every way together.
        const CORNERS: [[f32; 3]; 4] =
            [[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]];
        if self == Self::PLAIN {
            return controls.clone();
        }
        let [energy, density, brightness] = CORNERS.get(usize::from(self.0) - 1).copied().unwrap_or_default();
        Controls {
            // The golden ratio's odd multiple lies far from every seed that is counted up.
            seed: controls.seed.wrapping_add(u32::from(self.0).wrapping_mul(0x9E37_79B9)),
            energy: controls.energy + LEAN * energy,
            density: controls.density + LEAN * density,
            brightness: controls.brightness + LEAN * brightness,
            ..controls.clone()
        }
        .sanitised()
    }
}

/// Plans one bar in the take that suits the taste, and says which it is. `before` is the take of the bar
/// that leads here, if any: it is kept for four bars. Pure, as [`crate::plan_bar`] is.
pub fn plan_by_taste(
    models: &Models,
    taste: &Taste,
    ctx: &BarContext,
    controls: &Controls,
    previous: Option<&PlannedBar>,
    before: Option<Take>,
) -> (PlannedBar, Take) {
    let plan = |take: Take| plan_bar_with(models, ctx, &take.controls(controls), previous);
    let Some(leaning) = taste.leaning(&ctx.style) else { return (plan(Take::PLAIN), Take::PLAIN) };
    if let Some(take) = before.filter(|_| !ctx.bar_in_phrase.is_multiple_of(TAKE_BARS) && !ctx.section_start)
    {
        return (plan(take), take);
    }
    let mut best = (plan(Take::PLAIN), Take::PLAIN);
    let mut most = leaning.score(&Figures::of(&best.0, &ctx.accents));
    for take in Take::ALL.into_iter().skip(1) {
        let bar = plan(take);
        let score = leaning.score(&Figures::of(&bar, &ctx.accents));
        if score > most {
            (best, most) = ((bar, take), score);
        }
    }
    best
}

/// A bar as it was played, and what it was planned from.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// What was played.
    pub bar: PlannedBar,
    /// What the player knew.
    pub ctx: BarContext,
    /// The knobs, without a take's leaning.
    pub controls: Controls,
    /// The bar before.
    pub previous: Option<PlannedBar>,
}

/// The judgement that a verdict on some bars amounts to; `None` where there are none.
pub fn judge(models: &Models, bars: &[Played], verdict: Verdict) -> Option<Judgement> {
    let first = bars.first()?;
    let mut sum = Figures::default();
    for played in bars {
        let accents = &played.ctx.accents;
        let mut mean = Figures::default();
        for take in Take::ALL {
            let controls = take.controls(&played.controls);
            let other = plan_bar_with(models, &played.ctx, &controls, played.previous.as_ref());
            mean.add(&Figures::of(&other, accents), 1.0 / Take::ALL.len() as f64);
        }
        sum.add(&Figures::of(&played.bar, accents), 1.0 / bars.len() as f64);
        sum.add(&mean, -1.0 / bars.len() as f64);
    }
    Some(Judgement { style: first.bar.style.clone(), verdict, figures: sum.by_name() })
}

#[cfg(test)]
mod tests;
