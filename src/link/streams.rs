//! How far one instance's stream is ahead of another's, found out by looking at both again and again.
//!
//! Both run by the same clock, but in a block one of them may have gone ahead. Within a library both can be looked at
//! in one moment. Of an instance in another library only looks of a while ago are known, each with its time: two of
//! one's own around that time say between what bounds the difference was then.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::bridge::Meters;

/// Looks of one's own that are kept: a second and more, at the worker's pace.
const OWN: usize = 768;
/// Looks that others are told.
const TOLD: usize = 32;
/// Comparisons that are kept.
const COMPARISONS: usize = 31;
/// No stream is further ahead of another, in samples: 700 years.
const FARTHEST: i64 = 1 << 50;

/// A look at a stream: it stood at `pos` some time in `from..=to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Nanoseconds since 1970.
    pub from: u64,
    /// Stream position.
    pub pos: u64,
    /// Nanoseconds since 1970.
    pub to: u64,
}

/// The present in nanoseconds since 1970.
pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// One's own stream, and how far the leader's is ahead of it.
#[derive(Debug, Default)]
pub struct Streams {
    own: VecDeque<Look>,
    /// The least and the most that the leader's can have been ahead, as seen lately.
    ahead: VecDeque<(i64, i64)>,
    /// The time of the leader's last look that was compared.
    compared: u64,
}

impl Streams {
    /// Looks at one's own stream.
    pub fn watch(&mut self, own: &Meters) {
        let from = now_ns();
        let pos = own.stream_pos.load(Ordering::Acquire);
        self.note(Look { from, pos, to: now_ns() });
    }

    fn note(&mut self, look: Look) {
        if self.own.len() == OWN {
            self.own.pop_front();
        }
        self.own.push_back(look);
    }

    /// The last looks at one's own stream.
    pub fn looks(&self) -> Vec<Look> {
        self.own.range(self.own.len().saturating_sub(TOLD)..).copied().collect()
    }

    /// Compares with a leader that can be looked at.
    pub fn compare(&mut self, leader: &Meters, own: &Meters) {
        let at = |meters: &Meters| meters.stream_pos.load(Ordering::Relaxed).cast_signed();
        let ahead = at(leader).wrapping_sub(at(own));
        self.add(ahead, ahead);
    }

    /// Compares with a leader whose `looks` at itself are known.
    pub fn compare_with(&mut self, looks: &[Look]) {
        for look in looks.iter().filter(|look| look.from > self.compared).copied().collect::<Vec<_>>() {
            let before = self.own.iter().rev().find(|own| own.to <= look.from);
            let after = self.own.iter().find(|own| own.from >= look.to);
            let (Some(before), Some(after)) = (before, after) else { continue };
            let than = |own: &Look| look.pos.cast_signed().wrapping_sub(own.pos.cast_signed());
            let (most, least) = (than(before), than(after));
            self.compared = look.from;
            // A stream that began anew in between says nothing, nor does one that no song fills.
            if least <= most && least > -FARTHEST && most < FARTHEST {
                self.add(least, most);
            }
        }
    }

    fn add(&mut self, least: i64, most: i64) {
        if self.ahead.len() == COMPARISONS {
            self.ahead.pop_front();
        }
        self.ahead.push_back((least, most));
    }

    /// Forgets the leader.
    pub fn forget(&mut self) {
        self.ahead.clear();
        self.compared = 0;
    }

    /// The leader's stream position at one's own 0: what most comparisons allow, in the middle where several are
    /// equally likely. `None` while nothing was compared.
    pub fn ahead(&self) -> Option<i64> {
        let allowing = |d: i64| self.ahead.iter().filter(move |(least, most)| *least <= d && d <= *most);
        let mut places: Vec<(usize, i64)> =
            self.ahead.iter().map(|(d, _)| (allowing(*d).count(), *d)).collect();
        places.sort_unstable();
        let best = places.last()?.0;
        places.retain(|(count, _)| *count == best);
        let least = places[places.len() / 2].1;
        let most = allowing(least).map(|(_, most)| *most).min()?;
        Some(least + (most - least) / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two streams of one host in blocks of `block` samples, the leader `ahead`, looked at every `poll_us` or so for
    /// half a second; what comes out.
    fn found(block: u64, ahead: u64, poll_us: u64) -> i64 {
        let (mut streams, mut theirs) = (Streams::default(), Vec::new());
        let block_ns = block * 1_000_000_000 / 48_000;
        let done = |ns: u64, late_ns: u64| ns.saturating_sub(late_ns) / block_ns * block;
        let mut dice = 1u64;
        let mut next = |range: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % range
        };
        let (mut at, mut their_at) = (0u64, 500_000u64);
        while at < 500_000_000 {
            at += poll_us * 900 + next(poll_us * 200);
            their_at += poll_us * 900 + next(poll_us * 200);
            streams.note(Look { from: at, pos: done(at, 300_000), to: at + 200 });
            theirs.push(Look { from: their_at, pos: ahead + done(their_at, 100_000), to: their_at + 200 });
            if theirs.len() == 16 {
                streams.compare_with(&theirs);
                theirs.clear();
            }
        }
        streams.ahead().unwrap()
    }

    #[test]
    fn looks_of_a_while_ago_tell_the_difference() {
        for block in [256, 441, 512, 1_024, 4_096] {
            assert_eq!(found(block, 96_000, 2_000), 96_000, "blocks of {block}");
        }
        // Blocks shorter than the time between two looks.
        for block in [32, 64] {
            let off = found(block, 5_000, 2_000) - 5_000;
            assert!(off.unsigned_abs() <= block, "{off} samples with blocks of {block}");
        }
    }

    #[test]
    fn the_usual_difference_counts() {
        let mut streams = Streams::default();
        assert_eq!(streams.ahead(), None);
        let at = |pos: u64| {
            let meters = Meters::default();
            meters.stream_pos.store(pos, Ordering::Relaxed);
            meters
        };
        for (theirs, ours) in [(512, 0), (512, 512), (1_024, 1_024), (1_024, 1_536), (1_536, 1_536)] {
            streams.compare(&at(theirs), &at(ours));
        }
        assert_eq!(streams.ahead(), Some(0));
        streams.forget();
        for ours in [1, 2, 4, 8, 16] {
            streams.compare(&at(0), &at(ours));
        }
        assert_eq!(streams.ahead(), Some(-4), "the middle, where all differ");
        // What the other says need not be true.
        streams.compare_with(&[Look { from: u64::MAX, pos: u64::MAX, to: 0 }]);
    }
}
