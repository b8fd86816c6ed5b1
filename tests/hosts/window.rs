//! The window opens and closes, again and again, while the host plays and automates.
//!
//! Each format runs in a process of its own, on an X server of its own (Xvfb), so that a fault shows as
//! such. Without Xvfb there is no screen to open a window on, and the test says so.

use backline_testhost::{At, Host, Run};

use crate::bundle;
use crate::random::resident_mib;
use crate::saved::with_field;

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use backline_testscreen::{on_a_screen, on_a_screen_with};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt as _, CreateWindowAux, WindowClass};

const CYCLES: usize = 50;
/// Cycles after which all is there that stays.
const WARM: usize = 10;
/// What the rest may add, in MiB: less than a megabyte a window. One that is not let go is its picture alone: three.
const SLACK_MIB: f64 = 30.0;
/// The C library gives threads memory of their own, which it keeps when they end: as much as there were windows. In one
/// heap it is seen whether anything is really lost.
const ONE_HEAP: [(&str, &str); 1] = [("MALLOC_ARENA_MAX", "1")];

/// A parent window, as a host has one.
pub fn parent() -> (x11rb::rust_connection::RustConnection, u32) {
    let (connection, screen) = x11rb::connect(None).unwrap();
    let root = connection.setup().roots[screen].root;
    let id = connection.generate_id().unwrap();
    connection
        .create_window(0, id, root, 0, 0, 1120, 700, 0, WindowClass::INPUT_OUTPUT, 0, &CreateWindowAux::new())
        .unwrap();
    connection.map_window(id).unwrap();
    connection.flush().unwrap();
    (connection, id)
}

/// Plays and automates for a moment.
fn busy(host: &mut dyn Host, cycle: usize, time: Duration) {
    let begun = Instant::now();
    let mut block = 0usize;
    while begun.elapsed() < time {
        host.set("Energy", ((cycle * 7 + block) % 100) as f64 / 100.0);
        host.set("Swing", ((cycle * 3 + block) % 100) as f64 / 100.0);
        let input = vec![vec![0.1; 256]; 2];
        Run::new(host).block(&input, &At::playing((cycle * 100 + block) as f64 * 0.01, 120.0));
        block += 1;
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether no more memory is held than `early`, but for a little.
fn flat(early: Option<f64>) {
    if let (Some(early), Some(late)) = (early, resident_mib()) {
        println!("resident memory: {early:.1} MiB after {WARM} windows, {late:.1} after {CYCLES}");
        assert!(late - early < SLACK_MIB, "{early} MiB have become {late}");
    }
}

#[test]
fn clap_window() {
    if !on_a_screen_with(
        "window::clap_window",
        1280,
        900,
        &ONE_HEAP.map(|(name, value)| (name, OsStr::new(value))),
    ) {
        return;
    }
    let mut host = bundle::load_clap();
    host.activate(48_000.0, 512, false);
    let mut early = None;
    for cycle in 0..CYCLES {
        if cycle == WARM {
            early = resident_mib();
        }
        let (_connection, window) = parent();
        host.open_window(window);
        // Some windows are closed before they have drawn.
        for _ in 0..(cycle % 5) * 4 {
            busy(&mut host, cycle, Duration::from_millis(4));
            host.idle();
        }
        host.close_window();
        host.idle();
    }
    flat(early);
}

#[test]
fn vst3_window() {
    if !on_a_screen_with(
        "window::vst3_window",
        1280,
        900,
        &ONE_HEAP.map(|(name, value)| (name, OsStr::new(value))),
    ) {
        return;
    }
    let mut host = bundle::load_vst3();
    host.activate(48_000.0, 512, false);
    let mut early = None;
    for cycle in 0..CYCLES {
        if cycle == WARM {
            early = resident_mib();
        }
        let (_connection, window) = parent();
        host.open_window(window);
        for _ in 0..(cycle % 5) * 4 {
            busy(&mut host, cycle, Duration::from_millis(4));
            host.idle();
        }
        host.close_window();
        host.idle();
    }
    flat(early);
}

/// The pixels of a window: red, green, blue.
fn pixels(connection: &impl x11rb::connection::Connection, window: u32) -> (u16, u16, Vec<[u8; 3]>) {
    use x11rb::protocol::xproto::ImageFormat;
    let size = connection.get_geometry(window).unwrap().reply().unwrap();
    let image = connection
        .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, u32::MAX)
        .unwrap()
        .reply()
        .unwrap();
    let pixels = image.data.chunks_exact(4).map(|p| [p[2], p[1], p[0]]).collect();
    (size.width, size.height, pixels)
}

/// Looks at the window. With `BACKLINE_SCREENSHOT` set to a folder, the picture is kept there as a PPM.
pub fn look(connection: &impl Connection, window: u32, name: &str) -> Vec<[u8; 3]> {
    let (width, height, picture) = pixels(connection, window);
    if let Some(folder) = std::env::var_os("BACKLINE_SCREENSHOT") {
        let mut ppm = format!("P6 {width} {height} 255\n").into_bytes();
        ppm.extend(picture.iter().flatten());
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.ppm")), ppm).unwrap();
    }
    picture
}

/// Counts the frames that the plug-in's window paints in a host's: each call tells how many there were since the last.
fn frames<'a>(connection: &'a impl Connection, window: u32) -> impl Fn() -> usize + 'a {
    use x11rb::protocol::Event;
    use x11rb::protocol::present::{ConnectionExt as _, EventMask};
    let inner = connection.query_tree(window).unwrap().reply().unwrap().children[0];
    let event = connection.generate_id().unwrap();
    // The framework asks the server for each frame when it may be painted; the answers are counted.
    connection.present_select_input(event, inner, EventMask::COMPLETE_NOTIFY).unwrap().check().unwrap();
    || {
        let events = std::iter::from_fn(|| connection.poll_for_event().unwrap());
        events.filter(|event| matches!(event, Event::PresentCompleteNotify(_))).count()
    }
}

fn colours(picture: &[[u8; 3]]) -> usize {
    picture.iter().collect::<std::collections::BTreeSet<_>>().len()
}

/// Plays the demo song beside the open window, in both themes, and looks at what is painted.
#[test]
fn the_window_paints_while_the_band_plays() {
    if !on_a_screen("window::the_window_paints_while_the_band_plays", 1280, 900) {
        return;
    }
    let song = crate::song::demo(48_000);
    let mut mean = Vec::new();
    for (name, theme) in [("dark", "{}"), ("light", r#"{"light":true}"#)] {
        let mut host = bundle::load_clap();
        host.activate(song.rate, 480, false);
        let state = host.save();
        assert!(host.load(&with_field(&state, &format!("\"look\":{theme}"))));
        let (connection, window) = parent();
        host.open_window(window);
        // A loaded machine takes its time to open a window; what is never painted fails all the same.
        let mut empty = Vec::new();
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(400));
            host.idle();
            empty = look(&connection, window, &format!("empty-{name}"));
            if colours(&empty) > 30 {
                break;
            }
        }
        assert!(colours(&empty) > 30, "{name}: {} colours", colours(&empty));
        let mut at = 0;
        // Faster than real time, since nobody listens; the window draws at its own pace.
        while at + 480 < (24.0 * song.rate) as usize {
            let input: Vec<Vec<f32>> = song.audio.iter().map(|c| c[at..at + 480].to_vec()).collect();
            let place = At::playing(song.beat(at as f64), song.tempo);
            host.process(&input, &mut [vec![0.0; 480], vec![0.0; 480]], &place);
            host.idle();
            at += 480;
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(300));
        let picture = look(&connection, window, &format!("playing-{name}"));
        host.close_window();
        assert!(colours(&picture) > 60, "{name}: {} colours", colours(&picture));
        assert_ne!(picture, empty, "{name}: what is heard is shown");
        let sum: u64 = picture.iter().flatten().map(|v| u64::from(*v)).sum();
        mean.push(sum / (picture.len() as u64 * 3));
    }
    assert!(mean[0] < 70 && mean[1] > 190, "dark is dark and light is light: {mean:?}");
}

/// What was painted piece by piece while the band played, and moved as pixels, looks like the same painted at once: the window
/// that is opened again.
#[test]
fn the_window_opened_anew_looks_the_same() {
    if !on_a_screen("window::the_window_opened_anew_looks_the_same", 1280, 900) {
        return;
    }
    let song = crate::song::demo(48_000);
    let mut host = bundle::load_clap();
    host.activate(song.rate, 480, false);
    let (connection, window) = parent();
    host.open_window(window);
    let blocks = (20.0 * song.rate) as usize / 480;
    for block in 0..=blocks {
        let at = block * 480;
        let input: Vec<Vec<f32>> = song.audio.iter().map(|c| c[at..at + 480].to_vec()).collect();
        let place = if block < blocks { At::playing(song.beat(at as f64), song.tempo) } else { At::STOPPED };
        host.process(&input, &mut [vec![0.0; 480], vec![0.0; 480]], &place);
        host.idle();
        std::thread::sleep(Duration::from_millis(2));
    }
    // The last line tells of the machine's load, which goes up and down.
    let told = 1120 * 660;
    let at_rest = |host: &mut backline_testhost::Clap| {
        // On a loaded machine the worker goes on for a while.
        let (mut last, mut same) = (Vec::new(), 0);
        for _ in 0..60 {
            std::thread::sleep(Duration::from_millis(400));
            host.idle();
            let now = look(&connection, window, "at-rest")[..told].to_vec();
            same = if now == last && colours(&now) > 60 { same + 1 } else { 0 };
            if same == 5 {
                return now;
            }
            last = now;
        }
        panic!("the window never comes to rest");
    };
    let kept = at_rest(&mut host);
    host.close_window();
    host.open_window(window);
    let anew = at_rest(&mut host);
    host.close_window();
    // By one of 255 the order in which numbers are rounded shows.
    let off = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).map(|(a, b)| a.abs_diff(b)).max();
    let off = |a, b| off(a, b).unwrap_or(0);
    let wrong: Vec<(usize, usize)> =
        (0..told).filter(|i| off(kept[*i], anew[*i]) > 1).map(|i| (i % 1120, i / 1120)).collect();
    let shown: Vec<_> =
        wrong.iter().take(40).map(|(x, y)| (*x, *y, kept[y * 1120 + x], anew[y * 1120 + x])).collect();
    assert!(wrong.is_empty(), "{} pixels differ; where, as kept, and anew: {shown:?}", wrong.len());
}

/// The hand of a musician, by the X server's own test extension.
pub fn hand(connection: &impl Connection, kind: u8, detail: u8, x: f32, y: f32) {
    use x11rb::protocol::xtest::ConnectionExt as _;
    use x11rb::wrapper::ConnectionExt as _;
    let root = connection.setup().roots[0].root;
    connection.xtest_fake_input(kind, detail, 0, root, x as i16, y as i16, 0).unwrap();
    connection.sync().unwrap();
}

#[test]
fn a_knob_that_is_turned_moves_the_parameter() {
    use backline::editor::layout::{Layout, USUAL_SIZE};
    use x11rb::protocol::xproto::{BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, MOTION_NOTIFY_EVENT};
    if !on_a_screen("window::a_knob_that_is_turned_moves_the_parameter", 1280, 900) {
        return;
    }
    let mut host = bundle::load_clap();
    host.activate(48_000.0, 256, false);
    let (connection, window) = parent();
    host.open_window(window);
    let rest = |host: &mut dyn Host, idle: &mut dyn FnMut()| {
        for _ in 0..15 {
            Run::new(host).block(&vec![vec![0.0; 256]; 2], &At::STOPPED);
            idle();
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    rest(&mut host, &mut || {});
    let before = host.get("Energy");
    // The first knob of the right column.
    let shape = Layout::of(USUAL_SIZE).shape;
    let (x, y) = (shape.left() + shape.width() * 0.27, shape.top() + 50.0);
    hand(&connection, MOTION_NOTIFY_EVENT, 0, x, y);
    rest(&mut host, &mut || {});
    hand(&connection, BUTTON_PRESS_EVENT, 1, 0.0, 0.0);
    // A frame has to see it: on a busy machine one would else see it together with half of the way.
    rest(&mut host, &mut || {});
    for step in 1..=12 {
        hand(&connection, MOTION_NOTIFY_EVENT, 0, x, y - 4.0 * step as f32);
        std::thread::sleep(Duration::from_millis(40));
    }
    hand(&connection, BUTTON_RELEASE_EVENT, 1, 0.0, 0.0);
    rest(&mut host, &mut || {});
    host.idle();
    let after = host.get("Energy");
    look(&connection, window, "knob");
    // What was turned while nothing plays is not waited for.
    let frames = frames(&connection, window);
    for _ in 0..7 {
        rest(&mut host, &mut || {});
    }
    let _ = frames();
    for _ in 0..7 {
        rest(&mut host, &mut || {});
    }
    let frames = frames();
    assert!(frames <= 2, "{frames} frames in a second at rest");
    host.close_window();
    assert!(after > before + 0.1, "the knob was turned from {before} to {after}");
}

/// A host that gives no more room than at first, and a project that was saved at 200 %: all is there, only smaller.
#[test]
fn what_finds_no_room_is_shown_smaller() {
    use backline::editor::layout::{Layout, USUAL_SIZE};
    use x11rb::protocol::xproto::{BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, MOTION_NOTIFY_EVENT};
    if !on_a_screen("window::what_finds_no_room_is_shown_smaller", 2560, 1600) {
        return;
    }
    let mut host = bundle::load_clap();
    host.activate(48_000.0, 256, false);
    let state = host.save();
    assert!(host.load(&with_field(&state, "\"look\":{\"zoom\":2.0,\"tips\":false}")));
    let (connection, window) = parent();
    host.open_window(window);
    let inner = connection.query_tree(window).unwrap().reply().unwrap().children[0];
    let width = |window| connection.get_geometry(window).unwrap().reply().unwrap().width;
    let rest = |host: &mut backline_testhost::Clap| {
        for _ in 0..20 {
            Run::new(host).block(&vec![vec![0.0; 256]; 2], &At::STOPPED);
            host.idle();
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let begun = Instant::now();
    while width(inner) > width(window) && begun.elapsed() < Duration::from_secs(60) {
        rest(&mut host);
    }
    assert_eq!((width(inner), width(window)), (1120, 1120));
    (0..5).for_each(|_| rest(&mut host));
    let closed = look(&connection, window, "no-room");
    // As large as it can be with everything in it.
    let zoom = 1.2;
    let header = Layout::of(USUAL_SIZE / zoom).header;
    let menu = egui::pos2(header.right() - 37.0, header.center().y) * zoom;
    hand(&connection, MOTION_NOTIFY_EVENT, 0, menu.x, menu.y);
    rest(&mut host);
    for kind in [BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT] {
        hand(&connection, kind, 1, 0.0, 0.0);
        rest(&mut host);
    }
    let open = look(&connection, window, "no-room-menu");
    host.close_window();
    let below = |picture: &[[u8; 3]]| picture[1120 * 60..1120 * 300].to_vec();
    let (closed, open) = (below(&closed), below(&open));
    let changed = closed.iter().zip(&open).filter(|(a, b)| a != b).count();
    assert!(changed > 10_000, "the menu opens: {changed} pixels");
}

#[test]
fn keys_that_are_pressed_reach_the_window() {
    use backline::editor::layout::{Layout, USUAL_SIZE};
    use x11rb::protocol::xproto::{
        BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
        MOTION_NOTIFY_EVENT,
    };
    // As the X server counts the keys of a keyboard.
    const ESCAPE: u8 = 9;
    const CONTROL: u8 = 37;
    const SHIFT: u8 = 50;
    const Z: u8 = 52;
    const SLASH: u8 = 61;
    const UP: u8 = 111;
    if !on_a_screen("window::keys_that_are_pressed_reach_the_window", 1280, 900) {
        return;
    }
    let mut host = bundle::load_clap();
    host.activate(48_000.0, 256, false);
    let (connection, window) = parent();
    host.open_window(window);
    let rest = |host: &mut backline_testhost::Clap| {
        for _ in 0..20 {
            Run::new(host).block(&vec![vec![0.0; 256]; 2], &At::STOPPED);
            host.idle();
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    rest(&mut host);
    let shape = Layout::of(USUAL_SIZE).shape;
    hand(&connection, MOTION_NOTIFY_EVENT, 0, shape.left() + shape.width() * 0.27, shape.top() + 50.0);
    rest(&mut host);
    for kind in [BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT] {
        hand(&connection, kind, 1, 0.0, 0.0);
    }
    let inner = connection.query_tree(window).unwrap().reply().unwrap().children[0];
    connection.set_input_focus(InputFocus::PARENT, inner, x11rb::CURRENT_TIME).unwrap();
    let press = |host: &mut backline_testhost::Clap, keys: &[u8]| {
        keys.iter().for_each(|key| hand(&connection, KEY_PRESS_EVENT, *key, 0.0, 0.0));
        keys.iter().rev().for_each(|key| hand(&connection, KEY_RELEASE_EVENT, *key, 0.0, 0.0));
        rest(host);
        host.get("Energy")
    };
    rest(&mut host);
    let before = host.get("Energy");
    let after = press(&mut host, &[UP]);
    assert!(after > before, "an arrow steps from {before} to {after}");
    assert_eq!(press(&mut host, &[CONTROL, Z]), before, "undone");
    assert_eq!(press(&mut host, &[CONTROL, SHIFT, Z]), after, "done again");
    // What the host moves meanwhile is not taken back.
    host.set("Swing", 0.875);
    assert_eq!(press(&mut host, &[CONTROL, Z]), before, "undone");
    assert_eq!(host.get("Swing"), 0.875, "the host's automation stays");
    press(&mut host, &[CONTROL, SHIFT, Z]);
    // The page of keys lies over everything.
    let without = look(&connection, window, "keys");
    press(&mut host, &[SHIFT, SLASH]);
    let with = look(&connection, window, "keys-help");
    let other = |a: &[[u8; 3]], b: &[[u8; 3]]| a.iter().zip(b).filter(|(a, b)| a != b).count();
    assert!(other(&without, &with) > without.len() / 2, "{} pixels", other(&without, &with));
    press(&mut host, &[ESCAPE]);
    let back = look(&connection, window, "keys-back");
    assert!(other(&without, &back) < without.len() / 20, "{} pixels", other(&without, &back));
    host.close_window();
}
