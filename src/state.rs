//! What is saved with a project beside the parameters, and how unreadable or newer state is kept.
//!
//! Version 1. Rules: a field that this version does not know is kept and written back; a parameter or
//! a value that it does not know is set aside and offered again when a version that knows it loads
//! the project; text that is no state at all is set aside as it is, and a sentence tells the musician.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use backline_engine::Edits;
use backline_music::Corrections;
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{BoolParam, Enum, FloatParam, IntParam, Param, PluginState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::params::{BacklineParams, FollowChoice, FormChoice, Link, Send, Style};

/// The version that this build writes.
pub const VERSION: u32 = 1;

/// The field of the saved state that holds [`StateV1`].
const FIELD: &str = "backline";

/// Set-aside texts are kept up to this size each, and up to [`MAX_SET_ASIDE`] of them, so that a
/// project cannot grow without bound.
const MAX_TEXT_BYTES: usize = 16 << 20;
/// See [`MAX_TEXT_BYTES`].
const MAX_SET_ASIDE: usize = 8;

/// Fields that can be set aside alone.
const PARTS: [&str; 4] = ["corrections", "edits", "look", "preset"];

/// The state as the window, the worker and the host's saving share it. The audio thread never takes
/// this lock.
pub type SharedState = Arc<RwLock<StateV1>>;

/// How the window looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Light paper rather than dark.
    pub light: bool,
    /// Size of everything, 0.75..=2.
    pub zoom: f32,
    /// Whether hovering explains.
    pub tips: bool,
    /// Whether as little as can be moves.
    pub calm: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { light: false, zoom: 1.0, tips: true, calm: false }
    }
}

/// State, version 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateV1 {
    /// The version of the Backline that wrote it.
    pub version: u32,
    /// Texts that could not be read as state, as they were found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<String>,
    /// Whether something was too large to be set aside.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
    /// Parameters or values that this version does not know, by parameter id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_params: BTreeMap<String, Value>,
    /// What the musician has corrected. On the way into a project, pins on the heard beat stay out.
    #[serde(skip_serializing_if = "Corrections::is_empty", serialize_with = "for_project")]
    pub corrections: Corrections,
    /// What the musician has written into the lanes. On the way into a project, as the corrections.
    #[serde(skip_serializing_if = "Edits::is_empty", serialize_with = "edits_for_project")]
    pub edits: Edits,
    /// How the window looks.
    #[serde(skip_serializing_if = "is_usual")]
    pub look: Look,
    /// Name of the preset that was chosen last.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub preset: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

fn for_project<S: serde::Serializer>(corrections: &Corrections, out: S) -> Result<S::Ok, S::Error> {
    corrections.for_project().serialize(out)
}

fn edits_for_project<S: serde::Serializer>(edits: &Edits, out: S) -> Result<S::Ok, S::Error> {
    edits.for_project().serialize(out)
}

fn is_usual(look: &Look) -> bool {
    *look == Look::default()
}

impl Default for StateV1 {
    fn default() -> Self {
        Self {
            version: VERSION,
            set_aside: Vec::new(),
            dropped: false,
            unknown_params: BTreeMap::new(),
            corrections: Corrections::default(),
            edits: Edits::default(),
            look: Look::default(),
            preset: String::new(),
            rest: Map::new(),
        }
    }
}

/// What was found in a project that this build could not take as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Troubles {
    newer: bool,
    set_aside: usize,
    dropped: bool,
}

impl StateV1 {
    /// Reads the field as it was saved. Never fails: what cannot be read is set aside.
    fn read(text: &str) -> Self {
        match serde_json::from_str(text) {
            Ok(state) => Self::sound(state),
            Err(_) => Self::read_in_part(text),
        }
    }

    /// What can be read of a state that cannot be read as a whole: a field of another shape is set aside
    /// alone, and costs no other field.
    fn read_in_part(text: &str) -> Self {
        let mut state = Self::default();
        let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(text) else {
            state.keep_text(text);
            return state;
        };
        if let Some(Value::Array(texts)) = fields.get("set_aside") {
            state.set_aside.extend(texts.iter().filter_map(|t| t.as_str().map(str::to_owned)));
        }
        let version = fields.get("version").is_none_or(|v| serde_json::from_value::<u32>(v.clone()).is_ok());
        let odd: Vec<&str> = PARTS
            .into_iter()
            .filter(|name| {
                let alone: Map<String, Value> =
                    fields.get(*name).map(|v| ((*name).to_owned(), v.clone())).into_iter().collect();
                serde_json::from_value::<Self>(Value::Object(alone)).is_err()
            })
            .collect();
        let mut aside = Map::new();
        for name in odd {
            aside.extend(fields.remove(name).map(|value| (name.to_owned(), value)));
        }
        match serde_json::from_value::<Self>(Value::Object(fields)) {
            Ok(read) if version && !aside.is_empty() => {
                state = Self::sound(read);
                state.keep_text(&Value::Object(aside).to_string());
            }
            _ => state.keep_text(text),
        }
        state
    }

    /// The same state with every number in its range.
    fn sound(mut self) -> Self {
        self.corrections = self.corrections.sanitised();
        self.edits = self.edits.sanitised();
        let zoom = self.look.zoom;
        self.look.zoom = if zoom.is_finite() { zoom.clamp(0.75, 2.0) } else { 1.0 };
        self
    }

    fn keep_text(&mut self, text: &str) {
        self.dropped |= text.len() > MAX_TEXT_BYTES;
        if text.len() <= MAX_TEXT_BYTES && !self.set_aside.iter().any(|kept| kept == text) {
            self.set_aside.push(text.to_owned());
            let excess = self.set_aside.len().saturating_sub(MAX_SET_ASIDE);
            self.set_aside.drain(..excess);
        }
    }

    /// What was found that [`StateV1::notices`] tells of, without the sentences.
    pub fn troubles(&self) -> Troubles {
        let newer = self.version > VERSION || !self.unknown_params.is_empty();
        Troubles { newer, set_aside: self.set_aside.len(), dropped: self.dropped }
    }

    /// Sentences for the musician on what was found when the project was loaded.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if self.version > VERSION || !self.unknown_params.is_empty() {
            notices.push(
                "This project was saved by a newer Backline. What this version does not know is kept unchanged; \
                 update Backline to use it."
                    .to_owned(),
            );
        }
        if !self.set_aside.is_empty() {
            notices.push(
                "Part of the saved state could not be read, so Backline starts from its defaults. The unreadable \
                 part is kept in the project; check the knobs before you go on."
                    .to_owned(),
            );
        }
        if self.dropped {
            notices.push(
                "Part of the saved state could not be read and is too large to be kept. Do not save over this project \
                 until you have opened it with the Backline that it was saved by."
                    .to_owned(),
            );
        }
        notices
    }
}

/// Called by the framework before saved state is applied: makes it safe to apply. A parameter that
/// the state lacks, or whose value is set aside, gets its default, so that what was loaded before has
/// no say.
pub fn filter(state: &mut PluginState) {
    let mut ours = state.fields.get(FIELD).map(|text| StateV1::read(text)).unwrap_or_default();
    let known = known_params();

    // A newer version's values that an older version kept: offer them again, unless the musician has
    // chosen something since.
    for (id, value) in std::mem::take(&mut ours.unknown_params) {
        let untouched = match (known.get(id.as_str()), state.params.get(&id)) {
            (Some((_, default)), Some(saved)) => same(default, saved),
            _ => true,
        };
        match serde_json::from_value::<ParamValue>(value.clone()) {
            Ok(param) if untouched => {
                state.params.insert(id, param);
            }
            Ok(_) => {}
            Err(_) => {
                ours.unknown_params.insert(id, value);
            }
        }
    }

    for (id, value) in std::mem::take(&mut state.params) {
        let usable = match (known.get(id.as_str()).map(|(kind, _)| kind), &value) {
            (Some(Kind::Float { min, max }), ParamValue::F32(v)) => (*min..=*max).contains(v),
            (Some(Kind::Int { min, max }), ParamValue::I32(v)) => (*min..=*max).contains(v),
            (Some(Kind::Bool), ParamValue::Bool(_)) => true,
            (Some(Kind::Choice(ids)), ParamValue::String(v)) => ids.contains(&v.as_str()),
            _ => false,
        };
        if usable {
            state.params.insert(id, value);
        } else if let Ok(value) = serde_json::to_value(&value) {
            ours.unknown_params.insert(id, value);
        }
    }
    for (id, (_, default)) in known {
        state.params.entry(id.to_owned()).or_insert(default);
    }

    if let Ok(text) = serde_json::to_string(&ours) {
        state.fields.insert(FIELD.to_owned(), text);
    }
}

fn same(a: &ParamValue, b: &ParamValue) -> bool {
    serde_json::to_value(a).ok() == serde_json::to_value(b).ok()
}

/// What a parameter may hold.
enum Kind {
    Float { min: f32, max: f32 },
    Int { min: i32, max: i32 },
    Bool,
    Choice(&'static [&'static str]),
}

/// What each parameter may hold, and its default.
fn known_params() -> BTreeMap<&'static str, (Kind, ParamValue)> {
    let d = BacklineParams::default();
    let float = |p: &FloatParam| {
        let kind = Kind::Float { min: p.preview_plain(0.0), max: p.preview_plain(1.0) };
        (kind, ParamValue::F32(p.default_plain_value()))
    };
    let int = |p: &IntParam| {
        let kind = Kind::Int { min: p.preview_plain(0.0), max: p.preview_plain(1.0) };
        (kind, ParamValue::I32(p.default_plain_value()))
    };
    let on_off = |p: &BoolParam| (Kind::Bool, ParamValue::Bool(p.default_plain_value()));
    // The first choice of each list is its default.
    let choice = |ids: Option<&'static [&'static str]>| {
        let ids = ids.unwrap_or(&[]);
        (Kind::Choice(ids), ParamValue::String(ids.first().copied().unwrap_or_default().to_owned()))
    };
    BTreeMap::from([
        ("bypass", on_off(&d.bypass)),
        ("listen", on_off(&d.listen)),
        ("style", choice(Style::ids())),
        ("energy", float(&d.energy)),
        ("bright", float(&d.brightness)),
        ("density", float(&d.density)),
        ("swing", float(&d.swing)),
        ("human", float(&d.humanise)),
        ("temp", float(&d.temperature)),
        ("seed", int(&d.seed)),
        ("send", choice(Send::ids())),
        ("drums", on_off(&d.drums_on)),
        ("chords", on_off(&d.chords_on)),
        ("bass", on_off(&d.bass_on)),
        ("ch_dr", int(&d.drums_channel)),
        ("ch_ch", int(&d.chords_channel)),
        ("ch_ba", int(&d.bass_channel)),
        ("preview", float(&d.preview)),
        ("follow", choice(FollowChoice::ids())),
        ("form", choice(FormChoice::ids())),
        ("link", choice(Link::ids())),
    ])
}

#[cfg(test)]
mod tests {
    use nice_plug::prelude::Params as _;

    use super::*;

    fn empty() -> PluginState {
        PluginState { version: String::new(), params: BTreeMap::new(), fields: BTreeMap::new() }
    }

    fn ours(state: &PluginState) -> StateV1 {
        serde_json::from_str(&state.fields[FIELD]).unwrap()
    }

    #[test]
    fn every_parameter_has_its_range_here() {
        let ids: Vec<String> =
            BacklineParams::default().param_map().into_iter().map(|(id, _, _)| id).collect();
        let known = known_params();
        assert_eq!(known.len(), ids.len());
        for id in ids {
            assert!(known.contains_key(id.as_str()), "{id}");
        }
    }

    #[test]
    fn newer_state_is_kept_and_given_back() {
        let mut state = empty();
        state
            .fields
            .insert(FIELD.into(), r#"{"version":7,"clips":[1,2,{"a":null}],"set_aside":["x"]}"#.into());
        state.params.insert("style".into(), ParamValue::String("zouk".into()));
        state.params.insert("glow".into(), ParamValue::F32(0.25));
        state.params.insert("energy".into(), ParamValue::F32(0.5));
        filter(&mut state);

        let kept = ours(&state);
        assert_eq!(kept.version, 7);
        assert_eq!(kept.rest["clips"], serde_json::json!([1, 2, {"a": null}]));
        assert_eq!(kept.set_aside, ["x"]);
        assert_eq!(kept.unknown_params["style"], serde_json::json!({"string": "zouk"}));
        assert!(kept.unknown_params.contains_key("glow"));
        assert!(matches!(state.params["style"], ParamValue::String(ref s) if s == "auto"));
        assert!(matches!(state.params["energy"], ParamValue::F32(v) if v == 0.5));
        assert_eq!(kept.notices().len(), 2);

        // Saved and loaded again by this version: nothing is lost, and nothing piles up.
        let before = ours(&state);
        filter(&mut state);
        assert_eq!(ours(&state), before);

        // The musician chose another style since: that choice holds.
        state.params.insert("style".into(), ParamValue::String("funk".into()));
        filter(&mut state);
        assert!(matches!(state.params["style"], ParamValue::String(ref s) if s == "funk"));
    }

    #[test]
    fn unreadable_state_is_set_aside() {
        for bad in ["", "{", "null", "[]", "7", r#"{"version":"one"}"#, "\u{0}\u{0}"] {
            let mut state = empty();
            state.fields.insert(FIELD.into(), bad.into());
            filter(&mut state);
            let kept = ours(&state);
            assert_eq!(kept.set_aside, [bad], "{bad:?}");
            assert_eq!(kept.version, VERSION);
            assert_eq!(kept.notices().len(), 1);
            assert_eq!(state.params.len(), known_params().len(), "every parameter is set");
        }
    }

    #[test]
    fn edits_of_a_newer_version_are_kept_however_many() {
        let bars = vec![r#"{"start":{"bar":1},"strings":"x"}"#; 100_000].join(",");
        for (bars, kept_whole) in [(bars.clone(), true), (vec![bars; 5].join(","), false)] {
            let mut state = empty();
            state.fields.insert(FIELD.into(), format!(r#"{{"version":9,"edits":[{bars}]}}"#));
            filter(&mut state);
            // As the host saves and loads it once more.
            filter(&mut state);
            let ours = ours(&state);
            assert_eq!(ours.set_aside.first().is_some_and(|text| text.contains(&bars)), kept_whole);
            assert_eq!(ours.notices().iter().any(|n| n.contains("too large")), !kept_whole);
        }
    }

    #[test]
    fn values_out_of_range_are_not_applied() {
        let mut state = empty();
        for (id, value) in [
            ("energy", ParamValue::F32(1.0e30)),
            ("temp", ParamValue::F32(f32::NAN)),
            ("ch_dr", ParamValue::I32(99)),
            ("style", ParamValue::I32(1_000)),
            ("listen", ParamValue::F32(1.0)),
        ] {
            state.params.insert(id.into(), value);
        }
        filter(&mut state);
        assert!(matches!(state.params["energy"], ParamValue::F32(v) if v == 0.0));
        assert!(matches!(state.params["temp"], ParamValue::F32(v) if v == 0.3));
        assert!(matches!(state.params["ch_dr"], ParamValue::I32(10)));
        assert!(matches!(state.params["style"], ParamValue::String(ref s) if s == "auto"));
        assert!(matches!(state.params["listen"], ParamValue::Bool(true)));
    }

    #[test]
    fn set_aside_text_is_bounded() {
        let mut state = StateV1::default();
        for i in 0..100 {
            state.keep_text(&format!("broken {i}"));
        }
        state.keep_text(&"x".repeat(MAX_TEXT_BYTES + 1));
        assert_eq!(state.set_aside.len(), MAX_SET_ASIDE);
        assert_eq!(state.set_aside.last().unwrap(), "broken 99");
        assert!(state.notices().iter().any(|n| n.contains("too large")), "it is not lost without a word");
    }

    #[test]
    fn edits_come_back_and_those_of_another_shape_cost_nothing_else() {
        use backline_engine::{KeptBar, KeptNote, Line};
        use backline_music::Part;
        let mut ours = StateV1::default();
        let note = KeptNote { key: 36, velocity: 101, at_beats: -0.02, length_beats: 0.25 };
        let kept = KeptBar {
            start_beat: 8.0,
            length_beats: 4.0,
            part: Part::Drums,
            on_heard_beat: false,
            notes: vec![note],
        };
        ours.edits.keep(kept.clone());
        ours.edits.keep(KeptBar { on_heard_beat: true, ..kept.clone() });
        ours.edits.retake(12.0, Line::Part(Part::Bass), false);
        ours.preset = "Mine".into();
        let text = serde_json::to_string(&ours).unwrap();
        let mut state = empty();
        state.fields.insert(FIELD.into(), text.clone());
        filter(&mut state);
        let read = self::tests::ours(&state);
        assert_eq!(read.edits, ours.edits.for_project());
        assert_eq!(read.edits.kept, [kept]);
        // As a newer version might write them.
        let newer = text.replacen("\"drums\"", "\"strings\"", 1);
        assert_ne!(newer, text);
        state.fields.insert(FIELD.into(), newer);
        filter(&mut state);
        let read = self::tests::ours(&state);
        assert_eq!((read.edits, read.preset.as_str()), (Edits::default(), "Mine"));
        assert!(read.set_aside[0].contains("strings"), "{:?}", read.set_aside);
    }

    #[test]
    fn corrections_and_looks_come_back() {
        use backline_music::ChordPin;
        let mut ours = StateV1::default();
        let chord = "A:min".parse().ok();
        let pin = ChordPin { start_beat: 8.0, length_beats: 4.0, chord, on_heard_beat: false };
        ours.corrections.pin(pin);
        ours.corrections.pin(ChordPin { on_heard_beat: true, ..pin });
        ours.look = Look { light: true, zoom: 9.0, tips: false, calm: true };
        let mut state = empty();
        state.fields.insert(FIELD.into(), serde_json::to_string(&ours).unwrap());
        filter(&mut state);
        let kept = self::tests::ours(&state);
        assert_eq!(kept.corrections.chords, [pin], "pins on the heard beat end with the session");
        assert_eq!(kept.look, Look { light: true, zoom: 2.0, tips: false, calm: true });
        // A project of before has neither.
        let mut old = empty();
        old.fields.insert(FIELD.into(), r#"{"version":1}"#.into());
        filter(&mut old);
        assert_eq!(self::tests::ours(&old), StateV1::default());
    }
}
