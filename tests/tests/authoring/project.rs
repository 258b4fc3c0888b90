//! A folder with one check for each way that a run can end.

use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tests::harness::{AuthStack, Config, Finished, Tocsin};

pub const PASSING: &str = r#"
import { defineCheck, expect, step } from "tocsin";
export default defineCheck({
  description: "The provider describes itself",
  schedule: "every 30s",
  tags: ["discovery"],
  async run({ vars }) {
    await step("discovery", async () => {
      expect(await fetch(`${vars.AUTH_URL}/.well-known/openid-configuration`)).toBeOk();
    });
  },
});
"#;

/// The password is another one than the provider's, and the answer's body is read by nobody.
pub const FAILING: &str = r#"
import { defineCheck, step } from "tocsin";
import { tokens } from "./lib/tokens.ts";
export default defineCheck({
  schedule: "every 30s",
  tags: ["login"],
  secrets: ["LOGIN_PASSWORD"],
  async run({ vars, secrets }) {
    await step("sign in", async () => {
      await tokens(vars, `${secrets.LOGIN_PASSWORD}-of-yesterday`);
    });
  },
});
"#;

const TOKENS: &str = r#"
import { expect } from "tocsin";
export async function tokens(vars: Readonly<Record<string, string>>, password: string): Promise<void> {
  const response = await fetch(`${vars.AUTH_URL}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "password", client_id: vars.NATIVE_CLIENT_ID, username: vars.USER_EMAIL, password }),
  });
  expect(response).toBeOk();
}
"#;

const SKIPPING: &str = r#"
import { defineCheck, skip } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  run() {
    skip("maintenance # of the target, until <noon> & not longer");
  },
});
"#;

const REFUSED: &str =
    "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ schedule: \"every 30s\" run() {} });\n";

/// Passes at its second attempt.
const FLAKY: &str = r#"
import { defineCheck, expect } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  tags: ["flaky"],
  run({ attempt }) {
    expect(attempt, "the attempt").toBe(1);
  },
});
"#;

pub struct Project {
    pub stack: AuthStack,
    pub folder: TempDir,
}

impl Project {
    /// With the checks `passes`, `fails`, `skips` and `refused`.
    pub async fn with_every_ending() -> Self {
        let project = Self::empty().await;
        project.write("passes.check.ts", PASSING);
        project.write("fails.check.ts", FAILING);
        project.write("lib/tokens.ts", TOKENS);
        project.write("skips.check.ts", SKIPPING);
        project.write("refused.check.ts", REFUSED);
        project
    }

    pub async fn with_a_flaky_check() -> Self {
        let project = Self::empty().await;
        project.write("flaky.check.ts", FLAKY);
        project
    }

    pub async fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::create_dir(folder.path().join("checks")).expect("a test's own folder can be written");
        Self { stack: AuthStack::start(folder.path()).await, folder }
    }

    pub fn checks(&self) -> PathBuf {
        self.folder.path().join("checks")
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.checks().join(name);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a test's own folder");
        std::fs::write(path, text).expect("a test's own folder can be written");
    }

    pub fn config(&self) -> Config {
        Config { regions: 1, ..Config::new(self.checks(), &self.stack) }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub async fn run(&self, arguments: &[&str]) -> Finished {
        Tocsin::run(&self.config(), self.path(), arguments).await
    }
}
