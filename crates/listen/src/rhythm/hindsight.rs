//! The rhythm of a recording heard once more: what the stream's net said of every frame, in both directions.
//!
//! The stream's net has to speak of a beat within 80 ms. A second net (`models/rhythm_offline_net`) reads what it said,
//! and the bands that it heard, ten seconds back and ten ahead, and says the same things anew.

use backline_nets::{Model, NetError, Stream};

use super::net::{Activations, METRES, NetFrame, VOICES, frames_said, logistic, probs};
use crate::logbands::bands;

/// Logits of the stream's net that are read: beat, downbeat, strokes, onset.
pub(super) const HEADS: usize = 3 + VOICES;
/// Columns of what the net gives: these heads, and the metres.
const WIDTH: usize = HEADS + METRES.len();
/// Largest logit that is read, and what all are divided by.
const MOST_LOGIT: f32 = 12.0;
const SCALE: f32 = 4.0;

/// What the second net reads of a recording, frame after frame: [`Rows::width`] values each.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    values: Vec<f32>,
    velocities: Vec<[f32; VOICES]>,
}

impl Rows {
    /// Values in a row: scaled logits of the heads, probabilities of the metres, and the bands.
    pub fn width() -> usize {
        WIDTH + bands()
    }

    /// All rows, one after the other.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Adds the row of a frame, of which the stream's net said `said`.
    pub(crate) fn push(&mut self, row: &[f32], said: &NetFrame) {
        self.values.extend_from_slice(row);
        self.velocities.push(said.strokes.map(|(_, velocity)| velocity));
    }
}

/// The row of a frame in which the stream's net heard `bands`: what it said of it, as logits and as read from them.
pub(crate) fn row(logits: &[f32], said: &NetFrame, bands: &[f32]) -> Vec<f32> {
    let mut row = Vec::with_capacity(Rows::width());
    row.extend(logits[..HEADS].iter().map(|x| x.clamp(-MOST_LOGIT, MOST_LOGIT) / SCALE));
    row.extend(said.activations.metres);
    row.extend_from_slice(bands);
    row
}

/// Log odds of a beat, out of a row.
pub(super) fn beat_of(row: &[f32]) -> f32 {
    row[0] * SCALE
}

/// What the stream's net said, out of the `values` of rows.
pub fn said_of(values: &[f32]) -> Vec<NetFrame> {
    let logits = |row: &[f32]| {
        row[..HEADS].iter().map(|x| x * SCALE).chain(row[HEADS..WIDTH].iter().copied()).collect::<Vec<_>>()
    };
    frames_said(&values.chunks_exact(Rows::width()).flat_map(logits).collect::<Vec<_>>())
}

/// What the second net says of every frame of `rows`; `None` if `model` is of another kind.
///
/// # Errors
/// The net failed.
pub(crate) fn listen_again(model: &Model, rows: &Rows) -> Option<Result<Vec<NetFrame>, NetError>> {
    let (card, width) = (model.card(), Rows::width());
    let told = card.outputs.iter().map(|o| o.width).sum::<usize>();
    (card.features == width && told == WIDTH && card.chunk >= 4).then(|| listen(model, rows))
}

fn listen(model: &Model, rows: &Rows) -> Result<Vec<NetFrame>, NetError> {
    let (chunk, width, frames) = (model.card().chunk, Rows::width(), rows.velocities.len());
    // Each chunk is believed in its middle half, where both directions have heard something; before and after the
    // recording nothing is heard.
    let (edge, middle) = (chunk / 4, chunk / 2);
    let mut stream = Stream::new(model);
    let (mut seen, mut told) = (vec![0.0; chunk * width], Vec::with_capacity(frames));
    while told.len() < frames {
        seen.fill(0.0);
        let before = edge.saturating_sub(told.len());
        let from = (told.len() + before - edge) * width;
        let there = &rows.values[from..rows.values.len().min(from + (chunk - before) * width)];
        seen[before * width..][..there.len()].copy_from_slice(there);
        stream.reset();
        let said = stream.step(&seen)?.chunks_exact(WIDTH).skip(edge).take(middle.min(frames - told.len()));
        let velocities = &rows.velocities[told.len()..];
        told.extend(said.zip(velocities).map(|(y, velocities)| read(y, velocities)));
    }
    Ok(told)
}

fn read(y: &[f32], velocities: &[f32; VOICES]) -> NetFrame {
    NetFrame {
        activations: Activations { beat: y[0], downbeat: y[1], metres: probs(&y[HEADS..]) },
        strokes: std::array::from_fn(|v| (logistic(y[2 + v]), velocities[v])),
        onset: logistic(y[2 + VOICES]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Models;

    fn rows(frames: usize, silent_before: usize) -> Rows {
        let mut rows = Rows::default();
        rows.values.resize(silent_before * Rows::width(), 0.0);
        rows.velocities.resize(silent_before, [0.0; VOICES]);
        for i in 0..frames {
            let logits: [f32; HEADS] =
                std::array::from_fn(|h| if (i + h).is_multiple_of(25 + h) { 2.0 } else { -4.0 });
            let heard: Vec<f32> = (0..bands()).map(|b| ((i * 7 + b * 3) % 11) as f32 / 11.0).collect();
            rows.push(&row(&logits, &NetFrame::default(), &heard), &NetFrame::default());
        }
        rows
    }

    #[test]
    fn every_frame_is_heard_once_whatever_the_length() {
        let model = Models::built_in().rhythm_offline.as_deref().unwrap();
        let chunk = model.card().chunk;
        for frames in [0, 1, chunk / 4 + 3, chunk + 5] {
            assert_eq!(listen_again(model, &rows(frames, 0)).unwrap().unwrap().len(), frames);
        }
    }

    #[test]
    fn silence_before_a_recording_changes_nothing_in_it() {
        let model = Models::built_in().rhythm_offline.as_deref().unwrap();
        let (chunk, frames) = (model.card().chunk, 900);
        let plain = listen_again(model, &rows(frames, 0)).unwrap().unwrap();
        let later = listen_again(model, &rows(frames, chunk / 2)).unwrap().unwrap();
        assert_eq!(plain[..], later[chunk / 2..]);
        let beats = plain.iter().map(|f| f.activations.beat);
        let (least, most) = beats.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        assert!(most - least > 1.0, "all frames sound alike: {least} to {most}");
    }

    #[test]
    fn another_net_is_not_asked() {
        let model = Models::built_in().harmony_offline.as_deref().unwrap();
        assert!(listen_again(model, &rows(30, 0)).is_none());
    }
}
