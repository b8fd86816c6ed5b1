//! WAV files out: stereo or mono, 32-bit float or 24- or 16-bit integers.

use std::path::Path;

use crate::FileError;
use crate::whole::write_whole;

/// How a sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// 16-bit integers.
    Bits16,
    /// 24-bit integers.
    #[default]
    Bits24,
    /// 32-bit floats: nothing is rounded or clipped.
    Float32,
}

impl Depth {
    const fn bytes(self) -> usize {
        match self {
            Self::Bits16 => 2,
            Self::Bits24 => 3,
            Self::Float32 => 4,
        }
    }

    /// Rounds to the nearest step and clips at full scale; no dither, so that the bytes are the same
    /// on every run.
    fn put(self, sample: f32, out: &mut Vec<u8>) {
        let sample = if sample.is_finite() { sample } else { 0.0 };
        #[allow(clippy::cast_possible_truncation)] // clipped to the range
        let integer = |full: f32| {
            (f64::from(sample) * f64::from(full)).round().clamp(-f64::from(full) - 1.0, f64::from(full))
                as i32
        };
        match self {
            Self::Bits16 => out.extend(&integer(32_767.0).to_le_bytes()[..2]),
            Self::Bits24 => out.extend(&integer(8_388_607.0).to_le_bytes()[..3]),
            Self::Float32 => out.extend(sample.to_le_bytes()),
        }
    }
}

/// Writes `channels` (of equal length; a shorter one is filled with silence) to `path`.
///
/// # Errors
/// The folder or the disk refuses, or the sound is longer than a WAV file can hold.
pub fn write_wav(path: &Path, sample_rate: u32, depth: Depth, channels: &[&[f32]]) -> Result<(), FileError> {
    let frames = channels.iter().map(|c| c.len()).max().unwrap_or(0);
    let frame_bytes = depth.bytes() * channels.len().max(1);
    let too_long = || FileError::TooLong { frames };
    let data_bytes =
        frames.checked_mul(frame_bytes).and_then(|n| u32::try_from(n).ok()).ok_or_else(too_long)?;
    let riff_bytes = data_bytes.checked_add(64).ok_or_else(too_long)? - 64 + 36 + data_bytes % 2;

    write_whole(path, |out| {
        out.write_all(&header(sample_rate, depth, channels.len().max(1), data_bytes, riff_bytes))?;
        let mut buffer = Vec::with_capacity(4096 * frame_bytes);
        for start in (0..frames).step_by(4096) {
            buffer.clear();
            for i in start..(start + 4096).min(frames) {
                for channel in channels {
                    depth.put(channel.get(i).copied().unwrap_or(0.0), &mut buffer);
                }
            }
            out.write_all(&buffer)?;
        }
        if data_bytes % 2 == 1 {
            out.write_all(&[0])?;
        }
        Ok(())
    })
}

fn header(sample_rate: u32, depth: Depth, channels: usize, data_bytes: u32, riff_bytes: u32) -> Vec<u8> {
    #[allow(clippy::cast_possible_truncation)] // a few channels of a few bytes
    let (channels, bytes) = (channels as u16, depth.bytes() as u16);
    let mut h = Vec::with_capacity(44);
    h.extend(b"RIFF");
    h.extend(riff_bytes.to_le_bytes());
    h.extend(b"WAVEfmt ");
    h.extend(16u32.to_le_bytes());
    h.extend(if depth == Depth::Float32 { 3u16 } else { 1 }.to_le_bytes());
    h.extend(channels.to_le_bytes());
    h.extend(sample_rate.to_le_bytes());
    h.extend((sample_rate.wrapping_mul(u32::from(channels) * u32::from(bytes))).to_le_bytes());
    h.extend((channels * bytes).to_le_bytes());
    h.extend((bytes * 8).to_le_bytes());
    h.extend(b"data");
    h.extend(data_bytes.to_le_bytes());
    h
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_audio;

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let left: Vec<f32> = (0..5001).map(|i| libm::sinf(i as f32 * 0.05) * 0.9).collect();
        let right: Vec<f32> = left.iter().map(|s| -0.5 * s).collect();
        for (depth, step) in
            [(Depth::Bits16, 1.0 / 32_767.0), (Depth::Bits24, 1.0 / 8_388_607.0), (Depth::Float32, 0.0)]
        {
            let path = dir.path().join("out.wav");
            write_wav(&path, 44_100, depth, &[&left, &right]).unwrap();
            let audio = read_audio(&path).unwrap();
            assert_eq!((audio.sample_rate, audio.frames()), (44_100, 5001));
            assert_eq!(audio.notices, Vec::<String>::new());
            let worst =
                |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // A reader may scale by 32,768 what was scaled by 32,767: that is one step more at the top.
            assert!(worst(&audio.left, &left) <= 2.0 * step + 1e-9, "{depth:?}");
            assert!(worst(audio.right.as_ref().unwrap(), &right) <= 2.0 * step + 1e-9, "{depth:?}");
        }
    }

    #[test]
    fn odd_lengths_and_wild_samples() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("odd.wav");
        write_wav(&path, 8_000, Depth::Bits24, &[&[f32::NAN, 2.0, -2.0]]).unwrap();
        let audio = read_audio(&path).unwrap();
        assert_eq!(audio.left[0], 0.0);
        assert!(audio.left[1] > 0.999 && audio.left[2] < -0.999);
        assert_eq!(std::fs::metadata(&path).unwrap().len() % 2, 0);
    }
}
