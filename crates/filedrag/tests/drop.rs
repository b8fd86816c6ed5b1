//! A MIDI file is dragged onto another program's window, fetched by the protocol, and read.
//!
//! Runs on an X server of its own (Xvfb), in a process of its own; where there is no Xvfb it says so.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use backline_filedrag::{Outcome, Refused, drag};
use backline_files::MidiSong;
use backline_files::midi::{MidiNote, MidiTrack};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConnectionExt as _,
    CreateWindowAux, EventMask, MOTION_NOTIFY_EVENT, PropMode, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const CHILD: &str = "BACKLINE_TEST_DROP";
const PATIENCE: Duration = Duration::from_secs(20);

struct Screen(Child, String);

impl Screen {
    fn new() -> Option<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-noreset", "-screen", "0", "640x480x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut number = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut number).ok()?;
        Some(Self(server, format!(":{}", number.trim())))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

x11rb::atom_manager! {
    Atoms: AtomsCookie {
        XdndAware, XdndSelection, XdndEnter, XdndPosition, XdndStatus, XdndLeave, XdndDrop, XdndFinished,
        XdndActionCopy, URI_LIST: b"text/uri-list", GOT,
    }
}

/// A window at (300, 200) that takes files, and gives the list it was given.
fn target(connection: &RustConnection, root: u32, mapped: &std::sync::mpsc::Sender<()>) -> Option<String> {
    let atoms = Atoms::new(connection).unwrap().reply().unwrap();
    // The frame of a window manager, and the program's own window in it.
    let frame = window(connection, root, 300, 200);
    let inner = window(connection, frame, 10, 10);
    connection.change_property32(PropMode::REPLACE, inner, atoms.XdndAware, AtomEnum::ATOM, &[5]).unwrap();
    connection.map_window(inner).unwrap();
    connection.map_window(frame).unwrap();
    connection.sync().unwrap();
    mapped.send(()).unwrap();
    let say = |to: u32, what: u32, data: [u32; 5]| {
        let event = ClientMessageEvent::new(32, to, what, data);
        connection.send_event(false, to, EventMask::NO_EVENT, event).unwrap();
        connection.flush().unwrap();
    };
    let begun = Instant::now();
    let mut source = 0;
    while begun.elapsed() < PATIENCE {
        let Some(event) = connection.poll_for_event().unwrap() else {
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        match event {
            Event::ClientMessage(message) => {
                let data = message.data.as_data32();
                source = data[0];
                if message.type_ == atoms.XdndEnter {
                    assert_eq!(data[1] >> 24, 5);
                    assert!(data[2..].contains(&atoms.URI_LIST));
                } else if message.type_ == atoms.XdndPosition {
                    say(source, atoms.XdndStatus, [inner, 1, 0, 0, atoms.XdndActionCopy]);
                } else if message.type_ == atoms.XdndDrop {
                    connection
                        .convert_selection(inner, atoms.XdndSelection, atoms.URI_LIST, atoms.GOT, data[2])
                        .unwrap();
                    connection.flush().unwrap();
                }
            }
            Event::SelectionNotify(notice) => {
                assert_eq!(notice.property, atoms.GOT, "the list is given");
                let got = connection.get_property(true, inner, atoms.GOT, AtomEnum::ANY, 0, 10_000).unwrap();
                let list = String::from_utf8(got.reply().unwrap().value).unwrap();
                say(source, atoms.XdndFinished, [inner, 1, atoms.XdndActionCopy, 0, 0]);
                // A connection that is closed at once may take its last words with it.
                connection.sync().unwrap();
                return Some(list);
            }
            _ => {}
        }
    }
    None
}

fn window(connection: &RustConnection, parent: u32, x: i16, y: i16) -> u32 {
    let id = connection.generate_id().unwrap();
    let aux = CreateWindowAux::new().override_redirect(1);
    connection.create_window(0, id, parent, x, y, 150, 100, 0, WindowClass::INPUT_OUTPUT, 0, &aux).unwrap();
    id
}

/// The hand.
struct Hand(RustConnection, u32);

impl Hand {
    fn new() -> Self {
        let (connection, screen) = x11rb::connect(None).unwrap();
        let root = connection.setup().roots[screen].root;
        Self(connection, root)
    }

    fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) {
        self.0.xtest_fake_input(kind, detail, 0, self.1, x, y, 0).unwrap();
        self.0.sync().unwrap();
    }

    fn go(&self, x: i16, y: i16) {
        self.fake(MOTION_NOTIFY_EVENT, 0, x, y);
        thread::sleep(Duration::from_millis(30));
    }

    fn press(&self) {
        self.fake(BUTTON_PRESS_EVENT, 1, 0, 0);
    }

    fn release(&self) {
        self.fake(BUTTON_RELEASE_EVENT, 1, 0, 0);
    }
}

fn clip(folder: &Path) -> (PathBuf, MidiSong) {
    let note = MidiNote { tick: 960, key: 45, length: 480, velocity: 90 };
    let song = MidiSong {
        name: "clip".into(),
        ppq: 960,
        tempo: vec![(0, 625_000)],
        tracks: vec![MidiTrack { name: "Bass".into(), channel: 1, program: None, notes: vec![note] }],
        ..MidiSong::default()
    };
    // A name that has to be escaped.
    let path = folder.join("Backline 17-20 F#m 96 % ü.mid");
    song.write(&path).unwrap();
    (path, song)
}

fn path_of(list: &str) -> PathBuf {
    let escaped = list.trim_end().strip_prefix("file://").expect("a file");
    let mut bytes = Vec::new();
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    PathBuf::from(String::from_utf8(bytes).unwrap())
}

#[test]
fn a_clip_is_dropped_on_another_program() {
    if std::env::var_os(CHILD).is_none() {
        let Some(screen) = Screen::new() else {
            println!("no Xvfb on this machine: nothing was dragged");
            return;
        };
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_clip_is_dropped_on_another_program", "--nocapture"])
            .env(CHILD, "1")
            .env("DISPLAY", &screen.1)
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, song) = clip(folder.path());
    let hand = Hand::new();
    hand.go(20, 20);
    assert_eq!(drag(&[&path]), Err(Refused::NotHeld));

    // Let go over nothing.
    hand.press();
    let dragging = thread::spawn({
        let path = path.clone();
        move || drag(&[&path])
    });
    hand.go(60, 60);
    hand.release();
    assert_eq!(dragging.join().unwrap(), Ok(Outcome::Cancelled));

    // Dropped on a window that takes files, past one that holds the pointer as a plug-in's window does.
    let (mapped, is_mapped) = std::sync::mpsc::channel();
    let receiving = thread::spawn(move || {
        let (connection, screen) = x11rb::connect(None).unwrap();
        let root = connection.setup().roots[screen].root;
        target(&connection, root, &mapped)
    });
    is_mapped.recv_timeout(PATIENCE).unwrap();
    let own = window(&hand.0, hand.1, 0, 0);
    let listen = x11rb::protocol::xproto::ChangeWindowAttributesAux::new()
        .event_mask(EventMask::BUTTON_PRESS | EventMask::BUTTON_RELEASE);
    hand.0.change_window_attributes(own, &listen).unwrap();
    hand.0.map_window(own).unwrap();
    hand.go(20, 20);
    hand.press();
    let dragging = thread::spawn(move || drag(&[&path]));
    for step in 0..=20 {
        hand.go(20 + 17 * step, 20 + 12 * step);
    }
    thread::sleep(Duration::from_millis(300));
    hand.release();
    assert_eq!(dragging.join().unwrap(), Ok(Outcome::Dropped));
    let list = receiving.join().unwrap().expect("the list came");
    let received = MidiSong::parse(&std::fs::read(path_of(&list)).unwrap()).unwrap();
    assert_eq!(received.tracks, song.tracks);
    assert_eq!(received.tempo, song.tempo);
}
