//! What each frame may be: the net's word and the perceptron's, weighed together.

use backline_music::Quality;
use backline_nets::Model;

use super::calibration::{self, Sureness};
use super::emission::{Scorer, Sums, normalise};
use super::net::{STREAM_WINDOWS, StreamEar, Told, tell_recording};
use super::params::{CHORDS, CLASSES, Emission, QUALITIES};
use super::repeats;

/// The net's and the perceptron's share of the word on a chord, as exponents on their probabilities, in a stream and
/// with hindsight; chosen on the validation songs. They err in different places, so together they do better than each.
const STREAM_SHARES: (f32, f32) = (0.65, 0.25);
const RECORDING_SHARES: (f32, f32) = (0.9, 0.3);
/// Share of the perceptron's prior that is divided out, so that rare qualities get heard; the net learnt with the rare
/// ones weighted.
const PRIOR_DISCOUNT: f32 = 0.1;
/// Added to the log probability of sevenths, minor sevenths, diminished, suspended fourth and half-diminished chords where a
/// net hears a stream: it learnt with rare qualities weighted, and says some too often, others too seldom. Chosen on the
/// validation songs; with hindsight none helped (`models/harmony_hmm/bias.py`).
const STREAM_BIAS: [f32; QUALITIES] = [0.0, 0.0, 0.4, 0.1, -0.1, -0.6, 0.0, 0.0, -0.6, -0.3, 0.0];

/// Which net there is, and what was heard of a recording with it.
enum Net {
    None,
    Stream(Box<StreamEar>),
    Recording { told: Vec<Told>, heard: Vec<[f32; CLASSES]> },
}

/// Scores frames.
pub(crate) struct Ear {
    scorer: Scorer,
    net: Net,
}

impl Ear {
    /// An ear for a stream.
    pub(crate) fn for_stream(perceptron: &'static Emission, net: Option<&Model>) -> Self {
        let net = net.and_then(StreamEar::new).map_or(Net::None, |ear| Net::Stream(Box::new(ear)));
        Self { scorer: Scorer::new(perceptron), net }
    }

    /// An ear for a recording with compressed chroma `y`.
    pub(crate) fn for_recording(perceptron: &'static Emission, net: Option<&Model>, y: &[[f32; 24]]) -> Self {
        let mut scorer = Scorer::new(perceptron);
        let net = net.and_then(|model| tell_recording(model, y)).map_or(Net::None, |told| {
            let mut sums = Sums::new(y.len() + 1);
            y.iter().for_each(|y| sums.push(y));
            let together = |(i, told)| {
                let mut log_prob = by_perceptron(&mut scorer, &sums, i);
                weigh_together(&mut log_prob, told, RECORDING_SHARES);
                normalise(&mut log_prob);
                log_prob
            };
            let mut heard: Vec<_> = told.iter().enumerate().map(together).collect();
            repeats::borrow(&mut heard, y);
            Net::Recording { told, heard }
        });
        Self { scorer, net }
    }

    /// Frames before the one that is judged that must be remembered.
    pub(crate) fn reach(&self) -> usize {
        let own = if let Net::Stream(_) = self.net { &STREAM_WINDOWS[..] } else { &[] };
        let windows = own.iter().chain(self.scorer.windows());
        windows.map(|w| w.0.unsigned_abs() as usize).max().unwrap_or(0)
    }

    /// How the decoders' probabilities are to be read.
    pub(crate) fn sureness(&self, hindsight: bool) -> Sureness {
        match (&self.net, hindsight) {
            (Net::None, false) => calibration::STREAM_RULES,
            (Net::None, true) => calibration::RECORDING_RULES,
            (_, false) => calibration::STREAM_NET,
            (_, true) => calibration::RECORDING_NET,
        }
    }

    /// Log scores of the classes at frame `index`, and what the net tells besides. Frames come in order.
    pub(crate) fn hear(&mut self, sums: &Sums, index: usize) -> ([f32; CLASSES], Option<Told>) {
        match &mut self.net {
            Net::None => (by_perceptron(&mut self.scorer, sums, index), None),
            Net::Stream(ear) => {
                let mut log_prob = by_perceptron(&mut self.scorer, sums, index);
                let told = ear.tell(sums, index);
                if let Some(told) = &told {
                    weigh_together(&mut log_prob, told, STREAM_SHARES);
                    for (p, bias) in log_prob[..CHORDS].iter_mut().zip(STREAM_BIAS.iter().cycle()) {
                        *p += bias;
                    }
                    normalise(&mut log_prob);
                }
                (log_prob, told)
            }
            Net::Recording { told, heard } => match (heard.get(index), told.get(index)) {
                (Some(heard), Some(told)) => (*heard, Some(*told)),
                _ => (by_perceptron(&mut self.scorer, sums, index), None),
            },
        }
    }

    /// What the net says of the present, as of the frame heard last; see [`StreamEar::now`].
    pub(crate) fn now(&self) -> Option<&[f32; CLASSES]> {
        if let Net::Stream(ear) = &self.net { ear.now() } else { None }
    }
}

/// What the perceptron makes of frame `index`.
fn by_perceptron(scorer: &mut Scorer, sums: &Sums, index: usize) -> [f32; CLASSES] {
    let mut log_prob = scorer.score(sums, index);
    for (class, p) in log_prob.iter_mut().enumerate() {
        *p -= PRIOR_DISCOUNT * scorer.log_prior(class);
    }
    log_prob
}

/// Weighs what the perceptron makes of a frame together with what the net tells.
fn weigh_together(log_prob: &mut [f32; CLASSES], told: &Told, shares: (f32, f32)) {
    let mut chord = told.chord;
    tell_diminished_apart(&mut chord, log_prob);
    for (p, net) in log_prob.iter_mut().zip(&chord) {
        *p = shares.0 * net + shares.1 * *p;
    }
}

/// The kinds of diminished chord: the net has met too few of them to tell one from another.
const DIMINISHED: [usize; 3] = [Quality::Dim as usize, Quality::Hdim7 as usize, Quality::Dim7 as usize];

/// Divides what the net gives to a root's diminished chords among them as the perceptron would.
fn tell_diminished_apart(net: &mut [f32; CLASSES], perceptron: &[f32; CLASSES]) {
    let sum = |p: &[f32; CLASSES], root: usize| {
        let total: f32 = DIMINISHED.iter().map(|q| libm::expf(p[root * QUALITIES + q])).sum();
        libm::logf(total.max(1e-30))
    };
    for root in 0..12 {
        let share = sum(net, root) - sum(perceptron, root);
        for quality in DIMINISHED {
            net[root * QUALITIES + quality] = share + perceptron[root * QUALITIES + quality];
        }
    }
}
