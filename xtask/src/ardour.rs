//! The VST3 in Ardour, without a screen, on JACK: two tracks hear the demo song, and what they send is on the grid.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::run::{command, run, target};
use crate::setup::{Purpose, setup};

/// What Ardour is told to do.
const SESSION: &str = include_str!("ardour/session.lua");
/// Debian's Ardour keeps its helpers and its data here.
const LIBRARY: &str = "/usr/lib/ardour7";
const DATA: [(&str, &str); 3] = [
    ("ARDOUR_DLL_PATH", LIBRARY),
    ("ARDOUR_DATA_PATH", "/usr/share/ardour7"),
    ("ARDOUR_CONFIG_PATH", "/etc/ardour7"),
];
/// Frames of a sixteenth of the session: 100 beats a minute at 48,000 frames a second.
const SIXTEENTH: f64 = 48_000.0 * 60.0 / 100.0 / 4.0;
/// How far an onset may lie from the grid, in frames. Ardour tells beats in steps of 1/1,920, which are 15 frames.
const NEAR: f64 = 24.0;
/// Share of onsets that have to be on the grid: where the machine does not keep up, the dummy driver skips time.
const SHARE: f64 = 0.9;

/// A program that ends with this.
struct Running(Child);

impl Running {
    fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = fs::File::create(log)?;
        let started = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn();
        Ok(Self(
            started.with_context(|| format!("{} could not be started", command.get_program().display()))?,
        ))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds, plays half a minute, and compares.
///
/// # Errors
/// A program is missing or fails, or the notes are not where they belong.
pub fn ardour(yes: bool) -> Result<()> {
    setup(Purpose::Ardour, yes)?;
    run(command("cargo").args(["build", "--workspace"]))?;
    let folder = target().join("ardour");
    let _ = fs::remove_dir_all(&folder);
    let plugin = folder.join("home/.vst3/Backline.vst3");
    let library = plugin.join(format!("Contents/{}-linux", std::env::consts::ARCH));
    fs::create_dir_all(&library)?;
    fs::copy(target().join("debug/libbackline.so"), library.join("Backline.so"))?;
    fs::write(folder.join("session.lua"), SESSION)?;
    run(command(&target().join("debug/backline").to_string_lossy()).arg("demo").arg("-o").arg(&folder))?;

    // A JACK server of its own, and a home of its own: the user's are not touched.
    let ours = |program: &str| {
        let mut command = command(program);
        command.env("HOME", folder.join("home")).env("JACK_DEFAULT_SERVER", "backline");
        command.env("JACK_NO_AUDIO_RESERVATION", "1").env("BACKLINE_ARDOUR", &folder).current_dir(&folder);
        command
    };
    // What the scanner writes counts only when it is a whole second younger than the plug-in.
    std::thread::sleep(Duration::from_millis(1_500));
    let mut scan = ours(&format!("{LIBRARY}/ardour-vst3-scanner"));
    run(scan.envs(DATA).env("LD_LIBRARY_PATH", LIBRARY).args(["-f", "-q"]).arg(&plugin))?;
    let log = |name: &str| folder.join(name);
    let _jack = Running::start(
        ours("jackd").args(["-n", "backline", "-r", "-d", "dummy", "-r", "48000", "-p", "1024"]),
        &log("jack.log"),
    )?;
    std::thread::sleep(Duration::from_secs(1));
    let mut ardour = Running::start(ours("ardour7-lua").args(["-X", "session.lua"]), &log("ardour.log"))?;
    wait(Duration::from_secs(60), || folder.join("ready").exists())
        .context("Ardour made no session: see ardour.log")?;

    let mut listening = Vec::new();
    for (name, track) in [("drums", "Drums"), ("bass", "Bass")] {
        listening
            .push(Running::start(ours("jack_midi_dump").args(["-a", name]), &log(&format!("{name}.txt")))?);
        let connect = || {
            let ports = [format!("Ardour:{track}/midi_out 1"), format!("{name}:input")];
            ours("jack_connect").args(ports).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
        };
        wait(Duration::from_secs(10), connect)
            .with_context(|| format!("the track {track} has no MIDI output"))?;
    }
    let _player = Running::start(ours("jack-play").args(["-u", "demo.wav"]), &log("play.log"))?;
    for side in ["1", "2"] {
        for track in ["Drums", "Bass"] {
            let ports = [format!("jack-play:out_{side}"), format!("Ardour:{track}/audio_in {side}")];
            let connect = || {
                ours("jack_connect").args(&ports).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
            };
            wait(Duration::from_secs(10), connect).context("the song could not be played to Ardour")?;
        }
    }
    fs::write(folder.join("go"), "")?;
    wait(Duration::from_secs(90), || ardour.0.try_wait().is_ok_and(|ended| ended.is_some()))
        .context("Ardour did not end")?;
    drop(listening);

    for (name, channel) in [("drums", 9), ("bass", 1)] {
        let dump = fs::read_to_string(log(&format!("{name}.txt")))?;
        judge(name, channel, &dump)?;
    }
    Ok(())
}

/// Waits until `done`, at most so long.
fn wait(longest: Duration, mut done: impl FnMut() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !done() {
        ensure!(begun.elapsed() < longest, "nothing happened for {longest:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A line of jack_midi_dump, such as `203760: 99 24 63 note on  (channel  9): pitch  36, velocity  99`: frame,
/// status, key and velocity.
fn event(line: &str) -> Option<(f64, u8, u8, u8)> {
    let (frame, rest) = line.trim().split_once(':')?;
    let mut bytes = rest.split_whitespace().map_while(|word| u8::from_str_radix(word, 16).ok());
    Some((frame.parse().ok()?, bytes.next()?, bytes.next()?, bytes.next()?))
}

/// What sounds at the stop must have ended so many frames later, two of JACK's blocks: a later end is some later note's.
const RELEASED: f64 = 2_048.0;

/// Whether a track sent notes of its channel only, each with its end, at the sixteenths of one grid.
fn judge(name: &str, channel: u8, dump: &str) -> Result<()> {
    let events: Vec<_> = dump.lines().filter_map(event).collect();
    // When it stops, Ardour sends all-notes-off of its own on every channel. The song goes on, and Backline with it, on the beat that
    // it hears, until Ardour ends in the middle of a note.
    let stopped =
        events.iter().rev().find(|e| e.1 & 0xF0 == 0xB0 && e.2 == 123).map_or(f64::INFINITY, |e| e.0);
    let mut sounding = std::collections::BTreeSet::new();
    let mut onsets = Vec::new();
    let notes = events.into_iter().filter(|e| matches!(e.1 & 0xF0, 0x80 | 0x90));
    let counts = |e: &(f64, u8, u8, u8)| e.0 <= stopped || e.1 & 0xF0 == 0x80 && e.0 <= stopped + RELEASED;
    for (frame, status, key, velocity) in notes.filter(counts) {
        ensure!(status & 0x0F == channel, "{name}: a note on channel {}", (status & 0x0F) + 1);
        if status & 0xF0 == 0x90 && velocity > 0 {
            ensure!(sounding.insert(key), "{name}: key {key} struck twice");
            onsets.push(frame);
        } else {
            sounding.remove(&key);
        }
    }
    if onsets.len() < 20 {
        bail!("{name}: only {} notes came back: see the logs in target/ardour", onsets.len());
    }
    ensure!(sounding.is_empty(), "{name}: {sounding:?} hang after the stop");
    let off = |frame: f64, from: f64| {
        ((frame - from) / SIXTEENTH - ((frame - from) / SIXTEENTH).round()) * SIXTEENTH
    };
    let on_grid = |from: f64| onsets.iter().filter(|frame| off(**frame, from).abs() <= NEAR).count();
    let best = onsets.iter().map(|from| on_grid(*from)).max().unwrap_or(0);
    let share = best as f64 / onsets.len() as f64;
    println!(
        "{name}: {} notes, {:.0} % within {NEAR} frames of one sixteenth grid, none hangs",
        onsets.len(),
        share * 100.0
    );
    ensure!(share >= SHARE, "{name}: off the grid");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_are_read_and_judged() {
        assert_eq!(
            event(" 203760: 99 24 63 note on  (channel  9): pitch  36, velocity  99"),
            Some((203_760.0, 0x99, 0x24, 0x63))
        );
        assert_eq!(event("jack_midi_dump - JACK MIDI Monitor."), None);
        let line = |frame: u32, on: bool| format!("{frame}: {} 24 63 note\n", if on { "99" } else { "89" });
        let notes = |step: u32| {
            (0..24u32).map(|i| line(500 + i * step, true) + &line(600 + i * step, false)).collect::<String>()
        };
        assert!(judge("drums", 9, &notes(7_200)).is_ok());
        assert!(judge("drums", 9, &notes(7_000)).is_err(), "another tempo");
        assert!(judge("drums", 1, &notes(7_200)).is_err(), "another channel");
        assert!(judge("drums", 9, &(notes(7_200) + &line(400_000, true))).is_err(), "a note that hangs");
    }
}
