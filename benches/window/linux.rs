//! What the open window costs: the processor time of its own threads, in a real CLAP host on a virtual screen.
//!
//! Graphics are Mesa's software there, whose threads count too. What is measured is time on the processor, so a busy
//! machine changes little.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use backline_synth::demo::DEMO;
use backline_testhost::{At, Clap, Host, plugin_library};
use backline_testscreen::on_a_screen;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::present::{ConnectionExt as _, EventMask};
use x11rb::protocol::xproto::{ConnectionExt as _, CreateWindowAux, Window, WindowClass};

const RATE: u32 = 48_000;
const BLOCK: usize = 480;
/// How long is measured.
const TIME: Duration = Duration::from_secs(20);
/// Until the lanes are full.
const LEAD_IN_S: f64 = 24.0;

/// The threads of this process.
fn threads() -> BTreeSet<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux tells");
    tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// What a thread is called, and the processor time that it took, in seconds; nothing once it has ended.
fn took(thread: u32) -> Option<(String, f64)> {
    let text = |what: &str| std::fs::read_to_string(format!("/proc/self/task/{thread}/{what}")).ok();
    let nanoseconds: u64 = text("schedstat")?.split_whitespace().next()?.parse().ok()?;
    Some((text("comm")?.trim().to_owned(), nanoseconds as f64 / 1e9))
}

/// The plug-in's window inside the host's.
fn inside(connection: &impl Connection, window: Window) -> Window {
    let tree = connection.query_tree(window).expect("the server tells").reply().expect("the window is there");
    tree.children.first().copied().expect("the plug-in has opened a window")
}

/// A host that plays the demo song, round and round, or stands still.
struct Stage {
    host: Clap,
    song: [Vec<f32>; 2],
    tempo: f64,
    beat0: f64,
    sample: usize,
}

impl Stage {
    fn new() -> Self {
        let song = DEMO.render(RATE);
        let mut host = Clap::new(&plugin_library());
        host.activate(f64::from(RATE), BLOCK, false);
        let beat0 = -song.downbeats[0] * song.tempo_bpm / 60.0;
        let tempo = song.tempo_bpm;
        Self { host, song: [song.audio.left, song.audio.right], tempo, beat0, sample: 0 }
    }

    fn block(&mut self, plays: bool) {
        let (mut input, mut place) = (vec![vec![0.0; BLOCK]; 2], At::STOPPED);
        if plays {
            for (to, from) in input.iter_mut().zip(&self.song) {
                to.iter_mut().enumerate().for_each(|(i, to)| *to = from[(self.sample + i) % from.len()]);
            }
            let beat = self.beat0 + self.sample as f64 / f64::from(RATE) * self.tempo / 60.0;
            place = At::playing(beat, self.tempo);
            self.sample += BLOCK;
        }
        self.host.process(&input, &mut [vec![0.0; BLOCK], vec![0.0; BLOCK]], &place);
        self.host.idle();
    }

    /// Plays at the pace of real time; `between` is called after each block.
    fn for_time(&mut self, time: Duration, plays: bool, mut between: impl FnMut()) {
        let begun = Instant::now();
        let mut due = begun;
        while due < begun + time {
            self.block(plays);
            between();
            due += Duration::from_secs_f64(BLOCK as f64 / f64::from(RATE));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}

/// Prints what the window costs while the band plays, and at rest.
pub fn measure() {
    let named: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let other = !named.is_empty() && !named.iter().any(|name| "window".contains(name.as_str()));
    if other || !on_a_screen("window", 1280, 900) {
        return;
    }
    let mut stage = Stage::new();
    let (connection, screen) = x11rb::connect(None).expect("there is a screen");
    let root = connection.setup().roots[screen].root;
    let window = connection.generate_id().expect("the server has room");
    let aux = CreateWindowAux::new();
    connection
        .create_window(0, window, root, 0, 0, 1120, 700, 0, WindowClass::INPUT_OUTPUT, 0, &aux)
        .and_then(|_| connection.map_window(window))
        .and_then(|_| connection.flush())
        .expect("a window can be made");
    let before = threads();
    stage.host.open_window(window);
    stage.for_time(Duration::from_secs(1), false, || {});
    let own: Vec<u32> = threads().difference(&before).copied().collect();
    let inner = inside(&connection, window);
    let event = connection.generate_id().expect("the server has room");
    // The framework asks the server for each frame when it may be painted; the answers are counted.
    connection
        .present_select_input(event, inner, EventMask::COMPLETE_NOTIFY)
        .and_then(|_| connection.flush())
        .expect("the server tells");
    while (stage.sample as f64) < LEAD_IN_S * f64::from(RATE) {
        stage.block(true);
        std::thread::sleep(Duration::from_millis(2));
    }
    for (what, plays) in [("the band plays", true), ("at rest", false)] {
        // Until what went on before has died away.
        stage.for_time(Duration::from_secs(if plays { 1 } else { 20 }), plays, || {});
        while let Ok(Some(_)) = connection.poll_for_event() {}
        let mut frames = 0u32;
        let then: Vec<_> = own.iter().map(|thread| took(*thread)).collect();
        stage.for_time(TIME, plays, || {
            while let Ok(Some(event)) = connection.poll_for_event() {
                frames += u32::from(matches!(event, Event::PresentCompleteNotify(_)));
            }
        });
        let seconds = TIME.as_secs_f64();
        let mut whole = 0.0;
        println!("window, {what}: {:.1} frames a second", f64::from(frames) / seconds);
        for (thread, then) in own.iter().zip(then) {
            let (Some((name, now)), Some((_, then))) = (took(*thread), then) else { continue };
            let share = (now - then) / seconds * 100.0;
            whole += share;
            if share < 0.05 {
                continue;
            }
            println!("  {name:16} {share:5.1} % of a core");
        }
        println!("  {:16} {whole:5.1} % of a core", "together");
        if frames > 0 {
            let frame_ms = whole / 100.0 * seconds * 1e3 / f64::from(frames);
            println!("  {frame_ms:.2} ms a frame: {:.1} % of a core at 30 frames a second", frame_ms * 3.0);
        }
    }
    stage.host.close_window();
}
