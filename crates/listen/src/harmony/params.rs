//! The learnt numbers: read once from the text that is built into the program.
//!
//! `models/harmony_hmm/train.py` writes the files; each line is a name followed by numbers.

use std::sync::OnceLock;

use crate::lanes::{LANES, Lanes};

/// Chord classes with a chord: root × 11 + quality, root 0 = C, quality as in `Quality::ALL`.
pub(crate) const CHORDS: usize = 132;
/// All classes; the last is "no chord".
pub(crate) const CLASSES: usize = CHORDS + 1;
/// The class "no chord".
pub(crate) const NO_CHORD: usize = CHORDS;
/// Kinds of chord a root can have.
pub(crate) const QUALITIES: usize = 11;

/// One layer of the emission model; the outputs lie in lanes, the last of which may have some to spare.
pub(crate) struct Layer {
    /// Inputs × lanes of outputs, row by row.
    pub(crate) weights: Vec<Lanes>,
    pub(crate) bias: Vec<Lanes>,
    pub(crate) outputs: usize,
}

impl Layer {
    /// A layer with so many `outputs`; what is missing of its numbers is 0.
    pub(crate) fn new(inputs: usize, outputs: usize, mut weights: Vec<f32>, mut bias: Vec<f32>) -> Self {
        weights.resize(inputs * outputs, 0.0);
        bias.resize(outputs, 0.0);
        let lanes = |row: &[f32]| {
            let lane =
                |part: &[f32]| Lanes::new(std::array::from_fn(|i| part.get(i).copied().unwrap_or(0.0)));
            row.chunks(LANES).map(lane).collect::<Vec<_>>()
        };
        let weights = weights.chunks(outputs.max(1)).flat_map(lanes).collect();
        Self { weights, bias: lanes(&bias), outputs }
    }
}

/// The emission model for one way of listening (with or without hindsight).
pub(crate) struct Emission {
    /// First and last frame of each averaging window, relative to the frame that is judged.
    pub(crate) windows: Vec<(i32, i32)>,
    pub(crate) layers: Vec<Layer>,
    /// Log share of each quality, and of no chord, in the data learnt from.
    pub(crate) log_prior: Vec<f32>,
}

impl Emission {
    /// Frames that must be known beyond the one that is judged.
    pub(crate) fn lookahead(&self) -> usize {
        self.windows.iter().map(|w| w.1).max().unwrap_or(0).max(0) as usize
    }

    fn read(text: &str) -> Self {
        let whole = |name| numbers(text, name).into_iter().map(|v| v as i32).collect::<Vec<_>>();
        let windows: Vec<_> = whole("windows").chunks_exact(2).map(|w| (w[0], w[1])).collect();
        let sizes = whole("sizes");
        let layers = (0..sizes.len().saturating_sub(1))
            .map(|i| {
                let [weights, bias] = ["w", "b"].map(|name| numbers(text, &format!("{name}{i}")));
                let [inputs, outputs] = [sizes[i], sizes[i + 1]].map(|n| n.max(0) as usize);
                // A damaged file must not make the listener fall over; a test holds the sizes.
                Layer::new(inputs, outputs, weights, bias)
            })
            .collect();
        let mut log_prior: Vec<_> =
            numbers(text, "prior").into_iter().map(|p| libm::logf(p.max(1e-6))).collect();
        log_prior.resize(QUALITIES + 1, 0.0);
        Self { windows, layers, log_prior }
    }
}

/// What the decoder knows of how chords follow each other, and of bass notes and keys.
pub(crate) struct Decoder {
    /// Log weight of going from one class to another when the chord changes, `CLASSES` × `CLASSES`.
    pub(crate) log_change: Vec<f32>,
    /// The same, not as logarithms.
    pub(crate) change: Vec<f32>,
    /// Softmax regression of the bass interval: 36 inputs (24 chroma values from the root, 11
    /// qualities, 1) × 12 intervals.
    pub(crate) bass: Vec<f32>,
    /// Log probability of a chord in a key: mode × interval of the root above the tonic × quality.
    pub(crate) key: Vec<f32>,
}

impl Decoder {
    fn read(text: &str) -> Self {
        let sized = |name: &str, n: usize| {
            let mut v = numbers(text, name);
            v.resize(n, 0.0);
            v
        };
        let follow = sized("change", QUALITIES * 12 * QUALITIES);
        let arrive = sized("arrive", 12 * QUALITIES);
        let to_none = sized("to_n", QUALITIES);
        let from_none = sized("from_n", QUALITIES);
        let arrive_total = arrive.iter().sum::<f32>().max(1.0);
        // So many changes of the commonest kinds are added to what was counted after each quality.
        let smooth = 20.0;
        let mut log_change = vec![0.0f32; CLASSES * CLASSES];
        for from in 0..CLASSES {
            let row = &mut log_change[from * CLASSES..(from + 1) * CLASSES];
            for (to, value) in row.iter_mut().enumerate() {
                *value = match (from, to) {
                    _ if from == to => 0.0,
                    (NO_CHORD, _) => from_none[to % QUALITIES] + smooth * 0.01,
                    (_, NO_CHORD) => to_none[from % QUALITIES] + smooth * 0.01,
                    _ => {
                        let up = (to / QUALITIES + 12 - from / QUALITIES) % 12;
                        let i = up * QUALITIES + to % QUALITIES;
                        follow[from % QUALITIES * 12 * QUALITIES + i] + smooth * arrive[i] / arrive_total
                    }
                };
            }
            let total = row.iter().sum::<f32>().max(1e-6);
            for (to, value) in row.iter_mut().enumerate() {
                *value = if to == from { -30.0 } else { CHANGE_TRUST * libm::logf(*value / total + 1e-6) };
            }
        }
        let change = log_change.iter().map(|&v| libm::expf(v)).collect();
        let key = sized("key", 2 * CHORDS);
        Self { log_change, change, bass: sized("bass", 36 * 12), key }
    }
}

/// Exponent on the probabilities of chord changes: they say less than the ear.
const CHANGE_TRUST: f32 = 0.5;

/// All that was learnt.
pub(crate) struct Params {
    /// For a stream: looks ahead as little as the lag allows.
    pub(crate) online: Emission,
    /// For a recording: sees both sides.
    pub(crate) offline: Emission,
    pub(crate) decoder: Decoder,
}

/// The learnt numbers, parsed at the first call.
pub(crate) fn params() -> &'static Params {
    static PARAMS: OnceLock<Params> = OnceLock::new();
    PARAMS.get_or_init(|| Params {
        online: Emission::read(include_str!("../../data/chord_online.txt")),
        offline: Emission::read(include_str!("../../data/chord_offline.txt")),
        decoder: Decoder::read(include_str!("../../data/chord_decoder.txt")),
    })
}

fn numbers(text: &str, name: &str) -> Vec<f32> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .map(|rest| rest.split_ascii_whitespace().filter_map(|v| v.parse().ok()).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_hold_what_they_should() {
        for (text, emission) in [
            (include_str!("../../data/chord_online.txt"), &params().online),
            (include_str!("../../data/chord_offline.txt"), &params().offline),
        ] {
            let sizes: Vec<_> = numbers(text, "sizes").into_iter().map(|v| v as usize).collect();
            assert_eq!(sizes[0], emission.windows.len() * 24);
            assert_eq!(sizes[sizes.len() - 1], 12);
            for (i, pair) in sizes.windows(2).enumerate() {
                assert_eq!(numbers(text, &format!("w{i}")).len(), pair[0] * pair[1]);
                assert_eq!(numbers(text, &format!("b{i}")).len(), pair[1]);
            }
        }
        let text = include_str!("../../data/chord_decoder.txt");
        for (name, n) in
            [("change", 1452), ("arrive", 132), ("to_n", 11), ("from_n", 11), ("bass", 432), ("key", 264)]
        {
            assert_eq!(numbers(text, name).len(), n, "{name}");
        }
    }
}
