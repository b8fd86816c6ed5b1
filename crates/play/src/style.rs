//! Styles: what a band plays in a genre, read from data files.
//!
//! `styles/README.md` documents the file format and how to add a style.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use backline_music::Metre;
use serde::{Deserialize, Serialize};

pub mod pattern;

pub use pattern::{BassStep, CompStep, DrumStep, Lane, Pattern, PatternError, Pick};

/// Which notes the swing delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwingUnit {
    /// The eighths between the beats.
    Eighth,
    /// The sixteenths between the eighths.
    Sixteenth,
}

/// General MIDI programs, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programs {
    /// Of the chords.
    pub chords: u8,
    /// Of the bass.
    pub bass: u8,
}

/// How late (positive) or early (negative) a player sits, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeelMs {
    /// Bass drum.
    pub kick: f32,
    /// Snare, rim and clap.
    pub snare: f32,
    /// Hats and ride.
    pub cymbals: f32,
    /// Chords.
    pub chords: f32,
    /// Bass.
    pub bass: f32,
}

/// How chords are voiced.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoicingRules {
    /// MIDI key around which the voicing lies.
    pub centre: u8,
    /// Notes in a chord: 3..=5.
    pub voices: u8,
    /// 0 (triads as written) … 1 (ninths and thirteenths wherever the key has them).
    pub colour: f32,
    /// Roots and fifths only, as a distorted guitar plays.
    #[serde(default)]
    pub power: bool,
}

/// A drum pattern at one intensity.
#[derive(Debug, Clone, PartialEq)]
pub struct Groove {
    /// Intensity, 0..=1.
    pub energy: f32,
    /// Metre it is written in.
    pub metre: Metre,
    /// The lanes.
    pub lanes: BTreeMap<Lane, Pattern<DrumStep>>,
}

/// A fill: it takes the place of the groove at the end of a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Fill {
    /// Intensity, 0..=1.
    pub energy: f32,
    /// Length in quarter notes.
    pub quarters: u8,
    /// The lanes.
    pub lanes: BTreeMap<Lane, Pattern<DrumStep>>,
}

/// A comping rhythm.
#[derive(Debug, Clone, PartialEq)]
pub struct Comping {
    /// Intensity, 0..=1.
    pub energy: f32,
    /// Metre it is written in.
    pub metre: Metre,
    /// When the chord is struck, and how long it sounds.
    pub rhythm: Pattern<CompStep>,
    /// Which notes each stroke sounds.
    pub pick: Pattern<Pick>,
}

/// A bass pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct BassLine {
    /// Intensity, 0..=1.
    pub energy: f32,
    /// Metre it is written in.
    pub metre: Metre,
    /// What is played at each step.
    pub steps: Pattern<BassStep>,
    /// 0 (as written) … 1 (struck again with every kick).
    pub lock: f32,
}

/// A style.
#[derive(Debug, Clone, PartialEq)]
pub struct StyleInfo {
    /// Stable id, for example `dnb`.
    pub id: String,
    /// The name that a musician reads.
    pub name: String,
    /// What makes it, in a sentence.
    pub about: String,
    /// Usual tempi in quarter notes a minute.
    pub tempo_bpm: [f64; 2],
    /// Swing: 0 (straight) … 1 (triplet).
    pub swing: f32,
    /// What the swing delays.
    pub swing_unit: SwingUnit,
    /// Steps in a quarter note: 4 straight, 3 triplets.
    pub steps_per_quarter: u8,
    /// Metres it suits; patterns that name no metre are written in the first.
    pub metres: Vec<Metre>,
    /// Whether the backbeat is on 3 of 4, as in half time.
    pub half_time: bool,
    /// Usual phrase in bars.
    pub phrase_bars: u32,
    /// General MIDI programs.
    pub programs: Programs,
    /// 0 (the kick keeps its pattern) … 1 (the kick answers the accents that are heard).
    pub kick_follow: f32,
    /// Weight of the ghost notes that a rising density adds, 0..=1.
    pub ghosts: f32,
    /// Weight of crashes at phrase starts, 0..=1.
    pub crash: f32,
    /// Micro-timing.
    pub feel_ms: FeelMs,
    /// How chords are voiced.
    pub voicing: VoicingRules,
    /// Part of a note's step that sounds when the rhythm has it cut by a rest, 0..=1.
    pub gate: f32,
    /// Drum patterns, calmest first.
    pub grooves: Vec<Groove>,
    /// Fills, calmest first.
    pub fills: Vec<Fill>,
    /// Comping rhythms, calmest first.
    pub comping: Vec<Comping>,
    /// Bass patterns, calmest first.
    pub bass: Vec<BassLine>,
}

/// Why a style file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StyleError {
    /// It is not JSON, or a field is missing, unknown or of the wrong kind.
    #[error(
        "the style file cannot be read ({0}), so the style is left out; compare it with styles/README.md"
    )]
    Json(#[from] serde_json::Error),
    /// A pattern is wrong.
    #[error("style \"{style}\": {part}: \"{text}\": {cause}, so the style is left out; mend the pattern")]
    Pattern {
        /// Id of the style.
        style: String,
        /// Where the pattern stands, for example "grooves[1] kick".
        part: String,
        /// The pattern.
        text: String,
        /// What is wrong with it.
        cause: PatternError,
    },
    /// A number is out of range, or a list is empty.
    #[error("style \"{style}\": {field} {rule}, so the style is left out; mend that field")]
    Field {
        /// Id of the style.
        style: String,
        /// The field.
        field: &'static str,
        /// What it has to fulfil.
        rule: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDrums {
    energy: f32,
    #[serde(default)]
    metre: Option<String>,
    #[serde(default)]
    quarters: Option<u8>,
    drums: BTreeMap<Lane, String>,
    #[serde(default)]
    prob: BTreeMap<Lane, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawComping {
    energy: f32,
    #[serde(default)]
    metre: Option<String>,
    rhythm: String,
    #[serde(default)]
    pick: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBass {
    energy: f32,
    #[serde(default)]
    metre: Option<String>,
    notes: String,
    #[serde(default)]
    lock: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStyle {
    id: String,
    name: String,
    about: String,
    tempo_bpm: [f64; 2],
    swing: f32,
    swing_unit: SwingUnit,
    steps_per_quarter: u8,
    metres: Vec<String>,
    #[serde(default)]
    half_time: bool,
    phrase_bars: u32,
    programs: Programs,
    kick_follow: f32,
    ghosts: f32,
    crash: f32,
    #[serde(default)]
    feel_ms: FeelMs,
    voicing: VoicingRules,
    gate: f32,
    grooves: Vec<RawDrums>,
    fills: Vec<RawDrums>,
    comping: Vec<RawComping>,
    bass: Vec<RawBass>,
}

impl StyleInfo {
    /// Reads a style file.
    ///
    /// # Errors
    /// It is not the JSON that `styles/README.md` describes, or a pattern or number in it is wrong.
    pub fn from_json(text: &str) -> Result<Self, StyleError> {
        Reader { raw: serde_json::from_str(text)? }.read()
    }
}

struct Reader {
    raw: RawStyle,
}

impl Reader {
    fn field(&self, field: &'static str, rule: &'static str) -> StyleError {
        StyleError::Field { style: self.raw.id.clone(), field, rule }
    }

    fn metre(&self, text: &str) -> Result<Metre, StyleError> {
        text.parse().map_err(|_| self.field("metre", "must read like 4/4"))
    }

    fn own_metre(&self, text: &Option<String>, native: Metre) -> Result<Metre, StyleError> {
        text.as_ref().map_or(Ok(native), |m| self.metre(m))
    }

    fn energy(&self, energy: f32) -> Result<f32, StyleError> {
        if (0.0..=1.0).contains(&energy) {
            Ok(energy)
        } else {
            Err(self.field("energy", "must lie in 0..=1"))
        }
    }

    fn steps(&self, quarters: f64) -> usize {
        // At most 128 quarters times 4 steps; fractions of a step are refused by the length check.
        (quarters * f64::from(self.raw.steps_per_quarter)) as usize
    }

    fn pattern<T: Copy>(
        &self,
        part: impl Fn() -> String,
        text: &str,
        steps: usize,
        step: impl Fn(char) -> Option<T>,
    ) -> Result<Pattern<T>, StyleError> {
        Pattern::read(text, steps, step).map_err(|cause| StyleError::Pattern {
            style: self.raw.id.clone(),
            part: part(),
            text: text.to_owned(),
            cause,
        })
    }

    fn lanes(&self, raw: &RawDrums, steps: usize) -> Result<BTreeMap<Lane, Pattern<DrumStep>>, StyleError> {
        if raw.prob.keys().any(|lane| !raw.drums.contains_key(lane)) {
            return Err(self.field("prob", "must only name lanes that are in drums"));
        }
        let mut lanes = BTreeMap::new();
        for (&lane, text) in &raw.drums {
            let part = || format!("{lane:?} at energy {}", raw.energy);
            let mut pattern = self.pattern(part, text, steps, pattern::drum_step)?;
            if let Some(text) = raw.prob.get(&lane) {
                let probs = self.pattern(part, text, steps, pattern::prob_step)?;
                for (i, step) in pattern.steps_mut().iter_mut().enumerate() {
                    step.prob *= probs.steps()[i % probs.steps().len()];
                }
            }
            lanes.insert(lane, pattern);
        }
        Ok(lanes)
    }

    fn read(self) -> Result<StyleInfo, StyleError> {
        let raw = &self.raw;
        let unit = |v: f32| (0.0..=1.0).contains(&v);
        for (ok, field, rule) in [
            (!raw.id.is_empty(), "id", "must not be empty"),
            (
                raw.tempo_bpm[0] > 0.0 && raw.tempo_bpm[1] > raw.tempo_bpm[0],
                "tempo_bpm",
                "must be [low, high]",
            ),
            (unit(raw.swing), "swing", "must lie in 0..=1"),
            (matches!(raw.steps_per_quarter, 2..=4), "steps_per_quarter", "must be 2, 3 or 4"),
            (!raw.metres.is_empty(), "metres", "must name at least one metre"),
            ((1..=32).contains(&raw.phrase_bars), "phrase_bars", "must lie in 1..=32"),
            (
                unit(raw.kick_follow) && unit(raw.ghosts) && unit(raw.crash),
                "kick_follow, ghosts, crash",
                "must lie in 0..=1",
            ),
            (unit(raw.gate) && raw.gate > 0.0, "gate", "must lie above 0, up to 1"),
            (unit(raw.voicing.colour), "voicing.colour", "must lie in 0..=1"),
            ((3..=5).contains(&raw.voicing.voices), "voicing.voices", "must be 3, 4 or 5"),
            ((52..=76).contains(&raw.voicing.centre), "voicing.centre", "must lie in 52..=76"),
            (raw.programs.chords < 128 && raw.programs.bass < 128, "programs", "must be below 128"),
            (!raw.grooves.is_empty(), "grooves", "must hold at least one"),
            (!raw.comping.is_empty(), "comping", "must hold at least one"),
            (!raw.bass.is_empty(), "bass", "must hold at least one"),
            (raw.bass.iter().all(|b| unit(b.lock)), "lock", "must lie in 0..=1"),
        ] {
            if !ok {
                return Err(self.field(field, rule));
            }
        }
        let metres = raw.metres.iter().map(|m| self.metre(m)).collect::<Result<Vec<_>, _>>()?;
        let native = metres[0];
        let mut grooves = Vec::new();
        for groove in &raw.grooves {
            let metre = self.own_metre(&groove.metre, native)?;
            let lanes = self.lanes(groove, self.steps(metre.bar_quarters()))?;
            grooves.push(Groove { energy: self.energy(groove.energy)?, metre, lanes });
        }
        let mut fills = Vec::new();
        for fill in &raw.fills {
            let quarters = fill.quarters.filter(|q| (1..=8).contains(q));
            let quarters = quarters.ok_or_else(|| self.field("fills", "must each say quarters, 1..=8"))?;
            let lanes = self.lanes(fill, self.steps(f64::from(quarters)))?;
            fills.push(Fill { energy: self.energy(fill.energy)?, quarters, lanes });
        }
        let mut comping = Vec::new();
        for comp in &raw.comping {
            let metre = self.own_metre(&comp.metre, native)?;
            let steps = self.steps(metre.bar_quarters());
            let part = || format!("comping at energy {}", comp.energy);
            let rhythm = self.pattern(part, &comp.rhythm, steps, pattern::comp_step)?;
            let all = "*".repeat(rhythm.steps().len());
            let pick = self.pattern(part, comp.pick.as_deref().unwrap_or(&all), steps, pattern::pick_step)?;
            comping.push(Comping { energy: self.energy(comp.energy)?, metre, rhythm, pick });
        }
        let mut bass = Vec::new();
        for line in &raw.bass {
            let metre = self.own_metre(&line.metre, native)?;
            let part = || format!("bass at energy {}", line.energy);
            let steps =
                self.pattern(part, &line.notes, self.steps(metre.bar_quarters()), pattern::bass_step)?;
            bass.push(BassLine { energy: self.energy(line.energy)?, metre, steps, lock: line.lock });
        }
        Ok(StyleInfo {
            id: raw.id.clone(),
            name: raw.name.clone(),
            about: raw.about.clone(),
            tempo_bpm: raw.tempo_bpm,
            swing: raw.swing,
            swing_unit: raw.swing_unit,
            steps_per_quarter: raw.steps_per_quarter,
            metres,
            half_time: raw.half_time,
            phrase_bars: raw.phrase_bars,
            programs: raw.programs,
            kick_follow: raw.kick_follow,
            ghosts: raw.ghosts,
            crash: raw.crash,
            feel_ms: raw.feel_ms,
            voicing: raw.voicing,
            gate: raw.gate,
            grooves,
            fills,
            comping,
            bass,
        })
    }
}

macro_rules! embedded {
    ($($id:literal),* $(,)?) => {
        /// The style files of the product, in the order that lists show.
        pub(crate) const FILES: &[(&str, &str)] =
            &[$(($id, include_str!(concat!("../styles/", $id, ".json")))),*];
    };
}

embedded![
    "rock",
    "pop",
    "ballad",
    "punk",
    "hiphop",
    "trap",
    "house",
    "techno",
    "hardstyle",
    "dnb",
    "funk",
    "soul",
    "jazz",
    "bossa",
    "reggae",
    "country",
    "waltz",
    "blues_shuffle",
    "disco",
    "indie",
    "latin",
    "metal",
    "sixeight_ballad",
];

/// The styles that come with Backline, in the order that lists show.
pub fn styles() -> &'static [StyleInfo] {
    static STYLES: OnceLock<Vec<StyleInfo>> = OnceLock::new();
    // The tests read every file, so none is left out here; a broken one must not stop the band.
    STYLES.get_or_init(|| FILES.iter().filter_map(|(_, text)| StyleInfo::from_json(text).ok()).collect())
}

/// The style with this id.
pub fn style(id: &str) -> Option<&'static StyleInfo> {
    styles().iter().find(|style| style.id == id)
}

/// Bars in a phrase of the style with this id, where the music does not say otherwise; eight where there is none.
pub fn usual_phrase_bars(id: &str) -> u32 {
    style(id).map_or(8, |style| style.phrase_bars)
}

#[cfg(test)]
mod tests;
