//! Pictures of the window: every state as egui lays it out, and the real window in a real host.

use anyhow::{Context, Result, bail};

use crate::run::{command, run, target};

/// The tests that leave pictures behind.
const TESTS: [&str; 3] =
    ["editor::tests::kit", "editor::tests::pictures", "the_window_paints_while_the_band_plays"];

/// Takes the pictures. The real window needs Xvfb; without it only the states are painted.
///
/// # Errors
/// A test fails, or nothing can be written.
pub fn screenshots() -> Result<()> {
    let folder = target().join("screenshots");
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    run(command("cargo")
        .args(["test", "--workspace", "--lib", "--test", "hosts", "--"])
        .args(TESTS)
        .env("BACKLINE_SCREENSHOT", &folder))?;
    let mut count = 0;
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ppm") {
            let png = to_png(&std::fs::read(&path)?)
                .with_context(|| format!("{} is no picture", path.display()))?;
            std::fs::write(path.with_extension("png"), png)?;
            std::fs::remove_file(&path)?;
            count += 1;
        }
    }
    println!("{count} pictures in {}", folder.display());
    Ok(())
}

/// A binary PPM as PNG.
fn to_png(ppm: &[u8]) -> Result<Vec<u8>> {
    let head_end = ppm.iter().position(|byte| *byte == b'\n').context("it has no head")?;
    let head = std::str::from_utf8(&ppm[..head_end])?;
    let numbers: Vec<usize> = head.split(' ').skip(1).filter_map(|n| n.parse().ok()).collect();
    let &[width, height, 255] = numbers.as_slice() else { bail!("its head is {head:?}") };
    let pixels = &ppm[head_end + 1..];
    if pixels.len() != width * height * 3 || width == 0 {
        bail!("it has {} bytes for {width} x {height}", pixels.len());
    }
    let mut rows = Vec::with_capacity(pixels.len() + height);
    for row in pixels.chunks_exact(width * 3) {
        // Filter 1: each byte less the one a pixel before, which packs flat colours well.
        rows.push(1);
        rows.extend_from_slice(&row[..3]);
        rows.extend((3..row.len()).map(|i| row[i].wrapping_sub(row[i - 3])));
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend(u32::try_from(width)?.to_be_bytes());
    header.extend(u32::try_from(height)?.to_be_bytes());
    // Eight bits of red, green and blue; the only methods that there are; not interlaced.
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &header)?;
    chunk(&mut png, b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(&rows, 8))?;
    chunk(&mut png, b"IEND", &[])?;
    Ok(png)
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) -> Result<()> {
    png.extend(u32::try_from(data.len())?.to_be_bytes());
    png.extend(kind);
    png.extend(data);
    png.extend(crc(kind.iter().chain(data)).to_be_bytes());
    Ok(())
}

/// The checksum of PNG: ISO 3309, reflected, polynomial 0xEDB88320.
fn crc<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    !bytes.fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_becomes_a_png() {
        assert_eq!(crc(b"123456789".iter()), 0xCBF4_3926, "the check value of this checksum");
        let png = to_png(b"P6 2 1 255\n\x01\x02\x03\x0a\x0b\x0c").unwrap();
        let data = &png[8 + 25..];
        let length = u32::from_be_bytes([data[0], data[1], data[2], data[3]]) as usize;
        let rows = miniz_oxide::inflate::decompress_to_vec_zlib(&data[8..8 + length]).unwrap();
        assert_eq!(rows, [1, 1, 2, 3, 9, 9, 9]);
        for bad in [&b"P6 2 1 255\n\x01"[..], b"", b"P6 0 0 255\n", b"P5\n"] {
            assert!(to_png(bad).is_err());
        }
    }
}
