//! What the window shows: words and bars from one snapshot, and a control for every parameter.

use std::sync::atomic::Ordering;

use backline_music::{Chord, Timeline};
use egui::{Color32, RichText, Ui};
use nice_plug::prelude::{BoolParam, Enum, EnumParam, Param, ParamSetter};

use crate::bridge::Meters;
use crate::params::BacklineParams;
use crate::state;
use crate::worker::Snapshot;

/// What the meters say in this frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Status {
    /// Whether the host's transport runs.
    pub playing: bool,
    /// Position on the clock that is played on, in quarter notes.
    pub pos_beats: f64,
    /// Host tempo in BPM.
    pub tempo_bpm: f64,
    /// Notes that sound.
    pub sounding: u32,
    /// Input peak, linear.
    pub peak: f32,
    /// Samples that the listener missed.
    pub missed_samples: u64,
    /// Share of one core that the worker uses.
    pub worker_load: f32,
}

impl Status {
    /// Reads the meters.
    pub fn read(meters: &Meters, peak: f32) -> Self {
        Self {
            playing: meters.playing.load(Ordering::Relaxed),
            pos_beats: meters.pos_beats.load(Ordering::Relaxed),
            tempo_bpm: meters.tempo_bpm.load(Ordering::Relaxed),
            sounding: meters.sounding.load(Ordering::Relaxed),
            peak,
            missed_samples: meters.missed_samples.load(Ordering::Relaxed),
            worker_load: meters.worker_load.load(Ordering::Relaxed),
        }
    }
}

/// What Backline is doing, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing comes in and nothing runs.
    Idle,
    /// The transport runs, but no sound comes in.
    NoAudio,
    /// Sound comes in; tempo or key is not known well enough.
    Listening,
    /// Tempo and key are known.
    Locked,
    /// The input has gone; the last chords go on.
    Holding,
    /// The musician has switched the listening off.
    Frozen,
    /// Listening has ended for good.
    Stopped,
}

impl State {
    /// The state that a snapshot and the meters amount to.
    pub fn of(snapshot: &Snapshot, status: &Status, listen: bool) -> Self {
        // −60 dBFS.
        let sound = status.peak > 1.0e-3;
        let tempo_known = snapshot.tempo_bpm.as_ref().is_some_and(|t| t.prob >= 0.75);
        let key_known = snapshot.key.as_ref().is_some_and(|k| k.prob >= 0.5);
        if snapshot.failed {
            Self::Stopped
        } else if !listen {
            Self::Frozen
        } else if !sound && snapshot.planned_notes > 0 && (status.playing || status.sounding > 0) {
            Self::Holding
        } else if !sound && status.playing {
            Self::NoAudio
        } else if !sound {
            Self::Idle
        } else if tempo_known && key_known {
            Self::Locked
        } else {
            Self::Listening
        }
    }

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::NoAudio => "No audio",
            Self::Listening => "Listening",
            Self::Locked => "Locked",
            Self::Holding => "Holding last chords",
            Self::Frozen => "Not listening",
            Self::Stopped => "Stopped",
        }
    }

    const fn colour(self) -> Color32 {
        match self {
            Self::Idle | Self::Frozen => Color32::from_rgb(0x6F, 0x77, 0x83),
            Self::NoAudio | Self::Listening => Color32::from_rgb(0x6F, 0xB1, 0xE0),
            Self::Locked => Color32::from_rgb(0x63, 0xC0, 0x8B),
            Self::Holding => Color32::from_rgb(0xE6, 0xB8, 0x4C),
            Self::Stopped => Color32::from_rgb(0xE5, 0x66, 0x5B),
        }
    }
}

/// Draws the window.
pub fn paint(
    ui: &mut Ui,
    params: &BacklineParams,
    setter: &ParamSetter<'_>,
    snapshot: &Snapshot,
    status: &Status,
) {
    egui::Frame::new().inner_margin(12.0).show(ui, |ui| {
        header(ui, params, snapshot, status);
        ui.separator();
        heard(ui, snapshot, status);
        ui.separator();
        controls(ui, params, setter);
        ui.separator();
        footer(ui, params, snapshot, status);
    });
}

fn header(ui: &mut Ui, params: &BacklineParams, snapshot: &Snapshot, status: &Status) {
    let state = State::of(snapshot, status, params.listen.value());
    ui.horizontal(|ui| {
        ui.label(RichText::new("BACKLINE").strong().size(20.0));
        ui.label(RichText::new(state.word()).color(state.colour()).size(14.0));
        if params.bypass.value() {
            ui.label(RichText::new("bypassed").color(State::Holding.colour()));
        }
        // The beat light: on for the first fifth of each quarter note, brighter where notes sound.
        let lit = (status.playing || status.sounding > 0) && status.pos_beats.rem_euclid(1.0) < 0.2;
        let colour = if lit { Color32::from_rgb(0xE8, 0xA3, 0x3D) } else { Color32::from_gray(60) };
        let (rect, response) = ui.allocate_exact_size(egui::vec2(16.0, 16.0), egui::Sense::hover());
        ui.painter().circle_filled(rect.center(), 6.0, colour);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Beat"));
        ui.add(egui::ProgressBar::new(level(status.peak)).desired_width(80.0))
            .on_hover_text("Input level, −60 to 0 dB");
    });
}

fn level(peak: f32) -> f32 {
    if peak > 0.0 { ((20.0 * peak.log10() + 60.0) / 60.0).clamp(0.0, 1.0) } else { 0.0 }
}

fn heard(ui: &mut Ui, snapshot: &Snapshot, status: &Status) {
    egui::Grid::new("heard").num_columns(4).spacing([24.0, 4.0]).show(ui, |ui| {
        for title in ["TEMPO", "KEY", "METRE", "STYLE"] {
            ui.label(RichText::new(title).small());
        }
        ui.end_row();
        let (tempo, source) = match (&snapshot.tempo_bpm, status.playing) {
            (_, true) => (format!("{:.1}", status.tempo_bpm), "host".to_owned()),
            (Some(t), false) => (format!("{:.1}", t.value), format!("heard, {}", percent(t.prob))),
            (None, false) => ("–".to_owned(), String::new()),
        };
        let (key, sure) = snapshot
            .key
            .as_ref()
            .map_or(("–".to_owned(), String::new()), |k| (k.value.to_string(), percent(k.prob)));
        let (metre, metre_sure) = snapshot
            .metre
            .as_ref()
            .map_or(("–".to_owned(), String::new()), |m| (m.value.to_string(), percent(m.prob)));
        let style = snapshot.planned_style.clone().unwrap_or_else(|| "–".to_owned());
        for value in [&tempo, &key, &metre, &style] {
            ui.label(RichText::new(value).size(20.0));
        }
        ui.end_row();
        for note in [source, sure, metre_sure, String::new()] {
            ui.label(RichText::new(note).small());
        }
        ui.end_row();
    });
    ui.horizontal(|ui| {
        let now = snapshot.chord.and_then(|span| span.chord);
        ui.label(RichText::new(symbol(now)).size(24.0).strong());
        ui.label("next:");
        let host = matches!(snapshot.timeline, Some(Timeline::Host));
        let ahead = snapshot
            .planned
            .iter()
            .filter(|chord| !(host && status.playing) || chord.start_beat > status.pos_beats)
            .take(6);
        for chord in ahead {
            let doubt = if chord.prob < 0.5 { "?" } else { "" };
            ui.label(RichText::new(format!("{}{doubt}", symbol(chord.chord))).size(16.0));
        }
    });
}

fn symbol(chord: Option<Chord>) -> String {
    chord.map_or_else(|| "–".to_owned(), |chord| chord.symbol())
}

fn percent(prob: f32) -> String {
    format!("{:.0} %", prob * 100.0)
}

fn controls(ui: &mut Ui, params: &BacklineParams, setter: &ParamSetter<'_>) {
    ui.horizontal(|ui| {
        toggle(ui, &params.listen, setter);
        toggle(ui, &params.drums_on, setter);
        toggle(ui, &params.chords_on, setter);
        toggle(ui, &params.bass_on, setter);
        toggle(ui, &params.bypass, setter);
    });
    ui.horizontal(|ui| {
        choice(ui, &params.style, setter);
        choice(ui, &params.send, setter);
        choice(ui, &params.follow, setter);
    });
    egui::Grid::new("knobs").num_columns(2).spacing([16.0, 4.0]).show(ui, |ui| {
        slider(ui, &params.energy, setter);
        slider(ui, &params.brightness, setter);
        slider(ui, &params.density, setter);
        slider(ui, &params.swing, setter);
        slider(ui, &params.humanise, setter);
        slider(ui, &params.temperature, setter);
        slider(ui, &params.seed, setter);
        slider(ui, &params.preview, setter);
    });
}

/// A switch. By mouse only: the Space key belongs to the host.
fn toggle(ui: &mut Ui, param: &BoolParam, setter: &ParamSetter<'_>) {
    let response = ui.selectable_label(param.value(), param.name());
    response.surrender_focus();
    if response.clicked() {
        setter.begin_set_parameter(param);
        setter.set_parameter(param, !param.value());
        setter.end_set_parameter(param);
    }
}

fn choice<T: Enum + PartialEq + Copy + 'static>(ui: &mut Ui, param: &EnumParam<T>, setter: &ParamSetter<'_>) {
    let names = T::variants();
    let now = param.value().to_index();
    let shown = names.get(now).copied().unwrap_or_default();
    ui.label(param.name());
    let combo = egui::ComboBox::from_id_salt(param.name()).selected_text(shown).show_ui(ui, |ui| {
        for (index, name) in names.iter().enumerate() {
            if ui.selectable_label(index == now, *name).clicked() && index != now {
                setter.begin_set_parameter(param);
                setter.set_parameter(param, T::from_index(index));
                setter.end_set_parameter(param);
            }
        }
    });
    combo.response.surrender_focus();
}

fn slider<P: Param>(ui: &mut Ui, param: &P, setter: &ParamSetter<'_>) {
    ui.label(param.name());
    let mut value = param.unmodulated_normalized_value();
    ui.horizontal(|ui| {
        let response = ui.add(egui::Slider::new(&mut value, 0.0..=1.0).show_value(false));
        response.surrender_focus();
        if response.drag_started() {
            setter.begin_set_parameter(param);
        }
        if response.dragged() && response.changed() {
            setter.set_parameter_normalized(param, value);
        }
        if response.drag_stopped() {
            setter.end_set_parameter(param);
        }
        // A click without a drag and a double click are gestures of their own.
        if response.double_clicked() {
            whole_gesture(param, setter, param.default_normalized_value());
        } else if response.clicked() {
            whole_gesture(param, setter, value);
        }
        ui.label(param.normalized_value_to_string(param.unmodulated_normalized_value(), true));
    });
    ui.end_row();
}

fn whole_gesture<P: Param>(param: &P, setter: &ParamSetter<'_>, normalised: f32) {
    setter.begin_set_parameter(param);
    setter.set_parameter_normalized(param, normalised);
    setter.end_set_parameter(param);
}

fn footer(ui: &mut Ui, params: &BacklineParams, snapshot: &Snapshot, status: &Status) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("listener {} of a core", percent(status.worker_load))).small());
        ui.label(RichText::new(format!("{} notes sound", status.sounding)).small());
        if status.missed_samples > 0 {
            let text = format!("{} samples not heard: the computer is busy", status.missed_samples);
            ui.label(RichText::new(text).small().color(State::Holding.colour()));
        }
    });
    for notice in state::notices(params).iter().chain(&snapshot.notices).take(4) {
        ui.label(RichText::new(notice).small().color(State::Holding.colour()));
    }
}

#[cfg(test)]
mod tests {
    use backline_music::{Estimate, Key, Mode, PitchClass};

    use super::*;

    const QUIET: Status = Status {
        playing: false,
        pos_beats: 0.0,
        tempo_bpm: 120.0,
        sounding: 0,
        peak: 0.0,
        missed_samples: 0,
        worker_load: 0.0,
    };

    #[test]
    fn each_state_has_its_moment() {
        let empty = Snapshot::default();
        let loud = Status { peak: 0.5, ..QUIET };
        let rolling = Status { playing: true, ..QUIET };
        assert_eq!(State::of(&empty, &QUIET, true), State::Idle);
        assert_eq!(State::of(&empty, &rolling, true), State::NoAudio);
        assert_eq!(State::of(&empty, &loud, true), State::Listening);
        assert_eq!(State::of(&empty, &loud, false), State::Frozen);
        let known = Snapshot {
            tempo_bpm: Some(Estimate { value: 100.0, prob: 0.9, runner_up: None }),
            key: Some(Estimate {
                value: Key { tonic: PitchClass::A, mode: Mode::Minor },
                prob: 0.6,
                runner_up: None,
            }),
            planned_notes: 12,
            ..Snapshot::default()
        };
        assert_eq!(State::of(&known, &loud, true), State::Locked);
        assert_eq!(State::of(&known, &rolling, true), State::Holding);
        let failed = Snapshot { failed: true, ..known };
        assert_eq!(State::of(&failed, &loud, true), State::Stopped);
    }

    #[test]
    fn the_meter_spans_sixty_decibels() {
        assert_eq!(level(0.0), 0.0);
        assert_eq!(level(f32::NAN), 0.0);
        assert!((level(0.001) - 0.0).abs() < 1e-6);
        assert_eq!(level(1.0), 1.0);
    }
}
