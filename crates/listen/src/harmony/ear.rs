//! What each frame may be: the net's word and the perceptron's, weighed together.

use backline_music::Quality;
use backline_nets::Model;

use super::emission::{Scorer, Sums, normalise};
use super::net::{AHEAD, STREAM_WINDOWS, StreamEar, Told, tell_recording};
use super::params::{CHORDS, CLASSES, Emission, QUALITIES};
use super::repeats::{Borrowing, Memory, Repeats};
use super::sureness::{self, Sureness};

/// The net's and the perceptron's share of the word on a chord, as exponents on their probabilities, in a stream and
/// with hindsight; chosen on the validation songs. They err in different places, so together they do better than each.
const STREAM_SHARES: (f32, f32) = (0.65, 0.25);
const RECORDING_SHARES: (f32, f32) = (0.9, 0.3);
/// Shares of the recordings' net and of the stream's in the nets' word on a recording.
const NETS_SHARES: (f32, f32) = (0.7, 0.4);
/// Share of the perceptron's prior that is divided out, so that rare qualities get heard; the net learnt with the rare
/// ones weighted.
const PRIOR_DISCOUNT: f32 = 0.1;
/// Added to the log probability of sevenths, minor sevenths, diminished, suspended fourth and half-diminished chords where a
/// net hears a stream: it learnt with rare qualities weighted, and says some too often, others too seldom. Chosen on the
/// validation songs (`models/harmony_hmm/bias.py`).
const STREAM_BIAS: [f32; QUALITIES] = [0.0, 0.0, 0.4, 0.1, -0.1, -0.6, 0.0, 0.0, -0.6, -0.3, 0.0];

/// How much of it where the two nets hear a recording.
const RECORDING_BIAS: f32 = 0.72;

/// Which net there is, and what was heard of a recording with it.
enum Net {
    None,
    Stream(Box<Stream>),
    Recording(Recording),
}

/// A stream so far.
struct Stream {
    ear: StreamEar,
    memory: Memory,
    /// What is taken for the chord that sounds now.
    now: Option<[f32; CLASSES]>,
}

/// All of a recording.
struct Recording {
    told: Vec<Told>,
    /// What was heard of each frame, and where the same music comes again.
    heard: Vec<[f32; CLASSES]>,
    /// Until it is heard again.
    first: Option<FirstTime>,
}

/// What is kept of a recording's first decoding.
struct FirstTime {
    /// What was heard of each frame by itself.
    own: Vec<[f32; CLASSES]>,
    repeats: Repeats,
    /// What was made of it.
    decoded: Vec<[f32; CLASSES]>,
}

fn add_bias(log_prob: &mut [f32; CLASSES], share: f32) {
    for (p, bias) in log_prob[..CHORDS].iter_mut().zip(STREAM_BIAS.iter().cycle()) {
        *p += share * bias;
    }
    normalise(log_prob);
}

/// Scores frames.
pub(crate) struct Ear {
    scorer: Scorer,
    net: Net,
}

impl Ear {
    /// An ear for a stream.
    pub(crate) fn for_stream(perceptron: &'static Emission, net: Option<&Model>) -> Self {
        let net = net
            .and_then(StreamEar::new)
            .map_or(Net::None, |ear| Net::Stream(Box::new(Stream { ear, memory: Memory::new(), now: None })));
        Self { scorer: Scorer::new(perceptron), net }
    }

    /// An ear for a recording with compressed chroma `y`, with the net for recordings and, if there is one, that for
    /// streams beside it: they err in different places.
    pub(crate) fn for_recording(
        perceptron: &'static Emission,
        net: Option<&Model>,
        beside: Option<&Model>,
        y: &[[f32; 24]],
    ) -> Self {
        let mut scorer = Scorer::new(perceptron);
        let net = net.and_then(|model| tell_recording(model, y)).map_or(Net::None, |told| {
            let mut sums = Sums::new(y.len() + 1);
            y.iter().for_each(|y| sums.push(y));
            let mut beside = beside.and_then(StreamEar::new);
            let together = |(i, told): (usize, &Told)| {
                let mut log_prob = by_perceptron(&mut scorer, &sums, i);
                let mut nets = told.chord;
                if let Some(beside) = beside.as_mut().and_then(|ear| ear.tell(&sums, i)) {
                    for (p, q) in nets.iter_mut().zip(&beside.chord) {
                        *p = NETS_SHARES.0 * *p + NETS_SHARES.1 * q;
                    }
                }
                weigh_together(&mut log_prob, &nets, RECORDING_SHARES);
                add_bias(&mut log_prob, RECORDING_BIAS);
                log_prob
            };
            let own: Vec<_> = told.iter().enumerate().map(together).collect();
            let repeats = Repeats::find(&own, y);
            let heard = repeats.borrow(&own);
            let first = Some(FirstTime { own, repeats, decoded: Vec::new() });
            Net::Recording(Recording { told, heard, first })
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
            (Net::None, false) => sureness::STREAM_RULES,
            (Net::None, true) => sureness::RECORDING_RULES,
            (_, false) => sureness::STREAM_NET,
            (_, true) => sureness::RECORDING_NET,
        }
    }

    /// Log scores of the classes at frame `index`, and what the net tells besides. Frames come in order.
    pub(crate) fn hear(&mut self, sums: &Sums, index: usize) -> ([f32; CLASSES], Option<Told>) {
        match &mut self.net {
            Net::None => (by_perceptron(&mut self.scorer, sums, index), None),
            Net::Stream(stream) => {
                let mut log_prob = by_perceptron(&mut self.scorer, sums, index);
                let told = stream.ear.tell(sums, index);
                stream.now = stream.ear.now().copied();
                if let Some(told) = &told {
                    weigh_together(&mut log_prob, &told.chord, STREAM_SHARES);
                    add_bias(&mut log_prob, 1.0);
                    let own = log_prob;
                    stream.memory.borrow(&mut log_prob, 0, &Borrowing::STREAM);
                    if let Some(now) = &mut stream.now {
                        stream.memory.borrow(now, AHEAD, &Borrowing::NOW);
                    }
                    stream.memory.hear(&own, &sums.mean(index as i64, index as i64 + 1));
                }
                (log_prob, told)
            }
            Net::Recording(all) => match (all.heard.get(index), all.told.get(index)) {
                (Some(heard), Some(told)) => (*heard, Some(*told)),
                _ => (by_perceptron(&mut self.scorer, sums, index), None),
            },
        }
    }

    /// Takes what was made of the next frame, the probabilities of its classes: they count where the same music comes again.
    pub(crate) fn remember(&mut self, decoded: &[f32; CLASSES]) {
        match &mut self.net {
            Net::None => {}
            Net::Stream(stream) => stream.memory.remember(decoded),
            Net::Recording(all) => all.first.iter_mut().for_each(|first| first.decoded.push(*decoded)),
        }
    }

    /// Has the frames of a recording borrow from what was made of others, once that is known of all; whether they do, which is
    /// once.
    pub(crate) fn hear_again(&mut self) -> bool {
        let Net::Recording(all) = &mut self.net else { return false };
        let Some(FirstTime { own, repeats, decoded }) = all.first.take() else { return false };
        all.heard = repeats.borrow_decoded(&own, &decoded);
        true
    }

    /// What is taken for the present, as of the frame heard last; see [`StreamEar::now`].
    pub(crate) fn now(&self) -> Option<&[f32; CLASSES]> {
        if let Net::Stream(stream) = &self.net { stream.now.as_ref() } else { None }
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

/// Weighs what the perceptron makes of a frame together with what the net tells of its chord.
fn weigh_together(log_prob: &mut [f32; CLASSES], told: &[f32; CLASSES], shares: (f32, f32)) {
    let mut chord = *told;
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
