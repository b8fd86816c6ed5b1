//! Which of the tempi that go together is the beat: 93 or 186, the dotted quarter or the quarter.
//!
//! The bar pointer follows whatever repeats, and half or double the tempo repeats as well. A small net, learnt from
//! music whose beat is known (`models/training/backline_training/octave`), judges whole grids of beats by what lies on
//! them and between them: how like beats the one and the other are, where kick, snare and hat fall, how fast it is. A stream is
//! judged from its first four beats on by what the last seconds were, a recording by all of it: they have a judge each.

use super::net::{METRES, NetFrame, VOICES};

/// Written by `models/training` (`octave`).
const OF_STREAMS: &str = include_str!("../../data_rhythm/octave_stream.txt");
const OF_RECORDINGS: &str = include_str!("../../data_rhythm/octave_recording.txt");
/// Tempi between which the tempo is told by two neighbouring weights.
const TEMPI_BPM: [f64; 7] = [40.0, 53.0, 70.0, 92.0, 122.0, 161.0, 212.0];
/// What is told of places: on the beat, half of it on, a quarter before and after that, at its thirds.
const PLACES: [&[f64]; 4] = [&[0.0], &[0.5], &[0.25, 0.75], &[1.0 / 3.0, 2.0 / 3.0]];
/// Values by which a grid is judged.
pub const FEATURES: usize = TEMPI_BPM.len() + PLACES.len() * (3 + VOICES) + 10 + METRES.len();
/// Logits are read up to this, and divided by it.
const MOST_LOGIT: f32 = 6.0;
/// Grids with fewer beats cannot be judged.
pub const FEWEST_BEATS: usize = 4;
/// Slowest and fastest grid that may be a beat, in beats a minute.
const RANGE_BPM: (f64, f64) = (38.0, 250.0);

/// Ratios of the tempo of a grid that is made from another to that one's, and by how much of its own period it is shifted.
pub const RELATIVES: [(f64, f64); 14] = [
    (1.0, 0.0),
    (1.0, 0.5),
    (2.0, 0.0),
    (0.5, 0.0),
    (0.5, 0.5),
    (3.0, 0.0),
    (1.0 / 3.0, 0.0),
    (1.0 / 3.0, 1.0 / 3.0),
    (1.0 / 3.0, 2.0 / 3.0),
    (1.5, 0.0),
    (1.5, 0.5),
    (2.0 / 3.0, 0.0),
    (2.0 / 3.0, 1.0 / 3.0),
    (2.0 / 3.0, 2.0 / 3.0),
];

/// The grid that goes at `ratio` times the tempo of `beats` (frames), shifted by `shift` of its own beats.
pub fn relative(beats: &[f64], (ratio, shift): (f64, f64)) -> Vec<f64> {
    let last = beats.len().saturating_sub(1) as f64;
    let mut grid = Vec::new();
    let mut place = shift / ratio;
    while place <= last + 1e-9 {
        let i = (place as usize).min(beats.len().saturating_sub(2));
        let (Some(a), Some(b)) = (beats.get(i), beats.get(i + 1)) else { break };
        grid.push(a + (place - i as f64) * (b - a));
        place += 1.0 / ratio;
    }
    grid
}

/// Values that a place is described by: beat, onset, the voices, downbeat.
const DESCRIBED: usize = 3 + VOICES;
const BEAT: usize = 0;
const VOICE: usize = 2;
const DOWNBEAT: usize = DESCRIBED - 1;

/// A frame as a place is described.
fn described(frame: &NetFrame) -> [f32; DESCRIBED] {
    let logit = |x: f32| x.clamp(-MOST_LOGIT, MOST_LOGIT) / MOST_LOGIT;
    let mut values = [0.0; DESCRIBED];
    (values[BEAT], values[BEAT + 1]) = (logit(frame.activations.beat), frame.onset);
    (values[VOICE..DOWNBEAT].iter_mut().zip(frame.strokes)).for_each(|(value, (prob, _))| *value = prob);
    values[DOWNBEAT] = logit(frame.activations.downbeat);
    values
}

/// What was said at places of a grid.
struct Places<'a> {
    frames: &'a [NetFrame],
    beats: &'a [f64],
}

impl Places<'_> {
    /// What is largest in the three frames around `place`.
    fn at(&self, place: f64) -> [f32; DESCRIBED] {
        let middle = (place + 0.5) as usize;
        let around = middle.saturating_sub(1).min(self.frames.len())..(middle + 2).min(self.frames.len());
        let largest = |a: [f32; DESCRIBED], b: [f32; DESCRIBED]| std::array::from_fn(|i| a[i].max(b[i]));
        self.frames[around].iter().map(described).fold([f32::NEG_INFINITY; DESCRIBED], largest)
    }

    /// The means over all beats of what is found at `parts` of the way to the next.
    fn mean(&self, parts: &[f64]) -> [f32; DESCRIBED] {
        let pairs = self.beats.windows(2);
        let n = (pairs.len() * parts.len()).max(1) as f32;
        let found = pairs.flat_map(|w| parts.iter().map(move |part| w[0] + part * (w[1] - w[0])));
        let mut sums = [0.0; DESCRIBED];
        found.for_each(|place| sums.iter_mut().zip(self.at(place)).for_each(|(sum, x)| *sum += x));
        sums.map(|sum| sum / n)
    }

    /// Describes every beat.
    fn beats(&self) -> Vec<[f32; DESCRIBED]> {
        self.beats.iter().map(|beat| self.at(*beat)).collect()
    }
}

/// The mean of a value over every `OF`th of `beats`, from each of the first `OF`; of all beats, where there are not so many.
fn by_turn<const OF: usize>(beats: &[[f32; DESCRIBED]], value: usize) -> [f32; OF] {
    let (mut sums, mut n) = ([0.0; OF], [0.0; OF]);
    for (i, beat) in beats.iter().enumerate() {
        sums[i % OF] += beat[value];
        n[i % OF] += 1.0;
    }
    let mean = sums.iter().sum::<f32>() / beats.len().max(1) as f32;
    std::array::from_fn(|i| if n[i] > 0.0 { sums[i] / n[i] } else { mean })
}

/// How much the largest of some means stands above the mean of all.
fn prominence(means: &[f32]) -> f32 {
    let mean = means.iter().sum::<f32>() / means.len() as f32;
    means.iter().copied().fold(f32::NEG_INFINITY, f32::max) - mean
}

/// Describes the grid `beats` (places in `frames`, rising) for the judge; `None` where it is too short or no beat.
pub fn features(frames: &[NetFrame], beats: &[f64]) -> Option<[f32; FEATURES]> {
    let (first, last) = (*beats.first()?, *beats.last()?);
    let bpm = 60.0 * super::RHYTHM_FPS * (beats.len() - 1) as f64 / (last - first);
    if beats.len() < FEWEST_BEATS || !(RANGE_BPM.0..=RANGE_BPM.1).contains(&bpm) || frames.len() < 3 {
        return None;
    }
    let places = Places { frames, beats };
    let mut x = [0.0; FEATURES];
    let (tempo, mut rest) = x.split_at_mut(TEMPI_BPM.len());
    let above = TEMPI_BPM.partition_point(|t| *t <= bpm);
    match above {
        0 => tempo[0] = 1.0,
        above if above == TEMPI_BPM.len() => tempo[above - 1] = 1.0,
        above => {
            let part =
                libm::log(bpm / TEMPI_BPM[above - 1]) / libm::log(TEMPI_BPM[above] / TEMPI_BPM[above - 1]);
            (tempo[above - 1], tempo[above]) = (1.0 - part as f32, part as f32);
        }
    }
    let mut put = |values: &[f32]| {
        let (here, after) = std::mem::take(&mut rest).split_at_mut(values.len());
        here.copy_from_slice(values);
        rest = after;
    };
    let at_places = PLACES.map(|parts| places.mean(parts));
    at_places.iter().for_each(|means| put(&means[..DOWNBEAT]));
    // A downbeat between its beats speaks against a grid.
    put(&at_places.map(|means| means[DOWNBEAT]));
    let at_beats = places.beats();
    let [even, odd] = by_turn::<2>(&at_beats, BEAT);
    put(&[(even - odd).abs()]);
    put(&[prominence(&by_turn::<2>(&at_beats, DOWNBEAT))]);
    put(&[prominence(&by_turn::<3>(&at_beats, DOWNBEAT))]);
    put(&[prominence(&by_turn::<4>(&at_beats, DOWNBEAT))]);
    put(&[prominence(&by_turn::<6>(&at_beats, DOWNBEAT)), prominence(&by_turn::<3>(&at_beats, BEAT))]);
    // Kick on one beat and snare on the other.
    let [kick, snare, hat] = [0, 1, 2].map(|voice| {
        let [even, odd] = by_turn::<2>(&at_beats, VOICE + voice);
        even - odd
    });
    let kick_first = if kick < 0.0 { -1.0 } else { 1.0 };
    put(&[kick.abs(), -snare * kick_first, hat * kick_first]);
    // Of few beats less can be told.
    put(&[FEWEST_BEATS as f32 / beats.len() as f32]);
    let from = (first as usize).min(frames.len() - 1);
    let heard = &frames[from..(last as usize).clamp(from + 1, frames.len())];
    put(&std::array::from_fn::<f32, { METRES.len() }, _>(|m| {
        heard.iter().map(|f| f.activations.metres[m]).sum::<f32>() / heard.len() as f32
    }));
    Some(x)
}

/// The judge: one hidden layer.
pub struct Judge {
    hidden: Vec<Vec<f32>>,
    out: Vec<f32>,
}

impl Judge {
    /// The judge of a stream's last seconds.
    pub fn of_streams() -> Self {
        Self::read(OF_STREAMS)
    }

    /// The judge of whole recordings.
    pub fn of_recordings() -> Self {
        Self::read(OF_RECORDINGS)
    }

    /// Of a damaged file nothing is believed: all grids are as good.
    fn read(data: &str) -> Self {
        let mut judge = Self { hidden: Vec::new(), out: Vec::new() };
        for line in data.lines() {
            let mut words = line.split_ascii_whitespace();
            let name = words.next().unwrap_or_default();
            let row: Vec<f32> = words.filter_map(|w| w.parse().ok()).collect();
            match name {
                "hidden" if row.len() == FEATURES + 1 => judge.hidden.push(row),
                "out" => judge.out = row,
                _ => {}
            }
        }
        if judge.out.len() != judge.hidden.len() {
            judge.out.clear();
        }
        judge
    }

    /// How much like the beat a grid is, as log odds against the others.
    pub fn score(&self, x: &[f32; FEATURES]) -> f32 {
        let affine = |row: &[f32]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + row[FEATURES];
        self.hidden.iter().zip(&self.out).map(|(row, w)| w * libm::tanhf(affine(row))).sum()
    }
}

/// What the judge says of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Ratios to the grid's tempo, likeliest first, each with its probability. They sum to 1.
    pub ratios: Vec<(f64, f32)>,
}

impl Judge {
    /// Judges the grid `beats` (places in `frames`, rising) and all that go with it; `None` where it is too short.
    pub fn judge(&self, frames: &[NetFrame], beats: &[f64]) -> Option<Verdict> {
        if self.out.is_empty() || beats.len() < FEWEST_BEATS {
            return None;
        }
        let mut ratios: Vec<(f64, f32)> = Vec::new();
        for related in RELATIVES {
            let Some(x) = features(frames, &relative(beats, related)) else { continue };
            let likelihood = libm::expf(self.score(&x).clamp(-30.0, 30.0));
            match ratios.iter_mut().find(|(ratio, _)| *ratio == related.0) {
                Some(entry) => entry.1 += likelihood,
                None => ratios.push((related.0, likelihood)),
            }
        }
        let sum: f32 = ratios.iter().map(|r| r.1).sum();
        ratios.iter_mut().for_each(|r| r.1 /= sum);
        ratios.sort_by(|a, b| b.1.total_cmp(&a.1));
        (!ratios.is_empty()).then_some(Verdict { ratios })
    }
}

#[cfg(test)]
mod tests {
    use super::super::net::Activations;
    use super::*;

    /// Frames of a plain rock beat: kick and snare in turn every `period` frames, hats between them as well.
    fn rock(period: usize, frames: usize) -> Vec<NetFrame> {
        let frame = |i: usize| {
            let mut said = NetFrame { activations: Activations::default(), ..NetFrame::default() };
            if i.is_multiple_of(period) {
                let turn = i / period % 4;
                said.activations.beat = 2.5;
                said.activations.downbeat = if turn == 0 { 1.5 } else { -4.0 };
                said.strokes[turn % 2].0 = 0.9;
            }
            if i.is_multiple_of(period / 2) {
                (said.strokes[2].0, said.onset) = (0.8, 0.9);
            }
            said
        };
        (0..frames).map(frame).collect()
    }

    fn grid(period: f64, frames: usize) -> Vec<f64> {
        (0..).map(|i| f64::from(i) * period).take_while(|at| *at < frames as f64).collect()
    }

    #[test]
    fn relatives_go_at_their_ratio_from_their_shift() {
        let beats = grid(30.0, 301);
        assert_eq!(relative(&beats, (2.0, 0.0)), grid(15.0, 301));
        assert_eq!(relative(&beats, (0.5, 0.5)), [30.0, 90.0, 150.0, 210.0, 270.0]);
        assert_eq!(relative(&beats, (2.0 / 3.0, 0.0)), grid(45.0, 301));
        assert_eq!(relative(&beats, (1.0, 0.5))[..2], [15.0, 45.0]);
        assert!(relative(&[], (1.0, 0.0)).is_empty() && relative(&[7.0], (2.0, 0.0)).is_empty());
    }

    #[test]
    fn a_rock_beat_is_told_from_its_double_and_its_half() {
        // 100 beats a minute for twelve seconds, and of a stream the first five as well.
        for (judge, frames) in
            [(Judge::of_recordings(), 600), (Judge::of_streams(), 600), (Judge::of_streams(), 250)]
        {
            let said = rock(30, frames);
            for (period, ratio) in [(30.0, 1.0), (15.0, 0.5), (60.0, 2.0)] {
                let verdict = judge.judge(&said, &grid(period, frames)).unwrap();
                assert_eq!(verdict.ratios[0].0, ratio, "{period}: {verdict:?}");
                assert!(verdict.ratios[0].1 > 0.5, "{verdict:?}");
                assert!((verdict.ratios.iter().map(|r| r.1).sum::<f32>() - 1.0).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn what_is_too_short_or_no_beat_is_not_judged() {
        let (frames, judge) = (rock(30, 600), Judge::of_streams());
        assert_eq!(judge.judge(&frames, &grid(30.0, 90)), None, "three beats");
        assert_eq!(judge.judge(&frames, &[]), None);
        assert_eq!(features(&frames, &grid(5.0, 600)), None, "600 beats a minute");
        assert_eq!(features(&[], &grid(30.0, 600)), None);
    }
}
