//! What a method says, what Okta is asked, and which of its answers are believed.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn request() -> CreateOktaMfaMethod {
    CreateOktaMfaMethod {
        org_name: Some("dev-262778".to_owned()),
        api_token: Some(Sensitive::new("0081u7KrReNk".to_owned())),
        ..CreateOktaMfaMethod::default()
    }
}

fn okta(primary_email: bool) -> Okta {
    let primary_email = Some(primary_email);
    Okta::configure(CreateOktaMfaMethod {
        primary_email,
        ..request()
    })
    .unwrap()
}

#[test]
fn what_is_missing_is_refused_in_vaults_order_and_words() {
    for (org_name, api_token, told) in [
        (None, None, "org_name must be set"),
        (Some(""), Some("t"), "org_name must be set"),
        (Some("o"), None, "api_token must be set"),
        (Some("o"), Some(""), "api_token must be set"),
    ] {
        let configured = Okta::configure(CreateOktaMfaMethod {
            org_name: org_name.map(str::to_owned),
            api_token: api_token.map(|token| Sensitive::new(token.to_owned())),
            ..CreateOktaMfaMethod::default()
        });
        let refused = configured.err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), Some(told));
    }
}

#[test]
fn an_organization_is_a_host_below_a_domain() {
    for (org_name, base_url, production, root) in [
        ("dev-1", None, None, "https://dev-1.okta.com/"),
        ("dev-1", None, Some(true), "https://dev-1.okta.com/"),
        ("dev-1", None, Some(false), "https://dev-1.oktapreview.com/"),
        ("dev-1", Some(""), None, "https://dev-1.okta.com/"),
        (
            "Acme",
            Some("okta-emea.com"),
            None,
            "https://acme.okta-emea.com/",
        ),
        (
            "id",
            Some("corp.example:8443"),
            Some(false),
            "https://id.corp.example:8443/",
        ),
    ] {
        let okta = Okta::configure(CreateOktaMfaMethod {
            org_name: Some(org_name.to_owned()),
            base_url: base_url.map(str::to_owned),
            production,
            ..request()
        });
        assert_eq!(okta.unwrap().root().unwrap().as_str(), root);
    }
    for (org_name, base_url) in [
        ("evil.example/", "okta.com"),
        ("evil.example#", "okta.com"),
        ("evil.example?", "okta.com"),
        ("evil.example:443", "okta.com"),
        ("user@evil", "okta.com"),
        ("https://dev-1", "okta.com"),
        ("a b", "okta.com"),
        ("o", "okta.com/"),
        ("o", "okta.com:port"),
        ("o", "u@okta.com"),
        ("o", "a\\b"),
        ("o", " "),
    ] {
        let configured = Okta::configure(CreateOktaMfaMethod {
            org_name: Some(org_name.to_owned()),
            base_url: Some(base_url.to_owned()),
            ..request()
        });
        let refused = configured.err().map(|error| error.to_string());
        let told = "org_name.base_url is no hostname";
        assert_eq!(refused.as_deref(), Some(told), "{org_name} {base_url}");
    }
}

#[test]
fn the_token_is_not_shown_and_production_only_without_a_domain() {
    let wanted = json!({ "base_url": "okta.com", "mount_accessor": "", "org_name": "dev-262778" });
    assert_eq!(Value::Object(okta(true).shown()), wanted);
    for (production, shown) in [(Some(false), false), (Some(true), true), (None, true)] {
        let base_url = production.is_none().then(String::new);
        let okta = Okta::configure(CreateOktaMfaMethod {
            base_url,
            production,
            ..request()
        });
        let wanted = json!({ "mount_accessor": "", "org_name": "dev-262778", "production": shown });
        assert_eq!(Value::Object(okta.unwrap().shown()), wanted);
    }
}

#[test]
fn only_a_transaction_of_the_factor_at_the_same_host_is_followed() {
    let factor = okta(false).at("/api/v1/users/00u1/factors/opf3").unwrap();
    let good =
        "https://dev-262778.okta.com/api/v1/users/00u1/factors/opf3/transactions/v2mst.G1_-eA";
    assert_eq!(transaction(&factor, good).unwrap().as_str(), good);
    let same = good
        .replace("dev", "DEV")
        .replace("okta.com", "okta.com:443");
    assert_eq!(transaction(&factor, &same).unwrap().as_str(), good);
    for (what, by) in [
        ("https:", "http:"),
        ("okta.com", "okta.com.evil.example"),
        ("okta.com", "okta.com:8443"),
        ("dev-262778.", "dev-262778.okta.com@evil."),
        ("00u1", "00u2"),
        ("opf3", "opf4"),
        ("opf3", "opf3/../opf4"),
        ("v2mst.G1_-eA", ""),
        ("v2mst.G1_-eA", ".."),
        ("v2mst.G1_-eA", "%2e%2e/x"),
        ("v2mst.G1_-eA", "../../opf4/transactions/mst1"),
        ("v2mst.G1_-eA", "mst1?x=y"),
        ("v2mst.G1_-eA", "mst1#x"),
        ("v2mst.G1_-eA", "mst1/x"),
        (good, "/api/v1/users/00u1/factors/opf3/transactions/mst1"),
        (good, ""),
    ] {
        let href = good.replace(what, by);
        let Failed(why) = transaction(&factor, &href).unwrap_err();
        assert_eq!(
            why, "it told of a push that is none of this user's",
            "{href}"
        );
    }
}

#[test]
fn an_id_is_one_part_of_a_path() {
    let read = |id: &str| serde_json::from_value::<Id>(id.into());
    for id in [
        "00ub0oNGTSWTBKOLGLNR",
        "v2mst.GldKV5VxTrifyeZmWSQguA",
        "a-_",
        &"x".repeat(128),
    ] {
        assert_eq!(read(id).unwrap().0, id);
    }
    for id in [
        "",
        ".",
        "..",
        ".a",
        "a/b",
        "a?b",
        "a%2Fb",
        "ä",
        &"x".repeat(129),
    ] {
        assert!(read(id).is_err(), "{id:?}");
    }
}

proptest! {
    /// Whatever a name holds, it is one value of one filter.
    #[test]
    fn no_name_widens_the_search(username in "\\PC*|[\"\\\\/?#&=.%+ ()\r\n\\x00a-z]*", email: bool) {
        let url = okta(email).find(&username).unwrap();
        prop_assert_eq!(url.origin(), okta(email).root().unwrap().origin());
        prop_assert_eq!(url.path(), "/api/v1/users");
        prop_assert_eq!(url.fragment(), None);
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let [(first, filter), (second, limit)] = pairs.as_slice() else {
            panic!("{url}");
        };
        prop_assert_eq!((first.as_str(), second.as_str(), limit.as_str()), ("filter", "limit", "2"));
        let start = if email { "profile.email eq " } else { "profile.login eq " };
        let value = filter.strip_prefix(start).unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(value).unwrap(), username);
    }
}
