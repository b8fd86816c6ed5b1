//! The harmony net at work: what it tells of each frame, from window means of compressed chroma.
//!
//! One net hears a stream frame by frame; the other hears a recording in both directions, piece by
//! piece (`models/harmony_net/MODEL_CARD.md`).

use backline_nets::{Model, Stream};

use super::emission::{Sums, normalise};
use super::params::CLASSES;

/// First and last frame of each averaging window, relative to the frame that is told.
pub(crate) const STREAM_WINDOWS: [(i32, i32); 9] =
    [(0, 0), (-1, 1), (2, 4), (-4, -2), (-10, -5), (-22, -11), (-64, -23), (-300, -65), (-1300, -301)];
/// The same for a recording, where what follows is known.
pub(crate) const RECORDING_WINDOWS: [(i32, i32); 14] = [
    (0, 0),
    (-1, 1),
    (2, 4),
    (-4, -2),
    (-10, -5),
    (-22, -11),
    (-64, -23),
    (-300, -65),
    (-1300, -301),
    (5, 10),
    (11, 22),
    (23, 64),
    (65, 300),
    (301, 1300),
];
/// Pitch classes of the bass, and none.
pub(crate) const BASSES: usize = 13;
/// Twelve major keys from C, then twelve minor.
pub(crate) const KEYS: usize = 24;

/// How many frames after the frame that it tells of the stream's net tells of the chord that sounds now: four of lookahead,
/// and four for half a window of the chroma.
pub(crate) const AHEAD: usize = 8;

/// What the net tells of a frame, as log probabilities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// Classes as in `params`.
    pub(crate) chord: [f32; CLASSES],
    /// Pitch class of the bass, from C; the last is none.
    pub(crate) bass: [f32; BASSES],
    /// Keys.
    pub(crate) key: [f32; KEYS],
}

impl Told {
    /// Splits a row of logits, whose heads lie in this order; others may follow.
    fn read(row: &[f32]) -> Self {
        let (chord, rest) = row.split_at(CLASSES);
        let (bass, rest) = rest.split_at(BASSES);
        Self { chord: log_probs(chord), bass: log_probs(bass), key: log_probs(&rest[..KEYS]) }
    }
}

fn log_probs<const N: usize>(logits: &[f32]) -> [f32; N] {
    let mut out = [0.0; N];
    out.copy_from_slice(logits);
    normalise(&mut out);
    out
}

/// Whether the net takes and gives what is read here; another one is left aside.
fn fits(model: &Model, windows: &[(i32, i32)]) -> bool {
    let card = model.card();
    let heads = [("chord", CLASSES), ("bass", BASSES), ("key", KEYS)];
    let mut first = 0;
    card.features == windows.len() * 24
        && heads.iter().all(|&(name, width)| {
            let here = first..first + width;
            first += width;
            card.columns(name) == Some(here)
        })
}

/// Means over `windows` around frame `index`.
fn look(sums: &Sums, index: usize, windows: &[(i32, i32)], seen: &mut Vec<f32>) {
    for &(a, b) in windows {
        seen.extend(sums.mean(index as i64 + i64::from(a), index as i64 + i64::from(b) + 1));
    }
}

/// The net that hears a stream.
pub(crate) struct StreamEar {
    stream: Stream,
    seen: Vec<f32>,
    /// Columns of what sounds already, `AHEAD` frames after the frame that is told of; not every net tells it.
    now_at: Option<std::ops::Range<usize>>,
    now: Option<[f32; CLASSES]>,
}

impl StreamEar {
    /// `None` if the net is not of the kind.
    pub(crate) fn new(model: &Model) -> Option<Self> {
        let now_at = model.card().columns("now").filter(|columns| columns.len() == CLASSES);
        (fits(model, &STREAM_WINDOWS) && model.card().chunk == 1).then(|| Self {
            stream: Stream::new(model),
            seen: Vec::new(),
            now_at,
            now: None,
        })
    }

    /// What it tells of frame `index`; frames are told in order. `None` if the net does not work.
    pub(crate) fn tell(&mut self, sums: &Sums, index: usize) -> Option<Told> {
        self.seen.clear();
        look(sums, index, &STREAM_WINDOWS, &mut self.seen);
        let row = self.stream.step(&self.seen).ok();
        self.now = row.zip(self.now_at.clone()).and_then(|(row, at)| row.get(at)).map(log_probs);
        row.map(Told::read)
    }

    /// Log probabilities of the chord that sounds [`AHEAD`] frames after the one told of last, by the time of its telling:
    /// just now. What follows it has not been heard, so they are the less sure.
    pub(crate) fn now(&self) -> Option<&[f32; CLASSES]> {
        self.now.as_ref()
    }
}

/// What the recordings' net tells of every frame of `chroma` (compressed); `None` if it is not of the kind.
pub(crate) fn tell_recording(model: &Model, chroma: &[[f32; 24]]) -> Option<Vec<Told>> {
    let chunk = model.card().chunk;
    if !fits(model, &RECORDING_WINDOWS) || chunk < 4 {
        return None;
    }
    let mut sums = Sums::new(chroma.len() + 1);
    chroma.iter().for_each(|y| sums.push(y));
    let mut stream = Stream::new(model);
    let mut told = Vec::with_capacity(chroma.len());
    let (mut seen, features, width) = (Vec::new(), model.card().features, stream.width());
    // Each chunk is believed in its middle half, where both directions have heard something.
    let (edge, middle) = (chunk / 4, chunk / 2);
    while told.len() < chroma.len() {
        let first = told.len() as i64 - edge as i64;
        seen.clear();
        for index in first..first + chunk as i64 {
            match usize::try_from(index) {
                Ok(index) if index < chroma.len() => look(&sums, index, &RECORDING_WINDOWS, &mut seen),
                // Before and after the recording nothing is heard.
                _ => seen.resize(seen.len() + features, 0.0),
            }
        }
        stream.reset();
        let rows = stream.step(&seen).ok()?;
        let rows = rows.chunks_exact(width).skip(edge).take(middle.min(chroma.len() - told.len()));
        told.extend(rows.map(Told::read));
    }
    Some(told)
}
