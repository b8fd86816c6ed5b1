//! The parameters: what the host automates and saves, with both formatters of each.
//!
//! The ids are saved in projects and must never change. A style's id is saved, not its place in the
//! list, so that the list can grow; new styles go to its end, which keeps CLAP automation (by place)
//! as it was.

use std::sync::Arc;

use backline_engine::Form;
use backline_music::{Controls, Follow, Part, StyleChoice};
use nice_plug::prelude::*;
use serde::{Deserialize, Serialize};

use crate::state::SharedState;

/// The lowest preview level in dB; at it the preview is off.
pub const PREVIEW_OFF_DB: f32 = -60.0;
/// The highest preview level in dB.
const PREVIEW_MAX_DB: f32 = 6.0;

/// Which style the band plays. The ids are those of `backline_play::styles()`.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Whatever the music suggests.
    #[id = "auto"]
    Auto,
    /// Rock.
    #[id = "rock"]
    Rock,
    /// Pop.
    #[id = "pop"]
    Pop,
    /// Ballad.
    #[id = "ballad"]
    Ballad,
    /// Punk.
    #[id = "punk"]
    Punk,
    /// Hip-hop.
    #[id = "hiphop"]
    #[name = "Hip-hop"]
    HipHop,
    /// Trap.
    #[id = "trap"]
    Trap,
    /// House.
    #[id = "house"]
    House,
    /// Techno.
    #[id = "techno"]
    Techno,
    /// Hardstyle.
    #[id = "hardstyle"]
    Hardstyle,
    /// Drum & bass.
    #[id = "dnb"]
    #[name = "Drum & bass"]
    DrumAndBass,
    /// Funk.
    #[id = "funk"]
    Funk,
    /// Soul.
    #[id = "soul"]
    Soul,
    /// Jazz swing.
    #[id = "jazz"]
    #[name = "Jazz swing"]
    Jazz,
    /// Bossa nova.
    #[id = "bossa"]
    #[name = "Bossa nova"]
    Bossa,
    /// Reggae.
    #[id = "reggae"]
    Reggae,
    /// Country shuffle.
    #[id = "country"]
    #[name = "Country shuffle"]
    Country,
    /// Waltz.
    #[id = "waltz"]
    Waltz,
    /// Blues shuffle.
    #[id = "blues_shuffle"]
    #[name = "Blues shuffle"]
    BluesShuffle,
    /// Disco.
    #[id = "disco"]
    Disco,
    /// Indie.
    #[id = "indie"]
    Indie,
    /// Latin.
    #[id = "latin"]
    Latin,
    /// Metal.
    #[id = "metal"]
    Metal,
    /// Ballad in 6/8.
    #[id = "sixeight_ballad"]
    #[name = "6/8 ballad"]
    SixEightBallad,
}

/// Which parts leave by the note output. Hosts that flatten channels need one instance a part.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Send {
    /// All parts, each on its channel.
    #[id = "all"]
    All,
    /// The drums only.
    #[id = "drums"]
    Drums,
    /// The chords only.
    #[id = "chords"]
    Chords,
    /// The bass only.
    #[id = "bass"]
    Bass,
}

/// Whose beat is followed.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowChoice {
    /// The host's transport while it runs, the heard beat while it is stopped.
    #[id = "host"]
    Host,
    /// The heard beat, always.
    #[id = "heard"]
    #[name = "Heard beat"]
    Heard,
}

/// The form of the song, on command.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormChoice {
    /// The whole band plays.
    #[id = "band"]
    Band,
    /// Time and chords only.
    #[id = "intro"]
    Intro,
    /// One stroke together, then the chords ring alone.
    #[id = "break"]
    Break,
    /// One last stroke together, then silence.
    #[id = "ending"]
    Ending,
}

/// Which instances of one project play as one band.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// Alone.
    #[id = "off"]
    Off,
    /// Group A.
    #[id = "a"]
    A,
    /// Group B.
    #[id = "b"]
    B,
    /// Group C.
    #[id = "c"]
    C,
    /// Group D.
    #[id = "d"]
    D,
}

/// All parameters, in the order in which hosts show them.
#[derive(Params)]
pub struct BacklineParams {
    /// What is saved beside the parameters.
    #[persist = "backline"]
    pub state: SharedState,

    /// Audio passes and nothing is played.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// Whether the listener analyses; when off, the last harmony goes on.
    #[id = "listen"]
    pub listen: BoolParam,
    /// Fixed style, or automatic.
    #[id = "style"]
    pub style: EnumParam<Style>,
    /// Calm … as heard … energetic, −1..=1.
    #[id = "energy"]
    pub energy: FloatParam,
    /// Dark … as heard … bright, −1..=1.
    #[id = "bright"]
    pub brightness: FloatParam,
    /// Sparse … as the style has it … busy, −1..=1.
    #[id = "density"]
    pub density: FloatParam,
    /// Added to the style's swing, −1..=1.
    #[id = "swing"]
    pub swing: FloatParam,
    /// On the grid … loose, 0..=1.
    #[id = "human"]
    pub humanise: FloatParam,
    /// Always the likeliest choice … adventurous, 0..=1.
    #[id = "temp"]
    pub temperature: FloatParam,
    /// Same seed, same input, same notes.
    #[id = "seed"]
    pub seed: IntParam,
    /// Which parts leave by the note output.
    #[id = "send"]
    pub send: EnumParam<Send>,
    /// Whether the drums play.
    #[id = "drums"]
    pub drums_on: BoolParam,
    /// Whether the chords play.
    #[id = "chords"]
    pub chords_on: BoolParam,
    /// Whether the bass plays.
    #[id = "bass"]
    pub bass_on: BoolParam,
    /// MIDI channel of the drums, 1..=16.
    #[id = "ch_dr"]
    pub drums_channel: IntParam,
    /// MIDI channel of the chords, 1..=16.
    #[id = "ch_ch"]
    pub chords_channel: IntParam,
    /// MIDI channel of the bass, 1..=16.
    #[id = "ch_ba"]
    pub bass_channel: IntParam,
    /// Level of the built-in sounds in dB; off at [`PREVIEW_OFF_DB`].
    #[id = "preview"]
    pub preview: FloatParam,
    /// Whose beat is followed.
    #[id = "follow"]
    pub follow: EnumParam<FollowChoice>,
    /// The form of the song, on command.
    #[id = "form"]
    pub form: EnumParam<FormChoice>,
    /// Which instances play as one band.
    #[id = "link"]
    pub link: EnumParam<Link>,
}

impl Default for BacklineParams {
    fn default() -> Self {
        let defaults = Controls::default();
        Self {
            state: SharedState::default(),
            bypass: on_off("Bypass", false).make_bypass(),
            listen: on_off("Listen", defaults.listen),
            style: EnumParam::new("Style", Style::Auto),
            energy: percent("Energy", defaults.energy, -1.0),
            brightness: percent("Brightness", defaults.brightness, -1.0),
            density: percent("Density", defaults.density, -1.0),
            swing: percent("Swing", defaults.swing, -1.0),
            humanise: percent("Humanise", defaults.humanise, 0.0),
            temperature: percent("Temperature", defaults.temperature, 0.0),
            // f32 carries a normalised value through every host exactly up to 16 bits.
            seed: IntParam::new("Seed", 1, IntRange::Linear { min: 0, max: 0xFFFF })
                .with_value_to_string(Arc::new(|seed| format!("{seed:04X}")))
                .with_string_to_value(Arc::new(parse_hex)),
            send: EnumParam::new("Send", Send::All),
            drums_on: on_off("Drums", true),
            chords_on: on_off("Chords", true),
            bass_on: on_off("Bass", true),
            drums_channel: channel("Drums channel", Part::Drums),
            chords_channel: channel("Chords channel", Part::Chords),
            bass_channel: channel("Bass channel", Part::Bass),
            preview: FloatParam::new(
                "Preview level",
                PREVIEW_OFF_DB,
                FloatRange::Linear { min: PREVIEW_OFF_DB, max: PREVIEW_MAX_DB },
            )
            .with_step_size(0.1)
            .with_value_to_string(Arc::new(|db| {
                if db <= PREVIEW_OFF_DB { "Off".to_owned() } else { format!("{db:.1} dB") }
            }))
            .with_string_to_value(Arc::new(parse_level)),
            follow: EnumParam::new("Follow", FollowChoice::Host),
            form: EnumParam::new("Form", FormChoice::Band),
            link: EnumParam::new("Link", Link::Off),
        }
    }
}

/// The values of one block, copied from the parameters: small, without heap data, so that they can
/// cross to the worker in a ring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knobs {
    /// Fixed style, or automatic.
    pub style: Style,
    /// −1..=1
    pub energy: f32,
    /// −1..=1
    pub brightness: f32,
    /// −1..=1
    pub density: f32,
    /// −1..=1
    pub swing: f32,
    /// 0..=1
    pub humanise: f32,
    /// 0..=1
    pub temperature: f32,
    /// The seed.
    pub seed: u32,
    /// Which parts play, by [`Part::index`].
    pub parts_on: [bool; 3],
    /// Whose beat is followed.
    pub follow: Follow,
    /// Whether the listener analyses.
    pub listen: bool,
    /// The form of the song.
    pub form: Form,
    /// Which instances play as one band.
    pub link: Link,
}

impl Default for Knobs {
    fn default() -> Self {
        BacklineParams::default().knobs()
    }
}

impl Knobs {
    /// Which parts of the plan are heard, by [`Part::index`]: of a linked band all, since another instance may play what
    /// is off in this one.
    pub fn parts_heard(&self) -> [bool; 3] {
        if self.link == Link::Off { self.parts_on } else { [true; 3] }
    }

    /// The engine's controls with these values.
    pub fn to_controls(self) -> Controls {
        Controls {
            style: match self.style {
                Style::Auto => StyleChoice::Auto,
                named => StyleChoice::Named(style_id(named).to_owned()),
            },
            energy: self.energy,
            brightness: self.brightness,
            density: self.density,
            swing: self.swing,
            humanise: self.humanise,
            temperature: self.temperature,
            seed: self.seed,
            parts_on: self.parts_heard(),
            follow: self.follow,
            listen: self.listen,
        }
        .sanitised()
    }
}

/// The saved ids of the styles, in the order of the list.
pub fn style_ids() -> &'static [&'static str] {
    Style::ids().unwrap_or(&[])
}

/// The saved id of a style.
fn style_id(style: Style) -> &'static str {
    style_ids().get(style.to_index()).copied().unwrap_or("auto")
}

impl BacklineParams {
    /// The present values for the engine.
    ///
    /// # Realtime safety
    /// Reads atomics only.
    pub fn knobs(&self) -> Knobs {
        Knobs {
            style: self.style.value(),
            energy: self.energy.value(),
            brightness: self.brightness.value(),
            density: self.density.value(),
            swing: self.swing.value(),
            humanise: self.humanise.value(),
            temperature: self.temperature.value(),
            seed: self.seed.value().max(0).unsigned_abs(),
            parts_on: [self.drums_on.value(), self.chords_on.value(), self.bass_on.value()],
            follow: match self.follow.value() {
                FollowChoice::Host => Follow::Host,
                FollowChoice::Heard => Follow::Heard,
            },
            listen: self.listen.value(),
            form: match self.form.value() {
                FormChoice::Band => Form::Groove,
                FormChoice::Intro => Form::Intro,
                FormChoice::Break => Form::Break,
                FormChoice::Ending => Form::Ending,
            },
            link: self.link.value(),
        }
    }

    /// Which parts leave by the note output now, by [`Part::index`]: on, sent and not bypassed.
    ///
    /// # Realtime safety
    /// Reads atomics only.
    pub fn parts_sent(&self) -> [bool; 3] {
        let on = [self.drums_on.value(), self.chords_on.value(), self.bass_on.value()];
        let sent = match self.send.value() {
            Send::All => [true; 3],
            Send::Drums => [true, false, false],
            Send::Chords => [false, true, false],
            Send::Bass => [false, false, true],
        };
        let live = !self.bypass.value();
        [0, 1, 2].map(|i| live && on[i] && sent[i])
    }

    /// MIDI channels from 0, by [`Part::index`].
    ///
    /// # Realtime safety
    /// Reads atomics only.
    pub fn channels(&self) -> [u8; 3] {
        [&self.drums_channel, &self.chords_channel, &self.bass_channel]
            .map(|p| u8::try_from((p.value() - 1).clamp(0, 15)).unwrap_or(0))
    }

    /// Linear gain of the preview, or `None` when it is off.
    ///
    /// # Realtime safety
    /// Reads atomics only.
    pub fn preview_gain(&self) -> Option<f32> {
        let db = self.preview.value();
        (db.is_finite() && db > PREVIEW_OFF_DB && !self.bypass.value())
            .then(|| util::db_to_gain(db.min(PREVIEW_MAX_DB)))
    }
}

fn on_off(name: &str, default: bool) -> BoolParam {
    BoolParam::new(name, default)
        .with_value_to_string(Arc::new(|on| if on { "On" } else { "Off" }.to_owned()))
        .with_string_to_value(Arc::new(|text| match text.trim().to_lowercase().as_str() {
            "on" | "true" | "yes" | "1" => Some(true),
            "off" | "false" | "no" | "0" => Some(false),
            _ => None,
        }))
}

fn percent(name: &str, default: f32, min: f32) -> FloatParam {
    FloatParam::new(name, default, FloatRange::Linear { min, max: 1.0 })
        .with_step_size(0.001)
        .with_value_to_string(Arc::new(move |v| {
            let percent = v * 100.0;
            // No "-0.0 %".
            let percent = if percent.abs() < 0.05 { 0.0 } else { percent };
            if min < 0.0 && percent != 0.0 { format!("{percent:+.1} %") } else { format!("{percent:.1} %") }
        }))
        .with_string_to_value(Arc::new(move |text| {
            let number: f32 = number(text).trim_end_matches('%').trim().parse().ok()?;
            number.is_finite().then(|| (number / 100.0).clamp(min, 1.0))
        }))
}

/// A number as it may be typed: with a comma, or the minus sign of print.
fn number(text: &str) -> String {
    text.trim().replace(',', ".").replace('−', "-")
}

fn channel(name: &str, part: Part) -> IntParam {
    IntParam::new(name, i32::from(part.default_channel()) + 1, IntRange::Linear { min: 1, max: 16 })
        .with_value_to_string(Arc::new(|v| v.to_string()))
        .with_string_to_value(Arc::new(|text| {
            text.trim().parse().ok().filter(|channel| (1..=16).contains(channel))
        }))
}

fn parse_hex(text: &str) -> Option<i32> {
    let digits = text.trim().trim_start_matches('#').trim_start_matches("0x").trim_start_matches("0X");
    i32::from_str_radix(digits, 16).ok().filter(|seed| (0..=0xFFFF).contains(seed))
}

fn parse_level(text: &str) -> Option<f32> {
    let lower = number(text).to_lowercase();
    if matches!(lower.as_str(), "off" | "-inf" | "-inf db" | "-∞" | "-∞ db") {
        return Some(PREVIEW_OFF_DB);
    }
    let db: f32 = lower.trim_end_matches("db").trim().parse().ok()?;
    db.is_finite().then(|| db.clamp(PREVIEW_OFF_DB, PREVIEW_MAX_DB))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every id that a saved project may hold. A change here breaks musicians' projects.
    #[test]
    fn ids_are_those_of_saved_projects() {
        let params = BacklineParams::default();
        let mut ids: Vec<String> = params.param_map().into_iter().map(|(id, _, _)| id).collect();
        ids.sort();
        let expected = [
            "bass", "bright", "bypass", "ch_ba", "ch_ch", "ch_dr", "chords", "density", "drums", "energy",
            "follow", "form", "human", "link", "listen", "preview", "seed", "send", "style", "swing", "temp",
        ];
        assert_eq!(ids, expected);
        // The player's list in the player's order: what is saved by one is known to the other.
        let styles: Vec<&str> = backline_play::styles().iter().map(|style| style.id.as_str()).collect();
        assert_eq!(Style::ids().unwrap()[0], "auto");
        assert_eq!(Style::ids().unwrap()[1..], styles);
        assert_eq!(styles[16], "waltz", "the list only grows at its end");
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        let params = BacklineParams::default();
        for (id, ptr, _) in params.param_map() {
            for step in 0..=200u16 {
                let normalised = f32::from(step) / 200.0;
                let check = |shown: String, back: Option<f32>, again: String| {
                    assert!(back.is_some(), "{id}: {shown:?} cannot be typed");
                    assert_eq!(shown, again, "{id} at {normalised}");
                };
                with_param(&params, &id, ptr, |format, parse| {
                    let shown = format(normalised);
                    let back = parse(&shown);
                    let again = format(back.unwrap_or(-1.0));
                    check(shown, back, again);
                });
            }
        }
    }

    /// Calls `f` with the formatters of the parameter `id`.
    fn with_param(
        p: &BacklineParams,
        id: &str,
        _ptr: ParamPtr,
        f: impl FnOnce(&dyn Fn(f32) -> String, &dyn Fn(&str) -> Option<f32>),
    ) {
        fn go<P: Param>(p: &P, f: impl FnOnce(&dyn Fn(f32) -> String, &dyn Fn(&str) -> Option<f32>)) {
            f(&|n| p.normalized_value_to_string(n, true), &|t| p.string_to_normalized_value(t));
        }
        match id {
            "bypass" => go(&p.bypass, f),
            "listen" => go(&p.listen, f),
            "style" => go(&p.style, f),
            "energy" => go(&p.energy, f),
            "bright" => go(&p.brightness, f),
            "density" => go(&p.density, f),
            "swing" => go(&p.swing, f),
            "human" => go(&p.humanise, f),
            "temp" => go(&p.temperature, f),
            "seed" => go(&p.seed, f),
            "send" => go(&p.send, f),
            "drums" => go(&p.drums_on, f),
            "chords" => go(&p.chords_on, f),
            "bass" => go(&p.bass_on, f),
            "ch_dr" => go(&p.drums_channel, f),
            "ch_ch" => go(&p.chords_channel, f),
            "ch_ba" => go(&p.bass_channel, f),
            "preview" => go(&p.preview, f),
            "follow" => go(&p.follow, f),
            "form" => go(&p.form, f),
            "link" => go(&p.link, f),
            other => panic!("{other} has no formatter test"),
        }
    }

    #[test]
    fn decimal_commas_are_understood() {
        let p = BacklineParams::default();
        let same = |comma, point| {
            let energy = |text: &str| p.energy.string_to_normalized_value(text);
            assert!(energy(comma).is_some() && energy(comma) == energy(point), "{comma}");
        };
        same("12,5 %", "12.5 %");
        same("−6,5", "-6.5");
        let level = |text: &str| p.preview.string_to_normalized_value(text);
        assert!(level("-6,5 dB").is_some() && level("-6,5 dB") == level("-6.5 dB"));
        assert_eq!(level("1,2,3"), None);
    }

    #[test]
    fn nonsense_is_not_a_value() {
        let p = BacklineParams::default();
        for bad in ["", "loud", "NaN", "inf %", "--5"] {
            assert_eq!(p.energy.string_to_normalized_value(bad), None, "{bad:?}");
            assert_eq!(p.preview.string_to_normalized_value(bad), None, "{bad:?}");
            assert_eq!(p.seed.string_to_normalized_value(bad), None, "{bad:?}");
        }
        assert_eq!(p.drums_channel.string_to_normalized_value("17"), None);
        assert_eq!(p.seed.string_to_normalized_value("10000"), None);
    }

    #[test]
    fn defaults_reach_the_engine() {
        assert_eq!(BacklineParams::default().knobs().to_controls(), Controls::default());
        assert_eq!(BacklineParams::default().channels(), [9, 0, 1]);
        assert_eq!(BacklineParams::default().preview_gain(), None);
        assert_eq!(BacklineParams::default().parts_sent(), [true; 3]);
        let bossa = Knobs { style: Style::Bossa, ..Knobs::default() };
        assert_eq!(bossa.to_controls().style, StyleChoice::Named("bossa".into()));
    }
}
