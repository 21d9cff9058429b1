//! Random bytes and hashes, for which no key is needed: what transit and `sys/tools` have in common.

use keyward_api::{
    Sensitive,
    transit::{Hash, Hashed, MakeRandom, RandomBytes},
};
use keyward_crypto::{HashAlgorithm, SecretString, encoding};

use crate::{Error, Response};

/// The most random bytes of one call.
const MOST: i64 = 128 << 10;
/// How many there are if nobody says.
const DEFAULT: i64 = 32;
/// Where they come from if nobody says: the entropy of the system, as everything here.
const PLATFORM: &str = "platform";

/// How bytes are written.
#[derive(Clone, Copy)]
enum Format {
    Base64,
    Hex,
}

impl Format {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "base64" => Some(Self::Base64),
            "hex" => Some(Self::Hex),
            _ => None,
        }
    }
}

/// Makes random bytes.
///
/// # Errors
/// [`Error::Invalid`], in Vault's words: too many, too few, a source or format that is none.
pub fn random<'r>(request: &'r MakeRandom) -> Result<Response<RandomBytes>, Error> {
    let given = |text: &'r Option<String>| text.as_deref().filter(|text| !text.is_empty());
    let source = given(&request.source).unwrap_or(PLATFORM);
    let is_source = matches!(source, "all" | PLATFORM | "seal");
    let urlbytes = given(&request.urlbytes);
    let count = match (urlbytes, request.bytes) {
        (Some(count), _) => count_in_path(count)?,
        // One segment alone may be either.
        (None, _) if !is_source => count_in_path(source)?,
        (None, bytes) => bytes.unwrap_or(DEFAULT),
    };
    if count < 1 {
        return Err(Error::invalid("'bytes' cannot be less than 1"));
    }
    if count > MOST {
        return Err(Error::invalid(format!(
            "'bytes' should be less than {MOST}"
        )));
    }
    let format = request.format.as_deref().unwrap_or("base64");
    let format = Format::parse(format).ok_or_else(|| {
        Error::invalid(format!(
            "unsupported encoding format {format:?}; must be \"hex\" or \"base64\""
        ))
    })?;
    if urlbytes.is_some() && !is_source {
        return Err(Error::invalid(format!(
            "unsupported entropy source {source:?}; must be \"platform\" or \"seal\", or \"all\""
        )));
    }
    let bytes = keyward_crypto::random::generate_bytes(count.unsigned_abs() as usize);
    let text = match format {
        Format::Base64 => encoding::encode_secret(&bytes),
        // EXPOSE: written into a text that is wiped too.
        Format::Hex => SecretString::new(encoding::encode_hex(bytes.expose())),
    };
    let answer = Response::data(RandomBytes {
        random_bytes: Sensitive::from(text),
    });
    Ok(if source == "seal" {
        answer.warn("no seal/entropy augmentation available, using platform entropy source")
    } else {
        answer
    })
}

/// Hashes.
///
/// # Errors
/// [`Error::Invalid`], in Vault's words: no input, no base64, a hash or format that is none.
pub fn hash(request: &Hash) -> Result<Response<Hashed>, Error> {
    let input = request.input.as_ref();
    let input = input.ok_or_else(|| Error::invalid("input missing"))?;
    let message = input
        .bytes()
        .map_err(|fault| Error::invalid(format!("unable to decode input as base64: {fault}")))?;
    let format = request.format.as_deref().unwrap_or("hex");
    let format = Format::parse(format).ok_or_else(|| {
        Error::invalid(format!(
            "unsupported encoding format {format}; must be \"hex\" or \"base64\""
        ))
    })?;
    let name = request.algorithm.as_deref().unwrap_or("sha2-256");
    let algorithm: Option<HashAlgorithm> = name.parse().ok();
    let algorithm = algorithm.filter(|&algorithm| algorithm != HashAlgorithm::Sha1);
    let algorithm =
        algorithm.ok_or_else(|| Error::invalid(format!("unsupported algorithm {name}")))?;
    // EXPOSE: hashed.
    let digest = algorithm.digest(message.expose());
    Ok(Response::data(Hashed {
        sum: match format {
            Format::Base64 => encoding::encode(&digest),
            Format::Hex => encoding::encode_hex(&digest),
        },
    }))
}

fn count_in_path(text: &str) -> Result<i64, Error> {
    text.parse().map_err(|_| {
        Error::invalid(format!(
            "error parsing url-set byte count: strconv.Atoi: parsing {text:?}: invalid syntax"
        ))
    })
}
