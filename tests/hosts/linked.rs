//! Instances of one group in one process play as one band, each its own part.

use backline_music::Part;
use backline_testhost::{At, Clap, Host, Note, Run};

use crate::bundle;
use crate::song::{self, Song};

/// Group A, drums and bass, as the host's automation sees them.
const GROUP_A: f64 = 0.25;
const SEND: [(Part, f64); 2] = [(Part::Drums, 1.0 / 3.0), (Part::Bass, 1.0)];
const BLOCK: usize = 512;

/// Plays the song in step through one instance that hears it and others that hear nothing, `between` after each
/// block; what each sent.
fn together(
    hosts: &mut [Clap],
    song: &Song,
    samples: usize,
    offline: bool,
    mut between: impl FnMut(usize),
) -> Vec<Vec<(u64, u8, u8)>> {
    let mut sent: Vec<Vec<(u64, Note)>> = vec![Vec::new(); hosts.len()];
    for host in hosts.iter_mut() {
        host.activate(song.rate, BLOCK, offline);
    }
    for from in (0..samples).step_by(BLOCK) {
        let at = At::playing(song.beat(from as f64), song.tempo);
        for (i, host) in hosts.iter_mut().enumerate() {
            let input: Vec<Vec<f32>> = match i {
                0 => song.audio.iter().map(|c| c[from..from + BLOCK].to_vec()).collect(),
                _ => vec![vec![0.0; BLOCK]; 2],
            };
            let mut output = vec![vec![0.0; BLOCK]; 2];
            let notes = host.process(&input, &mut output, &at);
            assert!(input == output, "the audio of each passes");
            sent[i].extend(notes.into_iter().map(|note| (from as u64 + u64::from(note.offset), note)));
        }
        between(from);
    }
    let ons = |notes: Vec<(u64, Note)>| {
        let ons = notes.into_iter().filter(|(_, n)| n.velocity.is_some());
        let mut ons: Vec<_> = ons.map(|(at, n)| (at, n.channel, n.key)).collect();
        ons.sort_unstable();
        ons
    };
    sent.into_iter().map(ons).collect()
}

fn of(ons: &[(u64, u8, u8)], part: Part) -> Vec<(u64, u8, u8)> {
    ons.iter().filter(|n| n.1 == part.default_channel()).copied().collect()
}

#[test]
fn one_hears_and_each_sends_its_part_of_one_plan() {
    let song = song::demo(48_000);
    let samples = (26.0 * song.rate) as usize / BLOCK * BLOCK;
    let mut alone = [bundle::load_clap()];
    let whole = together(&mut alone, &song, samples, true, |_| {}).remove(0);
    drop(alone);

    let mut band = [bundle::load_clap(), bundle::load_clap()];
    for (host, (_, send)) in band.iter_mut().zip(SEND) {
        host.set("Link", GROUP_A);
        host.set("Send", send);
    }
    // Knobs of an instance that follows do not turn the band.
    band[1].set("Energy", 1.0);
    let sent = together(&mut band, &song, samples, true, |_| {});
    for (i, (part, _)) in SEND.into_iter().enumerate() {
        let plan = of(&whole, part);
        assert!(plan.len() > 20, "{part}: {} notes", plan.len());
        assert_eq!(sent[i], plan, "{part}: what the band plays as one instance");
    }

    // The one that hears goes; the other goes on alone, and hears for itself.
    let [leader, mut follower] = band;
    drop(leader);
    let silence = vec![vec![0.0; BLOCK]; 2];
    let still = follower.process(&silence, &mut silence.clone(), &At::STOPPED);
    assert!(still.iter().all(|note| note.velocity.is_none()), "what sounds is let go");
    let mut run = Run::new(&mut follower);
    let mut at = samples;
    for _ in 0..200 {
        run.block(&silence, &At::playing(song.beat(at as f64), song.tempo));
        at += BLOCK;
    }
    run.straight(&song.audio, 0..samples, song.rate, song.beat0, song.tempo, || BLOCK);
    let own = run.ons();
    run.stop(2);
    let bass = Part::Bass.default_channel();
    assert!(
        own.iter().filter(|n| n.0 > 200 * BLOCK as u64 && n.1 == bass).count() > 20,
        "{} notes",
        own.len()
    );
    assert!(own.iter().all(|n| n.1 == bass));
}

#[test]
fn an_instance_that_is_not_linked_hears_nothing_of_the_others() {
    let song = song::demo(48_000);
    let samples = (12.0 * song.rate) as usize / BLOCK * BLOCK;
    let mut hosts = [bundle::load_clap(), bundle::load_clap(), bundle::load_clap()];
    hosts[0].set("Link", 2.0 * GROUP_A);
    hosts[1].set("Link", 3.0 * GROUP_A);
    let sent = together(&mut hosts, &song, samples, true, |_| {});
    assert!(sent[0].len() > 20);
    assert_eq!((sent[1].len(), sent[2].len()), (0, 0), "another group, and none");
}

#[test]
fn a_band_of_instances_plays_live() {
    let song = song::demo(48_000);
    let samples = song.audio[0].len() / BLOCK * BLOCK;
    let mut band = [bundle::load_clap(), bundle::load_clap()];
    for (host, (_, send)) in band.iter_mut().zip(SEND) {
        host.set("Link", 4.0 * GROUP_A);
        host.set("Send", send);
    }
    // Five times as fast as real time, and then in real time, for computers that have a lot to do.
    let second = std::time::Duration::from_secs(1);
    let sent = together(&mut band, &song, samples, false, |from| {
        let slow = from > samples / 2;
        std::thread::sleep(second.mul_f64(BLOCK as f64 / song.rate / if slow { 1.0 } else { 5.0 }));
    });
    for (sent, (part, _)) in sent.iter().zip(SEND) {
        assert!(!sent.is_empty() && of(sent, part).len() == sent.len(), "{part}: {} notes", sent.len());
    }
}
