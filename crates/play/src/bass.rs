//! The bass: the style's pattern on the harmony, with the kick, in one voice.

use backline_music::{Chord, Part, PitchClass, PlannedBar};

use crate::bar::{Bar, Harmony, leads_here};
use crate::dice::Purpose;
use crate::frame::{Step, TICKS};
use crate::render::Stroke;
use crate::style::{BassLine, BassStep};

/// The stream of random numbers.
const BASS: u64 = 3;
/// E1, the lowest string.
pub(crate) const LOWEST_KEY: u8 = 28;
/// G3, where the neck gets thin.
pub(crate) const HIGHEST_KEY: u8 = 55;
/// Roots lie between E1 and this key (E♭2 and a little above), so that fifths and octaves have room.
const HIGHEST_ROOT: u8 = 41;
/// From this key (G2) on the line stands high, and the next root may, too: a fall of more than an octave would break it.
const HIGH: u8 = 43;
/// The highest root of a line that stands high (A2).
const HIGHEST_ROOT_OF_HIGH: u8 = 45;
/// Two semitones: a root that lies no further from the line is stepped to.
const STEP: u8 = 2;
const LEVEL: f64 = 0.88;

/// A note of the line, on the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pluck {
    tick: i32,
    end: i32,
    key: u8,
    level: f64,
    dead: bool,
}

/// The strokes of the bar. `kicks` are the ticks at which the bass drum sounds, `ahead` those at which the
/// chords strike what comes next.
pub(crate) fn play(bar: &Bar, kicks: &[i32], ahead: &[i32], previous: Option<&PlannedBar>) -> Vec<Stroke> {
    let (last, before) = (last_key(previous), last_chord(previous));
    let pattern = choose(bar);
    // Where octaves are written, there is room for them.
    let with_octaves = pattern.steps.steps().contains(&BassStep::Octave);
    let high_root = if with_octaves { HIGHEST_KEY - 12 } else { HIGHEST_ROOT_OF_HIGH };
    let mut player = Player { bar, kicks, ahead, last, before, high_root, line: Vec::new() };
    for harmony in &bar.harmony {
        match harmony.chord {
            Some(chord) if bar.form.stops() => {
                player.stop(chord, harmony);
                break;
            }
            Some(chord) if harmony.is_unsure() => player.hint(chord, harmony),
            Some(chord) => player.follow(chord, harmony, pattern),
            None => {}
        }
    }
    let gate = f64::from(bar.style.gate).max(0.6);
    player.line.iter().map(|p| stroke(bar, p, gate)).collect()
}

fn last_key(previous: Option<&PlannedBar>) -> Option<u8> {
    leads_here(previous)?.notes.iter().rev().find(|n| n.part == Part::Bass).map(|n| n.key)
}

fn last_chord(previous: Option<&PlannedBar>) -> Option<Chord> {
    previous?.chords.last()?.chord
}

fn choose<'a>(bar: &Bar<'a>) -> &'a BassLine {
    let all = &bar.style.bass;
    let own = all.iter().any(|b| b.metre == bar.metre);
    let metre = if own { bar.metre } else { bar.style.metres[0] };
    let pool: Vec<&BassLine> = all.iter().filter(|b| b.metre == metre).collect();
    let pool = if pool.is_empty() { all.iter().collect() } else { pool };
    let aim = (0.85 * bar.energy + 0.1).clamp(0.0, 1.0);
    pool[bar.choose(BASS, 0, aim, pool.iter().map(|b| b.energy))]
}

struct Player<'a> {
    bar: &'a Bar<'a>,
    kicks: &'a [i32],
    ahead: &'a [i32],
    last: Option<u8>,
    /// The chord that the bar before ended on.
    before: Option<Chord>,
    /// The highest root where the line stands high.
    high_root: u8,
    line: Vec<Pluck>,
}

/// Whether `key` is on the instrument.
fn on_neck(key: i32) -> Option<u8> {
    u8::try_from(key).ok().filter(|k| (LOWEST_KEY..=HIGHEST_KEY).contains(k))
}

/// The key of `pc` in `low..=high` that lies nearest to `to`.
fn nearest(pc: PitchClass, to: u8, low: u8, high: u8) -> u8 {
    (low..=high).filter(|&k| PitchClass::of_key(k) == pc).min_by_key(|&k| (k.abs_diff(to), k)).unwrap_or(low)
}

/// The chord's fifth, in semitones above its root.
fn fifth(chord: Chord) -> u8 {
    chord.quality.intervals().get(2).copied().unwrap_or(7)
}

/// Whether nothing is plucked there.
fn is_pause(what: BassStep) -> bool {
    matches!(what, BassStep::Hold | BassStep::Rest)
}

impl Player<'_> {
    /// The chord's lowest note, near where the line is and low on the neck.
    fn root_key(&self, pc: PitchClass) -> u8 {
        if let Some(last) = self.last {
            let near = nearest(pc, last, LOWEST_KEY, self.high_root);
            if near.abs_diff(last) <= STEP {
                return near;
            }
        }
        let towards = self.last.map_or(34, |k| ((u16::from(k) + 34) / 2) as u8);
        nearest(pc, towards, LOWEST_KEY, self.highest_root())
    }

    fn highest_root(&self) -> u8 {
        if self.last.is_some_and(|k| k >= HIGH) { self.high_root } else { HIGHEST_ROOT }
    }

    /// One root over the bar: what a groove plays first may be a fifth.
    fn stop(&mut self, chord: Chord, harmony: &Harmony) {
        let key = self.root_key(if harmony.is_unsure() { chord.root } else { chord.bass });
        self.put(Pluck { tick: 0, end: self.bar.ticks, key, level: 1.0, dead: false });
    }

    fn hint(&mut self, chord: Chord, harmony: &Harmony) {
        let key = self.root_key(chord.root);
        self.put(Pluck { tick: harmony.start, end: harmony.end, key, level: 0.6, dead: false });
    }

    fn put(&mut self, pluck: Pluck) {
        if let Some(last) = self.line.last_mut() {
            last.end = last.end.min(pluck.tick);
        }
        if !pluck.dead {
            self.last = Some(pluck.key);
        }
        self.line.push(pluck);
    }

    fn follow(&mut self, chord: Chord, harmony: &Harmony, pattern: &BassLine) {
        let bar = self.bar;
        let steps = bar.steps(pattern.metre);
        let written = pattern.steps.bar(bar.bar_in_phrase);
        let mut root = self.root_key(chord.bass);
        let mut sounding = false;
        let inside: Vec<&Step> =
            steps.iter().filter(|s| (harmony.start..harmony.end).contains(&s.tick)).collect();
        let written: Vec<BassStep> = inside
            .iter()
            .map(|step| match written.get(step.source).copied().unwrap_or(BassStep::Rest) {
                what if step.time_only && what != BassStep::Walk => BassStep::Hold,
                what => what,
            })
            .collect();
        // Who walks lets the others be ahead.
        let walks = written.contains(&BassStep::Walk);
        let ahead = self.ahead.iter().find(|t| !walks && (harmony.start..harmony.end).contains(*t));
        let mut joined = false;
        let first_line = self.line.len();
        for (i, step) in inside.into_iter().enumerate() {
            let after = &written[i + 1..];
            let first = self.line.len() == first_line;
            let mut what = self.adapt(written[i], step, harmony, pattern.lock, sounding, first);
            let joins = !is_pause(what) && what != BassStep::Ghost || is_pause(what) && sounding && !joined;
            if joins && ahead.is_some_and(|&from| step.tick >= from) {
                (what, joined) = (BassStep::Next, true);
            } else if what == BassStep::Next && !after.iter().copied().all(is_pause) {
                what = BassStep::Root;
            }
            let end = step.tick + step.ticks;
            match self.key_of(what, chord, harmony, root, step, after) {
                Some(key) => {
                    if what == BassStep::Next {
                        root = key;
                    }
                    let dead = what == BassStep::Ghost;
                    let level = self.level(step, what);
                    self.put(Pluck { tick: step.tick, end, key, level, dead });
                    sounding = !dead;
                }
                None if what == BassStep::Rest => sounding = false,
                None => {
                    if let Some(last) = self.line.last_mut().filter(|_| sounding) {
                        last.end = end;
                    }
                }
            }
        }
        if self.line.len() == first_line && harmony.end - harmony.start >= TICKS.min(bar.ticks / 2) {
            let end = (harmony.start + TICKS).min(harmony.end);
            self.put(Pluck { tick: harmony.start, end, key: root, level: 0.8, dead: false });
        }
    }

    /// What is played at a step once kick, harmony and density have had their say.
    /// `first` where nothing has sounded under this harmony.
    fn adapt(
        &self,
        what: BassStep,
        step: &Step,
        harmony: &Harmony,
        lock: f32,
        sounding: bool,
        first: bool,
    ) -> BassStep {
        let bar = self.bar;
        let kick = self.kicks.contains(&step.tick);
        let item = u64::from(step.tick.unsigned_abs());
        let held = matches!(what, BassStep::Hold | BassStep::Rest | BassStep::RootOnKick);
        // A new chord begins with its bass note, if the line was sounding or the kick is there.
        let changes = step.tick == harmony.start && harmony.start > 0;
        if changes && (sounding || kick || what != BassStep::Rest || harmony.end - harmony.start >= TICKS) {
            return if what == BassStep::Walk { what } else { BassStep::Root };
        }
        // The second bar of a pattern may begin on the fifth: only where the chord has gone on.
        let opens = step.tick == 0 && harmony.chord != self.before;
        if opens && !held && !matches!(what, BassStep::Walk | BassStep::Ghost) {
            return BassStep::Root;
        }
        // Nor does a new chord begin on another of its tones later, unless its bass note was anticipated.
        let is_new = harmony.start > 0 || harmony.chord != self.before;
        let told = harmony.chord.is_some_and(|c| self.last.map(PitchClass::of_key) == Some(c.bass));
        let other = matches!(what, BassStep::Third | BassStep::Fifth | BassStep::Sixth | BassStep::Seventh);
        if first && is_new && other && !told {
            return BassStep::Root;
        }
        match what {
            BassStep::RootOnKick if kick => BassStep::Root,
            BassStep::RootOnKick => BassStep::Hold,
            _ if held && kick && lock > 0.0 => {
                let prob = f64::from(lock) * (1.0 + 0.7 * bar.density.min(0.0));
                if bar.happens(BASS, item, prob) { BassStep::Root } else { what }
            }
            BassStep::Hold | BassStep::Rest => {
                let prob = match step.weight {
                    2 => 0.6,
                    1 => 0.5,
                    _ => 0.25,
                } * bar.density;
                if prob > 0.0 && bar.happens(BASS, 1 << 32 | item, prob) {
                    if bar.dice(BASS).at(Purpose::Line, item) < 0.6 {
                        BassStep::Root
                    } else {
                        BassStep::Octave
                    }
                } else {
                    what
                }
            }
            _ if bar.density < 0.0 && step.weight < 3 => {
                let worth = match (kick, step.weight) {
                    (true, _) => 0.7,
                    (false, 2) => 0.45,
                    _ => 0.2,
                };
                let worth = if what == BassStep::Ghost { 0.0 } else { worth };
                let stays = bar.happens(BASS, 2 << 32 | item, 1.0 + bar.density * (1.0 - worth));
                if stays { what } else { BassStep::Hold }
            }
            _ => what,
        }
    }

    fn level(&self, step: &Step, what: BassStep) -> f64 {
        let level = match step.weight {
            3 => 1.0,
            2 => 0.92,
            1 => 0.84,
            _ => 0.78,
        };
        if what == BassStep::Ghost {
            0.4
        } else if self.kicks.contains(&step.tick) {
            f64::min(level + 0.06, 1.0)
        } else {
            level
        }
    }

    /// `after` is what is written after the step under the same harmony.
    fn key_of(
        &self,
        what: BassStep,
        chord: Chord,
        harmony: &Harmony,
        root: u8,
        step: &Step,
        after: &[BassStep],
    ) -> Option<u8> {
        let tone = |interval: u8| self.tone(chord.root.up(i32::from(interval)), root, after);
        let intervals = chord.quality.intervals();
        Some(match what {
            BassStep::Rest | BassStep::Hold => return None,
            BassStep::Root | BassStep::RootOnKick => root,
            BassStep::Ghost => self.last.unwrap_or(root),
            BassStep::Octave => on_neck(i32::from(root) + 12).unwrap_or(root),
            BassStep::Third => tone(*intervals.get(1)?),
            BassStep::Fifth => tone(fifth(chord)),
            BassStep::Sixth => tone(self.sixth(chord)),
            BassStep::Seventh => tone(intervals.get(3).copied().unwrap_or(0)),
            BassStep::Approach => {
                self.approach(chord, harmony, root, step, after.contains(&BassStep::Approach))
            }
            BassStep::Next => harmony.next.map_or(root, |next| self.root_key(next.bass)),
            BassStep::Walk => self.walk(chord, harmony, root, step),
        })
    }

    /// The key of `pc` that lies nearest to where the line is and, if a root or an octave follows, is to go: at once or after
    /// other tones, which lie between.
    fn tone(&self, pc: PitchClass, root: u8, after: &[BassStep]) -> u8 {
        let last = self.last.unwrap_or(root);
        let leads_on = |s: &BassStep| matches!(s, BassStep::Approach | BassStep::Next | BassStep::Walk);
        let to = after.iter().take_while(|s| !leads_on(s)).find_map(|s| match s {
            BassStep::Root | BassStep::RootOnKick => Some(root),
            BassStep::Octave => on_neck(i32::from(root) + 12),
            _ => None,
        });
        let way = |k: u8| u16::from(k.abs_diff(last)) + to.map_or(0, |to| u16::from(k.abs_diff(to)));
        (LOWEST_KEY..=HIGHEST_KEY)
            .filter(|&k| PitchClass::of_key(k) == pc)
            .min_by_key(|&k| (way(k), k))
            .unwrap_or(root)
    }

    /// The sixth above the root; over a minor chord whose key has none, the seventh.
    fn sixth(&self, chord: Chord) -> u8 {
        let intervals = chord.quality.intervals();
        let in_key = self.bar.key.is_some_and(|key| key.contains(chord.root.up(9)));
        if intervals.get(1) == Some(&3) && !in_key { intervals.get(3).copied().unwrap_or(10) } else { 9 }
    }

    /// A step next to the note that follows: from below, from above, or its fifth. Where another comes
    /// `again`, this one lies a whole tone away, so that the other goes on between them.
    fn approach(&self, chord: Chord, harmony: &Harmony, root: u8, step: &Step, again: bool) -> u8 {
        let Some(next) = harmony.next.filter(|n| n.bass != chord.bass) else {
            return self.tone(chord.root.up(i32::from(fifth(chord))), root, &[]);
        };
        let target =
            i32::from(nearest(next.bass, self.last.unwrap_or(root), LOWEST_KEY, self.highest_root()));
        let from_below = self.last.is_none_or(|k| i32::from(k) <= target);
        let dice = self.bar.dice(BASS).at(Purpose::Line, 1 << 32 | u64::from(step.tick.unsigned_abs()));
        let in_key = |k: i32| self.bar.key.is_none_or(|key| key.contains(PitchClass::new(k)));
        let (near, far) = if from_below { (target - 1, target - 2) } else { (target + 1, target + 2) };
        if again {
            let free = |k: i32| on_neck(k).filter(|&k| self.last != Some(k));
            return free(far).or_else(|| free(2 * target - far)).unwrap_or(root);
        }
        let chromatic = dice < 0.35 + 0.35 * self.bar.temperature;
        let key = if chromatic || in_key(near) || !in_key(far) { near } else { far };
        // The same note again would not lead anywhere.
        let key = if self.last.is_some_and(|k| i32::from(k) == key) { near + far - key } else { key };
        on_neck(key).or_else(|| on_neck(target + 1)).unwrap_or(root)
    }

    /// A walking line: the root where the chord begins, an approach where it ends, and chord tones
    /// and steps on the way there.
    fn walk(&self, chord: Chord, harmony: &Harmony, root: u8, step: &Step) -> u8 {
        if step.tick == harmony.start {
            return root;
        }
        let last = self.last.unwrap_or(root);
        let left = harmony.end - step.tick;
        if left <= TICKS && harmony.next.is_some_and(|n| n.bass != chord.bass) {
            return self.approach(chord, harmony, root, step, false);
        }
        let strong = (step.tick - harmony.start) % (2 * TICKS) == 0;
        let target = harmony.next.map_or(root, |n| nearest(n.bass, last, LOWEST_KEY, HIGHEST_ROOT + 5));
        let scale_has = |pc: PitchClass| match self.bar.key {
            Some(key) => key.contains(pc),
            None => chord.contains(pc),
        };
        let dice = self.bar.dice(BASS);
        let mut best = (f64::INFINITY, root);
        for key in last.saturating_sub(7).max(LOWEST_KEY)..=last.saturating_add(7).min(HIGHEST_KEY - 3) {
            let pc = PitchClass::of_key(key);
            let tone = chord.tones().any(|t| t == pc);
            let before = self.line.iter().rev().nth(1).map(|p| p.key);
            if key == last || !(tone || (!strong && scale_has(pc))) {
                continue;
            }
            let leap = f64::from(key.abs_diff(last));
            let beats_left = f64::from(left) / f64::from(TICKS);
            let ahead = f64::from(key.abs_diff(target));
            let item = 2 << 32 | u64::from(step.tick.unsigned_abs()) << 8 | u64::from(key);
            let cost = if leap > 4.0 { leap * 0.9 } else { leap * 0.35 }
                + (ahead - 2.0 * beats_left).abs() * 0.35
                + f64::from(key.abs_diff(38)) * 0.12
                + if tone { 0.0 } else { 0.8 }
                // A line that turns back to where it came from does not walk.
                + if before == Some(key) { 2.5 } else { 0.0 }
                + if strong && key == root { 1.5 } else { 0.0 }
                + dice.at(Purpose::Line, item) * (0.8 + 4.0 * self.bar.temperature);
            if cost < best.0 {
                best = (cost, key);
            }
        }
        best.1
    }
}

fn stroke(bar: &Bar, pluck: &Pluck, gate: f64) -> Stroke {
    let length = f64::from(pluck.end - pluck.tick);
    let gate = match pluck {
        Pluck { dead: true, .. } => 0.4,
        // Held notes are held; single steps are as short as the style plucks them.
        _ if pluck.end - pluck.tick > TICKS / 2 => 0.97,
        _ => gate,
    };
    #[allow(clippy::cast_possible_truncation)] // within a bar
    let end_tick = pluck.tick + ((length * gate) as i32).max(TICKS / 16);
    Stroke {
        part: Part::Bass,
        key: pluck.key,
        tick: pluck.tick,
        end_tick,
        level: LEVEL * pluck.level,
        late_ms: f64::from(bar.style.feel_ms.bass),
        group: 2,
    }
}
