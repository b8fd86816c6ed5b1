//! A virtual screen for tests: an X server (Xvfb) of its own, and a process of its own to use it in.
//!
//! A fault in a window then shows as the fault of one test, and nothing that a test presses or moves
//! reaches anybody's real screen. Where there is no Xvfb there is no screen, and the test says so.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Set in the process that has the screen.
const CHILD: &str = "BACKLINE_TEST_ON_A_SCREEN";

/// A running X server, ended when it is dropped.
pub struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    /// Starts a server with a screen of so many pixels; `None` where there is no Xvfb.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let size = format!("{width}x{height}x24");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-noreset", "-screen", "0", &size])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut number = String::new();
        let told = BufReader::new(server.stdout.take()?).read_line(&mut number).ok();
        let screen = Self { server, display: format!(":{}", number.trim()) };
        told.map(|_| screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Whether this process has a screen of its own. If not, runs the test called `test` again in one that has,
/// and gives `false`: there is nothing more to do then.
///
/// # Panics
/// The test fails there.
pub fn on_a_screen(test: &str, width: u32, height: u32) -> bool {
    on_a_screen_with(test, width, height, &[])
}

/// The same; the process that has the screen also has these variables.
///
/// # Panics
/// The test fails there.
pub fn on_a_screen_with(test: &str, width: u32, height: u32, variables: &[(&str, &OsStr)]) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let Some(screen) = Screen::new(width, height) else {
        println!("{test}: no Xvfb on this machine, so nothing was shown");
        return false;
    };
    let begun = Instant::now();
    let status = std::env::current_exe().and_then(|program| {
        let mut child = Command::new(program);
        child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").env("DISPLAY", &screen.display);
        child.envs(variables.iter().copied()).status()
    });
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{test}: {status:?}");
    println!("{test}: {:.1} s", begun.elapsed().as_secs_f32());
    false
}
