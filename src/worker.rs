//! The worker thread: hears the audio, plans, and shows both; one thread an instance.
//!
//! The audio thread never wakes it (that would be a system call); it looks for new chunks every
//! [`POLL`]. Only an offline render wakes it, see `process.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use backline_engine::{Models, Session};
use backline_music::{Corrections, Plan, Timeline, Transport};

use crate::bridge::{Header, Meters, StampedPlan, WorkerEnd};
use crate::capture::Capture;
use crate::demo::DemoLoop;
use crate::params::Knobs;
use crate::snapshot::Snapshot;
use crate::state::SharedState;

/// How often an idle worker looks for audio.
const POLL: Duration = Duration::from_millis(2);
/// How often the window is given a new picture at most.
const PICTURE: Duration = Duration::from_millis(30);
/// How long leaving may take before the thread is left to itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the worker owns; it outlives the thread, so that what was heard survives a change of buffer
/// size.
pub struct Core {
    end: WorkerEnd,
    session: Option<Session>,
    sample_rate: f64,
    pos: u64,
    sent_revision: Option<u64>,
    unsent: Option<Box<StampedPlan>>,
    knobs: Option<Knobs>,
    transport: Transport,
    buffer: Vec<f32>,
    notices: Vec<String>,
    failed: bool,
    pictures: u64,
    models: Models,
    /// Stream position at which the session began.
    origin: u64,
    /// The plan in force, as the window is shown it.
    plan: Arc<Plan>,
    capture: Capture,
    state: SharedState,
    corrections: Corrections,
    demo: bool,
    demo_sent: bool,
    /// Told when there is something new to see.
    on_news: Option<Box<dyn Fn() + Send>>,
    shown: Snapshot,
}

impl Core {
    /// A core without a session; [`Core::open`] makes one. `state` holds the musician's corrections.
    pub fn new(end: WorkerEnd, state: SharedState) -> Self {
        Self {
            end,
            session: None,
            sample_rate: 0.0,
            pos: 0,
            sent_revision: None,
            unsent: None,
            knobs: None,
            transport: Transport::STOPPED,
            buffer: Vec::new(),
            notices: Vec::new(),
            failed: false,
            pictures: 0,
            models: Models::none(),
            origin: 0,
            plan: Arc::new(Plan::empty()),
            capture: Capture::default(),
            state,
            corrections: Corrections::default(),
            demo: false,
            demo_sent: false,
            on_news: None,
            shown: Snapshot::default(),
        }
    }

    /// Makes ready for audio at `sample_rate` Hz. What was heard at the same rate is kept, unless the
    /// session is to start `anew`. Returns the stream position of the first sample.
    pub fn open(&mut self, sample_rate: f64, anew: bool) -> u64 {
        self.read_corrections(true);
        // What the audio thread sent before it was stopped belongs to the stream as well.
        if anew || self.failed || self.session.is_none() || self.sample_rate != sample_rate {
            while self.end.headers.pop().is_ok() {}
            while self.end.audio.pop().is_ok() {}
            self.notices.clear();
            self.failed = false;
            self.pos = 0;
            self.sent_revision = None;
            self.unsent = None;
            self.knobs = None;
            self.transport = Transport::STOPPED;
            self.sample_rate = sample_rate;
            self.models = Models::installed();
            self.capture = Capture::default();
            self.demo = false;
            self.start_session();
        } else {
            while self.take_chunk() {}
        }
        self.end.meters.worker_pos.store(self.pos, Ordering::Release);
        self.pos
    }

    /// Calls `on_news` whenever a picture differs from the one before in what the window shows.
    pub fn on_news(&mut self, on_news: Box<dyn Fn() + Send>) {
        self.on_news = Some(on_news);
    }

    /// Begins to hear anew, from the present stream position on.
    fn start_session(&mut self) {
        self.origin = self.pos;
        self.sent_revision = None;
        self.knobs = None;
        self.session = match Session::with_models(self.sample_rate, &self.models) {
            Ok(session) => Some(session),
            Err(error) => {
                self.notices.push(format!("{error}. The audio passes unchanged, but nothing is played."));
                self.failed = true;
                None
            }
        };
        let corrections = self.corrections.clone();
        self.guarded(|session| session.set_corrections(&corrections));
    }

    /// Takes over what the musician has corrected since. The lock is the window's, which holds it for
    /// moments; the audio thread never takes it.
    fn read_corrections(&mut self, wait: bool) {
        let state = if wait { self.state.read().ok() } else { self.state.try_read().ok() };
        let Some(corrections) = state.map(|s| s.corrections.clone()).filter(|c| *c != self.corrections)
        else {
            return;
        };
        self.corrections = corrections;
        let corrections = self.corrections.clone();
        self.guarded(|session| session.set_corrections(&corrections));
    }

    /// Renders and sends the demo when it is wanted, and frees what has ended.
    fn serve_demo(&mut self) {
        while self.end.spent_demos.pop().is_ok() {}
        let wanted = self.end.meters.demo_wanted.load(Ordering::Relaxed);
        if wanted && !self.demo_sent && self.sample_rate > 0.0 {
            let _ = self.end.demos.push(Box::new(DemoLoop::render(self.sample_rate)));
        }
        self.demo_sent = wanted;
    }

    /// Takes the next chunk in; `false` when there is none.
    fn take_chunk(&mut self) -> bool {
        let Ok(header) = self.end.headers.pop() else { return false };
        // Audio that was lost was silent, as far as the engine knows; stream time goes on.
        while self.pos < header.stream_pos {
            let gap = header.stream_pos - self.pos;
            let frames = usize::try_from(gap).unwrap_or(usize::MAX).min(4_096);
            self.buffer.clear();
            self.buffer.resize(frames, 0.0);
            let transport = self.transport;
            self.feed(frames, &transport);
        }
        let frames = header.frames as usize;
        self.buffer.resize(frames, 0.0);
        if self.end.audio.pop_entire_slice(&mut self.buffer).is_err() {
            // Cannot be: the audio is pushed before its header.
            self.buffer.fill(0.0);
        }
        let Header { transport, knobs, demo, .. } = header;
        if demo != self.demo {
            // What was heard of the demo is not the song's, and the other way round.
            self.demo = demo;
            self.start_session();
        }
        if self.knobs != Some(knobs) {
            self.knobs = Some(knobs);
            let controls = knobs.to_controls();
            self.guarded(|session| session.set_controls(&controls));
        }
        self.feed(frames, &transport);
        self.send_plan();
        if let Some(session) = &self.session {
            self.capture.watch(session.place(), &self.plan);
        }
        self.end.meters.worker_pos.store(self.pos, Ordering::Release);
        true
    }

    /// Feeds the first `frames` samples of the buffer.
    fn feed(&mut self, frames: usize, transport: &Transport) {
        let buffer = std::mem::take(&mut self.buffer);
        self.guarded(|session| session.feed(&buffer[..frames], transport));
        self.buffer = buffer;
        self.pos += frames as u64;
        self.transport = *transport;
        self.transport.pos_beats = transport.pos_after(frames as f64 / self.sample_rate);
    }

    /// Runs `act` on the session. A panic in there must not take the host down: it ends the
    /// listening, the audio still passes.
    fn guarded(&mut self, act: impl FnOnce(&mut Session)) {
        let Some(session) = &mut self.session else { return };
        if catch_unwind(AssertUnwindSafe(|| act(session))).is_err() {
            self.session = None;
            self.failed = true;
            self.notices.push(
                "Backline has stopped listening because of a fault in it. The audio still passes; remove and add the \
                 plug-in to start again, and please report what you were doing."
                    .to_owned(),
            );
        }
    }

    /// Sends the plan if it is new.
    fn send_plan(&mut self) {
        let Some(session) = &self.session else { return };
        let plan = session.plan();
        if self.sent_revision != Some(plan.revision) {
            self.sent_revision = Some(plan.revision);
            let mut plan = plan.clone();
            if let Timeline::Heard { anchor_s, .. } = &mut plan.timeline {
                // The session counts from its own beginning.
                *anchor_s += self.origin as f64 / self.sample_rate;
            }
            self.plan = Arc::new(plan.clone());
            // A plan that found no room is replaced: only the newest matters.
            self.unsent = Some(Box::new(StampedPlan { stream_pos: self.pos, plan }));
        }
        self.free_spent();
        if let Some(plan) = self.unsent.take()
            && let Err(rtrb::PushError::Full(plan)) = self.end.plans.push(plan)
        {
            self.unsent = Some(plan);
        }
    }

    fn free_spent(&mut self) {
        while self.end.spent.pop().is_ok() {}
    }

    fn picture(&mut self) {
        self.pictures += 1;
        let mut picture = Snapshot {
            revision: self.pictures,
            notices: self.notices.clone(),
            model_notices: self.models.notices.clone(),
            failed: self.failed,
            demo: self.demo,
            ..Snapshot::default()
        };
        if let Some(session) = &self.session {
            picture.read(session, &self.plan, &self.capture);
        }
        if picture.differs(&self.shown)
            && let Some(on_news) = &self.on_news
        {
            on_news();
        }
        self.shown.clone_from(&picture);
        self.end.snapshot.write(picture);
    }

    fn run(&mut self, stop: &AtomicBool) {
        let mut shown = Instant::now();
        let mut window = Instant::now();
        let mut busy = Duration::ZERO;
        self.picture();
        while !stop.load(Ordering::Acquire) {
            let begun = Instant::now();
            let mut worked = false;
            while !stop.load(Ordering::Acquire) && self.take_chunk() {
                worked = true;
                if begun.elapsed() > PICTURE {
                    break;
                }
            }
            self.send_plan();
            self.serve_demo();
            if shown.elapsed() >= PICTURE {
                self.read_corrections(false);
            }
            if worked && shown.elapsed() >= PICTURE {
                shown = Instant::now();
                self.picture();
            }
            busy += begun.elapsed();
            if window.elapsed() >= Duration::from_millis(500) {
                let load = busy.as_secs_f32() / window.elapsed().as_secs_f32().max(1.0e-3);
                self.end.meters.worker_load.store(load.min(1.0), Ordering::Relaxed);
                window = Instant::now();
                busy = Duration::ZERO;
            }
            if !worked {
                thread::park_timeout(POLL);
            }
        }
    }
}

/// The running thread.
pub struct Worker {
    thread: JoinHandle<Core>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    /// Starts the thread. Gives the core back when the system refuses.
    pub fn start(core: Core) -> Result<Self, Box<Core>> {
        let stop = Arc::new(AtomicBool::new(false));
        // The core is handed over through a slot, so that it is not lost with a thread that could not
        // be started.
        let slot = Arc::new(std::sync::Mutex::new(Some(core)));
        let (theirs, their_stop) = (Arc::clone(&slot), Arc::clone(&stop));
        let spawned = thread::Builder::new().name("backline-worker".to_owned()).spawn(move || {
            let mut core = match theirs.lock().map(|mut slot| slot.take()) {
                Ok(Some(core)) => core,
                // Cannot be: only this thread takes it once it runs.
                _ => Core::new(crate::bridge::bridge().1, SharedState::default()),
            };
            core.run(&their_stop);
            core
        });
        match spawned {
            Ok(thread) => Ok(Self { thread, stop }),
            Err(_) => {
                let core = slot.lock().map(|mut slot| slot.take()).ok().flatten();
                Err(Box::new(
                    core.unwrap_or_else(|| Core::new(crate::bridge::bridge().1, SharedState::default())),
                ))
            }
        }
    }

    /// What wakes the thread.
    pub fn waker(&self) -> Thread {
        self.thread.thread().clone()
    }

    /// Ends the thread and gives the core back; `None` if it does not end within a few seconds, then
    /// it is left to end by itself.
    pub fn finish(self) -> Option<Core> {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let begun = Instant::now();
        while !self.thread.is_finished() {
            if begun.elapsed() > PATIENCE {
                return None;
            }
            thread::sleep(Duration::from_micros(200));
        }
        self.thread.join().ok()
    }
}

/// Waits, in an offline render only, until the worker has taken in everything up to `target`.
/// Returns whether it did within `patience`.
pub fn await_worker(meters: &Meters, waker: &Thread, target: u64, patience: Duration) -> bool {
    if meters.worker_pos.load(Ordering::Acquire) >= target {
        return true;
    }
    let begun = Instant::now();
    loop {
        waker.unpark();
        for _ in 0..200 {
            if meters.worker_pos.load(Ordering::Acquire) >= target {
                return true;
            }
            std::hint::spin_loop();
        }
        if begun.elapsed() > patience {
            return false;
        }
        thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::{AudioEnd, bridge};

    fn send(audio: &mut AudioEnd, frames: usize) {
        audio.send(frames, |_| 0.1, &Transport::STOPPED, 48_000.0, &Knobs::default(), false);
    }

    #[test]
    fn stream_time_survives_lost_audio() {
        let (mut audio, worker, _editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        assert_eq!(core.open(48_000.0, false), 0);
        audio.begin(0, 48_000.0);
        // 60 s into a ring that holds 11.
        for _ in 0..6_000 {
            send(&mut audio, 480);
        }
        while core.take_chunk() {}
        send(&mut audio, 480);
        while core.take_chunk() {}
        let heard = core.session.as_ref().unwrap().heard().time_s;
        assert_eq!(core.pos, audio.handed_over());
        assert!((heard - 60.0).abs() < 0.2, "{heard} s");
    }

    #[test]
    fn what_was_heard_survives_a_rest_but_not_a_bounce() {
        let (mut audio, worker, _editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        audio.begin(core.open(48_000.0, false), 48_000.0);
        send(&mut audio, 48_000);
        // What still waits is taken in on the way.
        let pos = core.open(48_000.0, false);
        assert_eq!(pos, audio.handed_over());
        assert_eq!(core.open(44_100.0, false), 0);
        assert_eq!(core.open(44_100.0, true), 0);
    }

    #[test]
    fn a_rate_that_cannot_be_heard_is_said() {
        let (_audio, worker, mut editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        core.open(100.0, false);
        core.picture();
        editor.snapshot.update();
        let picture = editor.snapshot.output_buffer();
        assert!(picture.failed);
        assert!(picture.notices[0].contains("100 Hz"), "{:?}", picture.notices);
    }

    #[test]
    fn a_fault_in_the_engine_stays_there() {
        let (_audio, worker, _editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        core.open(48_000.0, false);
        core.guarded(|_| panic!("for the test"));
        assert!(core.failed && core.session.is_none());
        core.picture();
        // A fresh start mends it.
        core.open(48_000.0, false);
        assert!(!core.failed && core.session.is_some());
    }

    #[test]
    fn the_thread_comes_and_goes() {
        for _ in 0..50 {
            let (mut audio, worker, _editor) = bridge();
            let mut core = Core::new(worker, SharedState::default());
            audio.begin(core.open(48_000.0, false), 48_000.0);
            let worker = Worker::start(core).ok().unwrap();
            send(&mut audio, 2_560);
            assert!(await_worker(
                &audio.meters,
                &worker.waker(),
                audio.handed_over(),
                Duration::from_secs(5)
            ));
            let core = worker.finish().unwrap();
            assert_eq!(core.pos, 2_560);
        }
    }

    #[test]
    fn the_demo_is_heard_apart_from_the_song() {
        let (mut audio, worker, mut editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        audio.begin(core.open(48_000.0, false), 48_000.0);
        let heard = |core: &Core| core.session.as_ref().unwrap().heard().time_s;
        send(&mut audio, 48_000);
        while core.take_chunk() {}
        assert!(heard(&core) > 0.9);
        core.end.meters.demo_wanted.store(true, Ordering::Relaxed);
        core.serve_demo();
        core.serve_demo();
        let mut playing = None;
        assert!(audio.swap_demo(&mut playing) && !audio.swap_demo(&mut playing), "one loop is sent");
        audio.demo = true;
        send(&mut audio, 24_000);
        while core.take_chunk() {}
        assert!((0.3..0.6).contains(&heard(&core)), "{}", heard(&core));
        core.picture();
        editor.snapshot.update();
        assert!(editor.snapshot.output_buffer_mut().demo);
        audio.end_demo(&mut playing);
        audio.demo = false;
        send(&mut audio, 24_000);
        while core.take_chunk() {}
        assert!((0.3..0.6).contains(&heard(&core)), "the song begins anew");
    }

    #[test]
    fn corrections_reach_the_session_and_survive_a_fresh_start() {
        use backline_music::{Key, Mode, PitchClass};
        let state = SharedState::default();
        let (_audio, worker, _editor) = bridge();
        let mut core = Core::new(worker, Arc::clone(&state));
        let key = Some(Key::new(PitchClass::D, Mode::Minor));
        state.write().unwrap().corrections.key = key;
        core.open(48_000.0, false);
        assert_eq!(core.corrections.key, key, "read before the first sample");
        state.write().unwrap().corrections.key = None;
        let busy = state.write().unwrap();
        core.read_corrections(false);
        assert_eq!(core.corrections.key, key, "the thread does not wait for the window");
        drop(busy);
        core.read_corrections(false);
        assert_eq!(core.corrections.key, None);
    }

    #[test]
    fn the_bell_rings_for_news_only() {
        let (mut audio, worker, _editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        audio.begin(core.open(48_000.0, false), 48_000.0);
        let rung = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let bell = Arc::clone(&rung);
        core.on_news(Box::new(move || {
            bell.fetch_add(1, Ordering::Relaxed);
        }));
        let mut listen = |core: &mut Core, level: f32| {
            audio.send(24_000, |_| level, &Transport::STOPPED, 48_000.0, &Knobs::default(), false);
            while core.take_chunk() {}
            core.picture();
        };
        listen(&mut core, 0.0);
        let first = rung.load(Ordering::Relaxed);
        for _ in 0..4 {
            listen(&mut core, 0.0);
        }
        assert_eq!(rung.load(Ordering::Relaxed), first, "silence is no news");
        listen(&mut core, 0.3);
        listen(&mut core, 0.3);
        assert!(rung.load(Ordering::Relaxed) > first);
    }
}
