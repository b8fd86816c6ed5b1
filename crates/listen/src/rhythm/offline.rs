//! Beats with hindsight: the best path of the bar pointer through a whole recording.

use backline_music::{Beat, Estimate, Metre};

use super::model::Patterns;
use super::net::{NetFrame, logistic};
use super::octave::Judge;
use super::pointer::{BarPointer, Join};
use super::straight::straightened;
use super::sureness::RECORDING_BEAT;
use super::{RHYTHM_FPS, RhythmFrame, Weight, heard_time_s, is_from_net, place_of};

/// Beats further than this from any onset are not claimed.
const STILL_S: f64 = 4.0;

/// What the best path says.
pub struct Path {
    /// All beats.
    pub beats: Vec<Beat>,
    /// The metre of most bars.
    pub metre: Option<Estimate<Metre>>,
    /// Tempo from the median beat.
    pub tempo_bpm: Option<f64>,
    /// The tempi that the beat may have, likeliest (that of `beats`) first, with their probabilities; empty where no net
    /// was heard.
    pub octaves: Vec<(f64, f32)>,
}

/// Beats of the whole recording; `prob` is what the stream tracker thought at its surest. Where the judge of octaves,
/// who goes by what the net of the stream `said`, prefers another tempo of those that go with the one found, that one is
/// followed.
pub fn decode(
    frames: &[RhythmFrame],
    said: &[NetFrame],
    duration_s: f64,
    prob: f32,
    progress: &mut dyn FnMut(f32),
) -> Path {
    let mut follow = |kept: &[f64], done: f32, part: f32| {
        let mut pointer = BarPointer::new(Join::Best, Patterns::built_in(Weight::of(is_from_net(frames))));
        if !kept.is_empty() {
            pointer.keep_tempi(kept, SAME_OCTAVE);
        }
        for (i, frame) in frames.iter().enumerate() {
            pointer.step(frame);
            if i % 512 == 0 {
                progress(done + part * i as f32 / frames.len() as f32);
            }
        }
        best_path(&pointer, frames, duration_s, prob)
    };
    let mut path = follow(&[], 0.0, FIRST_PASS);
    let places: Vec<f64> = path.beats.iter().map(|b| place_of(b.time_s)).collect();
    let (Some(bpm), Some(verdict)) = (path.tempo_bpm, Judge::of_recordings().judge(said, &places)) else {
        return path;
    };
    let (ratio, _) = verdict.ratios[0];
    if ratio != 1.0 {
        // Where a song goes on at another tempo, that one is another octave of what was found there.
        let others: Vec<f64> = kept_tempi(&path.beats).iter().map(|bpm| bpm * ratio).collect();
        let other = follow(&others, FIRST_PASS, 1.0 - FIRST_PASS);
        if !other.beats.is_empty() {
            path = other;
        }
    }
    let told = path.tempo_bpm.unwrap_or(bpm);
    path.octaves = verdict.ratios.iter().map(|(r, p)| (told * r / ratio, RELATED_PROB * p)).collect();
    let sure = RECORDING_BEAT.of(path.octaves[0].1);
    path.beats.iter_mut().for_each(|beat| beat.prob = sure);
    path
}

/// Share of the work that the first way through the recording is.
const FIRST_PASS: f32 = 0.8;
/// Tempi this near to each other are of one octave: a tempo that drifts stays within it.
const SAME_OCTAVE: f64 = 0.16;
/// How often the beat is among the tempi that go with the one found.
const RELATED_PROB: f32 = 0.95;

/// When anything starts.
fn onsets_s(frames: &[RhythmFrame], from_net: bool) -> Vec<f64> {
    let starts = frames.iter().enumerate().filter(|(_, frame)| frame.has_onset());
    starts.map(|(i, _)| heard_time_s(i, from_net)).collect()
}

/// Reads the beats off the best path through everything that `pointer` heard of `frames`, where there is sound.
pub fn best_path(pointer: &BarPointer, frames: &[RhythmFrame], duration_s: f64, prob: f32) -> Path {
    let mut found = Path { beats: Vec::new(), metre: None, tempo_bpm: None, octaves: Vec::new() };
    let from_net = is_from_net(frames);
    let onsets_s = onsets_s(frames, from_net);
    if onsets_s.len() < 4 {
        return found;
    }
    let path = pointer.best_path();
    let (first_s, last_s) = (onsets_s[0], onsets_s[onsets_s.len() - 1]);
    let mut bar = 0;
    let mut bars: Vec<(Metre, f32)> = Vec::new();
    for (frame, beat, metre) in path {
        let time_s = heard_time_s(frame, from_net);
        let near = onsets_s.partition_point(|t| *t < time_s - STILL_S);
        let sounding = onsets_s.get(near).is_some_and(|t| *t <= time_s + STILL_S);
        if time_s < first_s - 0.1 || time_s > last_s + 0.6 || time_s > duration_s || !sounding {
            continue;
        }
        if beat == 0 {
            bar += 1;
            match bars.iter_mut().find(|(m, _)| *m == metre) {
                Some(entry) => entry.1 += 1.0,
                None => bars.push((metre, 1.0)),
            }
        }
        found.beats.push(Beat {
            time_s: time_s.max(0.0),
            bar,
            beat: beat as u8 + 1,
            prob,
            decided_s: duration_s,
        });
    }
    refine(&mut found.beats, frames, from_net);
    bars.sort_by(|a, b| b.1.total_cmp(&a.1));
    let total: f32 = bars.iter().map(|b| b.1).sum();
    found.metre = bars.first().map(|(metre, n)| Estimate {
        value: *metre,
        prob: n / total,
        runner_up: bars.get(1).map(|(m, n)| (*m, n / total)),
    });
    found.tempo_bpm = usual_tempo(&found.beats);
    found
}

/// How far from the frame that the pointer gave it a beat is looked for.
const BESIDE_FRAMES: usize = 3;
/// What a beat weighs of which the net says nothing.
const LEAST_WEIGHT: f64 = 0.05;

/// Puts the beats where the net says that they are, between the frames, and on a smooth course.
fn refine(beats: &mut [Beat], frames: &[RhythmFrame], from_net: bool) {
    let place = |beat: &Beat| match from_net {
        true => net_place(frames, place_of(beat.time_s))
            .map(|(at, weight)| (heard_time_s(0, true) + at / RHYTHM_FPS, weight)),
        false => None,
    };
    let places = beats.iter().map(|beat| place(beat).unwrap_or((beat.time_s, LEAST_WEIGHT)));
    let (times_s, weights): (Vec<f64>, Vec<f64>) = places.unzip();
    beats
        .iter_mut()
        .zip(straightened(&times_s, &weights))
        .for_each(|(beat, time_s)| beat.time_s = time_s.max(0.0));
}

/// Where near the frame at `place` the net's log odds of a beat are highest: the top of the parabola through the three frames
/// there, and what the beat weighs. `None` where they have no top.
fn net_place(frames: &[RhythmFrame], place: f64) -> Option<(f64, f64)> {
    let middle = place.round().max(0.0) as usize;
    let odds = |i: usize| frames.get(i).and_then(|frame| frame.said).map(|said| said.activations.beat);
    let near = middle.saturating_sub(BESIDE_FRAMES).max(1)..=middle + BESIDE_FRAMES;
    let (top, _) = near.filter_map(|i| Some((i, odds(i)?))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (before, at, after) = (odds(top - 1)?, odds(top)?, odds(top + 1)?);
    // Only a top has a place between frames.
    (at > before && at >= after).then(|| {
        let aside = 0.5 * (after - before) / (2.0 * at - before - after);
        (top as f64 + f64::from(aside), f64::from(logistic(at)).max(LEAST_WEIGHT))
    })
}

/// A tempo that this share of the beats keep is one of the song's.
const KEPT_SHARE: f64 = 0.2;

/// How the same tempo may be counted another way.
const RELATED: [f64; 6] = [1.0 / 3.0, 0.5, 2.0 / 3.0, 1.5, 2.0, 3.0];

/// The usual tempo, and others that many of `beats` keep, in beats a minute; not those that are the usual one counted
/// another way.
fn kept_tempi(beats: &[Beat]) -> Vec<f64> {
    let Some(usual) = usual_tempo(beats) else { return Vec::new() };
    let mut kept = vec![usual];
    let mut others: Vec<f64> = periods(beats).iter().map(|period| 60.0 / period).collect();
    let many = KEPT_SHARE * others.len() as f64;
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < SAME_OCTAVE;
    others.retain(|bpm| !RELATED.iter().any(|ratio| (bpm / (usual * ratio) - 1.0).abs() < SAME_TEMPO));
    loop {
        others.retain(|bpm| !kept.iter().any(|k| near(*bpm, *k)));
        let Some(&middle) = others.get(others.len() / 2) else { return kept };
        if (others.iter().filter(|bpm| near(**bpm, middle)).count() as f64) < many {
            return kept;
        }
        kept.push(middle);
    }
}

/// Spans whose tempo is so near the median count as the same tempo.
const SAME_TEMPO: f64 = 0.04;

/// A median that fewer than this share of the spans are near lies between two tempi.
const MEDIAN_SHARE: f64 = 0.25;

/// The usual tempo in beats a minute: of spans of eight beats (fewer when there are not so many), the mean of those near the
/// median, so that neither a gap nor a stretch at another octave moves it, and of a tempo that sways the middle is told. Where
/// the median lies between two tempi, the one that is kept longer is told. `None` for fewer than two beats.
pub fn usual_tempo(beats: &[Beat]) -> Option<f64> {
    let periods = periods(beats);
    let near = |middle: f64| periods.iter().filter(move |p| (*p / middle - 1.0).abs() < SAME_TEMPO);
    let mut middle = *periods.get(periods.len() / 2)?;
    if (near(middle).count() as f64) < MEDIAN_SHARE * periods.len() as f64 {
        // Of equals the last, the slowest.
        middle = *periods.iter().max_by_key(|period| near(**period).count())?;
    }
    Some(60.0 * near(middle).count() as f64 / near(middle).sum::<f64>())
}

/// The mean beat of each span of eight (of fewer when there are not so many), shortest first, in seconds.
fn periods(beats: &[Beat]) -> Vec<f64> {
    let span = 8.min(beats.len().saturating_sub(1));
    if span == 0 {
        return Vec::new();
    }
    let mut periods: Vec<f64> =
        beats.windows(span + 1).map(|w| (w[span].time_s - w[0].time_s) / span as f64).collect();
    periods.sort_by(f64::total_cmp);
    periods
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beats at these tempi, so many of each.
    fn beats(tempi: &[(f64, usize)]) -> Vec<Beat> {
        let mut time_s = 0.0;
        let periods = tempi.iter().flat_map(|&(bpm, n)| std::iter::repeat_n(60.0 / bpm, n));
        let beat = |period: f64| {
            time_s += period;
            Beat { time_s, bar: 0, beat: 1, prob: 1.0, decided_s: 0.0 }
        };
        periods.map(beat).collect()
    }

    #[test]
    fn of_two_tempi_the_one_that_is_kept_longer_is_told_and_none_between() {
        let told = |tempi: &[(f64, usize)]| usual_tempo(&beats(tempi)).unwrap();
        assert!((told(&[(100.0, 32), (130.0, 34)]) - 130.0).abs() < 1.0);
        assert!((told(&[(100.0, 34), (130.0, 32)]) - 100.0).abs() < 1.0);
        // A stretch at another octave moves nothing, and of a tempo that sways the middle is told.
        assert!((told(&[(100.0, 40), (200.0, 20)]) - 100.0).abs() < 0.1);
        let sways: Vec<(f64, usize)> =
            (0..120).map(|i| (100.0 * (1.0 + 0.05 * (f64::from(i) / 6.0).sin()), 1)).collect();
        assert!((told(&sways) - 100.0).abs() < 1.5);
    }

    #[test]
    fn tempi_that_are_kept_are_kept_in_another_octave_as_well() {
        let kept = |tempi: &[(f64, usize)]| kept_tempi(&beats(tempi));
        assert_eq!(kept(&[(100.0, 60)]).len(), 1);
        let both = kept(&[(100.0, 30), (130.0, 40)]);
        assert!(
            both.len() == 2 && (both[0] - 130.0).abs() < 1.0 && (both[1] - 100.0).abs() < 1.0,
            "{both:?}"
        );
        // The same tempo counted twice as fast is not another.
        assert_eq!(kept(&[(65.0, 30), (130.0, 40)]).len(), 1);
        assert!(kept_tempi(&[]).is_empty() && usual_tempo(&[]).is_none());
    }
}
