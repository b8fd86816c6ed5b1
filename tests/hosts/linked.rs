//! Instances of one group in one process play as one band, each its own part, whatever their formats.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use backline::link::{self, Moment, Seat};
use backline::params::Link;
use backline_engine::{Edits, KeptBar, KeptNote};
use backline_music::{DrumVoice, Part};
use backline_testhost::{At, Host, Note, Run};

use crate::bundle::{Format, load};
use crate::saved::with_field;
use crate::song::{self, Song};

/// Group A, drums and bass, as the host's automation sees them.
const GROUP_A: f64 = 0.25;
const SEND: [(Part, f64); 2] = [(Part::Drums, 1.0 / 3.0), (Part::Bass, 1.0)];
const BLOCK: usize = 512;
/// In one library, and in two, each of which comes first once.
const PAIRS: [[Format; 2]; 3] =
    [[Format::Clap, Format::Clap], [Format::Clap, Format::Vst3], [Format::Vst3, Format::Clap]];

type Sent = Vec<(u64, Note)>;

/// One test at a time in a process: all of them are in the same groups, and in one folder.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Instances in group A, the first for the drums and the second for the bass.
fn band(formats: [Format; 2]) -> Vec<Box<dyn Host>> {
    let linked = |(format, (_, send))| {
        let mut host = load(format);
        host.set("Link", GROUP_A);
        host.set("Send", send);
        host
    };
    formats.into_iter().zip(SEND).map(linked).collect()
}

fn activate(hosts: &mut [Box<dyn Host>], song: &Song, offline: bool) {
    hosts.iter_mut().for_each(|host| host.activate(song.rate, BLOCK, offline));
}

/// Plays the song in step through the instance that `hears` it and others that hear nothing, `between` after each
/// block; what each sent.
fn together(
    hosts: &mut [Box<dyn Host>],
    song: &Song,
    span: std::ops::Range<usize>,
    hears: usize,
    transport: impl Fn(f64) -> At,
    mut between: impl FnMut(usize),
) -> Vec<Sent> {
    let mut sent: Vec<Sent> = vec![Vec::new(); hosts.len()];
    for from in span.step_by(BLOCK) {
        let at = transport(song.beat(from as f64));
        for (i, host) in hosts.iter_mut().enumerate() {
            let input = match i {
                _ if i == hears => song.round(from, BLOCK),
                _ => vec![vec![0.0; BLOCK]; 2],
            };
            let mut output = vec![vec![0.0; BLOCK]; 2];
            let notes = host.process(&input, &mut output, &at);
            assert!(input == output, "the audio of each passes");
            sent[i].extend(notes.into_iter().map(|note| (from as u64 + u64::from(note.offset), note)));
        }
        between(from);
    }
    sent
}

fn ons(sent: &Sent) -> Vec<(u64, u8, u8)> {
    let ons = sent.iter().filter(|(_, n)| n.velocity.is_some());
    let mut ons: Vec<_> = ons.map(|(at, n)| (*at, n.channel, n.key)).collect();
    ons.sort_unstable();
    ons
}

fn of(sent: &Sent, part: Part) -> Vec<(u64, u8, u8)> {
    ons(sent).into_iter().filter(|n| n.1 == part.default_channel()).collect()
}

/// What sounds at the end.
fn sounding(sent: &Sent) -> BTreeSet<(u8, u8)> {
    let mut sounding = BTreeSet::new();
    for (_, note) in sent {
        if note.velocity.is_some() {
            sounding.insert((note.channel, note.key));
        } else {
            sounding.remove(&(note.channel, note.key));
        }
    }
    sounding
}

fn blocks(song: &Song, seconds: f64) -> usize {
    (seconds * song.rate) as usize / BLOCK * BLOCK
}

#[test]
fn one_hears_and_each_sends_its_part_of_one_plan() {
    let _one = alone();
    let song = song::demo(48_000);
    let samples = blocks(&song, 26.0);
    let rolling = |beat| At::playing(beat, song.tempo);
    let mut solo = [load(Format::Clap)];
    activate(&mut solo, &song, true);
    let whole = together(&mut solo, &song, 0..samples, 0, rolling, |_| {}).remove(0);
    drop(solo);

    for formats in PAIRS {
        let mut hosts = band(formats);
        // Knobs of an instance that follows do not turn the band.
        hosts[1].set("Energy", 1.0);
        activate(&mut hosts, &song, true);
        let begun = Instant::now();
        let mut sent = together(&mut hosts, &song, 0..samples, 0, rolling, |_| {});
        println!("{formats:?}: 26 s rendered in {:?}", begun.elapsed());
        for (i, (part, _)) in SEND.into_iter().enumerate() {
            let plan = of(&whole, part);
            assert!(plan.len() > 20, "{part}: {} notes", plan.len());
            assert_eq!(ons(&sent[i]), plan, "{formats:?}, {part}: what the band plays as one instance");
        }

        // The one that hears goes while the transport runs; the other goes on alone, within a bar.
        hosts.remove(0);
        let bar = (4.0 * 60.0 / song.tempo * song.rate) as usize / BLOCK * BLOCK;
        let before = sent.remove(1);
        let after = together(&mut hosts, &song, samples..samples + bar, 1, rolling, |_| {}).remove(0);
        assert_eq!(sounding(&before.into_iter().chain(after).collect()), BTreeSet::new(), "{formats:?}");
        let mut run = Run::new(&mut *hosts[0]);
        run.straight(&song.audio, 0..samples, song.rate, song.beat0, song.tempo, || BLOCK);
        let own = run.ons();
        run.stop(2);
        let bass = Part::Bass.default_channel();
        assert!(own.len() > 20 && own.iter().all(|n| n.1 == bass), "{formats:?}: {} notes", own.len());
    }
    assert!(!link::folder().exists(), "nothing is left behind");
}

/// A muted, frozen or bypassed track may not be processed.
#[test]
fn the_band_plays_on_while_the_leaders_track_does_not_run() {
    let _one = alone();
    let song = song::demo(48_000);
    let rolling = |beat| At::playing(beat, song.tempo);
    let block = |beat: f64| blocks(&song, (beat - song.beat0) * 60.0 / song.tempo);
    let (rests, runs, end) = (block(32.0), block(96.0), block(104.0));
    for formats in PAIRS {
        let mut hosts = band(formats);
        activate(&mut hosts, &song, true);
        let before = together(&mut hosts, &song, 0..rests, 0, rolling, |_| {});
        let alone = together(&mut hosts[1..], &song, rests..runs, 1, rolling, |_| {});
        let bars: BTreeSet<u64> =
            ons(&alone[0]).iter().map(|n| ((song.beat(n.0 as f64) + 0.1) / 4.0) as u64).collect();
        assert!((8..24).all(|bar| bars.contains(&bar)), "{formats:?}: bass in {bars:?}");
        // It runs again, and leads; then the host stops.
        let after = together(&mut hosts, &song, runs..end, 0, rolling, |_| {});
        assert!(of(&after[0], Part::Drums).len() > 10, "{formats:?}");
        let stopped = together(&mut hosts, &song, end..end + 2 * BLOCK, 0, |_| At::STOPPED, |_| {});
        for (i, alone) in [&Vec::new(), &alone[0]].into_iter().enumerate() {
            let all = [&before[i], alone, &after[i], &stopped[i]].into_iter().flatten().copied().collect();
            assert_eq!(sounding(&all), BTreeSet::new(), "{formats:?}");
        }
    }
}

/// Hosts render tracks side by side, each on a thread of its own.
#[test]
fn tracks_that_are_rendered_side_by_side_give_the_same() {
    let _one = alone();
    let song = song::demo(48_000);
    let samples = blocks(&song, 16.0);
    let rolling = |beat| At::playing(beat, song.tempo);
    let mut solo = [load(Format::Clap)];
    activate(&mut solo, &song, true);
    let whole = together(&mut solo, &song, 0..samples, 0, rolling, |_| {}).remove(0);
    drop(solo);

    let done = [const { AtomicUsize::new(0) }; 2];
    let until = |i: usize, steps: usize| {
        let begun = Instant::now();
        while done[i].load(Ordering::Acquire) < steps {
            assert!(begun.elapsed() < Duration::from_secs(20), "the other track does not come");
            thread::yield_now();
        }
    };
    let track = |i: usize| {
        // The one that hears is the older: then it leads from the first sample on, as it does alone.
        until(0, i);
        let mut host = [load(PAIRS[1][i])];
        host[0].set("Link", GROUP_A);
        host[0].set("Send", SEND[i].1);
        activate(&mut host, &song, true);
        // Nobody begins a block before both have ended the one before.
        let in_step = |steps: usize| {
            done[i].store(steps, Ordering::Release);
            until(1 - i, steps);
        };
        done[i].store(1, Ordering::Release);
        in_step(2);
        let sent = together(&mut host, &song, 0..samples, i, rolling, |from| in_step(3 + from / BLOCK));
        ons(&sent[0])
    };
    let sent = thread::scope(|threads| {
        let tracks = [0, 1].map(|i| {
            threads.spawn({
                let track = &track;
                move || track(i)
            })
        });
        tracks.map(|track| track.join().unwrap())
    });
    for (sent, (part, _)) in sent.iter().zip(SEND) {
        assert!(*sent == of(&whole, part), "{part}: {} notes, {}", sent.len(), of(&whole, part).len());
    }
}

#[test]
fn the_younger_leads_where_it_is_the_one_that_hears() {
    let _one = alone();
    let song = song::demo(48_000);
    let samples = blocks(&song, 16.0);
    let mut first: Option<Vec<_>> = None;
    for formats in PAIRS {
        let mut hosts = band(formats);
        activate(&mut hosts, &song, true);
        let rolling = |beat| At::playing(beat, song.tempo);
        let sent: Vec<_> =
            together(&mut hosts, &song, 0..samples, 1, rolling, |_| {}).iter().map(ons).collect();
        assert!(sent.iter().all(|notes| notes.len() > 10), "{formats:?}");
        assert_eq!(first.get_or_insert_with(|| sent.clone()), &sent, "{formats:?}: as within one library");
    }
}

#[test]
fn an_instance_that_is_not_linked_hears_nothing_of_the_others() {
    let _one = alone();
    let song = song::demo(48_000);
    let formats = [Format::Clap, Format::Clap, Format::Vst3, Format::Vst3];
    let mut hosts: Vec<_> = formats.into_iter().map(load).collect();
    hosts[0].set("Link", 2.0 * GROUP_A);
    hosts[1].set("Link", 3.0 * GROUP_A);
    hosts[2].set("Link", 4.0 * GROUP_A);
    activate(&mut hosts, &song, true);
    let rolling = |beat| At::playing(beat, song.tempo);
    let sent = together(&mut hosts, &song, 0..blocks(&song, 12.0), 0, rolling, |_| {});
    assert!(ons(&sent[0]).len() > 20);
    assert_eq!([1, 2, 3].map(|i| ons(&sent[i]).len()), [0; 3], "other groups, and none");
}

#[test]
fn what_is_written_in_one_counts_in_the_other() {
    let _one = alone();
    let song = song::demo(48_000);
    let key = DrumVoice::HighTom.gm_key();
    let steps = [0.0, 0.75, 1.5, 3.25];
    let notes = steps.map(|at_beats| KeptNote { key, velocity: 100, at_beats, length_beats: 0.125 });
    let mut edits = Edits::default();
    edits.keep(KeptBar {
        start_beat: 16.0,
        length_beats: 4.0,
        part: Part::Drums,
        on_heard_beat: false,
        notes: notes.to_vec(),
    });
    let mut hosts = vec![load(Format::Vst3), load(Format::Clap)];
    let state = hosts[1].save();
    let field = format!("\"edits\":{}", serde_json::to_string(&edits).unwrap());
    assert!(hosts[1].load(&with_field(&state, &field)));
    for (host, (_, send)) in hosts.iter_mut().zip(SEND) {
        host.set("Link", GROUP_A);
        host.set("Send", send);
    }
    activate(&mut hosts, &song, true);
    let rolling = |beat| At::playing(beat, song.tempo);
    let samples = blocks(&song, 16.0);
    let sent = together(&mut hosts, &song, 0..samples, 0, rolling, |_| {});
    let sample = |beat: f64| (beat - song.beat0) * 60.0 / song.tempo * song.rate;
    let toms: Vec<u64> = ons(&sent[0]).into_iter().filter(|n| n.2 == key).map(|n| n.0).collect();
    let within: Vec<u64> =
        toms.into_iter().filter(|at| (sample(15.9)..sample(19.9)).contains(&(*at as f64))).collect();
    assert_eq!(within.len(), steps.len(), "{within:?}");
    for (at, step) in within.into_iter().zip(steps) {
        assert!((at as f64 - sample(16.0 + step)).abs() <= 0.502, "{at} for {step}");
    }

    // The library goes and is loaded again; then it plays with the other as before.
    hosts.remove(0);
    let mut hosts = vec![hosts.remove(0), load(Format::Vst3)];
    hosts[1].set("Link", GROUP_A);
    hosts[1].set("Send", SEND[0].1);
    hosts[1].activate(song.rate, BLOCK, true);
    let sent = together(&mut hosts, &song, 0..samples, 0, rolling, |_| {});
    assert!(ons(&sent[1]).len() > 20, "{} notes", ons(&sent[1]).len());
    assert_eq!(of(&sent[1], Part::Drums), ons(&sent[1]));
}

#[test]
fn a_band_of_instances_plays_live() {
    let _one = alone();
    let song = song::demo(48_000);
    let second = Duration::from_secs(1);
    for (formats, samples) in
        [(PAIRS[0], song.audio[0].len() / BLOCK * BLOCK), (PAIRS[1], blocks(&song, 20.0))]
    {
        let mut hosts = band(formats);
        activate(&mut hosts, &song, false);
        // Five times as fast as real time, and then in real time, for computers that have a lot to do.
        let pause = |from| {
            let slow = from > samples / 2;
            thread::sleep(second.mul_f64(BLOCK as f64 / song.rate / if slow { 1.0 } else { 5.0 }));
        };
        let rolling = |beat| At::playing(beat, song.tempo);
        let mut sent = together(&mut hosts, &song, 0..samples, 0, rolling, pause);
        for (sent, (part, _)) in sent.iter().zip(SEND) {
            let notes = ons(sent);
            assert!(
                !notes.is_empty() && of(sent, part) == notes,
                "{formats:?}, {part}: {} notes",
                notes.len()
            );
        }
        // The one that hears goes: what the other plays of its plan ends within a bar.
        hosts.remove(0);
        let bar = blocks(&song, 4.0 * 60.0 / song.tempo);
        let after = together(&mut hosts, &song, samples..samples + bar, 1, rolling, pause).remove(0);
        let last = sent.remove(1).into_iter().chain(after).collect();
        assert_eq!(sounding(&last), BTreeSet::new(), "{formats:?}");
    }
}

/// Nobody tells the time but the music: the plan counts in seconds of the leader's stream, which began earlier.
#[test]
fn on_the_heard_beat_all_play_at_the_same_moment() {
    let _one = alone();
    let song = song::demo(48_000);
    let mut hosts = band(PAIRS[1]);
    let drums = SEND[0].1;
    hosts[1].set("Send", drums);
    hosts[0].activate(song.rate, BLOCK, false);
    let pause = |_| thread::sleep(Duration::from_secs_f64(BLOCK as f64 / song.rate / 2.0));
    let earlier = blocks(&song, 0.83);
    together(&mut hosts[..1], &song, 0..earlier, 0, |_| At::STOPPED, pause);
    hosts[1].activate(song.rate, BLOCK, false);
    let sent = together(&mut hosts, &song, earlier..blocks(&song, 20.0), 0, |_| At::STOPPED, pause);
    let [led, followed] = [0, 1].map(|i| ons(&sent[i]));
    assert!(led.len() > 30 && followed.len() > 30, "{} and {} notes", led.len(), followed.len());
    let met = followed.iter().filter(|n| led.iter().any(|l| l.2 == n.2 && l.0.abs_diff(n.0) <= 48)).count();
    println!("{met} of {} notes within 1 ms of the leader's {}", followed.len(), led.len());
    assert!(met * 10 >= followed.len() * 8, "{met} of {}", followed.len());
}

/// Waits until `seat`, in the test's own library, sees so many members; meanwhile the instances run.
fn until_members(seat: &Seat, members: usize, hosts: &mut [Box<dyn Host>]) {
    let begun = Instant::now();
    while seat.look().members != members {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} members", seat.look().members);
        for host in hosts.iter_mut() {
            let silence = vec![vec![0.0; BLOCK]; 2];
            host.process(&silence, &mut silence.clone(), &At::STOPPED);
        }
        thread::sleep(Duration::from_millis(5));
        seat.exchange(false);
    }
}

#[test]
fn what_others_left_in_the_folder_does_no_harm() {
    let _one = alone();
    let song = song::demo(48_000);
    // What a dead process with this one's number left, half of it damaged.
    let folder = link::folder();
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(false);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).unwrap();
    for (what, text) in [("here", ""), ("band", "[]"), ("a.plan", "{"), ("a.picture", "")] {
        std::fs::write(folder.join(format!("00000000000000aa-0.{what}")), text).unwrap();
    }
    // And a library that lives, and cannot be understood.
    let strange = folder.join("00000000000000bb-0.here");
    let lock = std::fs::File::create(&strange).unwrap();
    lock.lock().unwrap();
    std::fs::write(folder.join("00000000000000bb-0.band"), [7; 999]).unwrap();

    // Formats come and go; a third library, the test's own, sees them.
    let seat = Seat::take(Link::A, Moment::now(), &Arc::default()).unwrap();
    let mut hosts = band(PAIRS[1]);
    activate(&mut hosts, &song, false);
    until_members(&seat, 3, &mut hosts);
    hosts.pop();
    until_members(&seat, 2, &mut hosts);
    hosts.push(load(Format::Vst3));
    hosts[1].set("Link", GROUP_A);
    hosts[1].activate(song.rate, BLOCK, false);
    until_members(&seat, 3, &mut hosts);
    drop(hosts);
    until_members(&seat, 1, &mut []);
    assert!(!folder.join("00000000000000aa-0.a.plan").exists(), "what the dead left is removed");
    drop((seat, lock));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn where_the_folder_cannot_be_made_each_format_plays_for_itself() {
    let _one = alone();
    let song = song::demo(48_000);
    std::fs::write(link::folder(), "a file where the folder should be").unwrap();
    let mut hosts = vec![load(Format::Clap), load(Format::Clap), load(Format::Vst3)];
    for (host, send) in hosts.iter_mut().zip([SEND[0].1, SEND[1].1, SEND[1].1]) {
        host.set("Link", GROUP_A);
        host.set("Send", send);
    }
    activate(&mut hosts, &song, true);
    let rolling = |beat| At::playing(beat, song.tempo);
    let sent = together(&mut hosts, &song, 0..blocks(&song, 12.0), 0, rolling, |_| {});
    let counts = [0, 1, 2].map(|i| ons(&sent[i]).len());
    assert!(counts[0] > 10 && counts[1] > 5 && counts[2] == 0, "{counts:?}");
    drop(hosts);
    std::fs::remove_file(link::folder()).unwrap();
}
