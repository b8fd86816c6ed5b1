//! Tests of the audio thread with plans made by hand, under the guard against allocation.

use backline_music::{Part, PlannedBar, PlannedNote};
use nice_assert_no_alloc::assert_no_alloc;

use super::*;
use crate::audition::Audition;
use crate::bridge::{EditorEnd, WorkerEnd, bridge};

const RATE: f64 = 48_000.0;

struct Rig {
    processor: Processor,
    worker: WorkerEnd,
    editor: EditorEnd,
    params: BacklineParams,
    pos: usize,
    taken: Vec<(u64, NoteEvent)>,
    /// Whether the host has room for events.
    room: bool,
}

impl Rig {
    fn new() -> Self {
        let (audio, worker, editor) = bridge();
        let mut processor = Processor::new(audio);
        processor.begin(0, RATE, None, Pace::new(false, false));
        let taken = Vec::with_capacity(100_000);
        Self { processor, worker, editor, params: BacklineParams::default(), pos: 0, taken, room: true }
    }

    fn give(&mut self, stream_pos: u64, plan: Plan) {
        assert!(self.worker.plans.push(Box::new(StampedPlan { stream_pos, plan })).is_ok());
    }

    /// One block under the guard; the channels hold what came out.
    fn block(&mut self, channels: &mut [Vec<f32>], at: Option<f64>) {
        let mut host = HostTransport::new(RATE as f32);
        host.playing = at.is_some();
        host.pos_beats = at;
        host.tempo = Some(120.0);
        let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
        let (taken, room, pos) = (&mut self.taken, self.room, self.pos as u64);
        assert_no_alloc(|| {
            self.processor.process(&mut slices, &host, &self.params, |event| {
                if room {
                    taken.push((pos + u64::from(event.offset), *event));
                }
                room
            });
        });
        self.pos += channels[0].len();
    }

    fn silence(&mut self, frames: usize, at: Option<f64>) -> Vec<Vec<f32>> {
        let mut channels = vec![vec![0.0; frames]; 2];
        self.block(&mut channels, at);
        channels
    }
}

fn note(part: Part, key: u8, onset_beat: f64) -> PlannedNote {
    PlannedNote { part, key, velocity: 90, onset_beat, length_beats: 0.5 }
}

fn plan(revision: u64, timeline: Timeline, notes: Vec<PlannedNote>) -> Plan {
    let bar = PlannedBar {
        index: 0,
        start_beat: 0.0,
        metre: Metre::FOUR_FOUR,
        tempo_bpm: 120.0,
        style: "pop".into(),
        fill: false,
        chords: Vec::new(),
        notes,
    };
    Plan { revision, timeline, committed_beat: 0.0, bars: vec![bar] }
}

/// The guard is really on: in a process of its own, a single allocation under it must abort.
#[test]
fn an_allocation_under_the_guard_is_fatal() {
    const CHILD: &str = "BACKLINE_TEST_ALLOCATES";
    if std::env::var_os(CHILD).is_some() {
        assert_no_alloc(|| std::hint::black_box(vec![0u8; 64]));
        return;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::tests::an_allocation_under_the_guard_is_fatal", "--nocapture"])
        .env(CHILD, "1")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success(), "an allocation went unnoticed: is `assert_process_allocs` on?");
}

#[test]
fn a_plan_holds_from_its_place_in_the_stream() {
    // The second plan comes into force in the middle of a block, at sample 12,000 (beat 0.5).
    let mut rig = Rig::new();
    rig.give(0, plan(1, Timeline::Host, vec![note(Part::Bass, 40, 0.25), note(Part::Bass, 41, 0.75)]));
    rig.give(12_000, plan(2, Timeline::Host, vec![note(Part::Bass, 50, 0.25), note(Part::Bass, 51, 0.75)]));
    rig.silence(24_000, Some(0.0));
    let ons: Vec<_> =
        rig.taken.iter().filter(|(_, e)| e.velocity.is_some()).map(|(t, e)| (*t, e.key)).collect();
    assert_eq!(ons, [(6_000, 40), (18_000, 51)]);
    // The old plan has gone back to be freed.
    assert_eq!(rig.worker.spent.slots(), 1);
}

#[test]
fn with_the_transport_stopped_the_heard_beat_is_played() {
    let heard = Timeline::Heard { anchor_s: 0.25, anchor_beat: 0.0, tempo_bpm: 120.0 };
    let mut rig = Rig::new();
    rig.give(0, plan(1, heard, vec![note(Part::Drums, 36, 0.5)]));
    for _ in 0..200 {
        rig.silence(480, None);
    }
    // Beat 0.5 at 120 BPM is a quarter of a second after the anchor.
    assert_eq!(rig.taken.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [24_000, 36_000]);

    // The host starts: its timeline counts, and what is counted in heard beats is silent.
    let mut rig = Rig::new();
    rig.give(0, plan(1, heard, vec![note(Part::Drums, 36, 0.5)]));
    for block in 0..100 {
        rig.silence(480, Some(f64::from(block) * 0.02));
    }
    assert!(rig.taken.is_empty());
}

#[test]
fn audio_and_transport_reach_the_worker_in_step() {
    let mut rig = Rig::new();
    let mut sent = Vec::new();
    for (i, frames) in [1usize, 63, 500, 8_192, 17].into_iter().enumerate() {
        let beat = sent.len() as f64 / 24_000.0;
        let ramp: Vec<f32> = (0..frames).map(|n| (i * 10_000 + n) as f32 * 1e-6).collect();
        sent.extend_from_slice(&ramp);
        rig.block(&mut [ramp.clone(), ramp], Some(beat));
    }
    let mut pos = 0;
    while let Ok(header) = rig.worker.headers.pop() {
        assert_eq!(header.stream_pos, pos);
        assert!((header.transport.pos_beats - pos as f64 / 24_000.0).abs() < 1e-9);
        let mut chunk = vec![0.0; header.frames as usize];
        rig.worker.audio.pop_entire_slice(&mut chunk).unwrap();
        assert_eq!(chunk, sent[pos as usize..][..chunk.len()]);
        pos += u64::from(header.frames);
        assert_eq!(pos % 256, 0, "chunks end on the quantum");
    }
    assert_eq!(pos as usize, sent.len() / 256 * 256);
}

#[test]
fn a_worker_that_sleeps_costs_audio_but_not_time() {
    // 20 s without a worker: the ring holds 11 s.
    let mut rig = Rig::new();
    for block in 0..(20 * 48_000 / 480) {
        let mut channels = vec![vec![0.5; 480]; 2];
        rig.block(&mut channels, Some(f64::from(block) * 0.02));
        assert!(channels.iter().flatten().all(|x| *x == 0.5));
    }
    let missed = rig.worker.meters.missed_samples.load(Ordering::Relaxed);
    assert!(missed > 0);
    let mut waiting = 0;
    while let Ok(header) = rig.worker.headers.pop() {
        let mut chunk = vec![0.0; header.frames as usize];
        rig.worker.audio.pop_entire_slice(&mut chunk).unwrap();
        assert!(chunk.iter().all(|x| *x == 0.5));
        waiting += u64::from(header.frames);
    }
    assert_eq!(waiting + missed, 20 * 48_000);
    // The next chunk says where it lies.
    for _ in 0..2 {
        rig.silence(480, Some(40.0));
    }
    assert!(rig.worker.headers.pop().unwrap().stream_pos >= 20 * 48_000);
}

#[test]
fn a_host_without_room_still_gets_its_note_offs() {
    let mut rig = Rig::new();
    rig.give(0, plan(1, Timeline::Host, vec![note(Part::Bass, 40, 0.0)]));
    rig.silence(480, Some(0.0));
    rig.room = false;
    rig.silence(480, None);
    rig.silence(480, None);
    rig.room = true;
    rig.silence(480, None);
    let seen: Vec<_> = rig.taken.iter().map(|(t, e)| (*t, e.velocity.is_some())).collect();
    assert_eq!(seen, [(0, true), (1_440, false)]);
}

#[test]
fn not_a_number_does_not_reach_the_worker() {
    let mut rig = Rig::new();
    rig.block(&mut [vec![f32::NAN; 512], vec![1.0; 512]], Some(0.0));
    rig.block(&mut [vec![f32::INFINITY; 512], vec![f32::NEG_INFINITY; 512]], Some(512.0 / 24_000.0));
    while let Ok(sample) = rig.worker.audio.pop() {
        assert!(sample.is_finite());
    }
}

#[test]
fn the_preview_starts_at_the_note() {
    let mut rig = Rig::new();
    rig.params = BacklineParams::default();
    rig.params.preview = nice_plug::prelude::FloatParam::new(
        "Preview level",
        0.0,
        nice_plug::prelude::FloatRange::Linear { min: -60.0, max: 6.0 },
    );
    rig.give(0, plan(1, Timeline::Host, vec![note(Part::Drums, 36, 0.03125)]));
    let out = rig.silence(4_800, Some(0.0));
    // Beat 1/32 is sample 750.
    let first = out[0].iter().position(|x| *x != 0.0).unwrap();
    assert!((750..760).contains(&first), "{first}");
}

#[test]
fn the_demo_plays_on_a_clock_of_its_own_until_the_song_plays() {
    use crate::demo::{DEMO_BEAT, DemoLoop};
    let mut rig = Rig::new();
    assert!(rig.worker.demos.push(Box::new(DemoLoop::render(RATE))).is_ok());
    rig.worker.meters.demo_wanted.store(true, Ordering::Relaxed);
    let bass = note(Part::Bass, 40, DEMO_BEAT + 1.0);
    let mut band = plan(1, Timeline::Host, vec![bass]);
    band.bars[0].start_beat = DEMO_BEAT;
    rig.give(0, band);
    let mut heard = 0.0f32;
    for _ in 0..200 {
        let out = rig.silence(480, None);
        heard = out[0].iter().fold(heard, |peak, s| peak.max(s.abs()));
    }
    assert!(heard > 0.05, "the loop is in the track: {heard}");
    // A quarter note at 100 a minute is 28,800 samples.
    assert_eq!(rig.taken.first().map(|(at, e)| (*at, e.key, e.velocity.is_some())), Some((28_800, 40, true)));
    let header = rig.worker.headers.pop().unwrap();
    assert!(header.demo && header.transport.playing && header.transport.tempo_bpm == 100.0);
    // The song plays: the demo ends at once, and what sounded is released.
    let out = rig.silence(480, Some(0.0));
    assert!(out[0].iter().all(|s| *s == 0.0), "the track is untouched again");
    assert!(!rig.worker.meters.demo_wanted.load(Ordering::Relaxed));
    assert!(rig.worker.spent_demos.pop().is_ok(), "the loop comes back to be freed");
    let ons = rig.taken.iter().filter(|(_, e)| e.velocity.is_some()).count();
    let offs = rig.taken.iter().filter(|(_, e)| e.velocity.is_none()).count();
    assert_eq!(ons, offs);
}

#[test]
fn the_demo_leaves_a_bypassed_track_alone_and_plays_at_no_other_rate() {
    use crate::demo::DemoLoop;
    let playing = |rig: &mut Rig| {
        assert!(rig.worker.demos.push(Box::new(DemoLoop::render(RATE))).is_ok());
        rig.worker.meters.demo_wanted.store(true, Ordering::Relaxed);
        (0..100).any(|_| rig.silence(480, None)[0].iter().any(|s| *s != 0.0))
    };
    let untouched = |rig: &mut Rig| (0..100).all(|_| rig.silence(480, None)[0].iter().all(|s| *s == 0.0));
    let mut rig = Rig::new();
    assert!(playing(&mut rig));
    rig.params.bypass = nice_plug::prelude::BoolParam::new("Bypass", true);
    assert!(untouched(&mut rig), "bypassed");
    assert!(!rig.worker.meters.demo_wanted.load(Ordering::Relaxed));
    let mut rig = Rig::new();
    assert!(playing(&mut rig));
    rig.processor.begin(0, 44_100.0, None, Pace::new(false, false));
    assert!(untouched(&mut rig), "the loop of another rate");
    // And one that was on its way.
    assert!(!playing(&mut rig));
    assert!(rig.worker.spent_demos.pop().is_ok(), "it comes back to be freed");
}

#[test]
fn a_render_does_not_wait_for_ever_for_a_worker_that_is_gone() {
    let mut rig = Rig::new();
    rig.processor.begin(0, RATE, Some(std::thread::current()), Pace::new(true, true));
    for block in 0..20 {
        rig.silence(480, Some(f64::from(block) * 0.02));
    }
    assert_eq!(rig.worker.meters.offline_timeouts.load(Ordering::Relaxed), u64::from(OFFLINE_TRIES));
}

/// The chord as it is auditioned.
fn chord(label: &str) -> Audition {
    Audition::of_chord(label.parse().unwrap(), RATE)
}

#[test]
fn an_audition_sounds_once_and_leaves_the_track_as_it_was() {
    let mut rig = Rig::new();
    assert_eq!(rig.editor.meters.sample_rate.load(Ordering::Relaxed), RATE);
    let sound = chord("A:min7");
    let frames = sound.frames();
    assert!(rig.editor.auditions.push(Box::new(sound)).is_ok());
    let mut out = Vec::new();
    // Blocks of all sizes, with the host at rest.
    for i in 0.. {
        let block = rig.silence(1 + (i * 37) % 700, None);
        out.extend_from_slice(&block[0]);
        if i == 3 {
            assert!(rig.editor.meters.auditioning.load(Ordering::Relaxed));
        }
        if out.len() > frames + 4_096 {
            break;
        }
    }
    let loudest = out.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
    assert!((0.02..1.0).contains(&loudest), "{loudest}");
    assert!(out[frames..].iter().all(|s| *s == 0.0), "it sounds once");
    assert!(!rig.editor.meters.auditioning.load(Ordering::Relaxed));
    assert!(rig.editor.spent_auditions.pop().is_ok(), "it comes back to be freed");
    assert!(rig.taken.is_empty(), "no notes are sent");
}

#[test]
fn an_audition_gives_way_to_the_next_without_a_click_and_ends_on_demand() {
    let mut rig = Rig::new();
    assert!(rig.editor.auditions.push(Box::new(chord("C:maj"))).is_ok());
    let mut out = rig.silence(9_600, None).swap_remove(0);
    assert!(rig.editor.auditions.push(Box::new(Audition::silence())).is_ok());
    let begun = out.len();
    out.extend_from_slice(&rig.silence(9_600, None)[0]);
    let step = |out: &[f32]| out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0f32, f32::max);
    assert!(step(&out[begun - 1..]) <= 1.1 * step(&out[4_800..begun]), "it fades out");
    assert!(out[begun + 300..].iter().all(|s| *s == 0.0), "and is gone");
    // One chord after another, as one chooses: nothing piles up.
    for label in ["C:maj", "D:min", "E:7", "F:maj7"] {
        while rig.editor.spent_auditions.pop().is_ok() {}
        assert!(rig.editor.auditions.push(Box::new(chord(label))).is_ok(), "{label}");
        rig.silence(2_000, None);
    }
    // Nobody frees what comes back: the audio thread keeps it and goes on.
    for _ in 0..20 {
        let _ = rig.editor.auditions.push(Box::new(chord("G:maj")));
        rig.silence(2_000, None);
    }
}

#[test]
fn a_bypassed_track_is_not_touched_by_auditions() {
    let mut rig = Rig::new();
    rig.params.bypass = nice_plug::prelude::BoolParam::new("Bypass", true);
    assert!(rig.editor.auditions.push(Box::new(chord("C:maj"))).is_ok());
    assert!(rig.silence(4_800, None)[0].iter().all(|s| *s == 0.0));
}

#[test]
fn an_audition_ends_with_a_bypass_a_render_and_the_stream() {
    let sounds = |rig: &mut Rig| rig.silence(4_800, None)[0].iter().any(|s| *s != 0.0);
    let begin = |rig: &mut Rig| {
        rig.editor.spent_auditions.pop().ok();
        assert!(rig.editor.auditions.push(Box::new(chord("A:min7"))).is_ok());
        assert!(sounds(rig));
    };
    let ended = |rig: &mut Rig| {
        assert!(!sounds(rig) && !rig.editor.meters.auditioning.load(Ordering::Relaxed));
        assert!(rig.editor.spent_auditions.pop().is_ok(), "it comes back to be freed");
    };
    let mut rig = Rig::new();
    begin(&mut rig);
    rig.params.bypass = nice_plug::prelude::BoolParam::new("Bypass", true);
    assert!(!sounds(&mut rig));
    rig.params.bypass = nice_plug::prelude::BoolParam::new("Bypass", false);
    ended(&mut rig);

    begin(&mut rig);
    rig.processor.begin(0, 96_000.0, None, Pace::new(true, true));
    assert!(!rig.editor.meters.auditioning.load(Ordering::Relaxed));
    ended(&mut rig);
    rig.processor.begin(0, 96_000.0, None, Pace::new(false, false));
    // One that was on its way when the rate changed.
    assert!(rig.editor.auditions.push(Box::new(chord("A:min7"))).is_ok());
    ended(&mut rig);
}
