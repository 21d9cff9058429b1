//! The syslog device on a real socket of a daemon that the test plays.

use keyward_core::audit::{Lines, conformance::Fixture as _};

use super::*;
use crate::audit::receiver::{Place, Receiver, open};

async fn daemon(options: &[(&str, &str)]) -> Receiver {
    Receiver::start(&SYSLOG, Place::Datagrams(Place::fresh_path()), options).await
}

mod conformance {
    keyward_core::audit_conformance!(super::daemon(&[]).await.with_head_until("]: "));
}

#[tokio::test]
async fn datagrams_are_framed_as_rfc_3164_has_it() {
    let pid = std::process::id();
    for (options, head) in [
        (&[][..], format!("<38>Nov 14 22:13:20 vault[{pid}]: ")),
        (
            &[("facility", "local3"), ("tag", "keyward")],
            format!("<158>Nov 14 22:13:20 keyward[{pid}]: "),
        ),
    ] {
        let daemon = daemon(options).await;
        let lines = Lines::new(b"{\"a\":1\n{\"b\":2\n".to_vec());
        daemon.device().write(lines).await.unwrap();
        let text = daemon.raw(2).await.remove(0);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with(&format!("{head}{{\"a\":1,")), "{text}");
        assert!(lines[1].starts_with(&format!("{head}{{\"b\":2,")), "{text}");
    }
}

#[test]
fn a_day_of_one_digit_takes_two_columns() {
    let second_of_january = Timestamp::from_unix_nanos((86_400 + 3_723) * 1_000_000_000);
    assert_eq!(stamp(second_of_january), "Jan  2 01:02:03");
}

#[test]
fn every_facility_has_its_number() {
    for (name, number) in [
        ("kern", 0),
        ("AUTH", 4),
        ("ftp", 11),
        ("LOCAL0", 16),
        ("local7", 23),
    ] {
        assert_eq!(parse_facility(name).unwrap(), number);
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (pair, text) in [
        (("facility", "bla"), "invalid syslog facility: BLA"),
        (("facility", "LOCAL8"), "invalid syslog facility: LOCAL8"),
        (
            ("tag", ""),
            "tag must be one word, without control characters",
        ),
        (
            ("tag", "a b"),
            "tag must be one word, without control characters",
        ),
    ] {
        assert_eq!(open(&SYSLOG, &[pair]).err().as_deref(), Some(text));
    }
}
