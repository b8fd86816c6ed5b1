//! The window on Windows: it opens and closes, again and again, while the host plays and automates; and it paints.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use backline::editor::layout::USUAL_SIZE;
use backline_testhost::{At, Foreign, Host, Parent, Run};

use crate::bundle;

const CYCLES: usize = 50;

/// A host with a window, of either format.
trait Windowed: Host {
    fn open(&mut self, parent: Foreign);
    fn close(&mut self);
    fn rest(&mut self);
}

macro_rules! windowed {
    ($host:ty) => {
        impl Windowed for $host {
            fn open(&mut self, parent: Foreign) {
                self.open_window(parent);
            }
            fn close(&mut self) {
                self.close_window();
            }
            fn rest(&mut self) {
                self.idle();
            }
        }
    };
}
windowed!(backline_testhost::Clap);
windowed!(backline_testhost::Vst3);

/// Plays, automates and hands out messages for a moment, as a host's main thread does.
fn busy(host: &mut dyn Windowed, parent: &Parent, from: usize, time: Duration) {
    let begun = Instant::now();
    let mut block = from;
    while begun.elapsed() < time {
        host.set("Energy", (block % 100) as f64 / 100.0);
        let input = vec![vec![0.1; 256]; 2];
        Run::new(host).block(&input, &At::playing(block as f64 * 0.01, 120.0));
        parent.pump();
        host.rest();
        block += 1;
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn fifty_windows(mut host: impl Windowed) {
    host.activate(48_000.0, 512, false);
    for cycle in 0..CYCLES {
        let parent = Parent::new(USUAL_SIZE.x as u16, USUAL_SIZE.y as u16);
        host.open(parent.raw());
        // Some windows are closed before they have drawn.
        busy(&mut host, &parent, cycle * 7, Duration::from_millis(cycle as u64 % 5 * 20));
        host.close();
        parent.pump();
    }
}

#[test]
fn clap_window() {
    fifty_windows(bundle::load_clap());
}

#[test]
fn vst3_window() {
    fifty_windows(bundle::load_vst3());
}

/// With `BACKLINE_SCREENSHOT` set to a folder, the picture is kept there as a PPM.
#[test]
fn the_window_paints() {
    let mut host = bundle::load_clap();
    host.activate(48_000.0, 512, false);
    let (width, height) = (USUAL_SIZE.x as u16, USUAL_SIZE.y as u16);
    let parent = Parent::new(width, height);
    host.open(parent.raw());
    busy(&mut host, &parent, 0, Duration::from_millis(300));
    parent.take_out();
    let begun = Instant::now();
    let (mut colours, mut picture) = (0, Vec::new());
    while colours <= 30 && begun.elapsed() < Duration::from_secs(20) {
        busy(&mut host, &parent, 0, Duration::from_millis(500));
        picture = parent.pixels();
        colours = picture.iter().collect::<BTreeSet<_>>().len();
    }
    if let Some(folder) = std::env::var_os("BACKLINE_SCREENSHOT") {
        let mut ppm = format!("P6 {width} {height} 255\n").into_bytes();
        ppm.extend(picture.iter().flatten());
        std::fs::write(std::path::Path::new(&folder).join("windows.ppm"), ppm).unwrap();
    }
    host.close();
    assert!(colours > 30, "{colours} colours: the window paints nothing");
}
