//! The names and passwords of users that are made.

use keyward_core::{Error, Timestamp, engine::Context};
use keyward_crypto::{SecretString, random};

use super::{Databases, connections::Config};

/// The longest name of a role in PostgreSQL, in bytes (`NAMEDATALEN - 1`).
const LONGEST: usize = 63;

/// How much of the caller's and the role's name stands in the name of a user.
const PART: usize = 8;

const PASSWORD_LENGTH: usize = 20;

/// Makes a name that nobody else has: `v-DISPLAY-ROLE-RANDOM-SECONDS`.
///
/// The name of the caller is its own to choose; only such characters of it are taken as cannot end
/// a quotation in a statement.
pub(super) fn user(display_name: &str, role: &str, now: Timestamp) -> String {
    let part = |text: &str| -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        };
        text.chars().take(PART).map(plain).collect()
    };
    let random = random::generate_text(20);
    // EXPOSE: the name of a user is no secret.
    let random = random.expose();
    let (display, role, seconds) = (part(display_name), part(role), now.unix_seconds());
    let mut name = format!("v-{display}-{role}-{random}-{seconds}");
    name.truncate(LONGEST);
    name
}

/// Makes a password: one that follows the connection's policy, or 20 letters, digits and hyphens
/// with one small and one capital letter, a digit and a hyphen among them.
pub(super) async fn password(
    cx: &Context<Databases>,
    config: &Config,
) -> Result<SecretString, Error> {
    if config.password_policy.is_empty() {
        return Ok(usual_password());
    }
    let password = cx.generate_password(&config.password_policy).await;
    let password = password.map_err(|error| match error {
        Error::NotFound(_) => {
            Error::invalid("failed to generate password: no password policy found")
        }
        error => error,
    })?;
    // EXPOSE: looked at for what would end a quotation in a statement.
    if password.expose().contains(['\'', '"', '\\', '$']) {
        return Err(Error::Invalid(format!(
            "the password policy {:?} makes passwords with quotation marks, backslashes or dollar \
             signs, which cannot stand in statements",
            config.password_policy
        )));
    }
    Ok(password)
}

fn usual_password() -> SecretString {
    let alphabet: Vec<char> = ('a'..='z')
        .chain('A'..='Z')
        .chain('0'..='9')
        .chain(['-'])
        .collect();
    loop {
        let password = random::generate_text_of(&alphabet, PASSWORD_LENGTH);
        // EXPOSE: its characters are looked at; whole passwords are thrown away rather than mended,
        // so that each is equally likely.
        let text = password.expose();
        let has = |kind: fn(char) -> bool| text.chars().any(kind);
        if has(|c| c.is_ascii_lowercase())
            && has(|c| c.is_ascii_uppercase())
            && has(|c| c.is_ascii_digit())
            && has(|c| c == '-')
        {
            return password;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_has_the_form_of_vaults_and_holds_no_quotation_mark() {
        let now = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);
        let name = user("token", "readonly-all", now);
        let parts: Vec<_> = name.split('-').collect();
        assert_eq!((parts[0], parts[1], parts[2]), ("v", "token", "readonly"));
        assert_eq!((parts[3].len(), parts[4]), (20, "1700000000"));
        let name = user("a\";'$é{{x", "r", now);
        assert!(name.starts_with("v-a--------r-"), "{name}");
        assert!(user(&"x".repeat(99), &"y".repeat(99), now).len() <= LONGEST);
    }

    #[test]
    fn a_password_has_one_of_each_kind() {
        for _ in 0..100 {
            let password = usual_password();
            // EXPOSE: the test looks at it.
            let text = password.expose();
            assert_eq!(text.len(), 20);
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
            assert!(text.contains('-') && text.contains(|c: char| c.is_ascii_digit()));
        }
    }
}
