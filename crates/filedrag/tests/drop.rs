//! A MIDI file is dragged onto another program's window, fetched by the protocol, and read; and the other way round.
//!
//! Runs on an X server of its own (Xvfb), in a process of its own; where there is no Xvfb it says so.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use backline_filedrag::{Outcome, Refused, Visit, catch, drag};
use backline_files::MidiSong;
use backline_files::midi::{MidiNote, MidiTrack};
use backline_testscreen::on_a_screen;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConnectionExt as _,
    CreateWindowAux, EventMask, MOTION_NOTIFY_EVENT, PropMode, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// Names the file that a process of its own is to drag.
const SOURCE: &str = "BACKLINE_TEST_DRAG";
const PATIENCE: Duration = Duration::from_secs(20);

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
    if !on_a_screen("a_clip_is_dropped_on_another_program", 640, 480) {
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

#[test]
fn a_file_of_another_program_is_dropped_on_a_window_of_ours() {
    const NAME: &str = "a_file_of_another_program_is_dropped_on_a_window_of_ours";
    if !on_a_screen(NAME, 640, 480) {
        return;
    }
    if let Some(file) = std::env::var_os(SOURCE) {
        // The other program.
        assert_eq!(drag(&[Path::new(&file)]), Ok(Outcome::Dropped));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = clip(folder.path());
    let hand = Hand::new();
    // Our window lies in a host's, and says by itself that it takes drops, as the framework's does.
    let host = window(&hand.0, hand.1, 300, 200);
    let own = window(&hand.0, host, 10, 10);
    let atoms = Atoms::new(&hand.0).unwrap().reply().unwrap();
    hand.0.change_property32(PropMode::REPLACE, own, atoms.XdndAware, AtomEnum::ATOM, &[5]).unwrap();
    hand.0.map_window(own).unwrap();
    hand.0.map_window(host).unwrap();
    hand.0.sync().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let catcher = catch(own, move |visit| {
        let _ = tell.send(visit);
    })
    .unwrap();

    let other = |hand: &Hand| {
        hand.go(20, 20);
        hand.press();
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(SOURCE, &path)
            .spawn()
            .unwrap()
    };
    let mut program = other(&hand);
    // Over it, away, and over it again; every move is answered before the next.
    let begun = Instant::now();
    let await_visit = |x: i16, y: i16| loop {
        hand.go(x, y);
        hand.go(x + 1, y);
        if let Ok(visit) = told.recv_timeout(Duration::from_millis(50)) {
            return visit;
        }
        assert!(begun.elapsed() < PATIENCE);
    };
    assert_eq!(await_visit(380, 250), Visit::Over);
    assert_eq!(await_visit(20, 20), Visit::Left);
    assert_eq!(await_visit(380, 250), Visit::Over);
    hand.go(390, 255);
    thread::sleep(Duration::from_millis(200));
    hand.release();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Visit::Dropped(vec![path.clone()]));
    assert!(program.wait().unwrap().success(), "the other program is told that it was taken");

    // What this program drags is not for itself.
    hand.go(20, 20);
    hand.press();
    let dragging = thread::spawn({
        let path = path.clone();
        move || drag(&[&path])
    });
    for step in 0..=18 {
        hand.go(20 + 20 * step, 20 + 13 * step);
    }
    hand.release();
    assert_eq!(dragging.join().unwrap(), Ok(Outcome::Cancelled));
    assert!(told.try_recv().is_err());

    // Without the catcher the window is as it was.
    drop(catcher);
    let gone = hand.0.get_property(
        false,
        own,
        hand.0.intern_atom(false, b"XdndProxy").unwrap().reply().unwrap().atom,
        AtomEnum::ANY,
        0,
        1,
    );
    assert_eq!(gone.unwrap().reply().unwrap().value_len, 0);
}
