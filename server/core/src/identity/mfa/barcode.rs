//! The QR code of a secret, as a PNG that every browser shows.
//!
//! The image is the secret, so that it is drawn in buffers that are wiped: black and white, one bit a
//! pixel, not compressed (PNG, ISO/IEC 15948; deflate, RFC 1951 section 3.2.4). What the library that
//! makes the code copies of the text on the way is not wiped.

use keyward_crypto::{SecretBytes, SecretString, encoding};
use qrcode::{Color, EcLevel, QrCode};

use crate::Error;

/// White modules around a QR code (ISO/IEC 18004), as far as there is room.
const QUIET: usize = 4;

/// Draws the QR code of a text, `size` pixels wide and high, and returns the PNG in base64.
///
/// # Errors
/// [`Error::Invalid`] if the size is too small for it, or the text too long for any.
pub(super) fn of(text: &SecretString, size: u32) -> Result<SecretString, Error> {
    // EXPOSE: drawn.
    let code = QrCode::with_error_correction_level(text.expose(), EcLevel::M);
    let code = code.map_err(|_| {
        Error::invalid("failed to generate QR code image: the URL does not fit into one")
    })?;
    let modules = code.width();
    let pixels = size as usize;
    if pixels < modules {
        return Err(Error::Invalid(format!(
            "failed to generate QR code image: can not scale barcode to an image smaller than \
             {modules}x{modules}"
        )));
    }
    let scale = (pixels / (modules + 2 * QUIET)).max(1);
    let margin = (pixels - scale * modules) / 2;
    let is_dark = |row: usize, column: usize| {
        let module = |pixel: usize| Some(pixel.checked_sub(margin)? / scale);
        match (module(column), module(row)) {
            (Some(x), Some(y)) if x < modules && y < modules => code[(x, y)] == Color::Dark,
            _ => false,
        }
    };
    let mut rows = Vec::with_capacity(pixels * (1 + pixels.div_ceil(8)));
    for row in 0..pixels {
        // No filter.
        rows.push(0);
        for first in (0..pixels).step_by(8) {
            let bits = (first..first + 8).map(|column| !is_dark(row, column));
            rows.push(bits.fold(0, |byte, light| byte << 1 | u8::from(light)));
        }
    }
    Ok(encoding::encode_secret(&png(size, &SecretBytes::new(rows))))
}

/// Writes a PNG of one bit a pixel.
fn png(size: u32, rows: &SecretBytes) -> SecretBytes {
    /// The most bytes of a block that is not compressed.
    const BLOCK: usize = u16::MAX as usize;
    // EXPOSE: copied into the image, which is wiped too.
    let rows = rows.expose();
    let blocks = rows.len().div_ceil(BLOCK);
    let data = 2 + 5 * blocks + rows.len() + 4;
    // The exact length, so that no outgrown buffer stays behind unwiped.
    let mut png = Vec::with_capacity(8 + (12 + 13) + (12 + data) + 12);
    png.extend_from_slice(b"\x89PNG\r\n\x1a\n");
    chunk(&mut png, b"IHDR", 13, |png| {
        png.extend_from_slice(&size.to_be_bytes());
        png.extend_from_slice(&size.to_be_bytes());
        // One bit of grey; deflate, no filter but those of rows, not interlaced.
        png.extend_from_slice(&[1, 0, 0, 0, 0]);
    });
    chunk(&mut png, b"IDAT", data, |png| {
        // Deflate with the smallest window, at the fastest (RFC 1950 section 2.2).
        png.extend_from_slice(&[0x78, 0x01]);
        for (number, block) in rows.chunks(BLOCK).enumerate() {
            png.push(u8::from(number + 1 == blocks));
            let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
            png.extend_from_slice(&length.to_le_bytes());
            png.extend_from_slice(&(!length).to_le_bytes());
            png.extend_from_slice(block);
        }
        png.extend_from_slice(&adler32(rows).to_be_bytes());
    });
    chunk(&mut png, b"IEND", 0, |_| ());
    SecretBytes::new(png)
}

/// Writes a chunk: its length, name and data, and the checksum of the last two.
fn chunk(png: &mut Vec<u8>, name: &[u8; 4], length: usize, data: impl FnOnce(&mut Vec<u8>)) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    png.extend_from_slice(&length.to_be_bytes());
    let begin = png.len();
    png.extend_from_slice(name);
    data(png);
    let sum = crc32(&png[begin..]);
    png.extend_from_slice(&sum.to_be_bytes());
}

/// The checksum of chunks (ISO/IEC 15948 annex D).
fn crc32(bytes: &[u8]) -> u32 {
    let fold = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(!0, fold)
}

/// The checksum of what is deflated (RFC 1950 section 8.2).
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "otpauth://totp/Keyward:7ef1b6a0-3a6b-4a5b-8f6b-2f1f4c9d0a11?algorithm=SHA1\
        &digits=6&issuer=Keyward&period=30&secret=HPRCTKW4I7BZPV3W2R7N5MTB7VE7DDNZ";

    /// Reads an image as others do, who have seen no line of the code above.
    fn read(image: &SecretString) -> (u32, String) {
        let image = encoding::decode(image.expose()).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(image.expose().as_slice()));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.width, info.height);
        let width = info.width as usize;
        let mut seen =
            rqrr::PreparedImage::prepare_from_greyscale(width, width, |x, y| pixels[y * width + x]);
        let [grid] = &seen.detect_grids()[..] else {
            panic!("there is one QR code");
        };
        (info.width, grid.decode().unwrap().1)
    }

    #[test]
    fn others_read_the_text_in_the_image() {
        for size in [57, 64, 200, 201, 1000] {
            let image = of(&SecretString::from(URL), size).unwrap();
            assert_eq!(read(&image), (size, URL.to_owned()));
        }
    }

    #[test]
    fn an_image_of_more_than_one_block_is_read_too() {
        let image = of(&SecretString::from(URL), 2048).unwrap();
        assert_eq!(read(&image).0, 2048);
    }

    #[test]
    fn what_does_not_fit_is_refused_without_a_word_of_it() {
        let small = of(&SecretString::from(URL), 10).unwrap_err().to_string();
        assert!(small.ends_with("smaller than 49x49"), "{small}");
        let long = SecretString::new("s".repeat(3000));
        let long = of(&long, 200).unwrap_err().to_string();
        assert!(!long.contains("sss"), "{long}");
    }

    /// What their definitions give for the text that everybody checks them with.
    #[test]
    fn the_checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }
}
