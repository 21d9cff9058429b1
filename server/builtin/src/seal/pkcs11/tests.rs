//! Over SoftHSM (Debian: softhsm2), the module that is a program.

use std::{env, path::PathBuf, process::Command};

use super::*;

/// Where distributions put the module; `SOFTHSM2_LIB` names another place.
const PLACES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

const PLACE: &str = "core/root-key";

fn library() -> String {
    let named = env::var_os("SOFTHSM2_LIB").map(PathBuf::from);
    let places = PLACES.map(PathBuf::from);
    let found = named.into_iter().chain(places).find(|path| path.is_file());
    let found = found.expect("SoftHSM is missing: install softhsm2");
    found.display().to_string()
}

/// Makes a token. The module reads from the environment where they are, and `cargo xtask test`
/// gives it a folder of its own.
fn make_token(label: &str) {
    assert!(
        env::var_os("SOFTHSM2_CONF").is_some(),
        "SOFTHSM2_CONF is not set: run cargo xtask test --only pkcs11"
    );
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", label])
        .args(["--so-pin", "1234", "--pin", "4321"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)))
        .collect()
}

fn seal(lib: &str, token: &str, pairs: &[(&str, &str)]) -> Arc<dyn AutoSeal> {
    let fixed = [("lib", lib), ("token_label", token), ("pin", "4321")];
    open(&settings(&[&fixed, pairs].concat())).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn a_token_wraps_with_a_key_that_it_made_and_opens_nothing_that_was_changed() {
    make_token("one");
    let lib = library();
    let secret = SecretBytes::from(&b"a key of the server"[..]);
    let without = seal(&lib, "one", &[("key_label", "k1")]);
    let missing = without.wrap(&secret, PLACE).await.unwrap_err();
    assert_eq!(
        missing,
        SealError::Refused("the token has no key k1".to_owned())
    );
    let generating = [("key_label", "k1"), ("generate_key", "true")];
    let one = seal(&lib, "one", &generating);
    let wrapped = one.wrap(&secret, PLACE).await.unwrap();
    let opened = without.unwrap(&wrapped, PLACE).await.unwrap();
    assert!(opened.key == secret && !opened.is_stale);
    one.unwrap(&wrapped, "core/elsewhere").await.unwrap_err();
    // A later key; the earlier one still opens what it made.
    let later = [("key_label", "k2"), ("generate_key", "true")];
    let two = seal(&lib, "one", &later);
    two.wrap(&secret, PLACE).await.unwrap();
    let opened = two.unwrap(&wrapped, PLACE).await.unwrap();
    assert!(opened.key == secret && opened.is_stale);
    let read = || serde_json::from_slice::<Made>(&wrapped).unwrap();
    let mut moved = read();
    moved.key.label = Some("k2".to_owned());
    let moved = serde_json::to_vec(&moved).unwrap();
    two.unwrap(&moved, PLACE).await.unwrap_err();
    let length = encoding::decode(&read().ciphertext).unwrap().expose().len();
    for at in 0..length {
        let mut changed = read();
        let mut bytes = encoding::decode(&changed.ciphertext)
            .unwrap()
            .expose()
            .clone();
        bytes[at] ^= 1;
        changed.ciphertext = encoding::encode(&bytes);
        let changed = serde_json::to_vec(&changed).unwrap();
        one.unwrap(&changed, PLACE).await.unwrap_err();
    }

    let wrong = [
        ("lib", &lib[..]),
        ("token_label", "one"),
        ("pin", "0000"),
        ("key_label", "k1"),
    ];
    let wrong = open(&settings(&wrong)).unwrap();
    for text in ["incorrect", "is not tried again"] {
        let SealError::Refused(said) = wrong.wrap(&secret, PLACE).await.unwrap_err() else {
            panic!("a wrong PIN is a refusal")
        };
        assert!(said.contains(text), "{said}");
    }
    let gone = seal(&lib, "another", &[("key_label", "k1")]);
    let gone = gone.wrap(&secret, PLACE).await.unwrap_err();
    assert!(
        matches!(&gone, SealError::Unavailable(text) if text.ends_with("no token another")),
        "{gone}"
    );
}

#[test]
fn settings_that_name_no_key_are_refused() {
    let good = [
        ("lib", "/nowhere.so"),
        ("token_label", "t"),
        ("pin", "1"),
        ("key_label", "k"),
    ];
    open(&settings(&good)).unwrap();
    for (name, why) in [
        ("lib", "needs the setting \"lib\""),
        (
            "token_label",
            "needs the setting \"slot\" or \"token_label\"",
        ),
        ("pin", "needs the setting \"pin\""),
        ("key_label", "needs the setting \"key_label\" or \"key_id\""),
    ] {
        let others: Vec<_> = good.into_iter().filter(|(it, _)| *it != name).collect();
        let error = open(&settings(&others)).err().unwrap().to_string();
        assert!(error.ends_with(why), "{error}");
    }
    for (name, value, why) in [
        ("slot", "first", "\"slot\" must be a number, decimal or 0x…"),
        ("key_id", "xyz", "\"key_id\" must be hexadecimal"),
        (
            "mechanism",
            "0x0009",
            "the mechanism 0x0009 is not supported: it must be 0x1087, CKM_AES_GCM",
        ),
        (
            "generate_key",
            "maybe",
            "\"generate_key\" must be true or false",
        ),
    ] {
        let mut given = settings(&good);
        given.insert(name.to_owned(), SecretString::from(value));
        let error = open(&given).err().unwrap().to_string();
        assert_eq!(error, format!("seal \"pkcs11\": {why}"));
    }
}
