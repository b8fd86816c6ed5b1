//! Recordings in: any of the usual formats to plain samples, with a word on what was odd.

mod wave;

use std::fs::File;
use std::path::Path;

use backline_music::Downmix;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use self::wave::Wave;
use crate::FileError;

/// Samples that are kept at most, over all channels: 2 GB of memory, which is 93 minutes of stereo at
/// 48 kHz.
pub const MAX_SAMPLES: usize = 1 << 29;

/// A recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Audio {
    /// Samples a second.
    pub sample_rate: u32,
    /// The left channel, or the only one. All samples are finite.
    pub left: Vec<f32>,
    /// The right channel, as long as the left; `None` for mono.
    pub right: Option<Vec<f32>>,
    /// Channels in the file; those beyond two are mixed into both of these.
    pub channels: usize,
    /// Sentences for the musician: what was odd about the file, and what was done.
    pub notices: Vec<String>,
}

impl Audio {
    /// Samples a channel.
    pub const fn frames(&self) -> usize {
        self.left.len()
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames() as f64 / f64::from(self.sample_rate)
    }

    /// What the listener hears: the channels as one ([`Downmix`]).
    pub fn mono(&self) -> Vec<f32> {
        match &self.right {
            None => self.left.clone(),
            Some(right) => {
                let mut downmix = Downmix::new(f64::from(self.sample_rate));
                self.left.iter().zip(right).map(|(l, r)| downmix.mix(*l, *r)).collect()
            }
        }
    }

    /// The right channel, which is the left one for mono.
    pub fn right(&self) -> &[f32] {
        self.right.as_deref().unwrap_or(&self.left)
    }
}

/// Reads a recording, at most [`MAX_SAMPLES`] of it.
///
/// # Errors
/// The file is missing, empty, no audio, in an unsupported coding or without a sample. A file that
/// breaks off is no error: what is there is read, and a notice says so.
pub fn read_audio(path: &Path) -> Result<Audio, FileError> {
    read_audio_up_to(path, MAX_SAMPLES)
}

/// Reads a recording, at most `max_samples` of it (all channels together).
///
/// # Errors
/// As [`read_audio`].
pub fn read_audio_up_to(path: &Path, max_samples: usize) -> Result<Audio, FileError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => FileError::Missing(path.to_owned()),
        _ => FileError::Unreadable { path: path.to_owned(), cause: source },
    };
    // Asked before it is opened: opening a named pipe would wait for ever.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    if about.len() == 0 {
        return Err(FileError::Empty(path.to_owned()));
    }
    let file = File::open(path).map_err(unreadable)?;
    // The decoders are other people's, and the bytes are anybody's: a bug in there must not take a
    // musician's session down.
    let decoded = std::panic::catch_unwind(|| decode(file, path, max_samples));
    decoded.unwrap_or_else(|_| {
        Err(FileError::Damaged { path: path.to_owned(), what: "the decoder gave up".to_owned() })
    })
}

fn decode(file: File, path: &Path, max_samples: usize) -> Result<Audio, FileError> {
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
        hint.with_extension(&extension.to_ascii_lowercase());
    }
    let file =
        Wave::new(file).map_err(|source| FileError::Unreadable { path: path.to_owned(), cause: source })?;
    let collector =
        Collector { unfinished: file.unfinished, endless: file.endless, ..Collector::new(max_samples) };
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| match error {
            Error::Unsupported(what) if !what.contains("probe") && !what.contains("no suitable") => {
                FileError::Unsupported { path: path.to_owned(), what: what.to_owned() }
            }
            _ => FileError::NotAudio(path.to_owned()),
        })?;
    let unsupported = |what: &str| FileError::Unsupported { path: path.to_owned(), what: what.to_owned() };
    let track = format.default_track(TrackType::Audio).ok_or_else(|| FileError::NotAudio(path.to_owned()))?;
    let promised = track.num_frames.filter(|_| !collector.endless);
    let track_id = track.id;
    let params = track
        .codec_params
        .as_ref()
        .and_then(|p| p.audio())
        .ok_or_else(|| unsupported("a coding without a name"))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(|error| unsupported(&error.to_string()))?;
    collector.collect(&mut *format, &mut *decoder, track_id, promised, path)
}

/// Gathers what the decoder gives.
struct Collector {
    max_samples: usize,
    sample_rate: u32,
    channels: usize,
    left: Vec<f32>,
    right: Vec<f32>,
    block: Vec<f32>,
    mended: usize,
    skipped: usize,
    changed: bool,
    full: bool,
    /// As the file's [`Wave`] says.
    unfinished: bool,
    endless: bool,
}

impl Collector {
    const fn new(max_samples: usize) -> Self {
        Self {
            max_samples,
            sample_rate: 0,
            channels: 0,
            left: Vec::new(),
            right: Vec::new(),
            block: Vec::new(),
            mended: 0,
            skipped: 0,
            changed: false,
            full: false,
            unfinished: false,
            endless: false,
        }
    }

    fn collect(
        mut self,
        format: &mut dyn FormatReader,
        decoder: &mut dyn AudioDecoder,
        track_id: u32,
        promised: Option<u64>,
        path: &Path,
    ) -> Result<Audio, FileError> {
        let mut broke_off = None;
        let mut what = None;
        while !self.full && !self.changed {
            let packet = match format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                // Chained streams: the next song of a broadcast.
                Err(Error::ResetRequired) => {
                    self.changed = true;
                    break;
                }
                Err(Error::IoError(error))
                    if self.endless && error.kind() == std::io::ErrorKind::UnexpectedEof =>
                {
                    break;
                }
                Err(error) => {
                    broke_off = Some(error.to_string());
                    break;
                }
            };
            if packet.track_id != track_id {
                continue;
            }
            match decoder.decode(&packet) {
                Ok(buffer) => {
                    let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
                    self.block.clear();
                    buffer.copy_to_vec_interleaved(&mut self.block);
                    self.take(rate, channels);
                }
                // A damaged packet is silence of unknown length at most; the rest is worth having.
                Err(error) => {
                    self.skipped += 1;
                    what = Some(error.to_string());
                    if !matches!(error, Error::DecodeError(_) | Error::IoError(_)) {
                        broke_off = what.clone();
                        break;
                    }
                }
            }
        }
        if self.left.is_empty() {
            return Err(match what.or(broke_off) {
                Some(what) if promised != Some(0) => FileError::Damaged { path: path.to_owned(), what },
                _ => FileError::NoSound(path.to_owned()),
            });
        }
        Ok(self.finish(promised, broke_off.is_some()))
    }

    /// Takes the block in.
    fn take(&mut self, rate: u32, channels: usize) {
        if channels == 0 || rate == 0 {
            return;
        }
        if self.channels == 0 {
            (self.sample_rate, self.channels) = (rate, channels);
        } else if (self.sample_rate, self.channels) != (rate, channels) {
            self.changed = true;
            return;
        }
        let kept = channels.min(2);
        for frame in self.block.chunks_exact_mut(channels) {
            if (self.left.len() + 1) * kept > self.max_samples {
                self.full = true;
                return;
            }
            for sample in &mut *frame {
                // Floats may be anything; beyond ±1000 they are no sound but a broken file.
                if !sample.is_finite() || sample.abs() > 1_000.0 {
                    *sample = 0.0;
                    self.mended += 1;
                }
            }
            match *frame {
                [only] => self.left.push(only),
                [l, r] => {
                    self.left.push(l);
                    self.right.push(r);
                }
                [l, r, ref more @ ..] => {
                    #[allow(clippy::cast_precision_loss)] // a few channels
                    let rest = more.iter().sum::<f32>() / more.len() as f32;
                    self.left.push(0.5 * (l + rest));
                    self.right.push(0.5 * (r + rest));
                }
                [] => {}
            }
        }
    }

    fn finish(self, promised: Option<u64>, broke_off: bool) -> Audio {
        let mut notices = Vec::new();
        let seconds = |frames: f64| frames / f64::from(self.sample_rate);
        #[allow(clippy::cast_precision_loss)]
        let here = self.left.len() as f64;
        // Encoders round lengths to their packets; only a real gap is worth a word.
        #[allow(clippy::cast_precision_loss)]
        let missing = promised.map_or(0.0, |p| p as f64 - here);
        if self.full {
            notices.push(format!(
                "The recording is longer than fits into memory, so only its first {:.0} minutes are used. Cut it into pieces to use the rest.",
                seconds(here) / 60.0
            ));
        } else if self.changed {
            notices.push(format!(
                "The recording changes its sample rate or channels after {:.2} s, so only that part is used. Export it as one WAV file to use all.",
                seconds(here)
            ));
        } else if self.unfinished {
            notices.push(format!(
                "The file does not say how long the recording is: the recorder was stopped before it could write that, or the file was cut short. It is read to its end ({:.2} s). Check that nothing is missing there.",
                seconds(here)
            ));
        } else if broke_off || seconds(missing) > 0.1 {
            let promise = match promised {
                Some(p) if missing > 0.0 && p < u64::from(u32::MAX) * 64 => {
                    format!(" of {:.2} s", seconds(here + missing))
                }
                _ => String::new(),
            };
            notices.push(format!(
                "The file breaks off: {:.2} s{promise} could be read and are used. Export or download it again to have the rest.",
                seconds(here)
            ));
        }
        if self.skipped > 0 {
            notices.push(format!(
                "{} damaged pieces of the file were skipped, so times after them may be early. Export it again if that matters.",
                self.skipped
            ));
        }
        if self.mended > 0 {
            notices.push(format!(
                "{} samples were not numbers (NaN or infinite) and were replaced by silence. Look for a broken effect in the project that exported the file.",
                self.mended
            ));
        }
        if self.channels > 2 {
            notices.push(format!(
                "The recording has {} channels; those beyond the first two were mixed into both sides.",
                self.channels
            ));
        }
        Audio {
            sample_rate: self.sample_rate,
            right: (self.channels >= 2).then_some(self.right),
            left: self.left,
            channels: self.channels,
            notices,
        }
    }
}
