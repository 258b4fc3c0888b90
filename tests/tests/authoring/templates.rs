//! `tocsin new`: each template is written once, says what comes next, and works against a real target.

use crate::project::Project;
use crate::targets::{answers, echoes, greets, resolves};
use tests::harness::{Config, Tocsin};

/// Each template with the variables that it needs beside those of every project.
async fn templates(project: &Project) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let url = project.stack.url();
    let graphql = answers(r#"{"data":{"__typename":"Query"}}"#).await;
    vec![
        ("http", vec![("SITE_URL", format!("{url}/docs"))]),
        ("login", vec![("LOGIN_URL", format!("{url}/dashboard"))]),
        ("oidc", vec![("ISSUER_URL", format!("{url}/"))]),
        ("tls", vec![("TLS_ADDRESS", format!("localhost:{}", project.stack.port()))]),
        ("dns", vec![("DNS_NAME", "www.example.com".to_owned()), ("DNS_RESOLVER", resolves().await.to_string())]),
        (
            "tcp",
            vec![
                ("TCP_ADDRESS", greets("SSH-2.0-test\r\n").await.to_string()),
                ("TCP_GREETING", "SSH-2.0-".to_owned()),
            ],
        ),
        ("graphql", vec![("GRAPHQL_URL", format!("http://{graphql}/graphql"))]),
        ("websocket", vec![("WS_URL", format!("ws://{}/", echoes().await))]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_template_is_written_once_and_works() {
    let project = Project::empty().await;
    let templates = templates(&project).await;
    let mut extra = String::new();
    for (template, vars) in templates.clone() {
        let written = project.run(&["new", template, "--template", template]).await;
        written.assert_code(0).assert_says(&["wrote ", "tocsin test ", "tocsin types "]);
        for name in vars.iter().map(|(name, _)| *name) {
            written.assert_says(&[name]);
        }
        let file = project.checks().join(format!("{template}.check.ts"));
        let text = std::fs::read_to_string(&file).unwrap();
        // Whoever has begun to work on it loses nothing.
        std::fs::write(&file, format!("{text}// mine\n")).unwrap();
        let again = project.run(&["new", template, "--template", template]).await;
        again.assert_code(2).assert_says(&["is there already"]);
        assert!(std::fs::read_to_string(&file).unwrap().ends_with("// mine\n"));
        for (name, value) in vars {
            extra.push_str(&format!("{name} = \"{value}\"\n"));
        }
    }
    let config = Config { vars: extra, ..project.config() };
    Tocsin::run(&config, project.path(), &["validate"]).await.assert_code(0);
    for (template, _) in templates {
        let ran = Tocsin::run(&config, project.path(), &["test", "--grep", &format!("^{template}$")]).await;
        ran.assert_code(0).assert_says(&["1 passed"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_no_id_is_refused_with_one_that_is() {
    let project = Project::empty().await;
    project.run(&["new", "Sign In"]).await.assert_code(2).assert_says(&["sign-in"]);
}
