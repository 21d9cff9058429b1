//! The ways to log in: what each takes from the command line, and what it sends.

use keyward_api::coerce;
use keyward_crypto::SecretString;

use crate::{
    command::mount::Class,
    error::{Error, Outcome},
    io::{trimmed, without_line_end},
    json::Json,
};

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    AppRole,
    Token,
    Userpass,
}

/// What a method does to log in.
#[derive(Debug)]
pub(super) enum Request {
    /// Takes a token as it is; looks it up if asked.
    Token { token: SecretString, lookup: bool },
    /// Writes to a path, without a token.
    Write { path: String, body: Json },
}

impl Method {
    const ALL: [Self; 3] = [Self::AppRole, Self::Token, Self::Userpass];

    /// Finds a method by its type.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Says that there is no such type, and which there are.
    pub(super) fn unknown(name: &str) -> String {
        let names = Self::ALL.map(Self::name).join(", ");
        format!(
            "Unknown auth method: {name}. The command line logs in with: {names}.\n\
             Other methods take what `keyward write auth/{name}/login` sends them."
        )
    }

    fn name(self) -> &'static str {
        match self {
            Self::AppRole => "approle",
            Self::Token => "token",
            Self::Userpass => "userpass",
        }
    }

    /// Tells people how to log in.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::AppRole => APPROLE,
            Self::Token => TOKEN,
            Self::Userpass => USERPASS,
        }
    }

    /// Makes the request; `ask` is called with the name of what is secret and missing, and a prompt.
    pub(super) fn request(
        self,
        mut parameters: Parameters,
        user: Option<&str>,
        ask: impl FnOnce(&str, &str) -> Outcome<SecretString>,
    ) -> Outcome<Request> {
        let mount = parameters.take_text("mount");
        let mount = mount.as_deref().unwrap_or(self.name());
        let mount = Class::Auth.own_path(mount);
        match self {
            Self::AppRole => {
                if parameters.0.iter().all(|(name, _)| name != "role_id") {
                    return Err(missing("role_id"));
                }
                // A role may ask for no secret: then it is left empty.
                let secret = parameters.secret("secret_id", "Secret ID (will be hidden): ", ask)?;
                if let Some(secret) = secret {
                    parameters.set("secret_id", Json::Text(secret));
                }
                Ok(parameters.write(format!("auth/{mount}/login")))
            }
            Self::Token => {
                let token = parameters.secret("token", "Token (will be hidden): ", ask)?;
                let lookup = parameters.take_text("lookup");
                let lookup = lookup.as_deref().map_or(Some(true), coerce::parse_flag);
                let lookup = lookup.ok_or_else(|| {
                    Error::local("Error authenticating: 'lookup' must be true or false")
                })?;
                let token = token.map(|token| trimmed(&token));
                // EXPOSE: only whether it is empty is looked at.
                let token = token.filter(|token| !token.expose().is_empty());
                let token =
                    token.ok_or_else(|| Error::local("Error authenticating: missing token"))?;
                Ok(Request::Token { token, lookup })
            }
            Self::Userpass => {
                let name = parameters.take_text("username").or(user.map(str::to_owned));
                let name = name.ok_or_else(|| missing("username"))?;
                let password = parameters.secret("password", "Password (will be hidden): ", ask)?;
                let password = password.ok_or_else(|| missing("password"))?;
                parameters.set("password", Json::Text(password));
                Ok(parameters.write(format!("auth/{mount}/login/{name}")))
            }
        }
    }
}

/// Says what a method cannot do without.
pub(super) fn missing(name: &str) -> Error {
    Error::local(format!("Error authenticating: '{name}' must be specified"))
}

/// What a method is given, by name.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, Json)>);

impl Parameters {
    /// Takes what was read from the command line.
    pub(super) fn of(data: Option<Json>) -> Self {
        match data {
            Some(Json::Object(entries)) => Self(entries),
            _ => Self(Vec::new()),
        }
    }

    /// Sets one, whatever was given before.
    pub(super) fn set(&mut self, name: &str, value: Json) {
        self.take(name);
        self.0.push((name.to_owned(), value));
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes one that is no secret; an empty one is as good as none.
    fn take_text(&mut self, name: &str) -> Option<String> {
        let text = self.take(name)?.shown();
        (!text.is_empty()).then_some(text)
    }

    /// Takes a secret, or asks for it; an empty one is none.
    fn secret(
        &mut self,
        name: &str,
        prompt: &str,
        ask: impl FnOnce(&str, &str) -> Outcome<SecretString>,
    ) -> Outcome<Option<SecretString>> {
        let secret = match self.take(name) {
            Some(Json::Text(text)) => without_line_end(&text),
            Some(other) => SecretString::new(other.shown()),
            None => ask(name, prompt)?,
        };
        // EXPOSE: only whether it is empty is looked at.
        Ok((!secret.expose().is_empty()).then_some(secret))
    }

    fn write(self, path: String) -> Request {
        let body = Json::Object(self.0);
        Request::Write { path, body }
    }
}

const APPROLE: &str = "\
Usage: keyward login -method=approle [KEY=VALUE ...]

Log in as a machine: with the id of a role, and a secret id that was made for it.

Parameters:
  role_id      The id of the role: keyward read auth/approle/role/NAME/role-id
  secret_id    The secret id, made by: keyward write -f auth/approle/role/NAME/secret-id
               Asked for if not given; empty for a role that asks for none.
  mount        Where the method is mounted, as with -path; approle if not given.

Examples:
  keyward login -method=approle role_id=$ROLE_ID
  keyward login -method=approle role_id=$ROLE_ID secret_id=@/run/secrets/id
  keyward login -method=approle -path=machines role_id=$ROLE_ID secret_id=- < secret.txt";

const TOKEN: &str = "\
Usage: keyward login [TOKEN | KEY=VALUE ...]

Check a token that you have, and keep it.

Parameters:
  token        The token, or - for standard input. Asked for if not given.
  lookup       false keeps the token without asking the server about it.

Examples:
  keyward login
  echo $TOKEN | keyward login -
  keyward login lookup=false token=@token.txt";

const USERPASS: &str = "\
Usage: keyward login -method=userpass [KEY=VALUE ...]

Log in with a name and a password that the server keeps.

Parameters:
  username     The name; that of LOGNAME or USER if not given.
  password     The password. Asked for if not given.
  mount        Where the method is mounted, as with -path; userpass if not given.

Examples:
  keyward login -method=userpass username=alice
  keyward login -method=userpass username=alice password=- < password.txt
  keyward login -method=userpass -path=staff username=alice";

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), Json::text(*value));
        Parameters(pairs.iter().map(pair).collect())
    }

    fn asked(_: &str, _: &str) -> Outcome<SecretString> {
        Ok(SecretString::from(" typed "))
    }

    fn made(method: Method, pairs: &[(&str, &str)], user: Option<&str>) -> Result<String, String> {
        match method.request(parameters(pairs), user, asked) {
            Ok(Request::Write { path, body }) => Ok(format!("{path} {}", body.shown())),
            Ok(Request::Token { token, lookup }) => {
                // EXPOSE: compared in this test.
                Ok(format!("{} {lookup}", token.expose()))
            }
            Err(error) => Err(error.text),
        }
    }

    #[test]
    fn a_password_keeps_its_blanks_and_loses_its_line_feed() {
        let made = |password| {
            let pairs = [("username", "alice"), ("password", password)];
            made(Method::Userpass, &pairs, None).unwrap()
        };
        assert_eq!(made(" s\n"), "auth/userpass/login/alice map[password: s]");
        assert_eq!(made("s \r\n"), "auth/userpass/login/alice map[password:s ]");
    }

    #[test]
    fn a_name_that_is_not_given_is_that_of_the_user() {
        let path = |pairs: &[_], user| made(Method::Userpass, pairs, user);
        assert_eq!(
            path(&[], Some("carol")).unwrap(),
            "auth/userpass/login/carol map[password: typed ]"
        );
        assert!(
            path(&[("username", "dave")], Some("carol"))
                .unwrap()
                .contains("/dave ")
        );
        let none = path(&[("username", "")], None).unwrap_err();
        assert_eq!(none, "Error authenticating: 'username' must be specified");
    }

    #[test]
    fn what_a_method_does_not_know_goes_to_the_server() {
        let pairs = [
            ("role_id", "r"),
            ("secret_id", ""),
            ("mount", "machines"),
            ("more", "1"),
        ];
        assert_eq!(
            made(Method::AppRole, &pairs, None).unwrap(),
            "auth/machines/login map[role_id:r more:1]"
        );
        assert!(made(Method::AppRole, &[], None).is_err());
    }

    #[test]
    fn a_mount_is_the_same_with_and_without_its_class() {
        for mount in ["staff", "/staff/", "auth/staff", "auth/staff/"] {
            let pairs = [("role_id", "r"), ("secret_id", ""), ("mount", mount)];
            let made = made(Method::AppRole, &pairs, None).unwrap();
            assert_eq!(made, "auth/staff/login map[role_id:r]", "{mount}");
        }
    }

    #[test]
    fn a_token_is_looked_up_unless_told_otherwise() {
        let made = |pairs: &[_]| made(Method::Token, pairs, None);
        assert_eq!(made(&[]).unwrap(), "typed true");
        assert_eq!(
            made(&[("token", "t\n"), ("lookup", "f")]).unwrap(),
            "t false"
        );
        assert!(made(&[("token", "t"), ("lookup", "maybe")]).is_err());
        assert!(made(&[("token", " ")]).is_err());
    }

    #[test]
    fn every_method_is_found_by_its_name_and_explains_itself() {
        for method in Method::ALL {
            assert_eq!(Method::named(method.name()), Some(method));
            assert!(method.help().starts_with("Usage: keyward login"));
        }
        assert_eq!(Method::named("nope"), None);
    }
}
