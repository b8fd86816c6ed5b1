//! The parameters as the window handles them: by id, normalised, without their types.

use nice_plug::prelude::{Param, ParamSetter};

use crate::params::BacklineParams;

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are the parameters'")]
pub enum ParamId {
    Bypass,
    Listen,
    Style,
    Energy,
    Brightness,
    Density,
    Swing,
    Humanise,
    Temperature,
    Seed,
    Send,
    Drums,
    Chords,
    Bass,
    DrumsChannel,
    ChordsChannel,
    BassChannel,
    Preview,
    Follow,
    Form,
    Link,
}

/// How many parameters there are.
pub const PARAMS: usize = 21;

/// A normalised value for each parameter, by place in [`ParamId::ALL`].
pub type Values = [f32; PARAMS];

impl ParamId {
    /// All of them, in the order of the discriminants.
    pub const ALL: [Self; PARAMS] = [
        Self::Bypass,
        Self::Listen,
        Self::Style,
        Self::Energy,
        Self::Brightness,
        Self::Density,
        Self::Swing,
        Self::Humanise,
        Self::Temperature,
        Self::Seed,
        Self::Send,
        Self::Drums,
        Self::Chords,
        Self::Bass,
        Self::DrumsChannel,
        Self::ChordsChannel,
        Self::BassChannel,
        Self::Preview,
        Self::Follow,
        Self::Form,
        Self::Link,
    ];

    /// Place in [`ParamId::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The id that projects and presets keep.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Listen => "listen",
            Self::Style => "style",
            Self::Energy => "energy",
            Self::Brightness => "bright",
            Self::Density => "density",
            Self::Swing => "swing",
            Self::Humanise => "human",
            Self::Temperature => "temp",
            Self::Seed => "seed",
            Self::Send => "send",
            Self::Drums => "drums",
            Self::Chords => "chords",
            Self::Bass => "bass",
            Self::DrumsChannel => "ch_dr",
            Self::ChordsChannel => "ch_ch",
            Self::BassChannel => "ch_ba",
            Self::Preview => "preview",
            Self::Follow => "follow",
            Self::Form => "form",
            Self::Link => "link",
        }
    }

    /// Whether it changes what the band plays, so that A and B, presets and undo have to do with it.
    pub const fn is_musical(self) -> bool {
        matches!(
            self,
            Self::Style
                | Self::Energy
                | Self::Brightness
                | Self::Density
                | Self::Swing
                | Self::Humanise
                | Self::Temperature
                | Self::Seed
                | Self::Drums
                | Self::Chords
                | Self::Bass
        )
    }
}

/// A parameter without its type.
pub trait Dial {
    /// Its name.
    fn title(&self) -> &str;
    /// Its normalised value.
    fn now(&self) -> f32;
    /// Its normalised default.
    fn usual(&self) -> f32;
    /// What a normalised value is called.
    fn shown(&self, normalised: f32) -> String;
    /// The normalised value of a text that was typed.
    fn typed(&self, text: &str) -> Option<f32>;
    /// Number of its steps, if it has steps.
    fn steps(&self) -> Option<usize>;
    /// Tells the host that a gesture begins.
    fn begin(&self, setter: &ParamSetter<'_>);
    /// Sets the normalised value.
    fn set(&self, setter: &ParamSetter<'_>, normalised: f32);
    /// Tells the host that the gesture has ended.
    fn end(&self, setter: &ParamSetter<'_>);
}

/// A parameter with more steps than this is a number.
const MOST_CHOICES: usize = 32;

impl<P: Param> Dial for P {
    fn title(&self) -> &str {
        self.name()
    }
    fn now(&self) -> f32 {
        self.unmodulated_normalized_value()
    }
    fn usual(&self) -> f32 {
        self.default_normalized_value()
    }
    fn shown(&self, normalised: f32) -> String {
        self.normalized_value_to_string(normalised, true)
    }
    fn typed(&self, text: &str) -> Option<f32> {
        // A choice may be written as it is saved, or in other letters, which the framework does not take.
        let letters = |text: &str| text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
        let choice = || {
            let last = self.step_count().filter(|steps| (1..=MOST_CHOICES).contains(steps))?;
            let mut all = (0..=last).map(|step| step as f32 / last as f32);
            all.find(|value| letters(&self.shown(*value)) == letters(text))
        };
        self.string_to_normalized_value(text).or_else(choice)
    }
    fn steps(&self) -> Option<usize> {
        self.step_count()
    }
    fn begin(&self, setter: &ParamSetter<'_>) {
        setter.begin_set_parameter(self);
    }
    fn set(&self, setter: &ParamSetter<'_>, normalised: f32) {
        // Through the plain value, so that host and plug-in agree on steps.
        setter.set_parameter(self, self.preview_plain(normalised));
    }
    fn end(&self, setter: &ParamSetter<'_>) {
        setter.end_set_parameter(self);
    }
}

impl BacklineParams {
    /// A parameter without its type.
    pub fn dial(&self, id: ParamId) -> &dyn Dial {
        match id {
            ParamId::Bypass => &self.bypass,
            ParamId::Listen => &self.listen,
            ParamId::Style => &self.style,
            ParamId::Energy => &self.energy,
            ParamId::Brightness => &self.brightness,
            ParamId::Density => &self.density,
            ParamId::Swing => &self.swing,
            ParamId::Humanise => &self.humanise,
            ParamId::Temperature => &self.temperature,
            ParamId::Seed => &self.seed,
            ParamId::Send => &self.send,
            ParamId::Drums => &self.drums_on,
            ParamId::Chords => &self.chords_on,
            ParamId::Bass => &self.bass_on,
            ParamId::DrumsChannel => &self.drums_channel,
            ParamId::ChordsChannel => &self.chords_channel,
            ParamId::BassChannel => &self.bass_channel,
            ParamId::Preview => &self.preview,
            ParamId::Follow => &self.follow,
            ParamId::Form => &self.form,
            ParamId::Link => &self.link,
        }
    }

    /// All values.
    pub fn values(&self) -> Values {
        ParamId::ALL.map(|id| self.dial(id).now())
    }
}

#[cfg(test)]
mod tests {
    use nice_plug::prelude::Params as _;

    use super::*;

    #[test]
    fn every_parameter_is_here_once() {
        let params = BacklineParams::default();
        let mut ids: Vec<&str> = ParamId::ALL.iter().map(|id| id.id()).collect();
        for (i, id) in ParamId::ALL.into_iter().enumerate() {
            assert_eq!(id.index(), i);
        }
        ids.sort_unstable();
        let mut known: Vec<String> = params.param_map().into_iter().map(|(id, _, _)| id).collect();
        known.sort();
        assert_eq!(ids, known);
    }
}
