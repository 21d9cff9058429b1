//! Random bytes and hashes, as transit has them, without a mount.

use serde::{Deserialize, Serialize};

use crate::transit::{Hash, Hashed, MakeRandom, RandomBytes};

/// `POST sys/tools/random[/:source][/:bytes]`: makes random bytes.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SystemRandom(pub MakeRandom);
crate::endpoint!(SystemRandom {} => RandomBytes:
    Update "tools/random/{source?}/{urlbytes?}" as "tools/random");

/// `POST sys/tools/hash[/:algorithm]`: hashes data.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SystemHash(pub Hash);
crate::endpoint!(SystemHash {} => Hashed:
    Update "tools/hash/{algorithm?}" as "tools/hash");
