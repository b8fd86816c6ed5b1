//! The worker thread: hears the audio, plans, and shows both; one thread an instance.
//!
//! The audio thread never wakes it (that would be a system call); it looks for new chunks every
//! [`POLL`], and every [`REST`] while the host does not run. Only an offline render wakes it, see `process.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use backline_engine::taste_file::TasteFileError;
use backline_engine::{Models, Session, Taste, TasteFile, Verdict};
use backline_music::{Plan, Timeline, Transport};

use crate::bridge::{Header, Judgement, Meters, StampedPlan, WorkerEnd};
use crate::capture::Capture;
use crate::demo::DemoLoop;
use crate::link::{Away, ByHand, Leader, Moment, Pulse, Seat, Streams, Told};
use crate::params::{Knobs, Link};
use crate::snapshot::{Judged, Linked, Snapshot};
use crate::state::SharedState;

/// How often an idle worker looks for audio.
const POLL: Duration = Duration::from_millis(2);
/// A host from which no audio has come for so long does not run; …
const RESTING_AFTER: Duration = Duration::from_secs(1);
/// … then it is looked for it this often.
const REST: Duration = Duration::from_millis(20);
/// How often the window is given a new picture at most.
const PICTURE: Duration = Duration::from_millis(30);
/// How long leaving may take before the thread is left to itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an offline render waits for the instance that leads its group.
const LEADER_PATIENCE: Duration = Duration::from_millis(500);
/// After more faults than this outside of the session the worker gives up.
const MOST_FAULTS: usize = 3;
/// A leader whose stream stands still for so many seconds of one's own is away.
const STANDING_S: f64 = 1.0;
/// What a session heard before a render is undone if this turns out to be one within so many seconds of it.
const TAKE_S: f64 = 6.0;
/// Why a thumb is not shown.
const NOT_LEARNT: &str = "What you said of these bars is not learnt: they were planned before the band began to listen \
                          anew. Judge bars that it has played since.";
const NOT_LEARNT_HERE: &str = "What you said of these bars is not learnt: another plug-in format leads this group. Judge \
                               them in the window of the instance that leads.";
/// −60 dBFS: input that is softer does not make an instance lead.
const AUDIBLE: f32 = 1.0e-3;

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
    /// What this instance's musician has set, and what holds: linked, the whole group's.
    own: ByHand,
    by_hand: ByHand,
    /// When this instance was made.
    born: Moment,
    seat: Option<Seat>,
    /// Whether some of its group are in another library.
    abroad: bool,
    /// What the group's state was when it was looked at last.
    group_revision: u64,
    /// The leader whose plan is played, and that plan's revision.
    follows: Option<(Moment, Option<u64>)>,
    /// Where the leader's stream stood when it moved last, and when: in this stream, and by the clock.
    watched: Option<(Moment, u64, u64, Instant)>,
    /// Why another one leads than should.
    away: Option<Away>,
    /// This stream, and how far the leader's is ahead of it.
    streams: Streams,
    /// Plans that were passed on, counted.
    passed_on: u64,
    offline: bool,
    /// What has come since the host began, as long as it may turn out to be a render.
    take: Option<Vec<(Header, Vec<f32>)>>,
    /// The last picture, shared.
    picture: Arc<Snapshot>,
    /// What the musician judged last.
    judged: Option<Judged>,
    /// Where the musician's taste is kept, if it is, and what it is.
    taste_file: Option<TasteFile>,
    taste: Taste,
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
            own: ByHand::default(),
            by_hand: ByHand::default(),
            born: Moment::now(),
            seat: None,
            abroad: false,
            group_revision: 0,
            follows: None,
            watched: None,
            away: None,
            streams: Streams::default(),
            passed_on: 0,
            offline: false,
            take: None,
            picture: Arc::default(),
            judged: None,
            taste_file: None,
            taste: Taste::neutral(),
            demo: false,
            demo_sent: false,
            on_news: None,
            shown: Snapshot::default(),
        }
    }

    /// Makes ready for audio at `sample_rate` Hz. What was heard at the same rate is kept, unless the
    /// session is to start `anew`, for a render. The bars that are kept for clips stay in any case. Returns the
    /// stream position of the first sample.
    pub fn open(&mut self, sample_rate: f64, anew: bool) -> u64 {
        self.offline = anew;
        self.end.meters.rendering.store(anew, Ordering::Release);
        self.take = None;
        self.capture.forget_now();
        self.read_by_hand(true);
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
            match self.taste_file.as_ref().map(TasteFile::read) {
                Some(Ok(taste)) => self.taste = taste,
                Some(Err(error)) => self.tell_of_taste(&error),
                None => {}
            }
            self.demo = false;
            // A demo is rendered at the rate that it is played at.
            self.demo_sent = false;
            // Who leads is chosen anew as well.
            self.seat = None;
            self.follows = None;
            self.start_session();
        } else {
            while self.take_chunk() {}
            // What lies there still is of a chunk that was never handed over; the stream goes on from before it.
            while self.end.audio.pop().is_ok() {}
            self.take = Some(Vec::new());
        }
        self.end.meters.worker_pos.store(self.pos, Ordering::Release);
        self.pos
    }

    /// Plays by the taste in `file` from the next opening on, and adds to it what is judged.
    pub fn learn_in(&mut self, file: TasteFile) {
        self.taste_file = Some(file);
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
            Ok(mut session) => {
                session.set_taste(&self.taste);
                Some(session)
            }
            Err(error) => {
                self.notices.push(format!("{error}. The audio passes unchanged, but nothing is played."));
                self.failed = true;
                None
            }
        };
        self.apply_by_hand();
    }

    /// Takes over what the musician has set since. The lock is the window's, which holds it for
    /// moments; the audio thread never takes it.
    fn read_by_hand(&mut self, wait: bool) {
        let state = if wait { self.state.read().ok() } else { self.state.try_read().ok() };
        let changed =
            |s: &crate::state::StateV1| s.corrections != self.own.corrections || s.edits != self.own.edits;
        let new = state
            .filter(|s| changed(s))
            .map(|s| ByHand { corrections: s.corrections.clone(), edits: s.edits.clone() });
        if let Some(own) = new {
            self.own = own;
            if let Some(seat) = &self.seat {
                seat.set_by_hand(self.own.clone());
            }
            self.join_hands();
        }
    }

    /// What holds: one's own, or what is set in the whole group.
    fn join_hands(&mut self) {
        let all = self.seat.as_ref().map_or_else(|| self.own.clone(), Seat::all_by_hand);
        if all != self.by_hand {
            self.by_hand = all;
            self.apply_by_hand();
        }
    }

    fn apply_by_hand(&mut self) {
        let by_hand = self.by_hand.clone();
        self.guarded(|session| {
            session.set_corrections(&by_hand.corrections);
            session.set_edits(&by_hand.edits);
        });
    }

    /// Joins or leaves a group, and learns whether another instance hears and plans for this one.
    fn look_around(&mut self, group: Link) {
        if self.seat.as_ref().map_or(Link::Off, Seat::group) != group {
            self.seat = None;
            self.seat = Seat::take(group, self.born, &self.end.meters);
            if let Some(seat) = &self.seat {
                seat.set_by_hand(self.own.clone());
                if self.failed {
                    seat.fails();
                }
            }
            self.join_hands();
        }
        let Some(seat) = &self.seat else {
            (self.abroad, self.away) = (false, None);
            self.lead();
            return;
        };
        seat.exchange(self.offline);
        let view = seat.look();
        (self.abroad, self.away) = (view.abroad, view.away);
        if let Some(apart) = &view.apart {
            self.say(apart);
        }
        if view.revision != self.group_revision {
            self.group_revision = view.revision;
            self.join_hands();
        }
        match view.leader {
            Some(leader) => self.follow(leader),
            None => self.lead(),
        }
    }

    /// Hears and plans by itself. For one that is away it goes on with what that one played and planned.
    fn lead(&mut self) {
        if self.follows.take().is_some() {
            self.streams.forget();
            self.watched = None;
            if self.failed {
                return;
            }
            self.start_session();
            if self.away.is_some() {
                let (plan, played) = (Arc::clone(&self.plan), self.picture.captured.clone());
                self.guarded(|session| session.go_on(&plan, &played));
            }
            if self.session.is_some() {
                self.tell();
            }
        }
    }

    /// Notices when the leader stands still while this stream runs: a muted, frozen or bypassed track may rest.
    fn watch(&mut self, leader: &Leader) {
        let theirs = leader.meters.stream_pos.load(Ordering::Acquire);
        let own = self.end.meters.stream_pos.load(Ordering::Acquire);
        match self.watched {
            Some((born, pos, since, at)) if (born, pos) == (leader.born, theirs) => {
                let stood = own.saturating_sub(since) as f64 > STANDING_S * self.sample_rate;
                // Live, news of another library may be under way.
                let known = self.offline || at.elapsed().as_secs_f64() > STANDING_S;
                if let Some(seat) = self.seat.as_ref().filter(|_| stood && known) {
                    seat.stands(born, pos);
                }
            }
            _ => self.watched = Some((leader.born, theirs, own, Instant::now())),
        }
    }

    /// Plays what another instance plans.
    fn follow(&mut self, leader: Leader) {
        let born = leader.born;
        self.watch(&leader);
        if self.follows.is_none_or(|(known, _)| known != born) {
            self.follows = Some((born, None));
            self.streams.forget();
            self.session = None;
            self.unsent = None;
        }
        match &leader.pulse {
            // In an offline render nothing moves while a block is heard, so what was told last holds.
            Some(pulse) if leader.abroad && !self.offline => {
                self.streams.watch(&self.end.meters);
                self.streams.compare_with(&pulse.looks);
            }
            None if leader.abroad => {}
            _ => self.streams.compare(&leader.meters, &self.end.meters),
        }
        let Some(told) = leader.told else { return };
        self.picture = told.picture;
        self.plan = Arc::clone(&told.plan);
        if self.follows != Some((born, Some(told.plan.revision))) {
            let mut plan = Plan::clone(&told.plan);
            if let Timeline::Heard { anchor_s, .. } = &mut plan.timeline {
                // Until both streams were compared, nobody knows when that is.
                let Some(ahead) = self.streams.ahead() else { return };
                *anchor_s -= ahead as f64 / self.sample_rate;
            }
            self.follows = Some((born, Some(told.plan.revision)));
            self.passed_on += 1;
            plan.revision = self.passed_on;
            self.unsent = Some(Box::new(StampedPlan { stream_pos: self.pos, plan }));
        }
    }

    /// Tells the group what is heard and planned.
    fn tell(&self) {
        if let (Some(seat), None) = (&self.seat, self.follows) {
            seat.tell(Told { plan: Arc::clone(&self.plan), picture: Arc::clone(&self.picture) });
            if self.abroad && !self.offline {
                self.tell_pulse(self.pos);
            }
        }
    }

    /// Tells other libraries how far this stream has come; what is heard of it will soon reach up to `coming`.
    fn tell_pulse(&self, coming: u64) {
        if let (Some(seat), None, true) = (&self.seat, self.follows, self.abroad) {
            let meters = &self.end.meters;
            seat.tell_pulse(Pulse {
                stream_pos: meters.stream_pos.load(Ordering::Acquire),
                handed_over: meters.handed_over.load(Ordering::Acquire).max(coming),
                worker_pos: self.pos,
                looks: if self.offline { Vec::new() } else { self.streams.looks() },
            });
            seat.exchange(self.offline);
        }
    }

    /// In an offline render: until the leader has taken in what it was given, so that every bounce is the same.
    fn await_leader(&self) {
        let (Some(seat), true) = (&self.seat, self.offline) else { return };
        seat.exchange(true);
        let Some(Leader { meters, abroad, .. }) = seat.look().leader else { return };
        let target = meters.handed_over.load(Ordering::Acquire);
        let begun = Instant::now();
        while meters.worker_pos.load(Ordering::Acquire) < target && begun.elapsed() < LEADER_PATIENCE {
            thread::yield_now();
            if abroad {
                seat.exchange(true);
            }
        }
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

    /// Takes in what was said, here or in an instance that follows, of bars that were played; whether there was
    /// anything.
    fn hear_judgements(&mut self) -> bool {
        let mut all = self.seat.as_ref().map_or_else(Vec::new, Seat::judgements);
        while let Ok(judgement) = self.end.judgements.pop() {
            all.push(judgement);
        }
        all.iter().for_each(|judgement| self.judge(judgement));
        !all.is_empty()
    }

    /// Learns from what the musician thinks of bars that were played. Who leads learns: it knows what they were chosen
    /// from.
    fn judge(&mut self, judgement: &Judgement) {
        if let Some(seat) = self.seat.as_ref().filter(|_| self.follows.is_some()) {
            if !seat.pass_on(judgement) && judgement.verdict != Verdict::Kept {
                self.say(NOT_LEARNT_HERE);
            }
            return;
        }
        let (Some(first), Some(last)) = (judgement.bars.first(), judgement.bars.last()) else { return };
        let verdict = judgement.verdict;
        let learnt = self.session.as_ref().and_then(|s| s.judge(first.start_beat, last.end_beat(), verdict));
        if learnt.is_none() && verdict != Verdict::Kept {
            self.say(NOT_LEARNT);
        }
        let (Some(learnt), Some(file)) = (learnt, &self.taste_file) else { return };
        match file.add(learnt) {
            Ok((taste, notice)) => {
                if verdict != Verdict::Kept {
                    let liked = verdict == Verdict::Liked;
                    self.judged = Some(Judged { first: first.index, last: last.index, liked });
                }
                self.taste = taste;
                self.notices.extend(notice);
                if let Some(session) = &mut self.session {
                    session.set_taste(&self.taste);
                }
            }
            Err(error) => self.tell_of_taste(&error),
        }
    }

    /// Says once what is wrong with the file of the musician's taste.
    fn tell_of_taste(&mut self, error: &TasteFileError) {
        let text = error.to_string();
        let mut letters = text.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        self.say(&format!("{first}{}.", letters.as_str()));
    }

    /// Tells the musician something once.
    fn say(&mut self, notice: &str) {
        if !self.notices.iter().any(|told| told == notice) {
            self.notices.push(notice.to_owned());
        }
    }

    /// Goes by what the audio thread says of the stream: a render must not depend on what was heard before it, so
    /// what has come of it is then heard anew.
    fn look_at_the_pace(&mut self) {
        let rendering = self.end.meters.rendering.load(Ordering::Acquire);
        if std::mem::replace(&mut self.offline, rendering) == rendering || !rendering {
            return;
        }
        let Some(take) = self.take.take().filter(|_| self.follows.is_none()) else { return };
        self.capture.forget_now();
        self.pos = take.first().map_or(self.pos, |(first, _)| first.stream_pos);
        self.start_session();
        for (header, samples) in take {
            self.buffer = samples;
            self.take_in(&header);
        }
    }

    /// Takes the next chunk in; `false` when there is none.
    fn take_chunk(&mut self) -> bool {
        let Ok(header) = self.end.headers.pop() else { return false };
        self.look_at_the_pace();
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
        if let Some(take) = &mut self.take {
            take.push((header, self.buffer.clone()));
            let from = take.first().map_or(0, |(first, _)| first.stream_pos);
            if (header.stream_pos - from) as f64 > TAKE_S * self.sample_rate {
                self.take = None;
            }
        }
        self.take_in(&header);
        self.end.meters.worker_pos.store(self.pos, Ordering::Release);
        true
    }

    /// Hears the chunk in the buffer, and plans.
    fn take_in(&mut self, header: &Header) {
        let Header { transport, knobs, demo, frames, .. } = *header;
        let frames = frames as usize;
        if demo != self.demo {
            // What was heard of the demo is not the song's, and the other way round.
            self.demo = demo;
            self.start_session();
        }
        if self.knobs != Some(knobs) {
            self.knobs = Some(knobs);
            let controls = knobs.to_controls();
            self.guarded(|session| {
                session.set_controls(&controls);
                session.set_form(knobs.form);
            });
        }
        if let Some(seat) = &mut self.seat
            && self.buffer.iter().any(|sample| sample.abs() > AUDIBLE)
        {
            seat.hears();
        }
        if self.offline {
            // Others have to wait for what comes of this chunk.
            self.tell_pulse(self.pos + frames as u64);
        }
        self.await_leader();
        self.look_around(knobs.link);
        self.feed(frames, &transport);
        self.send_plan();
        if self.offline {
            self.tell_pulse(self.pos);
        }
        // A bounce is kept by the host.
        if let Some(session) = self.session.as_ref().filter(|_| !self.offline) {
            self.capture.watch(session.place(), &self.plan, knobs.parts_heard());
        }
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
            self.fail();
        }
    }

    /// Ends the listening after a fault, until the host starts the audio anew.
    fn fail(&mut self) {
        self.session = None;
        self.failed = true;
        if let Some(seat) = &self.seat {
            seat.fails();
        }
        self.notices.push(
            "Backline has stopped listening because of a fault in it. The audio still passes; remove and add the \
             plug-in to start again, and please report what you were doing."
                .to_owned(),
        );
    }

    /// Works until `stop` says that it is enough, whatever goes wrong: a thread that ended would leave the audio thread
    /// without an answer, and the next one without what was heard.
    fn work(&mut self, stop: &AtomicBool) {
        for _ in 0..=MOST_FAULTS {
            if catch_unwind(AssertUnwindSafe(|| self.run(stop))).is_ok() {
                break;
            }
            self.fail();
        }
        let _ = catch_unwind(AssertUnwindSafe(|| self.rest()));
    }

    /// Sends the plan if it is new.
    fn send_plan(&mut self) {
        let new = self.session.as_ref().map(Session::plan);
        if let Some(plan) = new.filter(|plan| self.sent_revision != Some(plan.revision)) {
            self.sent_revision = Some(plan.revision);
            let mut plan = plan.clone();
            if let Timeline::Heard { anchor_s, .. } = &mut plan.timeline {
                // The session counts from its own beginning.
                *anchor_s += self.origin as f64 / self.sample_rate;
            }
            self.passed_on += 1;
            plan.revision = self.passed_on;
            self.plan = Arc::new(plan.clone());
            self.tell();
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
        let mut picture = if self.follows.is_some() {
            Snapshot::clone(&self.picture)
        } else {
            Snapshot { demo: self.demo, judged: self.judged, ..Snapshot::default() }
        };
        // One's own troubles come first, then those of who leads.
        let theirs = std::mem::replace(&mut picture.notices, self.notices.clone());
        picture.notices.extend(theirs.iter().map(|notice| format!("In the instance that leads: {notice}")));
        picture.model_notices.clone_from(&self.models.notices);
        picture.failed = self.failed;
        picture.revision = self.pictures;
        picture.notices.extend(self.away.map(|away| away_notice(away).to_owned()));
        if let Some(session) = &self.session {
            picture.read(session, &self.plan, &self.capture);
        }
        if self.follows.is_none() && self.seat.is_some() {
            self.picture = Arc::new(picture.clone());
            self.tell();
        }
        picture.link = self.seat.as_ref().map(|seat| {
            let view = seat.look();
            Linked { group: seat.group(), leads: view.leads, members: view.members }
        });
        if picture.differs(&self.shown)
            && let Some(on_news) = &self.on_news
        {
            on_news();
        }
        self.shown.clone_from(&picture);
        self.end.snapshot.write(picture);
    }

    /// Leaves its group while no audio comes.
    fn rest(&mut self) {
        (self.seat, self.away) = (None, None);
        self.lead();
    }

    fn run(&mut self, stop: &AtomicBool) {
        let mut shown = Instant::now();
        let mut window = Instant::now();
        let mut idle_since = Instant::now();
        let mut busy = Duration::ZERO;
        let mut news = false;
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
                self.read_by_hand(false);
            }
            if let Some(seat) = &self.seat
                && !self.offline
            {
                if self.abroad {
                    self.streams.watch(&self.end.meters);
                }
                seat.exchange(false);
            }
            news |= self.hear_judgements() | worked;
            if news && shown.elapsed() >= PICTURE {
                news = false;
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
            if worked {
                idle_since = Instant::now();
            } else {
                thread::park_timeout(pause(idle_since.elapsed()));
            }
        }
    }
}

/// What to tell the musician where another one leads than should.
fn away_notice(away: Away) -> &'static str {
    match away {
        Away::Standing => {
            "The track that leads this group is not running, so another instance leads with what it knows. A host may let \
             a muted, frozen or bypassed track rest; once it runs again it leads."
        }
        Away::Failed => {
            "The instance that led this group has stopped because of a fault in it, so another one leads. Remove and \
             add that one to have it lead again."
        }
    }
}

/// How long to wait before looking again, when no audio has come for so long. What a host that begins again sends
/// meanwhile has room in the ring many times over.
fn pause(idle: Duration) -> Duration {
    if idle < RESTING_AFTER { POLL } else { REST }
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
            core.work(&their_stop);
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
    use crate::test_bars::bar;

    fn send(audio: &mut AudioEnd, frames: usize) {
        audio.send(frames, |_| 0.1, &Transport::STOPPED, 48_000.0, &Knobs::default(), false);
    }

    /// Plays the demo song to `core` from its beginning.
    fn play_demo(core: &mut Core, audio: &mut AudioEnd, seconds: f64) {
        let song = backline_synth::demo::DEMO.render(48_000);
        for start in (0..(seconds * 48_000.0) as usize).step_by(480) {
            play_block(core, audio, &song, start, &Knobs::default());
        }
    }

    /// Plays 10 ms of `song`.
    fn play_block(
        core: &mut Core,
        audio: &mut AudioEnd,
        song: &backline_synth::demo::Song,
        start: usize,
        knobs: &Knobs,
    ) {
        let left = &song.audio.left;
        let pos_beats = (start as f64 / 48_000.0 - song.downbeats[0]) * song.tempo_bpm / 60.0;
        let transport = Transport {
            playing: true,
            pos_beats,
            tempo_bpm: song.tempo_bpm,
            bar_start_beats: (pos_beats / 4.0).floor() * 4.0,
            ..Transport::STOPPED
        };
        audio.send(480, |i| left[start + i], &transport, 48_000.0, knobs, start == 0);
        while core.take_chunk() {}
        core.picture();
    }

    #[test]
    fn who_follows_is_heard_by_who_leads_and_tells_its_own_troubles() {
        let folder = tempfile::tempdir().unwrap();
        let file = TasteFile::at(folder.path().join("taste.json"));
        let song = backline_synth::demo::DEMO.render(48_000);
        let knobs = Knobs { link: Link::A, ..Knobs::default() };
        let mut band = [0, 1].map(|_| {
            let (mut audio, worker, _editor) = bridge();
            let mut core = Core::new(worker, SharedState::default());
            core.learn_in(file.clone());
            audio.begin(core.open(48_000.0, false), 48_000.0);
            (core, audio)
        });
        let blocks = 14 * 100;
        for block in 0..blocks {
            for (core, audio) in &mut band {
                play_block(core, audio, &song, block * 480, &knobs);
            }
        }
        let [(leader, leaders_audio), (follower, audio)] = &mut band;
        assert!(leader.follows.is_none() && follower.follows.is_some());
        let bars = follower.shown.captured.clone();
        assert!(bars.len() >= 2, "{} bars", bars.len());

        follower.judge(&Judgement { bars: bars.clone(), verdict: Verdict::Liked });
        assert!(leader.hear_judgements());
        assert_eq!(file.read().unwrap().judgements().len(), 1);
        play_block(leader, leaders_audio, &song, blocks * 480, &knobs);
        play_block(follower, audio, &song, blocks * 480, &knobs);
        assert!(follower.shown.judged.is_some_and(|judged| judged.liked), "it is shown where it was said");
        // Bars that nothing can be learnt from.
        let before = leader.judged;
        leader.judge(&Judgement { bars: vec![Arc::new(bar(999, Vec::new()))], verdict: Verdict::Disliked });
        assert_eq!(leader.judged, before);
        assert!(leader.notices.iter().any(|notice| notice == NOT_LEARNT), "{:?}", leader.notices);

        follower.say("My own trouble.");
        play_block(leader, leaders_audio, &song, (blocks + 1) * 480, &knobs);
        play_block(follower, audio, &song, (blocks + 1) * 480, &knobs);
        assert_eq!(follower.shown.notices[0], "My own trouble.");
        assert_eq!(follower.shown.notices[1], format!("In the instance that leads: {NOT_LEARNT}"));
        leader.guarded(|_| panic!("for the test"));
        play_block(follower, audio, &song, (blocks + 2) * 480, &knobs);
        let told = &follower.shown;
        assert!(!told.failed && follower.session.is_some(), "it leads");
        assert_eq!(told.notices, ["My own trouble.", away_notice(Away::Failed)]);
    }

    #[test]
    fn a_fault_anywhere_leaves_a_worker_that_answers() {
        let (mut audio, worker, mut editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        let told = Arc::new(AtomicBool::new(false));
        let once = Arc::clone(&told);
        core.on_news(Box::new(move || assert!(once.swap(true, Ordering::Relaxed), "a fault in showing")));
        core.open(48_000.0, false);
        audio.begin(0, 48_000.0);
        let running = Worker::start(core).unwrap_or_else(|_| panic!("no thread"));
        for _ in 0..50 {
            send(&mut audio, 256);
            thread::sleep(Duration::from_millis(2));
        }
        assert!(await_worker(&audio.meters, &running.waker(), audio.handed_over(), Duration::from_secs(5)));
        assert!(told.load(Ordering::Relaxed));
        let mut core = running.finish().expect("the core comes back");
        assert!(editor.snapshot.read().failed);
        // The host starts the audio anew: it listens again.
        audio.begin(core.open(48_000.0, false), 48_000.0);
        assert!(core.session.is_some() && !core.failed);
    }

    #[test]
    fn a_chunk_that_was_left_open_does_not_shift_what_comes_after_it() {
        let (mut audio, worker, _editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        core.open(48_000.0, false);
        audio.begin(0, 48_000.0);
        send(&mut audio, 300);
        // The host changes the size of its buffer.
        let pos = core.open(48_000.0, false);
        assert_eq!(pos, 256);
        audio.begin(pos, 48_000.0);
        audio.send(256, |_| 0.9, &Transport::STOPPED, 48_000.0, &Knobs::default(), true);
        assert!(core.take_chunk());
        assert!(core.buffer.iter().all(|x| *x == 0.9), "{:?}", &core.buffer[..50]);
    }

    #[test]
    fn what_is_said_of_bars_is_learnt_and_played_by() {
        let folder = tempfile::tempdir().unwrap();
        let file = TasteFile::at(folder.path().join("taste.json"));
        let (mut audio, worker, _editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        core.learn_in(file.clone());
        core.open(48_000.0, false);
        audio.begin(0, 48_000.0);
        play_demo(&mut core, &mut audio, 14.0);
        let bars = core.capture.bars();
        assert!(bars.len() >= 2, "{} bars", bars.len());
        core.judge(&Judgement { bars: bars.clone(), verdict: Verdict::Kept });
        assert_eq!(core.judged, None, "what is kept shows no thumb");
        core.judge(&Judgement { bars, verdict: Verdict::Disliked });
        assert!(core.judged.is_some_and(|judged| !judged.liked));
        let kept = file.read().unwrap();
        assert_eq!(
            kept.judgements().iter().map(|j| j.verdict).collect::<Vec<_>>(),
            [Verdict::Kept, Verdict::Disliked]
        );
        assert_eq!(core.taste, kept);
        // Another instance, later, plays by it.
        let (_audio, worker, _editor) = bridge();
        let mut later = Core::new(worker, SharedState::default());
        later.learn_in(file.clone());
        later.open(48_000.0, false);
        assert_eq!(later.taste, kept);
        // A damaged file costs a sentence, and nothing is played by it.
        std::fs::write(file.path(), "{").unwrap();
        let mut last = Core::new(bridge().1, SharedState::default());
        last.learn_in(file);
        last.open(48_000.0, false);
        assert!(last.notices[0].starts_with("Your taste in "), "{:?}", last.notices);
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
    fn the_kept_bars_survive_a_bounce_and_another_rate() {
        let (mut audio, worker, mut editor) = bridge();
        let mut core = Core::new(worker, SharedState::default());
        audio.begin(core.open(48_000.0, false), 48_000.0);
        play_demo(&mut core, &mut audio, 14.0);
        let bars = core.capture.bars();
        assert!(bars.len() >= 2, "{} bars", bars.len());
        audio.begin(core.open(48_000.0, true), 48_000.0);
        play_demo(&mut core, &mut audio, 14.0);
        assert_eq!(core.capture.bars(), bars, "a bounce adds none");
        core.open(44_100.0, false);
        core.picture();
        editor.snapshot.update();
        assert_eq!(editor.snapshot.output_buffer_mut().captured, bars);
    }

    #[test]
    fn a_worker_rests_while_the_host_does() {
        assert_eq!(pause(Duration::from_millis(900)), POLL);
        assert!(pause(Duration::from_secs(2)) >= Duration::from_millis(10), "under 100 times a second");
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
        assert!(audio.demos.swap(&mut playing) && !audio.demos.swap(&mut playing), "one loop is sent");
        audio.demo = true;
        send(&mut audio, 24_000);
        while core.take_chunk() {}
        assert!((0.3..0.6).contains(&heard(&core)), "{}", heard(&core));
        core.picture();
        editor.snapshot.update();
        assert!(editor.snapshot.output_buffer_mut().demo);
        audio.demos.give_back(&mut playing);
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
        assert_eq!(core.by_hand.corrections.key, key, "read before the first sample");
        state.write().unwrap().corrections.key = None;
        let busy = state.write().unwrap();
        core.read_by_hand(false);
        assert_eq!(core.by_hand.corrections.key, key, "the thread does not wait for the window");
        drop(busy);
        core.read_by_hand(false);
        assert_eq!(core.by_hand.corrections.key, None);
    }

    #[test]
    fn what_is_written_into_the_lanes_sounds_and_is_kept_as_a_clip() {
        use backline_engine::{KeptBar, KeptNote};
        use backline_files::MidiSong;
        use backline_music::Part;

        use crate::clips::Clip;
        use crate::editor::scene::ClipChoice;
        let demo = backline_synth::demo::DEMO.render(48_000);
        let mono: Vec<f32> =
            demo.audio.left.iter().zip(&demo.audio.right).map(|(l, r)| 0.5 * (l + r)).collect();
        let state = SharedState::default();
        let (mut audio, worker, _editor) = bridge();
        let mut core = Core::new(worker, Arc::clone(&state));
        audio.begin(core.open(48_000.0, false), 48_000.0);
        let beats_a_sample = demo.tempo_bpm / 60.0 / 48_000.0;
        let first = -demo.downbeats[0] * demo.tempo_bpm / 60.0;
        let mut edited = false;
        for (i, block) in mono.chunks(480).enumerate() {
            let pos_beats = first + (i * 480) as f64 * beats_a_sample;
            if pos_beats > 24.5 {
                break;
            }
            let transport = Transport {
                playing: true,
                pos_beats,
                tempo_bpm: demo.tempo_bpm,
                bar_start_beats: (pos_beats / 4.0).floor() * 4.0,
                ..Transport::STOPPED
            };
            audio.send(block.len(), |i| block[i], &transport, 48_000.0, &Knobs::default(), false);
            while core.take_chunk() {}
            if !edited && pos_beats > 17.0 {
                // Bar 6 is planned, but not fixed: its second bass note goes, the first gets louder.
                let bar = core.plan.bars.iter().find(|bar| bar.start_beat == 20.0).unwrap();
                assert!(core.plan.committed_beat <= 20.0);
                let mut kept = KeptBar::of(bar, Part::Bass, false);
                kept.notes.truncate(1);
                kept.notes[0].velocity = 127;
                kept.notes.push(KeptNote { key: 31, velocity: 45, at_beats: 2.25, length_beats: 0.5 });
                state.write().unwrap().edits.keep(kept);
                core.read_by_hand(false);
                edited = true;
            }
        }
        let kept = state.read().unwrap().edits.kept[0].clone();
        let captured = core.capture.bars();
        let bar = captured.iter().find(|bar| bar.start_beat == 20.0).expect("bar 6 was played");
        let bass: Vec<_> = bar.notes.iter().filter(|n| n.part == Part::Bass).copied().collect();
        assert_eq!(bass, kept.planned().collect::<Vec<_>>());
        let choice = ClipChoice { bars: vec![Arc::clone(bar)], part: Some(Part::Bass) };
        let clip = Clip::of(&choice, None).unwrap();
        let song = MidiSong::parse(&clip.midi("x", &[Part::Bass]).to_bytes()).unwrap();
        let written: Vec<_> = song.tracks[0].notes.iter().map(|n| (n.key, n.velocity)).collect();
        assert_eq!(written, kept.notes.iter().map(|n| (n.key, n.velocity)).collect::<Vec<_>>());
    }

    #[test]
    fn what_the_musician_thinks_reaches_the_worker() {
        let (_audio, worker, mut editor) = bridge();
        let bars = (3..=6).map(|index| Arc::new(bar(index, Vec::new()))).collect();
        let judgement = Judgement { bars, verdict: Verdict::Disliked };
        editor.judgements.push(judgement).unwrap();
        let worker = Worker::start(Core::new(worker, SharedState::default())).ok().unwrap();
        let begun = Instant::now();
        while editor.snapshot.output_buffer_mut().notices.is_empty() && begun.elapsed() < PATIENCE {
            editor.snapshot.update();
            thread::sleep(POLL);
        }
        let picture = editor.snapshot.output_buffer_mut();
        assert_eq!(
            (picture.judged, picture.notices[0].as_str()),
            (None, NOT_LEARNT),
            "it says what became of it"
        );
        assert!(worker.finish().is_some());
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
