//! What a frame is painted from, and what it asks for: the window is a function from [`Scene`] and input
//! to [`Action`]s.

use std::path::PathBuf;
use std::sync::Arc;

use backline_canvas::Scroll;
use backline_engine::Edits;
use backline_music::{Chord, ChordPin, Corrections, Key, Metre, Part, PlannedBar};

use super::clips::Miniature;
use super::dial::{ParamId, Values};
use super::lanes::{Spot, Stroke};
use super::moment::{State, Status};
use super::selection::Selection;
use super::theme::Theme;
use crate::intake::Taken;
use crate::params::BacklineParams;
use crate::snapshot::Snapshot;
use crate::state::Look;

/// Which bars and parts a clip holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipChoice {
    /// The bars, in the order in which they are to be laid end to end.
    pub bars: Vec<Arc<PlannedBar>>,
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

/// What shall be heard at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A clip, by the built-in sounds.
    Clip(ClipChoice),
    /// A chord.
    Chord(Chord),
    /// No more of it.
    Nothing,
}

/// What a preset menu asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum PresetAction {
    /// Load by place in the list.
    Load(usize),
    /// The one before or after.
    Step(i32),
    /// Save under a name; one of the musician's of that name is replaced.
    Save(String),
    /// The list is opened.
    List,
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

/// What the musician does with a file that comes in.
#[derive(Debug, Clone, PartialEq)]
pub enum FileAct {
    /// Asks for a path.
    Ask,
    /// Opens the file at a path.
    Open(String),
    /// Sets its chords from this beat on; whether that is one of the heard beat.
    Chords(f64, bool),
    /// Sets its key.
    Key,
    /// Is done with it.
    Close,
}

/// A file that comes in.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Intake {
    /// None.
    #[default]
    Nothing,
    /// A path is asked for.
    Asking,
    /// It is being heard.
    Working {
        /// The file's name.
        name: String,
        /// Share that is done.
        share: f32,
    },
    /// What it told.
    Done(Taken),
    /// Why nothing was taken.
    Failed(String),
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
    /// The wheel or a key turns a parameter to a normalised value, as a gesture of its own: notches that follow each other
    /// are one step.
    Notch(ParamId, f32),
    /// Several parameters, as one step of this name.
    Together(String, Vec<(ParamId, f32)>),
    /// The demo shall play, or end.
    Demo(bool),
    /// Something is corrected.
    Correct(Correction),
    /// Something was written into the lanes: what the step is called, and all edits as they shall be.
    Edit(String, Edits),
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
    /// Let something be heard at once.
    Hear(Heard),
    /// Open the clips' folder.
    OpenFolder,
    /// Copy the path of the last clip.
    CopyPath,
    /// A file that comes in.
    File(FileAct),
    /// These bars are liked, or not.
    Judge(Vec<Arc<PlannedBar>>, bool),
    /// How the window looks.
    Look(Look),
    /// Copy what a report of a fault should tell.
    CopyDetails,
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
    /// Another program has just taken a clip.
    pub dropped: bool,
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
    /// What is written into the lanes.
    pub edits: &'a Edits,
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
    /// A file that comes in.
    pub intake: &'a Intake,
    /// Files are held over the window.
    pub file_over: bool,
    /// Sentences for the musician.
    pub notices: &'a [String],
}

impl Scene<'_> {
    /// Whether the beats that are shown are those of the heard beat.
    pub fn on_heard_beat(&self) -> bool {
        let place = self.snapshot.place.map(|place| place.timeline);
        let timeline = place.or_else(|| self.snapshot.plan.as_ref().map(|plan| plan.timeline));
        matches!(timeline, Some(backline_music::Timeline::Heard { .. }))
    }

    /// The key that chords are spelt in: the musician's, else the one that is heard.
    pub fn key(&self) -> Option<Key> {
        self.corrections.key.or(self.snapshot.key.map(|key| key.value))
    }

    /// Length of a bar, in quarter notes.
    pub fn bar_quarters(&self) -> f64 {
        let last = self.snapshot.captured.last().map(|bar| bar.metre);
        self.snapshot.place.map(|place| place.metre).or(last).unwrap_or_default().bar_quarters()
    }

    /// The playhead: the audio thread's where it runs, else where the session stands.
    pub fn playhead(&self) -> f64 {
        match self.snapshot.place {
            Some(place) if (self.status.pos_beats - place.beat).abs() < 4.0 => self.status.pos_beats,
            Some(place) => place.beat,
            // At rest: where the band played last.
            None => self.snapshot.captured.last().map_or(0.0, |bar| bar.end_beat()),
        }
    }

    /// What is wrong, as the arrangement says it: only while it hides nothing that goes on.
    pub fn banner(&self) -> Option<String> {
        let hides_nothing = self.is_empty() || self.state == State::Error;
        self.state.advice(self.snapshot).filter(|_| hides_nothing)
    }

    /// Whether this is a newcomer's first look: nothing is known and nothing goes on.
    pub fn is_empty(&self) -> bool {
        self.snapshot.planned_notes() == 0
            && self.snapshot.captured.is_empty()
            && self.edits.is_empty()
            && matches!(self.state, State::Idle | State::NoInput | State::ModelMissing)
    }
}

/// A chord that is being edited.
#[derive(Debug, Clone, PartialEq)]
pub struct ChordEdit {
    /// What would be pinned.
    pub pin: ChordPin,
    /// What would be pinned if the chord before took its beats.
    pub merged: Option<ChordPin>,
    /// What the listener thought, likeliest first.
    pub ranked: Vec<(Option<Chord>, f32)>,
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
    /// The cards' notes as they were painted last, by the cards' names.
    pub miniatures: Vec<(String, Miniature)>,
    /// The card that was dragged last.
    pub dragged_card: String,
    /// The card that was asked to be heard last.
    pub heard_card: String,
    /// A clip is being dragged out and the system has it now.
    pub dragging_out: bool,
    /// The path of a file that is to be opened.
    pub path: String,
    /// The name under which a preset is to be saved.
    pub preset_name: String,
    /// The name of a preset of the musician's that the next press replaces.
    pub replaced_preset: Option<String>,
    /// Bars that the lanes show.
    pub bars_shown: f64,
    /// How far the lanes look from the playhead, in quarter notes.
    pub pan: f64,
    /// Whether the band played in the last frame: the lanes follow the playhead when that changes.
    pub played: bool,
    /// The bars that are selected.
    pub selection: Option<Selection>,
    /// The bar in which a selection was begun that is still in hand: its first quarter note, and one past its last.
    pub marking: Option<(f64, f64)>,
    /// The note in hand.
    pub stroke: Option<Stroke>,
    /// Where the menu of a lane was opened.
    pub spot: Option<Spot>,
    /// The page of keys is open; what had the focus before.
    pub help: Option<Option<egui::Id>>,
    /// What was just done, and until when the last line says it, in egui's seconds.
    pub said: Option<(String, f64)>,
    /// What moves sideways in this frame.
    pub scrolls: Vec<Scroll>,
    /// Where things were painted, when somebody wants to know.
    pub placed: Option<Vec<(String, egui::Rect)>>,
}
