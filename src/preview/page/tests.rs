use super::*;

#[test]
fn base64_is_that_of_the_rfc() {
    // RFC 4648, section 10.
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64(plain.as_bytes()), coded);
    }
}

#[test]
fn a_page_without_a_tenant_shows_what_is_wrong() {
    let notice = Notice {
        code: "tenant/not-found".to_owned(),
        severity: "error",
        message: "there is no tenant `<script>alert(1)</script>`".to_owned(),
        place: "blueprint.yaml:1:1".to_owned(),
        help: vec!["did you mean `a`?".to_owned()],
    };
    let frame = Frame { tenant: "\"><img src=x onerror=alert(1)>", notices: &[notice], stale: true, version: Some(3) };
    let page = page(None, &frame).unwrap();
    assert!(page.contains("tenant/not-found") && page.contains("did you mean &#96;a&#96;?"));
    assert!(page.contains("<meta name=\"preview-version\" content=\"3\">"));
    assert!(!page.contains("<img") && !page.contains("<script>alert"));
}

/// The digests of the policy are those of what stands in the page, or a browser would refuse both.
#[test]
fn the_policy_names_the_style_and_the_script_of_the_page() {
    let page = page(None, &Frame::default()).unwrap();
    for (open, close, directive) in [("<style>", "</style>", "style-src"), ("<script>", "</script>", "script-src")] {
        let inner = page.split(open).nth(1).unwrap().split(close).next().unwrap();
        let digest = format!("{directive} 'sha256-{}'", base64(&Sha256::digest(inner)));
        assert!(content_security_policy(false).contains(&digest));
    }
    assert!(content_security_policy(false).contains("connect-src 'none'"));
    assert!(content_security_policy(true).contains("connect-src 'self'"));
}
