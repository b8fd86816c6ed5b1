//! Every tooltip, in one place: what it is, and after a bar what is pressed for it; and the page that says so of everything.

use super::dial::ParamId;

/// What every knob obeys.
pub const HAND: &str =
    "drag, Shift fine · wheel, arrows · double-click or Home resets · click the value or Enter to type";

/// What a parameter does.
pub const fn param(id: ParamId) -> &'static str {
    match id {
        ParamId::Bypass => "Bypass: the audio passes and nothing is played",
        ParamId::Listen => "Listen: off keeps the last harmony going and hears nothing new | L",
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
            "Form, from the next bar on that is more than a quarter of a second away: the band, an intro (time and \
             chords), a break, or the ending"
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
pub(super) const METER: &str = "Input, −60 to 0 dB: peak with its highest of the last second, and loudness";
pub(super) const STRIP: &str = "The last eight seconds: loudness, onsets, beats (downbeats taller)";
pub(super) const TEMPO: &str = "Tempo. Click to say what it is, double-click: as heard";
pub(super) const HALF: &str = "Count the heard beat half as fast";
pub(super) const DOUBLE: &str = "Count the heard beat twice as fast";
pub(super) const KEY: &str =
    "Key. Click to say what it is, double-click: as heard; the runner-up stands beneath";
pub(super) const METRE: &str = "Metre of the heard beat; while the host plays, its metre holds. Click to say what it is, double-click: as heard";
pub(super) const CHORD: &str = "Click hears this chord, double-click sets it, its right edge lengthens it; a dot marks what you have set | Enter · Delete";
pub(super) const MUTE: &str =
    "Mute: this part is silent at once, and comes back in the middle of what it would play | M";
pub(super) const SOLO: &str = "Solo: only this part plays | S";
pub(super) const GRIP: &str = "Drag this part's last bars, or the selected ones, into your project";
pub(super) const RULER: &str =
    "Drag along the ruler to select bars; a click selects nothing | arrows · Shift-arrows · Esc";
pub(super) const LANE: &str =
    "Click adds a note, or removes one · drag up or down: velocity · right-click: more · wheel scrolls";
pub(super) const NOTE: &str = "click removes · drag up or down: velocity · right-click: more";
pub(super) const MERGE: &str = "The chord before goes on through these beats | Delete";
pub(super) const UNDO_THIS: &str = "Takes back what was just done | Ctrl-Z";
pub(super) const KEPT: &str = "You keep this bar: the band never changes it. Click to give it back";
pub(super) const KEEP: &str = "Keep: this part's planned bars stay as they are; again gives them back | K";
pub(super) const TAKE: &str =
    "Another take of this part, in the planned bars that you do not keep; of all parts | R";
pub(super) const CALMER: &str = "Energy 25 % down, from the next bar on";
pub(super) const MORE: &str = "Energy 25 % up, from the next bar on";
pub(super) const DARKER: &str = "Brightness 25 % down, from the next bar on";
pub(super) const BRIGHTER: &str = "Brightness 25 % up, from the next bar on";
pub(super) const DICE: &str = "Another seed: other notes, the same music";
pub(super) const CARD: &str = "Drag into your project as MIDI | Alt: WAV · Shift: one file a part";
pub(super) const LISTEN: &str = "Hear this clip now by the built-in sounds; again ends it";
pub(super) const CARD_PART: &str = "Which parts a clip holds";
pub(super) const EXPORT: &str = "Writes the last bars, or the selected ones, into the clips folder | Ctrl-E";
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
pub(super) const DETAILS: &str =
    "Copies what a report of this should tell: version, system, and what went wrong";
pub(super) const FIXED: &str =
    "Up to this bar the band's notes are fixed; what you change acts from the next on";
pub(super) const UNDO_KEYS: &str = "Ctrl-Z";
pub(super) const REDO_KEYS: &str = "Ctrl-Shift-Z";
pub(super) const HELP_KEY: &str = "All keys and gestures | ?";
pub(super) const TIPS: &str = "Whether tips like this one come up; the last line tells them all the same";
pub(super) const CALM: &str = "The lanes stand and turn over like pages, and nothing fades in";

/// What is pressed, or done with the pointer, and what comes of it.
type Line = (&'static str, &'static str);

/// The page of keys and gestures: columns of chapters.
pub(super) const HELP: [&[(&str, &[Line])]; 3] = [
    &[
        (
            "Everywhere",
            &[
                ("Tab, Shift-Tab", "the next control, or the one before"),
                ("Ctrl-Z", "undo; redo with Shift, or Ctrl-Y"),
                ("L", "listen, or listen no more"),
                ("R", "another take of all that you do not keep"),
                ("Ctrl-E", "export the selected bars, or the last four"),
                ("Esc", "leave: a menu, a field, a selection"),
                ("?", "this page"),
                ("Space", "always your host's"),
            ],
        ),
        (
            "Knobs and sliders",
            &[
                ("drag", "up or down; Shift for fine"),
                ("wheel, arrows", "a hundredth; with Shift a tenth of that"),
                ("double-click", "as it was at first; Home or Ctrl-click too"),
                ("Enter", "type a value, or click on it"),
                ("right-click", "reset, type, undo"),
            ],
        ),
    ],
    &[
        (
            "What it hears",
            &[("click", "say what it is: tempo, key, metre, style"), ("double-click", "as heard again")],
        ),
        (
            "Harmony",
            &[
                ("click", "hear the chord"),
                ("double-click", "set it: so do Enter and right-click"),
                ("right edge", "drag it to lengthen; Alt: between beats"),
                ("Delete", "the chord before goes on"),
            ],
        ),
        (
            "Clips",
            &[
                ("drag a card", "into your project; Alt: WAV, Shift: a file a part"),
                ("drag a grip", "one part of the last bars"),
                ("drop a file", "on this window, to have it heard"),
            ],
        ),
    ],
    &[
        (
            "Lanes",
            &[
                ("click", "add a note, or remove it"),
                ("drag a note", "up or down: velocity; Shift for fine"),
                ("drag beside one", "a new note, longer to the right"),
                ("Alt", "between the sixteenths"),
                ("right-click", "accent, ghost, flam, keep, another take"),
                ("wheel", "through the song; with Ctrl nearer or farther"),
                ("middle drag", "moves the lanes"),
                ("1  2  3", "the focus to chords, bass, drums"),
                ("M  S  K", "mute, solo, keep the lane with the focus"),
            ],
        ),
        (
            "Ruler",
            &[
                ("drag", "select bars"),
                ("arrows", "the next bar; Shift lengthens"),
                ("click, Esc", "select nothing"),
            ],
        ),
    ],
];
/// What stands beneath.
pub(super) const HELP_END: &str =
    "Letters act once a click or Tab has given a control here the focus, and are your host's until then.";
