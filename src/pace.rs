//! Whether the host renders or plays, told from how fast the stream runs.
//!
//! A host's word is not enough: the framework (nice-plug 0.4.2) passes VST3's on one set-up late, and a CLAP host that
//! renders need not say so. Behind a stream that is far ahead of the wall clock nobody listens, so it can wait for the
//! worker; one that keeps the clock's pace must never wait.

use std::time::Instant;

/// A stream this far ahead of the clock is rendered, in seconds. Hosts that fill buffers ahead stay within about one.
const RENDERED_S: f64 = 1.5;
/// The share by which a sound card's clock may be faster than the wall's.
const DRIFT: f64 = 0.02;
/// What was rendered is played once it has kept the clock's pace for so long, in seconds …
const PLAYED_S: f64 = 0.5;
/// … which is to be no faster than this.
const PLAYED_SPEED: f64 = 1.1;
/// A pause longer than this, in seconds, is a host that does something else: it says nothing of the pace.
const PAUSE_S: f64 = 0.1;

/// How fast a stream runs.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    rendering: bool,
    /// The host says so, and its word holds.
    sure: bool,
    /// When the last block was asked for, and its length in seconds.
    last: Option<(Instant, f64)>,
    /// How far the stream is ahead of the clock, in seconds.
    ahead_s: f64,
    /// Seconds of the stream and of the clock since the pace was looked at.
    passed_s: (f64, f64),
}

impl Pace {
    /// A stream that begins. What is `told` of it counts until the pace says otherwise; always, if it is `sure` that a
    /// render is one.
    pub const fn new(told_rendering: bool, sure: bool) -> Self {
        Self {
            rendering: told_rendering,
            sure: told_rendering && sure,
            last: None,
            ahead_s: 0.0,
            passed_s: (0.0, 0.0),
        }
    }

    /// Whether the stream is rendered.
    pub fn rendering(&self) -> bool {
        self.rendering
    }

    /// Notes that a block of `block_s` seconds is asked for `now`; `jumped` says that the transport went elsewhere,
    /// where a host that plays may fill its buffers anew.
    ///
    /// # Realtime safety
    /// Arithmetic only.
    pub fn block(&mut self, now: Instant, block_s: f64, jumped: bool) {
        let Some((before, length_s)) = self.last.replace((now, block_s)) else { return };
        if self.sure {
            return;
        }
        let took_s = now.saturating_duration_since(before).as_secs_f64();
        self.ahead_s = (self.ahead_s + length_s * (1.0 - DRIFT) - took_s).max(0.0);
        if self.rendering {
            self.passed_s.0 += length_s;
            self.passed_s.1 += took_s.min(PAUSE_S.max(2.0 * length_s));
            if self.passed_s.1 >= PLAYED_S {
                self.rendering = self.passed_s.0 > PLAYED_SPEED * self.passed_s.1;
                self.passed_s = (0.0, 0.0);
            }
        } else if jumped {
            self.ahead_s = 0.0;
        } else if self.ahead_s > RENDERED_S {
            self.rendering = true;
        }
        if self.rendering {
            self.ahead_s = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BLOCK_S: f64 = 512.0 / 48_000.0;

    /// A host that asks for blocks at multiples of the clock's speed.
    struct Host {
        pace: Pace,
        now: Instant,
    }

    impl Host {
        fn new(pace: Pace) -> Self {
            Self { pace, now: Instant::now() }
        }

        /// `seconds` of the stream; the second from which on it was rendered or not.
        fn run(&mut self, seconds: f64, speed: f64) -> Option<f64> {
            let before = self.pace.rendering();
            let blocks = (seconds / BLOCK_S) as u32;
            let mut changed = None;
            for block in 0..blocks {
                self.pace.block(self.now, BLOCK_S, false);
                self.now += Duration::from_secs_f64(BLOCK_S / speed);
                if self.pace.rendering() != before && changed.is_none() {
                    changed = Some(f64::from(block) * BLOCK_S);
                }
            }
            changed
        }
    }

    #[test]
    fn a_stream_at_the_clocks_pace_is_played_for_ever() {
        let mut host = Host::new(Pace::new(false, false));
        // Hours, on a sound card whose clock is a little fast.
        assert_eq!(host.run(20_000.0, 1.001), None);
        // Buffers that are filled a second ahead, after each of many jumps.
        for _ in 0..20 {
            host.pace.block(host.now, BLOCK_S, true);
            assert_eq!(host.run(1.0, 100.0), None);
            assert_eq!(host.run(3.0, 1.0), None);
        }
    }

    #[test]
    fn a_render_is_recognised_whatever_is_told() {
        for speed in [2.0, 10.0, 1_000.0] {
            let mut host = Host::new(Pace::new(false, false));
            let from = host.run(20.0, speed).unwrap();
            assert!((1.5..4.0).contains(&from), "{speed}: {from}");
            assert_eq!(host.run(60.0, speed), None, "it stays one");
            // The host does something else for a while, and goes on.
            host.now += Duration::from_secs(3);
            assert_eq!(host.run(60.0, speed), None);
        }
    }

    #[test]
    fn what_is_told_of_a_render_gives_way_to_the_pace_unless_it_is_sure() {
        let mut host = Host::new(Pace::new(true, false));
        let until = host.run(10.0, 1.0).unwrap();
        assert!(until <= 0.6, "{until}");
        assert_eq!(host.run(60.0, 1.0), None);
        let mut slow = Host::new(Pace::new(true, true));
        assert_eq!(slow.run(10.0, 0.5), None, "a slow render is one");
        let mut fast = Host::new(Pace::new(true, false));
        assert_eq!(fast.run(60.0, 3.0), None);
    }
}
