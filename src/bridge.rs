//! The three ends that join the audio thread, the worker and the window, made by one [`bridge`].
//!
//! ```text
//! AudioEnd   -- audio, Header -->  WorkerEnd  -- Snapshot -->  EditorEnd
//!            <-- StampedPlan ---
//!            --- spent plans -->
//!            <-- demo loop -----
//!            --- spent loops -->
//!            <------------------------------- Audition --- EditorEnd
//!            ------------------------- spent auditions -->
//!            ------------------------ Meters (atomics) ----->
//!                                WorkerEnd  <-- Judgement --- EditorEnd
//! ```
//!
//! The audio crosses in chunks that end on multiples of [`quantum_samples`] of the stream, or where
//! the transport or a knob changes. What the engine sees, and when in the stream it sees it, thus
//! does not depend on the host's block size.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use atomic_float::{AtomicF32, AtomicF64};
use backline_engine::Verdict;
use backline_music::{Plan, PlannedBar, Transport};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::audition::Audition;
use crate::demo::DemoLoop;
use crate::params::Knobs;
use crate::snapshot::Snapshot;

/// Samples that can wait for the worker: 2.7 s at 192 kHz, 11 s at 48 kHz.
const AUDIO_CAPACITY: usize = 1 << 19;
/// Chunks that can wait for the worker; with the quantum of about 5 ms, 20 s if no knob moves.
const HEADER_CAPACITY: usize = 1 << 12;
/// Plans under way to the audio thread.
const PLAN_CAPACITY: usize = 256;
/// Spent plans under way back: all that can be in flight, so that the way back is never full.
const RETURN_CAPACITY: usize = 2 * PLAN_CAPACITY;

/// Judgements under way to the worker.
const JUDGEMENT_CAPACITY: usize = 64;

/// A chunk of audio in the ring: where it lies and what was in force at its first sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    /// Stream position of the first sample. Greater than the end of the chunk before it where audio
    /// was lost because the ring was full.
    pub stream_pos: u64,
    /// Samples in the chunk.
    pub frames: u32,
    /// The host's transport at the first sample.
    pub transport: Transport,
    /// The knobs in force.
    pub knobs: Knobs,
    /// Whether the demo plays in it.
    pub demo: bool,
}

/// A plan, and the stream position from which on it holds.
pub struct StampedPlan {
    /// What had been heard up to here when it was made.
    pub stream_pos: u64,
    /// The plan.
    pub plan: Plan,
}

/// What the musician thinks of bars that were played.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The bars, oldest first.
    pub bars: Vec<Arc<PlannedBar>>,
    /// What was said of them, or done with them.
    pub verdict: Verdict,
}

/// What the audio thread shows.
#[derive(Debug, Default)]
pub struct Meters {
    /// Peak of the input since the window last looked, linear.
    pub input_peak: AtomicF32,
    /// Whether the host's transport runs.
    pub playing: AtomicBool,
    /// Position on the clock that is played on, in quarter notes.
    pub pos_beats: AtomicF64,
    /// Host tempo in BPM.
    pub tempo_bpm: AtomicF64,
    /// Notes that sound now.
    pub sounding: AtomicU32,
    /// Samples that the listener missed because it was late.
    pub missed_samples: AtomicU64,
    /// Stream position up to which the audio thread has run.
    pub stream_pos: AtomicU64,
    /// Stream position up to which the audio thread has handed over.
    pub handed_over: AtomicU64,
    /// Stream position up to which the worker has taken everything in.
    pub worker_pos: AtomicU64,
    /// Share of the time that the worker is busy, 0..=1.
    pub worker_load: AtomicF32,
    /// Note events that the host refused, or that found no room.
    pub lost_events: AtomicU64,
    /// Bounded waits of an offline render that ran out.
    pub offline_timeouts: AtomicU64,
    /// The host renders: the worker is waited for.
    pub rendering: AtomicBool,
    /// The musician wants to hear the demo. The window sets it; the audio thread ends it when the host
    /// plays.
    pub demo_wanted: AtomicBool,
    /// The window moves: it paints again soon, whether there is news or not.
    pub window_moves: AtomicBool,
    /// An audition sounds.
    pub auditioning: AtomicBool,
    /// Sample rate of the audio in Hz; 0 while it is not known.
    pub sample_rate: AtomicF64,
}

/// Boxes that are made beside the audio thread, which takes one at a time, and their way back to be freed.
pub struct Handover<T> {
    waiting: Consumer<Box<T>>,
    spent: Producer<Box<T>>,
}

impl<T> Handover<T> {
    /// Both ends for `waiting` boxes on their way; at most `under_way` can be anywhere between them.
    fn new(waiting: usize, under_way: usize) -> (Self, Producer<Box<T>>, Consumer<Box<T>>) {
        let (give, taken) = RingBuffer::new(waiting);
        let (back, freed) = RingBuffer::new(under_way);
        (Self { waiting: taken, spent: back }, give, freed)
    }

    /// Whether a box waits.
    ///
    /// # Realtime safety
    /// Wait-free.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes the box that waits into `held`, and gives back what was there.
    ///
    /// # Realtime safety
    /// Wait-free. False, and nothing happens, while there is no box or no way back.
    pub fn swap(&mut self, held: &mut Option<Box<T>>) -> bool {
        if self.spent.is_full() {
            return false;
        }
        let Ok(next) = self.waiting.pop() else { return false };
        if let Some(old) = held.replace(next) {
            // There is room, so nothing is freed here.
            let _ = self.spent.push(old);
        }
        true
    }

    /// Gives back what is held; false, and it stays, while there is no way back.
    ///
    /// # Realtime safety
    /// Wait-free.
    pub fn give_back(&mut self, held: &mut Option<Box<T>>) -> bool {
        if self.spent.is_full() {
            return false;
        }
        if let Some(old) = held.take() {
            let _ = self.spent.push(old);
        }
        true
    }
}

/// The audio thread's end.
pub struct AudioEnd {
    audio: Producer<f32>,
    headers: Producer<Header>,
    /// Plans from the worker.
    pub plans: Handover<StampedPlan>,
    /// Demo loops from the worker.
    pub demos: Handover<DemoLoop>,
    /// Auditions from the window.
    pub auditions: Handover<Audition>,
    /// Whether the demo plays in what is sent next.
    pub demo: bool,
    /// Shared numbers.
    pub meters: Arc<Meters>,
    stream_pos: u64,
    quantum: u64,
    open: Option<Header>,
}

/// The worker's end.
pub struct WorkerEnd {
    /// Samples, in step with `headers`.
    pub audio: Consumer<f32>,
    /// Chunks.
    pub headers: Consumer<Header>,
    /// Plans to the audio thread.
    pub plans: Producer<Box<StampedPlan>>,
    /// Plans that the audio thread is done with, to be freed here.
    pub spent: Consumer<Box<StampedPlan>>,
    /// Demo loops to the audio thread.
    pub demos: Producer<Box<DemoLoop>>,
    /// Demo loops that have ended, to be freed here.
    pub spent_demos: Consumer<Box<DemoLoop>>,
    /// What the window draws.
    pub snapshot: triple_buffer::Input<Snapshot>,
    /// What the musician thinks.
    pub judgements: Consumer<Judgement>,
    /// Shared numbers.
    pub meters: Arc<Meters>,
}

/// The window's end.
pub struct EditorEnd {
    /// The newest snapshot.
    pub snapshot: triple_buffer::Output<Snapshot>,
    /// What the musician thinks, to the worker.
    pub judgements: Producer<Judgement>,
    /// What shall be heard, to the audio thread.
    pub auditions: Producer<Box<Audition>>,
    /// Auditions that have ended, to be freed here.
    pub spent_auditions: Consumer<Box<Audition>>,
    /// Shared numbers.
    pub meters: Arc<Meters>,
}

/// Makes the three ends.
pub fn bridge() -> (AudioEnd, WorkerEnd, EditorEnd) {
    let meters = Arc::new(Meters::default());
    let (audio_in, audio_out) = RingBuffer::new(AUDIO_CAPACITY);
    let (headers_in, headers_out) = RingBuffer::new(HEADER_CAPACITY);
    let (plans, plans_in, spent_out) = Handover::new(PLAN_CAPACITY, RETURN_CAPACITY);
    // One may play, one may wait, and both may be on their way back.
    let (demos, demos_in, spent_demos_out) = Handover::new(1, 4);
    let (auditions, auditions_in, spent_auditions) = Handover::new(1, 4);
    let (judgements_in, judgements_out) = RingBuffer::new(JUDGEMENT_CAPACITY);
    let (snapshot_in, snapshot_out) = triple_buffer::triple_buffer(&Snapshot::default());
    (
        AudioEnd {
            audio: audio_in,
            headers: headers_in,
            plans,
            demos,
            auditions,
            demo: false,
            meters: Arc::clone(&meters),
            stream_pos: 0,
            quantum: quantum_samples(48_000.0),
            open: None,
        },
        WorkerEnd {
            audio: audio_out,
            headers: headers_out,
            plans: plans_in,
            spent: spent_out,
            demos: demos_in,
            spent_demos: spent_demos_out,
            snapshot: snapshot_in,
            judgements: judgements_out,
            meters: Arc::clone(&meters),
        },
        EditorEnd {
            snapshot: snapshot_out,
            judgements: judgements_in,
            auditions: auditions_in,
            spent_auditions,
            meters,
        },
    )
}

/// The chunk length at `sample_rate` Hz: the power of two next to 5 ms, at least 64.
pub fn quantum_samples(sample_rate: f64) -> u64 {
    let mut quantum = 64u64;
    while quantum < 4_096 && (quantum * 2) as f64 <= sample_rate * 0.0075 {
        quantum *= 2;
    }
    quantum
}

impl AudioEnd {
    /// Starts a stream at `stream_pos`. Not to be called from the audio thread.
    pub fn begin(&mut self, stream_pos: u64, sample_rate: f64) {
        self.stream_pos = stream_pos;
        self.quantum = quantum_samples(sample_rate);
        self.open = None;
    }

    /// Stream position of the next sample.
    pub fn stream_pos(&self) -> u64 {
        self.stream_pos
    }

    /// The chunk length, in samples.
    pub fn quantum(&self) -> u64 {
        self.quantum
    }

    /// Sends `frames` samples of audio, mixed to mono by `sample(i)`, on which `transport` holds from
    /// the first one; `fresh` says that the transport does not simply go on from the call before.
    ///
    /// Returns whether a chunk was completed.
    ///
    /// # Realtime safety
    /// Wait-free. What finds no room is dropped and counted; the stream position goes on, so that the
    /// worker sees the gap.
    pub fn send(
        &mut self,
        frames: usize,
        mut sample: impl FnMut(usize) -> f32,
        transport: &Transport,
        sample_rate: f64,
        knobs: &Knobs,
        fresh: bool,
    ) -> bool {
        let mut completed = false;
        if let Some(open) = &self.open
            && (fresh || open.knobs != *knobs || open.transport.tempo_bpm != transport.tempo_bpm)
        {
            completed |= self.close();
        }
        let mut done = 0usize;
        while done < frames {
            let to_edge = self.quantum - self.stream_pos % self.quantum;
            let n = usize::try_from(to_edge).unwrap_or(usize::MAX).min(frames - done);
            let room = self.audio.slots() >= n && (self.open.is_some() || self.headers.slots() > 0);
            if room {
                let header = self.open.get_or_insert_with(|| {
                    let pos_beats = transport.pos_after(done as f64 / sample_rate);
                    let at = Transport { pos_beats, ..*transport };
                    Header {
                        stream_pos: self.stream_pos,
                        frames: 0,
                        transport: at,
                        knobs: *knobs,
                        demo: self.demo,
                    }
                });
                header.frames += n as u32;
                if let Ok(chunk) = self.audio.write_chunk_uninit(n) {
                    chunk.fill_from_iter((done..done + n).map(|i| {
                        let x = sample(i);
                        if x.is_finite() { x } else { 0.0 }
                    }));
                }
            } else {
                completed |= self.close();
                self.meters.missed_samples.fetch_add(n as u64, Ordering::Relaxed);
            }
            done += n;
            self.stream_pos += n as u64;
            if self.stream_pos.is_multiple_of(self.quantum) {
                completed |= self.close();
            }
        }
        self.meters.stream_pos.store(self.stream_pos, Ordering::Release);
        self.meters.handed_over.store(self.handed_over(), Ordering::Release);
        completed
    }

    /// Hands the open chunk over.
    fn close(&mut self) -> bool {
        match self.open.take() {
            // Room was checked when it was opened, and nobody else pushes.
            Some(header) => self.headers.push(header).is_ok(),
            None => false,
        }
    }

    /// Stream position up to which chunks were handed over.
    pub fn handed_over(&self) -> u64 {
        self.open.map_or(self.stream_pos, |open| open.stream_pos)
    }

    /// The stream position from which on the next waiting plan holds.
    ///
    /// # Realtime safety
    /// Wait-free.
    pub fn next_plan_pos(&self) -> Option<u64> {
        self.plans.waiting.peek().ok().map(|next| next.stream_pos)
    }
}
