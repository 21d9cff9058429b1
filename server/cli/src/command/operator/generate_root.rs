//! `keyward operator generate-root`: a root token for a quorum of unseal keys.

use clap::Args;
use keyward_api::sys::{
    BeginRootGeneration, CancelRootGeneration, ReadRootGeneration, RootGenerationStatus,
    UpdateRootGeneration,
};
use keyward_crypto::{SecretString, encoding, random};

use super::{Step, answered, pgp, row, shown};
use crate::{
    arguments::Format,
    error::{Error, Outcome},
    io::trimmed,
    json::Json,
    output,
    session::Session,
};

/// Make a root token, with a quorum of the unseal keys
///
/// For when no token is left that may do what must be done. One operator begins and is shown a
/// one-time password (OTP); then each holder of an unseal key runs the command and gives it. The
/// last of them is shown the token, encoded, and the password decodes it. With -pgp-key it is
/// encrypted to that key instead. Needs no token.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward operator generate-root -init            shows the nonce and the OTP
  keyward operator generate-root -init -pgp-key=ada.asc
                                                  the token is for \"base64 -d | gpg -d\"
  keyward operator generate-root                  ask for an unseal key
  keyward operator generate-root -nonce=NONCE - < key.txt
  keyward operator generate-root -decode=ENCODED -otp=OTP
  keyward operator generate-root -status
  keyward operator generate-root -cancel")]
pub(crate) struct GenerateRoot {
    /// The key, or - for standard input; on the command line other users can see it.
    key: Option<String>,
    #[command(flatten)]
    step: Step,
    /// Decode an encoded token with -otp, and print it; - for standard input.
    #[arg(long, value_name = "ENCODED", group = "mode")]
    decode: Option<String>,
    /// Print a password that -init takes.
    #[arg(long, group = "mode")]
    generate_otp: bool,
    /// The password: of your own with -init, that of the attempt with -decode.
    #[arg(long)]
    otp: Option<String>,
    /// With -init: a file with the OpenPGP public key that the token is encrypted to, armored or
    /// binary.
    #[arg(long, value_name = "FILE", requires = "init", conflicts_with = "otp")]
    pgp_key: Option<String>,
    /// The nonce of the attempt, shown when it began; needed if the key is not asked for.
    #[arg(long)]
    nonce: Option<String>,
}

impl GenerateRoot {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        if let Some(encoded) = &self.decode {
            return decode(session, encoded, self.otp);
        }
        if self.generate_otp {
            return generate_otp(session).await;
        }
        match self.step {
            Step { init: true, .. } => begin(session, self.otp, self.pgp_key).await,
            Step { cancel: true, .. } => {
                let request = CancelRootGeneration::default();
                let doing = "canceling root token generation";
                session.call(doing, "sys", &request).await?;
                session.success("Root token generation canceled (if it was started)")
            }
            Step { status: true, .. } => {
                let status = read(session).await?;
                show(session, &status)
            }
            Step { .. } => self.give(session).await,
        }
    }

    async fn give(self, session: &mut Session<'_, '_>) -> Outcome {
        let status = read(session).await?;
        if !status.started {
            return Err(Error::local(format!(
                "No root generation is in progress. Start a root generation by running \"keyward \
                 operator generate-root -init\".\nIf starting root generation using the OTP method \
                 and generating your own OTP, the length of the OTP string needs to be {} \
                 characters in length.",
                status.otp_length
            )));
        }
        let named = "Root generation operation nonce";
        let key = self.key.as_deref();
        let (key, nonce) = super::share(session, key, self.nonce, &status.nonce, named)?;
        let request = UpdateRootGeneration {
            key: Some(key.into()),
            nonce: Some(nonce),
        };
        let given = session.call("posting unseal key", "sys", &request).await?;
        show(session, &answered(given)?)
    }
}

async fn read(session: &Session<'_, '_>) -> Outcome<RootGenerationStatus> {
    let request = ReadRootGeneration::default();
    let doing = "getting root generation status";
    answered(session.call(doing, "sys", &request).await?)
}

async fn begin(
    session: &mut Session<'_, '_>,
    otp: Option<String>,
    pgp_key: Option<String>,
) -> Outcome {
    let request = BeginRootGeneration {
        otp: otp.map(|otp| SecretString::new(otp).into()),
        pgp_key: pgp_key.as_deref().map(pgp::read).transpose()?,
    };
    let doing = "initializing root generation";
    let begun = answered(session.call(doing, "sys", &request).await?)?;
    // EXPOSE: only emptiness is looked at.
    if !begun.otp.expose().is_empty() && session.format == Format::Table {
        session.io.complain(
            "A One-Time-Password has been generated for you and is shown in the OTP field.\n\
             You will need this value to decode the resulting root token, so keep it safe.\n",
        );
    }
    show(session, &begun)
}

async fn generate_otp(session: &mut Session<'_, '_>) -> Outcome {
    let length = read(session).await?.otp_length;
    let otp = random::generate_text(length);
    match session.format {
        // EXPOSE: shown once to the operator who asked.
        Format::Table => session.show_field(&Json::text(otp.expose())),
        Format::Json | Format::Yaml => session.show_value(&Json::object([
            ("otp", Json::Text(otp)),
            ("otp_length", Json::Number(length.to_string())),
        ])),
    }
}

/// Opens an encoded token with its password; no server is asked.
fn decode(session: &mut Session<'_, '_>, encoded: &str, otp: Option<String>) -> Outcome {
    let otp = otp.ok_or_else(|| Error::local("Missing otp: use -otp to supply it"))?;
    let otp = SecretString::new(otp);
    let encoded = match encoded {
        "-" => trimmed(&session.io.read_all()?),
        encoded => SecretString::from(encoded),
    };
    let token = opened(&encoded, &otp)?;
    match session.format {
        Format::Table => session.show_field(&Json::Text(token)),
        Format::Json | Format::Yaml => {
            session.show_value(&Json::object([("token", Json::Text(token))]))
        }
    }
}

/// Returns what the password hides: base64 without padding of the token XOR the password.
fn opened(encoded: &SecretString, otp: &SecretString) -> Outcome<SecretString> {
    let fault = |why: &str| Error::local(format!("Error decoding root token: {why}"));
    // EXPOSE: padded, decoded and unmasked into the token.
    let (encoded, otp) = (encoded.expose().trim_end_matches('='), otp.expose());
    let padding = "=".repeat((4 - encoded.len() % 4) % 4);
    let hidden = encoding::decode(format!("{encoded}{padding}"))
        .map_err(|error| fault(&error.to_string()))?;
    // EXPOSE: unmasked into the token.
    let hidden = hidden.expose();
    if hidden.len() != otp.len() {
        return Err(fault("the OTP is not as long as the token"));
    }
    let token = hidden
        .iter()
        .zip(otp.bytes())
        .map(|(byte, mask)| byte ^ mask);
    let token = String::from_utf8(token.collect()).map_err(|_| fault("this is not its OTP"))?;
    Ok(SecretString::new(token))
}

fn show(session: &mut Session<'_, '_>, status: &RootGenerationStatus) -> Outcome {
    if session.format != Format::Table {
        return session.show_value(&shown(status)?);
    }
    let mut rows = vec![
        row("Nonce", &status.nonce),
        row("Started", status.started),
        row(
            "Progress",
            format!("{}/{}", status.progress, status.required),
        ),
        row("Complete", status.complete),
    ];
    // EXPOSE: shown once to the operator who asked.
    let (token, otp) = (status.encoded_token.expose(), status.otp.expose());
    if !status.pgp_fingerprint.is_empty() {
        rows.push(row("PGP Fingerprint", &status.pgp_fingerprint));
    }
    if !token.is_empty() {
        rows.push(row("Encoded Token", token));
    }
    if !otp.is_empty() {
        rows.push(row("OTP", otp));
    }
    if status.otp_length > 0 {
        rows.push(row("OTP Length", status.otp_length));
    }
    Ok(session.io.print(&output::pairs(rows))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_the_peer_encoded_is_decoded() {
        let encoded = SecretString::from("S2ByQmFTTE8AUQwBJzsBRgcDFgQhBzUhOkI");
        let otp = SecretString::from("8NCu09t8ad9VvUK6aYP1f3cTr5");
        let token = opened(&encoded, &otp).unwrap();
        assert_eq!(token.expose(), "s.17Qj8wa55WQnJpfZF5G4VuHw");
    }

    #[test]
    fn what_is_no_encoded_token_is_refused() {
        let otp = SecretString::from("8NCu09t8ad9VvUK6aYP1f3cTr5");
        for encoded in ["", "S2By", "S2ByQmFTTE8AUQwBJzsBRgcDFgQhBzUhOkI!"] {
            assert!(opened(&SecretString::from(encoded), &otp).is_err());
        }
    }
}
