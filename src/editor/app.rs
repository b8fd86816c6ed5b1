//! Carries out what the window asks for: parameters, corrections, presets, clips.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use backline_canvas::Canvas;
use backline_engine::{Edits, Verdict, folders};
use backline_filedrag::{Catcher, Outcome, Visit};
use backline_music::{ChordPin, Corrections, PlannedBar};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{Frame, KeyCapture, NiceEguiApp};
use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use rtrb::PushError;

use super::closing::Threads;
use super::dial::{Dial, ParamId};
use super::history::{Change, History, Settings};
use super::moment::{self, State, Status};
use super::scene::{
    Action, ClipChoice, ClipsView, Correction, Desk, FileAct, Format, Heard, Intake, PresetAction, Scene,
};
use super::theme::Theme;
use super::zoom::{self, Zoom};
use crate::audition::Audition;
use crate::bridge::{EditorEnd, Judgement};
use crate::clips::Clip;
use crate::intake;
use crate::params::BacklineParams;
use crate::presets::{Library, Preset};
use crate::snapshot::Snapshot;
use crate::state::{self, Look};

/// How long after a frame the next is asked for while something moves. The framework looks every 64th of a second whether one is due, and
/// paints it with the screen's next picture: at 60 pictures a second every second one, so 30.
const FRAME: Duration = Duration::from_millis(24);
/// A level below which the meter is at rest.
const AT_REST: f32 = 5.0e-4;
/// How long a jump of the playhead is shown.
const JUMP_SHOWN: Duration = Duration::from_millis(500);
/// How long it is shown that another program took a clip.
const DROP_SHOWN: Duration = Duration::from_secs(2);
/// How long the meter shows its highest peak.
const HELD: Duration = Duration::from_secs(1);
/// Longer than any block of audio takes.
const BLOCK_PATIENCE: Duration = Duration::from_secs(1);
/// The preview's level when the demo turns it on, in dB.
const DEMO_PREVIEW: &str = "-6 dB";

/// Why nothing is auditioned.
const NO_AUDIO: &str = "No audio runs through this track just now, so there was nothing to hear it by. Turn audio on in the host and try again.";

/// What became of a clip.
enum Written {
    /// Files, or why there are none.
    Files(Result<Vec<PathBuf>, String>),
    /// The drag ended.
    Dragged(Result<Outcome, String>),
}

/// A clip on its way.
struct Writing {
    news: Receiver<Written>,
    bars: Vec<Arc<PlannedBar>>,
    /// It is dragged: it is kept once another program takes it.
    drag: bool,
}

/// What the window holds between frames.
pub struct App {
    params: Arc<BacklineParams>,
    end: EditorEnd,
    /// The threads of this app's windows.
    threads: Threads,
    context: Option<GuiContext>,
    desk: Desk,
    history: History,
    /// The gesture in hand: the value when it began, and what was set last.
    gesture: Option<(ParamId, f32, f32)>,
    corrections: Corrections,
    edits: Edits,
    look: Look,
    applied: Option<Look>,
    zoom: Zoom,
    library: Library,
    names: Vec<(String, bool)>,
    preset: String,
    clips: ClipsView,
    written: Option<Writing>,
    /// The audition that is being rendered.
    rendering: Option<Receiver<Audition>>,
    /// The one that is rendered, until the audio thread has room for it, and since when.
    rendered: Option<(Box<Audition>, Instant)>,
    /// Takes the files that are dropped on the open window.
    catcher: Option<(Catcher, Receiver<Visit>)>,
    file_over: bool,
    intake: Intake,
    taking: Option<Receiver<Intake>>,
    notices: Vec<String>,
    /// Those of them that the project's state is the cause of, and what there was in it.
    of_the_project: Vec<String>,
    troubles: state::Troubles,
    peak: f32,
    /// The highest peak of the last second, and since when.
    held: (f32, Instant),
    /// When another program took a clip.
    dropped: Option<Instant>,
    playhead: (f64, Instant),
    jumped: Option<Instant>,
    /// Up to where the plan was fixed when something was asked for.
    asked_at: Option<f64>,
}

impl App {
    /// A window that is not open yet.
    pub fn new(params: Arc<BacklineParams>, end: EditorEnd, threads: Threads) -> Self {
        Self {
            params,
            end,
            threads,
            context: None,
            desk: Desk::default(),
            history: History::default(),
            gesture: None,
            corrections: Corrections::default(),
            edits: Edits::default(),
            look: Look::default(),
            applied: None,
            zoom: Zoom::default(),
            library: Library::default(),
            names: Vec::new(),
            preset: String::new(),
            clips: ClipsView::default(),
            written: None,
            rendering: None,
            rendered: None,
            catcher: None,
            file_over: false,
            intake: Intake::Nothing,
            taking: None,
            notices: Vec::new(),
            of_the_project: Vec::new(),
            troubles: state::Troubles::default(),
            peak: 0.0,
            held: (0.0, Instant::now()),
            dropped: None,
            playhead: (0.0, Instant::now()),
            jumped: None,
            asked_at: None,
        }
    }

    /// How large the window is.
    pub fn extent(&self) -> zoom::Shared {
        self.zoom.extent.clone()
    }

    /// Takes over what the project holds: another project may have been loaded since. Never waits; if
    /// the state is being written just now, the next frame reads it.
    fn read_state(&mut self) {
        if let Ok(state) = self.params.state.try_read() {
            if self.corrections != state.corrections {
                self.corrections.clone_from(&state.corrections);
            }
            if self.edits != state.edits {
                self.edits.clone_from(&state.edits);
            }
            self.look = state.look;
            if self.preset != state.preset {
                self.preset.clone_from(&state.preset);
            }
            // Another project, a preset or the host's undo has other things to tell.
            let troubles = state.troubles();
            if std::mem::replace(&mut self.troubles, troubles) != troubles {
                let new = state.notices();
                let old = std::mem::replace(&mut self.of_the_project, new.clone());
                self.notices.retain(|notice| !old.contains(notice));
                self.notices.splice(0..0, new);
            }
        }
    }

    /// Changes what the project holds. Only in answer to the hand, never in painting; whoever else has the
    /// lock holds it for a copy's length.
    fn write_state(&mut self, change: impl FnOnce(&mut state::StateV1)) {
        if let Ok(mut state) = self.params.state.write() {
            change(&mut state);
        }
        self.read_state();
    }

    fn settings(&self) -> Settings {
        Settings {
            values: self.params.values(),
            corrections: self.corrections.clone(),
            edits: self.edits.clone(),
            preset: self.preset.clone(),
        }
    }

    fn status(&mut self) -> Status {
        let meters = &self.end.meters;
        let peak = meters.input_peak.swap(0.0, Ordering::Relaxed);
        // Falls by about 20 dB a second.
        self.peak = peak.max(self.peak * 0.92);
        if self.peak >= self.held.0 || self.held.1.elapsed() > HELD {
            self.held = (self.peak, Instant::now());
        }
        let mut status = Status {
            peak: self.peak,
            held: self.held.0,
            listen: self.params.listen.value(),
            ..Status::read(meters)
        };
        let (last, seen) = self.playhead;
        let now = Instant::now();
        if status.playing && last != status.pos_beats {
            let expected = last + (now - seen).as_secs_f64() * status.tempo_bpm / 60.0;
            let jump = (status.pos_beats - expected).abs() > 1.0 && (now - seen) < Duration::from_secs(1);
            if jump && last > 0.0 {
                self.jumped = Some(now);
            }
            self.playhead = (status.pos_beats, now);
        } else if !status.playing {
            self.playhead = (0.0, now);
        }
        status.jumped = self.jumped.is_some_and(|at| at.elapsed() < JUMP_SHOWN);
        let committed = self.end.snapshot.output_buffer_mut().plan.as_ref().map(|plan| plan.committed_beat);
        // At rest no bar comes that could follow it.
        if !status.playing || committed != self.asked_at {
            self.asked_at = None;
        }
        status.asked = self.asked_at.is_some();
        status
    }

    fn apply(&mut self, ctx: &egui::Context, acts: Vec<Action>) {
        for act in acts {
            match act {
                Action::Begin(id) => {
                    let now = self.params.dial(id).now();
                    self.gesture = Some((id, now, now));
                    self.with_setter(|params, setter| params.dial(id).begin(setter));
                }
                Action::Set(id, value) => {
                    self.with_setter(|params, setter| params.dial(id).set(setter, value));
                    if let Some((_, _, set)) = self.gesture.as_mut().filter(|(held, ..)| *held == id) {
                        *set = value;
                    }
                    if id.is_musical() || id == ParamId::Form {
                        self.asked();
                    }
                }
                Action::End(id) => {
                    self.with_setter(|params, setter| params.dial(id).end(setter));
                    self.end_gesture(id);
                }
                Action::Notch(id, value) => self.notch(id, value),
                Action::Together(name, values) => self.together(name, &values),
                Action::Demo(on) => self.demo(on),
                Action::Correct(correction) => self.correct(correction),
                Action::Edit(name, edits) => self.edit(name, edits),
                Action::Undo => {
                    if let Some(change) = self.history.undo() {
                        self.restore(change);
                    }
                }
                Action::Redo => {
                    if let Some(change) = self.history.redo() {
                        self.restore(change);
                    }
                }
                Action::SwapSlot => {
                    let now = self.settings();
                    let change = self.history.swap(now);
                    self.restore(change);
                }
                Action::CopySlot => {
                    let now = self.settings();
                    self.history.copy(now);
                }
                Action::Preset(action) => self.preset(action),
                Action::Export(choice, format) => self.write(ctx, choice, format, false),
                Action::Drag(choice, format) => self.write(ctx, choice, format, true),
                Action::Hear(what) => self.audition(ctx, what),
                Action::OpenFolder => self.open_folder(ctx),
                Action::CopyPath => {
                    if let Some(Ok(path)) = &self.clips.last {
                        ctx.copy_text(path.display().to_string());
                    }
                }
                Action::File(act) => self.file(ctx, act),
                Action::Judge(bars, liked) => self.judge(bars, liked),
                Action::Look(look) => self.write_state(|state| state.look = look),
                Action::CopyDetails => {
                    let snapshot = self.end.snapshot.output_buffer_mut();
                    ctx.copy_text(moment::details(snapshot, &self.notices));
                }
                Action::Dismiss => {
                    if !self.notices.is_empty() {
                        self.notices.remove(0);
                    }
                }
            }
        }
    }

    fn with_setter(&self, act: impl FnOnce(&BacklineParams, &nice_plug::prelude::ParamSetter<'_>)) {
        if let Some(context) = &self.context {
            act(&self.params, &context.param_setter());
        }
    }

    /// Something was changed that only a bar to come can follow.
    fn asked(&mut self) {
        self.asked_at = self.end.snapshot.output_buffer_mut().plan.as_ref().map(|plan| plan.committed_beat);
    }

    /// Notes the gesture as a step. By what was set, not by what the parameter says: a host may take that over a
    /// block later.
    fn end_gesture(&mut self, id: ParamId) {
        let Some((_, from, to)) = self.gesture.take().filter(|(held, ..)| *held == id) else { return };
        self.history.push(turned(self.params.dial(id), from, to), Change::of_values([(id, from, to)]));
    }

    /// One notch: those that follow each other are one step.
    fn notch(&mut self, id: ParamId, to: f32) {
        let from = self.params.dial(id).now();
        self.put(&[(id, to)]);
        let params = Arc::clone(&self.params);
        let name = |from, to| turned(params.dial(id), from, to);
        self.history.push_notch(id, from, to, Instant::now(), name);
        if id.is_musical() {
            self.asked();
        }
    }

    /// Several parameters in one step.
    fn together(&mut self, name: String, values: &[(ParamId, f32)]) {
        let now = self.params.values();
        self.put(values);
        let change = Change::of_values(values.iter().map(|&(id, to)| (id, now[id.index()], to)));
        self.history.push(name, change);
        self.asked();
    }

    /// Sets what a step changes, and nothing else.
    fn restore(&mut self, change: Change) {
        let values: Vec<_> = change.values.iter().map(|&(id, _, to)| (id, to)).collect();
        self.put(&values);
        self.write_state(|state| {
            if let Some((_, corrections)) = change.corrections {
                state.corrections = corrections;
            }
            if let Some((_, edits)) = change.edits {
                state.edits = edits;
            }
            if let Some((_, preset)) = change.preset {
                state.preset = preset;
            }
        });
        self.asked();
    }

    fn put(&mut self, values: &[(ParamId, f32)]) {
        self.with_setter(|params, setter| {
            for &(id, value) in values {
                let dial = params.dial(id);
                dial.begin(setter);
                dial.set(setter, value);
                dial.end(setter);
            }
        });
    }

    fn correct(&mut self, correction: Correction) {
        let mut corrections = self.corrections.clone();
        let name = match correction {
            Correction::Tempo(bpm) => {
                corrections.tempo_near_bpm = bpm;
                "tempo"
            }
            Correction::Key(key) => {
                corrections.key = key;
                "key"
            }
            Correction::Metre(metre) => {
                corrections.metre = metre;
                "metre"
            }
            Correction::Pin(pin) => {
                corrections.pin(pin);
                "chord"
            }
            Correction::Unpin(from, to, on_heard_beat) => {
                corrections.unpin(from, to, on_heard_beat);
                "chord"
            }
        };
        self.set_corrections(format!("set the {name}"), corrections);
    }

    fn set_corrections(&mut self, name: String, corrections: Corrections) {
        let corrections = corrections.sanitised();
        if corrections != self.corrections {
            let change = Some((self.corrections.clone(), corrections.clone()));
            self.history.push(name, Change { corrections: change, ..Change::default() });
            self.write_state(|state| state.corrections = corrections);
            self.asked();
        }
    }

    fn edit(&mut self, name: String, edits: Edits) {
        if edits != self.edits {
            let change = Some((self.edits.clone(), edits.clone()));
            self.history.push(name, Change { edits: change, ..Change::default() });
            self.write_state(|state| state.edits = edits);
            self.asked();
        }
    }

    /// Tells the worker what the musician thinks of some bars.
    fn judge(&mut self, bars: Vec<Arc<PlannedBar>>, liked: bool) {
        let verdict = if liked { Verdict::Liked } else { Verdict::Disliked };
        if self.end.judgements.push(Judgement { bars, verdict }).is_err() {
            self.notices.push(
                "The band does not listen just now, so what you think of these bars was not taken. Turn audio on in \
                 the host and say it again."
                    .to_owned(),
            );
        }
    }

    fn demo(&mut self, on: bool) {
        self.end.meters.demo_wanted.store(on, Ordering::Relaxed);
        if on && self.params.preview_gain().is_none() {
            // Without its own sounds the newcomer would hear the guitar alone.
            let mut values = vec![(ParamId::Bypass, 0.0), (ParamId::Listen, 1.0)];
            values.extend(
                self.params.dial(ParamId::Preview).typed(DEMO_PREVIEW).map(|v| (ParamId::Preview, v)),
            );
            let now = self.params.values();
            values.retain(|(id, value)| now[id.index()] != *value);
            self.put(&values);
        }
    }

    /// Looks at the folder of presets: another track's window may have kept one since. What went wrong is told once.
    fn read_presets(&mut self) {
        let told = std::mem::take(&mut self.library.notices);
        self.library.read_again();
        let news = self.library.notices.iter().filter(|notice| !told.contains(notice));
        self.notices.extend(news.cloned());
        self.names = self.library.names();
    }

    fn preset(&mut self, action: PresetAction) {
        let place = match action {
            PresetAction::Load(place) => place,
            PresetAction::Step(by) => {
                let known = self.library.presets.iter().position(|(p, _)| p.name == self.preset);
                let count = self.library.presets.len().max(1) as i32;
                let now = known.map_or(if by > 0 { -1 } else { 0 }, |place| place as i32);
                (now + by).rem_euclid(count) as usize
            }
            PresetAction::List => {
                self.read_presets();
                return;
            }
            PresetAction::Save(name) => {
                let preset = Preset::of(&self.params, &self.params.values(), &name);
                match self.library.save(preset) {
                    Ok(_) => self.write_state(|state| state.preset = name),
                    Err(why) => self.notices.push(why),
                }
                self.names = self.library.names();
                return;
            }
        };
        let Some((preset, _)) = self.library.presets.get(place) else { return };
        let (name, mut values) = (preset.name.clone(), preset.values(&self.params));
        let now = self.params.values();
        // What a preset does not mention it leaves to the usual, so that presets do not pile up.
        for id in ParamId::ALL.into_iter().filter(|id| id.is_musical() && *id != ParamId::Seed) {
            if !values.iter().any(|(known, _)| *known == id) {
                values.push((id, self.params.dial(id).usual()));
            }
        }
        values.retain(|(id, value)| (now[id.index()] - value).abs() > 1.0e-6);
        self.put(&values);
        let mut change = Change::of_values(values.iter().map(|&(id, to)| (id, now[id.index()], to)));
        change.preset = (name != self.preset).then(|| (self.preset.clone(), name.clone()));
        self.history.push(format!("preset {name}"), change);
        self.write_state(|state| state.preset = name);
        self.asked();
    }

    /// Writes a clip on a thread of its own, and drags it from there.
    fn write(&mut self, ctx: &egui::Context, choice: ClipChoice, format: Format, drag: bool) {
        if self.clips.busy {
            return;
        }
        let snapshot = self.end.snapshot.output_buffer_mut();
        let key = self.corrections.key.or(snapshot.key.map(|key| key.value));
        let Some(clip) = Clip::of(&choice, key) else { return };
        let Some(folder) = folders::clips() else {
            let what = folders::NO_HOME;
            let why =
                format!("No folder for clips was found, so nothing is written. {what} The bars are kept.");
            self.clips.last = Some(Err(why));
            return;
        };
        let (sender, receiver) = channel();
        let ctx = ctx.clone();
        let spawned = std::thread::Builder::new().name("backline-clip".to_owned()).spawn(move || {
            let files = clip.write(&folder, format);
            let paths = files.clone().unwrap_or_default();
            let _ = sender.send(Written::Files(files));
            ctx.request_repaint();
            if drag && !paths.is_empty() {
                let paths: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
                let dragged = backline_filedrag::drag(&paths).map_err(|refused| refused.to_string());
                let _ = sender.send(Written::Dragged(dragged));
                ctx.request_repaint();
            }
        });
        self.clips.busy = spawned.is_ok();
        self.written = Some(Writing { news: receiver, bars: choice.bars, drag });
    }

    /// Lets a clip or a chord be heard at once, rendered on a thread of its own.
    fn audition(&mut self, ctx: &egui::Context, what: Heard) {
        let sample_rate = self.end.meters.sample_rate.load(Ordering::Relaxed);
        if sample_rate <= 0.0 {
            self.notices.push(NO_AUDIO.to_owned());
            return;
        }
        let clip = match &what {
            Heard::Clip(choice) => Clip::of(choice, None),
            Heard::Chord(_) | Heard::Nothing => None,
        };
        let (sender, receiver) = channel();
        let (ctx, threads) = (ctx.clone(), self.threads.clone());
        let spawned = std::thread::Builder::new().name("backline-audition".to_owned()).spawn(move || {
            // A window that is closed meanwhile waits for it: the library may be unloaded next.
            threads.mark();
            let sound = match (clip, what) {
                (Some(clip), _) => Audition::of_clip(&clip, sample_rate),
                (None, Heard::Chord(chord)) => Audition::of_chord(chord, sample_rate),
                (None, Heard::Clip(_) | Heard::Nothing) => Audition::silence(),
            };
            let _ = sender.send(sound);
            ctx.request_repaint();
        });
        // What was asked for before is not wanted any more.
        self.rendering = spawned.is_ok().then_some(receiver);
    }

    /// Hands over an audition that is rendered, and frees those that have ended.
    fn hear_of_auditions(&mut self) {
        while self.end.spent_auditions.pop().is_ok() {}
        match self.rendering.as_ref().map(Receiver::try_recv) {
            Some(Ok(sound)) => {
                self.rendering = None;
                self.rendered = Some((Box::new(sound), Instant::now()));
            }
            Some(Err(TryRecvError::Disconnected)) => self.rendering = None,
            Some(Err(TryRecvError::Empty)) | None => {}
        }
        let Some((sound, since)) = self.rendered.take() else { return };
        if let Err(PushError::Full(sound)) = self.end.auditions.push(sound) {
            // Audio that runs takes the one before within a block.
            if since.elapsed() < BLOCK_PATIENCE {
                self.rendered = Some((sound, since));
            } else {
                self.notices.push(NO_AUDIO.to_owned());
            }
        }
    }

    /// News of a clip.
    fn hear_of_clips(&mut self) {
        let Some(writing) = self.written.take() else { return };
        loop {
            match writing.news.try_recv() {
                Ok(Written::Files(Ok(paths))) => {
                    self.clips.busy = false;
                    self.clips.last = paths.into_iter().next().map(Ok);
                    if !writing.drag {
                        self.kept(&writing.bars);
                    }
                }
                Ok(Written::Files(Err(why)) | Written::Dragged(Err(why))) => {
                    self.clips.busy = false;
                    self.clips.last = Some(Err(why));
                }
                Ok(Written::Dragged(Ok(Outcome::Dropped))) => {
                    self.dropped = Some(Instant::now());
                    self.kept(&writing.bars);
                }
                // The file stays: a slow program may have taken it all the same. But nobody said that it is liked.
                Ok(Written::Dragged(Ok(Outcome::Cancelled))) => self.dropped = None,
                Err(TryRecvError::Empty) => {
                    self.written = Some(writing);
                    return;
                }
                Err(TryRecvError::Disconnected) => {
                    self.clips.busy = false;
                    return;
                }
            }
        }
    }

    /// Bars that are kept are liked. Where nobody listens nothing is learnt; the clip is what counts.
    fn kept(&mut self, bars: &[Arc<PlannedBar>]) {
        let _ = self.end.judgements.push(Judgement { bars: bars.to_vec(), verdict: Verdict::Kept });
    }

    fn file(&mut self, ctx: &egui::Context, act: FileAct) {
        match (act, &self.intake) {
            (FileAct::Ask, _) => self.intake = Intake::Asking,
            (FileAct::Open(path), _) => self.take(ctx, intake::path_of(&path)),
            (FileAct::Chords(from, on_heard_beat), Intake::Done(taken)) => {
                let mut corrections = self.corrections.clone();
                for chord in &taken.chords {
                    corrections.pin(ChordPin {
                        start_beat: from + chord.start_beat,
                        length_beats: chord.length_beats,
                        chord: chord.chord,
                        on_heard_beat,
                    });
                }
                let name = format!("chords of {}", taken.name);
                self.set_corrections(name, corrections);
                self.intake = Intake::Nothing;
            }
            (FileAct::Key, Intake::Done(taken)) => {
                let corrections = Corrections { key: taken.key, ..self.corrections.clone() };
                let name = format!("key of {}", taken.name);
                self.set_corrections(name, corrections);
            }
            (FileAct::Chords(..) | FileAct::Key, _) => {}
            (FileAct::Close, _) => {
                // What is still being heard is heard in vain.
                self.intake = Intake::Nothing;
                self.taking = None;
            }
        }
    }

    /// Hears or reads a file on a thread of its own.
    fn take(&mut self, ctx: &egui::Context, path: PathBuf) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (sender, receiver) = channel();
        let ctx = ctx.clone();
        self.intake = Intake::Working { name: name.clone(), share: 0.0 };
        let spawned = std::thread::Builder::new().name("backline-file".to_owned()).spawn(move || {
            let mut told = 0.0;
            let taken = intake::take(&path, &mut |share| {
                if share - told > 0.01 {
                    told = share;
                    let _ = sender.send(Intake::Working { name: name.clone(), share });
                    ctx.request_repaint();
                }
            });
            let _ = sender.send(taken.map_or_else(Intake::Failed, Intake::Done));
            ctx.request_repaint();
        });
        match spawned {
            Ok(_) => self.taking = Some(receiver),
            Err(error) => {
                self.intake = Intake::Failed(format!(
                    "The system has no room for another thread ({error}), so the file was not heard. Close something and \
                     try again."
                ));
            }
        }
    }

    /// News of files: held over the window, dropped, heard.
    fn hear_of_files(&mut self, ctx: &egui::Context) {
        let visits: Vec<Visit> = self.catcher.iter().flat_map(|(_, visits)| visits.try_iter()).collect();
        for visit in visits {
            self.file_over = visit == Visit::Over;
            if let Visit::Dropped(mut files) = visit
                && !files.is_empty()
            {
                self.take(ctx, files.swap_remove(0));
            }
        }
        if let Some(news) = self.taking.as_ref().and_then(|taking| taking.try_iter().last()) {
            if !matches!(news, Intake::Working { .. }) {
                self.taking = None;
            }
            self.intake = news;
        }
    }

    /// Begins to take files that are dropped on the window. Where that cannot be, a path can be typed.
    fn catch_files(&mut self, ctx: &egui::Context, frame: &Frame) {
        let Some(window) = x11_window(frame) else { return };
        let (sender, receiver) = channel();
        let ctx = ctx.clone();
        let catcher = backline_filedrag::catch(window, move |visit| {
            let _ = sender.send(visit);
            ctx.request_repaint();
        });
        self.catcher = catcher.ok().map(|catcher| (catcher, receiver));
    }

    fn open_folder(&mut self, ctx: &egui::Context) {
        let Some(folder) = folders::clips() else { return };
        match std::fs::create_dir_all(&folder) {
            Ok(()) => ctx.open_url(egui::OpenUrl::new_tab(folder.display())),
            Err(e) => {
                let folder = folder.display();
                self.notices.push(format!(
                    "{folder} cannot be made ({e}), so no clip can lie there. Check its permissions."
                ));
            }
        }
    }

    fn apply_look(&mut self, ctx: &egui::Context, frame: &mut Frame) {
        if self.applied == Some(self.look) {
            return;
        }
        let theme = Theme::of(self.look.light);
        // The values are taken as they are.
        let [red, green, blue, alpha] = theme.panel.to_normalized_gamma_f32();
        frame.set_clear_color(egui::Rgba::from_rgba_premultiplied(red, green, blue, alpha));
        ctx.set_theme(if self.look.light { egui::Theme::Light } else { egui::Theme::Dark });
        ctx.set_visuals_of(
            if self.look.light { egui::Theme::Light } else { egui::Theme::Dark },
            theme.visuals(),
        );
        let usual = egui::Style::default().animation_time;
        ctx.all_styles_mut(|style| style.animation_time = if self.look.calm { 0.0 } else { usual });
        self.applied = Some(self.look);
    }

    /// The zoom follows the window's size, and a zoom that is chosen asks for another size.
    fn fit_zoom(&mut self, ctx: &egui::Context, frame: &Frame) {
        let window = frame.baseview_window().size();
        let size = egui::vec2(window.logical.width as f32, window.logical.height as f32);
        self.zoom.settle(ctx, self.look.zoom, size, window.scale_factor as f32, x11_window(frame));
    }
}

impl NiceEguiApp for App {
    fn build(&mut self, ctx: egui::Context, gui: GuiContext, frame: &mut Frame) -> Result<(), HandlerError> {
        self.threads.mark();
        // Little work: the host waits, and parameter changes meanwhile find the window busy.
        self.context = Some(gui);
        self.read_state();
        if self.names.is_empty() {
            self.library = Library::of_the_musician();
        }
        self.read_presets();
        self.applied = None;
        self.apply_look(&ctx, frame);
        self.zoom.open();
        self.catch_files(&ctx, frame);
        let graphics = frame.baseview_window().gl_context();
        ctx.add_plugin(graphics.map_or_else(Canvas::default, |gl| Canvas::of(&gl)));
        frame.set_key_capture(KeyCapture::IgnoreAll);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        if self.context.is_none() {
            return;
        }
        self.end.snapshot.update();
        self.read_state();
        self.hear_of_clips();
        self.hear_of_auditions();
        self.hear_of_files(&ui.ctx().clone());
        self.apply_look(&ui.ctx().clone(), frame);
        self.fit_zoom(&ui.ctx().clone(), frame);
        let status = self.status();
        let values = self.params.values();
        let mut acts = Vec::new();
        let snapshot: &Snapshot = self.end.snapshot.output_buffer_mut();
        self.clips.bars = snapshot.captured.len();
        self.clips.dropped = self.dropped.is_some_and(|at| at.elapsed() < DROP_SHOWN);
        let known = self.library.presets.iter().find(|(p, _)| p.name == self.preset);
        let changed = known.is_some_and(|(preset, _)| !preset.matches(&self.params, &values));
        let scene = Scene {
            params: &self.params,
            values: &values,
            snapshot,
            status: &status,
            state: State::of(snapshot, &status),
            corrections: &self.corrections,
            edits: &self.edits,
            look: self.look,
            theme: Theme::of(self.look.light),
            steps: self.history.names(),
            slot_b: self.history.slot_b,
            preset: (&self.preset, changed),
            presets: &self.names,
            clips: &self.clips,
            intake: &self.intake,
            file_over: self.file_over,
            notices: &self.notices,
        };
        super::paint(ui, &scene, &mut self.desk, &mut acts);
        let (ground, scrolls) = (scene.theme.panel, std::mem::take(&mut self.desk.scrolls));
        ui.ctx().with_plugin(|canvas: &mut Canvas| canvas.set(ground, scrolls));
        let moving = status.playing
            || self.peak > AT_REST
            || self.held.0 > AT_REST
            || status.jumped
            || status.asked
            || self.clips.busy
            || self.clips.dropped
            || self.rendering.is_some()
            || self.rendered.is_some()
            || status.auditioning
            || self.taking.is_some();
        let ctx = ui.ctx().clone();
        let acted = !acts.is_empty();
        self.apply(&ctx, acts);
        // Keys are the host's unless a value or a name is being typed, or Tab has come here.
        let focused = ctx.memory(|m| m.focused().is_some());
        frame.set_key_capture(if focused { space_excepted() } else { KeyCapture::IgnoreAll });
        // While something moves frames come by themselves, and the worker rings for none between; what it had
        // to tell meanwhile is seen in one frame more.
        let moved = self.end.meters.window_moves.swap(moving, Ordering::Relaxed);
        if acted {
            ctx.request_repaint();
        } else if moving || moved {
            ctx.request_repaint_after(FRAME);
        }
        // Else nothing: the worker rings when there is something new.
    }

    fn editor_closed(&mut self) {
        // A gesture that the closing cuts off is over for the host as well.
        if let Some((id, ..)) = self.gesture.take() {
            self.with_setter(|params, setter| params.dial(id).end(setter));
        }
        // What is auditioned ends with the window, where it could be ended.
        (self.rendering, self.rendered) = (None, None);
        let _ = self.end.auditions.push(Box::new(Audition::silence()));
        self.asked_at = None;
        self.end.meters.window_moves.store(false, Ordering::Relaxed);
        self.context = None;
        self.catcher = None;
        self.file_over = false;
        self.desk = Desk::default();
        self.applied = None;
    }
}

/// What a step is called that turned a parameter.
fn turned(dial: &dyn Dial, from: f32, to: f32) -> String {
    format!("{} {} → {}", dial.title(), dial.shown(from), dial.shown(to))
}

/// The window's number on an X server.
fn x11_window(frame: &Frame) -> Option<u32> {
    match frame.baseview_window().window_handle().ok()?.as_raw() {
        RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok(),
        _ => None,
    }
}

/// All keys but Space, which is the host's whatever happens.
fn space_excepted() -> KeyCapture {
    KeyCapture::IgnoreKeys(vec![nice_plug_egui::Key::Character(" ".to_owned())])
}

#[cfg(test)]
mod tests;
