//! The audio thread: taps the input for the worker, plays the plan, and lets the audio through.
//!
//! # Realtime safety
//! Nothing here allocates, frees, locks, waits or calls the system (but to read the clock), with one exception: in an
//! offline render (see [`Pace`]), where no deadline exists, [`Processor::process`] waits for the worker
//! for up to [`OFFLINE_PATIENCE`] a block. A bounce then holds every note, and the same bounce holds
//! the same notes, for any block size.

use std::sync::atomic::Ordering;
use std::thread::Thread;
use std::time::{Duration, Instant};

use backline_music::{Downmix, Follow, Metre, Plan, Timeline, Transport};
use backline_synth::Synth;
use nice_plug::prelude::Transport as HostTransport;

use crate::audition::{self, AuditionPlayer};
use crate::bridge::{AudioEnd, StampedPlan};
use crate::clock::{Tightness, Tracker, sane_tempo};
use crate::demo::DemoPlayer;
use crate::pace::Pace;
use crate::params::BacklineParams;
use crate::scheduler::{Clock, Events, NoteEvent, Scheduler, Span};
use crate::worker::await_worker;

/// How long an offline render waits for the worker in one block.
pub const OFFLINE_PATIENCE: Duration = Duration::from_secs(2);
/// In how many blocks of one render it waits in vain before it no longer waits: a worker that ended will never come.
const OFFLINE_TRIES: u32 = 3;
/// Samples that the preview renders at a time.
const PREVIEW_CHUNK: usize = 256;

/// Plays before the first plan has come.
static NO_PLAN: Plan = Plan::empty();

/// The state of the audio thread.
pub struct Processor {
    end: AudioEnd,
    scheduler: Scheduler,
    events: Events,
    plan: Option<Box<StampedPlan>>,
    host: Tracker,
    heard: Tracker,
    before: Option<Transport>,
    sample_rate: f64,
    downmix: Downmix,
    /// Who is waited for in a render.
    worker: Option<Thread>,
    pace: Pace,
    /// Where the stream began, this time.
    begun_pos: u64,
    /// Blocks in a row in which it did not come.
    waited_in_vain: u32,
    synth: Option<Synth>,
    preview_gain: f32,
    demo: DemoPlayer,
    audition: AuditionPlayer,
    scratch: [Vec<f32>; 2],
}

impl Processor {
    /// A processor; [`Processor::begin`] makes it ready.
    pub fn new(end: AudioEnd) -> Self {
        Self {
            end,
            scheduler: Scheduler::new(48_000.0),
            events: Events::default(),
            plan: None,
            host: Tracker::new(Tightness::HOST),
            heard: Tracker::new(Tightness::HEARD),
            before: None,
            sample_rate: 48_000.0,
            downmix: Downmix::new(48_000.0),
            worker: None,
            pace: Pace::new(false, false),
            begun_pos: 0,
            waited_in_vain: 0,
            synth: None,
            preview_gain: 0.0,
            demo: DemoPlayer::default(),
            audition: AuditionPlayer::default(),
            scratch: [vec![0.0; PREVIEW_CHUNK], vec![0.0; PREVIEW_CHUNK]],
        }
    }

    /// Makes ready for audio at `sample_rate` Hz from `stream_pos` on, which is rendered or played as `pace` says.
    /// Renders wait for the `worker`. Not to be called from the audio thread.
    pub fn begin(&mut self, stream_pos: u64, sample_rate: f64, worker: Option<Thread>, pace: Pace) {
        if stream_pos == 0 {
            // Another session: its plans count anew.
            while self.end.plans.swap(&mut self.plan) {}
            self.plan = None;
        }
        self.end.begin(stream_pos, sample_rate);
        self.end.meters.sample_rate.store(sample_rate, Ordering::Relaxed);
        self.sample_rate = sample_rate;
        self.downmix = Downmix::new(sample_rate);
        self.scheduler.set_sample_rate(sample_rate);
        self.worker = worker;
        self.pace = pace;
        self.begun_pos = stream_pos;
        self.waited_in_vain = 0;
        self.synth = Some(Synth::new(sample_rate as f32));
        self.rest();
    }

    /// No more audio comes for a while.
    pub fn rest(&mut self) {
        self.reset();
        self.audition.stop(&mut self.end.auditions);
        self.end.meters.auditioning.store(false, Ordering::Relaxed);
    }

    /// Whether audio has come since the last beginning.
    pub fn has_run(&self) -> bool {
        self.end.stream_pos() != self.begun_pos
    }

    /// Forgets where the transport was; sounding notes are released by the next block.
    ///
    /// # Realtime safety
    /// Wait-free.
    pub fn reset(&mut self) {
        self.scheduler.stop();
        self.host.stop();
        self.heard.stop();
        self.before = None;
        self.preview_gain = 0.0;
        if let Some(synth) = &mut self.synth {
            synth.reset();
        }
    }

    /// Processes one block in place. Notes go to `send`, which says whether the host took them.
    pub fn process(
        &mut self,
        channels: &mut [&mut [f32]],
        host: &HostTransport,
        params: &BacklineParams,
        send: impl FnMut(&NoteEvent) -> bool,
    ) {
        let frames = channels.iter().map(|c| c.len()).min().unwrap_or(0);
        if frames == 0 {
            return;
        }
        let knobs = params.knobs();
        let block_pos = self.end.stream_pos();
        let mut transport = read_transport(host);
        self.choose_demo(transport.playing, params.bypass.value());
        if let Some(demo) = self.demo.transport() {
            transport = demo;
            self.demo.mix(channels, frames);
        }

        let track = if transport.playing {
            let looping = transport.loop_beats;
            Some(self.host.follow(
                transport.pos_beats,
                transport.tempo_bpm,
                frames,
                self.sample_rate,
                looping,
            ))
        } else {
            self.host.stop();
            None
        };
        if let Some(track) = &track {
            transport.pos_beats = track.start;
            transport.loop_beats = track.looping;
        }
        let jumped = track.as_ref().is_some_and(|t| t.fresh);
        let fresh = jumped || self.before.is_none_or(|b| changed(&b, &transport));
        self.before = Some(transport);
        let rendered = self.pace.rendering();
        self.pace.block(Instant::now(), frames as f64 / self.sample_rate, jumped);
        if self.pace.rendering() != rendered {
            self.end.meters.rendering.store(self.pace.rendering(), Ordering::Release);
        }

        self.tap(channels, frames, &transport, &knobs, fresh);
        let waits = self.pace.rendering() && self.waited_in_vain < OFFLINE_TRIES;
        if let Some(worker) = self.worker.as_ref().filter(|_| waits) {
            if await_worker(&self.end.meters, worker, self.end.handed_over(), OFFLINE_PATIENCE) {
                self.waited_in_vain = 0;
            } else {
                self.waited_in_vain += 1;
                self.end.meters.offline_timeouts.fetch_add(1, Ordering::Relaxed);
            }
        }

        self.events.clear();
        let mut done = 0;
        while done < frames {
            // Plans hold from a place in the stream on, not from wherever the host cut its block.
            let here = block_pos + done as u64;
            while self.end.next_plan_pos().is_some_and(|pos| pos <= here) {
                if !self.end.plans.swap(&mut self.plan) {
                    break;
                }
            }
            let until = match self.end.next_plan_pos() {
                Some(pos) if pos > here => frames.min(done + usize::try_from(pos - here).unwrap_or(frames)),
                _ => frames,
            };
            let plan = self.plan.as_ref().map_or(&NO_PLAN, |stamped| &stamped.plan);
            let heard_wanted = knobs.follow == Follow::Heard || !transport.playing;
            let clock = match (heard_wanted, plan.timeline) {
                (false, _) => track.map(|t| (Clock::Host, t.after(done))),
                (true, Timeline::Heard { anchor_s, anchor_beat, tempo_bpm }) => {
                    let now_s = here as f64 / self.sample_rate;
                    let beat = anchor_beat + (now_s - anchor_s) * sane_tempo(tempo_bpm) / 60.0;
                    let track = self.heard.follow(beat, tempo_bpm, until - done, self.sample_rate, None);
                    Some((Clock::Heard, track))
                }
                (true, Timeline::Host) => None,
            };
            if !matches!(clock, Some((Clock::Heard, _))) {
                self.heard.stop();
            }
            let span = Span {
                offset: done as u32,
                frames: until - done,
                stream_pos: here,
                clock,
                plan,
                parts: params.parts_sent(),
                channels: params.channels(),
            };
            self.scheduler.run(&span, &mut self.events);
            done = until;
        }

        let refused = self.scheduler.deliver(&self.events, block_pos, send);
        self.end.meters.lost_events.fetch_add(refused, Ordering::Relaxed);
        let preview = params.preview_gain();
        self.preview(channels, frames, preview);
        // A bounce holds what the song holds, not what is tried out meanwhile.
        if self.pace.rendering() || params.bypass.value() {
            self.audition.stop(&mut self.end.auditions);
        } else {
            let gain = preview.unwrap_or(audition::USUAL_GAIN);
            self.audition.mix(&mut self.end.auditions, channels, frames, gain, self.sample_rate);
        }
        self.show(&transport);
    }

    /// Starts the demo when it is wanted, and ends it when it is not, or when the host plays itself or bypasses the
    /// plug-in.
    fn choose_demo(&mut self, host_plays: bool, bypassed: bool) {
        let meters = &self.end.meters;
        if (host_plays || bypassed) && meters.demo_wanted.load(Ordering::Relaxed) {
            meters.demo_wanted.store(false, Ordering::Relaxed);
        }
        let wanted = meters.demo_wanted.load(Ordering::Relaxed) && !self.pace.rendering();
        if self.end.demos.swap(&mut self.demo.playing) {
            self.demo.rewind();
        }
        // One that played or was under way when the rate changed is another's.
        let of_this_rate = self.demo.playing.as_ref().is_none_or(|demo| demo.is_at(self.sample_rate));
        if !(wanted && of_this_rate) {
            self.end.demos.give_back(&mut self.demo.playing);
        }
        self.end.demo = self.demo.playing.is_some();
    }

    /// Sends the input, mixed to mono, to the worker.
    fn tap(
        &mut self,
        channels: &[&mut [f32]],
        frames: usize,
        transport: &Transport,
        knobs: &crate::params::Knobs,
        fresh: bool,
    ) {
        let mut peak = 0.0f32;
        let downmix = &mut self.downmix;
        let mix = |i: usize| {
            let sample = match channels {
                [one] => one[i],
                [left, right, ..] => downmix.mix(left[i], right[i]),
                [] => 0.0,
            };
            let sample = if sample.is_finite() { sample } else { 0.0 };
            peak = peak.max(sample.abs());
            sample
        };
        self.end.send(frames, mix, transport, self.sample_rate, knobs, fresh);
        let meter = &self.end.meters.input_peak;
        if peak > meter.load(Ordering::Relaxed) {
            meter.store(peak, Ordering::Relaxed);
        }
    }

    /// Mixes the built-in sounds in. Without a level the audio is not touched.
    fn preview(&mut self, channels: &mut [&mut [f32]], frames: usize, gain: Option<f32>) {
        let Some(synth) = &mut self.synth else { return };
        let target = gain.unwrap_or(0.0);
        let from = self.preview_gain;
        self.preview_gain = target;
        if from == 0.0 && target == 0.0 {
            return;
        }
        let mut events = self.events.as_slice().iter().peekable();
        let mut at = 0;
        while at < frames {
            while let Some(event) = events.next_if(|event| event.offset as usize <= at) {
                match event.velocity {
                    Some(velocity) => synth.note_on(event.part, event.key, velocity),
                    None => synth.note_off(event.part, event.key),
                }
            }
            let next = events.peek().map_or(frames, |event| (event.offset as usize).min(frames));
            let length = (next - at).min(PREVIEW_CHUNK);
            let [left, right] = &mut self.scratch;
            let (left, right) = (&mut left[..length], &mut right[..length]);
            left.fill(0.0);
            right.fill(0.0);
            synth.render_add(left, right);
            for i in 0..length {
                // A knob that is turned is heard as a ramp over the block.
                let gain = from + (target - from) * (at + i + 1) as f32 / frames as f32;
                match channels {
                    [one] => one[at + i] += gain * 0.5 * (left[i] + right[i]),
                    [l, r, ..] => {
                        l[at + i] += gain * left[i];
                        r[at + i] += gain * right[i];
                    }
                    [] => {}
                }
            }
            at += length;
        }
        if target == 0.0 {
            synth.reset();
        }
    }

    fn show(&self, transport: &Transport) {
        let meters = &self.end.meters;
        meters.playing.store(transport.playing, Ordering::Relaxed);
        meters.tempo_bpm.store(transport.tempo_bpm, Ordering::Relaxed);
        meters.pos_beats.store(self.scheduler.beat(), Ordering::Relaxed);
        meters.sounding.store(self.scheduler.sounding() as u32, Ordering::Relaxed);
        meters.auditioning.store(self.audition.sounds(), Ordering::Relaxed);
    }
}

/// The host's transport in our words; what it does not tell is completed.
fn read_transport(host: &HostTransport) -> Transport {
    let tempo_bpm = sane_tempo(host.tempo.unwrap_or(f64::NAN));
    let metre = match (host.time_sig_numerator, host.time_sig_denominator) {
        (Some(n), Some(d)) => match (u8::try_from(n), u8::try_from(d)) {
            (Ok(n), Ok(d)) => Metre::new(n, d).unwrap_or_default(),
            _ => Metre::default(),
        },
        _ => Metre::default(),
    };
    let finite = |x: &f64| x.is_finite();
    // A host that counts only samples or seconds: as if the tempo had always been this.
    let pos_beats = host
        .pos_beats
        .filter(finite)
        .or_else(|| host.pos_seconds.filter(finite).map(|s| s * tempo_bpm / 60.0))
        .or_else(|| host.pos_samples.map(|n| n as f64 / f64::from(host.sample_rate) * tempo_bpm / 60.0))
        .unwrap_or(0.0)
        .clamp(-1.0e9, 1.0e9);
    let bar = metre.bar_quarters();
    // Some hosts leave the bar at 0: believe it only where it can be.
    let bar_start_beats = host
        .bar_start_pos_beats
        .filter(|start| start.is_finite() && (-1.0e-6..bar + 1.0e-6).contains(&(pos_beats - start)))
        .unwrap_or_else(|| (pos_beats / bar).floor() * bar);
    let loop_beats = host.loop_range_beats.filter(|(a, b)| a.is_finite() && b.is_finite() && b > a);
    Transport { playing: host.playing, pos_beats, tempo_bpm, metre, bar_start_beats, loop_beats }
}

/// Whether the transport changed in a way that does not follow from time passing.
fn changed(before: &Transport, now: &Transport) -> bool {
    before.playing != now.playing
        || before.metre != now.metre
        || before.loop_beats != now.loop_beats
        || (!now.playing && before.pos_beats != now.pos_beats)
}

#[cfg(test)]
mod tests;
