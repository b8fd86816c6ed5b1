//! Beats of a short recording that goes round: loops hold a whole number of bars.
//!
//! A loop of two seconds is too short to tell its tempo, heard once. Heard again and again it is not,
//! and its length leaves only a few tempi to choose from: those at which it lasts 4, 8, 16 … beats, or 3, 6, 12 … where it is
//! heard in three.

use backline_music::{Beat, Estimate, Metre};

use super::model::Patterns;
use super::offline::{Path, best_path};
use super::pointer::{BarPointer, Join};
use super::{RhythmFrame, Weight, is_from_net};

/// Longer recordings tell their tempo themselves.
pub const LONGEST_S: f64 = 20.0;
/// Shorter recordings are single sounds.
pub const SHORTEST_S: f64 = 1.0;
/// How long a loop is heard.
pub const HEARD_S: f64 = 24.0;
/// Recordings up to this long are loops when they keep any beat at all.
pub const SURELY_LOOP_S: f64 = 6.0;
/// Numbers of beats in a loop of two or four beats a bar, and of three.
const BEATS: [[u32; 5]; 2] = [[4, 8, 16, 32, 64], [3, 6, 12, 24, 48]];
/// Share that the length alone gives each of these tempi: few loops are in three, so there it gives none.
const BY_LENGTH: [f32; 2] = [0.05, 0.0];
/// Slowest and fastest tempo of a loop.
const RANGE_BPM: (f64, f64) = (55.0, 200.0);
/// Tempi this near to what the length says agree with it: two steps of the pointer's.
const AGREES: f64 = 0.03;
/// Probability that must agree with the length in a recording that may not be a loop.
const LOOP_PROB: f32 = 0.5;
/// A loop whose tempo is known goes round within this of its length.
const SEAM_S: f64 = 0.06;
/// How much better the place in the bar must tell what is heard than chance, in nats a frame.
const EVIDENCE: f32 = 0.014;
/// Median and spread (natural logarithm) of tempo before anything is heard.
const PRIOR_BPM: (f64, f64) = (125.0, 0.4);

/// A loop that was understood.
pub struct LoopPath {
    /// Beats from 0 to the length.
    pub path: Path,
    /// Tempi that the length allows, likeliest first.
    pub candidates: Vec<(f64, f32)>,
}

/// Whether a recording of `loop_s` seconds, whose tempo was heard in one go, holds a whole number of beats. Heard over and
/// over, a few tenths of a second more or less draw the tempo along.
pub fn goes_round(bpm: f64, loop_s: f64) -> bool {
    let beats = (loop_s * bpm / 60.0).round();
    (beats * 60.0 / bpm - loop_s).abs() < SEAM_S
}

/// Whether bars of `metre` have three beats.
fn is_in_three(metre: Metre) -> bool {
    metre.tactus_per_bar() == 3
}

/// Finds tempo and beats of a recording of `loop_s` seconds that `frames` hold several times over.
pub fn decode_loop(frames: &[RhythmFrame], loop_s: f64) -> Option<LoopPath> {
    // The length leaves few tempi, so no more help is needed among them than the patterns alone do.
    let weight = Weight { tempo: Weight::ALONE.tempo, ..Weight::of(is_from_net(frames)) };
    let mut pointer = BarPointer::new(Join::Sum, Patterns::built_in(weight));
    let (mut masses, mut sums) = (Vec::new(), [(); 2].map(|()| vec![0.0_f32; pointer.tempi_bpm.len()]));
    let (mut evidence, mut heard) = (0.0, 0.0_f32);
    for (i, frame) in frames.iter().enumerate() {
        let surprise = pointer.step(frame).clamp(-1.0, 1.0);
        if i > frames.len() / 3 {
            evidence += surprise;
            heard += 1.0;
            for (in_three, sum) in sums.iter_mut().enumerate() {
                pointer.tempo_masses_in(|metre| is_in_three(metre) == (in_three == 1), &mut masses);
                sum.iter_mut().zip(&masses).for_each(|(s, m)| *s += m);
            }
        }
    }
    if heard == 0.0 || evidence / heard < EVIDENCE {
        return None;
    }
    let metres = BEATS.iter().zip(&sums).zip(BY_LENGTH);
    let counts = metres.flat_map(|((beats, sum), by_length)| beats.iter().map(move |n| (*n, sum, by_length)));
    let mut candidates: Vec<(f64, f32, f32)> = counts
        .map(|(beats, sum, by_length)| (f64::from(beats) * 60.0 / loop_s, sum, by_length))
        .filter(|(bpm, ..)| (RANGE_BPM.0..=RANGE_BPM.1).contains(bpm))
        .map(|(bpm, sum, by_length)| {
            let near = |tempo: f64| (tempo / bpm - 1.0).abs() < AGREES;
            let mass: f32 =
                pointer.tempi_bpm.iter().zip(sum).filter(|(t, _)| near(**t)).map(|(_, m)| m / heard).sum();
            let z = libm::log(bpm / PRIOR_BPM.0) / PRIOR_BPM.1;
            (bpm, mass, (mass + by_length) * libm::exp(-0.5 * z * z) as f32)
        })
        .collect();
    candidates.sort_by(|a, b| b.2.total_cmp(&a.2));
    let agreeing: f32 = candidates.iter().map(|c| c.1).sum();
    let &(bpm, ..) = candidates.first()?;
    if loop_s > SURELY_LOOP_S && agreeing < LOOP_PROB {
        return None;
    }
    let total: f32 = candidates.iter().map(|c| c.2).sum();
    // The length speaks for these tempi, what was heard may not.
    let sure = 0.5 + 0.5 * agreeing.min(1.0);
    let candidates: Vec<(f64, f32)> = candidates.iter().map(|c| (c.0, sure * c.2 / total)).collect();

    let mut pointer = BarPointer::new(Join::Best, Patterns::built_in(weight));
    pointer.keep_tempi(&[bpm], AGREES);
    for frame in frames {
        pointer.step(frame);
    }
    let whole_s = frames.len() as f64 / super::RHYTHM_FPS;
    let mut path = best_path(&pointer, frames, whole_s, candidates[0].1);
    // The round before the last: settled, and its end is heard as well.
    let from_s = loop_s * ((whole_s / loop_s) as u32).saturating_sub(2) as f64;
    let slack_s = 0.1;
    let mut beats: Vec<Beat> = path
        .beats
        .iter()
        .filter(|b| (from_s - slack_s..from_s + loop_s - slack_s).contains(&b.time_s))
        .copied()
        .collect();
    let bar_before = beats.first().map_or(0, |b| b.bar - i32::from(b.beat == 1));
    for beat in &mut beats {
        beat.time_s = (beat.time_s - from_s).max(0.0);
        beat.bar -= bar_before;
        beat.decided_s = loop_s;
    }
    path.beats = beats;
    path.tempo_bpm = Some(bpm);
    path.metre = path.metre.map(|m| Estimate { prob: m.prob * sure, ..m });
    Some(LoopPath { path, candidates })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onset::GROUPS;

    /// Eighths on the hat, a kick on each beat, a snare on every second.
    fn loop_frames(bpm: f64, rounds_s: f64) -> Vec<RhythmFrame> {
        let n = (rounds_s * super::super::RHYTHM_FPS) as usize;
        let mut frames = vec![RhythmFrame { strengths: [0.0; GROUPS], change: 0, said: None }; n];
        let eighth_s = 30.0 / bpm;
        for i in 0..(rounds_s / eighth_s) as usize {
            let at = ((i as f64 * eighth_s + 0.025) * super::super::RHYTHM_FPS - 0.25).round() as usize;
            if let Some(frame) = frames.get_mut(at) {
                frame.strengths[3] = 0.7;
                frame.strengths[0] = if i % 4 == 0 { 1.0 } else { 0.0 };
                frame.strengths[1] = if i % 4 == 2 { 1.0 } else { 0.0 };
                frame.strengths[2] = if i % 4 == 2 { 1.0 } else { 0.3 };
            }
        }
        frames
    }

    #[test]
    fn a_two_second_loop_has_the_tempo_that_its_length_says() {
        for bpm in [96.0, 124.0, 140.0] {
            let loop_s = 240.0 / bpm;
            let found = decode_loop(&loop_frames(bpm, 24.0), loop_s).unwrap();
            assert!((found.path.tempo_bpm.unwrap() / bpm - 1.0).abs() < 1e-9, "{bpm}");
            assert_eq!(found.path.beats.len(), 4, "{bpm}");
            assert!(found.path.beats.iter().all(|b| (0.0..loop_s).contains(&b.time_s)));
        }
    }

    #[test]
    fn stillness_is_no_loop() {
        let still = vec![RhythmFrame { strengths: [0.0; GROUPS], change: 0, said: None }; 1_200];
        assert!(decode_loop(&still, 2.0).is_none());
        assert!(decode_loop(&[], 2.0).is_none());
    }

    #[test]
    fn a_long_recording_that_its_length_contradicts_is_left_alone() {
        // 110 beats a minute, cut anywhere: 9.3 s hold no whole number of bars near it.
        assert!(decode_loop(&loop_frames(110.0, 24.0), 9.3).is_none());
    }
}
