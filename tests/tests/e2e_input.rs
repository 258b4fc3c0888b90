//! What a person gets wrong is refused with place, reason and correction, and everything else goes on.

use tests::harness::{Config, SOON, Tocsin, World};

/// A configuration that is right, and the lines that make it wrong, with what has to be said about them.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_refused_with_line_key_and_correction() {
    let world = World::with_discovery().await;
    let cases: &[(&str, &[&str])] = &[
        ("[slack2]\n", &["slack2", "slack"]),
        ("[schedule]\noverride = 5\n", &["override"]),
        ("[schedule]\noverride = \"every 5 parsecs\"\n", &["override", "every"]),
        ("[[regions]]\nname = \"eu-west-1\"\n", &["eu-west-1", "already"]),
        ("[[regions]]\nname = \"EU West\"\n", &["EU West", "eu-west"]),
        ("[authentication]\nuser = \"${NOT_THERE}\"\npassword = { env = \"NOT_THERE\" }\n", &["NOT_THERE"]),
        ("[[teams.devops]]\nname = \"Linus\"\nphone = \"0151 1234\"\n", &["0151 1234", "+"]),
    ];
    for (extra, parts) in cases {
        let config = Config { extra: (*extra).to_owned(), ..world.config() };
        let refused = Tocsin::run(&config, world.path(), &["validate"]).await;
        refused.assert_code(2).assert_says(parts);
        // The first line that is ours to blame is the first of `extra`, or one after it.
        let text = std::fs::read_to_string(world.path().join("tocsin.toml")).unwrap();
        let line = text[..text.rfind(extra).unwrap()].matches('\n').count() + 1;
        let named = (line..line + extra.matches('\n').count() + 1)
            .any(|line| refused.output().contains(&format!("tocsin.toml:{line}:")));
        assert!(named, "no line from {line} is named:\n{}", refused.output());
        Tocsin::run(&config, world.path(), &["up"]).await.assert_code(2).assert_says(parts);
    }
}

const BAD_SCRIPTS: &[(&str, &str, &[&str])] = &[
    (
        "no-parse",
        "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ schedule: \"every 1s\" run() {} });\n",
        &["no-parse.check.js:2:"],
    ),
    (
        "no-export",
        "import { defineCheck } from \"tocsin\";\ndefineCheck({ schedule: \"every 1s\", run() {} });\n",
        &["no-export.check.js", "export default"],
    ),
    (
        "no-such-day",
        "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ schedule: \"0 0 31 2 *\", async run() {} });\n",
        &["no-such-day.check.js", "0 0 31 2 *"],
    ),
    (
        "no-such-secret",
        "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ schedule: \"every 1s\", secrets: [\"MOTHERS_MAIDEN_NAME\"], async run() {} });\n",
        &["no-such-secret.check.js", "MOTHERS_MAIDEN_NAME"],
    ),
    (
        "no-such-module",
        "import { defineCheck } from \"tocsin\";\nimport { x } from \"./nowhere.js\";\nexport default defineCheck({ schedule: \"every 1s\", async run() { x(); } });\n",
        &["no-such-module.check.js", "nowhere.js"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_script_is_named_and_the_others_go_on() {
    let world = World::with_discovery().await;
    for (id, script, _) in BAD_SCRIPTS {
        world.write_check(id, script);
    }
    let validated = Tocsin::run(&world.config(), world.path(), &["validate"]).await;
    assert_ne!(validated.status.code(), Some(0), "{}", validated.output());
    for (_, _, parts) in BAD_SCRIPTS {
        validated.assert_says(parts);
    }

    let tocsin = world.up().await;
    tocsin.passes("discovery").await;
    let page = tocsin.page("/").await;
    assert!(page.contains("discovery"), "{page}");
    for (id, _, _) in BAD_SCRIPTS {
        assert!(page.contains(&format!("{id}.check.js")), "the page does not show that {id} is refused:\n{page}");
    }
    // Nobody looks at a page that nobody opens: each is told once, in the channel that wakes nobody.
    world
        .slack_until("a post for each bad script", |slack| {
            let named = |parts: &[&str]| {
                slack.posts("#p2").any(|post| parts.iter().all(|part| post.everything().contains(part)))
            };
            BAD_SCRIPTS.iter().all(|(_, _, parts)| named(parts))
        })
        .await;
    tocsin.stop().await;
    assert_eq!(world.slack.posts("#p2").len(), BAD_SCRIPTS.len(), "{:#?}", world.slack.posts("#p2"));
    assert_eq!(world.slack.posts("#p1").len(), 0, "a script that does not load is no P1");
    assert_eq!(world.twilio.messages().len(), 0, "a script that does not load wakes nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_script_fails_alone_and_says_what_happened() {
    let world = World::with_discovery().await;
    let check = |timeout: &str, body: &str| {
        format!(
            "import {{ defineCheck }} from \"tocsin\";\nexport default defineCheck({{ schedule: \"every 1s\", timeout: \"{timeout}\", async run() {{ {body} }} }});\n"
        )
    };
    world.write_check("loops", &check("1s", "for (;;) {}"));
    world.write_check("hoards", &check("5s", "const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(7));"));
    world.write_check("recurses", &check("5s", "const again = () => again() + 1; again();"));
    world.write_check(
        "floods",
        &check(
            "10s",
            "for (let i = 0; i < 1e4; i++) console.log(\"flood \".repeat(100)); throw new Error(\"after the flood\");",
        ),
    );
    let tocsin = world.up_with(&Config { regions: 1, ..world.config() }).await;
    for check in ["loops", "hoards", "recurses", "floods"] {
        tocsin.failed_in_a_row(check, 1).await;
    }
    tocsin.passes("discovery").await;
    let status = tocsin.status().await;
    let said = [
        ("loops", "ran for 1 s"),
        ("hoards", "64 MiB of memory"),
        ("recurses", "call stack"),
        ("floods", "after the flood"),
    ];
    for (check, says) in said {
        let row = status["checks"].as_array().unwrap().iter().find(|row| row["id"] == check).unwrap();
        let recent = row["cells"].as_array().unwrap().iter().flat_map(|cell| cell["recent"].as_array().unwrap());
        let failed: Vec<_> = recent.filter(|run| run["verdict"] == "failed").collect();
        assert!(!failed.is_empty(), "{check}: {row}");
        for run in failed {
            assert_eq!(run["class"], "script", "{check}: {run}");
            assert!(run["message"].as_str().unwrap().contains(says), "{check}: {run}");
        }
    }
    tocsin.stop().await;
    assert_eq!(world.slack.posts("#p1").len(), 0, "none of this is the target's fault");
    assert_eq!(world.twilio.messages().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_leave_the_sandbox_redacted() {
    let world = World::new().await;
    world.write_check(
        "leaks",
        r#"
import { defineCheck } from "tocsin";
export default defineCheck({
  schedule: "every 1s",
  secrets: ["LOGIN_PASSWORD"],
  async run({ secrets }) {
    console.log(`the password is ${secrets.LOGIN_PASSWORD}`);
    throw new Error(`refused: ${secrets.LOGIN_PASSWORD}`);
  },
});
"#,
    );
    let tocsin = world.up().await;
    world.slack.wait_until("the P2 post", SOON, |slack| slack.posts("#p2").count() == 1).await;
    let page = format!("{}{}", tocsin.page("/").await, tocsin.status().await);
    let finished = tocsin.stop().await;
    let post = world.only_post("#p2").everything();
    assert!(post.contains("refused: "), "{post}");
    for (place, text) in [("the post", post), ("the page", page), ("the log", finished.output())] {
        assert!(!text.contains("correct-horse-battery-staple"), "the password is in {place}:\n{text}");
    }
}
