//! What is told of a panic: where it happened, and nothing else.
//!
//! **Invariant:** the message of a panic is never read. It may quote what the server works on: the
//! text that was cut in the middle of a character, the value that was not what it must be.

use std::{
    io::{self, Write as _},
    panic::{self, PanicHookInfo},
    thread,
};

use super::log;

/// Has panics of this process told by their place alone, from now on.
pub(super) fn hide_messages() {
    panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map_or_else(String::new, ToString::to_string);
    let thread = thread::current();
    let thread = thread.name().unwrap_or_default();
    if log::is_started() {
        tracing::error!(place, thread, "a panic: this is a fault of the server");
    } else {
        // There is nobody else to tell.
        let _ = writeln!(
            io::stderr(),
            "a panic at {place}: this is a fault of the server"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        future::poll_fn,
        process::{Command, Output},
        str::FromStr,
    };

    use super::*;
    use crate::config::LogConfig;

    /// Set in the process that panics.
    const ROLE: &str = "KEYWARD_TEST_OF_PANICS";
    const NAME: &str = "serve::panics::tests::a_panic_tells_its_place_and_never_its_message";
    const SECRET: &str = "s3cr3t-that-n\u{f6}body-may-see";

    /// What no text is read as; the error quotes it.
    struct Told;

    impl FromStr for Told {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, String> {
            Err(text.to_owned())
        }
    }

    /// Panics as code does that has a secret in its hands.
    fn stumble(number: u32) {
        let secret = String::from(SECRET);
        match number {
            // A message that is a text of the program, as `expect` makes one of no error.
            0 => panic!("s3cr3t-that-n\u{f6}body-may-see"),
            1 => panic!("not {secret}"),
            // In the middle of a character.
            2 => drop(secret[..14].to_owned()),
            3 => drop(secret.parse::<Told>().expect("it must be right")),
            4 => assert_eq!(secret, "right"),
            _ => panic::panic_any(secret),
        }
    }

    /// What the other process does: it stumbles without a log, then with one, and prints what a
    /// monitor shows of that.
    fn stumble_in_every_way(format: &str) {
        hide_messages();
        let stumbles = || {
            for number in 0..6 {
                assert!(thread::spawn(move || stumble(number)).join().is_err());
            }
        };
        stumbles();
        let config = LogConfig {
            level: Some("trace".to_owned()),
            format: Some(format.to_owned()),
            ..LogConfig::default()
        };
        let (log, _) = log::start(&config).unwrap();
        let mut lines = log.monitor("trace", format).unwrap();
        stumbles();
        log.end_monitors();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        runtime.block_on(async {
            while let Some(line) = poll_fn(|cx| lines.poll_line(cx)).await {
                println!("shown: {line}");
            }
        });
    }

    #[test]
    fn a_panic_tells_its_place_and_never_its_message() {
        if let Ok(format) = env::var(ROLE) {
            return stumble_in_every_way(&format);
        }
        for format in ["standard", "json"] {
            let mut process = Command::new(env::current_exe().unwrap());
            process.args(["--exact", NAME, "--nocapture"]);
            process.env(ROLE, format).env("RUST_BACKTRACE", "full");
            let Output {
                status,
                stdout,
                stderr,
            } = process.output().unwrap();
            let [shown, told] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
            assert!(status.success(), "{shown}\n{told}");
            assert!(
                !format!("{shown}{told}").contains("s3cr3t"),
                "{shown}\n{told}"
            );
            let places = |text: &str| text.matches("panics.rs:").count();
            assert_eq!(told.matches("a panic at ").count(), 6, "{told}");
            assert_eq!(places(&told), 12, "{told}");
            assert_eq!(places(&shown), 6, "{shown}");
        }
    }
}
