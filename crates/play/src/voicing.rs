//! From chord symbols to keys under two hands: the cheapest path through candidate voicings.
//!
//! Every chord gets a few dozen candidates (rotations, octaves, drop-2 and drop-3 spreads of the
//! chord's tones and the colours that the brightness asks for). Dynamic programming over the bar,
//! starting from the voicing that sounded last, picks the path with the smallest motion; the
//! measure of motion is that of Tymoczko, "The geometry of musical chords", Science 313 (2006):
//! the sum of the voices' movements under the best pairing.

use backline_music::{Chord, Key, PitchClass, Quality};

use crate::style::VoicingRules;

/// Notes in a voicing at most.
const MAX_VOICES: usize = 6;
/// Candidates a chord that enter the search.
const BEAM: usize = 20;
/// What one hand spans, in semitones: a tenth.
pub(crate) const HAND_SPAN: u8 = 16;
/// Below this key (E3) two notes closer than a fifth sound muddy.
pub(crate) const MUD_KEY: u8 = 52;
/// Nothing lies below this key (A2): the bass plays there.
pub(crate) const LOWEST_KEY: u8 = 45;
/// Nothing lies above this key (C6).
pub(crate) const HIGHEST_KEY: u8 = 84;
/// From this key (C4) on a third may be doubled.
const BASS_REGISTER_END: u8 = 60;

/// Keys that sound together, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Voicing {
    keys: [u8; MAX_VOICES],
    len: u8,
}

impl Voicing {
    /// The voicing of these keys, sorted and without doubles; keys beyond the sixth are left out.
    pub(crate) fn of(keys: impl IntoIterator<Item = u8>) -> Self {
        let mut sorted: Vec<u8> = keys.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut voicing = Self::default();
        for key in sorted.into_iter().take(MAX_VOICES) {
            voicing.keys[usize::from(voicing.len)] = key;
            voicing.len += 1;
        }
        voicing
    }

    /// The keys, ascending.
    pub(crate) fn keys(&self) -> &[u8] {
        &self.keys[..usize::from(self.len)]
    }

    fn mean(&self) -> f64 {
        let sum: f64 = self.keys().iter().map(|&k| f64::from(k)).sum();
        sum / f64::from(self.len.max(1))
    }
}

/// What the search is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) rules: VoicingRules,
    /// 0 dark …= 1 bright.
    pub(crate) brightness: f64,
    /// −1 thin …= 1 full.
    pub(crate) density: f64,
    pub(crate) key: Option<Key>,
}

impl Wish {
    /// The key around which the voicings lie.
    fn centre(&self) -> f64 {
        f64::from(self.rules.centre) + 12.0 * (self.brightness - 0.5)
    }

    /// 0 plain …= 1 rich.
    fn colour(&self) -> f64 {
        (f64::from(self.rules.colour) + 1.2 * (self.brightness - 0.5)).clamp(0.0, 1.0)
    }

    fn voices(&self) -> usize {
        let more = if self.density > 0.55 {
            1
        } else if self.density < -0.55 {
            -1
        } else {
            0
        };
        usize::try_from(i32::from(self.rules.voices) + more).unwrap_or(3).clamp(3, 5)
    }
}

/// Tones above the root: those that make the chord what it is, those that may be left out or
/// doubled, and the colours that are added.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tones {
    essential: Vec<u8>,
    /// Best first.
    filling: Vec<u8>,
    colours: Vec<u8>,
}

/// The third (or what a suspension puts in its place), the seventh, and an altered fifth: what a
/// voicing must hold.
pub(crate) fn essential(quality: Quality) -> &'static [u8] {
    match quality {
        Quality::Maj => &[4],
        Quality::Min => &[3],
        Quality::Dom7 => &[4, 10],
        Quality::Maj7 => &[4, 11],
        Quality::Min7 => &[3, 10],
        Quality::Dim => &[3, 6],
        Quality::Aug => &[4, 8],
        Quality::Sus2 => &[2],
        Quality::Sus4 => &[5],
        Quality::Hdim7 => &[3, 6, 10],
        Quality::Dim7 => &[3, 6, 9],
    }
}

fn tones(chord: Chord, wish: &Wish) -> Tones {
    let colour = wish.colour();
    let in_key = |interval: i32| wish.key.is_none_or(|k| k.contains(chord.root.up(interval)));
    let known_in_key = |interval: i32| wish.key.is_some_and(|k| k.contains(chord.root.up(interval)));
    let fifth: &[u8] = match chord.quality {
        Quality::Dim | Quality::Hdim7 | Quality::Dim7 | Quality::Aug => &[],
        _ => &[7],
    };
    let mut colours = Vec::new();
    let mut add = |interval: u8, from: f64, allowed: bool| {
        if allowed && colour > from {
            colours.push(interval);
        }
    };
    match chord.quality {
        // The seventh only where the key has it, so that the chord keeps its function.
        Quality::Maj => {
            add(2, 0.45, in_key(2));
            add(11, 0.72, known_in_key(11) && !known_in_key(10));
            add(10, 0.85, known_in_key(10));
        }
        Quality::Min => {
            add(10, 0.45, in_key(10));
            add(2, 0.7, in_key(2));
        }
        Quality::Dom7 => {
            add(2, 0.4, in_key(2));
            add(9, 0.65, in_key(9));
        }
        Quality::Maj7 => add(2, 0.35, in_key(2)),
        Quality::Min7 => {
            add(2, 0.45, in_key(2));
            add(5, 0.8, in_key(5));
        }
        Quality::Sus4 => add(10, 0.7, known_in_key(10)),
        Quality::Sus2 | Quality::Dim | Quality::Aug | Quality::Hdim7 | Quality::Dim7 => {}
    }
    let mut filling = vec![0];
    filling.extend(fifth);
    Tones { essential: essential(chord.quality).to_vec(), filling, colours }
}

/// The sets of tones above the root that a voicing of `n` notes may be made of.
fn tone_sets(tones: &Tones, n: usize) -> Vec<Vec<u8>> {
    let mut core = tones.essential.clone();
    let colours = n.saturating_sub(core.len() + 1).min(tones.colours.len());
    core.extend(&tones.colours[..colours]);
    let mut sets = Vec::new();
    let room = n.saturating_sub(core.len());
    let rootless_ok = core.len() >= 3;
    match room {
        0 => sets.push(core),
        1 => {
            sets.push(with(&core, &[0]));
            if let Some(&fifth) = tones.filling.get(1).filter(|_| rootless_ok) {
                sets.push(with(&core, &[fifth])); // the bass has the root
            }
        }
        _ => sets.push(with(&core, &tones.filling)),
    }
    sets
}

fn with(core: &[u8], more: &[u8]) -> Vec<u8> {
    core.iter().chain(more).copied().collect()
}

/// The cheapest voicings of `chord` on its own, with their costs.
fn candidates(chord: Chord, wish: &Wish, noise: impl Fn(u64) -> f64) -> Vec<(Voicing, f64)> {
    let n = wish.voices();
    let sets = if wish.rules.power {
        let fifth = if chord.quality.intervals().contains(&7) { 7 } else { chord.quality.intervals()[2] };
        vec![vec![0, fifth]]
    } else {
        tone_sets(&tones(chord, wish), n)
    };
    let mut found: Vec<(Voicing, f64)> = Vec::new();
    for set in &sets {
        let mut pcs: Vec<u8> = set.iter().map(|&i| chord.root.up(i32::from(i)).index()).collect();
        pcs.sort_unstable();
        pcs.dedup();
        for rotation in 0..pcs.len() {
            let mut close: Vec<i32> = Vec::with_capacity(n);
            for k in 0..pcs.len() {
                let pc = i32::from(pcs[(rotation + k) % pcs.len()]);
                let above = close.last().map_or(36, |&last: &i32| last + 1);
                close.push(above + (pc - above).rem_euclid(12));
            }
            if wish.rules.power && pcs[rotation] != chord.root.index() {
                continue;
            }
            for stack in spreads(&close, n, chord.root) {
                for octave in 0..4 {
                    let keys: Vec<i32> = stack.iter().map(|k| k + 12 * octave).collect();
                    let Some(voicing) = playable(&keys, chord, wish.rules.power) else { continue };
                    if found.iter().all(|(v, _)| *v != voicing) {
                        let cost = own_cost(&voicing, wish) + noise(found.len() as u64);
                        found.push((voicing, cost));
                    }
                }
            }
        }
    }
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    found.truncate(BEAM);
    found
}

/// A close stack as it is, with its second or third voice from the top an octave lower, and with
/// the root or fifth doubled where notes are missing.
fn spreads(close: &[i32], n: usize, root: PitchClass) -> Vec<Vec<i32>> {
    let mut out = vec![close.to_vec()];
    for from_top in 2..=3 {
        if close.len() > from_top {
            let mut dropped = close.to_vec();
            let at = close.len() - from_top;
            dropped[at] -= 12;
            dropped.sort_unstable();
            out.push(dropped);
        }
    }
    if close.len() < n {
        for stack in out.clone() {
            let fifth = root.up(7);
            for doubled in stack.iter().filter(|&&k| {
                let pc = PitchClass::new(k);
                pc == root || pc == fifth
            }) {
                let mut fuller = stack.clone();
                fuller.push(doubled + 12);
                fuller.sort_unstable();
                fuller.dedup();
                out.push(fuller);
            }
        }
    }
    out
}

/// The keys as a voicing, if two hands can play it and it is clear in the depth.
fn playable(keys: &[i32], chord: Chord, power: bool) -> Option<Voicing> {
    let (low, high) = (*keys.first()?, *keys.last()?);
    let floor = if power { i32::from(LOWEST_KEY) - 5 } else { i32::from(LOWEST_KEY) };
    if low < floor || high > i32::from(HIGHEST_KEY) || keys.len() > MAX_VOICES {
        return None;
    }
    let muddy = keys.windows(2).any(|w| w[0] < i32::from(MUD_KEY) && w[1] - w[0] < 7);
    let third = match chord.quality.intervals().get(1) {
        Some(&third @ (3 | 4)) => Some(chord.root.up(i32::from(third))),
        _ => None,
    };
    let deep_third =
        keys.iter().filter(|&&k| k < i32::from(BASS_REGISTER_END) && Some(PitchClass::new(k)) == third);
    let all_thirds = keys.iter().filter(|&&k| Some(PitchClass::new(k)) == third);
    let doubled_deep = deep_third.count() > 0 && all_thirds.count() > 1;
    // A minor ninth, with or without octaves, is heard as a wrong note.
    let ninth = keys.iter().any(|low| keys.iter().any(|high| high - low > 12 && (high - low) % 12 == 1));
    let hands = (1..=keys.len()).any(|split| {
        let span = |hand: &[i32]| hand.last().zip(hand.first()).map_or(0, |(b, a)| b - a);
        span(&keys[..split]) <= i32::from(HAND_SPAN) && span(&keys[split..]) <= i32::from(HAND_SPAN)
    });
    if muddy || doubled_deep || ninth || !hands || keys.windows(2).any(|w| w[0] == w[1]) {
        return None;
    }
    let keys: Option<Vec<u8>> = keys.iter().map(|&k| u8::try_from(k).ok()).collect();
    Some(Voicing::of(keys?))
}

/// How well a voicing lies, apart from where it comes from.
fn own_cost(voicing: &Voicing, wish: &Wish) -> f64 {
    let keys = voicing.keys();
    // Hardly felt near the centre, so that voices are led freely; soon stronger than the voice-leading, so that a register that
    // is asked for is reached.
    let mut cost = 0.45 * (voicing.mean() - wish.centre()).powi(2);
    for pair in keys.windows(2) {
        let gap = pair[1] - pair[0];
        cost += match gap {
            1 => 2.5,
            2 => 0.6,
            10..=12 => 0.6,
            13.. => 2.0,
            _ => 0.0,
        };
    }
    // A semitone under the top note hides the melody that the top voice makes.
    if let [.., a, b] = keys
        && b - a == 1
    {
        cost += 5.0;
    }
    let span = f64::from(keys[keys.len() - 1] - keys[0]);
    cost + 0.25 * (span - 16.0).max(0.0)
}

/// How far the voices move: each to its nearest neighbour, both ways, the top voice counted again.
fn motion(from: &Voicing, to: &Voicing) -> f64 {
    let one_way = |a: &Voicing, b: &Voicing| -> f64 {
        a.keys()
            .iter()
            .map(|&x| b.keys().iter().map(|&y| f64::from(x.abs_diff(y))).fold(f64::INFINITY, f64::min))
            .sum::<f64>()
    };
    if from.len == 0 || to.len == 0 {
        return 0.0;
    }
    let (down, up) = (one_way(from, to), one_way(to, from));
    let top = f64::from(from.keys()[from.keys().len() - 1].abs_diff(to.keys()[to.keys().len() - 1]));
    0.5 * (down + up) + 0.3 * top
}

/// The voicings of `chords`, led from `last`.
pub(crate) fn lead(
    chords: &[Chord],
    last: Option<Voicing>,
    wish: &Wish,
    noise: impl Fn(u64) -> f64,
) -> Vec<Voicing> {
    let mut table: Vec<Vec<(Voicing, f64, usize)>> = Vec::new();
    for (i, &chord) in chords.iter().enumerate() {
        let from = |to: &Voicing| -> (f64, usize) {
            let Some(column) = table.last() else {
                return (last.map_or(0.0, |v| motion(&v, to)), 0);
            };
            let mut best = (f64::INFINITY, 0);
            for (k, (voicing, cost, _)) in column.iter().enumerate() {
                let total = cost + motion(voicing, to);
                if total < best.0 {
                    best = (total, k);
                }
            }
            if best.0.is_finite() { best } else { (0.0, 0) }
        };
        let column = candidates(chord, wish, |k| noise((i as u64) << 16 | k))
            .into_iter()
            .map(|(voicing, own)| {
                let (before, link) = from(&voicing);
                (voicing, before + own, link)
            })
            .collect();
        table.push(column);
    }
    let Some(end) = table.last() else { return Vec::new() };
    let mut at = end.iter().enumerate().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map_or(0, |(k, _)| k);
    let mut path = vec![Voicing::default(); table.len()];
    for (slot, column) in path.iter_mut().zip(&table).rev() {
        if let Some((voicing, _, link)) = column.get(at) {
            (*slot, at) = (*voicing, *link);
        }
    }
    path
}

/// Root and fifth alone, near the centre: what is played while the harmony is unsure.
pub(crate) fn hint(chord: Chord, wish: &Wish) -> Voicing {
    let intervals = chord.quality.intervals();
    let fifth = intervals.get(2).copied().unwrap_or(7);
    let centre = wish.centre() - 4.0;
    let root = (MUD_KEY - 4..MUD_KEY + 20)
        .filter(|&k| PitchClass::of_key(k) == chord.root)
        .min_by(|&a, &b| (f64::from(a) - centre).abs().total_cmp(&(f64::from(b) - centre).abs()))
        .unwrap_or(MUD_KEY);
    // A diminished or augmented fifth would say more than is known.
    let fifth = if fifth == 7 { vec![root, root + 7] } else { vec![root] };
    Voicing::of(fifth)
}

#[cfg(test)]
mod tests;
