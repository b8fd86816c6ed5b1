//! From strokes on the grid to notes in time: swing, feel, human deviation, and no loose ends.

use backline_music::{Part, PlannedNote};

use crate::bar::Bar;
use crate::dice::{Dice, Purpose};

/// What a player means to play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) part: Part,
    pub(crate) key: u8,
    /// Where it lies on the grid of the bar, and where it ends.
    pub(crate) tick: i32,
    pub(crate) end_tick: i32,
    /// 0..=1; the energy scales it.
    pub(crate) level: f64,
    /// The style's feel in ms, late positive.
    pub(crate) late_ms: f64,
    /// Strokes of one group at one tick move together: a drum lane, a hand.
    pub(crate) group: u64,
}

/// The largest deviation from the grid at full humanise.
pub(crate) const MAX_DEVIATION_MS: f64 = 20.0;
/// From stroke to stroke a hand keeps all but this share of the written gap, so that rolls stay even. Each of the two strokes
/// may take half of it.
const MAX_CROWDING: f64 = 1.0 / 3.0;
/// Notes of a chord are never this far apart, in ms at full humanise.
const STRUM_MS: f64 = 3.0;
/// Every note ends at least this long before the bar does, so that bars planned anew never overlap.
pub(crate) const GAP_BEATS: f64 = 1.0 / 96.0;
/// What hangs into the next chord by less than this was not meant to.
const HANG_BEATS: f64 = 1.0 / 8.0;
/// The shortest note.
const SHORTEST_BEATS: f64 = 1.0 / 48.0;
/// From this velocity on, what is meant louder comes ever nearer to the loudest, so that accents stay apart.
const KNEE: f64 = 96.0;
/// The largest deviation from the meant velocity at full humanise.
const MAX_DEVIATION: f64 = 21.0;
/// The streams of random numbers, one a part.
pub(crate) const HANDS: u64 = 100;

/// The notes of the bar, sorted by onset, then part, then key.
pub(crate) fn notes(bar: &Bar, start_beat: f64, strokes: &[Stroke]) -> Vec<PlannedNote> {
    let bar_beats = f64::from(bar.ticks) / f64::from(crate::frame::TICKS);
    let gap = GAP_BEATS.min(bar_beats / 16.0);
    let shortest = SHORTEST_BEATS.min(bar_beats / 8.0);
    let beats_per_ms = bar.tempo_bpm / 60_000.0;
    let feel = (bar.humanise * 2.5).min(1.0);
    let mut out: Vec<PlannedNote> = Vec::with_capacity(strokes.len());
    for stroke in strokes.iter().filter(|s| (0..bar.ticks).contains(&s.tick)) {
        let dice = bar.dice(HANDS + stroke.part.index() as u64);
        let room_ms = 0.5 * MAX_CROWDING * gap_beats(bar, strokes, stroke) / beats_per_ms;
        let ms = deviation_ms(bar, stroke, dice, feel, room_ms);
        let onset = bar.swing.beats(stroke.tick) + ms * beats_per_ms;
        let onset = onset.clamp(0.0, bar_beats - gap - shortest);
        let end = bar.swing.beats(stroke.end_tick.min(bar.ticks)).min(bar_beats - gap);
        out.push(PlannedNote {
            part: stroke.part,
            key: stroke.key.min(127),
            velocity: velocity(bar, stroke, dice),
            onset_beat: start_beat + onset,
            length_beats: (end - onset).max(shortest),
        });
    }
    out.sort_by(|a, b| {
        a.onset_beat.total_cmp(&b.onset_beat).then(a.part.cmp(&b.part)).then(a.key.cmp(&b.key))
    });
    untangle(&mut out, shortest);
    out
}

/// Beats from a stroke to the nearest other of the same hand, or to the end of the bar, where the next may begin.
fn gap_beats(bar: &Bar, strokes: &[Stroke], stroke: &Stroke) -> f64 {
    let hand = strokes.iter().filter(|s| (s.part, s.group) == (stroke.part, stroke.group));
    let at = bar.swing.beats(stroke.tick);
    hand.map(|s| s.tick)
        .chain([bar.ticks])
        .filter(|&tick| tick != stroke.tick)
        .map(|tick| (bar.swing.beats(tick) - at).abs())
        .fold(f64::INFINITY, f64::min)
}

/// At most `room_ms` of what is human about it; twice that with feel and flams, which move neighbours alike.
fn deviation_ms(bar: &Bar, stroke: &Stroke, dice: Dice, feel: f64, room_ms: f64) -> f64 {
    let at = u64::from(stroke.tick.unsigned_abs());
    let hand = dice.bell(Purpose::Timing, at << 8 | stroke.group);
    let finger = if stroke.part == Part::Chords {
        STRUM_MS * dice.bell(Purpose::Timing, 1 << 60 | at << 8 | u64::from(stroke.key))
    } else {
        0.0
    };
    let human = (bar.humanise * MAX_DEVIATION_MS * hand).clamp(-room_ms, room_ms);
    let ms = human + bar.humanise * finger + feel * stroke.late_ms;
    let most = MAX_DEVIATION_MS.min(2.0 * room_ms);
    ms.clamp(-most, most)
}

fn velocity(bar: &Bar, stroke: &Stroke, dice: Dice) -> u8 {
    let item = u64::from(stroke.tick.unsigned_abs()) << 8 | u64::from(stroke.key);
    let loud = 0.6 + 0.5 * bar.energy;
    let human = MAX_DEVIATION * bar.humanise * dice.bell(Purpose::Velocity, item);
    let (meant, room) = (127.0 * stroke.level * loud, 127.0 - KNEE);
    let meant = if meant > KNEE { 127.0 - room * libm::exp((KNEE - meant) / room) } else { meant };
    // The clamp keeps it within a MIDI velocity.
    (meant + human).round().clamp(1.0, 127.0) as u8
}

/// A key that is struck again ends first, the bass has one voice, and a chord does not hang into
/// the next because that came a little early. Two strokes of a key at one instant are one.
fn untangle(notes: &mut Vec<PlannedNote>, shortest: f64) {
    let mut keep = vec![true; notes.len()];
    for i in 0..notes.len() {
        let PlannedNote { part, key, onset_beat: onset, .. } = notes[i];
        let end = onset + notes[i].length_beats;
        for j in i + 1..notes.len() {
            let later = notes[j];
            if later.onset_beat >= end {
                break;
            }
            let room = later.onset_beat - onset;
            if later.part != part {
                continue;
            }
            if later.key == key || part == Part::Bass {
                if room < shortest {
                    keep[i] = false;
                    notes[j].velocity = later.velocity.max(notes[i].velocity);
                } else {
                    notes[i].length_beats = notes[i].length_beats.min(room);
                }
                break;
            }
            if part == Part::Chords && room > 2.0 * HANG_BEATS && end - later.onset_beat < HANG_BEATS {
                notes[i].length_beats = room;
            }
        }
    }
    let mut kept = keep.into_iter();
    notes.retain(|_| kept.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use backline_music::{Controls, Metre};

    use super::*;
    use crate::{BarContext, Form, bar, style};

    /// A roll stays a roll, however loose the hand is.
    #[test]
    fn strokes_of_one_hand_keep_apart() {
        for (tempo_bpm, ticks) in [(200.0, crate::frame::TICKS / 4), (120.0, crate::frame::TICKS / 8)] {
            let gap_ms = 60_000.0 / tempo_bpm * f64::from(ticks) / f64::from(crate::frame::TICKS);
            for (index, late_ms) in (0..40).flat_map(|i| [(i, 0.0), (i, 15.0)]) {
                let ctx = BarContext {
                    index,
                    start_beat: 0.0,
                    metre: Metre::FOUR_FOUR,
                    tempo_bpm,
                    chords: Vec::new(),
                    next_chord: None,
                    key: None,
                    accents: Vec::new(),
                    heard_energy: 0.5,
                    heard_valence: 0.5,
                    style: "rock".into(),
                    bar_in_phrase: 0,
                    phrase_bars: 8,
                    form: Form::Groove,
                    section_start: false,
                    lift: 0.0,
                };
                let controls = Controls { humanise: 1.0, swing: -1.0, ..Controls::default() };
                let bar = bar::Bar::new(&ctx, &controls, style("rock").unwrap(), &[], [1; 3]);
                let roll: Vec<Stroke> = (0..bar.ticks / ticks)
                    .map(|i| Stroke {
                        part: Part::Drums,
                        key: 42,
                        tick: i * ticks,
                        end_tick: (i + 1) * ticks,
                        level: 0.7,
                        late_ms,
                        group: 2,
                    })
                    .collect();
                let played = notes(&bar, 0.0, &roll);
                assert_eq!(played.len(), roll.len());
                for pair in played.windows(2) {
                    let apart = (pair[1].onset_beat - pair[0].onset_beat) * 60_000.0 / tempo_bpm;
                    assert!(apart > 0.6 * gap_ms, "{apart:.1} of {gap_ms:.1} ms");
                }
            }
        }
    }
}
