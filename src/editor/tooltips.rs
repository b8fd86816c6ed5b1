//! Every tooltip, in one place: what it is, and the keys that go with it.

use super::dial::ParamId;

/// What every knob obeys.
pub const HAND: &str = "drag up or down · Shift fine · wheel · double-click resets · click the value to type";

/// What a parameter does.
pub const fn param(id: ParamId) -> &'static str {
    match id {
        ParamId::Bypass => "Bypass: the audio passes and nothing is played",
        ParamId::Listen => "Listen: off keeps the last harmony going and hears nothing new",
        ParamId::Style => {
            "Style: what the band plays. Auto follows what it hears and changes at a phrase's start"
        }
        ParamId::Energy => "Energy: calmer or more energetic than the music; the centre is as heard",
        ParamId::Brightness => "Brightness: darker or brighter than the music; the centre is as heard",
        ParamId::Density => "Density: fewer or more notes than the style has",
        ParamId::Swing => "Swing: straighter or more swung than the style",
        ParamId::Humanise => "Humanise: from on the grid to loose",
        ParamId::Temperature => "Temperature: from the likeliest choice to the adventurous",
        ParamId::Seed => "Seed: the same seed, input and settings give the same notes",
        ParamId::Send => "Send: which parts leave by the MIDI output of this instance",
        ParamId::Drums => "Drums on or off",
        ParamId::Chords => "Chords on or off",
        ParamId::Bass => "Bass on or off",
        ParamId::DrumsChannel => "MIDI channel of the drums",
        ParamId::ChordsChannel => "MIDI channel of the chords",
        ParamId::BassChannel => "MIDI channel of the bass",
        ParamId::Preview => "Preview: level of the built-in sounds; all the way down is off",
        ParamId::Follow => "Follow: the host's beat while it plays, or always the beat that is heard",
        ParamId::Form => {
            "Form, from the next bar on: the band, an intro (time and chords), a break, or the ending"
        }
        ParamId::Link => {
            "Link: instances of one group play as one band. The one that hears plans, each sends its own parts"
        }
    }
}

pub(super) const PRESETS: &str = "Presets: factory sets and your own";
pub(super) const STEP_BACK: &str = "The preset before";
pub(super) const STEP_ON: &str = "The next preset";
pub(super) const SLOT: &str = "A and B: two settings to compare; a click goes to the other";
pub(super) const COPY_SLOT: &str = "Copies these settings into the other slot";
pub(super) const MENU: &str = "Look, MIDI routing and folders";
pub(super) const METER: &str = "Input level, −60 to 0 dB";
pub(super) const STRIP: &str = "The last eight seconds: loudness, onsets, beats (downbeats taller)";
pub(super) const TEMPO: &str = "Tempo. Click to say what it is; a pin marks what you have said";
pub(super) const HALF: &str = "Count the heard beat half as fast";
pub(super) const DOUBLE: &str = "Count the heard beat twice as fast";
pub(super) const KEY: &str = "Key. Click to say what it is; the runner-up stands beneath";
pub(super) const METRE: &str =
    "Metre of the heard beat; while the host plays, its metre holds. Click to say what it is";
pub(super) const CHORD: &str =
    "Click a chord to hear and set it, drag its right edge to lengthen it; a dot marks what you have set";
pub(super) const MUTE: &str = "Mute: this part rests from the next bar on";
pub(super) const SOLO: &str = "Solo: only this part plays";
pub(super) const GRIP: &str = "Drag this part's last bars, or the selected ones, into your project";
pub(super) const RULER: &str =
    "Drag along the ruler to select bars · Shift-arrows lengthen · a click or Esc selects nothing";
pub(super) const LANE: &str =
    "Click adds a note, or removes one · drag up or down: velocity · right-click: more · wheel scrolls";
pub(super) const NOTE: &str = "click removes · drag up or down: velocity · right-click: more";
pub(super) const MERGE: &str = "The chord before goes on through these beats · Delete";
pub(super) const UNDO_THIS: &str = "Takes back what was just done · Ctrl-Z";
pub(super) const KEYS: &str = "Tab moves · arrows step · Enter types · L listen · R another take · 1–3 lanes · M S K: mute, solo, keep · Ctrl-E export";
pub(super) const KEPT: &str = "You keep this bar: the band never changes it. Click to give it back";
pub(super) const KEEP: &str = "Keep: this part's planned bars stay as they are; again gives them back";
pub(super) const TAKE: &str = "Another take of this part, in the planned bars that you do not keep";
pub(super) const CALMER: &str = "Energy 25 % down, from the next bar on";
pub(super) const MORE: &str = "Energy 25 % up, from the next bar on";
pub(super) const DARKER: &str = "Brightness 25 % down, from the next bar on";
pub(super) const BRIGHTER: &str = "Brightness 25 % up, from the next bar on";
pub(super) const DICE: &str = "Another seed: other notes, the same music";
pub(super) const CARD: &str = "Drag into your project as MIDI · Alt: as WAV · Shift: one file a part";
pub(super) const LISTEN: &str = "Hear this clip now by the built-in sounds; again ends it";
pub(super) const CARD_PART: &str = "Which parts a clip holds";
pub(super) const EXPORT: &str = "Writes the last bars, or the selected ones, into the clips folder";
pub(super) const FOLDER: &str = "Opens the folder that clips are written to";
pub(super) const PATH: &str = "Copies the path of the clip that was written last";
pub(super) const HEAR: &str =
    "Plays a demo loop on this track and the band along with it. Ends when your song plays";
pub(super) const LIKE: &str =
    "You like the selected bars, or the last four. What you say stays on this computer";
pub(super) const DISLIKE: &str =
    "You do not like the selected bars, or the last four. What you say stays on this computer";
pub(super) const OPEN: &str = "Hears a recording, or reads a MIDI file: its tempo, key and chords";
pub(super) const PATH_FIELD: &str = "The Space key stays the host's: paste a path that has spaces in it";
pub(super) const USE_CHORDS: &str =
    "Sets the file's chords in the harmony lane, as if you had set each by hand; Undo takes them back";
pub(super) const LINK_ALONE: &str = "Nobody else is in this group yet";
pub(super) const LINK_LEADS: &str = "This instance hears and plans for its group";
pub(super) const LINK_FOLLOWS: &str =
    "Another instance of the group hears and plans, with its own knobs; this one sends its parts";
pub(super) const STATE: &str = "What Backline is doing";
