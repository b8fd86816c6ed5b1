//! What a frame is painted from, and what it asks for: the window is a function from [`Scene`] and input
//! to [`Action`]s.

use std::path::PathBuf;

use backline_music::{ChordPin, Corrections, Key, Metre, Part};

use super::dial::{ParamId, Values};
use super::moment::{State, Status};
use super::theme::Theme;
use crate::params::BacklineParams;
use crate::snapshot::Snapshot;
use crate::state::Look;

/// Which bars and parts a clip holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClipChoice {
    /// The last so many bars.
    pub bars: usize,
    /// One part, or all.
    pub part: Option<Part>,
}

/// What a clip becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One MIDI file.
    Midi,
    /// A MIDI file for each part.
    MidiParts,
    /// A lead sheet.
    MusicXml,
    /// The built-in sounds.
    Wav,
}

/// What a preset menu asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum PresetAction {
    /// Load by place in the list.
    Load(usize),
    /// The one before or after.
    Step(i32),
    /// Save under a name.
    Save(String),
}

/// What the musician corrects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Correction {
    /// The tempo's octave, by a tempo near it.
    Tempo(Option<f64>),
    /// The key.
    Key(Option<Key>),
    /// The metre.
    Metre(Option<Metre>),
    /// A chord.
    Pin(ChordPin),
    /// These beats belong to the listener again: from, to, on the heard beat.
    Unpin(f64, f64, bool),
}

/// What the window asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A gesture on a parameter begins.
    Begin(ParamId),
    /// The parameter takes a normalised value.
    Set(ParamId, f32),
    /// The gesture has ended.
    End(ParamId),
    /// The demo shall play, or end.
    Demo(bool),
    /// Something is corrected.
    Correct(Correction),
    /// One step back.
    Undo,
    /// One step forward again.
    Redo,
    /// The other of A and B.
    SwapSlot,
    /// These settings into the other of A and B.
    CopySlot,
    /// A preset.
    Preset(PresetAction),
    /// Write a clip.
    Export(ClipChoice, Format),
    /// Drag a clip out of the window.
    Drag(ClipChoice, Format),
    /// Open the clips' folder.
    OpenFolder,
    /// Copy the path of the last clip.
    CopyPath,
    /// How the window looks.
    Look(Look),
    /// Notices have been read.
    Dismiss,
}

/// What the clips room shows besides the bars.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClipsView {
    /// Bars that are there to be kept.
    pub bars: usize,
    /// What was written last, or why it could not be.
    pub last: Option<Result<PathBuf, String>>,
    /// A file is being written.
    pub busy: bool,
}

/// What a frame is painted from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Names and texts of the parameters.
    pub params: &'a BacklineParams,
    /// Their values.
    pub values: &'a Values,
    /// What is heard and planned.
    pub snapshot: &'a Snapshot,
    /// What the meters say.
    pub status: &'a Status,
    /// What Backline is doing.
    pub state: State,
    /// What is corrected.
    pub corrections: &'a Corrections,
    /// How the window looks.
    pub look: Look,
    /// Its palette.
    pub theme: &'static Theme,
    /// What undo and redo would do.
    pub steps: (Option<&'a str>, Option<&'a str>),
    /// Whether slot B is in force.
    pub slot_b: bool,
    /// The chosen preset, and whether it was changed since.
    pub preset: (&'a str, bool),
    /// Names of all presets, with a mark for those of the factory.
    pub presets: &'a [(String, bool)],
    /// The clips.
    pub clips: &'a ClipsView,
    /// Sentences for the musician.
    pub notices: &'a [String],
}

impl Scene<'_> {
    /// Whether the beats that are shown are those of the heard beat.
    pub fn on_heard_beat(&self) -> bool {
        self.snapshot.place.is_some_and(|p| matches!(p.timeline, backline_music::Timeline::Heard { .. }))
    }

    /// Length of a bar, in quarter notes.
    pub fn bar_quarters(&self) -> f64 {
        self.snapshot.place.map_or(4.0, |place| place.metre.bar_quarters())
    }

    /// The playhead: the audio thread's where it runs, else where the session stands.
    pub fn playhead(&self) -> f64 {
        match self.snapshot.place {
            Some(place) if (self.status.pos_beats - place.beat).abs() < 4.0 => self.status.pos_beats,
            Some(place) => place.beat,
            None => 0.0,
        }
    }

    /// Whether this is a newcomer's first look: nothing is known and nothing goes on.
    pub fn is_empty(&self) -> bool {
        self.snapshot.planned_notes() == 0
            && self.snapshot.captured.is_empty()
            && matches!(self.state, State::Idle | State::NoInput | State::ModelMissing)
    }
}

/// A chord that is being edited.
#[derive(Debug, Clone, PartialEq)]
pub struct ChordEdit {
    /// What would be pinned.
    pub pin: ChordPin,
    /// What the listener thought, likeliest first.
    pub ranked: Vec<(Option<backline_music::Chord>, f32)>,
    /// Where the editor points to.
    pub at: egui::Pos2,
    /// It was opened in this frame.
    pub fresh: bool,
}

/// What the window remembers from frame to frame.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    /// The parameter in hand, and its value before it is put on a step.
    pub held: Option<(ParamId, f32)>,
    /// The parameter whose value is being typed, and the text so far.
    pub typing: Option<(ParamId, String)>,
    /// The parameter whose field has the focus.
    pub typing_in: Option<ParamId>,
    /// What the pointer is over: name, value, keys.
    pub info: String,
    /// The chord that is being edited.
    pub chord: Option<ChordEdit>,
    /// The edge that is being dragged: the pin as it will be.
    pub edge: Option<ChordPin>,
    /// Which part clips hold.
    pub clip_part: Option<Part>,
    /// A clip is being dragged out and the system has it now.
    pub dragging_out: bool,
    /// The name under which a preset is to be saved.
    pub preset_name: String,
    /// Bars that the lanes show.
    pub bars_shown: f64,
    /// Where things were painted, when somebody wants to know.
    pub placed: Option<Vec<(String, egui::Rect)>>,
}
