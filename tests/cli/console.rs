//! `arl console`: sign-in URLs of the AWS console.

use arl_sts::{Fault, World};

use crate::support::{DEPLOY, Run, Stage, binary};

fn console(stage: &Stage, args: &[&str]) -> Run {
    let url = stage.sts.url();
    let mut arl = stage.as_ann("arl");
    stage.run(arl.env("AWS_ENDPOINT_URL_SIGNIN", url).arg("console").args(args))
}

#[test]
fn console_prints_a_signed_in_url_of_the_service() {
    let stage = Stage::new();
    let url = console(&stage, &[DEPLOY, "--service", "ec2/v2", "--region", "eu-west-1", "--duration", "8h"])
        .success();
    let expected = "/federation?Action=login&Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fec2%2Fv2%2Fhome%3Fregion%3Deu-west-1\
                    &SigninToken=to%2Fken%2Bwith%3Dsigns\n";
    assert_eq!(url, format!("{}{expected}", stage.sts.url()));
    let request = stage.sts.requests().into_iter().find(|r| r.action == "getSigninToken").unwrap();
    assert_eq!(request.get("SessionDuration"), Some("28800"));
    // `--duration` is the console session's, so the role keeps its default.
    assert_eq!(stage.assumed()[0].get("DurationSeconds"), None);
    assert!(request.get("Session").unwrap().contains("\"sessionToken\":\""));
}

#[test]
fn a_chained_roles_console_session_ends_with_the_role() {
    let stage = Stage::new();
    let run = console(&stage, &["123456789012/Chained", "--via", DEPLOY, "--duration", "8h"]);
    assert!(run.stderr.contains("ends with the role's"), "{run:?}");
    assert!(run.success().contains("SigninToken="));
}

#[test]
fn console_errors_name_the_reason_and_print_no_url() {
    let stage = Stage::new();
    console(&stage, &[DEPLOY, "--service", "s3?x"]).failure(2, "no service");
    console(&stage, &[DEPLOY, "--signin-endpoint", "http://signin.example"]).failure(2, "plain http");
    console(&stage, &[DEPLOY, "--duration", "13h"]).failure(2, "--duration");
    assert_eq!(stage.sts.requests().len(), 0);
    stage
        .profiles("[profile dev]\nregion = x\n", "[dev]\naws_access_key_id=AKIAX\naws_secret_access_key=s\n");
    console(&stage, &["dev"]).failure(2, "long-term keys");
    for (fault, said) in [
        (Fault::Status(500), "HTTP 500"),
        (Fault::Redirect("http://127.0.0.1:1/".into()), "redirects"),
        (Fault::Malform, "without a sign-in token"),
    ] {
        stage.sts.reset();
        // The first answer, to AssumeRole, has no fault.
        stage.sts.inject(Fault::Delay(std::time::Duration::ZERO), 1);
        stage.sts.inject(fault, 1);
        let run = console(&stage, &[DEPLOY]);
        run.failure(1, said);
        assert_eq!(run.stdout, "");
    }
    stage.sts.change(|world| world.keys.get_mut(World::ANN_KEY).unwrap().revoked = true);
    console(&stage, &[DEPLOY]).failure(1, "could not assume");
}

#[test]
fn the_browser_is_redirected_and_its_arguments_hold_no_sign_in_token() {
    let stage = Stage::new();
    // A browser that writes its argument and the redirect's target to files.
    let browser = "import sys, urllib.request as r\n\
                   class Stay(r.HTTPRedirectHandler):\n\
                   \x20   def redirect_request(self, *_): return None\n\
                   open('called', 'w').write(sys.argv[1])\n\
                   try: r.build_opener(Stay).open(sys.argv[1])\n\
                   except r.HTTPError as error: open('led', 'w').write(error.headers['Location'])\n\
                   try: r.build_opener(Stay).open(sys.argv[1], timeout=5)\n\
                   except OSError as error: open('again', 'w').write('closed')\n";
    let path = stage.home.join("browser.py");
    std::fs::write(&path, browser).unwrap();
    let mut arl = stage.as_ann("arl");
    arl.args(["console", DEPLOY, "--open"]).env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url());
    arl.env("BROWSER", format!("no-such-browser:false:python3 {}", path.display()));
    let run = stage.run(&mut arl);
    assert_eq!(run.stdout, "", "{run:?}");
    assert_eq!(run.status, 0, "{run:?}");
    while !stage.home.join("again").exists() {
        std::thread::yield_now();
    }
    let read = |name: &str| std::fs::read_to_string(stage.home.join(name)).unwrap();
    assert!(
        read("called").starts_with("http://127.0.0.1:") && !read("called").contains("Signin"),
        "{}",
        read("called")
    );
    assert!(read("led").contains("&SigninToken=to%2Fken"), "{}", read("led"));

    let program = binary();
    let mut arl = stage.as_ann(&program);
    arl.args(["console", DEPLOY, "--open"])
        .env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url())
        .env("PATH", "/nowhere");
    stage.run(&mut arl).failure(1, "could not open the browser");
    let mut arl = stage.as_ann(&program);
    arl.args(["console", DEPLOY, "--open"])
        .env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url())
        .env("PATH", "/nowhere")
        .env("BROWSER", "/bin/false");
    stage.run(&mut arl).failure(1, "`/bin/false` ended with exit status: 1");
}
