//! Files go between the real window and other programs: what is dropped on it is heard there, and what it tells is set
//! by a click; what the band has played is dropped on a GTK program, which reads a file that starts on its bar.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use backline::editor::layout::USUAL_SIZE;
use backline::editor::moment::{State, Status};
use backline::editor::scene::{ClipsView, Desk, Intake, Scene};
use backline::editor::theme::{DARK, Theme};
use backline::intake;
use backline::params::BacklineParams;
use backline::snapshot::Snapshot;
use backline::state::StateV1;
use backline_engine::Edits;
use backline_engine::folders::{CLIPS_VARIABLE, TASTE_VARIABLE};
use backline_filedrag::{Outcome, drag};
use backline_files::MidiSong;
use backline_files::wav::{Depth, write_wav};
use backline_music::{ChordPin, Corrections, Key, Mode, PitchClass};
use backline_testhost::{At, Host};
use backline_testscreen::{on_a_screen, on_a_screen_with};
use egui::{Pos2, RawInput, Rect, pos2, vec2};
use nice_plug::prelude::PluginState;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, MOTION_NOTIFY_EVENT};

use crate::window::{hand, look, parent};
use crate::{bundle, song};

/// Names the file that a program of its own is to drag.
const SOURCE: &str = "BACKLINE_TEST_DROP";
const TEST: &str = "dropped::files_are_heard_where_they_are_dropped";
const PATIENCE: Duration = Duration::from_secs(60);
/// Beside the window.
const OUTSIDE: (f32, f32) = (1200.0, 850.0);
const GTK_TEST: &str = "dropped::a_clip_is_dropped_on_a_gtk_program";
const BUTTON: &str = "Set its chords from bar 1";

fn files(folder: &Path) -> [PathBuf; 2] {
    let midi = folder.join("four chords.mid");
    let song = MidiSong {
        name: "four chords".into(),
        ppq: 480,
        tempo: vec![(0, 600_000)],
        keys: vec![(0, Key::new(PitchClass::A, Mode::Minor))],
        metres: vec![(0, backline_music::Metre::FOUR_FOUR)],
        markers: [(0, "Am"), (1, "F"), (2, "C"), (3, "G")].map(|(i, name)| (i * 1_920, name.into())).to_vec(),
        tracks: Vec::new(),
        end: 4 * 1_920,
    };
    song.write(&midi).unwrap();
    let wav = folder.join("demo.wav");
    let song = song::demo(44_100);
    let frames = (20.0 * song.rate) as usize;
    write_wav(&wav, 44_100, Depth::Bits16, &[&song.audio[0][..frames], &song.audio[1][..frames]]).unwrap();
    [midi, wav]
}

/// Where something is in a window that shows nothing but `intake`, by its name or by what a screen reader calls it:
/// laid out here as there.
fn place(name: &str, intake: &Intake) -> Pos2 {
    let params = BacklineParams::default();
    let (values, snapshot) = (params.values(), Snapshot::default());
    let status = Status { listen: true, tempo_bpm: 120.0, ..Status::default() };
    let scene = Scene {
        params: &params,
        values: &values,
        snapshot: &snapshot,
        status: &status,
        state: State::of(&snapshot, &status),
        corrections: &Corrections::default(),
        edits: &Edits::default(),
        look: backline::state::Look::default(),
        theme: Theme::of(false),
        steps: (None, None),
        slot_b: false,
        preset: ("", false),
        presets: &[],
        clips: &ClipsView::default(),
        intake,
        file_over: false,
        notices: &[],
    };
    let ctx = egui::Context::default();
    ctx.set_visuals_of(egui::Theme::Dark, DARK.visuals());
    ctx.enable_accesskit();
    let mut desk = Desk { placed: Some(Vec::new()), ..Desk::default() };
    let mut bounds = None;
    for _ in 0..3 {
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, USUAL_SIZE));
        let mut output = ctx.run_ui(RawInput { screen_rect, ..RawInput::default() }, |ui| {
            backline::editor::paint(ui, &scene, &mut desk, &mut Vec::new());
        });
        output.textures_delta.clear();
        let update = output.platform_output.accesskit_update.unwrap();
        let node = update.nodes.iter().find(|(_, node)| node.label() == Some(name));
        let spoken = node.and_then(|(_, node)| node.bounds());
        let spoken = spoken
            .map(|at| Rect::from_min_max(pos2(at.x0 as f32, at.y0 as f32), pos2(at.x1 as f32, at.y1 as f32)));
        let placed = desk.placed.iter().flatten().find(|(placed, _)| placed == name).map(|(_, at)| *at);
        bounds = placed.or(spoken);
    }
    bounds.unwrap_or_else(|| panic!("{name} is there")).center()
}

/// What the plug-in would save with the project now.
fn saved(host: &mut dyn Host) -> Corrections {
    let state: PluginState = serde_json::from_slice(&host.save()[8..]).unwrap();
    let ours: StateV1 = serde_json::from_str(&state.fields["backline"]).unwrap();
    ours.corrections
}

fn rest(host: &mut dyn Host, millis: u64) {
    for _ in 0..millis / 10 {
        host.process(&[vec![0.0; 256], vec![0.0; 256]], &mut [vec![0.0; 256], vec![0.0; 256]], &At::STOPPED);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Drags a file out of another program and lets it go in the middle of the window.
fn drop_in(connection: &impl Connection, host: &mut dyn Host, file: &Path) {
    hand(connection, MOTION_NOTIFY_EVENT, 0, OUTSIDE.0, OUTSIDE.1);
    hand(connection, BUTTON_PRESS_EVENT, 1, 0.0, 0.0);
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(SOURCE, file)
        .spawn()
        .unwrap();
    // Moved to and fro over the window until it shows that it would take the file.
    let begun = Instant::now();
    let frame = |picture: &[[u8; 3]]| {
        let amber = DARK.accent.to_array();
        picture.iter().take(1_120 * 6).filter(|p| p[..] == amber[..3]).count() > 1_120
    };
    let mut step = 0.0;
    while !frame(&look(connection, connection.setup().roots[0].root, "drop")) {
        assert!(begun.elapsed() < PATIENCE, "the window shows that it takes files");
        step += 1.0;
        hand(connection, MOTION_NOTIFY_EVENT, 0, 560.0 + step % 40.0, 400.0);
        rest(host, 50);
    }
    hand(connection, BUTTON_RELEASE_EVENT, 1, 0.0, 0.0);
    assert!(program.wait().unwrap().success(), "the other program is told that its file was taken");
}

#[test]
fn files_are_heard_where_they_are_dropped() {
    if !on_a_screen(TEST, 1280, 900) {
        return;
    }
    if let Some(file) = std::env::var_os(SOURCE) {
        // The other program. It begins before its button is seen to be held, at times.
        let dropped = drag(&[Path::new(&file)]);
        assert_eq!(dropped, Ok(Outcome::Dropped));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for file in files(folder.path()) {
        let taken = intake::take(&file, &mut |_| {}).unwrap();
        assert!(taken.chords.len() >= 3, "{taken:?}");
        let at = place(BUTTON, &Intake::Done(taken.clone()));
        let mut host = bundle::load_clap();
        host.activate(48_000.0, 256, false);
        let (connection, window) = parent();
        host.open_window(window);
        rest(&mut host, 400);
        assert_eq!(saved(&mut host), Corrections::default());
        drop_in(&connection, &mut host, &file);
        // The chords' own colour tells that the card has them: greener than anything else there.
        let begun = Instant::now();
        loop {
            let picture = look(&connection, window, "dropped");
            let near = Rect::from_min_max(at - vec2(80.0, 80.0), at + vec2(280.0, 0.0));
            let green = picture.iter().enumerate().filter(|(i, [red, green, blue])| {
                let there = near.contains(pos2((i % 1_120) as f32, (i / 1_120) as f32));
                there && i16::from(*green) > i16::from(*red.max(blue)) + 25
            });
            if green.count() > 10 {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "the card tells the chords of {}", taken.name);
            rest(&mut host, 100);
        }
        hand(&connection, MOTION_NOTIFY_EVENT, 0, at.x, at.y);
        rest(&mut host, 100);
        hand(&connection, BUTTON_PRESS_EVENT, 1, 0.0, 0.0);
        rest(&mut host, 100);
        hand(&connection, BUTTON_RELEASE_EVENT, 1, 0.0, 0.0);
        let mut expected = Corrections::default();
        for chord in &taken.chords {
            expected.pin(ChordPin {
                start_beat: chord.start_beat,
                length_beats: chord.length_beats,
                chord: chord.chord,
                on_heard_beat: false,
            });
        }
        let begun = Instant::now();
        while saved(&mut host) != expected && begun.elapsed() < PATIENCE {
            rest(&mut host, 50);
        }
        assert_eq!(saved(&mut host), expected, "what is heard here is set there: {}", taken.name);
        host.close_window();
    }
}

/// Debian's Python, which has GTK where the tests' packages are installed.
const PYTHON: &str = "/usr/bin/python3";

/// Takes the card of the last four bars to a place on the screen, the other program's window for one, and lets go.
fn drag_the_first_card(connection: &impl Connection, (to_x, to_y): (f32, f32)) {
    let pause = |millis| std::thread::sleep(Duration::from_millis(millis));
    let card = place("[Last 4 bars]", &Intake::Nothing);
    hand(connection, MOTION_NOTIFY_EVENT, 0, card.x, card.y);
    pause(100);
    hand(connection, BUTTON_PRESS_EVENT, 1, 0.0, 0.0);
    for step in 1..=40 {
        let along = |from: f32, to: f32| from + (to - from) * step as f32 / 40.0;
        hand(connection, MOTION_NOTIFY_EVENT, 0, along(card.x, to_x), along(card.y, to_y));
        pause(30);
    }
    // The file is written before it is dragged; the hand waits over the other window meanwhile.
    for step in 0..40 {
        hand(connection, MOTION_NOTIFY_EVENT, 0, to_x + (step % 2) as f32, to_y);
        pause(30);
    }
    hand(connection, BUTTON_RELEASE_EVENT, 1, 0.0, 0.0);
}

#[test]
fn a_clip_is_dropped_on_a_gtk_program() {
    let has_gtk = || {
        let script = "import gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk";
        let asked = Command::new(PYTHON).args(["-c", script]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    if !has_gtk() {
        println!("no Python with GTK on this machine: nothing was dropped on it");
        return;
    }
    // Of the process that begins; the one that has the screen is told of it.
    let clips = tempfile::tempdir().unwrap();
    // A clip that is dragged out is a judgement, too, and must not change what the other tests hear.
    let taste = clips.path().join("taste.json");
    let own = [(CLIPS_VARIABLE, clips.path().as_os_str()), (TASTE_VARIABLE, taste.as_os_str())];
    if !on_a_screen_with(GTK_TEST, 1280, 900, &own) {
        return;
    }
    let song = song::demo(48_000);
    let mut host = bundle::load_clap();
    host.activate(song.rate, 480, false);
    let (connection, window) = parent();
    host.open_window(window);
    // At the pace of real time: of a render no clips are kept.
    for at in (0..(24.0 * song.rate) as usize).step_by(480) {
        let input: Vec<Vec<f32>> = song.audio.iter().map(|c| c[at..at + 480].to_vec()).collect();
        let place = At::playing(song.beat(at as f64), song.tempo);
        host.process(&input, &mut [vec![0.0; 480], vec![0.0; 480]], &place);
        std::thread::sleep(Duration::from_millis(10));
    }
    // From here on the host stands still between two blocks: a stopped one would follow the heard beat.
    std::thread::sleep(Duration::from_secs(2));
    // Let go where nobody takes it: the clip is written, and nobody is told that it is liked.
    drag_the_first_card(&connection, (1_200.0, 400.0));
    drag_the_first_card(&connection, (560.0, 400.0));
    std::thread::sleep(Duration::from_secs(1));
    let taste = PathBuf::from(std::env::var_os(TASTE_VARIABLE).unwrap());
    let clips = PathBuf::from(std::env::var_os(CLIPS_VARIABLE).unwrap());
    let written = std::fs::read_dir(&clips).map_or(0, Iterator::count);
    assert!(written > 0, "the clip was dragged");
    assert!(!taste.exists(), "what is let go is not liked");
    let mut program = Command::new(PYTHON)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts/gtk_target.py"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut says = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(says.next().as_deref(), Some("ready"));
    // A window that is late on a busy computer may miss the hand: it tries again.
    let mut given = None;
    for _ in 0..5 {
        drag_the_first_card(&connection, (1_200.0, 400.0));
        let word = says.next().expect("GTK goes on");
        if word.starts_with("given") {
            given = Some(word);
            break;
        }
    }
    if given.is_none() {
        program.kill().unwrap();
    }
    let ended = program.wait().unwrap();
    let given = given.expect("GTK was given a file");
    assert!(ended.success());
    let begun = Instant::now();
    while !taste.exists() && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(taste.exists(), "what was taken is liked");
    host.close_window();
    let path = intake::path_of(given.strip_prefix("given ").expect("a file"));
    assert_eq!(path.parent().unwrap(), Path::new(&std::env::var_os(CLIPS_VARIABLE).unwrap()));
    let clip = MidiSong::parse(&std::fs::read(&path).unwrap()).unwrap();
    let us_a_quarter = (60.0e6 / song.tempo).round() as u32;
    assert_eq!((clip.tempo[0], clip.metres[0].0), ((0, us_a_quarter), 0));
    let bar = u32::from(clip.ppq) * 4;
    let ticks: Vec<u32> = clip.tracks.iter().flat_map(|track| &track.notes).map(|note| note.tick).collect();
    let (first, last) = (ticks.iter().min().unwrap(), ticks.iter().max().unwrap());
    assert!(*first < bar / 16, "it starts with its first bar, and not at {first}");
    // On a busy computer fewer bars were played, or the hand was at the next card when the window saw it press.
    assert!((bar..8 * bar).contains(last), "up to eight bars, and the last note at {last}");
}
